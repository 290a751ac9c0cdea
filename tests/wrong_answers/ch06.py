"""Chapter 06, diffusion."""

import math

import torch
import torch.nn.functional as F

from gencourse.homework.ch06 import reference
from gencourse.homework.ch06.reference import mixture, reverse_mean, sampler
from wrong_answers import all_right, all_wrong, right, wrong

# Names that the chapter's cells leave behind; the check lets them mean something small.
times = noise_like = None


def like(values, x):
    """Numbers (B,) with as many dimensions as x, and its dtype."""
    return values.view(-1, *[1] * (x.ndim - 1)).to(x)


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


def images_only(x, t, noise, share, shrunk):
    """As a formula of pictures with a factor of four dimensions."""
    return (x - share[t].view(-1, 1, 1, 1).to(x) * noise) / shrunk[t].view(-1, 1, 1, 1).to(x)


all_right("q_sample", reference=q_sample)
all_wrong(
    "q_sample",
    {
        "how many dimensions must a factor": lambda x0, t, noise, left: images_only(x0, t, noise, left, left),
        "none is drawn": lambda x0, t, noise, left: q_sample(x0, t, torch.randn_like(x0), left),
        "float64 came out": lambda x0, t, noise, left: q_sample(x0.double(), t, noise.double(), left),
        "float64 went in, float32 came out": lambda x0, t, noise, left: q_sample(x0, t, noise, left).float(),
        "changes its input x0 in place": lambda x0, t, noise, left: x0.copy_(q_sample(x0, t, noise, left)),
        "your function raised RuntimeError": lambda x0, t, noise, left: q_sample(x0, t[:2], noise, left),
    },
)


def drawn(x0, alphas_cumprod, generator):
    t = torch.randint(len(alphas_cumprod), (len(x0),), generator=generator)
    return t, torch.randn(x0.shape, generator=generator)


def answer(network, x0, left, t, noise):
    return network(q_sample(x0, t, noise, left), t)


def loss(network, x0, left, t, noise):
    return F.mse_loss(answer(network, x0, left, t, noise), noise)


def after(rule, draw=drawn):
    """A solution that draws, and goes on with rule(network, x0, alphas_cumprod, t, noise)."""

    def noise_loss(network, x0, alphas_cumprod, generator=None):
        return rule(network, x0, alphas_cumprod, *draw(x0, alphas_cumprod, generator))

    return noise_loss


noise_loss = after(loss)


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


@right("noise_loss")
def loss_fresh_generator(network, x0, alphas_cumprod, generator=None):
    """A generator of its own, but with another seed each time."""
    if generator is None:
        generator = torch.Generator().manual_seed(torch.randint(2**31, ()).item())
    return noise_loss(network, x0, alphas_cumprod, generator)


RULES = {  # of the network n, x0, alphas_cumprod a, t and noise
    "a sum over all numbers": lambda n, x0, a, t, noise: loss(n, x0, a, t, noise) * x0.numel(),
    "a picture twice as large": lambda n, x0, a, t, noise: loss(n, x0, a, t, noise) * x0[0].numel(),
    "half of what it should be": lambda n, x0, a, t, noise: loss(n, x0, a, t, noise) / 2,
    "no root is taken": lambda n, x0, a, t, noise: loss(n, x0, a, t, noise).sqrt(),
    "not for x0": lambda n, x0, a, t, noise: F.mse_loss(answer(n, x0, a, t, noise), x0),
    "with what the network saw": (
        lambda n, x0, a, t, noise: F.mse_loss(answer(n, x0, a, t, noise), q_sample(x0, t, noise, a))
    ),
    "not taken without their sign": lambda n, x0, a, t, noise: F.l1_loss(answer(n, x0, a, t, noise), noise),
    "with other noise than": lambda n, x0, a, t, noise: F.mse_loss(answer(n, x0, a, t, noise), noise.roll(1, 0)),
    "without noise": lambda n, x0, a, t, noise: F.mse_loss(n(x0, t), noise),
    "no noise is mixed in": lambda n, x0, a, t, noise: loss(n, x0, a, t, 0 * noise),
    "the whole batch has one time": lambda n, x0, a, t, noise: loss(n, x0, a, t[:1].expand(len(x0)), noise),
    "one int64 time for each picture, (B,); it got (1,)": lambda n, x0, a, t, noise: loss(n, x0, a, t[:1], noise),
    "told times from 1 to T": lambda n, x0, a, t, noise: F.mse_loss(n(q_sample(x0, t, noise, a), t + 1), noise),
    "your function raised IndexError": lambda n, x0, a, t, noise: loss(n, x0, a, t + 1, noise),
    "draw t once": (
        lambda n, x0, a, t, noise: F.mse_loss(n(q_sample(x0, t, noise, a), t[torch.randperm(len(t))]), noise)
    ),
    "numbers of one picture share their noise": (
        lambda n, x0, a, t, noise: loss(n, x0, a, t, noise[:, :1].expand_as(x0) if x0.ndim == 4 else noise)
    ),
    "as much of x0 as the times say": (
        lambda n, x0, a, t, noise: F.mse_loss(n(like(a[t], x0) * x0 + like(1 - a[t], x0) * noise, t), noise)
    ),
    "no gradient reaches the network": lambda n, x0, a, t, noise: loss(n, x0, a, t, noise).detach(),
    "it got (6000,) torch.float32": (
        lambda n, x0, a, t, noise: F.mse_loss(n(q_sample(x0, t, noise, a), t / len(a)), noise)
    ),
    "without dimensions": lambda n, x0, a, t, noise: (answer(n, x0, a, t, noise) - noise).square().flatten(1).mean(1),
    "of shape (6000, 2); it got (1, 2)": (
        lambda n, x0, a, t, noise: sum(loss(n, x0[i : i + 1], a, t[i : i + 1], noise[i : i + 1]) for i in range(9))
    ),
    "you asked it 2 times": (
        lambda n, x0, a, t, noise: (loss(n, x0, a, t, noise) + loss(n, x0, a, *drawn(x0, a, None))) / 2
    ),
}
all_wrong("noise_loss", {sentence: after(rule) for sentence, rule in RULES.items()})


