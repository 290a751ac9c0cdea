"""Chapter 03: what goes wrong in its tasks, and what is said about it."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.functional import softplus

from gencourse.homework.ch03.reference import FORMS, five_steps, step_of_d
from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes
from gencourse.methods import gan
from gencourse.methods.editing import slerp
from gencourse.metrics.distances import frechet_distance
from gencourse.training.helpers import descend

MISTAKES: Mistakes = {}
mistake = partial(add_mistake, MISTAKES)
mistakes = partial(add_mistakes, MISTAKES)
of_d, of_g = gan.bce()

mistakes(
    "discriminator_loss",
    {
        "the labels are swapped: real is 1, fake is 0": lambda real, fake: of_d(fake, real),
        "both batches are averaged, their losses added, not averaged": lambda real, fake: of_d(real, fake) / 2,
        "a sum over the batch, where the mean is asked for": lambda r, f: softplus(torch.cat([-r, f])).sum(),
        "only the real pictures count": lambda real, fake: softplus(-real).mean(),
        "only the fakes count": lambda real, fake: softplus(fake).mean(),
        "D likes fakes as much as real pictures: fakes are labelled 0": lambda real, fake: (
            softplus(-real).mean() + softplus(-fake).mean()
        ),
        "the sign is wrong: descending it makes D worse": lambda real, fake: -of_d(real, fake),
        "the sigmoid is taken twice: these are logits already": lambda real, fake: of_d(real.sigmoid(), fake.sigmoid()),
    },
)


@mistake(
    "discriminator_loss",
    "all pictures are averaged together: each batch has a mean of its own",
    forms=[(1, 1), (2, 2), (2, 1)],  # the factor where both batches are as large, and elsewhere
)
def critic_together(factors, real, fake):
    return torch.cat([softplus(-real), softplus(fake)]).mean() * factors[len(real) != len(fake)]


MINIMAX = "this is the minimax form: flat where G needs it most"
mistakes(
    "generator_loss",
    {
        "descending it makes D surer that these pictures are fake: flip the label": lambda fake: softplus(fake).mean(),
        MINIMAX: lambda fake: -softplus(fake).mean(),
        "a sum over the batch, where the mean is asked for": lambda fake: softplus(-fake).sum(),
        "the sign is wrong: descending it makes the pictures worse": lambda fake: -of_g(fake),
        "this is the Wasserstein generator's loss: here it is −log D": lambda fake: -fake.mean(),
        "the sigmoid is taken twice: these are logits already": lambda fake: of_g(fake.sigmoid()),
        "half of what it should be": lambda fake: of_g(fake) / 2,
    },
)
mistake("generator_loss", MINIMAX)(lambda fake: -softplus(fake).sum())


def with_d(change):
    """The iteration with another loss of D, change(the right one, real logits, fake logits)."""
    return lambda form, *given: five_steps(form._replace(discriminator=partial(change, form.discriminator)), *given)


def with_g(change):
    """The iteration with another loss of G, change(the right one, fake logits)."""
    return lambda form, *given: five_steps(form._replace(generator=partial(change, form.generator)), *given)


def keeping(optimizer) -> Any:
    """An optimiser whose gradients are not set to zero."""
    return SimpleNamespace(zero_grad=lambda **_: None, step=optimizer.step)


def drawing_once(draw_z):
    """What was drawn first, again and again."""
    drawn = []
    return lambda count: (drawn.append(draw_z(count)), drawn[0])[1]


def steps_cut(change, form, x, G, D, g, d, draw_z):
    """No gradient in step 4. change: of G's optimiser."""
    loss = step_of_d(form, x, G, D, d, draw_z)
    return {"D": loss, "G": descend(change(g), form.generator(D(G(draw_z(len(x))).detach())))}


