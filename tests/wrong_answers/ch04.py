"""Chapter 04, CycleGAN."""

import math
import random
from functools import cache

import torch
from torch.nn.functional import l1_loss, mse_loss

from gencourse.modes import frozen
from gencourse.training.helpers import descend
from wrong_answers import all_right, all_wrong, right, wrong


def middle(logits):
    return logits[len(logits) // 2, len(logits[0]) // 2]


def patch(pick=middle, seen=lambda slopes: (slopes != 0).any(0)):
    """pick: a number of the map of logits; seen: what is made of its slopes, (channels, size, size)."""

    def patch_seen(discriminator, size):
        x = torch.randn(1, discriminator.inputs, size, size, requires_grad=True)
        pick(discriminator(x)[0, 0]).backward()
        return seen(x.grad[0])

    return patch_seen


def without_its_first_row(slopes):
    seen = (slopes != 0).any(0)
    seen[: seen.any(1).nonzero()[0].item() + 1] = False
    return seen


@right("patch_seen")
def patch_by_disturbing(discriminator, size):
    """Each row is changed, then each column: what moves the logit is a rectangle."""
    x = torch.randn(1, discriminator.inputs, size, size)

    def moves(*place):
        other = x.clone()
        other[place] = torch.randn(discriminator.inputs, size)
        with torch.no_grad():
            return middle(discriminator(other)[0, 0]) != middle(discriminator(x)[0, 0])

    rows = [moves(0, slice(None), i) for i in range(size)]
    return torch.tensor(rows)[:, None] & torch.tensor([moves(0, ..., i) for i in range(size)])


all_right("patch_seen", by_slopes=patch(), by_their_size=patch(seen=lambda slopes: slopes.abs().sum(0) > 0))
all_wrong(
    "patch_seen",
    {
        "not the whole map": patch(lambda logits: logits.sum()),
        "in the corner of the map": patch(lambda logits: logits[0, 0]),
        "a whole row of logits": patch(lambda logits: logits[len(logits) // 2].sum()),
        "at the wrong place": patch(lambda logits: logits[len(logits) // 2 - 1, len(logits) // 2 + 1]),
        "of 5 x 5 pixels, yours has 6 x 6": patch(
            lambda logits: logits[len(logits) // 2 :, len(logits) // 2 :][:2, :2].sum()
        ),
        "pulls the logit down": patch(seen=lambda slopes: (slopes > 0).any(0)),
        "if any of its channels is": patch(seen=lambda slopes: slopes[0] != 0),
        "is there a threshold?": patch(seen=lambda slopes: (slopes.abs() > 1e-5).any(0)),
        "moves the logit a very little": patch(seen=lambda slopes: ~torch.isclose(slopes, 0 * slopes).all(0)),
        "make one picture of all its channels": patch(seen=lambda slopes: slopes != 0),
        "expected a picture of shape": patch(seen=lambda slopes: (slopes != 0).any(0)[None]),
        "you return numbers": patch(seen=lambda slopes: slopes.abs().amax(0)),
        "yes and no have changed places": patch(seen=lambda slopes: (slopes == 0).all(0)),
        "some pixels that change the logit are missing": patch(seen=without_its_first_row),
    },
)


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
    on_b, on_a = D_B(G(a)), D_A(F(b))
    losses = {"identity": l1_loss(F(a), a) + l1_loss(G(b), b), "cycle": l1_loss(F(G(a)), a) + l1_loss(G(F(b)), b)}
    losses["G"] = mse_loss(on_b, torch.ones_like(on_b))
    losses["F"] = mse_loss(on_a, torch.ones_like(on_a))
    return losses, F(b).detach(), G(a).detach()


def changed(name, loss):
    """The reference with another loss under a name."""
    return lambda *given: ((cycle_reference(*given)[0] | {name: loss(*given)}), *cycle_reference(*given)[1:])


all_wrong(
    "losses_of_generators",
    {
        "G: each translation goes to the discriminator": lambda G, F, D_A, D_B, a, b: cycle_reference(
            G, F, D_B, D_A, a, b
        ),
        "made from b": lambda G, F, D_A, D_B, a, b: (cycle_reference(G, F, D_A, D_B, a, b)[0], F(G(a)), G(F(b))),
        "made from a": lambda G, F, D_A, D_B, a, b: (cycle_reference(G, F, D_A, D_B, a, b)[0], F(b), G(b)),
        "cycle: its gradient does not reach": changed(
            "cycle", lambda G, F, D_A, D_B, a, b: l1_loss(F(G(a).detach()), a) + l1_loss(G(F(b).detach()), b)
        ),
        "G: its gradient does not reach": changed(
            "G", lambda G, F, D_A, D_B, a, b: (D_B(G(a).detach()) - 1).square().mean()
        ),
        "the loss 'G' is one number": changed("G", lambda G, F, D_A, D_B, a, b: (D_B(G(a)) - 1).square()),
        "three things are returned": lambda *given: cycle_reference(*given)[0],
        "expected the losses G, F, cycle, identity": changed("cyc", lambda *given: torch.ones(())),
    },
)


def least_squares(D, real, fake):
    return ((D(real) - 1).square().mean() + D(fake).square().mean()) / 2


@right("cyclegan_step")
def step_reference(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
    with frozen(D_A), frozen(D_B):
        losses, fake_a, fake_b = losses_of(a, b)
        descend(optimizer_g, losses["G"] + losses["F"] + 10 * losses["cycle"] + 5 * losses["identity"])
    losses["D_A"] = least_squares(D_A, a, past_a(fake_a))
    losses["D_B"] = least_squares(D_B, b, past_b(fake_b))
    descend(optimizer_d, losses["D_A"] + losses["D_B"])
    return losses


@right("cyclegan_step")
def step_written_out(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
    """Nothing is frozen, one backward pass for each discriminator, the pools asked before the generators' update."""
    losses, fake_a, fake_b = losses_of(a, b)
    old_b, old_a = past_b(fake_b), past_a(fake_a)
    optimizer_g.zero_grad()
    (losses["F"] + losses["G"] + 5 * (losses["identity"] + 2 * losses["cycle"])).backward()
    optimizer_g.step()
    optimizer_d.zero_grad()
    for name, D, real, fake in (("D_B", D_B, b, old_b), ("D_A", D_A, a, old_a)):
        on_real, on_fake = D(torch.cat([real, fake])).split(len(real))
        losses[name] = (mse_loss(on_real, torch.ones_like(on_real)) + mse_loss(on_fake, 0 * on_fake)) / 2
        losses[name].backward()
    optimizer_d.step()
    return {name: loss.detach() for name, loss in losses.items()}


@right("cyclegan_step")
def step_by_step(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
    """Each discriminator has a step of its own: what has no gradient stays where it is."""
    losses, fake_a, fake_b = losses_of(a, b)
    descend(optimizer_g, losses["G"] + losses["F"] + 10 * losses["cycle"] + 5 * losses["identity"])
    d_a = descend(optimizer_d, least_squares(D_A, a, past_a(fake_a)))
    return losses | {"D_A": d_a, "D_B": descend(optimizer_d, least_squares(D_B, b, past_b(fake_b)))}


@right("cyclegan_step")
def step_read_back(*given):
    """Slow on a GPU, and right: here the task does not ask for detached losses."""
    return {name: loss.item() for name, loss in step_reference(*given).items()}


def discriminators_first(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
    losses, fake_a, fake_b = losses_of(a, b)
    d_a, d_b = least_squares(D_A, a, past_a(fake_a)), least_squares(D_B, b, past_b(fake_b))
    descend(optimizer_d, d_a + d_b)
    losses, *_ = losses_of(a, b)
    descend(optimizer_g, losses["G"] + losses["F"] + 10 * losses["cycle"] + 5 * losses["identity"])
    return losses | {"D_A": d_a, "D_B": d_b}


def without_d(a, b, losses_of, D_A, D_B, optimizer_g, optimizer_d, past_a, past_b):
    losses, fake_a, fake_b = losses_of(a, b)
    descend(optimizer_g, losses["G"] + losses["F"] + 10 * losses["cycle"] + 5 * losses["identity"])
    losses["D_A"] = least_squares(D_A, a, past_a(fake_a))
    return losses | {"D_B": least_squares(D_B, b, past_b(fake_b))}


def asking_twice(*given):
    past_a, past_b = given[-2:]
    return step_reference(*given[:-2], lambda fakes: (past_a(fakes), past_a(fakes))[1], past_b)


def another_norm(*given):
    """The generators descend three times the cycle loss."""
    losses_of = given[2]

    def other(a, b):
        losses, *fakes = losses_of(a, b)
        return losses | {"cycle": 0.3 * losses["cycle"]}, *fakes

    return step_reference(*given[:2], other, *given[3:]) | {"cycle": losses_of(*given[:2])[0]["cycle"]}


all_wrong(
    "cyclegan_step",
    {
        "yours go the other way round": discriminators_first,
        "D_A stays frozen": lambda *given: (step_reference(*given), given[3].requires_grad_(False))[0],
        "the discriminators are never updated": without_d,
        "the generators are never updated": lambda *given: step_reference(*given[:5], given[6], *given[6:]),
        "expected the losses": lambda *given: {n: x for n, x in step_reference(*given).items() if n != "D_B"},
        "each pool is given the new fakes of its kind once": asking_twice,
        "G is updated with something else than": another_norm,
        "is one number": lambda *given: step_reference(*given) | {"D_A": torch.ones(2)},
        'the value under "D_B" is not': lambda *given: (lambda found: found | {"D_B": found["D_A"]})(
            step_reference(*given)
        ),
    },
)


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


def fair():
    return torch.rand(()) < 0.5


def fill(pool, fake, size):
    pool.append(fake.clone())
    return fake


def at_random(pool, fake, size):
    place = torch.randint(size, ()).item()
    old, pool[place] = pool[place], fake
    return old


def overwriting(copy):
    """A picture of the pool is overwritten; copy: what is kept of it before."""

    def swap(pool, fake, size):
        place = torch.randint(size, ()).item()
        old = copy(pool[place])
        pool[place].copy_(fake)
        return old

    return swap


def exchanging(swap=at_random, filling=fill, coin=fair, cut=torch.Tensor.detach):
    """The reference with another exchange or way to fill it, (pool, fake, size) -> what is given back, or coin."""

    def exchange(pool, fakes, size):
        given = []
        for fake in cut(fakes):
            if len(pool) < size:
                fake = filling(pool, fake, size)
            elif coin():
                fake = swap(pool, fake, size)
            given.append(fake)
        return torch.stack(given)

    return exchange


def afterwards(change):
    """The reference, with something done to the batches that it gives back when the pool is full."""

    def exchange(pool, fakes, size):
        full, given = len(pool) == size and len(fakes) > 1, pool_reference(pool, fakes, size)
        return change(given) if full else given

    return exchange


@wrong("exchange", "not whole batches")
def pool_of_batches(pool, fakes, size):
    fakes = fakes.detach().repeat(2, *[1] * (fakes.dim() - 1))  # a batch, even where it holds one picture
    if len(pool) < size:
        pool.append(fakes)
    return fakes[: len(fakes) // 2]


all_right("exchange", copying_first=exchanging(overwriting(torch.clone)))
all_wrong(
    "exchange",
    {
        "share one coin": lambda *given: exchanging(coin=cache(fair))(*given),
        "the fakes that came in are changed in place": lambda pool, fakes, size: fakes.detach().copy_(
            pool_reference(pool, fakes, size)
        ),
        "no old picture ever comes back": exchanging(coin=lambda: False),
        "where is the coin?": exchanging(coin=lambda: True),
        "the coin should be fair": exchanging(coin=lambda: torch.rand(()) < 0.2),
        "always stands at the same place": exchanging(lambda pool, fake, size: (pool.append(fake), pool.pop(0))[1]),
        "from which nothing ever leaves": exchanging(lambda pool, fake, size: at_random(pool, fake, size - 1)),
        "chosen far too often": exchanging(
            lambda pool, fake, size: at_random(pool, fake, 1 if torch.rand(()) < 0.6 else size)
        ),
        "an old picture is given back and kept": exchanging(lambda pool, fake, size: random.choice(pool)),
        "given back and kept as well": exchanging(
            lambda pool, fake, size: at_random(pool, fake, size) if fair() else (at_random(pool, fake, size), fake)[1],
            coin=lambda: True,
        ),
        "did not get into the pool": exchanging(
            lambda pool, fake, size: (pool.append(pool[-1].clone()), pool.pop(0))[1]
        ),
        "is no copy, it is the same tensor": exchanging(overwriting(lambda old: old)),
        "while the pool fills": exchanging(
            filling=lambda pool, fake, size: (pool.append(fake), random.choice(pool))[1]
        ),
        "the pool keeps graphs alive": exchanging(cut=lambda fakes: fakes),
        "still hangs on the generator": exchanging(
            lambda pool, fake, size: at_random(pool, fake.detach(), size),
            lambda pool, fake, size: (pool.append(fake.detach()), fake)[1],
            cut=lambda fakes: fakes,
        ),
        "a new list is not seen outside": lambda pool, fakes, size: pool_reference(list(pool), fakes, size),
        "more than the 5 it may": lambda pool, fakes, size: pool_reference(pool, fakes, size + 1),
        "one got lost": exchanging(lambda pool, fake, size: pool.pop(random.randrange(len(pool)))),
        "as many come back as went in": lambda *given: pool_reference(*given)[0],
        "never went in": lambda pool, fakes, size: (pool_reference(pool, fakes, size) + fakes.detach()) / 2 - 0.25,
        "in another order than they went in": afterwards(lambda given: given.flip(0)),
        "came back twice": afterwards(lambda given: given[[0, *range(len(given) - 1)]]),
    },
)


def by_cases(done, steps, constant=0.5):
    turn = int(constant * steps)
    return torch.tensor(1) if done <= turn else 1 - torch.tensor(done - turn) / (steps - turn)


all_right(
    "rate_factor",
    by_cases=by_cases,
    by_the_smaller=lambda done, steps, constant=0.5: min(1.0, (steps - done) / (steps * (1 - constant))),
)
all_wrong(
    "rate_factor",
    {
        "no division that rounds": lambda done, steps, constant=0.5: min(1, (steps - done) // (steps * (1 - constant))),
        "is one number": lambda done, steps, constant=0.5: torch.linspace(1, 0, steps),
        "the values are not those of the formula": lambda *given: 0.9 * by_cases(*given),
    },
)


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


def given_to_back(disturb):
    """disturb: what becomes of the translation, and of the truth, when noise is added."""

    def hidden_decibels(there, back, x, truth, noise, psnr):
        lost = [psnr(back(y), x) - psnr(back(disturb(y, noise)), x) for y in (there(x), truth)]
        return lost[0] - lost[1]

    return hidden_decibels


all_wrong(
    "hidden_decibels",
    {
        "your function changes its input truth in place": given_to_back(lambda y, noise: y.add_(noise).clamp_(0, 1)),
        "lies in [0, 1]": given_to_back(lambda y, noise: y + noise),
        "a translator may keep it": lambda there, back, x, truth, noise, psnr: given_to_back(
            lambda y, noise: (y + noise if y is truth else y.add_(noise)).clamp_(0, 1)
        )(there, back, x, truth, noise, psnr),
        "one number for each picture": lambda *given: hidden_reference(*given).mean(),
        "never asked": lambda there, back, x, truth, noise, psnr: psnr(there(x), truth),
    },
)