def uneven(x0, a, generator):
    t, noise = drawn(x0, a, generator)
    return torch.minimum(t, drawn(x0, a, generator)[0]), noise


DRAWS = {  # of x0, alphas_cumprod a and the generator g
    "where does randint end?": lambda x0, a, g: drawn(x0, a[:-1], g),
    "the first time never comes": lambda x0, a, g: (drawn(x0, a[1:], g)[0] + 1, torch.randn(x0.shape, generator=g)),
    "equally often": uneven,
    "all pictures got the same noise": (
        lambda x0, a, g: (drawn(x0, a, g)[0], torch.randn(x0.shape[1:], generator=g).expand_as(x0))
    ),
    "all numbers of a picture": (
        lambda x0, a, g: (drawn(x0, a, g)[0], like(torch.randn(len(x0), generator=g), x0).expand_as(x0))
    ),
    "the noise has a mean": lambda x0, a, g: (drawn(x0, a, g)[0], torch.rand(x0.shape, generator=g)),
    "has a standard deviation of 0.5": lambda x0, a, g: (drawn(x0, a, g)[0], torch.rand(x0.shape, generator=g) * 2 - 1),
    "hand it to all draws": lambda x0, a, g: (drawn(x0, a, g)[0], torch.randn_like(x0)),
    "another generator drew the same times": lambda x0, a, g: drawn(x0, a, torch.Generator().manual_seed(0)),
    "another generator drew the same noise": (
        lambda x0, a, g: (drawn(x0, a, g)[0], drawn(x0, a, torch.Generator().manual_seed(0))[1])
    ),
    "without a generator each call must draw anew": lambda x0, a, g: drawn(x0, a, g or torch.Generator()),
}
all_wrong("noise_loss", {sentence: after(loss, draw) for sentence, draw in DRAWS.items()})


@wrong("noise_loss", "times, from 0 on; you drew")
def loss_beyond(network, x0, alphas_cumprod, generator=None):
    t, noise = torch.randint(9, (len(x0),), generator=generator), torch.randn(x0.shape, generator=generator)
    return F.mse_loss(network(q_sample(x0, t % len(alphas_cumprod), noise, alphas_cumprod), t), noise)


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


all_wrong(
    "reverse_mean",
    {
        "how many dimensions must a factor": lambda x, noise, t, betas: images_only(x, t, noise, betas, betas),
        "not a draw around it": (
            lambda x, noise, t, betas: reverse_mean(x, noise, t, betas) + like(betas[t], x) * torch.randn_like(x)
        ),
        "float64 came out": lambda x, noise, t, betas: reverse_mean(x.double(), noise, t, betas),
        "float64 went in, float32 came out": lambda x, noise, t, betas: reverse_mean(x, noise, t, betas).float(),
        "changes its input x_t in place": lambda x, noise, t, betas: x.copy_(reverse_mean(x, noise, t, betas)),
    },
)


def chain(rule, times=lambda betas: reversed(range(len(betas)))):
    """A solution that goes from x to rule(x, guess, t, betas, i, draw) at each of the times."""

    @torch.no_grad()
    def ancestral(network, x_T, betas, generator=None):
        x = x_T
        for i in times(betas):
            t = torch.full((len(x),), i)
            x = rule(x, network(x, t), t, betas, i, lambda shape=x.shape: torch.randn(shape, generator=generator))
        return x

    return ancestral


