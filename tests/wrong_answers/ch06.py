"""Chapter 06, diffusion."""

import math

import torch
import torch.nn.functional as F

from wrong_answers import right, wrong

# Names that the chapter's cells leave behind; the check lets them mean something small.
times = noise_like = None


def like(values, x):
    """Numbers (B,) with as many dimensions as x, and its dtype."""
    return values.view(-1, *[1] * (x.ndim - 1)).to(x)


@right("q_sample")
def q_sample(x0, t, noise, alphas_cumprod):
    left = alphas_cumprod[t].view(-1, *[1] * (x0.ndim - 1))
    return left.sqrt().to(x0) * x0 + (1 - left).sqrt().to(x0) * noise


@right("q_sample")
def sample_by_loop(x0, t, noise, alphas_cumprod):
    rows = []
    for picture, moment, n in zip(x0, t.tolist(), noise, strict=True):
        left = alphas_cumprod[moment].item()
        rows.append(math.sqrt(left) * picture + math.sqrt(1 - left) * n)
    return torch.stack(rows)


@right("q_sample")
def sample_by_einsum(x0, t, noise, alphas_cumprod):
    a, s = alphas_cumprod.sqrt()[t].to(x0), (1 - alphas_cumprod).sqrt().gather(0, t).to(x0)
    return torch.einsum("b,b...->b...", a, x0) + torch.einsum("b,b...->b...", s, noise)


@wrong("q_sample", "shares of variance")
def sample_rootless(x0, t, noise, alphas_cumprod):
    left = like(alphas_cumprod[t], x0)
    return left * x0 + (1 - left) * noise


@wrong("q_sample", "x0 keeps another share")
def sample_one_root(x0, t, noise, alphas_cumprod):
    left = like(alphas_cumprod[t], x0)
    return left * x0 + (1 - left).sqrt() * noise


@wrong("q_sample", "too little noise")
def sample_other_root(x0, t, noise, alphas_cumprod):
    left = like(alphas_cumprod[t], x0)
    return left.sqrt() * x0 + (1 - left) * noise


@wrong("q_sample", "yours keep more")
def sample_swapped(x0, t, noise, alphas_cumprod):
    return q_sample(x0, t, noise, 1 - alphas_cumprod)


@wrong("q_sample", "the noise should be added")
def sample_minus(x0, t, noise, alphas_cumprod):
    return q_sample(x0, t, -noise, alphas_cumprod)


@wrong("q_sample", "one too early")
def sample_from_one(x0, t, noise, alphas_cumprod):
    return q_sample(x0, t, noise, torch.cat([torch.ones(1), alphas_cumprod]))


@wrong("q_sample", "one too late")
def sample_next(x0, t, noise, alphas_cumprod):
    return q_sample(x0, (t + 1).clamp(max=len(alphas_cumprod) - 1), noise, alphas_cumprod)


@wrong("q_sample", "kept equally much")
def sample_one_time(x0, t, noise, alphas_cumprod):
    return q_sample(x0, t[:1].expand(len(t)), noise, alphas_cumprod)


@wrong("q_sample", "the same on average")
def sample_mean_time(x0, t, noise, alphas_cumprod):
    left = alphas_cumprod[t].mean()
    return (left.sqrt() * x0 + (1 - left).sqrt() * noise).to(x0)


@wrong("q_sample", "it needs a factor, too")
def sample_full_noise(x0, t, noise, alphas_cumprod):
    return like(alphas_cumprod[t].sqrt(), x0) * x0 + noise


@wrong("q_sample", "the picture never fades")
def sample_full_picture(x0, t, noise, alphas_cumprod):
    return x0 + like((1 - alphas_cumprod[t]).sqrt(), x0) * noise


@wrong("q_sample", "once more")
def sample_product_twice(x0, t, noise, alphas_cumprod):
    return q_sample(x0, t, noise, alphas_cumprod.cumprod(0))


@wrong("q_sample", "noised to several times")
def sample_last_axis(x0, t, noise, alphas_cumprod):
    left = alphas_cumprod[t].to(x0)
    return left.sqrt() * x0 + (1 - left).sqrt() * noise


@wrong("q_sample", "how many dimensions must a factor")
def sample_images_only(x0, t, noise, alphas_cumprod):
    left = alphas_cumprod[t].to(x0)[:, None, None, None]
    return left.sqrt() * x0 + (1 - left).sqrt() * noise


@wrong("q_sample", "none is drawn")
def sample_own_noise(x0, t, noise, alphas_cumprod):
    return q_sample(x0, t, torch.randn_like(x0), alphas_cumprod)


@wrong("q_sample", "float64 came out")
def sample_double(x0, t, noise, alphas_cumprod):
    return q_sample(x0.double(), t, noise.double(), alphas_cumprod)


@wrong("q_sample", "float64 went in, float32 came out")
def sample_single(x0, t, noise, alphas_cumprod):
    return q_sample(x0, t, noise, alphas_cumprod).float()


@wrong("q_sample", "changes its input x0 in place")
def sample_in_place(x0, t, noise, alphas_cumprod):
    left = like(alphas_cumprod[t], x0)
    return x0.mul_(left.sqrt()).add_((1 - left).sqrt() * noise)


@wrong("q_sample", "your function raised RuntimeError")
def sample_fixed_batch(x0, t, noise, alphas_cumprod):
    left = alphas_cumprod[t].view(4, *[1] * (x0.ndim - 1)).to(x0)
    return left.sqrt() * x0 + (1 - left).sqrt() * noise


def drawn(x0, alphas_cumprod, generator):
    t = torch.randint(len(alphas_cumprod), (len(x0),), generator=generator)
    return t, torch.randn(x0.shape, generator=generator)


