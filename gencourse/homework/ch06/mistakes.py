"""Chapter 06: what goes wrong in its tasks, and what is said about it."""

from dataclasses import replace
from functools import partial
from typing import Any

import torch

from gencourse.homework.ch06.reference import (
    along,
    back,
    guided,
    mixed,
    mixture,
    move,
    q_sample,
    reverse_mean,
    sampler,
)
from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes

noise_loss: Any = None  # the check's call lets it mean another loss
MISTAKES: Mistakes = {}
mistake, add = partial(add_mistake, MISTAKES), partial(add_mistakes, MISTAKES)


@mistake("q_sample", "one picture was noised to several times: its time counts for all of its numbers", forms=(3, 2, 1))
def sample_scattered(axis, x0, t, noise, left):
    return q_sample(x0, t, noise, left, axis)


add(
    "q_sample",
    {  # of x0 x, t, noise e and alphas_cumprod a
        "variance 1 goes in, another one comes out: the entries of alphas_cumprod are shares of variance": (
            lambda x, t, e, a: mixed(a[t], 1 - a[t], x, e)
        ),
        "x0 keeps another share than it should: look at its root": (
            lambda x, t, e, a: mixed(a[t], (1 - a[t]).sqrt(), x, e)
        ),
        "there is too little noise: look at its root": lambda x, t, e, a: mixed(a[t].sqrt(), 1 - a[t], x, e),
        "later times must keep less of the picture: yours keep more": lambda x, t, e, a: q_sample(x, t, e, 1 - a),
        "the noise should be added": lambda x, t, e, a: q_sample(x, t, -e, a),
        "each time is one too early: the code counts from 0, and t = 0 has noise already": (
            lambda x, t, e, a: q_sample(x, t - 1, e, a)
        ),
        "each time is one too late: the code counts from 0": (
            lambda x, t, e, a: q_sample(x, (t + 1).clamp(max=len(a) - 1), e, a)
        ),
        "pictures with different t kept equally much: each has a time of its own": (
            lambda x, t, e, a: q_sample(x, t[:1].expand(len(t)), e, a)
        ),
        "all pictures are noised with the mean of their ᾱ: each has a time of its own": (
            lambda x, t, e, a: q_sample(x, 0 * t, e, a[t].mean()[None])
        ),
        "the noise is equally strong at every time: it needs a factor, too": (
            lambda x, t, e, a: mixed(a[t].sqrt(), torch.ones_like(a[t]), x, e)
        ),
        "the picture never fades: variance 1 goes in, more comes out": (
            lambda x, t, e, a: mixed(torch.ones_like(a[t]), (1 - a[t]).sqrt(), x, e)
        ),
        "alphas_cumprod is the product already: it is multiplied up once more": (
            lambda x, t, e, a: q_sample(x, t, e, a.cumprod(0))
        ),
        "the noise does not arrive": lambda x, t, e, a: q_sample(x, t, 0 * e, a),
        "the share of the noise is √(1 − ᾱ): the root is taken last": (
            lambda x, t, e, a: mixed(a[t].sqrt(), 1 - a[t].sqrt(), x, e)
        ),
        "ᾱ is squared in the share of the noise: it is √(1 − ᾱ)": (
            lambda x, t, e, a: mixed(a[t].sqrt(), (1 - a[t] ** 2).sqrt(), x, e)
        ),
        "alphas_cumprod is read from its end: t = 0 is the first entry": (
            lambda x, t, e, a: q_sample(x, t, e, a.flip(0))
        ),
        "picture and noise have the same factor: the noise has √(1 − ᾱ)": (
            lambda x, t, e, a: mixed(a[t].sqrt(), a[t].sqrt(), x, e)
        ),
    },
)


@mistake(
    "reverse_mean",
    "one picture was treated as if it had several times: its time counts for all of its numbers",
    forms=(3, 2, 1),
)
def mean_scattered(axis, x, noise, t, betas):
    return reverse_mean(x, noise, t, betas, axis)


@mistake("reverse_mean", "wrong at t = 0 alone: before the first step nothing has piled up, alphas_cumprod is 1 there")
def mean_by_bayes(x, noise, t, betas):
    left = remaining(betas)
    before, now = left.roll(1), 1 - left
    x0 = back(x, noise, now.sqrt()[t], left.sqrt()[t])
    of_x0, of_x = before.sqrt() * betas / now, (1 - betas).sqrt() * (1 - before) / now
    return mixed(of_x0[t], of_x[t], x0, x)


def remaining(betas):
    return (1 - betas).cumprod(0)


