"""SGAN: its loss by its formula, and that no label of the unlabelled pictures can reach it."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from gencourse import Average, data, fit, weights
from gencourse.expect import ImageError
from gencourse.methods import gan, gan_tricks, semi_supervised
from gencourse.methods.semi_supervised import few_labels, semi_supervised_loss, unsupervised_loss
from gencourse.networks.dcgan import Generator
from gencourse.networks.sgan import SGAN, SemiSupervisedDiscriminator


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


MAKER, JUDGE = {"latent": 8, "width": 4}, {"width": 4, "hidden": 8, "classes": 3}
DIGITS, LABELS = torch.rand(24, 1, 28, 28, generator=rng()) * 2 - 1, torch.arange(24) % 3
CHOSEN = few_labels(LABELS, 2, classes=3, generator=rng())


def labelled(labels: torch.Tensor = LABELS) -> data.Batches:
    return data.Batches(DIGITS[CHOSEN], 4, labels=labels[CHOSEN])


def make_step(batches: data.Batches | None = None, **options) -> semi_supervised.SemiSupervisedStep:
    torch.manual_seed(0)
    g, d = Generator(**MAKER), SemiSupervisedDiscriminator(**JUDGE)
    optimizers = tuple(torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d))
    return semi_supervised.SemiSupervisedStep(g, d, optimizers, batches or labelled(), **{"noise": rng(1)} | options)


def weights_of(step: semi_supervised.SemiSupervisedStep) -> list[torch.Tensor]:
    return [*step.generator.state_dict().values(), *step.discriminator.state_dict().values()]


def logits() -> tuple[torch.Tensor, ...]:
    a, b, c = (torch.randn(n, 3, generator=rng(n)) for n in (4, 5, 6))
    return a, torch.tensor([2, 0, 1, 1]), b, c


# The loss


def test_the_loss_is_that_of_k_plus_one_classes_with_the_last_logit_at_zero():
    told, labels, unlabelled, fake = logits()
    p_real, p_fake = (F.pad(x, (0, 1)).softmax(1) for x in (unlabelled, fake))
    named = -told.softmax(1)[torch.arange(4), labels].log().mean()  # p(y | x, y < K + 1)
    expected = named - (1 - p_real[:, 3]).log().mean() / 2 - p_fake[:, 3].log().mean() / 2
    assert_close(semi_supervised_loss(told, labels, unlabelled, fake), expected)
    assert_close(unsupervised_loss(unlabelled, fake), expected - named)


def test_d_is_z_over_z_plus_one():
    x = logits()[0]
    z = x.exp().sum(1)
    assert_close(semi_supervised.real_logit(x).sigmoid(), z / (z + 1))


@pytest.mark.parametrize("size", [1e2, 1e4])
def test_the_loss_neither_overflows_nor_flattens(size):
    high, low = torch.full((2, 3), size).requires_grad_(), torch.full((2, 3), -size).requires_grad_()
    loss = unsupervised_loss(low, high)  # D is very sure, and wrong
    loss.backward()
    assert loss.item() == pytest.approx(size, rel=0.02)
    assert_close(low.grad.sum(), torch.tensor(-0.5))
    assert_close(high.grad.sum(), torch.tensor(0.5))
    assert unsupervised_loss(high, low).item() == pytest.approx(0, abs=1e-6)


def test_the_supervised_part_alone_does_not_see_a_shift_of_all_logits_and_the_other_does():
    told, labels, unlabelled, fake = logits()
    assert_close(F.cross_entropy(told + 5, labels), F.cross_entropy(told, labels))
    assert unsupervised_loss(unlabelled + 5, fake) < unsupervised_loss(unlabelled, fake)


def test_gradients_pull_unlabelled_up_and_fakes_down_without_a_word_on_their_class():
    told, labels, unlabelled, fake = logits()
    parts = [x.requires_grad_() for x in (told, unlabelled, fake)]
    named, real, made = torch.autograd.grad(semi_supervised_loss(told, labels, unlabelled, fake), parts)
    assert (real < 0).all() and (made > 0).all()  # descending raises every logit of the one, lowers those of the other
    assert (named[torch.arange(4), labels] < 0).all() and named.sum(1).abs().max() < 1e-6


# Labels do not leak


def trained(labels: torch.Tensor, **options) -> semi_supervised.SemiSupervisedStep:
    """Train with these labels of all pictures, of which only those that were chosen are to be known."""
    digits = data.ImageSet("digits", ((DIGITS + 1) * 127.5).round().byte(), labels, tuple("012"))
    few = digits.subset(CHOSEN)
    batches = data.Batches(few.signed(), 4, labels=few.labels)
    step = make_step(batches, augment=gan_tricks.translation(2, generator=rng(3)), **options)
    fit(step, data.Batches(digits.signed(), 6), steps=8, state=step.state, show=False)
    return step


@pytest.mark.parametrize("matching", [True, False])
def test_permuting_the_labels_of_the_unlabelled_pictures_changes_no_bit(matching):
    others = torch.ones(len(LABELS), dtype=torch.bool)
    others[CHOSEN] = False
    told = LABELS.clone()
    told[others] = LABELS[others][torch.randperm(int(others.sum()), generator=rng(4))]
    assert not torch.equal(told, LABELS)
    one, other = (weights_of(trained(labels, matching=matching)) for labels in (LABELS, told))
    assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))
    known = LABELS.clone()
    known[CHOSEN] = (LABELS[CHOSEN] + 1) % 3
    assert not all(torch.equal(a, b) for a, b in zip(one, weights_of(trained(known, matching=matching)), strict=True))


def test_an_unlabelled_batch_with_labels_is_refused():
    step = make_step()
    with pytest.raises(ValueError, match="make their Batches without labels"):
        step(next(data.Batches(DIGITS, 6, labels=LABELS)))
    assert step.labelled.position == 0  # before anything was drawn


# The few labels


def test_as_many_of_each_class_are_chosen_and_others_by_another_seed():
    labels = torch.tensor([0] * 9 + [1] * 5 + [2] * 3)
    chosen = few_labels(labels, 3, classes=3, generator=rng())
    assert labels[chosen].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2] and len(chosen.unique()) == 9
    assert not torch.equal(chosen, few_labels(labels, 3, classes=3, generator=rng(1)))


TOO_FEW = [(4, 3, "smallest has 3"), (0, 3, "cannot label 0"), (1, 4, "smallest has 0"), (1, 2, "labels must lie")]


@pytest.mark.parametrize(("each", "classes", "message"), TOO_FEW)
def test_too_few_of_a_class_are_refused(each, classes, message):
    labels = torch.tensor([0] * 9 + [1] * 5 + [2] * 3)
    with pytest.raises(ValueError, match=message):
        few_labels(labels, each, classes=classes)


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        (data.Batches(DIGITS, 4), ValueError, "3 classes: labels"),
        (data.Batches(DIGITS[:2], 2, labels=LABELS[:2]), ValueError, "3 classes need a labelled picture each"),
        (data.Batches(DIGITS, 4, labels=LABELS + 1), ValueError, "labels must lie in"),
        (data.Batches(DIGITS + 1, 4, labels=LABELS), ImageError, r"\[-1, 1\]"),
    ],
)
def test_labelled_pictures_that_will_not_do(batches, error, message):
    with pytest.raises(error, match=message):
        make_step(batches)


# The step


@pytest.mark.parametrize("matching", [True, False])
def test_one_step_is_adam_on_both_losses(matching):
    """Against the same written out; new fakes for G's half, and D's weights are those after its own."""
    step = make_step(matching=matching)
    step.discriminator.noise.deviation = 0.0
    for layer in step.discriminator.body:
        if isinstance(layer, torch.nn.Dropout2d):
            layer.p = 0.0
    g, d = copy.deepcopy(step.generator), copy.deepcopy(step.discriminator)
    optimizer_g, optimizer_d = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d))
    found, unlabelled = step(DIGITS[:6]), DIGITS[:6]
    x, labels = next(labelled())
    noise = rng(1)
    fake = g(torch.randn(6, 8, generator=noise)).detach()
    loss_d = semi_supervised_loss(d(x), labels, d(unlabelled), d(fake))
    loss_d.backward()
    optimizer_d.step()
    fake = g(torch.randn(6, 8, generator=noise))
    if matching:
        loss_g = (d.features(unlabelled).mean(0).detach() - d.features(fake).mean(0)).square().sum()
    else:
        z = d(fake).exp().sum(1)
        loss_g = -(z / (z + 1)).log().mean()
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    assert_close(found["D"], loss_d.detach())
    assert_close(found["G"], loss_g.detach())
    for mine, wanted in ((step.generator, g), (step.discriminator, d)):
        for a, b in zip(mine.parameters(), wanted.parameters(), strict=True):
            assert_close(a, b)


def test_the_first_unlabelled_batch_is_looked_at():
    with pytest.raises(ImageError, match=r"\[-1, 1\]"):
        make_step()(DIGITS[:6] + 1)


def test_augmentation_is_of_real_pictures_and_the_same_for_both_networks():
    step, seen = make_step(augment=lambda x: torch.full_like(x, 0.25)), []
    step.discriminator.noise.register_forward_pre_hook(lambda _, given: seen.append(bool((given[0] == 0.25).all())))
    step(DIGITS[:6])
    assert seen == [True, True, False, True, False]  # labelled, unlabelled, fake; in G's half unlabelled, fake


def test_a_killed_training_goes_on_bit_for_bit(tmp_path):
    def run(*parts: int, save_to=None) -> semi_supervised.SemiSupervisedStep:
        for steps in parts:
            step = make_step()
            step.averages = Average(step.generator, 0.9), Average(step.discriminator, 0.9)
            fit(step, data.Batches(DIGITS, 6), steps=steps, state=step.state, save_to=save_to, show=False)
        return step

    whole, resumed = run(6), run(3, 6, save_to=tmp_path / "run.pt")
    assert all(torch.equal(a, b) for a, b in zip(weights_of(whole), weights_of(resumed), strict=True))
    for one, other in zip(whole.averages, resumed.averages, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.module.parameters(), other.module.parameters(), strict=True))


# The networks


def test_noise_and_dropout_are_of_the_training_alone():
    torch.manual_seed(0)
    d = SemiSupervisedDiscriminator(**JUDGE)
    assert not torch.equal(d(DIGITS[:4]), d(DIGITS[:4]))
    d.eval()
    assert torch.equal(d(DIGITS[:4]), d(DIGITS[:4])) and d(DIGITS[:4]).shape == (4, 3)
    assert_close(d.head(d.features(DIGITS[:4])), d(DIGITS[:4]))


def test_an_sgan_classifies_pictures_from_0_to_1_and_draws_them(tmp_path):
    torch.manual_seed(0)
    network = SGAN(generator=MAKER, discriminator=JUDGE).eval()
    unit = (DIGITS[:4] + 1) / 2
    features, class_logits = network(unit)
    assert features.shape == (4, 8) and torch.equal(class_logits, network.discriminator(unit * 2 - 1))
    drawn = semi_supervised.sample_images(network, 3, seeds=[1, 2, 3])
    assert torch.equal(drawn, gan.sample_images(network.generator, 3, seeds=[1, 2, 3]))
    with pytest.raises(ValueError, match="no classes"):
        semi_supervised.sample_images(network, 3, labels=torch.zeros(3).long())
    record = {"arguments": network.arguments, "data": "none", "steps": 0, "minutes": 0, "device": "cpu", "scores": {}}
    path = weights.save(tmp_path / "sgan.safetensors", network, record)
    again = weights.read(path, SGAN)
    assert_close(again.eval()(unit)[1], class_logits, atol=1e-2, rtol=1e-2)  # kept in half precision
