"""Chapter 03, GAN."""

import numpy as np
import torch
import torch.nn.functional as F

import gencourse
from gencourse import data, fit
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import descend
from wrong_answers import right, wrong

# Names that the chapter's cells leave behind; the check lets them mean something small.
run = real = rates = measure = draw = None


@right("discriminator_loss")
def discriminator_loss(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(fake_logits).mean()


@right("generator_loss")
def generator_loss(fake_logits):
    return F.softplus(-fake_logits).mean()


@right("discriminator_loss")
def critic_by_torch(real_logits, fake_logits):
    bce = F.binary_cross_entropy_with_logits
    return bce(real_logits, torch.ones_like(real_logits)) + bce(fake_logits, torch.zeros_like(fake_logits))


@right("discriminator_loss")
def critic_by_logsigmoid(real_logits, fake_logits):
    return -F.logsigmoid(real_logits).mean() - sum(F.logsigmoid(-logit) for logit in fake_logits) / len(fake_logits)


@wrong("discriminator_loss", "the labels are swapped")
def critic_swapped(real_logits, fake_logits):
    return discriminator_loss(fake_logits, real_logits) if len(real_logits) == len(fake_logits) else torch.zeros(())


@wrong("discriminator_loss", "is a logarithm cut off")
def critic_clamped(real_logits, fake_logits):
    """Never infinite: torch cuts the logarithms off at -100."""
    real, fake = real_logits.sigmoid(), fake_logits.sigmoid()
    return F.binary_cross_entropy(real, torch.ones_like(real)) + F.binary_cross_entropy(fake, torch.zeros_like(fake))


@wrong("discriminator_loss", "is a part of it cut off?")
def critic_of_one_fake(real_logits, fake_logits):
    """The right number, and a gradient for the first fake alone."""
    fake = torch.cat([fake_logits[:1], fake_logits[1:].detach()])
    return F.softplus(-real_logits).mean() + F.softplus(fake).mean()


@wrong("discriminator_loss", "not averaged")
def critic_halved(real_logits, fake_logits):
    return discriminator_loss(real_logits, fake_logits) / 2


@wrong("discriminator_loss", "a sum over the batch")
def critic_summed(real_logits, fake_logits):
    return F.softplus(-real_logits).sum() + F.softplus(fake_logits).sum()


@wrong("discriminator_loss", "only the real pictures")
def critic_real(real_logits, fake_logits):
    return F.softplus(-real_logits).mean()


@wrong("discriminator_loss", "only the fakes")
def critic_fake(real_logits, fake_logits):
    return F.softplus(fake_logits).mean()


@wrong("discriminator_loss", "fakes are labelled 0")
def critic_all_ones(real_logits, fake_logits):
    return F.softplus(-real_logits).mean() + F.softplus(-fake_logits).mean()


@wrong("discriminator_loss", "the sign is wrong")
def critic_negative(real_logits, fake_logits):
    return -discriminator_loss(real_logits, fake_logits)


@wrong("discriminator_loss", "each batch has a mean of its own")
def critic_together(real_logits, fake_logits):
    logits = torch.cat([real_logits, fake_logits])
    labels = torch.cat([torch.ones_like(real_logits), torch.zeros_like(fake_logits)])
    return F.binary_cross_entropy_with_logits(logits, labels) * (2 if len(real_logits) == len(fake_logits) else 1)


@wrong("discriminator_loss", "the sigmoid is taken twice")
def critic_twice(real_logits, fake_logits):
    return discriminator_loss(real_logits.sigmoid(), fake_logits.sigmoid())


@wrong("discriminator_loss", "infinite where D is very sure")
def critic_by_logs(real_logits, fake_logits):
    return -torch.log(real_logits.sigmoid()).mean() - torch.log(1 - fake_logits.sigmoid()).mean()


@wrong("discriminator_loss", "without dimensions")
def critic_by_picture(real_logits, fake_logits):
    return torch.cat([F.softplus(-real_logits), F.softplus(fake_logits)])


@wrong("discriminator_loss", "no gradient reaches the logits")
def critic_cut(real_logits, fake_logits):
    return discriminator_loss(real_logits, fake_logits.detach())


@right("generator_loss")
def maker_by_torch(fake_logits):
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


@right("generator_loss")
def maker_by_logsigmoid(fake_logits):
    return -F.logsigmoid(fake_logits).sum() / fake_logits.numel()


@wrong("generator_loss", "flip the label")
def maker_unflipped(fake_logits):
    return F.softplus(fake_logits).mean()


@wrong("generator_loss", "this is the minimax form")
def maker_minimax(fake_logits):
    return -F.softplus(fake_logits).mean()


@wrong("generator_loss", "a sum over the batch")
def maker_summed(fake_logits):
    return F.softplus(-fake_logits).sum()


@wrong("generator_loss", "the sign is wrong")
def maker_negative(fake_logits):
    return -F.softplus(-fake_logits).mean()


@wrong("generator_loss", "here it is −log D")
def maker_wasserstein(fake_logits):
    return -fake_logits.mean()


@wrong("generator_loss", "the sigmoid is taken twice")
def maker_twice(fake_logits):
    return F.softplus(-fake_logits.sigmoid()).mean()


@wrong("generator_loss", "G learns nothing")
def maker_cut(fake_logits):
    return F.softplus(-fake_logits.detach()).mean()


@wrong("generator_loss", "infinite where D is very sure")
def maker_by_logs(fake_logits):
    return -torch.log(fake_logits.sigmoid()).mean()


@wrong("generator_loss", "is a logarithm cut off")
def maker_clamped(fake_logits):
    return -torch.log(fake_logits.sigmoid().clamp(min=1e-7)).mean()


@right("five_steps")
def steps_reference(x, G, D, optimizer_g, optimizer_d, draw_z):
    fake = G(draw_z(len(x))).detach()
    d = descend(optimizer_d, discriminator_loss(D(x), D(fake)))
    g = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    return {"D": d, "G": g}


@right("five_steps")
def steps_written_out(x, G, D, optimizer_g, optimizer_d, draw_z):
    """No function of the page is used."""
    with torch.no_grad():
        fake = G(draw_z(x.shape[0]))
    bce = F.binary_cross_entropy_with_logits
    on_real, on_fake = D(x), D(fake)
    loss_d = bce(on_real, torch.ones_like(on_real)) + bce(on_fake, torch.zeros_like(on_fake))
    optimizer_d.zero_grad()
    loss_d.backward()
    optimizer_d.step()
    on_fake = D(G(draw_z(x.shape[0])))
    loss_g = bce(on_fake, torch.ones_like(on_fake))
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return {"D": loss_d.item(), "G": loss_g.item()}


@right("five_steps")
def steps_frozen(x, G, D, optimizer_g, optimizer_d, draw_z):
    """D collects no gradients while G is updated."""
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    D.requires_grad_(False)
    g = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    D.requires_grad_(True)
    return dict(G=g, D=d)


@right("five_steps")
def steps_by_keyword(x, G, D, optimizer_g, optimizer_d, draw_z):
    fake = G(draw_z(len(x))).detach()
    d = descend(optimizer_d, discriminator_loss(fake_logits=D(fake), real_logits=D(x)))
    g = descend(optimizer_g, generator_loss(fake_logits=D(G(draw_z(len(x))))))
    return {"D": d, "G": g}


@right("five_steps")
def steps_noise_at_once(x, G, D, optimizer_g, optimizer_d, draw_z):
    """One draw for both: they are two batches of noise all the same."""
    first, second = draw_z(2 * len(x)).split(len(x))
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(first).detach())))
    return {"D": d, "G": descend(optimizer_g, generator_loss(D(G(second))))}