def means(part):
    """Return an answer with another share of the noise or another shrinking: part(b, a, s, d) as in MEANS."""

    def reverse_mean(x, noise, t, betas):
        left = remaining(betas)
        share, shrunk = part(betas, left, betas / (1 - left).sqrt(), (1 - betas).sqrt())
        return back(x, noise, share[t], shrunk[t])

    return reverse_mean


MEANS = {  # of betas b and alphas_cumprod a, the share s of the noise, and d, by which all is divided
    "each step forward also shrinks: nothing undoes that": lambda b, a, s, d: (s, torch.ones_like(b)),
    "the step forward shrinks; yours shrinks once more where it should undo it": (
        lambda b, a, s, d: (s, 1 / (1 - b).sqrt())
    ),
    "divided by alpha, but a step forward shrinks by the root of alpha": lambda b, a, s, d: (s, 1 - b),
    "undo the shrinking of this one step, not of all steps so far": lambda b, a, s, d: (s, a.sqrt()),
    "this is the guess for x0: only one step back is asked for": lambda b, a, s, d: ((1 - a).sqrt(), a.sqrt()),
    "all of the noise is taken away: one step takes a little of it": lambda b, a, s, d: ((1 - a).sqrt(), d),
    "another share of the noise is taken away: look at what stands below beta in eq. 11": lambda b, a, s, d: (
        b / (1 - a),
        d,
    ),
    "too much noise is taken away: beta stands there without a root": lambda b, a, s, d: ((b / (1 - a)).sqrt(), d),
    "this is the noise of the last step forward alone; the noise handed over is that of all steps": (
        lambda b, a, s, d: (b.sqrt(), d)
    ),
    "the noise is taken away unscaled": lambda b, a, s, d: (torch.ones_like(b), d),
    "the product runs over the alphas, not over the betas": lambda b, a, s, d: (b / (1 - b.cumprod(0)).sqrt(), d),
    "the share of the noise is not divided: see √(1 − ᾱ) below beta": lambda b, a, s, d: (b, d),
    "alpha stands in front of the noise, where beta belongs": lambda b, a, s, d: ((1 - b) / (1 - a).sqrt(), d),
    "what has piled up until t counts, not until one step earlier": (
        lambda b, a, s, d: (b / (1 - a / (1 - b)).sqrt(), d)
    ),
}
add("reverse_mean", {sentence: means(part) for sentence, part in MEANS.items()})
add(
    "reverse_mean",
    {  # of x_t, noise e, t and betas b
        "you add noise where you should take some away": lambda x, e, t, b: reverse_mean(x, -e, t, b),
        "x_t and the noise have changed places": lambda x, e, t, b: reverse_mean(e, x, t, b),
        "the mean is cut off at -1 and 1: return it as it is": lambda x, e, t, b: reverse_mean(x, e, t, b).clamp(-1, 1),
        "the shrinking is undone for x_t, not for the noise: see the brackets": (
            lambda x, e, t, b: reverse_mean(x, along((1 - b).sqrt()[t], x) * e, t, b)
        ),
        "each time is one too early: the code counts from 0": lambda x, e, t, b: reverse_mean(x, e, t - 1, b),
        "each time is one too late: the code counts from 0": (
            lambda x, e, t, b: reverse_mean(x, e, (t + 1).clamp(max=len(b) - 1), b)
        ),
        "different times, one factor: each picture has a time of its own": (
            lambda x, e, t, b: reverse_mean(x, e, t[:1].expand(len(t)), b)
        ),
    },
)


@mistake(
    "guided",
    'the label for "any" is network.null: yours is a fixed number, and another network may have another',
    forms=range(12),
)
def guided_fixed_null(null, network, labels, weight):
    none = torch.full_like(labels, null)
    return lambda x_t, t: torch.lerp(network(x_t, t, none), network(x_t, t, labels), weight)


@mistake("guided", "the unconditional prediction of the first question is kept: each x_t and t has its own")
def guided_kept(network, labels, weight):
    kept = []

    def model(x_t, t):
        if not kept:
            kept.append(network(x_t, t, torch.full_like(labels, network.null)))
        return torch.lerp(kept[0], network(x_t, t, labels), weight)

    return model


@mistake("guided", "the unconditional prediction is asked for at t = 0: both should be asked for at t")
def guided_early(network, labels, weight):
    none = torch.full_like(labels, network.null)
    return lambda x_t, t: torch.lerp(network(x_t, 0 * t, none), network(x_t, t, labels), weight)


