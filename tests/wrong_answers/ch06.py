"""Chapter 06, diffusion."""

import math

import torch
import torch.nn.functional as F

from gencourse.homework.ch06 import reference
from gencourse.homework.ch06.reference import mixture, reverse_mean, sampler
from wrong_answers import all_wrong, right, wrong

# Names that the chapter's cells leave behind; the check lets them mean something small.
times = noise_like = noise_loss = None


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


def pictures(x):
    """What comes of a factor of four dimensions, whatever x has."""
    return x.view(*x.shape, *[1] * (4 - x.ndim))


all_wrong(
    "q_sample",
    {
        "how many dimensions must a factor": lambda x, t, e, a: pictures(q_sample(x, t, e, a)),
        "none is drawn": lambda x, t, e, a: q_sample(x, t, torch.randn_like(x), a),
        "float64 came out": lambda x, t, e, a: q_sample(x.double(), t, e.double(), a),
        "float64 went in, float32 came out": lambda x, t, e, a: q_sample(x, t, e, a).float(),
        "changes its input x0 in place": lambda x, t, e, a: x.copy_(q_sample(x, t, e, a)),
        "your function raised RuntimeError": lambda x, t, e, a: q_sample(x, t[:2], e, a),
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


right_loss = after(loss)


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
    return right_loss(network, x0, alphas_cumprod, generator)


def half_detached(found, e):
    return ((found - e) * (found.detach() - e)).mean()


RULES = {  # of the network n, x0 x, alphas_cumprod a, t and noise e
    "a sum over all numbers": lambda n, x, a, t, e: loss(n, x, a, t, e) * x.numel(),
    "a picture twice as large": lambda n, x, a, t, e: loss(n, x, a, t, e) * x[0].numel(),
    "half of what it should be": lambda n, x, a, t, e: loss(n, x, a, t, e) / 2,
    "no root is taken": lambda n, x, a, t, e: loss(n, x, a, t, e).sqrt(),
    "not for x0": lambda n, x, a, t, e: F.mse_loss(answer(n, x, a, t, e), x),
    "with what the network saw": lambda n, x, a, t, e: F.mse_loss(answer(n, x, a, t, e), q_sample(x, t, e, a)),
    "these are absolute errors": lambda n, x, a, t, e: F.l1_loss(answer(n, x, a, t, e), e),
    "with other noise than": lambda n, x, a, t, e: F.mse_loss(answer(n, x, a, t, e), e.roll(1, 0)),
    "without noise": lambda n, x, a, t, e: F.mse_loss(n(x, t), e),
    "no noise is mixed in": lambda n, x, a, t, e: loss(n, x, a, t, 0 * e),
    "the whole batch has one time": lambda n, x, a, t, e: loss(n, x, a, t[:1].expand(len(x)), e),
    "one int64 time for each picture, (B,); it got (1,)": lambda n, x, a, t, e: loss(n, x, a, t[:1], e),
    "told times from 1 to T": lambda n, x, a, t, e: F.mse_loss(n(q_sample(x, t, e, a), t + 1), e),
    "times, from 0 on; you drew": lambda n, x, a, t, e: F.mse_loss(n(q_sample(x, t, e, a), 2 * t), e),
    "your function raised IndexError": lambda n, x, a, t, e: loss(n, x, a, t + 1, e),
    "draw t once": lambda n, x, a, t, e: F.mse_loss(n(q_sample(x, t, e, a), t[torch.randperm(len(t))]), e),
    "numbers of one picture share their noise": (
        lambda n, x, a, t, e: loss(n, x, a, t, e[:, :1].expand_as(x) if x.ndim == 4 else e)
    ),
    "as much of x0 as the times say": (
        lambda n, x, a, t, e: F.mse_loss(n(like(a[t], x) * x + like(1 - a[t], x) * e, t), e)
    ),
    "no gradient reaches the network": lambda n, x, a, t, e: loss(n, x, a, t, e).detach(),
    "no gradient reaches the network: the": lambda n, x, a, t, e: loss(n, x, a, t, e).detach().requires_grad_(),
    "the loss must be able to train it": (
        lambda n, x, a, t, e: torch.tensor(loss(n, x, a, t, e).item(), requires_grad=True)
    ),
    "must be able to train": lambda n, x, a, t, e: F.mse_loss(answer(n, x, a, t, e).detach().requires_grad_(), e),
    "is a part of the network's answer detached?": lambda n, x, a, t, e: half_detached(answer(n, x, a, t, e), e),
    "it got (6000,) torch.float32": lambda n, x, a, t, e: F.mse_loss(n(q_sample(x, t, e, a), t / len(a)), e),
    "without dimensions": lambda n, x, a, t, e: (answer(n, x, a, t, e) - e).square().flatten(1).mean(1),
    "of shape (6000, 2); it got (1, 2)": (
        lambda n, x, a, t, e: sum(loss(n, x[i : i + 1], a, t[i : i + 1], e[i : i + 1]) for i in range(9))
    ),
    "you asked it 2 times": lambda n, x, a, t, e: (loss(n, x, a, t, e) + loss(n, x, a, *drawn(x, a, None))) / 2,
}
all_wrong("noise_loss", {sentence: after(rule) for sentence, rule in RULES.items()})


DRAWS = {  # of x0 x, alphas_cumprod a and the generator g
    "where does randint end?": lambda x, a, g: drawn(x, a[:-1], g),
    "the first time never comes": lambda x, a, g: (drawn(x, a[1:], g)[0] + 1, torch.randn(x.shape, generator=g)),
    "equally often": lambda x, a, g: (drawn(x, a, g)[0].minimum(drawn(x, a, g)[0]), drawn(x, a, g)[1]),
    "another generator drew the same times": lambda x, a, g: drawn(x, a, torch.Generator().manual_seed(0)),
    "without a generator each call must draw anew": lambda x, a, g: drawn(x, a, g or torch.Generator()),
}
NOISES = {  # of x0 x and the generator g
    "all pictures got the same noise": lambda x, g: torch.randn(x.shape[1:], generator=g).expand_as(x),
    "all numbers of a picture": lambda x, g: like(torch.randn(len(x), generator=g), x).expand_as(x),
    "the noise has a mean": lambda x, g: torch.rand(x.shape, generator=g),
    "has a standard deviation of 0.5": lambda x, g: torch.rand(x.shape, generator=g) * 2 - 1,
    "hand it to all draws": lambda x, g: torch.randn_like(x),
    "another generator drew the same noise": lambda x, g: torch.randn(x.shape, generator=torch.Generator()),
}
DRAWS |= {s: lambda x, a, g, draw=draw: (drawn(x, a, g)[0], draw(x, g)) for s, draw in NOISES.items()}
all_wrong("noise_loss", {sentence: after(loss, draw) for sentence, draw in DRAWS.items()})


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
        "how many dimensions must a factor": lambda x, e, t, b: pictures(reverse_mean(x, e, t, b)),
        "not a draw around it": lambda x, e, t, b: reverse_mean(x, e, t, b) + like(b[t], x) * torch.randn_like(x),
        "float64 came out": lambda x, e, t, b: reverse_mean(x.double(), e, t, b),
        "float64 went in, float32 came out": lambda x, e, t, b: reverse_mean(x, e, t, b).float(),
        "changes its input x_t in place": lambda x, e, t, b: x.copy_(reverse_mean(x, e, t, b)),
    },
)


