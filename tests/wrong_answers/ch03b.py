"""Chapter 03b, conditional GAN and semi-supervised learning."""

import torch
import torch.nn.functional as F
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from gencourse.modes import frozen
from gencourse.training.helpers import descend
from wrong_answers import all_right, all_wrong, right, wrong


@right("projection_logit")
def projection_by_einsum(features, labels, embedding, head):
    return torch.einsum("ba,a->b", features, head) + torch.einsum("ba,ba->b", embedding[labels], features)


@right("projection_logit")
def projection_by_one_vector(features, labels, embedding, head):
    """The label's vector is added to the head's: the same logit."""
    return ((embedding[labels] + head) * features).sum(dim=-1)


@right("projection_logit")
def projection_of_all_classes(features, labels, embedding, head):
    """A logit for each class, and of these the label's."""
    every = features @ (embedding + head).T
    return every[torch.arange(len(labels)), labels]


all_wrong(
    "projection_logit",
    {
        "expected one logit a picture, shape": lambda *given: projection_by_einsum(*given)[:, None].expand(-1, 2),
        "a gradient is missing: it reaches the features": torch.no_grad()(projection_by_einsum),
        "a gradient is missing": lambda features, labels, embedding, head: projection_by_einsum(
            features, labels, embedding, head.detach()
        ),
        "the values are not those of the formula": lambda *given: 1.1 * projection_by_einsum(*given),
        "changes its input features in place": lambda features, labels, embedding, head: projection_by_einsum(
            features.data.mul_(2), labels, embedding, head
        ),
        "raised IndexError": lambda features, labels, embedding, head: embedding[features.long() + 99],
        "is a part of it detached?": lambda features, labels, embedding, head: (
            projection_by_einsum(features, labels, embedding, head) + (features.detach() - features) @ head
        ),
    },
)


@right("auxiliary_classifier_losses")
def auxiliary_by_torch(real_logits, fake_logits, real_classes, fake_classes, labels):
    adversarial = bce(real_logits, torch.ones_like(real_logits)) + bce(fake_logits, torch.zeros_like(fake_logits))
    read = F.cross_entropy(fake_classes, labels)
    return {
        "G": bce(fake_logits, torch.ones_like(fake_logits)) + read,
        "D": adversarial + F.cross_entropy(real_classes, labels) + read,
    }


@right("auxiliary_classifier_losses")
def auxiliary_by_hand(real_logits, fake_logits, real_classes, fake_classes, labels):
    def read(logits):
        return -logits.log_softmax(1).gather(1, labels[:, None]).mean()

    def says(logits, real):
        return -torch.log(torch.sigmoid(logits if real else -logits)).mean()

    d = says(real_logits, True) + says(fake_logits, False) + read(real_classes) + read(fake_classes)
    return dict(D=d, G=says(fake_logits, True) + read(fake_classes))


@right("auxiliary_classifier_losses")
def auxiliary_in_one_batch(real_logits, fake_logits, real_classes, fake_classes, labels):
    """Both batches in one mean, and twice that."""
    logits, wanted = torch.cat([real_logits, fake_logits]), torch.ones(2, len(labels)).to(real_logits)
    wanted[1] = 0
    read = F.cross_entropy(torch.cat([real_classes, fake_classes]), labels.repeat(2))
    d = 2 * (bce(logits, wanted.flatten()) + read)
    return {"D": d, "G": F.softplus(-fake_logits).mean() + F.cross_entropy(fake_classes, labels)}


def changed(change):
    """The right losses, and something done to them."""
    return lambda *given: change(**auxiliary_by_torch(*given))


all_wrong(
    "auxiliary_classifier_losses",
    {
        "got the names D": changed(lambda D, G: {"D": D}),
        "got the names none": changed(lambda D, G: {}),
        "should return a dictionary": changed(lambda D, G: torch.stack([D, G])),
        "the loss 'G' is one number, yours has shape (2,)": changed(lambda D, G: {"D": D, "G": G.expand(2)}),
        "D's loss is another one": changed(lambda D, G: {"D": 0.9 * D, "G": G}),
        "G's loss is another one": changed(lambda D, G: {"D": D, "G": G + 1}),
        "a gradient is missing: each loss": changed(lambda D, G: {"D": D, "G": G.detach()}),
        "is a part of it detached?": lambda real, fake, *rest: {
            "D": auxiliary_by_torch(real, fake, *rest)["D"],
            "G": auxiliary_by_torch(real, fake, *rest)["G"] + fake.mean() - fake.mean().detach(),
        },
    },
)