MIXTURES = {  # of the conditional prediction c, the unconditional one u, and the weight
    "weight 0 should know nothing of the label, and weight 1 ask for it: yours is the other way round": (
        lambda c, u, w: w * u + (1 - w) * c
    ),
    "weight 1 should be the conditional prediction and nothing else: the paper's w is another": (
        lambda c, u, w: (1 + w) * c - w * u
    ),
    "the label pushes away from itself: which of the two is subtracted?": lambda c, u, w: u + w * (u - c),
    "weight 0 should be the unconditional prediction: yours is nothing": lambda c, u, w: w * c,
    "the weights of the two predictions do not add up to 1": lambda c, u, w: u + w * c,
    "the unconditional prediction is subtracted whole: weight 0 should be just that": lambda c, u, w: w * c - u,
    "the prediction is cut off at -1 and 1: return it as it is": lambda c, u, w: (u + w * (c - u)).clamp(-1, 1),
    "the weight is fixed at 2 in your code: it is an argument": lambda c, u, w: u + 2 * (c - u),
    "this is the difference alone: to what is it added?": lambda c, u, w: w * (c - u),
    "the weight changes nothing, at least not beyond 1: this is the conditional prediction": lambda c, u, w: c,
    "the label changes nothing: this is the unconditional prediction": lambda c, u, w: u,
}
add("guided", {sentence: mixture(mix) for sentence, mix in MIXTURES.items()})
add(
    "guided",
    {"all pictures are asked for the label of the first": lambda n, y, w: guided(n, y[:1].expand(len(y)), w)},
)


DDIM_STEPS = {
    "old and new noise together are not as much as the time asks for: sigma is no variance": (
        lambda s: s.to(old=s.room(s.sigma))
    ),
    "x is mixed again for the time it is at, so it never moves on: which of the two is the time after?": (
        lambda s: replace(s, after=s.now).to()
    ),
    "only the picture is left: mix it with the noise that was found in x": lambda s: s.to(old=0),
    "x itself is not the noise in it: take x0_hat out first": lambda s: s.to(noise=s.x),
    "eps_hat has variance 1, yours has less: what does the formula divide by?": (
        lambda s: s.to(noise=s.noise * (1 - s.now) ** 0.5)
    ),
    "eps_hat has variance 1, yours has more: a share of variance stands where its root belongs": (
        lambda s: s.to(noise=s.noise / (1 - s.now) ** 0.5)
    ),
    "eps_hat is what is left of x without its picture: how much of the picture is in x?": (
        lambda s: s.to(noise=(s.x - s.now * s.x0) / (1 - s.now) ** 0.5)
    ),
    "there is too little of the picture in x: alphas_cumprod is a share of variance": lambda s: s.to(of_x0=s.after),
    "there is too little of the old noise in x: its factor is the root of its share of variance": (
        lambda s: s.to(old=s.room(s.sigma**2) ** 2)
    ),
    "the old noise is subtracted, where the formula adds it": lambda s: s.to(noise=-s.noise),
    "eta changes nothing: where is the new noise?": lambda s: s.to(sigma=0),
    "the old noise makes room for new noise, and none comes": lambda s: s.to(sigma=0, old=s.room(s.sigma**2)),
    "old and new noise together are too much: their variances must add up to 1 - alphas_cumprod": (
        lambda s: s.to(old=s.room(0))
    ),
    "sigma is a standard deviation: yours is a variance": lambda s: s.to(sigma=s.eta and s.sigma**2 / s.eta),
    "half of eta should be half of the sigma, yours is a quarter": lambda s: replace(s, eta=s.eta**2).to(),
    "any eta above 0 counts as 1: half of eta should be half of the sigma": lambda s: replace(s, eta=s.eta > 0).to(),
    "eta = 1 should be DDPM with the variance of eq. 7; your sigma lacks a factor": (
        lambda s: s.to(sigma=s.eta * (1 - s.now / s.after) ** 0.5)
    ),
    "σ is taken off the root: its square belongs under it, beside ᾱ of the time after": (
        lambda s: s.to(old=s.room(0) - s.sigma)
    ),
    "the old noise gets the share of the time that x is at, not of the time after": (
        lambda s: s.to(old=max(1 - s.now - s.sigma**2, 0) ** 0.5)
    ),
    "x0_hat gets the share of the time that x is at, not of the time after": lambda s: s.to(of_x0=s.now**0.5),
    "x0_hat is taken whole: it has the share √ᾱ of the time after": lambda s: s.to(of_x0=1),
    "shares of variance stand where their roots belong, in the noise that is found": (
        lambda s: s.to(noise=(s.x - s.now * s.x0) / (1 - s.now))
    ),
    "x minus x0_hat is not yet the noise: only √ᾱ of x0_hat is in x, and the rest is scaled": (
        lambda s: s.to(noise=s.x - s.x0)
    ),
    "the noise in x is found with ᾱ of the time after: x is still at t": (
        lambda s: s.to(noise=(s.x - s.after**0.5 * s.x0) / (1 - s.after) ** 0.5 if s.after < 1 else 0 * s.x)
    ),
    "x and x0_hat have changed places in the noise that is found": (
        lambda s: s.to(noise=(s.x0 - s.now**0.5 * s.x) / (1 - s.now) ** 0.5)
    ),
    "the new noise is multiplied by sigma twice": lambda s: s.to(draw=lambda: s.sigma * s.draw()),
    "the new noise is added as it was drawn: multiply it by sigma": lambda s: s.to(draw=lambda: s.draw() / s.sigma),
    "x0_hat is cut off at -1 and 1: whoever wants that does it in the model": (
        lambda s: s.to(of_x0=0) + s.after**0.5 * s.x0.clamp(-1, 1)
    ),
    "shares of variance stand where their roots belong, for the picture and for the noise": (
        lambda s: s.to(of_x0=s.after, old=s.room(s.sigma**2) ** 2)
    ),
    "the new noise is the old one again: draw z anew": lambda s: s.to(draw=lambda: s.noise),
}
add("ddim", {sentence: sampler(step) for sentence, step in DDIM_STEPS.items()})


