"""Where the label enters D, AC-GAN's losses and step, and what is measured of a conditional generator."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from gencourse import Average, data, fit
from gencourse.expect import ImageError
from gencourse.methods import conditional_gan, gan
from gencourse.metrics import Features, frechet_distance, intra_class
from gencourse.networks.conditional import AuxiliaryDiscriminator, ConcatDiscriminator, join_labels
from gencourse.networks.dcgan import Discriminator, Generator


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


X, LABELS = torch.rand(6, 1, 28, 28, generator=rng()) * 2 - 1, torch.tensor([0, 1, 2, 0, 1, 2])


def make_step(**options) -> conditional_gan.AuxiliaryStep:
    torch.manual_seed(0)
    g, d = Generator(latent=8, width=4, classes=3), AuxiliaryDiscriminator(width=4, classes=3)
    optimizers = tuple(torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d))
    return conditional_gan.AuxiliaryStep(g, d, optimizers, **options)


def test_projection_is_what_dcgan_s_discriminator_adds():
    torch.manual_seed(0)
    d = Discriminator(width=4, classes=3).eval()
    features = d.features(X).flatten(1)
    found = conditional_gan.projection_logit(features, LABELS, d.embedding.weight, d.head.weight.flatten())
    assert_close(found + d.head.bias, d(X, LABELS))


def test_projection_by_hand_with_labels_that_differ_from_the_predicted_class():
    features, v, w = torch.tensor([[1.0, 2.0], [3.0, -1.0]]), torch.tensor([[5.0, 5.0], [0.0, 1.0]]), torch.ones(2)
    found = conditional_gan.projection_logit(features, torch.tensor([1, 0]), v, w)
    assert found.tolist() == [2 + 3, 10 + 2]


def test_the_planes_of_the_label_are_joined_to_the_picture():
    joined = join_labels(X, LABELS, 3)
    assert joined.shape == (6, 4, 28, 28) and torch.equal(joined[:, :1], X)
    assert torch.equal(joined[:, 1:].mean((2, 3)), F.one_hot(LABELS, 3).float())  # 1 everywhere in its plane


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_concatenation_judges_picture_and_label_together(spectral_norm):
    torch.manual_seed(0)
    d = ConcatDiscriminator(width=4, classes=3, spectral_norm=spectral_norm).eval()
    one, other = d(X, LABELS), d(X, (LABELS + 1) % 3)
    assert one.shape == (6,) and (one - other).abs().min() > 0
    assert_close(one, d.judge(join_labels(X, LABELS, 3)))


def test_gan_step_trains_concatenation_as_it_does_projection():
    torch.manual_seed(0)
    nets = Generator(latent=8, width=4, classes=3), ConcatDiscriminator(width=4, classes=3)
    before = [copy.deepcopy(net.state_dict()) for net in nets]
    optimizers = tuple(torch.optim.Adam(net.parameters(), 1e-3) for net in nets)
    losses = gan.GANStep(*nets, optimizers, losses=gan.bce())((X, LABELS))
    assert set(losses) == {"D", "G"}
    for net, old in zip(nets, before, strict=True):
        assert all(not torch.equal(old[name], p) for name, p in net.named_parameters() if p.grad.abs().max() > 0)


def test_the_auxiliary_classifier_reads_the_features_of_the_one_pass():
    torch.manual_seed(0)
    d = AuxiliaryDiscriminator(width=4, classes=3, depth=3).eval()
    logits, classes = d(X)
    features = d.judge.features(X)
    assert logits.shape == (6,) and classes.shape == (6, 3)
    assert_close(logits, d.judge(X))
    assert_close(classes, torch.einsum("bchw,kchw->bk", features, d.class_head.weight))


def logits_of_all() -> list[torch.Tensor]:
    return [torch.randn(*shape, generator=rng(i)) for i, shape in enumerate([(6,), (6,), (6, 3), (6, 3)])]


@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_auxiliary_losses_by_their_formulas(weight):
    real, fake, real_classes, fake_classes = logits_of_all()
    found = conditional_gan.auxiliary_classifier_losses(real, fake, real_classes, fake_classes, LABELS, weight=weight)
    rows = torch.arange(6)
    named = [-classes.softmax(1)[rows, LABELS].log().mean() for classes in (real_classes, fake_classes)]
    d = -real.sigmoid().log().mean() - (1 - fake.sigmoid()).log().mean() + weight * (named[0] + named[1])
    assert_close(found["D"], d)
    assert_close(found["G"], -fake.sigmoid().log().mean() + weight * named[1])


def test_g_gets_the_gradient_of_the_class_and_d_both():
    real, fake, real_classes, fake_classes = (x.requires_grad_() for x in logits_of_all())
    losses = conditional_gan.auxiliary_classifier_losses(real, fake, real_classes, fake_classes, LABELS)
    by_g = torch.autograd.grad(losses["G"], [real, fake, real_classes, fake_classes], allow_unused=True)
    assert [found is not None for found in by_g] == [False, True, False, True]
    down = by_g[3][torch.arange(6), LABELS]
    assert (down < 0).all()  # descending raises the logit of the class that was asked for


def test_a_step_of_ac_gan_is_adam_on_both_losses():
    """Against the same with torch's own optimisers; new fakes for G's half, and D's weights are those after its own."""
    step = make_step(noise=rng(1))
    g, d = copy.deepcopy(step.generator), copy.deepcopy(step.discriminator)
    optimizer_g, optimizer_d = (torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999)) for net in (g, d))
    found = step((X, LABELS))
    noise = rng(1)
    fake = g(torch.randn(6, 8, generator=noise), LABELS).detach()
    judged = [*zip(d(X), d(fake), strict=True)]
    loss_d = conditional_gan.auxiliary_classifier_losses(*judged[0], *judged[1], LABELS)["D"]
    loss_d.backward()
    optimizer_d.step()
    logits, classes = d(g(torch.randn(6, 8, generator=noise), LABELS))
    loss_g = F.softplus(-logits).mean() + F.cross_entropy(classes, LABELS)
    optimizer_g.zero_grad()
    loss_g.backward()
    optimizer_g.step()
    assert_close(found["D"], loss_d.detach())
    assert_close(found["G"], loss_g.detach())
    for mine, wanted in ((step.generator, g), (step.discriminator, d)):
        for x, y in zip(mine.parameters(), wanted.parameters(), strict=True):
            assert_close(x, y)