def root(betas, i):
    return betas[i].sqrt()


def down(betas):
    return range(len(betas) - 1, -1, -1)


def chain(*, deviation=root, shape=lambda s: s, draw=torch.randn, first=1, times=down, mean=None):
    """A solution that goes to the mean and adds noise of a deviation, drawn in a shape, down to the time `first`."""

    @torch.no_grad()
    def ancestral(network, x_T, betas, generator=None):
        x = x_T
        for i in times(betas):
            t = torch.full((len(x),), i)
            x = (mean or reverse_mean)(x, network(x, t), t, betas)
            if i >= first:
                x = x + deviation(betas, i) * draw(shape(x.shape), generator=generator)
        return x

    return ancestral


ancestral = right("ancestral")(chain())


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


def posterior(betas, i):
    left = (1 - betas).cumprod(0)
    return (betas[i] * (1 - left[i - 1]) / (1 - left[i])).sqrt()


def noise_before(x, guess, t, betas):
    return reverse_mean(x + betas[t[0]].sqrt() * torch.randn(x.shape) * (t[0] > 0), guess, t, betas)


all_wrong(
    "ancestral",
    {
        "stays in the picture": chain(first=0),
        "no noise is added on the way": chain(first=99),
        "noise is missing at some steps": chain(first=2),
        "beta is a variance": chain(deviation=lambda b, i: b[i]),
        "added as it was drawn": chain(deviation=lambda b, i: 1),
        "off by one": chain(deviation=lambda b, i: b[i - 1].sqrt()),
        "the paper's other choice": chain(deviation=posterior),
        "of all steps so far": chain(deviation=lambda b, i: (1 - (1 - b)[: i + 1].prod()).sqrt()),
        "not the schedule's": chain(deviation=lambda b, i: 2 * b[i].sqrt()),
        "is not N(0, I)": chain(draw=lambda shape, generator: torch.rand(shape, generator=generator) - 0.5),
        "draw anew at each step": chain(
            draw=lambda shape, generator: torch.randn(shape, generator=torch.Generator().manual_seed(5))
        ),
        "what is added has a mean": chain(draw=torch.rand),
        "scaled with it": chain(mean=noise_before, first=99),
        "yours goes forward": chain(times=lambda b: range(len(b))),
        "not asked at the last step": chain(times=lambda b: down(b)[:-1]),
        "the first step back is left out": chain(times=lambda b: down(b)[1:]),
        "the network must be asked once at each time": chain(times=lambda b: down(b)[::2]),
        "your function raised IndexError": chain(times=lambda b: range(len(b), 0, -1)),
        "all pictures get the same noise": chain(shape=lambda s: s[1:]),
        "got the same noise: draw one for each": chain(shape=lambda s: (s[0], 1, *s[2:])),
        "all numbers of a picture got the same noise": chain(shape=lambda s: (s[0], *[1] * len(s[1:]))),
        "numbers of one picture share their noise": chain(shape=lambda s: s if len(s) == 2 else (*s[:-1], 1)),
        "as its channels or rows may": chain(shape=lambda s: s if len(s) == 2 else (s[0], 1, *s[2:])),
        "without a generator each call must draw anew": lambda n, x, b, g: ancestral(n, x, b, g or torch.Generator()),
        "something is drawn without it": lambda n, x, b, g: ancestral(n, x, b),
        "it is not used": lambda n, x, b, g: ancestral(n, x, b, torch.Generator().manual_seed(0)),
        "again and again, not about the current x": lambda n, x, b, g: ancestral(lambda _, t: n(x, t), x, b, g),
        "the first question is about x_T": lambda n, x, b, g: ancestral(n, torch.randn(x.shape, generator=g), b, g),
        "it got a int": lambda n, x, b, g: n(x, len(b) - 1),
        "all pictures have the same time": lambda n, x, b, g: n(x, torch.arange(len(x)) % 2),
        "changes its input x_T in place": lambda n, x, b, g: x.copy_(ancestral(n, x.clone(), b, g)),
        "the last mean comes back cut off": lambda n, x, b, g: ancestral(n, x, b, g).clamp(-1, 1),
        "x_0 has the shape of x_T": lambda n, x, b, g: ancestral(n, x, b, g)[0],
        "x does not go to reverse_mean of x": (
            lambda n, x, b, g: chain(mean=lambda _, *given: reverse_mean(x, *given))(n, x, b, g)
        ),
    },
)