@right("noise_loss")
def noise_loss(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.mse_loss(network(q_sample(x0, t, noise, alphas_cumprod), t), noise)


@right("noise_loss")
def loss_written_out(network, x0, alphas_cumprod, generator=None):
    """No function of the page is used."""
    t = torch.randint(0, alphas_cumprod.shape[0], x0.shape[:1], generator=generator)
    noise = torch.randn(*x0.shape, generator=generator)
    left = alphas_cumprod[t].reshape(len(t), *(1 for _ in x0.shape[1:])).float()
    error = network(left**0.5 * x0 + (1 - left) ** 0.5 * noise, t) - noise
    return (error**2).flatten(1).mean(1).mean()


@right("noise_loss")
def loss_noise_first(network, x0, alphas_cumprod, generator=None):
    """Another order of the draws, and times by rounding down."""
    noise = torch.empty_like(x0).normal_(generator=generator)
    t = (torch.rand(len(x0), generator=generator) * len(alphas_cumprod)).long()
    error = (network(q_sample(x0, t, noise, alphas_cumprod), t) - noise).square()
    return error.sum() / error.numel()


def loss_of(network, x0, t, noise, alphas_cumprod):
    return F.mse_loss(network(q_sample(x0, t, noise, alphas_cumprod), t), noise)


@wrong("noise_loss", "a sum over all numbers")
def loss_summed(network, x0, alphas_cumprod, generator=None):
    return noise_loss(network, x0, alphas_cumprod, generator) * x0.numel()


@wrong("noise_loss", "a picture twice as large")
def loss_norm(network, x0, alphas_cumprod, generator=None):
    return noise_loss(network, x0, alphas_cumprod, generator) * x0[0].numel()


@wrong("noise_loss", "not for x0")
def loss_of_picture(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.mse_loss(network(q_sample(x0, t, noise, alphas_cumprod), t), x0)


@wrong("noise_loss", "with what the network saw")
def loss_of_seen(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    x_t = q_sample(x0, t, noise, alphas_cumprod)
    return F.mse_loss(network(x_t, t), x_t)


@wrong("noise_loss", "not taken without their sign")
def loss_absolute(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.l1_loss(network(q_sample(x0, t, noise, alphas_cumprod), t), noise)


@wrong("noise_loss", "no root is taken")
def loss_root(network, x0, alphas_cumprod, generator=None):
    return noise_loss(network, x0, alphas_cumprod, generator).sqrt()


@wrong("noise_loss", "with other noise than")
def loss_fresh_noise(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.mse_loss(network(q_sample(x0, t, noise, alphas_cumprod), t), torch.randn(x0.shape, generator=generator))


@wrong("noise_loss", "without noise")
def loss_clean(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.mse_loss(network(x0, t), noise)


@wrong("noise_loss", "the whole batch has one time")
def loss_one_time(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return loss_of(network, x0, t[:1].expand(len(x0)), noise, alphas_cumprod)


@wrong("noise_loss", "one int64 time for each picture, (B,); it got (1,)")
def loss_single_time(network, x0, alphas_cumprod, generator=None):
    t, noise = torch.randint(len(alphas_cumprod), (1,), generator=generator), torch.randn(x0.shape, generator=generator)
    return loss_of(network, x0, t, noise, alphas_cumprod)


@wrong("noise_loss", "where does randint end?")
def loss_without_last(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod[:-1], generator)
    return loss_of(network, x0, t, noise, alphas_cumprod)


@wrong("noise_loss", "the first time never comes")
def loss_without_first(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod[1:], generator)
    return loss_of(network, x0, t + 1, noise, alphas_cumprod)


@wrong("noise_loss", "told times from 1 to T")
def loss_from_one(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.mse_loss(network(q_sample(x0, t, noise, alphas_cumprod), t + 1), noise)


@wrong("noise_loss", "your function raised IndexError")
def loss_beyond(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return loss_of(network, x0, t + 1, noise, alphas_cumprod)


@wrong("noise_loss", "equally often")
def loss_uneven(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    again = torch.randint(len(alphas_cumprod), (len(x0),), generator=generator)
    return loss_of(network, x0, torch.minimum(t, again), noise, alphas_cumprod)


@wrong("noise_loss", "draw t once")
def loss_two_times(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.mse_loss(network(q_sample(x0, t, noise, alphas_cumprod), t[torch.randperm(len(t))]), noise)


@wrong("noise_loss", "all pictures got the same noise")
def loss_shared_noise(network, x0, alphas_cumprod, generator=None):
    t, _ = drawn(x0, alphas_cumprod, generator)
    noise = torch.randn(x0.shape[1:], generator=generator).expand_as(x0)
    return loss_of(network, x0, t, noise, alphas_cumprod)


@wrong("noise_loss", "all numbers of a picture")
def loss_flat_noise(network, x0, alphas_cumprod, generator=None):
    t, _ = drawn(x0, alphas_cumprod, generator)
    noise = like(torch.randn(len(x0), generator=generator), x0).expand_as(x0)
    return loss_of(network, x0, t, noise, alphas_cumprod)


@wrong("noise_loss", "numbers of one picture share their noise")
def loss_noise_of_channels(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return loss_of(network, x0, t, noise[:, :1].expand_as(x0) if x0.ndim == 4 else noise, alphas_cumprod)


@wrong("noise_loss", "the noise has a mean")
def loss_uniform(network, x0, alphas_cumprod, generator=None):
    t, _ = drawn(x0, alphas_cumprod, generator)
    return loss_of(network, x0, t, torch.rand(x0.shape, generator=generator), alphas_cumprod)


@wrong("noise_loss", "has a standard deviation of 0.5")
def loss_centred_uniform(network, x0, alphas_cumprod, generator=None):
    t, _ = drawn(x0, alphas_cumprod, generator)
    return loss_of(network, x0, t, torch.rand(x0.shape, generator=generator) * 2 - 1, alphas_cumprod)


@wrong("noise_loss", "as much of x0 as the times say")
def loss_own_mixture(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    left = like(alphas_cumprod[t], x0)
    return F.mse_loss(network(left * x0 + (1 - left) * noise, t), noise)


@wrong("noise_loss", "no gradient reaches the network")
def loss_cut(network, x0, alphas_cumprod, generator=None):
    with torch.no_grad():
        return noise_loss(network, x0, alphas_cumprod, generator)


@wrong("noise_loss", "of shape (6000, 2); it got (1, 2)")
def loss_by_loop(network, x0, alphas_cumprod, generator=None):
    return sum(noise_loss(network, one[None], alphas_cumprod, generator) for one in x0) / len(x0)


@wrong("noise_loss", "you asked it 2 times")
def loss_twice(network, x0, alphas_cumprod, generator=None):
    return sum(noise_loss(network, x0, alphas_cumprod, generator) for _ in range(2)) / 2


@wrong("noise_loss", "hand it to all draws")
def loss_half_seeded(network, x0, alphas_cumprod, generator=None):
    t = torch.randint(len(alphas_cumprod), (len(x0),), generator=generator)
    return loss_of(network, x0, t, torch.randn_like(x0), alphas_cumprod)


@wrong("noise_loss", "another generator drew the same times")
def loss_seeded(network, x0, alphas_cumprod, generator=None):
    return noise_loss(network, x0, alphas_cumprod, torch.Generator().manual_seed(0))


@wrong("noise_loss", "without a generator each call must draw anew")
def loss_new_generator(network, x0, alphas_cumprod, generator=None):
    return noise_loss(network, x0, alphas_cumprod, generator or torch.Generator())


@wrong("noise_loss", "yours draws the same again")
def loss_seeded_for_none(network, x0, alphas_cumprod, generator=None):
    if generator is None:
        generator = torch.Generator().manual_seed(0)
    return noise_loss(network, x0, alphas_cumprod, generator)


@right("noise_loss")
def loss_fresh_generator(network, x0, alphas_cumprod, generator=None):
    """A generator of its own, but with another seed each time."""
    if generator is None:
        generator = torch.Generator().manual_seed(torch.randint(2**31, ()).item())
    return noise_loss(network, x0, alphas_cumprod, generator)


@wrong("noise_loss", "it got (6000,) torch.float32")
def loss_float_times(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return F.mse_loss(network(q_sample(x0, t, noise, alphas_cumprod), t / len(alphas_cumprod)), noise)


@wrong("noise_loss", "without dimensions")
def loss_by_picture(network, x0, alphas_cumprod, generator=None):
    t, noise = drawn(x0, alphas_cumprod, generator)
    return (network(q_sample(x0, t, noise, alphas_cumprod), t) - noise).square().flatten(1).mean(1)


@right("reverse_mean")
def reverse_mean(x_t, noise, t, betas):
    alphas = 1 - betas
    shrunk, share = alphas.sqrt()[t], (betas / (1 - alphas.cumprod(0)).sqrt())[t]
    return (x_t - like(share, x_t) * noise) / like(shrunk, x_t)


@right("reverse_mean")
def mean_by_bayes(x_t, noise, t, betas):
    """By eq. 7, with the x0 that the noise amounts to."""
    left = (1 - betas).cumprod(0)
    before = torch.cat([left.new_ones(1), left[:-1]])
    a, s, beta, now, then = (like(v[t], x_t) for v in (left.sqrt(), (1 - left).sqrt(), betas, 1 - left, before))
    x0 = (x_t - s * noise) / a
    return then.sqrt() * beta / now * x0 + (1 - beta).sqrt() * (1 - then) / now * x_t


@right("reverse_mean")
def mean_by_loop(x_t, noise, t, betas):
    rows = []
    for x, n, i in zip(x_t, noise, t.tolist(), strict=True):
        left = math.prod(1 - b for b in betas[: i + 1].tolist())
        beta = betas[i].item()
        rows.append((x - beta / math.sqrt(1 - left) * n) / math.sqrt(1 - beta))
    return torch.stack(rows)


def back(x_t, noise, t, share, shrunk):
    return (x_t - like(share[t], x_t) * noise) / like(shrunk[t], x_t)


def usual(betas):
    return betas / (1 - (1 - betas).cumprod(0)).sqrt(), (1 - betas).sqrt()


@wrong("reverse_mean", "you add noise")
def mean_plus(x_t, noise, t, betas):
    return reverse_mean(x_t, -noise, t, betas)


@wrong("reverse_mean", "nothing undoes that")
def mean_unshrunk(x_t, noise, t, betas):
    return back(x_t, noise, t, usual(betas)[0], torch.ones_like(betas))


@wrong("reverse_mean", "shrinks once more")
def mean_shrunk_again(x_t, noise, t, betas):
    return back(x_t, noise, t, usual(betas)[0], 1 / usual(betas)[1])


@wrong("reverse_mean", "shrinks by a root")
def mean_rootless(x_t, noise, t, betas):
    return back(x_t, noise, t, usual(betas)[0], 1 - betas)


@wrong("reverse_mean", "not of all steps so far")
def mean_all_shrinking(x_t, noise, t, betas):
    return back(x_t, noise, t, usual(betas)[0], (1 - betas).cumprod(0).sqrt())


@wrong("reverse_mean", "this is the guess for x0")
def mean_to_start(x_t, noise, t, betas):
    left = (1 - betas).cumprod(0)
    return back(x_t, noise, t, (1 - left).sqrt(), left.sqrt())


@wrong("reverse_mean", "all of the noise is taken away")
def mean_all_noise(x_t, noise, t, betas):
    return back(x_t, noise, t, (1 - (1 - betas).cumprod(0)).sqrt(), usual(betas)[1])


@wrong("reverse_mean", "look below beta")
def mean_no_root_below(x_t, noise, t, betas):
    return back(x_t, noise, t, betas / (1 - (1 - betas).cumprod(0)), usual(betas)[1])


@wrong("reverse_mean", "beta stands there without a root")
def mean_root_above(x_t, noise, t, betas):
    return back(x_t, noise, t, (betas / (1 - (1 - betas).cumprod(0))).sqrt(), usual(betas)[1])


@wrong("reverse_mean", "of the last step forward alone")
def mean_one_step(x_t, noise, t, betas):
    return back(x_t, noise, t, betas.sqrt(), usual(betas)[1])


@wrong("reverse_mean", "see the brackets")
def mean_brackets(x_t, noise, t, betas):
    share, shrunk = usual(betas)
    return x_t / like(shrunk[t], x_t) - like(share[t], x_t) * noise


@wrong("reverse_mean", "not over the betas")
def mean_product_of_betas(x_t, noise, t, betas):
    return back(x_t, noise, t, betas / (1 - betas.cumprod(0)).sqrt(), usual(betas)[1])


@wrong("reverse_mean", "one too early")
def mean_earlier(x_t, noise, t, betas):
    return reverse_mean(x_t, noise, t - 1, betas)


@wrong("reverse_mean", "one too late")
def mean_later(x_t, noise, t, betas):
    return reverse_mean(x_t, noise, (t + 1).clamp(max=len(betas) - 1), betas)


@wrong("reverse_mean", "different times, one factor")
def mean_one_time(x_t, noise, t, betas):
    return reverse_mean(x_t, noise, t[:1].expand(len(t)), betas)


@wrong("reverse_mean", "as if it had several times")
def mean_last_axis(x_t, noise, t, betas):
    share, shrunk = (v[t].to(x_t) for v in usual(betas))
    return (x_t - share * noise) / shrunk


@wrong("reverse_mean", "how many dimensions must a factor")
def mean_images_only(x_t, noise, t, betas):
    share, shrunk = (v[t].to(x_t).view(-1, 1, 1, 1) for v in usual(betas))
    return (x_t - share * noise) / shrunk


@wrong("reverse_mean", "not a draw around it")
def mean_drawn(x_t, noise, t, betas):
    return reverse_mean(x_t, noise, t, betas) + like(betas.sqrt()[t], x_t) * torch.randn_like(x_t)


@wrong("reverse_mean", "float64 came out")
def mean_double(x_t, noise, t, betas):
    return reverse_mean(x_t.double(), noise, t, betas)


@wrong("reverse_mean", "float64 went in, float32 came out")
def mean_single(x_t, noise, t, betas):
    return reverse_mean(x_t, noise, t, betas).float()


@wrong("reverse_mean", "before the first step nothing has piled up")
def mean_from_the_end(x_t, noise, t, betas):
    left = (1 - betas).cumprod(0)
    a, s, beta, now, then = (like(v[t], x_t) for v in (left.sqrt(), (1 - left).sqrt(), betas, 1 - left, left.roll(1)))
    x0 = (x_t - s * noise) / a
    return then.sqrt() * beta / now * x0 + (1 - beta).sqrt() * (1 - then) / now * x_t


@wrong("reverse_mean", "changes its input x_t in place")
def mean_in_place(x_t, noise, t, betas):
    x_t -= like(usual(betas)[0][t], x_t) * noise
    return x_t / like(usual(betas)[1][t], x_t)


@right("ancestral")
@torch.no_grad()
def ancestral(network, x_T, betas, generator=None):
    x = x_T
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas)
        if i > 0:
            x = x + betas[i].sqrt() * torch.randn(x.shape, generator=generator)
    return x


@right("ancestral")
def chain_written_out(network, x_T, betas, generator=None):
    """No function of the page is used; noise is drawn at the last step too, and multiplied by zero."""
    x, alphas = x_T.clone(), (1 - betas).tolist()
    for i in range(len(alphas) - 1, -1, -1):
        z = torch.randn(x_T.shape, generator=generator) * (i > 0)
        guess = network(x, torch.ones(len(x), dtype=torch.long) * i)
        share = (1 - alphas[i]) / math.sqrt(1 - math.prod(alphas[: i + 1]))
        x = (x - share * guess) / math.sqrt(alphas[i]) + math.sqrt(1 - alphas[i]) * z
    return x


@right("ancestral")
def chain_last_step_apart(network, x_T, betas, generator=None):
    """The last step is eq. 11 written out."""
    x = x_T
    for i in range(len(betas) - 1, 0, -1):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas) + betas[i].sqrt() * torch.randn(x.shape, generator=generator)
    noise = network(x, torch.zeros(len(x), dtype=torch.long))
    return (x - betas[0].sqrt() * noise) / (1 - betas[0]).sqrt()


@right("ancestral")
def chain_first_step_apart(network, x_T, betas, generator=None):
    """All noise is drawn beforehand, and the first step is eq. 11 written out."""
    z, last = torch.randn(len(betas), *x_T.shape, generator=generator), len(betas) - 1
    share = betas[last] / (1 - (1 - betas).prod()).sqrt()
    x = (x_T - share * network(x_T, torch.full((len(x_T),), last))) / (1 - betas[last]).sqrt()
    for i in range(last - 1, -1, -1):
        x = x + betas[i + 1].sqrt() * z[i + 1]
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas)
    return x


def chain(network, x, betas, generator, *, deviations=None, first=1, ask=lambda x: x):
    deviations = betas.sqrt() if deviations is None else deviations
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(ask(x), t), t, betas)
        if i >= first:
            x = x + deviations[i] * torch.randn(x.shape, generator=generator)
    return x


@wrong("ancestral", "stays in the picture")
def chain_noise_at_end(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, first=0)


@wrong("ancestral", "no noise is added on the way")
@torch.no_grad()
def chain_means(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, first=len(betas))


@wrong("ancestral", "noise is missing at some steps")
def chain_noise_too_late(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, first=2)


@wrong("ancestral", "beta is a variance")
def chain_rootless(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, deviations=betas)


@wrong("ancestral", "added as it was drawn")
def chain_unscaled(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, deviations=torch.ones_like(betas))


@wrong("ancestral", "off by one")
def chain_earlier_noise(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, deviations=betas.roll(1).sqrt())


@wrong("ancestral", "the paper's other choice")
def chain_posterior(network, x_T, betas, generator=None):
    left = (1 - betas).cumprod(0)
    return chain(network, x_T, betas, generator, deviations=(betas * (1 - left.roll(1)) / (1 - left)).sqrt())


@wrong("ancestral", "of all steps so far")
def chain_all_noise(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, deviations=(1 - (1 - betas).cumprod(0)).sqrt())


@wrong("ancestral", "scaled with it")
def chain_noise_first(network, x_T, betas, generator=None):
    x = x_T
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        guess = network(x, t)
        if i > 0:
            x = x + betas[i].sqrt() * torch.randn(x.shape, generator=generator)
        x = reverse_mean(x, guess, t, betas)
    return x


@wrong("ancestral", "yours goes forward")
def chain_forward(network, x_T, betas, generator=None):
    x = x_T
    for i in range(len(betas)):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas)
    return x


@wrong("ancestral", "not asked at the last step")
def chain_stops_early(network, x_T, betas, generator=None):
    x = x_T
    for i in range(len(betas) - 1, 0, -1):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas) + betas[i].sqrt() * torch.randn(x.shape, generator=generator)
    return x


@wrong("ancestral", "the first step back is left out")
def chain_starts_late(network, x_T, betas, generator=None):
    return chain(network, x_T, betas[:-1], generator)


@wrong("ancestral", "your function raised IndexError")
def chain_from_t(network, x_T, betas, generator=None):
    x = x_T
    for i in range(len(betas), 0, -1):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas) + betas[i].sqrt() * torch.randn(x.shape, generator=generator)
    return x


@wrong("ancestral", "again and again, not about the current x")
def chain_asks_start(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator, ask=lambda x: x_T)


@wrong("ancestral", "the first question is about x_T")
def chain_own_start(network, x_T, betas, generator=None):
    return chain(network, torch.randn(x_T.shape, generator=generator), betas, generator)


@wrong("ancestral", "it got a int")
def chain_number_as_time(network, x_T, betas, generator=None):
    return network(x_T, len(betas) - 1)


@wrong("ancestral", "all pictures get the same noise")
def chain_shared_noise(network, x_T, betas, generator=None):
    x = x_T
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas)
        if i > 0:
            x = x + betas[i].sqrt() * torch.randn(x.shape[1:], generator=generator)
    return x


def chain_of_shape(network, x, betas, generator, shape):
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas)
        if i > 0:
            x = x + betas[i].sqrt() * torch.randn(shape, generator=generator)
    return x


@wrong("ancestral", "got the same noise: draw one for each")
def chain_noise_of_channels(network, x_T, betas, generator=None):
    return chain_of_shape(network, x_T, betas, generator, (len(x_T), 1, *x_T.shape[2:]))


@wrong("ancestral", "all numbers of a picture got the same noise")
def chain_noise_of_pictures(network, x_T, betas, generator=None):
    return chain_of_shape(network, x_T, betas, generator, (len(x_T), *[1] * (x_T.ndim - 1)))


@wrong("ancestral", "numbers of one picture share their noise")
def chain_noise_of_rows(network, x_T, betas, generator=None):
    shape = x_T.shape if x_T.ndim == 2 else (*x_T.shape[:-1], 1)
    return chain_of_shape(network, x_T, betas, generator, shape)


@wrong("ancestral", "as its channels or rows may")
def chain_noise_of_image_channels(network, x_T, betas, generator=None):
    shape = x_T.shape if x_T.ndim == 2 else (len(x_T), 1, *x_T.shape[2:])
    return chain_of_shape(network, x_T, betas, generator, shape)


@wrong("ancestral", "without a generator each call must draw anew")
def chain_new_generator(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, generator or torch.Generator())


@wrong("ancestral", "yours draws the same again")
def chain_seeded_for_none(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, torch.Generator().manual_seed(0) if generator is None else generator)


@wrong("ancestral", "draw anew at each step")
def chain_one_noise(network, x_T, betas, generator=None):
    x, z = x_T, torch.randn(x_T.shape, generator=generator)
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas) + (betas[i].sqrt() * z if i else 0)
    return x


@wrong("ancestral", "x does not go to reverse_mean of x")
def chain_start_in_mean(network, x_T, betas, generator=None):
    x = x_T
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        x = reverse_mean(x_T, network(x, t), t, betas)
        if i > 0:
            x = x + betas[i].sqrt() * torch.randn(x.shape, generator=generator)
    return x


@wrong("ancestral", "what is added has a mean")
def chain_uniform(network, x_T, betas, generator=None):
    x = x_T
    for i in reversed(range(len(betas))):
        t = torch.full((len(x),), i)
        x = reverse_mean(x, network(x, t), t, betas)
        if i > 0:
            x = x + betas[i].sqrt() * torch.rand(x.shape, generator=generator)
    return x


@wrong("ancestral", "something is drawn without it")
def chain_unseeded(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, None)


@wrong("ancestral", "it is not used")
def chain_own_seed(network, x_T, betas, generator=None):
    return chain(network, x_T, betas, torch.Generator().manual_seed(0))


@wrong("ancestral", "changes its input x_T in place")
def chain_in_place(network, x_T, betas, generator=None):
    x_T.copy_(chain(network, x_T.clone(), betas, generator))
    return x_T


@right("guided")
def guided(network, labels, weight):
    anything = torch.full_like(labels, network.null)

    def model(x_t, t):
        without = network(x_t, t, anything)
        return without + weight * (network(x_t, t, labels) - without)

    return model


@right("guided")
def guided_in_one_pass(network, labels, weight):
    """One batch of both questions."""
    both = torch.cat([labels, torch.tensor([network.null] * len(labels))])

    def model(x_t, t):
        given, without = network(torch.cat([x_t, x_t]), t.repeat(2), both).chunk(2)
        return (1 - weight) * without + weight * given

    return model


@right("guided")
def guided_by_lambda(network, labels, weight):
    """Nothing is asked in vain."""
    none = labels.clone().fill_(network.null)
    if weight in (0, 1):
        return lambda x_t, t: network(x_t, t, labels if weight else none)
    return lambda x_t, t: torch.lerp(network(x_t, t, none), network(x_t, t, labels), weight)


def mixture(mix):
    """What a function makes of both predictions, as a solution."""

    def solution(network, labels, weight):
        none = torch.full_like(labels, network.null)
        return lambda x_t, t: mix(network(x_t, t, labels), network(x_t, t, none), weight)

    return solution


@wrong("guided", "the other way round")
def guided_swapped(network, labels, weight):
    return mixture(lambda given, without, w: w * without + (1 - w) * given)(network, labels, weight)


@wrong("guided", "the paper's w is another")
def guided_by_paper(network, labels, weight):
    return mixture(lambda given, without, w: (1 + w) * given - w * without)(network, labels, weight)


@wrong("guided", "which of the two is subtracted?")
def guided_away(network, labels, weight):
    return mixture(lambda given, without, w: without + w * (without - given))(network, labels, weight)


@wrong("guided", "yours is nothing")
def guided_scaled(network, labels, weight):
    return mixture(lambda given, without, w: w * given)(network, labels, weight)


@wrong("guided", "do not add up to 1")
def guided_added(network, labels, weight):
    return mixture(lambda given, without, w: without + w * given)(network, labels, weight)


@wrong("guided", "subtracted whole")
def guided_subtracted(network, labels, weight):
    return mixture(lambda given, without, w: w * given - without)(network, labels, weight)


@wrong("guided", "to what is it added?")
def guided_difference(network, labels, weight):
    return mixture(lambda given, without, w: w * (given - without))(network, labels, weight)


@wrong("guided", "the weight changes nothing")
def guided_conditional(network, labels, weight):
    return lambda x_t, t: network(x_t, t, labels)


@wrong("guided", "at least not beyond 1")
def guided_clipped(network, labels, weight):
    return guided(network, labels, min(weight, 1))


@wrong("guided", "the label changes nothing")
def guided_overwritten(network, labels, weight):
    return mixture(lambda given, without, w: without)(network, labels, weight)


@wrong("guided", "changes its input labels in place")
def guided_in_place(network, labels, weight):
    def model(x_t, t):
        given = network(x_t, t, labels)
        labels[:] = network.null
        without = network(x_t, t, labels)
        return without + weight * (given - without)

    return model


@wrong("guided", "need not have")
def guided_fixed_null(network, labels, weight):
    none = torch.full_like(labels, 10)
    return lambda x_t, t: torch.lerp(network(x_t, t, none), network(x_t, t, labels), weight)


@wrong("guided", "for the label of the first")
def guided_one_label(network, labels, weight):
    return guided(network, labels[:1].expand(len(labels)), weight)


@wrong("guided", "one int64 label for each picture")
def guided_number(network, labels, weight):
    return lambda x_t, t: torch.lerp(network(x_t, t, network.null), network(x_t, t, labels), weight)


@wrong("guided", "it should return a function of x_t and t")
def guided_at_once(network, labels, weight):
    return network(torch.zeros(len(labels), 2), torch.zeros(len(labels)).long(), labels)


@wrong("guided", "is there a return?")
def guided_forgotten(network, labels, weight):
    def model(x_t, t):
        return network(x_t, t, labels)


@wrong("guided", "a prediction has the shape of x_t")
def guided_both(network, labels, weight):
    return mixture(lambda given, without, w: torch.cat([without, w * (given - without)]))(network, labels, weight)


def sampler(step):
    """A solution that takes a step by `step(x, x0, now, after, eta, draw)`."""

    def solution(model, x_T, schedule, *, steps, eta=0.0, generator=None, callback=None):
        x = x_T
        for t, now, after in times(schedule, steps):
            x0 = model(x, torch.full((len(x),), t, device=x.device))
            if callback is not None:
                callback(x, x0, t)
            x = step(x, x0, now, after, eta, lambda like=x: noise_like(like, generator))
        return x

    return solution


def parts(x, x0, now, after, eta):
    noise = (x - now**0.5 * x0) / (1 - now) ** 0.5
    return noise, eta * ((1 - after) / (1 - now) * (1 - now / after)) ** 0.5


def mixed(x0, noise, sigma, after, draw, keep=None):
    keep = 1 - after - sigma**2 if keep is None else keep
    x = after**0.5 * x0 + max(keep, 0) ** 0.5 * noise
    return x + sigma * draw() if sigma > 0 else x


@right("ddim")
@torch.no_grad()
def ddim(model, x_T, schedule, *, steps, eta=0.0, generator=None, callback=None):
    x = x_T
    for t, now, after in times(schedule, steps):
        x0 = model(x, torch.full((len(x),), t, device=x.device))
        if callback is not None:
            callback(x, x0, t)
        noise = (x - now**0.5 * x0) / (1 - now) ** 0.5
        sigma = eta * ((1 - after) / (1 - now) * (1 - now / after)) ** 0.5
        x = after**0.5 * x0 + (1 - after - sigma**2) ** 0.5 * noise
        if sigma > 0:
            x = x + sigma * noise_like(x, generator)
    return x


@right("ddim")
def ddim_by_variances(model, x_T, schedule, *, steps, eta=0.0, generator=None, callback=None):
    """The variance of eq. 7 by its betas, and the last step apart."""
    x = x_T.clone()
    for t, now, after in times(schedule, steps):
        x0 = model(x, torch.full((len(x),), t))
        if callback is not None:
            callback(x, x0, t)
        if after == 1:
            return x0
        beta = 1 - now / after
        fresh = eta**2 * beta * (1 - after) / (1 - now)
        old = (x - math.sqrt(now) * x0) * math.sqrt((1 - after - fresh) / (1 - now))
        x = math.sqrt(after) * x0 + old
        if eta:
            x += math.sqrt(fresh) * noise_like(x, generator)


def ddim_mistake(sentence, name):
    """Note a solution by its step."""

    def keep(step):
        solution = sampler(step)
        solution.__name__ = name
        return wrong("ddim", sentence)(solution)

    return keep


@ddim_mistake("it never moves on", "ddim_stays")
def stays(x, x0, now, after, eta, draw):
    return now**0.5 * x0 + (1 - now) ** 0.5 * parts(x, x0, now, after, 0)[0]


@ddim_mistake("only the picture is left", "ddim_no_noise")
def without_noise(x, x0, now, after, eta, draw):
    return after**0.5 * x0


@ddim_mistake("x itself is not the noise", "ddim_whole_x")
def whole_x(x, x0, now, after, eta, draw):
    return mixed(x0, x, parts(x, x0, now, after, eta)[1], after, draw)


@ddim_mistake("what does the formula divide by?", "ddim_unscaled")
def unscaled(x, x0, now, after, eta, draw):
    return mixed(x0, x - now**0.5 * x0, parts(x, x0, now, after, eta)[1], after, draw)


@ddim_mistake("where its root belongs", "ddim_variance")
def by_variance(x, x0, now, after, eta, draw):
    return mixed(x0, (x - now**0.5 * x0) / (1 - now), parts(x, x0, now, after, eta)[1], after, draw)


@ddim_mistake("how much of the picture is in x?", "ddim_no_root_of_now")
def no_root_of_now(x, x0, now, after, eta, draw):
    return mixed(x0, (x - now * x0) / (1 - now) ** 0.5, parts(x, x0, now, after, eta)[1], after, draw)


@ddim_mistake("too little of the picture in x", "ddim_no_root_of_after")
def no_root_of_after(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(after**0.5 * x0, noise, sigma, after, draw)


@ddim_mistake("too little of the old noise in x", "ddim_no_root_of_keep")
def no_root_of_keep(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, sigma, after, draw, keep=(1 - after - sigma**2) ** 2)


@ddim_mistake("the old noise is subtracted", "ddim_minus")
def minus(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, -noise, sigma, after, draw)


@ddim_mistake("where is the new noise?", "ddim_without_eta")
def without_eta(x, x0, now, after, eta, draw):
    return mixed(x0, parts(x, x0, now, after, 0)[0], 0, after, draw)


@ddim_mistake("makes room for new noise", "ddim_room_only")
def room_only(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, 0, after, draw, keep=1 - after - sigma**2)


@ddim_mistake("together are too much", "ddim_too_much")
def too_much(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, sigma, after, draw, keep=1 - after)


@ddim_mistake("sigma is no variance", "ddim_keep_sigma")
def keep_sigma(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, sigma, after, draw, keep=1 - after - sigma)


@ddim_mistake("yours is a variance", "ddim_sigma_squared")
def sigma_squared(x, x0, now, after, eta, draw):
    return mixed(x0, parts(x, x0, now, after, 0)[0], eta * (1 - after) / (1 - now) * (1 - now / after), after, draw)


@ddim_mistake("yours is a quarter", "ddim_eta_squared")
def eta_squared(x, x0, now, after, eta, draw):
    return mixed(x0, *parts(x, x0, now, after, eta**2), after, draw)


@ddim_mistake("any eta above 0 counts as 1", "ddim_full_eta")
def full_eta(x, x0, now, after, eta, draw):
    return mixed(x0, *parts(x, x0, now, after, eta > 0), after, draw)


@ddim_mistake("your sigma lacks a factor", "ddim_beta")
def by_beta(x, x0, now, after, eta, draw):
    return mixed(x0, parts(x, x0, now, after, 0)[0], eta * (1 - now / after) ** 0.5, after, draw)


@ddim_mistake("the new noise is the old one again", "ddim_old_again")
def old_again(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, sigma, after, lambda: noise)


@ddim_mistake("there may be a generator for each picture", "ddim_own_draws")
def own_draws(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, sigma, after, lambda: torch.randn(x.shape))


@ddim_mistake("z has another shape than x", "ddim_shared_noise")
def shared_noise(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, sigma, after, lambda: draw(x[:1]))


@ddim_mistake("eta = 0 draws nothing", "ddim_always_draws")
def always_draws(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    return mixed(x0, noise, 0, after, draw, keep=1 - after - sigma**2) + sigma * draw()


@ddim_mistake("noise is drawn where sigma is 0", "ddim_draws_at_end")
def draws_at_end(x, x0, now, after, eta, draw):
    noise, sigma = parts(x, x0, now, after, eta)
    x = mixed(x0, noise, 0, after, draw, keep=1 - after - sigma**2)
    return x + sigma * draw() if eta > 0 else x


@ddim_mistake("changes its input x_T in place", "ddim_in_place")
def in_place(x, x0, now, after, eta, draw):
    return x.copy_(mixed(x0, *parts(x, x0, now, after, eta), after, draw))


@ddim_mistake("your function raised TypeError", "ddim_inverted")
def inverted(x, x0, now, after, eta, draw):
    sigma = eta * ((1 - after) / (1 - now) * (1 - after / now)) ** 0.5
    return mixed(x0, parts(x, x0, now, after, 0)[0], sigma, after, draw)


@wrong("ddim", "without the generator")
def ddim_ignores_generator(model, x_T, schedule, *, steps, eta=0.0, generator=None, callback=None):
    return ddim(model, x_T, schedule, steps=steps, eta=eta, callback=callback)


@wrong("ddim", "that part was given")
def ddim_without_callback(model, x_T, schedule, *, steps, eta=0.0, generator=None, callback=None):
    return ddim(model, x_T, schedule, steps=steps, eta=eta, generator=generator)


@right("my_times")
def my_times(schedule, steps):
    u = torch.linspace(1, 0, steps, dtype=torch.float64)
    goals = u**1.5 * (len(schedule) - 1)
    fitting = goals.round().long().minimum(len(schedule) - 1 - torch.arange(steps))
    return [max(t, steps - 1 - i) for i, t in enumerate(fitting.tolist())]


@right("my_times")
def times_half_in_the_lower_third(schedule, steps):
    last, below = len(schedule) - 1, steps // 2
    if steps > last // 2:
        return [*range(last, last - steps + 1, -1), 0]
    low = [i * last // (3 * below) for i in range(below)]
    high = [last - i * (last - last // 3) // (steps - below) for i in range(steps - below)]
    return high + low[::-1]


@right("my_times")
def times_evenly_in_the_root(schedule, steps):
    last, chosen = len(schedule) - 1, []
    for i in range(steps):
        goal = round(last * ((steps - 1 - i) / (steps - 1)) ** 2)
        most = chosen[-1] - 1 if chosen else last
        chosen.append(max(min(goal, most), steps - 1 - i))
    return chosen


@wrong("my_times", "evenly in t is what")
def times_evenly(schedule, steps):
    return torch.linspace(len(schedule) - 1, 0, steps).long().tolist()


@wrong("my_times", "what the paper has")
def times_evenly_rounded_up(schedule, steps):
    return torch.linspace(len(schedule) - 1, 0, steps).ceil().long().tolist()


@wrong("my_times", "do better")
def times_by_a_step(schedule, steps):
    step = (len(schedule) - 1) // (steps - 1)
    return [step * (steps - 1 - i) for i in range(steps)]


@wrong("my_times", "the paper has: do better")
def times_by_a_step_from_the_end(schedule, steps):
    step = len(schedule) // steps
    return [*(len(schedule) - 1 - step * i for i in range(steps - 1)), 0]


@wrong("my_times", "or next to them")
def times_of_the_schedule_but_one(schedule, steps):
    chosen = schedule.timesteps(steps)
    first = chosen[0] < len(schedule) - 1
    return [chosen[0] + 1, *chosen[1:]] if first else [chosen[0], (chosen[0] + chosen[2]) // 2, *chosen[2:]]


@wrong("my_times", "these are the times of schedule.timesteps")
def times_of_the_schedule(schedule, steps):
    return schedule.timesteps(steps)


@wrong("my_times", "yours rise")
def times_rising(schedule, steps):
    return my_times(schedule, steps)[::-1]


@wrong("my_times", "you chose")
def times_one_more(schedule, steps):
    return torch.linspace(len(schedule) - 1, 0, steps + 1).long().tolist()


@wrong("my_times", "returned a Tensor")
def times_tensor(schedule, steps):
    return torch.linspace(len(schedule) - 1, 0, steps).long()


@wrong("my_times", "times are Python ints")
def times_tensors(schedule, steps):
    return list(torch.linspace(len(schedule) - 1, 0, steps).long())


@wrong("my_times", "the last time is 999")
def times_one_beyond(schedule, steps):
    return torch.linspace(len(schedule), 0, steps).long().tolist()


@wrong("my_times", "times lie in [0, 30), yours reach")
def times_of_a_thousand(schedule, steps):
    return torch.linspace(999, 0, steps).long().tolist() if len(schedule) < 100 else my_times(schedule, steps)


@wrong("my_times", "where there is still noise")
def times_stop_early(schedule, steps):
    return [t + 1 for t in torch.linspace(len(schedule) - 2, 0, steps).long().tolist()]


@wrong("my_times", "a time comes twice")
def times_cubed(schedule, steps):
    return (torch.linspace(1, 0, steps) ** 3 * (len(schedule) - 1)).long().tolist()


@wrong("my_times", "must fall from each to the next")
def times_shuffled(schedule, steps):
    chosen = times_evenly(schedule, steps)
    return [chosen[1], chosen[0], *chosen[2:]]


@wrong("my_times", "you start from pure noise")
def times_late_start(schedule, steps):
    return torch.linspace((len(schedule) - 1) // 2, 0, steps).long().tolist()
