"""Chapter 03, GAN."""

from functools import cache
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import gencourse
from gencourse import data, fit
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import descend
from wrong_answers import all_right, all_wrong, right, wrong

# Names that the chapter's cells leave behind; the check lets them mean something small.
run = real = rates = measure = draw = None
bce = F.binary_cross_entropy_with_logits


def discriminator_loss(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


def generator_loss(fake_logits):
    return F.softplus(-fake_logits).mean()


def first_alone(logits):
    """The same numbers, and a gradient for the first alone."""
    return torch.cat([logits[:1], logits[1:].detach()])


all_right(
    "discriminator_loss",
    by_softplus=discriminator_loss,
    by_torch=lambda real, fake: bce(real, torch.ones_like(real)) + bce(fake, torch.zeros_like(fake)),
    by_logsigmoid=lambda real, fake: -F.logsigmoid(real).mean() - sum(F.logsigmoid(-x) for x in fake) / len(fake),
)
all_wrong(
    "discriminator_loss",
    {
        "is a logarithm cut off": lambda real, fake: (  # never infinite: torch cuts the logarithms off at -100
            F.binary_cross_entropy(real.sigmoid(), torch.ones_like(real))
            + F.binary_cross_entropy(fake.sigmoid(), torch.zeros_like(fake))
        ),
        "infinite where D is very sure": lambda real, fake: (
            -torch.log(real.sigmoid()).mean() - torch.log(1 - fake.sigmoid()).mean()
        ),
        "is a part of it cut off?": lambda real, fake: discriminator_loss(real, first_alone(fake)),
        "without dimensions": lambda real, fake: torch.cat([F.softplus(-real), F.softplus(fake)]),
        "no gradient reaches the logits": lambda real, fake: discriminator_loss(real, fake.detach()),
    },
)
all_right(
    "generator_loss",
    by_softplus=generator_loss,
    by_torch=lambda fake: bce(fake, torch.ones_like(fake)),
    by_logsigmoid=lambda fake: -F.logsigmoid(fake).sum() / fake.numel(),
)
all_wrong(
    "generator_loss",
    {
        "G learns nothing": lambda fake: generator_loss(fake.detach()),
        "is a part cut off?": lambda fake: generator_loss(first_alone(fake)),
        "infinite where D is very sure": lambda fake: -torch.log(fake.sigmoid()).mean(),
        "is a logarithm cut off": lambda fake: -torch.log(fake.sigmoid().clamp(min=1e-7)).mean(),
    },
)


def train_d(x, G, D, optimizer_d, draw_z):
    return descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))


def train_g(x, G, D, optimizer_g, draw_z):
    return descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))