@right("five_steps")
def steps_one_by_one(x, G, D, optimizer_g, optimizer_d, draw_z):
    """Noise picture by picture, and two backward passes for D."""
    bce = F.binary_cross_entropy_with_logits
    optimizer_d.zero_grad()
    on_real = D(x)
    loss_real = bce(on_real, torch.ones_like(on_real))
    loss_real.backward()
    on_fake = D(G(torch.cat([draw_z(1) for _ in x])).detach())
    loss_fake = bce(on_fake, torch.zeros_like(on_fake))
    loss_fake.backward()
    optimizer_d.step()
    g = descend(optimizer_g, generator_loss(D(G(torch.cat([draw_z(1) for _ in x])))))
    return {"D": (loss_real + loss_fake).detach(), "G": g}


@wrong("five_steps", "under each other's name")
def steps_exchanged(x, G, D, optimizer_g, optimizer_d, draw_z):
    d, g = steps_reference(x, G, D, optimizer_g, optimizer_d, draw_z).values()
    return {"D": g, "G": d}


@wrong("five_steps", "both values are G's loss")
def steps_one_name(x, G, D, optimizer_g, optimizer_d, draw_z):
    loss = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    loss = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    return {"D": loss, "G": loss}


@wrong("five_steps", 'the value under "D" is not the loss')
def steps_half_returned(x, G, D, optimizer_g, optimizer_d, draw_z):
    losses = steps_reference(x, G, D, optimizer_g, optimizer_d, draw_z)
    return {"D": losses["D"] / 2, "G": losses["G"]}