def stepper(step):
    """Return an answer to `train_step`: step(network, average, optimizer, loss, decay) after the loss was computed."""

    def train_step(network, average, optimizer, x0, alphas_cumprod, decay, generator=None):
        loss = noise_loss(network, x0, alphas_cumprod, generator)
        step(network, average, optimizer, loss, decay)
        return loss.detach()

    return train_step


def downhill(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@mistake("train_step", "the gradients of all steps add up: clear them before each loss.backward()")
@stepper
def step_without_clearing(network, average, optimizer, loss, decay):
    loss.backward()
    optimizer.step()
    move(average, network, decay)


@mistake(
    "train_step",
    "the network's weights never move: is optimizer.step() missing, or is there no gradient when it is called?",
)
@stepper
def step_without_moving(network, average, optimizer, loss, decay):
    loss.backward()
    move(average, network, decay)


@mistake("train_step", "the average takes in the weights from before the step: first the step, then the average")
@stepper
def step_average_first(network, average, optimizer, loss, decay):
    move(average, network, decay)
    downhill(optimizer, loss)


@mistake("train_step", "decay is the share of the old average that stays, not that of the new weights")
@stepper
def step_swapped(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    move(average, network, 1 - decay)


@mistake("train_step", "the average is a copy of the network: a share `decay` of the old average should stay")
@stepper
def step_copied(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    move(average, network, 0)


@mistake("train_step", "the average never moves")
@stepper
def step_without_average(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)


@mistake("train_step", "the network is set to the average: training goes on with its own weights")
@stepper
def step_into_network(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    move(average, network, decay)
    move(network, average, 0)


@mistake("train_step", "the network moves towards the average, which itself stays: it should be the other way round")
@stepper
def step_backwards(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    move(network, average, decay)


@mistake("train_step", "the loss goes up: you descend its negative")
@stepper
def step_uphill(network, average, optimizer, loss, decay):
    downhill(optimizer, -loss)
    move(average, network, decay)


@mistake("train_step", "the average grows: the share of the new weights should be 1 - decay")
@stepper
def step_summed(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.data = decay * mean + now.detach()


@mistake("train_step", "only some of the parameters are averaged")
@stepper
def step_some(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    mean, now = next(average.parameters()), next(network.parameters())
    mean.data = torch.lerp(mean, now.detach(), 1 - decay)


@mistake("train_step", "the old average stays whole: only a share `decay` of it should")
@stepper
def step_added(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.data = mean + (1 - decay) * now.detach()


@mistake("train_step", "the average takes in the gradients: it should be an average of the weights")
@stepper
def step_of_gradients(network, average, optimizer, loss, decay):
    downhill(optimizer, loss)
    for mean, now in zip(average.parameters(), network.parameters(), strict=True):
        mean.data = torch.lerp(mean, now.grad, 1 - decay)


for fixed in (0.9, 0.99, 0.995, 0.999, 0.9999):

    @mistake("train_step", f"decay is fixed at {fixed} in your code: it is an argument")
    @stepper
    def step_fixed(network, average, optimizer, loss, decay, fixed=fixed):
        downhill(optimizer, loss)
        move(average, network, fixed)
