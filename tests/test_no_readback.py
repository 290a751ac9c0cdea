"""No training step and no sampler reads a value back from the device in its loop: an accelerator would wait for it.

The meta device stands for the accelerator: its tensors have shapes but no values, so that `.item()`, `.cpu()`,
`bool(tensor)` and whatever else needs a value raise. Doors, which look at values once, are passed beforehand.
"""

from functools import partial

import pytest
import torch
from torch import Tensor, nn

from gencourse import Average, data, descend
from gencourse.methods import (
    conditional_gan,
    cyclegan,
    denoising,
    diffusion,
    editing,
    fast_style,
    gan,
    gan_tricks,
    improved_gan,
    pix2pix,
    pixelcnn,
    samplers,
    semi_supervised,
    style,
    super_resolution,
)
from gencourse.methods.data_consistency import project, project_to_range
from gencourse.methods.enlarging import draw_noise
from gencourse.networks.conditional import AuxiliaryDiscriminator, ConcatDiscriminator
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.networks.dropout import dropout_from
from gencourse.networks.features import extractor
from gencourse.networks.minibatch import MinibatchDiscriminator
from gencourse.networks.patchgan import patch_discriminator
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.networks.pixelcnn import GatedPixelCNN, PixelCNN
from gencourse.networks.pixelrnn import PixelRNN
from gencourse.networks.sgan import SemiSupervisedDiscriminator
from gencourse.networks.srgan import PatchCritic, SRGenerator
from gencourse.networks.stylenet import TransformerNet
from gencourse.networks.translation import PatchDiscriminator, ResnetGenerator
from gencourse.networks.virtual_batch_norm import VirtualBatchGenerator

SHAPE = (2, 1, 8, 8)


def far(*shape: int, **options) -> Tensor:
    return torch.zeros(*shape, device="meta", **options)


def labels() -> Tensor:
    return far(2, dtype=torch.long)


def diffusing() -> denoising.Diffusion:
    return denoising.Diffusion(network={"widths": (8, 8), "heads": 1, "classes": 3}, shape=SHAPE[1:]).to("meta")