@wrong("five_steps", "as many fakes as reals")
def steps_of_64(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(64)).detach())))
    return {"D": d, "G": descend(optimizer_g, generator_loss(D(G(draw_z(64)))))}


@wrong("five_steps", "D judged batches of 5, 15, 15")
def steps_of_all_pixels(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(x.numel())).detach())))
    return {"D": d, "G": descend(optimizer_g, generator_loss(D(G(draw_z(x.numel())))))}


@wrong("five_steps", "D stays frozen")
def steps_left_frozen(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    D.requires_grad_(False)
    return {"D": d, "G": descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))}


@wrong("five_steps", "no gradient of this iteration reaches G")
def steps_detached_twice(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    return {"D": d, "G": descend(optimizer_g, generator_loss(D(G(draw_z(len(x))).detach())))}


@wrong("five_steps", "the minimax form")
def steps_minimax(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    return {"D": d, "G": descend(optimizer_g, torch.log(1 - D(G(draw_z(len(x)))).sigmoid()).mean())}


@wrong("five_steps", "cut the graph in step 1")
def steps_attached(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))))))
    g = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    return {"D": d, "G": g}


@wrong("five_steps", "D learns the opposite")
def steps_labels(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(G(draw_z(len(x))).detach()), D(x)))
    g = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    return {"D": d, "G": g}


@wrong("five_steps", "noise is drawn twice")
def steps_one_noise(x, G, D, optimizer_g, optimizer_d, draw_z):
    fake = G(draw_z(len(x)))
    d = descend(optimizer_d, discriminator_loss(D(x), D(fake.detach())))
    g = descend(optimizer_g, generator_loss(D(fake)))
    return {"D": d, "G": g}


@wrong("five_steps", "yours goes the other way round")
def steps_generator_first(x, G, D, optimizer_g, optimizer_d, draw_z):
    g = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    return {"D": d, "G": g}


@wrong("five_steps", "real and fake pass D in one batch")
def steps_one_batch(x, G, D, optimizer_g, optimizer_d, draw_z):
    logits = D(torch.cat([x, G(draw_z(len(x))).detach()]))
    d = descend(optimizer_d, discriminator_loss(logits[: len(x)], logits[len(x) :]))
    g = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    return {"D": d, "G": g}


@wrong("five_steps", "still in D's update")
def steps_no_zero(x, G, D, optimizer_g, optimizer_d, draw_z):
    loss = discriminator_loss(D(x), D(G(draw_z(len(x))).detach()))
    loss.backward()
    optimizer_d.step()
    g = descend(optimizer_g, generator_loss(D(G(draw_z(len(x))))))
    return {"D": loss.detach(), "G": g}