@right("semi_supervised_loss")
def semi_as_published(labelled, labels, unlabelled, fake):
    """As the authors' code has it: the logarithms of sums, one by one."""
    total, known = labelled.logsumexp(1), labelled[torch.arange(len(labels)), labels]
    free, made = unlabelled.logsumexp(1), fake.logsumexp(1)
    return (total - known).mean() + 0.5 * (F.softplus(free) - free).mean() + 0.5 * F.softplus(made).mean()


@right("semi_supervised_loss")
def semi_among_all(labelled, labels, unlabelled, fake):
    """The fake class written out, a logit of 0 behind the others."""

    def with_fake(logits):
        return torch.cat([logits, torch.zeros(len(logits), 1).to(logits)], dim=1).log_softmax(1)

    told = F.nll_loss(F.log_softmax(labelled, 1), labels)
    return told - with_fake(unlabelled)[:, :-1].logsumexp(1).mean() / 2 - with_fake(fake)[:, -1].mean() / 2


@right("semi_supervised_loss")
def semi_by_bce(labelled, labels, unlabelled, fake):
    real, made = torch.logsumexp(unlabelled, dim=1), torch.logsumexp(fake, dim=1)
    adversarial = (bce(real, torch.ones_like(real)) + bce(made, torch.zeros_like(made))) / 2
    return F.cross_entropy(labelled, labels) + adversarial


def semi_by_exp(labelled, labels, unlabelled, fake):
    z, w = unlabelled.exp().sum(1), fake.exp().sum(1)
    return F.cross_entropy(labelled, labels) - (z / (z + 1)).log().mean() / 2 - (1 / (w + 1)).log().mean() / 2


def semi_cut(labelled, labels, unlabelled, fake):
    real, made = unlabelled.logsumexp(1).sigmoid(), fake.logsumexp(1).sigmoid()
    adversarial = -(real + 1e-8).log().mean() - (1 - made + 1e-8).log().mean()
    return F.cross_entropy(labelled, labels) + adversarial / 2


all_wrong(
    "semi_supervised_loss",
    {
        "infinite where D is very sure": semi_by_exp,
        "is a logarithm or a logit cut off somewhere?": semi_cut,
        "a gradient is missing: D learns from all three": lambda labelled, labels, unlabelled, fake: semi_as_published(
            labelled.detach(), labels, unlabelled, fake
        ),
        "a loss is one number": lambda labelled, labels, unlabelled, fake: F.softplus(-unlabelled.logsumexp(1)),
        "the values are not those of the formula": lambda *given: semi_by_bce(*given) + 0.3,
        "raised RuntimeError": lambda labelled, labels, unlabelled, fake: F.cross_entropy(
            labelled, labels[:, None, None]
        ),
    },
)


@right("feature_matching")
def matching_by_mse(real, fake):
    return F.mse_loss(fake.mean(0), real.mean(0).detach(), reduction="sum")


@right("feature_matching")
def matching_by_product(real, fake):
    apart = real.sum(0) / len(real) - fake.sum(0) / len(fake)
    return apart @ apart


all_right("feature_matching", by_norm=lambda real, fake: (fake.mean(dim=0) - real.mean(dim=0)).norm() ** 2)
all_wrong(
    "feature_matching",
    {
        "no gradient reaches the generated features": torch.no_grad()(matching_by_mse),
        "a loss is one number": lambda real, fake: (real.mean(0) - fake.mean(0)).square(),
        "the values are not those of the formula": lambda real, fake: matching_by_mse(real, fake) + 1,
    },
)


@right("minibatch_discrimination")
def minibatch_by_loops(features, T):
    rows = []
    for i, mine in enumerate(features):
        o = torch.zeros(T.shape[1]).to(features)
        for j, other in enumerate(features):
            if i != j:
                o = o + torch.exp(-torch.tensordot(mine - other, T, 1).abs().sum(1))
        rows.append(torch.cat([mine, o]))
    return torch.stack(rows)