def adam(*networks: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam([weight for network in networks for weight in network.parameters()])


def test_the_meta_device_refuses_what_makes_an_accelerator_wait():
    """Else the tests below would say nothing."""
    x = far(3)
    for read in (x.sum().item, x.cpu, lambda: bool(x.any()), x.nonzero, lambda: x[x > 0], x.tolist):
        with pytest.raises((RuntimeError, NotImplementedError)):
            read()


@pytest.mark.parametrize("target", diffusion.TARGETS.values(), ids=lambda target: target.name)
@pytest.mark.parametrize("weight", [diffusion.uniform_weight, diffusion.min_snr])
def test_a_step_of_diffusion(target, weight):
    model = diffusing()
    optimizer, average, network = adam(model), Average(model), model.network
    diffusion._SEEN.add(network)  # its first batch is looked at
    for _ in range(2):
        asked = diffusion.drop_labels(labels(), model.null)
        loss = diffusion.diffusion_loss(network, far(*SHAPE), model.schedule, target, labels=asked, weight=weight)
        descend(optimizer, loss, clip=1.0)
        average.update(model)


SAMPLERS = [
    samplers.ddpm,
    partial(samplers.ddpm, variance="posterior"),
    samplers.ddim,
    partial(samplers.ddim, eta=0.5),
    samplers.dpm_solver_pp_2m,
]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("weight", [None, 0, 1, 2.5])
def test_samplers(sampler, weight):
    model = diffusing()
    guided = model if weight is None else denoising.guided(model, labels(), weight)
    own = [torch.Generator() for _ in range(2)]
    x = sampler(denoising.clipped(guided), far(*SHAPE), model.schedule, steps=4, generator=own)
    assert x.shape == SHAPE and x.is_meta


@pytest.mark.parametrize("target", diffusion.TARGETS.values(), ids=lambda target: target.name)
def test_a_network_made_a_model(target):
    model = diffusing()
    made = denoising.denoiser(model.network, model.schedule, target)
    assert samplers.ddim(made, far(*SHAPE), model.schedule, steps=3).is_meta
    t = far(2, dtype=torch.long)
    for formula in (diffusion.q_sample, lambda x0, t, noise, a: diffusion.posterior(x0, noise, t, a)[0]):
        assert formula(far(*SHAPE), t, far(*SHAPE), model.schedule.alphas_cumprod).shape == SHAPE


@pytest.mark.parametrize("resample", [1, 2])
def test_inpainting(monkeypatch, resample):
    monkeypatch.setattr(editing, "check_range", lambda x, *_: x)  # doors may read
    monkeypatch.setattr(editing, "check_mask", lambda _: None)
    model = diffusing()
    x = editing.inpaint(model, far(*SHAPE), model.schedule, far(*SHAPE), far(1, 1, 8, 8), steps=4, resample=resample)
    assert x.shape == SHAPE


def test_inversion(monkeypatch):
    monkeypatch.setattr(editing, "check_range", lambda *_: None)
    model = diffusing()
    x = editing.ddim_invert(model, far(*SHAPE), model.schedule, steps=4)
    assert editing.slerp(x, x, 0.3).shape == SHAPE


PIXEL_NETWORKS = [PixelCNN, GatedPixelCNN, PixelRNN]


def of_pixels(kind: type[nn.Module], **arguments) -> nn.Module:
    network = kind(levels=3, width=4, layers=3, first_kernel=3, side=6, classes=3, **arguments).to("meta")
    network.checked = True  # its first batch is looked at
    return network


@pytest.mark.parametrize("kind", PIXEL_NETWORKS)
def test_a_step_of_a_pixelcnn(kind):
    network = of_pixels(kind)
    optimizer, average = adam(network), Average(network)
    for _ in range(2):
        x = far(2, 1, 6, 6, dtype=torch.long)
        descend(optimizer, pixelcnn.nll(network(x, labels()), x).mean())
        average.update(network)


@pytest.mark.parametrize(
    "kind, sampler",
    [*((kind, pixelcnn.sample_naive) for kind in PIXEL_NETWORKS)]
    + [*((kind, pixelcnn.sample_cached) for kind in (PixelCNN, GatedPixelCNN))],
)
def test_pixels_are_drawn_on_the_device(kind, sampler):
    """After the last pixel the device is asked, once a batch, whether rounding could have decided anywhere."""
    done, asked = [], torch.zeros(2, dtype=torch.long)
    with pytest.raises((RuntimeError, NotImplementedError), match="meta"):
        sampler(of_pixels(kind), (2, 1, 5, 5), labels=asked, callback=lambda i, x: done.append(i))
    assert done == list(range(1, 26))


def gan_step(**options):
    pair = Generator(latent=8, width=2, classes=3).to("meta"), Discriminator(width=2, classes=3).to("meta")
    step = gan.GANStep(*pair, (adam(pair[0]), adam(pair[1])), average=Average(pair[0]), **options)
    step.checked = True  # its first batch is looked at
    return lambda: step((far(2, 1, 28, 28), labels()))


LOSSES = {
    "bce": lambda: gan.bce(smooth=0.1, flip=0.1),
    "minimax": gan.minimax,
    "lsgan": gan.lsgan,
    "hinge": gan.hinge,
    "wasserstein": gan.wasserstein,
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_of_a_gan(name):
    step = gan_step(losses=LOSSES[name]())
    assert [set(step()) for _ in range(2)] == [{"D", "G"}] * 2


@pytest.mark.parametrize("penalty", [gan_tricks.gradient_penalty, gan_tricks.r1_penalty])
def test_penalties_and_augmentation(penalty):
    gan_step(losses=gan.bce(), penalty=penalty(), augment=gan_tricks.translation(2))()


def test_a_buffer_of_past_fakes():
    past = gan_tricks.ImagePool(3)
    for _ in range(4):
        assert past(far(2, 1, 8, 8)).shape == (2, 1, 8, 8)


def conditional_pair(discriminator: nn.Module) -> tuple[nn.Module, nn.Module]:
    return Generator(latent=8, width=2, classes=3).to("meta"), discriminator.to("meta")


def test_a_step_with_the_label_beside_the_picture():
    pair = conditional_pair(ConcatDiscriminator(width=2, classes=3))
    step = gan.GANStep(*pair, (adam(pair[0]), adam(pair[1])), losses=gan.bce())
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        step((far(2, 1, 28, 28), labels()))


def test_a_step_of_ac_gan():
    pair = conditional_pair(AuxiliaryDiscriminator(width=2, classes=3))
    step = conditional_gan.AuxiliaryStep(*pair, (adam(pair[0]), adam(pair[1])), average=Average(pair[0]))
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        assert set(step((far(2, 1, 28, 28), labels()))) == {"D", "G"}


@pytest.mark.parametrize("matching", [True, False])
def test_a_step_with_all_parts_of_improved_gan(matching):
    generator = VirtualBatchGenerator(Generator(latent=8, width=2), torch.zeros(3, 8)).to("meta")
    discriminator = MinibatchDiscriminator(width=2, kernels=3, dims=2).to("meta")
    histories = improved_gan.HistoricalAverage(generator), improved_gan.HistoricalAverage(discriminator)
    step = improved_gan.ImprovedGANStep(
        generator,
        discriminator,
        (adam(generator), adam(discriminator)),
        losses=gan.bce(smooth=0.1),
        matching=matching,
        histories=histories,
        moves=2,
        average=Average(generator),
    )
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        assert set(step(far(2, 1, 28, 28))) == {"D", "G"}


@pytest.mark.parametrize("matching", [True, False])
def test_a_step_of_sgan(matching):
    generator = Generator(latent=8, width=2).to("meta")
    discriminator = SemiSupervisedDiscriminator(width=2, hidden=4, classes=3).to("meta")
    few = data.Batches(torch.zeros(6, 1, 28, 28), 3, labels=torch.arange(6) % 3)
    step = semi_supervised.SemiSupervisedStep(
        generator,
        discriminator,
        (adam(generator), adam(discriminator)),
        few,
        matching=matching,
        augment=gan_tricks.translation(2),
        averages=(Average(generator), Average(discriminator)),
    )
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        assert set(step(far(2, 1, 28, 28))) == {"D", "G"}


def test_a_step_of_cyclegan():
    nets = [ResnetGenerator(width=4, blocks=1) for _ in range(2)] + [PatchDiscriminator(width=4, layers=1)] * 2
    nets = cyclegan.Translators(*(net.to("meta") for net in nets))
    optimizers = adam(nets.G, nets.F), adam(nets.D_A)
    pools, averages = (gan_tricks.ImagePool(1), gan_tricks.ImagePool(1)), (Average(nets.G), Average(nets.F))
    schedules = (cyclegan.constant_then_linear(optimizers[0], 10),)
    step = cyclegan.CycleGANStep(nets, optimizers, pools=pools, averages=averages, schedules=schedules)
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        step((far(2, 3, 12, 12), far(2, 3, 12, 12)))


def test_a_step_of_pix2pix():
    generator = ResnetGenerator(width=4, blocks=1).to("meta")
    discriminator = PatchDiscriminator(inputs=6, width=4, layers=1).to("meta")
    step = pix2pix.Pix2PixStep(generator, discriminator, (adam(generator), adam(discriminator)))
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        step((far(2, 3, 12, 12), far(2, 3, 12, 12)))


PAIR_STEPS = {
    "conditional": {},
    "unconditional": {"conditional": False},
    "cross-entropy": {"losses": pix2pix.cross_entropy()},
    "squared error": {"distance": nn.functional.mse_loss},
    "without D": {"adversarial": 0.0},
}


@pytest.mark.parametrize("name", PAIR_STEPS)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_a_step_of_pix2pix_s_own_networks(name, batch_norm):
    generator = UNetGenerator(inputs=1, width=4, levels=3, max_width=4, noise=1, batch_norm=batch_norm).to("meta")
    discriminator = patch_discriminator(1, inputs=3 if name == "unconditional" else 4, width=4).to("meta")
    optimizers, average = (adam(generator), adam(discriminator)), Average(generator)
    schedules = (cyclegan.constant_then_linear(optimizers[0], 10),)
    options = {"average": average, "schedules": schedules, "noise": torch.Generator()} | PAIR_STEPS[name]
    step = pix2pix.Pix2PixStep(generator, discriminator, optimizers, **options)
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        assert set(step((far(2, 1, 8, 8), far(2, 3, 8, 8)))) <= {"G", "L1", "L2", "D"}
    with dropout_from(generator, torch.Generator()):
        assert pix2pix.generate(generator, far(2, 1, 8, 8), torch.Generator()).is_meta


def test_the_objective_of_style_transfer():
    network = extractor("embedded").to("meta")
    targets = style.find_targets(network, far(1, 3, 32, 32), [(far(1, 3, 32, 32), 1.0)])
    x = far(1, 3, 32, 32).requires_grad_()
    optimizer = torch.optim.Adam([x])
    for _ in range(2):
        losses = style.losses(network, x, targets)
        descend(optimizer, sum(losses.values()) + style.total_variation(x))


def test_a_step_of_fast_style_transfer():
    look, network = extractor("embedded").to("meta"), TransformerNet(width=4, blocks=1, styles=3).to("meta")
    grams = fast_style.style_grams(look, [far(1, 3, 32, 32)] * 3)
    optimizer, average = adam(network), Average(network)
    schedules = (torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),)
    step = fast_style.FastStyleStep(
        network, look, grams, optimizer, smoothness=1.0, schedules=schedules, average=average
    )
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        assert set(step(far(2, 3, 32, 32))) == {"total", "content", "style"}


def small_generator() -> SRGenerator:
    return SRGenerator(width=4, blocks=1, late=2).to("meta")


def test_a_step_of_super_resolution_by_pixels():
    network = small_generator()
    optimizer = adam(network)
    schedules = (torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 10),)
    step = super_resolution.PixelStep(network, optimizer, schedules=schedules, average=Average(network))
    step.checked = True  # its first batch is looked at
    for batch in (far(2, 3, 32, 32), (far(2, 3, 8, 8), far(2, 3, 32, 32))):
        assert set(step(batch)) == {"pixels"}


@pytest.mark.parametrize("with_critic", [True, False])
def test_a_step_of_srgan(with_critic):
    network, critic = small_generator(), PatchCritic(width=4, layers=2).to("meta") if with_critic else None
    optimizers = adam(network), None if critic is None else adam(critic)
    look = extractor("embedded").to("meta")
    step = super_resolution.SRGANStep(network, critic, look, optimizers, average=Average(network))
    step.checked = True  # its first batch is looked at
    for _ in range(2):
        assert len(step(far(2, 3, 32, 32))) == (5 if with_critic else 3)


def test_an_enlarged_picture_and_the_nearest_that_agrees():
    network, x = small_generator(), far(1, 3, 8, 8)
    y = network(x, draw_noise(network, x))
    assert y.is_meta and project(y, x).shape == project_to_range(y, x).shape == (1, 3, 32, 32)