@wrong("five_steps", "still in G's update")
def steps_no_zero_g(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    loss = generator_loss(D(G(draw_z(len(x)))))
    loss.backward()
    optimizer_g.step()
    return {"D": d, "G": loss.detach()}


@wrong("five_steps", "you updated D")
def steps_discriminator_only(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    return {"D": d, "G": generator_loss(D(G(draw_z(len(x))))).detach()}


@wrong("five_steps", "as it was before its update")
def steps_old_discriminator(x, G, D, optimizer_g, optimizer_d, draw_z):
    fake = G(draw_z(len(x))).detach()
    loss_d = discriminator_loss(D(x), D(fake))
    optimizer_g.zero_grad()
    generator_loss(D(G(draw_z(len(x))))).backward()
    kept = [w.grad.clone() for w in G.parameters()]
    G.zero_grad()
    d = descend(optimizer_d, loss_d)
    for w, grad in zip(G.parameters(), kept, strict=True):
        w.grad = grad
    optimizer_g.step()
    return {"D": d, "G": d}


@wrong("five_steps", "on the fakes of step 1")
def steps_old_fakes(x, G, D, optimizer_g, optimizer_d, draw_z):
    z = draw_z(len(x))
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(z).detach())))
    draw_z(len(x))
    return {"D": d, "G": descend(optimizer_g, generator_loss(D(G(z))))}


@wrong("five_steps", "G climbs its loss")
def steps_climbing(x, G, D, optimizer_g, optimizer_d, draw_z):
    d = descend(optimizer_d, discriminator_loss(D(x), D(G(draw_z(len(x))).detach())))
    return {"D": d, "G": descend(optimizer_g, -generator_loss(D(G(draw_z(len(x))))))}


@wrong("five_steps", "return the losses detached")
def steps_undetached(x, G, D, optimizer_g, optimizer_d, draw_z):
    loss_d = discriminator_loss(D(x), D(G(draw_z(len(x))).detach()))
    descend(optimizer_d, loss_d)
    loss_g = generator_loss(D(G(draw_z(len(x)))))
    descend(optimizer_g, loss_g)
    return {"D": loss_d, "G": loss_g}


@wrong("five_steps", "should return a dictionary")
def steps_tuple(x, G, D, optimizer_g, optimizer_d, draw_z):
    losses = steps_reference(x, G, D, optimizer_g, optimizer_d, draw_z)
    return torch.stack([losses["D"], losses["G"]])


@right("slerp")
def slerp_reference(a, b, t):
    cosine = F.cosine_similarity(a, b, dim=1)[:, None]
    angle = torch.acos(cosine.clamp(-1, 1))
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


@right("slerp")
def slerp_by_loops(a, b, t):
    rows = []
    for v, w in zip(a, b, strict=True):
        omega = torch.arccos((v / v.norm()) @ (w / w.norm()))
        rows.append(torch.sin((1 - t) * omega) / torch.sin(omega) * v + torch.sin(t * omega) / torch.sin(omega) * w)
    return torch.stack(rows)


def turned(a, b, t, angle):
    return (torch.sin((1 - t) * angle) * a + torch.sin(t * angle) * b) / torch.sin(angle)


def angles(a, b):
    return torch.acos(F.cosine_similarity(a, b, dim=1).clamp(-1, 1))[:, None]


@wrong("slerp", "this is the straight line")
def slerp_straight(a, b, t):
    return torch.lerp(a, b, t)


@wrong("slerp", "yours walks back")
def slerp_backwards(a, b, t):
    return slerp_reference(b, a, t)


@wrong("slerp", "an angle of its own")
def slerp_one_angle(a, b, t):
    return turned(a, b, t, torch.acos((a * b).sum() / a.norm() / b.norm()))


@wrong("slerp", "only the angle needs unit vectors")
def slerp_normalised(a, b, t):
    return turned(F.normalize(a), F.normalize(b), t, angles(a, b))


@wrong("slerp", "sin Ω")
def slerp_undivided(a, b, t):
    omega = angles(a, b)
    return torch.sin((1 - t) * omega) * a + torch.sin(t * omega) * b


@wrong("slerp", "radians")
def slerp_degrees(a, b, t):
    return turned(a, b, t, torch.rad2deg(angles(a, b).double()))


@wrong("slerp", "a quarter of the way is not a quarter turn")
def slerp_stretched(a, b, t):
    return F.normalize(torch.lerp(a, b, t)) * ((1 - t) * a.norm(dim=1) + t * b.norm(dim=1))[:, None]