@right("train_step")
def step_by_names(network, average, optimizer, x0, alphas_cumprod, decay, generator=None):
    """Gradients are cleared at the end, averages found by name."""
    loss = noise_loss(network, x0, alphas_cumprod, generator=generator)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad(set_to_none=False)
    now = dict(network.named_parameters())
    for name, mean in average.named_parameters():
        mean.data.mul_(decay).add_(now[name].data, alpha=1 - decay)
    return loss.detach()


@right("train_step")
def step_by_state(network, average, optimizer, x0, alphas_cumprod, decay, generator=None):
    """The average is loaded anew."""
    for weight in network.parameters():
        weight.grad = None
    loss = noise_loss(network, x0, alphas_cumprod, generator)
    loss.backward()
    optimizer.step()
    new = network.state_dict()
    average.load_state_dict({k: decay * mean + (1 - decay) * new[k] for k, mean in average.state_dict().items()})
    return loss.detach()


@wrong("train_step", "was read back as a number")
def step_read_back(*given):
    return step_by_names(*given).item()


@wrong("train_step", "the loss comes back with its graph")
def step_with_graph(network, average, optimizer, x0, alphas_cumprod, decay, generator=None):
    loss = noise_loss(network, x0, alphas_cumprod, generator)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        for mean, now in zip(average.parameters(), network.parameters(), strict=True):
            mean.lerp_(now, 1 - decay)
    return loss