def test_each_half_of_the_step_leaves_the_other_network_alone():
    step = make_step()
    before = copy.deepcopy(step.generator.state_dict())
    step.update_discriminator(X, LABELS)
    assert all(p.grad is None for p in step.generator.parameters())
    assert all(torch.equal(before[name], p) for name, p in step.generator.named_parameters())
    before = copy.deepcopy(step.discriminator.state_dict())
    step.update_generator(LABELS)
    assert all(torch.equal(before[name], p) for name, p in step.discriminator.named_parameters())
    assert all(p.requires_grad for p in step.discriminator.parameters())


def test_ac_gan_refuses_pictures_without_labels_and_bytes():
    with pytest.raises(ValueError, match="give Batches the labels"):
        make_step()(X)
    with pytest.raises(ImageError, match=r"\[-1, 1\]"):
        make_step()((X + 2, LABELS))
    with pytest.raises(ValueError, match=r"labels must lie in \[0, 3\), got 1 to 3"):
        make_step()((X, LABELS + 1))


def test_a_killed_training_of_ac_gan_goes_on_bit_for_bit(tmp_path):
    def trained(*parts: int, save_to=None) -> dict:
        for steps in parts:
            step = make_step(noise=rng(1))
            step.average = Average(step.generator, 0.9)
            step.schedules = (torch.optim.lr_scheduler.StepLR(step.optimizer_g, 2, 0.5),)
            batches = data.Batches(X, 2, labels=LABELS)
            fit(step, batches, steps=steps, state=step.state, save_to=save_to, show=False)
        return step.state

    whole, resumed = trained(6), trained(3, 6, save_to=tmp_path / "run.pt")
    for name in ("generator", "discriminator"):
        for x, y in zip(whole[name].state_dict().values(), resumed[name].state_dict().values(), strict=True):
            assert torch.equal(x, y)
    for x, y in zip(whole["average"].module.parameters(), resumed["average"].module.parameters(), strict=True):
        assert torch.equal(x, y)