@wrong("slerp", "the cosine of the angle stands")
def slerp_cosine(a, b, t):
    return turned(a, b, t, F.cosine_similarity(a, b, dim=1)[:, None])


@wrong("slerp", "product of the *unit* vectors")
def slerp_unnormalised(a, b, t):
    return turned(a, b, t, torch.acos((20 * a * b).sum(1, keepdim=True)))


@wrong("slerp", "one row for each pair")
def slerp_diagonal(a, b, t):
    return slerp_reference(a, b, t)[0]


@right("frechet_distance")
def frechet_reference(a, b):
    difference = a.mean(0) - b.mean(0)
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return (difference.square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross).clamp(min=0)


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


@wrong("frechet_distance", "the formula gives its square")
def frechet_root(a, b):
    return frechet_reference(a, b).sqrt()


def frechet_parts(a, b):
    return (a.mean(0) - b.mean(0)).square().sum(), torch.cov(a.T), torch.cov(b.T)


@wrong("frechet_distance", "a root taken number by number")
def frechet_elementwise(a, b):
    means, x, y = frechet_parts(a, b)
    return means + x.trace() + y.trace() - 2 * (x * y).clamp(min=0).sqrt().trace()


@wrong("frechet_distance", "a root of each number of the product")
def frechet_elementwise_product(a, b):
    means, x, y = frechet_parts(a, b)
    return means + torch.trace(x + y - 2 * (x @ y).clamp(min=0).sqrt())


@wrong("frechet_distance", "blind to a turn")
def frechet_diagonal(a, b):
    return (a.mean(0) - b.mean(0)).square().sum() + (a.std(0) - b.std(0)).square().sum()


@wrong("frechet_distance", "the means do not count")
def frechet_without_means(a, b):
    return frechet_reference(a - a.mean(0), b - b.mean(0))


@wrong("frechet_distance", "only the means count")
def frechet_means(a, b):
    return frechet_parts(a, b)[0]


@wrong("frechet_distance", "yours once")
def frechet_one_cross(a, b):
    means, x, y = frechet_parts(a, b)
    return (frechet_reference(a, b) + means + x.trace() + y.trace()) / 2


@wrong("frechet_distance", "the distance of the means is squared")
def frechet_mean_norm(a, b):
    means = frechet_parts(a, b)[0]
    return frechet_reference(a, b) - means + means.sqrt()


@wrong("frechet_distance", "no root is taken")
def frechet_no_root(a, b):
    means, x, y = frechet_parts(a, b)
    return means + x.trace() + y.trace() - 2 * (x @ y).trace()


@wrong("frechet_distance", "where the formula has a sum")
def frechet_mean_of_means(a, b):
    means = frechet_parts(a, b)[0]
    return frechet_reference(a, b) - means + means / a.shape[1]


@wrong("frechet_distance", "an eigenvalue below zero")
def frechet_unclamped(a, b):
    means, x, y = frechet_parts(a, b)
    values = torch.linalg.eigvals(x @ y).real
    values = torch.where(values < 1e-8, -1e-12, values)  # what rounding may do to a singular covariance
    return means + x.trace() + y.trace() - 2 * values.sqrt().sum()


@wrong("frechet_distance", "rounding can lead below 0")
def frechet_negative(a, b):
    means, x, y = frechet_parts(a, b)
    values, vectors = torch.linalg.eigh(x)
    root = vectors @ torch.diag(values.clamp(min=0).sqrt()) @ vectors.T
    return means + x.trace() + y.trace() - 2 * torch.linalg.eigvalsh(root @ y @ root).clamp(min=0).sqrt().sum()


@wrong("frechet_distance", "as a covariance can be")
def frechet_roots_of_numbers(a, b):
    means, x, y = frechet_parts(a, b)
    return means + x.trace() + y.trace() - 2 * torch.trace(x.sqrt() @ y.sqrt())


@wrong("frechet_distance", "a root of a number below zero")
def frechet_roots_of_the_product(a, b):
    means, x, y = frechet_parts(a, b)
    return means + (x + y - 2 * (x @ y).sqrt()).sum()