@wrong("train_step", "the average hangs on the graph")
def step_average_with_graph(network, average, optimizer, x0, alphas_cumprod, decay, generator=None):
    loss = noise_loss(network, x0, alphas_cumprod, generator)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.mul_(decay).add_((1 - decay) * now)
    return loss.detach()


@wrong("train_step", "without the generator")
def step_without_generator(network, average, optimizer, x0, alphas_cumprod, decay, generator=None):
    return step_by_names(network, average, optimizer, x0, alphas_cumprod, decay)


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


all_wrong(
    "guided",
    {
        "changes its input labels in place": lambda n, y, w: (guided_by_lambda(n, y.clone(), w), y.fill_(n.null))[0],
        "at least not beyond 1": lambda n, y, w: guided_by_lambda(n, y, min(w, 1)),
        "one int64 label for each picture": lambda n, y, w: lambda x_t, t: n(x_t, t, n.null),
        "it should return a function of x_t and t": lambda n, y, w: n(torch.zeros(len(y), 2), y, y),
        "is there a return?": lambda n, y, w: lambda x_t, t: None,
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
        "called before x moves on": (
            lambda *given, callback, **o: ddim(*given, **o, callback=lambda x, x0, t: callback(0.9 * x, x0, t))
        ),
        "two tensors of the shape of x_T": (
            lambda *given, callback, **o: ddim(*given, **o, callback=lambda x, x0, t: callback(t, x0, x))
        ),
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
def times_evenly_in_the_root(schedule, steps):
    last, chosen = len(schedule) - 1, []
    for i in range(steps):
        goal = round(last * ((steps - 1 - i) / (steps - 1)) ** 2)
        most = chosen[-1] - 1 if chosen else last
        chosen.append(max(min(goal, most), steps - 1 - i))
    return chosen


@wrong("ddim", "the callback is called before x moves on")
def ddim_told_too_late(model, x_T, schedule, *, steps, eta=0.0, generator=None, callback=None):
    seen, told = [], []
    late = ddim(model, x_T, schedule, steps=steps, eta=eta, generator=generator, callback=lambda *a: told.append(a))
    seen = [*(x for x, _, _ in told[1:]), late]
    for x, (_, x0, t) in zip(seen, told, strict=True):
        callback(x, x0, t)
    return late


@wrong("my_times", "or next to them")
def times_of_the_schedule_but_one(schedule, steps):
    chosen = schedule.timesteps(steps)
    first = chosen[0] < len(schedule) - 1
    return [chosen[0] + 1, *chosen[1:]] if first else [chosen[0], (chosen[0] + chosen[2]) // 2, *chosen[2:]]


def evenly(first, steps, last=0):
    return torch.linspace(first, last, steps).long().tolist()


all_wrong(
    "my_times",
    {
        "evenly in t is what": lambda s, n: evenly(len(s) - 1, n),
        "what the paper has": lambda s, n: torch.linspace(len(s) - 1, 0, n).ceil().long().tolist(),
        "do better": lambda s, n: [(len(s) - 1) // (n - 1) * i for i in range(n)][::-1],
        "the paper has: do better": lambda s, n: [*range(len(s) - 1, 0, -(len(s) // n))][: n - 1] + [0],
        "must fall from each to": lambda s, n: [*evenly(len(s) - 1, n)[1::-1], *evenly(len(s) - 1, n)[2:]],
        "these are the times of schedule.timesteps": lambda s, n: s.timesteps(n),
        "yours rise": lambda s, n: my_times(s, n)[::-1],
        "you chose": lambda s, n: evenly(len(s) - 1, n + 1),
        "returned a Tensor": lambda s, n: torch.linspace(len(s) - 1, 0, n).long(),
        "each of your times holds several": lambda s, n: [torch.zeros(2)] * n,
        "times are Python ints": lambda s, n: list(torch.linspace(len(s) - 1, 0, n).long()),
        "the last time is 999": lambda s, n: evenly(len(s), n),
        "times lie in [0, 30), yours reach": lambda s, n: evenly(999, n) if len(s) < 100 else my_times(s, n),
        "where there is still noise": lambda s, n: evenly(len(s) - 1, n, last=1),
        "a time comes twice": lambda s, n: [t**3 // (len(s) - 1) ** 2 for t in evenly(len(s) - 1, n)],
        "you start from pure noise": lambda s, n: evenly((len(s) - 1) // 2, n),
    },
)
