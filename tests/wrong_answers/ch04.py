"""Chapter 04, CycleGAN."""

import math
import random

import torch

from wrong_answers import right, wrong


def one_logit(discriminator, size, x=None):
    x = torch.randn(1, discriminator.inputs, size, size) if x is None else x
    x.requires_grad_()
    logits = discriminator(x)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    return x.grad


@right("patch_seen")
def patch_seen(discriminator, size):
    return (one_logit(discriminator, size) != 0).any(1)[0]


@right("patch_seen")
def patch_by_autograd(discriminator, size):
    x = torch.rand(1, discriminator.inputs, size, size, requires_grad=True)
    logits = discriminator(x)[0, 0]
    (slope,) = torch.autograd.grad(logits[len(logits) // 2, len(logits[0]) // 2], x)
    return slope[0].abs().sum(0) > 0


@right("patch_seen")
def patch_by_disturbing(discriminator, size):
    """Each row is changed, then each column: what moves the logit is a rectangle."""
    x = torch.randn(1, discriminator.inputs, size, size)

    def logit(picture):
        with torch.no_grad():
            found = discriminator(picture)
        return found[0, 0, found.shape[2] // 2, found.shape[3] // 2].item()

    rows, columns = [], []
    for i in range(size):
        other = x.clone()
        other[:, :, i] = torch.randn(discriminator.inputs, size)
        rows.append(logit(other) != logit(x))
        other = x.clone()
        other[..., i] = torch.randn(discriminator.inputs, size)
        columns.append(logit(other) != logit(x))
    return torch.tensor(rows)[:, None] & torch.tensor(columns)


@wrong("patch_seen", "not the whole map")
def patch_of_the_sum(discriminator, size):
    x = torch.randn(1, discriminator.inputs, size, size, requires_grad=True)
    discriminator(x).sum().backward()
    return (x.grad != 0).any(1)[0]


@wrong("patch_seen", "pulls the logit down")
def patch_positive(discriminator, size):
    return (one_logit(discriminator, size) > 0).any(1)[0]


@wrong("patch_seen", "if any of its channels is")
def patch_first_channel(discriminator, size):
    return one_logit(discriminator, size)[0, 0] != 0


@wrong("patch_seen", "is there a threshold?")
def patch_above_a_threshold(discriminator, size):
    return (one_logit(discriminator, size).abs() > 1e-5).any(1)[0]


@wrong("patch_seen", "moves the logit a very little")
def patch_not_close(discriminator, size):
    slope = one_logit(discriminator, size)
    return ~torch.isclose(slope, torch.zeros_like(slope)).all(1)[0]


@wrong("patch_seen", "in the corner of the map")
def patch_of_the_corner(discriminator, size):
    x = torch.randn(1, discriminator.inputs, size, size, requires_grad=True)
    discriminator(x)[0, 0, 0, 0].backward()
    return (x.grad != 0).any(1)[0]


@wrong("patch_seen", "a whole row of logits")
def patch_of_a_row(discriminator, size):
    x = torch.randn(1, discriminator.inputs, size, size, requires_grad=True)
    logits = discriminator(x)
    logits[0, 0, logits.shape[2] // 2].sum().backward()
    return (x.grad != 0).any(1)[0]


@wrong("patch_seen", "make one picture of all its channels")
def patch_of_channels(discriminator, size):
    return (one_logit(discriminator, size) != 0)[0]


@wrong("patch_seen", "expected a picture of shape")
def patch_with_a_batch(discriminator, size):
    return (one_logit(discriminator, size) != 0).any(1)


@wrong("patch_seen", "you return numbers")
def patch_in_numbers(discriminator, size):
    return one_logit(discriminator, size).abs().amax(1)[0]


@wrong("patch_seen", "yes and no have changed places")
def patch_unseen(discriminator, size):
    return (one_logit(discriminator, size) == 0).all(1)[0]


@wrong("patch_seen", "at the wrong place")
def patch_beside(discriminator, size):
    x = torch.randn(1, discriminator.inputs, size, size, requires_grad=True)
    logits = discriminator(x)
    logits[0, 0, logits.shape[2] // 2 - 1, logits.shape[3] // 2 + 1].backward()
    return (x.grad != 0).any(1)[0]


@wrong("patch_seen", "some pixels that change the logit are missing")
def patch_threshold(discriminator, size):
    slope = one_logit(discriminator, size).abs().amax(1)[0]
    rows = slope > 0
    rows[: rows.any(1).nonzero()[0].item() + 1] = False
    return rows


@right("losses_of_generators")
def cycle_reference(G, F, D_A, D_B, a, b):
    fake_b, fake_a = G(a), F(b)
    losses = {
        "G": (D_B(fake_b) - 1).square().mean(),
        "F": (D_A(fake_a) - 1).square().mean(),
        "cycle": (F(fake_b) - a).abs().mean() + (G(fake_a) - b).abs().mean(),
        "identity": (G(b) - b).abs().mean() + (F(a) - a).abs().mean(),
    }
    return losses, fake_a, fake_b


@right("losses_of_generators")
def cycle_by_functions(G, F, D_A, D_B, a, b):
    l1, mse = torch.nn.functional.l1_loss, torch.nn.functional.mse_loss
    on_b, on_a = D_B(G(a)), D_A(F(b))
    losses = {"identity": l1(F(a), a) + l1(G(b), b), "cycle": l1(F(G(a)), a) + l1(G(F(b)), b)}
    losses["G"] = mse(on_b, torch.ones_like(on_b))
    losses["F"] = mse(on_a, torch.ones_like(on_a))
    return losses, F(b).detach(), G(a).detach()


def changed(**others):
    """The reference with some losses replaced by what these functions give."""

    def losses_of_generators(G, F, D_A, D_B, a, b):
        losses, fake_a, fake_b = cycle_reference(G, F, D_A, D_B, a, b)
        return losses | {name: f(G, F, D_A, D_B, a, b) for name, f in others.items()}, fake_a, fake_b

    return losses_of_generators


def mean_error(x, y):
    return (x - y).abs().mean()


@wrong("losses_of_generators", "G: each translation goes to the judge")
def cycle_judges(G, F, D_A, D_B, a, b):
    return cycle_reference(G, F, D_B, D_A, a, b)


@wrong("losses_of_generators", "taken for real")
def cycle_zero(*given):
    return changed(G=lambda G, F, D_A, D_B, a, b: D_B(G(a)).square().mean())(*given)


@wrong("losses_of_generators", "about what it drew")
def cycle_judged_real(*given):
    return changed(G=lambda G, F, D_A, D_B, a, b: (D_B(b) - 1).square().mean())(*given)


@wrong("losses_of_generators", "F: a sum over the pictures")
def cycle_summed(*given):
    return changed(F=lambda G, F, D_A, D_B, a, b: (D_A(F(b)) - 1).square().sum())(*given)


@wrong("losses_of_generators", "first all logits are averaged")
def cycle_mean_first(*given):
    return changed(G=lambda G, F, D_A, D_B, a, b: (D_B(G(a)).mean() - 1).square())(*given)


@wrong("losses_of_generators", "cycle: only what begins with a")
def cycle_one_way(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: mean_error(F(G(a)), a))(*given)


@wrong("losses_of_generators", "identity: only what begins with b")
def cycle_identity_one_way(*given):
    return changed(identity=lambda G, F, D_A, D_B, a, b: mean_error(G(b), b))(*given)


@wrong("losses_of_generators", "cycle: the errors are squared")
def cycle_squared(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: (F(G(a)) - a).square().mean() + (G(F(b)) - b).square().mean())(
        *given
    )


@wrong("losses_of_generators", "cycle: half of what it should be")
def cycle_averaged(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: (mean_error(F(G(a)), a) + mean_error(G(F(b)), b)) / 2)(*given)


@wrong("losses_of_generators", "cycle: weighted already")
def cycle_weighted(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: 10 * (mean_error(F(G(a)), a) + mean_error(G(F(b)), b)))(*given)


@wrong("losses_of_generators", "with a picture of the other kind")
def cycle_crossed(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: mean_error(F(G(a)), b) + mean_error(G(F(b)), a))(*given)


@wrong("losses_of_generators", "nothing was brought back")
def cycle_not_back(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: mean_error(G(a), a) + mean_error(F(b), b))(*given)


@wrong("losses_of_generators", "twice in a row")
def cycle_twice(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: mean_error(G(G(a)), a) + mean_error(F(F(b)), b))(*given)


@wrong("losses_of_generators", "cycle: the errors cancel")
def cycle_signed(*given):
    return changed(cycle=lambda G, F, D_A, D_B, a, b: (F(G(a)) - a).mean() + (G(F(b)) - b).mean())(*given)


@wrong("losses_of_generators", "that is already what it should make")
def cycle_identity_kind(*given):
    return changed(identity=lambda G, F, D_A, D_B, a, b: mean_error(G(a), a) + mean_error(F(b), b))(*given)


@wrong("losses_of_generators", "in the other order")
def cycle_order(*given):
    losses, fake_a, fake_b = cycle_reference(*given)
    return losses, fake_b, fake_a


@wrong("losses_of_generators", "made from b")
def cycle_brought_back(G, F, D_A, D_B, a, b):
    return cycle_reference(G, F, D_A, D_B, a, b)[0], F(G(a)), G(F(b))


@wrong("losses_of_generators", "cycle: its gradient does not reach")
def cycle_detached(*given):
    return changed(
        cycle=lambda G, F, D_A, D_B, a, b: mean_error(F(G(a).detach()), a) + mean_error(G(F(b).detach()), b)
    )(*given)


@wrong("losses_of_generators", "G: its gradient does not reach")
def cycle_cut(*given):
    return changed(G=lambda G, F, D_A, D_B, a, b: (D_B(G(a).detach()) - 1).square().mean())(*given)


@wrong("losses_of_generators", "three things are returned")
def cycle_alone(*given):
    return cycle_reference(*given)[0]


@wrong("losses_of_generators", "expected the losses G, F, cycle, identity")
def cycle_named(*given):
    losses, fake_a, fake_b = cycle_reference(*given)
    losses["cyc"] = losses.pop("cycle")
    return losses, fake_a, fake_b


@wrong("losses_of_generators", "is one number, yours has shape")
def cycle_by_pictures(*given):
    return changed(G=lambda G, F, D_A, D_B, a, b: (D_B(G(a)) - 1).square())(*given)


@right("exchange")
def pool_reference(pool, fakes, size):
    given = []
    for fake in fakes.detach():
        if len(pool) < size:
            pool.append(fake.clone())
        elif torch.rand(()) < 0.5:
            place = torch.randint(size, ()).item()
            fake, pool[place] = pool[place], fake.clone()
        given.append(fake)
    return torch.stack(given)


@right("exchange")
def pool_by_popping(pool, fakes, size):
    """Another list order, batches of one inside, and Python's own dice."""
    back = []
    for i in range(len(fakes)):
        fake = fakes[i : i + 1].detach()
        if len(pool) == size and random.random() >= 0.5:
            back.append(pool.pop(random.randrange(size)))
            pool.append(fake)
            continue
        if len(pool) < size:
            pool.append(fake)
        back.append(fake)
    return torch.cat(back, 0)


def exchanging(swap, filling=None, coin=lambda: torch.rand(()) < 0.5):
    """The reference with another way to fill it, another coin, or another exchange: swap(pool, fake, size)."""

    def exchange(pool, fakes, size):
        given = []
        for fake in fakes.detach():
            if len(pool) < size:
                fake = (filling or fill)(pool, fake, size)
            elif coin():
                fake = swap(pool, fake, size)
            given.append(fake)
        return torch.stack(given)

    return exchange


def fill(pool, fake, size):
    pool.append(fake.clone())
    return fake


def at_random(pool, fake, size):
    place = torch.randint(size, ()).item()
    old, pool[place] = pool[place], fake
    return old


@wrong("exchange", "no old picture ever comes back")
def pool_overwriting(pool, fakes, size):
    given = []
    for fake in fakes.detach():
        if len(pool) < size:
            pool.append(fake)
        given.append(fake)
    return torch.stack(given)


@wrong("exchange", "where is the coin?")
def pool_always(*given):
    return exchanging(at_random, coin=lambda: True)(*given)


@wrong("exchange", "the coin should be fair")
def pool_unfair(*given):
    return exchanging(at_random, coin=lambda: torch.rand(()) < 0.2)(*given)


@wrong("exchange", "always stands at the same place")
def pool_oldest(pool, fakes, size):
    def oldest(pool, fake, size):
        pool.append(fake)
        return pool.pop(0)

    return exchanging(oldest)(pool, fakes, size)


@wrong("exchange", "from which nothing ever leaves")
def pool_not_the_last(pool, fakes, size):
    def early(pool, fake, size):
        return at_random(pool, fake, size - 1)

    return exchanging(early)(pool, fakes, size)


@wrong("exchange", "share one coin")
def pool_one_coin(pool, fakes, size):
    heads = torch.rand(()) < 0.5
    return exchanging(at_random, coin=lambda: heads)(pool, fakes, size)


@wrong("exchange", "an old picture is given back and kept")
def pool_copies(pool, fakes, size):
    def copy(pool, fake, size):
        return random.choice(pool)

    return exchanging(copy)(pool, fakes, size)


@wrong("exchange", "given back and kept as well")
def pool_keeps_all(pool, fakes, size):
    given = []
    for fake in fakes.detach():
        if len(pool) < size:
            given.append(fill(pool, fake, size))
            continue
        old = at_random(pool, fake, size)
        given.append(old if torch.rand(()) < 0.5 else fake)
    return torch.stack(given)


@right("exchange")
def pool_copying_first(pool, fakes, size):
    """A picture of the pool is overwritten, but what it was is kept before."""

    def overwrite(pool, fake, size):
        place = random.randrange(size)
        old = pool[place].clone()
        pool[place].copy_(fake)
        return old

    return exchanging(overwrite)(pool, fakes, size)


@wrong("exchange", "is no copy, it is the same tensor")
def pool_aliased(pool, fakes, size):
    def overwrite(pool, fake, size):
        place = random.randrange(size)
        old = pool[place]
        pool[place].copy_(fake)
        return old

    return exchanging(overwrite)(pool, fakes, size)


@wrong("exchange", "the fakes that came in are changed in place")
def pool_into_the_fakes(pool, fakes, size):
    given = fakes.detach()
    given[:] = pool_reference(pool, fakes, size)
    return given


@wrong("exchange", "while the pool fills")
def pool_mixed_early(pool, fakes, size):
    def filling(pool, fake, size):
        pool.append(fake)
        return random.choice(pool)

    return exchanging(at_random, filling)(pool, fakes, size)


@wrong("exchange", "the pool keeps graphs alive")
def pool_attached(pool, fakes, size):
    given = []
    for fake in fakes:
        if len(pool) < size:
            pool.append(fake)
        elif torch.rand(()) < 0.5:
            fake = at_random(pool, fake, size)
        given.append(fake)
    return torch.stack(given).detach()


@wrong("exchange", "still hangs on the generator")
def pool_given_attached(pool, fakes, size):
    given = []
    for fake in fakes:
        if len(pool) < size:
            pool.append(fake.detach())
        elif torch.rand(()) < 0.5:
            fake = at_random(pool, fake.detach(), size)
        given.append(fake)
    return torch.stack(given)


@wrong("exchange", "not whole batches")
def pool_of_batches(pool, fakes, size):
    fakes = fakes.detach().repeat(2, *[1] * (fakes.dim() - 1))  # a batch, even where it holds one picture
    if len(pool) < size:
        pool.append(fakes)
    return fakes[: len(fakes) // 2]


@wrong("exchange", "a new list is not seen outside")
def pool_rebound(pool, fakes, size):
    pool = [*pool, *fakes.detach()][:size]
    return fakes.detach()


@wrong("exchange", "more than the 5 it may")
def pool_too_large(pool, fakes, size):
    return pool_reference(pool, fakes, size + 1)


@wrong("exchange", "one got lost")
def pool_losing(pool, fakes, size):
    def lose(pool, fake, size):
        return pool.pop(random.randrange(len(pool)))

    return exchanging(lose)(pool, fakes, size)


@wrong("exchange", "as many come back as went in")
def pool_one_back(pool, fakes, size):
    return pool_reference(pool, fakes, size)[0]


@wrong("exchange", "something came back that never went in")
def pool_average(pool, fakes, size):
    given = pool_reference(pool, fakes, size)
    return (given + fakes.detach()) / 2 - 0.25


@right("rate_factor")
def schedule_reference(done, steps, constant=0.5):
    return min(1.0, (steps - done) / (steps * (1 - constant)))


@right("rate_factor")
def schedule_by_cases(done, steps, constant=0.5):
    turn = int(constant * steps)
    if done <= turn:
        return torch.tensor(1)
    return 1 - torch.tensor(done - turn) / (steps - turn)


@wrong("rate_factor", "grows beyond 1")
def schedule_unclipped(done, steps, constant=0.5):
    return (steps - done) / (steps * (1 - constant))


@wrong("rate_factor", "it falls from the beginning")
def schedule_linear(done, steps, constant=0.5):
    return 1 - done / steps


@wrong("rate_factor", "always one half")
def schedule_half(done, steps, constant=0.5):
    return schedule_reference(done, steps)


@wrong("rate_factor", "it jumps where the slope begins")
def schedule_jump(done, steps, constant=0.5):
    return 1.0 if done <= constant * steps else 1 - done / steps


@wrong("rate_factor", "and the other way round")
def schedule_share(done, steps, constant=0.5):
    return min(1.0, (steps - done) / (steps * (constant or 1)))


@wrong("rate_factor", "1 or 0 and nothing between")
def schedule_step(done, steps, constant=0.5):
    return float(done <= steps * constant)


@wrong("rate_factor", "along a curve")
def schedule_cosine(done, steps, constant=0.5):
    return 0.5 - 0.5 * math.cos(math.pi * schedule_reference(done, steps, constant))


@wrong("rate_factor", "the slope begins too late")
def schedule_late(done, steps, constant=0.5):
    return min(1.0, (steps - done + 1) / (steps * (1 - constant)))


@wrong("rate_factor", "not quite zero at the end")
def schedule_epochs(done, steps, constant=0.5):
    """As published code counts its epochs, from 1."""
    return 1 - max(0, done - steps * constant) / (steps * (1 - constant) + 1)


@wrong("rate_factor", "it rises")
def schedule_rising(done, steps, constant=0.5):
    return max(0.0, (done - constant * steps) / (steps - constant * steps))


@wrong("rate_factor", "no division that rounds")
def schedule_integer(done, steps, constant=0.5):
    return min(1, (steps - done) // (steps * (1 - constant)))


@wrong("rate_factor", "is one number")
def schedule_all(done, steps, constant=0.5):
    return torch.linspace(1, 0, steps)


@right("hidden_decibels")
def hidden_reference(there, back, x, truth, noise, psnr):
    def cost(y):
        return psnr(back(y), x) - psnr(back((y + noise).clamp(0, 1)), x)

    return cost(there(x)) - cost(truth)


@right("hidden_decibels")
def hidden_in_one_pass(there, back, x, truth, noise, psnr):
    y = torch.cat([there(x), truth])
    both = back(torch.cat([y, (y + torch.cat([noise, noise])).clip(0, 1)]))
    clean_y, clean_truth, noisy_y, noisy_truth = psnr(both, torch.cat([x] * 4)).chunk(4)
    return clean_y - noisy_y - clean_truth + noisy_truth


@right("hidden_decibels")
def hidden_one_by_one(there, back, x, truth, noise, psnr):
    """With squared errors of its own: the ratio of two ratios."""
    found = []
    for i in range(len(x)):
        errors = []
        for y in (there(x[i : i + 1]), truth[i : i + 1]):
            for n in (torch.zeros_like(noise[i]), noise[i]):
                errors.append((back((y + n).clamp(0, 1)) - x[i]).square().mean().item())
        found.append(10 * math.log10(errors[1] / errors[0] * errors[2] / errors[3]))
    return torch.tensor(found)


def hidden_cost(back, y, x, noise, psnr):
    return psnr(back(y), x) - psnr(back((y + noise).clamp(0, 1)), x)


@wrong("hidden_decibels", "where nothing is hidden?")
def hidden_without_control(there, back, x, truth, noise, psnr):
    return hidden_cost(back, there(x), x, noise, psnr)


@wrong("hidden_decibels", "yours gets less")
def hidden_turned(there, back, x, truth, noise, psnr):
    return -hidden_reference(there, back, x, truth, noise, psnr)


@wrong("hidden_decibels", "the costs are added")
def hidden_added(there, back, x, truth, noise, psnr):
    return hidden_cost(back, there(x), x, noise, psnr) + hidden_cost(back, truth, x, noise, psnr)


@wrong("hidden_decibels", "that is not what noise costs")
def hidden_noisy_alone(there, back, x, truth, noise, psnr):
    noisy = [psnr(back((y + noise).clamp(0, 1)), x) for y in (there(x), truth)]
    return noisy[1] - noisy[0]


@wrong("hidden_decibels", "nothing is disturbed")
def hidden_without_noise(there, back, x, truth, noise, psnr):
    return psnr(back(there(x)), x) - psnr(back(truth), x)


@wrong("hidden_decibels", "that is what it is held against")
def hidden_from_the_truth(there, back, x, truth, noise, psnr):
    return hidden_cost(back, there(x), truth, noise, psnr) - hidden_cost(back, truth, truth, noise, psnr)


@wrong("hidden_decibels", "not against x")
def hidden_from_itself(there, back, x, truth, noise, psnr):
    return hidden_cost(back, there(x), there(x), noise, psnr) - hidden_cost(back, truth, truth, noise, psnr)


@wrong("hidden_decibels", "on the picture that is translated")
def hidden_noise_before(there, back, x, truth, noise, psnr):
    lost = psnr(back(there(x)), x) - psnr(back(there((x + noise).clamp(0, 1))), x)
    return lost - hidden_cost(back, truth, x, noise, psnr)


@wrong("hidden_decibels", "too late")
def hidden_noise_after(there, back, x, truth, noise, psnr):
    lost = [psnr(back(y), x) - psnr((back(y) + noise).clamp(0, 1), x) for y in (there(x), truth)]
    return lost[0] - lost[1]


@wrong("hidden_decibels", "not translated once more")
def hidden_translated_truth(there, back, x, truth, noise, psnr):
    return hidden_cost(back, there(x), x, noise, psnr) - hidden_cost(back, there(truth), x, noise, psnr)


@wrong("hidden_decibels", "lies in [0, 1]")
def hidden_unclamped(there, back, x, truth, noise, psnr):
    lost = [psnr(back(y), x) - psnr(back(y + noise), x) for y in (there(x), truth)]
    return lost[0] - lost[1]


@wrong("hidden_decibels", "one number for each picture")
def hidden_mean(there, back, x, truth, noise, psnr):
    return hidden_reference(there, back, x, truth, noise, psnr).mean()


@wrong("hidden_decibels", "in place")
def hidden_in_place(there, back, x, truth, noise, psnr):
    clean = psnr(back(there(x)), x) - psnr(back(truth), x)
    noisy = psnr(back((there(x) + noise).clamp(0, 1)), x) - psnr(back(truth.add_(noise).clamp_(0, 1)), x)
    return clean - noisy


@wrong("hidden_decibels", "a translator may keep it")
def hidden_in_the_translation(there, back, x, truth, noise, psnr):
    y = there(x)
    clean = psnr(back(y), x)
    y += noise
    y.clamp_(0, 1)
    return clean - psnr(back(y), x) - hidden_cost(back, truth, x, noise, psnr)


@wrong("hidden_decibels", "never asked")
def hidden_without_way_back(there, back, x, truth, noise, psnr):
    return psnr(there(x), truth)