@right("minibatch_discrimination")
def minibatch_less_one(features, T):
    """With itself, and one less for it."""
    M = (features @ T.flatten(1)).view(-1, *T.shape[1:])
    apart = (M.unsqueeze(0) - M.unsqueeze(1)).abs().sum(dim=3)
    return torch.cat((features, torch.exp(-apart).sum(0) - 1), dim=1)


@right("minibatch_discrimination")
def minibatch_as_published(features, T):
    """As the authors' code has it: a large number is added to the distance from itself."""
    M = torch.tensordot(features, T, dims=1).permute(1, 2, 0)
    apart = (M[..., None] - M[:, :, None]).abs().sum(1) + 1e6 * torch.eye(len(features)).to(features)
    return torch.hstack([features, torch.exp(-apart).sum(2).T])


all_wrong(
    "minibatch_discrimination",
    {
        "expected features and one number for each row b": lambda features, T: minibatch_less_one(features, T).T,
        "a gradient is missing: it reaches the features and T": torch.no_grad()(minibatch_less_one),
        "a gradient is missing": lambda features, T: minibatch_less_one(features, T.detach()),
        "the values are not those of the formula": lambda features, T: minibatch_less_one(features, 2 * T),
        "raised RuntimeError": lambda features, T: features @ T,
    },
)


def semi_supervised_loss(labelled, labels, unlabelled, fake):
    """What the iteration builds on; while it is checked another stands in."""
    return semi_by_bce(labelled, labels, unlabelled, fake)


def feature_matching(real, fake):
    return matching_by_mse(real, fake)


def update_d(x, labels, unlabelled, G, D, optimizer_d, draw_z):
    fake = G(draw_z(len(unlabelled))).detach()
    return descend(optimizer_d, semi_supervised_loss(D(x), labels, D(unlabelled), D(fake)))


def update_g(unlabelled, G, D, optimizer_g, draw_z, times=1.0):
    real, fake = D.features(unlabelled), D.features(G(draw_z(len(unlabelled))))
    return descend(optimizer_g, times * feature_matching(real, fake))


@right("sgan_step")
def sgan_reference(x, labels, unlabelled, G, D, optimizer_g, optimizer_d, draw_z):
    d = update_d(x, labels, unlabelled, G, D, optimizer_d, draw_z)
    return {"D": d, "G": update_g(unlabelled, G, D, optimizer_g, draw_z)}


@right("sgan_step")
def sgan_written_out(x, labels, unlabelled, G, D, optimizer_g, optimizer_d, draw_z):
    """No function of the page is used."""
    with torch.no_grad():
        fake = G(torch.cat([draw_z(1) for _ in unlabelled]))
    loss = semi_as_published(D(x), labels, D(unlabelled), D(fake))
    optimizer_d.zero_grad()
    loss.backward()
    optimizer_d.step()
    with torch.no_grad():
        real = D.features(unlabelled)
    apart = D.features(G(draw_z(len(unlabelled)))).mean(0) - real.mean(0)
    loss_g = apart.square().sum()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    return {"G": loss_g.detach(), "D": loss.item()}


@right("sgan_step")
def sgan_frozen(x, labels, unlabelled, G, D, optimizer_g, optimizer_d, draw_z):
    """Labelled and unlabelled pictures in one pass, all noise drawn at once, D frozen in G's half."""
    first, second = draw_z(2 * len(unlabelled)).chunk(2)
    told, free = D(torch.cat([x, unlabelled])).split([len(x), len(unlabelled)])
    d = descend(optimizer_d, semi_supervised_loss(told, labels, free, D(G(first).detach())))
    with frozen(D):
        g = descend(optimizer_g, feature_matching(D.features(unlabelled), D.features(G(second))))
    return dict(D=d, G=g)


def sgan_changed(change):
    """The reference, with something else returned."""
    return lambda *given: change(**sgan_reference(*given))


@wrong("sgan_step", "detach the generated pictures in D's half")
def sgan_not_detached(x, labels, unlabelled, G, D, g, d, draw_z):
    loss = semi_supervised_loss(D(x), labels, D(unlabelled), D(G(draw_z(len(unlabelled)))))
    return {"D": descend(d, loss), "G": update_g(unlabelled, G, D, g, draw_z)}