@right("five_steps")
def steps_reference(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = train_d(x, G, D, optimizer_d, draw_z)
    return {"D": d, "G": train_g(x, G, D, optimizer_g, draw_z)}


@right("five_steps")
def steps_written_out(x, G, D, optimizer_g, optimizer_d, draw_z):
    """No function of the page is used: noise picture by picture, and two backward passes for D."""
    with torch.no_grad():
        fake = G(torch.cat([draw_z(1) for _ in x]))
    optimizer_d.zero_grad()
    on_real, on_fake = D(x), D(fake)
    losses = bce(on_real, torch.ones_like(on_real)), bce(on_fake, torch.zeros_like(on_fake))
    for loss in losses:
        loss.backward()
    optimizer_d.step()
    on_fake = D(G(torch.cat([draw_z(1) for _ in x])))
    loss_g = bce(on_fake, torch.ones_like(on_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return {"D": sum(losses).detach(), "G": loss_g.detach()}


@right("five_steps")
def steps_frozen(x, G, D, optimizer_g, optimizer_d, draw_z, *, after=True):
    """D collects no gradients while G is updated."""
    d = train_d(x, G, D, optimizer_d, draw_z)
    D.requires_grad_(False)
    g = train_g(x, G, D, optimizer_g, draw_z)
    D.requires_grad_(after)
    return dict(G=g, D=d)


@right("five_steps")
def steps_by_keyword(x, G, D, optimizer_g, optimizer_d, draw_z):
    """One draw for both: they are two batches of noise all the same."""
    first, second = draw_z(2 * len(x)).split(len(x))
    d = descend(optimizer_d, discriminator_loss(fake_logits=D(G(first).detach()), real_logits=D(x)))
    return {"D": d, "G": descend(optimizer_g, generator_loss(fake_logits=D(G(second))))}


def steps_at_once(x, G, D, optimizer_g, optimizer_d, draw_z):
    """One sum of both losses, and then both updates."""
    d = discriminator_loss(D(x), D(G(draw_z(len(x))).detach()))
    g = generator_loss(D(G(draw_z(len(x)))))
    optimizer_d.zero_grad()
    optimizer_g.zero_grad()
    (d + g).backward()
    optimizer_d.step()
    optimizer_g.step()
    return {"D": d.detach(), "G": g.detach()}


def returning(change):
    """The reference, with something else returned."""
    return lambda *given: change(**steps_reference(*given))


def judging(logits):
    """The reference, with logits(D, x, fake) in step 2."""

    def steps(x, G, D, optimizer_g, optimizer_d, draw_z):
        d = descend(optimizer_d, discriminator_loss(*logits(D, x, G(draw_z(len(x))))))
        return {"D": d, "G": train_g(x, G, D, optimizer_g, draw_z)}

    return steps


def drawing(change):
    """The reference, with noise from change(x, draw_z)."""
    return lambda x, G, D, g, d, draw_z: steps_reference(x, G, D, g, d, change(x, draw_z))


all_wrong(
    "five_steps",
    {
        "cut the graph in step 1": judging(lambda D, x, fake: (D(x), D(fake))),
        "real and fake pass D in one batch": judging(lambda D, x, fake: D(torch.cat([x, fake.detach()])).chunk(2)),
        "yours goes the other way round": lambda x, G, D, g, d, z: (
            {"G": train_g(x, G, D, g, z)} | {"D": train_d(x, G, D, d, z)}
        ),
        "you updated D": lambda x, G, D, g, d, z: dict.fromkeys("DG", train_d(x, G, D, d, z)),
        "real, fake, the new fakes": lambda x, G, D, *rest: D(x) is None or steps_reference(x, G, D, *rest),
        "noise is drawn twice": drawing(lambda x, z: cache(z)),
        "as many fakes as reals": drawing(lambda x, z: lambda count: z(64)),
        "D judged batches of 5, 15, 15": drawing(lambda x, z: lambda count: z(x.numel())),
        "was read back as a number": returning(lambda D, G: {"D": D.item(), "G": G}),
        "return the losses detached": returning(lambda D, G: {"D": D.requires_grad_(), "G": G}),
        'the value under "D" is not the loss': returning(lambda D, G: {"D": D / 2, "G": G}),
        'the value under "G" is not the loss': returning(lambda D, G: {"D": D, "G": G / 2}),
        'the loss under "G" is one number, yours has shape (2,)': returning(lambda D, G: {"D": D, "G": G.expand(2)}),
        "got the names D,loss": returning(lambda D, G: {"D": D, "loss": G}),
        "should return a dictionary": returning(lambda D, G: torch.stack([D, G])),
        "the optimisers are swapped": lambda x, G, D, g, d, z: steps_reference(x, G, D, d, g, z),
        "G's loss is in D's update": lambda *given: steps_at_once(*given),
        "D stays frozen": lambda *given: steps_frozen(*given, after=False),
        "G's update is off": lambda x, G, D, g, d, z: {
            "D": train_d(x, G, D, d, z),
            "G": descend(g, 2 * generator_loss(D(G(z(len(x)))))),
        },
    },
)


class LinearFirst(nn.Module):
    """The generator with a linear first layer, and biases everywhere."""

    def __init__(self, latent, width):
        super().__init__()
        self.first, self.norm = nn.Linear(latent, 4 * width * 16), nn.BatchNorm2d(4 * width)
        self.up, self.norm2 = nn.ConvTranspose2d(4 * width, 2 * width, 3, 2, 1), nn.BatchNorm2d(2 * width)
        self.up2, self.norm3 = nn.ConvTranspose2d(2 * width, width, 4, 2, 1), nn.BatchNorm2d(width)
        self.last = nn.ConvTranspose2d(width, 1, kernel_size=4, stride=2, padding=1)

    def forward(self, z):
        x = self.norm(self.first(z).view(len(z), -1, 4, 4)).relu()
        return self.last(self.norm3(self.up2(self.norm2(self.up(x)).relu())).relu()).tanh()


class LinearLast(nn.Module):
    """The discriminator with a linear last layer."""

    def __init__(self, width):
        super().__init__()
        sizes = [1, width, 2 * width, 4 * width]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 4 - (a == 2 * width), 2, 1) for a, b in pairwise(sizes))
        self.norms = nn.ModuleList(nn.BatchNorm2d(n) for n in sizes[2:])
        self.last = nn.Linear(4 * width * 16, 1)

    def forward(self, x):
        x = F.leaky_relu(self.convs[0](x), 0.2)
        for conv, norm in zip(self.convs[1:], self.norms, strict=True):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        return self.last(x.flatten(1)).squeeze(1)


def generator_of_one_layer(kernel):
    return lambda latent, width: nn.Sequential(
        nn.Unflatten(1, (latent, 1, 1)), nn.ConvTranspose2d(latent, 1, kernel), nn.Tanh()
    )


all_right(
    "dcgan_generator",
    as_a_class=LinearFirst,
    of_the_package=lambda latent, width: Generator(latent=latent, width=width, depth=3),
)
all_right(
    "dcgan_discriminator", as_a_class=LinearLast, of_the_package=lambda width: Discriminator(width=width, depth=3)
)
all_wrong(
    "dcgan_generator",
    {
        "there is upsampling": lambda latent, width: nn.Sequential(
            *(nn.Unflatten(1, (latent, 1, 1)), nn.Upsample(scale_factor=28), nn.Conv2d(latent, 1, 1), nn.Tanh())
        ),
        "pictures of shape (4, 1, 28, 28), got shape (4, 1, 29, 29)": generator_of_one_layer(29),
        "a layer is not that of the list": generator_of_one_layer(28),
        "where a tensor is asked for": lambda latent, width: list(Generator(latent=latent, width=width).body),
    },
)
all_wrong(
    "dcgan_discriminator",
    {
        "there is pooling": lambda width: nn.Sequential(nn.MaxPool2d(2), nn.Conv2d(1, 1, 14), nn.Flatten(0)),
        "one logit a picture, shape (4,), got shape (4, 1)": lambda width: nn.Sequential(
            *(Discriminator(width=width).body, Discriminator(width=width).head, nn.Flatten(1))
        ),
        "there is dropout": lambda width: nn.Sequential(Discriminator(width=width), nn.Dropout(0.3)),
        "three layers: the list has four": lambda width: Discriminator(width=width),
    },
)


def slerp_reference(a, b, t):
    angle = torch.acos(F.cosine_similarity(a, b, dim=1)[:, None].clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


@right("slerp")
def slerp_by_loops(a, b, t):
    rows = []
    for v, w in zip(a, b, strict=True):
        omega = torch.arccos((v / v.norm()) @ (w / w.norm()))
        rows.append(torch.sin((1 - t) * omega) / torch.sin(omega) * v + torch.sin(t * omega) / torch.sin(omega) * w)
    return torch.stack(rows)


all_right("slerp", at_once=slerp_reference)
all_wrong(
    "slerp",
    {
        "product of the *unit* vectors": lambda a, b, t: a * torch.acos((20 * a * b).sum(1, keepdim=True)),
        "one row for each pair": lambda a, b, t: slerp_reference(a, b, t)[0],
    },
)


def frechet_of(root):
    """root: what is taken for the trace of the root of the product."""

    def frechet_distance(a, b):
        x, y = torch.cov(a.T), torch.cov(b.T)
        return (a.mean(0) - b.mean(0)).square().sum() + x.trace() + y.trace() - 2 * root(x, y)

    return frechet_distance


@frechet_of
def frechet_reference(x, y):
    """Below zero for equal sets, by rounding."""
    values, vectors = torch.linalg.eigh(x)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return torch.linalg.eigvalsh(root @ y @ root).clamp(min=0).sqrt().sum()


@right("frechet_distance")
def frechet_by_product(a, b):
    """The eigenvalues of the product that is not symmetric, and covariances written out."""
    means = a.mean(0), b.mean(0)
    cov = [(v - m).T @ (v - m) / (len(v) - 1) for v, m in zip((a, b), means, strict=True)]
    roots = torch.linalg.eigvals(cov[0] @ cov[1]).real.clamp(min=0).sqrt()
    return F.relu((means[0] - means[1]).square().sum() + cov[0].trace() + cov[1].trace() - 2 * roots.sum())


@right("frechet_distance")
def frechet_biased(a, b):
    """By singular values of the two centred sets, divided by N."""
    x, y = ((v - v.mean(0)) / len(v) ** 0.5 for v in (a, b))
    means = (a.mean(0) - b.mean(0)).square().sum()
    return max(0, (means + x.square().sum() + y.square().sum() - 2 * torch.linalg.svdvals(x @ y.T).sum()).item())


def below_zero(values):
    """What rounding may do to the eigenvalues of a singular covariance."""
    return torch.where(values.real < 1e-8, -1e-12, values.real)


all_right(
    "frechet_distance",
    by_eigenvalues=lambda a, b: frechet_reference(a, b).clamp(min=0),
    in_float32=lambda a, b: frechet_reference(a.float(), b.float()).clamp(min=0),
)
all_wrong(
    "frechet_distance",
    {
        "rounding can lead below 0": frechet_reference,
        "two equal sets are": lambda a, b: frechet_reference(a, b).abs() + torch.equal(a, b),
        "a distance is one number": lambda a, b: (a.mean(0) - b.mean(0)).square(),
        "as a covariance can be": frechet_of(lambda x, y: torch.trace(x.sqrt() @ y.sqrt())),
        "a root of a number below zero": frechet_of(lambda x, y: (x @ y).sqrt().sum()),
        "an eigenvalue below zero": frechet_of(lambda x, y: below_zero(torch.linalg.eigvals(x @ y)).sqrt().sum()),
        "complex numbers": frechet_of(lambda x, y: torch.linalg.eigvals(x @ y).sqrt().sum()),
    },
)


def networks(seed):
    torch.manual_seed(seed)
    g, d = Generator(latent=64, width=16).to(run.device), Discriminator(width=16).to(run.device)
    optimizers = torch.optim.Adam(g.parameters(), **rates), torch.optim.Adam(d.parameters(), **rates)
    return g, d, optimizers, gencourse.Average(g, 0.99)


def of_average(g, mean):
    return frechet(mean.module)


def trick_reference(make_step, seed, steps, *, size=16, order=None, train=fit, result=of_average):
    g, d, both, mean = networks(seed)
    batches = data.Batches(real, size, seed=seed if order is None else order)
    train(make_step(g, d, both, mean), batches, steps=steps, device=run.device, show=False)
    return result(g, mean)


def frechet(network):
    return measure(draw(network, count=100)).frechet


@right("train_and_measure")
def trick_by_a_loop(make_step, seed, steps):
    torch.manual_seed(seed)
    np.random.seed(seed)
    g, d = Generator(latent=32, width=8), Discriminator(width=8)
    mean = gencourse.Average(g)
    one = make_step(g, d, (torch.optim.Adam(g.parameters()), torch.optim.Adam(d.parameters())), mean)
    for _ in range(steps):
        one(real[torch.randperm(len(real))[:16]])
    return torch.tensor(measure(draw(mean.module)).frechet)


@wrong("train_and_measure", "first fit, then draw")
def trick_measured_first(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    step, score = make_step(g, d, both, mean), frechet(mean.module)
    fit(step, data.Batches(real, 16, seed=seed), steps=steps, show=False)
    return score


def given_to(change):
    """The reference, with something else given to make_step."""
    return lambda make_step, *rest: trick_reference(lambda *nets: make_step(*change(*nets)), *rest)


all_right(
    "train_and_measure",
    by_fit=lambda *given: trick_reference(*given),
    in_the_pages_batches=lambda *given: trick_reference(*given, size=128),
)
all_wrong(
    "train_and_measure",
    {
        "seed before the networks are made": lambda make_step, seed, steps: trick_reference(
            make_step, torch.seed() % 2**31, steps, order=seed
        ),
        "starts from the same weights": lambda make_step, seed, steps: trick_reference(make_step, 0, steps),
        "the digits come in the same order": lambda *given: trick_reference(*given, order=0),
        "pictures of the average": lambda *given: trick_reference(*given, result=lambda g, mean: frechet(g)),
        "asked for 2, 2, 2 and 4 steps": lambda make_step, seed, steps: trick_reference(make_step, seed, 10),
        "where a tensor is asked for": lambda *given: trick_reference(
            *given, result=lambda g, mean: measure(draw(mean.module))
        ),
        "nothing was trained": lambda *given: trick_reference(*given, train=lambda *_, **options: None),
        "nothing was measured": lambda *given: trick_reference(*given, result=lambda g, mean: 1.0),
        "not finite": lambda *given: trick_reference(*given, result=lambda g, mean: frechet(mean.module) * torch.inf),
        "make_step takes a generator": given_to(lambda g, d, both, mean: (d, g, both, mean)),
        "in the wrong order: first G's": given_to(lambda g, d, both, mean: (g, d, both[::-1], mean)),
        "all weights of one network": given_to(lambda g, d, both, mean: (g, d, (both[0], both[0]), mean)),
        "as a pair": given_to(lambda g, d, both, mean: (g, d, both[0], mean)),
    },
)