CUT = "no gradient of this iteration reaches G: is it cut in step 4, too? Nothing is detached there"
mistakes(
    "five_steps",
    {
        "gradients of an earlier iteration are still in D's update": lambda form, x, G, D, g, d, z: five_steps(
            form, x, G, D, g, keeping(d), z
        ),
        "D learns the opposite: real is labelled 1, fake 0": with_d(lambda loss, real, fake: loss(fake, real)),
        "D climbs its loss: descend": with_d(lambda loss, real, fake: -loss(real, fake)),
        "D never learns from the fakes": with_d(lambda loss, real, fake: loss(real, fake.detach())),
        "D never learns from real pictures": with_d(lambda loss, real, fake: loss(real.detach(), fake)),
        CUT: partial(steps_cut, lambda optimizer: optimizer),
        "G climbs its loss: it helps D": with_g(lambda loss, fake: -loss(fake)),
        "G helps D: flip the label in step 4": with_g(lambda loss, fake: softplus(fake).mean()),
        "G descends the minimax form, flat where G needs it most: descend −log D": with_g(
            lambda loss, fake: -softplus(fake).mean()
        ),
        "G is judged on the fakes of step 1: generate anew in step 4": lambda form, x, G, D, g, d, z: five_steps(
            form, x, G, D, g, d, drawing_once(z)
        ),
        "gradients of an earlier iteration are still in G's update": lambda form, x, G, D, g, d, z: five_steps(
            form, x, G, D, keeping(g), d, z
        ),
        "the two losses come back under each other's name": lambda *given: dict(
            zip("GD", five_steps(*given).values(), strict=True)
        ),
        "both values are G's loss: where is that of D?": lambda *given: dict.fromkeys("DG", five_steps(*given)["G"]),
        "both values are D's loss: where is that of G?": lambda *given: dict.fromkeys("DG", five_steps(*given)["D"]),
    },
    forms=FORMS,
)
mistake("five_steps", CUT, forms=FORMS)(partial(steps_cut, keeping))


@mistake("five_steps", "G is judged by D as it was before its update", forms=FORMS)
def steps_old_discriminator(form, x, G, D, g, d, draw_z):
    loss_d = form.discriminator(D(x), D(G(draw_z(len(x))).detach()))
    loss_g = form.generator(D(G(draw_z(len(x)))))
    slopes = torch.autograd.grad(loss_g, list(G.parameters()))
    descend(d, loss_d)
    for weight, slope in zip(G.parameters(), slopes, strict=True):
        weight.grad = slope
    g.step()
    return {"D": loss_d.detach(), "G": loss_g.detach()}


def cosine(a, b):
    return F.cosine_similarity(a, b)[:, None].clamp(-1, 1)


def turned(a, b, t, angle):
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


mistakes(
    "slerp",
    {
        "this is the straight line": lambda a, b, t: torch.lerp(a, b, t),
        "at t = 0 you should be at a, at t = 1 at b: yours walks back": lambda a, b, t: slerp(b, a, t),
        "rows influence each other: each pair has an angle of its own": lambda a, b, t: turned(
            a, b, t, cosine(a.reshape(1, -1), b.reshape(1, -1)).acos()
        ),
        "the ends are made shorter: only the angle needs unit vectors": lambda a, b, t: slerp(
            F.normalize(a), F.normalize(b), t
        ),
        "the weights lack their common divisor, sin Ω": lambda a, b, t: slerp(a, b, t) * cosine(a, b).acos().sin(),
        "the angle is measured in degrees: sine and cosine want radians": lambda a, b, t: turned(
            a, b, t, cosine(a, b).acos().rad2deg()
        ),
        "the straight line, stretched: a quarter of the way is not a quarter turn": lambda a, b, t: (
            F.normalize(torch.lerp(a, b, t)) * torch.lerp(a.norm(dim=1), b.norm(dim=1), t)[:, None]
        ),
        "the cosine of the angle stands where the angle belongs": lambda a, b, t: turned(a, b, t, cosine(a, b)),
    },
)


FRECHET = {  # of the squared distance of the means, both covariances, and the trace of the root
    "the distance itself: the formula gives its square": lambda m, x, y, root: (m + (x + y).trace() - 2 * root).sqrt(),
    "a root of each number of the product: a matrix's root is another thing": lambda m, x, y, root: (
        m + (x + y - 2 * (x @ y).clamp(min=0).sqrt()).trace()
    ),
    "blind to a turn: only the diagonals count, and a root taken number by number is no matrix's root": (
        lambda m, x, y, root: m + (x.diag().sqrt() - y.diag().sqrt()).square().sum()
    ),
    "the means do not count": lambda m, x, y, root: (x + y).trace() - 2 * root,
    "only the means count: where are the covariances?": lambda m, *_: m,
    "the root is subtracted twice in the formula, yours once": lambda m, x, y, root: m + (x + y).trace() - root,
    "the distance of the means is squared": lambda m, x, y, root: m.sqrt() + (x + y).trace() - 2 * root,
    "no root is taken of the product of the covariances": lambda m, x, y, root: m + (x + y - 2 * x @ y).trace(),
    "a mean over the features, where the formula has a sum": lambda m, x, y, root: (
        m / len(x) + (x + y).trace() - 2 * root
    ),
}


def of_parts(combine):
    def frechet(a, b):
        means, x, y = (a.mean(0) - b.mean(0)).square().sum(), torch.cov(a.T), torch.cov(b.T)
        return combine(means, x, y, (means + (x + y).trace() - frechet_distance(a, b)) / 2)

    return frechet


mistakes("frechet_distance", {sentence: of_parts(combine) for sentence, combine in FRECHET.items()})