@wrong("sgan_step", "pass D in one batch")
def sgan_mixed(x, labels, unlabelled, G, D, g, d, draw_z):
    fake = G(draw_z(len(unlabelled))).detach()
    parts = D(torch.cat([x, unlabelled, fake])).split([len(x), len(unlabelled), len(fake)])
    loss = descend(d, semi_supervised_loss(parts[0], labels, *parts[1:]))
    return {"D": loss, "G": update_g(unlabelled, G, D, g, draw_z)}


@wrong("sgan_step", "D stays frozen")
def sgan_left_frozen(x, labels, unlabelled, G, D, g, d, draw_z):
    loss = update_d(x, labels, unlabelled, G, D, d, draw_z)
    D.requires_grad_(False)
    return {"D": loss, "G": update_g(unlabelled, G, D, g, draw_z)}


all_wrong(
    "sgan_step",
    {
        "yours goes the other way round": lambda x, y, u, G, D, g, d, z: {
            "G": update_g(u, G, D, g, z),
            "D": update_d(x, y, u, G, D, d, z),
        },
        "you updated D": lambda x, y, u, G, D, g, d, z: dict.fromkeys("DG", update_d(x, y, u, G, D, d, z)),
        "the optimisers are swapped": lambda x, y, u, G, D, g, d, z: sgan_reference(x, y, u, G, D, d, g, z),
        "noise is drawn twice": lambda x, y, u, G, D, g, d, z: sgan_reference(
            x, y, u, G, D, g, d, lambda count: z(count + 3)[:count]
        ),
        "D never sees a generated picture": lambda x, y, u, G, D, g, d, z: sgan_reference(
            x, y, u, lambda z, seen=[]: (seen.append(z), G(z) if len(seen) > 1 else u + 0 * G(z))[1], D, g, d, z
        ),
        "D never sees a labelled picture": lambda x, y, u, G, D, g, d, z: sgan_reference(
            u[:3], y[:3], u, G, D, g, d, z
        ),
        "got the names D,loss": sgan_changed(lambda D, G: {"D": D, "loss": G}),
        "should return a dictionary": sgan_changed(lambda D, G: torch.stack([D, G])),
        'the loss under "G" is one number, yours has shape (2,)': sgan_changed(lambda D, G: {"D": D, "G": G.expand(2)}),
        "return the losses detached": sgan_changed(lambda D, G: {"D": D.requires_grad_(), "G": G}),
        'the value under "D" is not the loss': sgan_changed(lambda D, G: {"D": D / 2, "G": G}),
        'the value under "G" is not the loss': sgan_changed(lambda D, G: {"D": D, "G": G / 2}),
        "G's update is off": lambda x, y, u, G, D, g, d, z: {
            "D": update_d(x, y, u, G, D, d, z),
            "G": update_g(u, G, D, g, z, times=2),
        },
        "changes its input x in place": lambda x, y, u, *rest: sgan_reference(x.add_(1), y, u, *rest),
    },
)


@right("paired_interval")
def interval_by_hand(with_trick, without, t):
    gains = [float(a - b) for a, b in zip(with_trick, without, strict=True)]
    n, mean = len(gains), sum(gains) / len(gains)
    error = (sum((gain - mean) ** 2 for gain in gains) / (n - 1) / n) ** 0.5
    return torch.tensor([mean - t * error, mean + t * error])


all_right(
    "paired_interval",
    by_var=lambda a, b, t: (a - b).mean() + t * ((a - b).var() / len(a)).sqrt() * torch.tensor([-1.0, 1.0]).to(a),
)
all_wrong(
    "paired_interval",
    {
        "returned a tuple, where a tensor is asked for": lambda a, b, t: tuple(interval_by_hand(a, b, t)),
        "expected the two ends, low and high": lambda a, b, t: interval_by_hand(a, b, t)[:1],
        "the values are not those of the formula": lambda a, b, t: interval_by_hand(a, b, t) + 7,
        "changes its input without in place": lambda a, b, t: interval_by_hand(a, b.mul_(-1), t),
    },
)