def usual(x, guess, t, betas, i, draw):
    x = reverse_mean(x, guess, t, betas)
    return x + betas[i].sqrt() * draw() if i > 0 else x


ancestral = chain(usual)
all_right("ancestral", by_step=ancestral)


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


def added(noise, first=1):
    """A solution that adds noise(betas, i, draw, x) to the mean, down to the time `first`."""

    def step(x, guess, t, betas, i, draw):
        x = reverse_mean(x, guess, t, betas)
        return x + noise(betas, i, draw, x) if i >= first else x

    return chain(step)


def plain(betas, i, draw, x):
    return betas[i].sqrt() * draw()


def smaller(betas, i, draw, x):
    left = (1 - betas).cumprod(0)
    return (betas * (1 - left.roll(1)) / (1 - left)).sqrt()[i] * draw()


def noise_before(x, guess, t, betas, i, draw):
    return reverse_mean(x + betas[i].sqrt() * draw() if i > 0 else x, guess, t, betas)


def rows_alike(betas, i, draw, x):
    return betas[i].sqrt() * draw(x.shape if x.ndim == 2 else (*x.shape[:-1], 1))


def channels_alike(betas, i, draw, x):
    return betas[i].sqrt() * draw(x.shape if x.ndim == 2 else (len(x), 1, *x.shape[2:]))


all_wrong(
    "ancestral",
    {
        "stays in the picture": added(plain, first=0),
        "no noise is added on the way": added(plain, first=99),
        "noise is missing at some steps": added(plain, first=2),
        "beta is a variance": added(lambda betas, i, draw, x: betas[i] * draw()),
        "added as it was drawn": added(lambda betas, i, draw, x: draw()),
        "off by one": added(lambda betas, i, draw, x: betas[i - 1].sqrt() * draw()),
        "the paper's other choice": added(smaller),
        "of all steps so far": added(lambda betas, i, draw, x: (1 - (1 - betas)[: i + 1].prod()).sqrt() * draw()),
        "not the schedule's": added(lambda betas, i, draw, x: 2 * betas[i].sqrt() * draw()),
        "is not N(0, I)": added(lambda betas, i, draw, x: betas[i].sqrt() * (torch.rand(x.shape) - 0.5)),
        "what is added has a mean": added(lambda betas, i, draw, x: betas[i].sqrt() * torch.rand(x.shape)),
        "scaled with it": chain(noise_before),
        "yours goes forward": chain(usual, lambda betas: range(len(betas))),
        "not asked at the last step": chain(usual, lambda betas: range(len(betas) - 1, 0, -1)),
        "the first step back is left out": chain(usual, lambda betas: reversed(range(len(betas) - 1))),
        "the network must be asked once at each time": chain(usual, lambda betas: range(len(betas) - 1, -1, -2)),
        "your function raised IndexError": chain(usual, lambda betas: range(len(betas), 0, -1)),
        "all pictures get the same noise": added(lambda betas, i, draw, x: betas[i].sqrt() * draw(x.shape[1:])),
        "got the same noise: draw one for each": (
            added(lambda betas, i, draw, x: betas[i].sqrt() * draw((len(x), 1, *x.shape[2:])))
        ),
        "all numbers of a picture got the same noise": (
            added(lambda betas, i, draw, x: betas[i].sqrt() * like(draw(len(x)), x))
        ),
        "numbers of one picture share their noise": added(rows_alike),
        "as its channels or rows may": added(channels_alike),
        "without a generator each call must draw anew": (
            lambda network, x, betas, g=None: ancestral(network, x, betas, g or torch.Generator())
        ),
        "something is drawn without it": lambda network, x, betas, g=None: ancestral(network, x, betas),
        "it is not used": (
            lambda network, x, betas, g=None: ancestral(network, x, betas, torch.Generator().manual_seed(0))
        ),
        "again and again, not about the current x": (
            lambda network, x_T, betas, g=None: ancestral(lambda x, t: network(x_T, t), x_T, betas, g)
        ),
        "the first question is about x_T": (
            lambda network, x, betas, g=None: ancestral(network, torch.randn(x.shape, generator=g), betas, g)
        ),
        "it got a int": lambda network, x, betas, g=None: network(x, len(betas) - 1),
        "all pictures have the same time": lambda network, x, betas, g=None: network(x, torch.arange(len(x)) % 2),
        "changes its input x_T in place": lambda network, x, betas, g=None: x.copy_(ancestral(network, x, betas, g)),
        "x_0 has the shape of x_T": lambda network, x, betas, g=None: ancestral(network, x, betas, g)[0],
    },
)


@wrong("ancestral", "draw anew at each step")
def chain_one_noise(network, x_T, betas, generator=None):
    z = torch.randn(x_T.shape, generator=generator)
    return added(lambda betas, i, draw, x: betas[i].sqrt() * z)(network, x_T, betas)


