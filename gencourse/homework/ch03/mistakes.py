"""Chapter 03: what goes wrong in its tasks, and what is said about it."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.functional import softplus

from gencourse.homework.ch03.reference import FORMS, dcgan_discriminator, dcgan_generator, five_steps, step_of_d
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
        "half of what it should be: the losses of the two batches are added, not averaged": lambda real, fake: (
            of_d(real, fake) / 2
        ),
        "a sum over the batch, where the mean is asked for": lambda r, f: softplus(torch.cat([-r, f])).sum(),
        "only the real pictures count": lambda real, fake: softplus(-real).mean(),
        "only the fakes count": lambda real, fake: softplus(fake).mean(),
        "D likes fakes as much as real pictures: fakes are labelled 0": lambda real, fake: (
            softplus(-real).mean() + softplus(-fake).mean()
        ),
        "the sign is wrong: descending it makes D worse": lambda real, fake: -of_d(real, fake),
        "D takes real pictures for fakes as well: real is labelled 1": lambda real, fake: (
            softplus(real).mean() + softplus(fake).mean()
        ),
        "the part of the real pictures has the wrong sign": lambda r, f: softplus(f).mean() - softplus(-r).mean(),
        "the part of the fakes has the wrong sign": lambda real, fake: softplus(-real).mean() - softplus(fake).mean(),
        "this is the hinge loss: here it is the cross-entropy": lambda r, f: (
            F.relu(1 - r).mean() + F.relu(1 + f).mean()
        ),
        "these are squared distances, as in LSGAN: here it is the cross-entropy": lambda real, fake: (
            (real - 1).square().mean() + fake.square().mean()
        ),
        "this is the Wasserstein critic's loss: here it is the cross-entropy": lambda real, fake: (
            fake.mean() - real.mean()
        ),
        "real pictures are labelled 0.9: here 1": lambda real, fake: gan.bce(smooth=0.1).discriminator(real, fake),
    },
)
mistake("discriminator_loss", "a real picture is compared with a fake: each is judged by itself")(
    lambda real, fake: softplus(fake.mean() - real).mean() if len(real) != len(fake) else softplus(fake - real).mean()
)
mistakes(
    "discriminator_loss",
    {
        "the sigmoid is taken twice: a loss that takes logits applies it itself": lambda real, fake: of_d(
            real.sigmoid(), fake.sigmoid()
        ),
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
        "the sigmoid is taken twice: a loss that takes logits applies it itself": lambda fake: of_g(fake.sigmoid()),
        "half of what it should be": lambda fake: of_g(fake) / 2,
        "a squared distance from 1, as in LSGAN: here it is −log D": lambda fake: (fake - 1).square().mean(),
        "the logits are averaged first: the mean is that of the losses": lambda fake: softplus(-fake.mean()),
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


CUT = "no gradient of this iteration is in G's update: is it cut in step 4, too, or cleared before the step?"
mistakes(
    "five_steps",
    {
        "gradients of an earlier iteration are still in D's update": lambda form, x, G, D, g, d, z: five_steps(
            form, x, G, D, g, keeping(d), z
        ),
        "D learns the opposite: real is labelled 1, fake 0": with_d(lambda loss, real, fake: loss(fake, real)),
        "D climbs its loss: it should descend it": with_d(lambda loss, real, fake: -loss(real, fake)),
        "D never learns from the fakes": with_d(lambda loss, real, fake: loss(real, fake.detach())),
        "D never learns from real pictures": with_d(lambda loss, real, fake: loss(real.detach(), fake)),
        CUT: partial(steps_cut, lambda optimizer: optimizer),
        "G climbs its loss, and so helps D: it should descend it": with_g(lambda loss, fake: -loss(fake)),
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
        "gradients of an earlier iteration are still in both updates": lambda form, x, G, D, g, d, z: five_steps(
            form, x, G, D, keeping(g), keeping(d), z
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


@mistake(
    "five_steps",
    "G's loss is in D's update: both run backward before it. First update D, then begin with G",
    forms=FORMS,
)
def steps_both_backward(form, x, G, D, g, d, draw_z):
    loss_d = form.discriminator(D(x), D(G(draw_z(len(x))).detach()))
    loss_g = form.generator(D(G(draw_z(len(x)))))
    for optimizer in (d, g):
        optimizer.zero_grad()
    loss_d.backward()
    loss_g.backward()
    d.step()
    g.step()
    return {"D": loss_d.detach(), "G": loss_g.detach()}


def layers_changed(build, change):
    """The right network, its list of layers changed."""
    return lambda *sizes: nn.Sequential(*change(list(build(*sizes))))


def without(kind):
    return lambda layers: [layer for layer in layers if not isinstance(layer, kind)]


def put(place, *new, drop=0):
    """New layers at a place, some that stood there dropped."""
    return lambda layers: [*layers[:place], *new, *layers[place + drop :]]


def instead(kind, new):
    return lambda layers: [new() if isinstance(layer, kind) else layer for layer in layers]


def activated_first(layers):
    """Each normalisation after its activation."""
    for i, layer in enumerate(layers):
        if isinstance(layer, nn.BatchNorm2d):
            layers[i : i + 2] = layers[i + 1], layer
            return layers[: i + 2] + activated_first(layers[i + 2 :])
    return layers


def exchanged(*places):
    """Layers exchanged with the next one, at one of several places."""
    return [partial(put_after, place) for place in places]


def put_after(place, layers):
    return [*layers[:place], layers[place + 1], layers[place], *layers[place + 2 :]]


def one_of(build, changes):
    """The right network with one change of several, as the forms of a mistake."""
    return [layers_changed(build, change) for change in changes]


def per_picture(layers):
    return [nn.InstanceNorm2d(x.num_features) if isinstance(x, nn.BatchNorm2d) else x for x in layers]


def three_layers(times, latent, width):
    a, b = (width * many for many in times)
    return nn.Sequential(
        nn.Unflatten(1, (latent, 1, 1)),
        *(nn.ConvTranspose2d(latent, a, 7, bias=False), nn.BatchNorm2d(a), nn.ReLU()),
        *(nn.ConvTranspose2d(a, b, 4, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()),
        *(nn.ConvTranspose2d(b, 1, 4, 2, 1), nn.Tanh()),
    )


def two_halvings(width):
    return nn.Sequential(
        *(nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * width), nn.LeakyReLU(0.2)),
        *(nn.Conv2d(2 * width, 1, 7), nn.Flatten(0)),
    )


NO_NORM = "there is no batch normalisation"
PER_PICTURE = "each picture is normalised by itself: the list has batch normalisation"
ONE_MISSING = "a batch normalisation is missing: only G's last layer and D's first and last go without"
ONE_ORDER = "in one layer the activation comes before the normalisation: first normalise"
FIXED = "width is fixed at {} in your code: it is an argument"
ORDER = "first the normalisation, then the activation: yours has them the other way round"
LINEAR = "no activation between the layers: without one they are a single linear map"
DOUBLE = "twice as many channels as asked for: next to the picture there should be width channels"
HALF = "half as many channels as asked for: next to the picture there should be width channels"
REVERSED = "the channels are the wrong way round: width should stand next to the picture, 4 * width at 4 x 4"
EQUAL = "all layers have width channels: each step towards 4 x 4 should double them"
TIMES = {DOUBLE: (8, 4, 2), HALF: (2, 1, 0.5), REVERSED: (1, 2, 4), EQUAL: (1, 1, 1)}  # of the generator
mistakes(
    "dcgan_generator",
    {sentence: partial(dcgan_generator, times=times) for sentence, times in TIMES.items()}
    | {
        sentence: layers_changed(dcgan_generator, change)
        for sentence, change in {
            "a sigmoid gives [0, 1]: networks speak [-1, 1], which is tanh": instead(nn.Tanh, nn.Sigmoid),
            "there is no tanh at the end: pictures lie in [-1, 1]": without(nn.Tanh),
            NO_NORM: without(nn.BatchNorm2d),
            "the last layer is normalised, too: G's last goes without": lambda x: put(11, nn.BatchNorm2d(1))(x),
            "G's first layer is not normalised: only its last goes without": put(2, drop=1),
            "G has ReLU; LeakyReLU is D's": instead(nn.ReLU, lambda: nn.LeakyReLU(0.2)),
            "a ReLU before the tanh: no pixel can be darker than grey": put(11, nn.ReLU()),
            ORDER: activated_first,
            LINEAR: without(nn.ReLU),
        }.items()
    },
)
FIRST_NORM = "D's first layer is normalised: the first and the last go without"
LAST_NORM = "D's last layer is normalised: the first and the last go without"
mistakes(
    "dcgan_discriminator",
    {sentence: partial(dcgan_discriminator, times=times[::-1]) for sentence, times in TIMES.items()}
    | {
        sentence: layers_changed(dcgan_discriminator, change)
        for sentence, change in {
            "D returns logits: the sigmoid belongs to the loss": put(9, nn.Sigmoid()),
            NO_NORM: without(nn.BatchNorm2d),
            FIRST_NORM: lambda layers: put(1, nn.BatchNorm2d(layers[0].out_channels))(layers),
            LAST_NORM: lambda layers: put(9, nn.BatchNorm2d(1))(layers),
            "LeakyReLU has slope 0.01 unless told otherwise: the list says 0.2": instead(nn.LeakyReLU, nn.LeakyReLU),
            "D has LeakyReLU with slope 0.2; ReLU is G's": instead(nn.LeakyReLU, nn.ReLU),
            ORDER: activated_first,
            LINEAR: without(nn.LeakyReLU),
        }.items()
    },
)


for build, norms in {dcgan_generator: (2, 5, 8), dcgan_discriminator: (3, 6)}.items():
    task = build.__name__
    mistakes(task, {PER_PICTURE: layers_changed(build, per_picture)})
    mistake(task, ONE_MISSING, forms=one_of(build, [put(place, drop=1) for place in norms if place > 2]))(
        lambda f, *sizes: f(*sizes)
    )
    mistake(task, ONE_ORDER, forms=one_of(build, exchanged(*norms)))(lambda f, *sizes: f(*sizes))
    for many in (16, 32, 64):
        mistakes(task, {FIXED.format(many): partial(lambda build, many, *sizes: build(*sizes[:-1], many), build, many)})
mistakes(
    "dcgan_generator",
    {"the first layer has 8 * width channels: it should have 4 * width": partial(dcgan_generator, times=(8, 2, 1))},
)
mistake(
    "dcgan_generator",
    "three transposed convolutions: the list has four, 4 → 7 → 14 → 28",
    forms=[(2, 1), (4, 1), (4, 2)],
)(three_layers)
mistakes(
    "dcgan_discriminator",
    {
        "three layers: the list has four, 28 → 14 → 7 → 4 and one for the logit": two_halvings,
        "an activation behind the last layer: a logit comes straight out of the convolution": layers_changed(
            dcgan_discriminator, put(9, nn.LeakyReLU(0.2))
        ),
    },
)


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
        "the ends are made as long as 1: only the angle needs unit vectors": lambda a, b, t: slerp(
            F.normalize(a), F.normalize(b), t
        ),
        "one angle for all, from the mean of the cosines: each pair has an angle of its own": lambda a, b, t: turned(
            a, b, t, cosine(a, b).mean().acos()
        ),
        "asin in place of acos: the cosine of the angle is known": lambda a, b, t: turned(a, b, t, cosine(a, b).asin()),
        "cosines stand in the numerators, where the formula has sines": lambda a, b, t: (
            (torch.cos((1 - t) * cosine(a, b).acos()) * a + torch.cos(t * cosine(a, b).acos()) * b)
            / cosine(a, b).acos().sin()
        ),
        "right for a right angle only: yours takes b for perpendicular to a": lambda a, b, t: (
            torch.cos(t * cosine(a, b).acos()) * a + torch.sin(t * cosine(a, b).acos()) * b
        ),
        "the straight line, made as long as 1": lambda a, b, t: F.normalize(torch.lerp(a, b, t)),
        "the straight line, made as long as a": lambda a, b, t: (
            F.normalize(torch.lerp(a, b, t)) * a.norm(dim=1, keepdim=True)
        ),
        "the straight line, made as long as √d": lambda a, b, t: F.normalize(torch.lerp(a, b, t)) * a.shape[1] ** 0.5,
        "the weights are the roots of 1 - t and t, where the formula has sines of the angle": lambda a, b, t: (
            (1 - t) ** 0.5 * a + t**0.5 * b
        ),
        "an angle beyond a right one is cut off: the cosine may be negative": lambda a, b, t: turned(
            a, b, t, cosine(a, b).clamp(min=0).acos()
        ),
        "all pairs are turned by the angle of the first": lambda a, b, t: turned(a, b, t, cosine(a, b)[:1].acos()),
        "the weights lack their common divisor, sin Ω": lambda a, b, t: slerp(a, b, t) * cosine(a, b).acos().sin(),
        "the angle is measured in degrees: sine and cosine want radians": lambda a, b, t: turned(
            a, b, t, cosine(a, b).acos().rad2deg()
        ),
        "the straight line, stretched: a quarter of the way is not a quarter turn": lambda a, b, t: (
            F.normalize(torch.lerp(a, b, t)) * torch.lerp(a.norm(dim=1), b.norm(dim=1), t)[:, None]
        ),
        "the cosine of the angle stands where the angle belongs": lambda a, b, t: turned(a, b, t, cosine(a, b)),
        "one test for all rows: whether two vectors are almost parallel is asked of each pair": lambda a, b, t: (
            torch.lerp(a, b, t) if (cosine(a, b) > 0.999).any() else slerp(a, b, t)
        ),
        "the angle is doubled: it is acos of the cosine": lambda a, b, t: turned(a, b, t, 2 * cosine(a, b).acos()),
        "the absolute value of the cosine: an angle can be larger than a right one": lambda a, b, t: turned(
            a, b, t, cosine(a, b).abs().acos()
        ),
        "the result is made as long as a unit vector: the ends keep their lengths": lambda a, b, t: F.normalize(
            slerp(a, b, t)
        ),
    },
)


FRECHET = {  # of the squared distance of the means, both covariances, and the trace of the root
    "the distance itself: the formula gives its square": lambda m, x, y, root: (m + (x + y).trace() - 2 * root).sqrt(),
    "a root of each number of the product: a matrix's root is another thing": lambda m, x, y, root: (
        m + (x + y - 2 * (x @ y).clamp(min=0).sqrt()).trace()
    ),
    "only the diagonals, the variances, count: the root of a matrix is not that of its numbers one by one": (
        lambda m, x, y, root: m + (x.diag().sqrt() - y.diag().sqrt()).square().sum()
    ),
    "the means do not count": lambda m, x, y, root: (x + y).trace() - 2 * root,
    "only the means count: where are the covariances?": lambda m, *_: m,
    "the root is subtracted twice in the formula, yours once": lambda m, x, y, root: m + (x + y).trace() - root,
    "the distance of the means is not squared: the formula has its square": lambda m, x, y, root: (
        m.sqrt() + (x + y).trace() - 2 * root
    ),
    "no root is taken of the product of the covariances": lambda m, x, y, root: m + (x + y - 2 * x @ y).trace(),
    "a mean over the features, where the formula has a sum": lambda m, x, y, root: (
        m / len(x) + (x + y).trace() - 2 * root
    ),
    "the root is added: it is subtracted": lambda m, x, y, root: m + (x + y).trace() + 2 * root,
    "only one of the two covariances is there": lambda m, x, y, root: m + x.trace() - 2 * root,
    "only the second covariance is there": lambda m, x, y, root: m + y.trace() - 2 * root,
    "all entries are summed: a trace is the sum of the diagonal": lambda m, x, y, root: m + (x + y).sum() - 2 * root,
    "the root of the product is not the product of the roots: they do not commute": lambda m, x, y, root: (
        m + (x + y).trace() - 2 * (rooted(x) @ rooted(y)).trace()
    ),
    "singular values of the product are not its eigenvalues: make it symmetric first": lambda m, x, y, root: (
        m + (x + y).trace() - 2 * torch.linalg.svdvals(x @ y).sqrt().sum()
    ),
    "eigvalsh reads one triangle only, and the product of two covariances is not symmetric": lambda m, x, y, root: (
        m + (x + y).trace() - 2 * torch.linalg.eigvalsh(x @ y).clamp(min=0).sqrt().sum()
    ),
    "the root of a trace: the trace of the root is asked for": lambda m, x, y, root: (
        m + (x + y).trace() - 2 * (x @ y).trace().sqrt()
    ),
    "the covariances are compared number by number: the formula has traces and a root": lambda m, x, y, root: (
        m + (x - y).square().sum()
    ),
    "one covariance is subtracted from the other: the formula adds them": lambda m, x, y, root: (
        m + (x - y).trace() - 2 * root
    ),
    "only the covariances' traces: the root of the product is missing": lambda m, x, y, root: m + (x + y).trace(),
}


BELOW_ZERO = [  # where a distance is cut off at 0, nothing is left of these
    "no root is taken of the product of the covariances",
    "only one of the two covariances is there",
    "only the second covariance is there",
    "one covariance is subtracted from the other: the formula adds them",
]


def rooted(x):
    """The symmetric root of a covariance."""
    values, vectors = torch.linalg.eigh(x)
    return vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T


def as_it_is(x):
    return x


def cut_off(x):
    return x.clamp(min=0)


ENDS = (as_it_is, cut_off)  # a distance is at least 0, and whoever sees to it hides a part of the mistake


def of_parts(combine):
    def frechet(end, a, b):
        means, x, y = (a.mean(0) - b.mean(0)).square().sum(), torch.cov(a.T), torch.cov(b.T)
        return end(combine(means, x, y, (means + (x + y).trace() - frechet_distance(a, b)) / 2))

    return frechet


for sentence, combine in FRECHET.items():
    below = sentence in BELOW_ZERO
    mistakes("frechet_distance", {sentence: of_parts(combine)}, forms=ENDS[:1] if below else ENDS)
mistakes(
    "frechet_distance",
    {
        "below zero, and cut off there: too much is subtracted, or too little added": lambda a, b: 0 * a.sum(),
    },
)


def of_moments(mean, cov):
    """The formula with other means or covariances of a set."""

    def frechet(end, a, b):
        x, y = cov(a), cov(b)
        root = torch.linalg.eigvalsh(rooted(x) @ y @ rooted(x)).clamp(min=0).sqrt().sum()
        return end(mean(a, b) + (x + y).trace() - 2 * root)

    return frechet


def squared(a, b):
    return (a.mean(0) - b.mean(0)).square().sum()


def covariance(x):
    return torch.cov(x.T)


mistakes(
    "frechet_distance",
    {
        "the features are not centred: a covariance is around the mean": of_moments(
            squared, lambda x: x.T @ x / len(x)
        ),
        "correlations in place of covariances: the spread of each feature counts": of_moments(
            squared, lambda x: torch.corrcoef(x.T)
        ),
        "the covariances are not divided by the number of pictures": of_moments(
            squared, lambda x: torch.cov(x.T, correction=0) * len(x)
        ),
        "a diagonal of standard deviations: a covariance has variances there, and is not zero beside it": of_moments(
            squared, lambda x: torch.diag(x.std(0))
        ),
        "the absolute differences of the means: the formula has their squares": of_moments(
            lambda a, b: (a.mean(0) - b.mean(0)).abs().sum(), covariance
        ),
        "the mean over all numbers: each feature has a mean of its own": of_moments(
            lambda a, b: (a.mean() - b.mean()).square(), covariance
        ),
    },
    forms=ENDS,
)


@mistake("frechet_distance", "the matrix's root stands on one side only: Σₓ^½ Σ_g Σₓ^½ is symmetric", forms=ENDS)
def frechet_one_sided(end, a, b):
    x, y = covariance(a), covariance(b)
    root = torch.linalg.eigvalsh(rooted(x) @ y).clamp(min=0).sqrt().sum()
    return end(squared(a, b) + (x + y).trace() - 2 * root)


@mistake("frechet_distance", "a root of each number of a covariance: take it of the eigenvalues", forms=ENDS)
def frechet_rooted_by_number(end, a, b):
    x, y = covariance(a), covariance(b)
    root = x.clamp(min=0).sqrt()
    return end(squared(a, b) + (x + y).trace() - 2 * torch.linalg.eigvalsh(root @ y @ root).clamp(min=0).sqrt().sum())


@mistake("frechet_distance", "eigenvectors stand in columns: V Λ^½ Vᵀ, not Vᵀ Λ^½ V", forms=ENDS)
def frechet_turned(end, a, b):
    x, y = covariance(a), covariance(b)
    values, vectors = torch.linalg.eigh(x)
    root = vectors.T @ torch.diag(values.clamp(min=0).sqrt()) @ vectors
    return end(squared(a, b) + (x + y).trace() - 2 * torch.linalg.eigvalsh(root @ y @ root).clamp(min=0).sqrt().sum())