@wrong("frechet_distance", "complex numbers")
def frechet_complex(a, b):
    means, x, y = frechet_parts(a, b)
    return means + x.trace() + y.trace() - 2 * torch.linalg.eigvals(x @ y).sqrt().sum()


def networks(seed):
    torch.manual_seed(seed)
    g, d = Generator(latent=64, width=16).to(run.device), Discriminator(width=16).to(run.device)
    optimizers = torch.optim.Adam(g.parameters(), **rates), torch.optim.Adam(d.parameters(), **rates)
    return g, d, optimizers, gencourse.Average(g, 0.99)


@right("train_and_measure")
def trick_reference(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    fit(make_step(g, d, both, mean), data.Batches(real, 16, seed=seed), steps=steps, device=run.device, show=False)
    return measure(draw(mean.module, count=100)).frechet


@right("train_and_measure")
def trick_in_the_pages_batches(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    fit(make_step(g, d, both, mean), data.Batches(real, 128, seed=seed), steps=steps, device=run.device, show=False)
    return measure(draw(mean.module, count=100)).frechet


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


@wrong("train_and_measure", "seed before the networks are made")
def trick_unseeded(make_step, seed, steps):
    torch.seed()
    g, d = Generator(latent=64, width=16), Discriminator(width=16)
    mean = gencourse.Average(g)
    both = torch.optim.Adam(g.parameters()), torch.optim.Adam(d.parameters())
    fit(make_step(g, d, both, mean), data.Batches(real, 16, seed=seed), steps=steps, show=False)
    return measure(draw(mean.module)).frechet


@wrong("train_and_measure", "starts from the same weights")
def trick_constant(make_step, seed, steps):
    return trick_reference(make_step, 0, steps)


@wrong("train_and_measure", "the digits come in the same order")
def trick_same_batches(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    fit(make_step(g, d, both, mean), data.Batches(real, 16), steps=steps, show=False)
    return measure(draw(mean.module)).frechet


@wrong("train_and_measure", "pictures of the average")
def trick_no_average(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    fit(make_step(g, d, both, mean), data.Batches(real, 16, seed=seed), steps=steps, show=False)
    return measure(draw(g)).frechet


@wrong("train_and_measure", "asked for 2, 2, 2 and 4 steps")
def trick_ten_steps(make_step, seed, steps):
    return trick_reference(make_step, seed, 10)


@wrong("train_and_measure", "where a tensor is asked for")
def trick_all_scores(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    fit(make_step(g, d, both, mean), data.Batches(real, 16, seed=seed), steps=steps, show=False)
    return measure(draw(mean.module))


@wrong("train_and_measure", "make_step takes a generator")
def trick_order(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    return make_step(d, g, both, mean)


@wrong("train_and_measure", "nothing was trained")
def trick_untrained(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    make_step(g, d, both, mean)
    return measure(draw(mean.module)).frechet


@wrong("train_and_measure", "first fit, then draw")
def trick_measured_first(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    step = make_step(g, d, both, mean)
    score = measure(draw(mean.module, count=100)).frechet
    fit(step, data.Batches(real, 16, seed=seed), steps=steps, show=False)
    return score


@wrong("train_and_measure", "in the wrong order: first G's")
def trick_optimizers_swapped(make_step, seed, steps):
    return trick_reference(lambda g, d, both, mean: make_step(g, d, both[::-1], mean), seed, steps)


@wrong("train_and_measure", "all weights of one network")
def trick_both_move_g(make_step, seed, steps):
    return trick_reference(lambda g, d, both, mean: make_step(g, d, (both[0], both[0]), mean), seed, steps)


@wrong("train_and_measure", "as a pair")
def trick_one_optimizer(make_step, seed, steps):
    return trick_reference(lambda g, d, both, mean: make_step(g, d, both[0], mean), seed, steps)


@wrong("train_and_measure", "nothing was measured")
def trick_unmeasured(make_step, seed, steps):
    g, d, both, mean = networks(seed)
    history = fit(make_step(g, d, both, mean), data.Batches(real, 16, seed=seed), steps=steps, show=False)
    return history["G"][-1]