@wrong("ancestral", "x does not go to reverse_mean of x")
def chain_start_in_mean(network, x_T, betas, generator=None):
    return chain(lambda x, *given: usual(x_T, *given))(network, x_T, betas, generator)


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


@wrong("guided", "changes its input labels in place")
def guided_in_place(network, labels, weight):
    def model(x_t, t):
        given = network(x_t, t, labels)
        labels[:] = network.null
        return torch.lerp(network(x_t, t, labels), given, weight)

    return model


all_wrong(
    "guided",
    {
        "at least not beyond 1": lambda network, labels, w: guided_by_lambda(network, labels, min(w, 1)),
        "one int64 label for each picture": lambda network, labels, w: lambda x_t, t: network(x_t, t, network.null),
        "it should return a function of x_t and t": (
            lambda network, labels, w: network(torch.zeros(len(labels), 2), labels, labels)
        ),
        "is there a return?": lambda network, labels, w: lambda x_t, t: None,
        "a prediction has the shape of x_t": mixture(lambda given, without, w: torch.cat([without, given])),
    },
)


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


all_wrong(
    "ddim",
    {
        "there may be a generator for each picture": sampler(lambda s: s.to(draw=lambda: torch.randn(s.x.shape))),
        "z has another shape than x": sampler(lambda s: s.to(draw=lambda: reference.noise_like(s.x[:1]))),
        "eta = 0 draws nothing": sampler(lambda s: s.to() + 0 * s.draw()),
        "noise is drawn where sigma is 0": (
            sampler(lambda s: s.to() + 0 * s.draw() if s.eta and s.after == 1 else s.to())
        ),
        "changes its input x_T in place": sampler(lambda s: s.x.copy_(s.to())),
        "your function raised TypeError": sampler(lambda s: s.to(sigma=s.eta * (1 - s.after / s.now) ** 0.5)),
        "the model is asked once at each of the times": (
            lambda model, x, *given, **options: ddim(lambda *a: (model(*a), model(*a))[0], x, *given, **options)
        ),
        "without the generator": lambda *given, generator, **options: ddim(*given, **options),
        "that part was given": lambda *given, callback, **options: ddim(*given, **options),
        "the result has the shape of x_T": lambda *given, **options: ddim(*given, **options)[0],
        "the first question is about x_T": lambda model, x, *given, **options: ddim(model, 2 * x, *given, **options),
    },
)


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


@wrong("my_times", "or next to them")
def times_of_the_schedule_but_one(schedule, steps):
    chosen = schedule.timesteps(steps)
    first = chosen[0] < len(schedule) - 1
    return [chosen[0] + 1, *chosen[1:]] if first else [chosen[0], (chosen[0] + chosen[2]) // 2, *chosen[2:]]


@wrong("my_times", "the paper has: do better")
def times_by_a_step_from_the_end(schedule, steps):
    step = len(schedule) // steps
    return [*(len(schedule) - 1 - step * i for i in range(steps - 1)), 0]


@wrong("my_times", "must fall from each to the next")
def times_shuffled(schedule, steps):
    first, second, *rest = evenly(len(schedule) - 1, steps)
    return [second, first, *rest]


def evenly(first, steps, last=0):
    return torch.linspace(first, last, steps).long().tolist()


all_wrong(
    "my_times",
    {
        "evenly in t is what": lambda schedule, steps: evenly(len(schedule) - 1, steps),
        "what the paper has": lambda s, steps: torch.linspace(len(s) - 1, 0, steps).ceil().long().tolist(),
        "do better": lambda schedule, steps: [(len(schedule) - 1) // (steps - 1) * i for i in range(steps)][::-1],
        "these are the times of schedule.timesteps": lambda schedule, steps: schedule.timesteps(steps),
        "yours rise": lambda schedule, steps: my_times(schedule, steps)[::-1],
        "you chose": lambda schedule, steps: evenly(len(schedule) - 1, steps + 1),
        "returned a Tensor": lambda schedule, steps: torch.linspace(len(schedule) - 1, 0, steps).long(),
        "each of your times holds several": lambda schedule, steps: [torch.zeros(2)] * steps,
        "times are Python ints": lambda schedule, steps: list(torch.linspace(len(schedule) - 1, 0, steps).long()),
        "the last time is 999": lambda schedule, steps: evenly(len(schedule), steps),
        "times lie in [0, 30), yours reach": (
            lambda schedule, steps: evenly(999, steps) if len(schedule) < 100 else my_times(schedule, steps)
        ),
        "where there is still noise": lambda schedule, steps: evenly(len(schedule) - 1, steps, last=1),
        "a time comes twice": lambda s, steps: [t**3 // (len(s) - 1) ** 2 for t in evenly(len(s) - 1, steps)],
        "you start from pure noise": lambda schedule, steps: evenly((len(schedule) - 1) // 2, steps),
    },
)