# Measures

REAL, REAL_LABELS = torch.randn(90, 5, generator=rng(3)), torch.arange(90) % 3
FAKE, FAKE_LABELS = torch.randn(60, 5, generator=rng(4)), torch.arange(60) // 20


def test_distances_inside_classes_are_those_of_their_parts():
    found = intra_class.intra_class_frechet(REAL, REAL_LABELS, FAKE, FAKE_LABELS)
    expected = [frechet_distance(REAL[c == REAL_LABELS], FAKE[c == FAKE_LABELS]) for c in range(3)]
    assert found.tolist() == pytest.approx(expected)


def test_one_picture_a_class_deceives_nobody_inside_the_classes():
    """As a whole the set has every class; inside, each has a single point, and recall says so."""
    centres = torch.tensor([[0.0] * 5, [20.0] * 5, [40.0] * 5])
    real = REAL + centres[REAL_LABELS]
    copied, varied = centres[FAKE_LABELS] + 1e-3 * FAKE, centres[FAKE_LABELS] + FAKE
    recall = [intra_class.intra_class_recall(real, REAL_LABELS, x, FAKE_LABELS) for x in (copied, varied)]
    assert recall[0].max() < 0.1 and recall[1].min() > 0.5
    frechet = [intra_class.intra_class_frechet(real, REAL_LABELS, x, FAKE_LABELS) for x in (copied, varied)]
    assert (frechet[0] > 2 * frechet[1]).all()
    swapped = intra_class.intra_class_frechet(real, REAL_LABELS, varied, (FAKE_LABELS + 1) % 3)
    assert swapped.min() > 100  # varied, but of another class than was asked for


def test_label_accuracy_is_against_what_was_asked_for():
    p = torch.eye(4)[[0, 1, 1, 3]]
    assert intra_class.label_accuracy(p, torch.tensor([0, 1, 2, 3])) == 0.75
    with pytest.raises(ValueError, match="labels must lie in"):
        intra_class.label_accuracy(p, torch.tensor([0, 1, 2, 4]))


def test_scores_of_classes_are_means_over_them():
    chances = torch.eye(3)[(FAKE_LABELS + (torch.arange(60) % 4 == 0)) % 3]  # every fourth is read as the next class
    real, fake = Features(REAL, torch.eye(3)[REAL_LABELS]), Features(FAKE, chances)
    found = intra_class.class_scores(real, REAL_LABELS, fake, FAKE_LABELS)
    both = REAL, REAL_LABELS, FAKE, FAKE_LABELS
    means = [f(*both).mean().item() for f in (intra_class.intra_class_frechet, intra_class.intra_class_recall)]
    assert list(found) == ["label accuracy", "intra-class FID", "intra-class recall"]
    assert list(found.values()) == pytest.approx([0.75, *means])


def test_the_floor_is_drawn_as_the_samples_are_and_from_the_rest():
    wanted = torch.tensor([0] * 5 + [1] * 9 + [2] * 5)
    found = intra_class.intra_class_floor(REAL, REAL_LABELS, wanted, draws=4, generator=rng())
    assert found.shape == (4,) and found.std() > 0
    fewer = intra_class.intra_class_floor(REAL, REAL_LABELS, wanted.repeat_interleave(2), draws=4, generator=rng())
    assert fewer.mean() < found.mean()  # fewer pictures give a larger distance
    doubled = torch.cat([REAL, REAL])  # each picture has a twin, which is no reason to find a distance of zero
    assert intra_class.intra_class_floor(doubled, REAL_LABELS.repeat(2), wanted, draws=2, generator=rng()).min() > 0


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (FAKE_LABELS[:-1], "labels must be"),
        (FAKE_LABELS - 1, "labels must lie"),
        (FAKE_LABELS.float(), "labels must be"),
        (FAKE_LABELS * 2, "at least 2 pictures"),
    ],
)
def test_labels_that_do_not_fit_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        intra_class.intra_class_frechet(REAL, REAL_LABELS, FAKE, labels)
