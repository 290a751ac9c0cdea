"""Who takes a tensor, a picture or a number, for test_malformed.py: a right one, and the ways it is spoiled in."""

from functools import cache
from typing import Any

import torch
from hypothesis import strategies as st
from malformed_inputs import Row, few, row
from torch import Tensor, nn

from gencourse import batches, checkpoints, expect, images, metrics
from gencourse import show as showing
from gencourse.commands import score as scoring
from gencourse.data import archive, drawings, imageset, pairs
from gencourse.methods import (
    balancing,
    conditional_gan,
    cyclegan,
    denoising,
    diffusion,
    editing,
    gan,
    gan_tricks,
    improved_gan,
    pix2pix,
    pix2pix_noise,
    pixelcnn,
    probe,
    samplers,
    semi_supervised,
    style,
    super_resolution,
    upsampling,
)
from gencourse.methods.data_consistency import project, project_to_range
from gencourse.methods.degradations import degrade, jpeg, modcrop
from gencourse.methods.enlarging import enlarge, enlarge_often, spread
from gencourse.metrics import distances, harness, intra_class, translations
from gencourse.metrics import super_resolution as enlarged
from gencourse.metrics.patches import feature_distance
from gencourse.networks import (
    classifier,
    conditional,
    dcgan,
    features,
    minibatch,
    sgan,
    srgan,
    superres,
    translation,
    unet,
    virtual_batch_norm,
)
from gencourse.networks.patchgan import patch_discriminator
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.networks.pixelcnn import GatedPixelCNN, PixelCNN
from gencourse.networks.pixelrnn import PixelRNN
from gencourse.show import play
from gencourse.training.helpers import descend
from gencourse.training.paired import PairedBatches

PICTURE = "rank empty dtype list nan unit"  # what is no batch of pictures (B, C, H, W) in [0, 1]
SIGNED = "rank empty dtype list nan signed"
SHAPE = "rank empty dtype list"
LABELS = "rank float bool list levels"
CLASSES = "rank float bool list"  # what can be told without looking at values


def ramp(*shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return torch.linspace(low, high, torch.Size(shape).numel()).reshape(shape)


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


class Named(nn.Module):
    """The least that the harness takes for a classifier."""

    name = "least"

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x.flatten(1), x.flatten(1)[:, :4]


NETWORKS = {
    "unet": lambda: unet.UNet(widths=(8, 8), heads=1, classes=3),
    "diffusion": lambda: denoising.Diffusion(network={"widths": (8, 8), "heads": 1, "classes": 3}, shape=(1, 8, 8)),
    "pixels": lambda: PixelCNN(levels=2, width=4, layers=2, side=4, classes=3),
    "gated": lambda: GatedPixelCNN(levels=2, width=4, layers=2, side=4, classes=3),
    "rnn": lambda: PixelRNN(levels=2, width=4, layers=2, side=4, classes=3),
    "maker": lambda: dcgan.Generator(latent=8, width=2, classes=3),
    "critic": lambda: dcgan.Discriminator(width=2, classes=3),
    "plain maker": lambda: dcgan.Generator(latent=8, width=2),
    "plain critic": lambda: dcgan.Discriminator(width=2),
    "beside": lambda: conditional.ConcatDiscriminator(width=2, classes=3),
    "naming": lambda: conditional.AuxiliaryDiscriminator(width=2, classes=3),
    "batch critic": lambda: minibatch.MinibatchDiscriminator(width=2, kernels=3, dims=2),
    "virtual": lambda: virtual_batch_norm.VirtualBatchGenerator(dcgan.Generator(latent=8, width=2), noise(3, 8)),
    "few": lambda: sgan.SemiSupervisedDiscriminator(width=2, hidden=4, classes=3),
    "sgan": lambda: sgan.SGAN(generator={"latent": 8, "width": 2}, discriminator={"width": 2, "hidden": 4}),
    "translator": lambda: translation.ResnetGenerator(width=4, blocks=1),
    "patches": lambda: translation.PatchDiscriminator(width=4, layers=1),
    "pair patches": lambda: translation.PatchDiscriminator(inputs=6, width=4, layers=1),
    "colourer": lambda: UNetGenerator(inputs=1, width=4, levels=2, max_width=4),
    "noisy colourer": lambda: UNetGenerator(inputs=1, width=4, levels=2, max_width=4, noise=1),
    "pixel judge": lambda: patch_discriminator(1, inputs=3, width=4),
    "classifier": lambda: classifier.Classifier(width=2),
    "resolver": lambda: superres.SuperResolver(width=4, blocks=1, scale=2),
    "enlarger": lambda: srgan.SRGenerator(width=4, blocks=1, late=2),
    "patch critic": lambda: srgan.PatchCritic(width=4, layers=2),
    "vgg": lambda: features.VGG(((4,), (4,))),
    "extractor": lambda: features.extractor("embedded"),
}


@cache
def net(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name]().eval()


class Lazy:
    """A network that is made when a row is first used."""

    def __init__(self, name: str):
        self.name = name

    def __call__(self, *inputs: Any, **options: Any) -> Any:
        return net(self.name)(*inputs, **options)


UNIT, BIG, PALE = ramp(2, 3, 8, 8), ramp(2, 3, 16, 16), ramp(2, 3, 8, 8) * 0.5
SIGN, NOISE = UNIT * 2 - 1, noise(2, 3, 8, 8)
EIGHT = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0))
BYTES = (ramp(4, 3, 8, 8) * 255).byte()
SETS, CHANCES = torch.eye(6)[:, :4], torch.eye(6)[:, :4] * 0.8 + 0.05
CHANCES = CHANCES / CHANCES.sum(1, keepdim=True)
SIX = torch.tensor([0, 0, 0, 1, 1, 1])
LOSS, WEIGHT = torch.ones(()), nn.Parameter(torch.ones(()))
MATRIX, PAIR, THREE = torch.eye(3), torch.tensor([0, 2]), torch.tensor([0, 1, 2, 0])
SCHEDULE, TIMES = diffusion.linear_schedule(10), torch.tensor([0, 9])
LEFT = SCHEDULE.alphas_cumprod
MODEL = lambda x, t: x  # noqa: E731
BITS, LEVELS = torch.arange(2 * 16).reshape(2, 1, 4, 4) % 2, torch.arange(2 * 64).reshape(2, 1, 8, 8) % 4
MASK, KEEP = (ramp(2, 1, 8, 8) > 0.5).float(), torch.arange(16).reshape(4, 4) < 6
FEATURES, GRAM = noise(1, 4, 6, 5), noise(1, 4, 4)
PHOTO, DIGITS = ramp(1, 3, 32, 32), ramp(4, 1, 28, 28)
A, B = ramp(2, 3, 12, 12, low=-1), ramp(2, 3, 12, 12, low=-1) * 0.5
LINES, DRAWS = ramp(2, 1, 8, 8), ramp(3, 2, 1, 4, 4)
LOGITS = noise(2, 5)
SIGNED_PHOTO, SMALL, TWICE = PHOTO * 2 - 1, ramp(1, 3, 8, 8, low=-1), ramp(2, 3, 16, 16)
SWITCHES = torch.tensor([[[[0, 2], [9, 15]]]])


def a_set(x: Any) -> imageset.ImageSet:
    return imageset.ImageSet("a set", x, None, ())


def scaled(x: Any) -> Any:
    """A loss that depends on a weight, of x's shape."""
    return x * WEIGHT if isinstance(x, Tensor) else x


def four() -> cyclegan.Translators:
    return cyclegan.Translators(net("translator"), net("translator"), net("patches"), net("patches"))


def no_steps(*_: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD([nn.Parameter(torch.ones(()))], lr=0.0)


def gan_step(batch: Any) -> Any:
    nets = (net("plain maker").train(), net("plain critic").train())
    return gan.GANStep(*nets, (no_steps(), no_steps()), losses=gan.hinge())(batch)


def naming_step(batch: Any) -> Any:
    nets = (net("maker").train(), net("naming").train())
    return conditional_gan.AuxiliaryStep(*nets, (no_steps(), no_steps()))(batch)


def improved_step(batch: Any) -> Any:
    nets = (net("plain maker").train(), net("batch critic").train())
    return improved_gan.ImprovedGANStep(*nets, (no_steps(), no_steps()), losses=gan.hinge())(batch)


def few_step(labels: Any = THREE, unlabelled: Any = DIGITS * 2 - 1) -> Any:
    few = batches.Batches(DIGITS * 2 - 1, 4, labels=labels)
    nets = (net("plain maker").train(), net("few").train())
    return semi_supervised.SemiSupervisedStep(*nets, (no_steps(), no_steps()), few)(unlabelled)


def cycle_step(a: Any, b: Any) -> Any:
    return cyclegan.CycleGANStep(four(), (no_steps(), no_steps()))((a, b))


def pair_step(a: Any, b: Any) -> Any:
    return pix2pix.Pix2PixStep(net("translator"), net("pair patches"), (no_steps(), no_steps()))((a, b))


def pixel_step(batch: Any) -> Any:
    return super_resolution.PixelStep(net("enlarger"), no_steps())(batch)


def srgan_step(batch: Any) -> Any:
    nets = net("enlarger").train(), net("patch critic").train()
    return super_resolution.SRGANStep(*nets, net("extractor"), (no_steps(), no_steps()))(batch)


def judged(x: Tensor) -> Tensor:
    return x.flatten(1).sum(1)


def stylized(content: Any, painting: Any, start: Any = None) -> Any:
    return style.stylize(content, painting, net("extractor"), start=start, steps=1, show=False)


def refined(content: Any, painting: Any) -> Any:
    return style.coarse_to_fine(content, painting, net("extractor"), sizes=[32], steps=[1], show=False)


def layers(x: Tensor) -> dict[str, Tensor]:
    return {"fine": x, "coarse": x.mean((2, 3))}


def completed(x: Any = NOISE, known: Any = SIGN, mask: Any = MASK, resample: int = 1) -> Tensor:
    return editing.inpaint(MODEL, x, SCHEDULE, known, mask, steps=2, resample=resample)


def drawn(sampler, given: Any = None, mask: Any = None, labels: Any = PAIR, shape: Any = (2, 1, 4, 4)) -> Tensor:
    return sampler(net("pixels"), shape, labels=labels, given=given, mask=mask)


def among(*values: Any) -> st.SearchStrategy:
    return st.sampled_from(values)


NO_STYLES = among([], [(PHOTO, 0.0)], [(PHOTO, -1.0)], [(None, 1.0)], [(PHOTO, float("nan"))])
NO_TIMES = among(0, -1, 11, [], [3, 5], [5, 5], [10], [3, -1])
NO_RECORDS = among({}, None, [], "abc", {"steps": 1}, dict.fromkeys(checkpoints.NEEDED) | {"scores": {1j}})
NO_CONTROLS = among("abc", None, 5, (), (1,), (3, 1), (0, 1, 0), (0, 5, 1, 9), [], (float("nan"), 1), ("a", "b"), {})
NO_SHAPES = among((1, 1, 4), (1, 1, 4, 4, 4), (0, 1, 4, 4), (1, 2, 4, 4), (1, 1, 3, 4), ())
NO_PLACES = among((8, 0), (0, 8), (-1, 0), (0, -1), (99, 99), (0,), (0, 0, 0))

PACKAGE: dict[str, Row] = {
    "images.to_uint8": row(images.to_uint8, UNIT, PICTURE),
    "images.resize": row(lambda x: images.resize(x, 4), UNIT, PICTURE),
    "images.grid": row(images.grid, UNIT, PICTURE),
    "images.to_pil": row(images.to_pil, UNIT[:1], "higher empty dtype list nan unit batch channels:2,5,6"),
    "images.save": row(lambda x: images.save(x, "made.png"), UNIT[:1], "higher empty dtype list nan unit batch"),
    "images.to_signed": row(images.to_signed, UNIT, "empty dtype list nan unit"),
    "images.to_unit": row(images.to_unit, SIGN, "empty dtype list nan signed"),
    "expect.check_range": row(lambda x: expect.check_range(x, 0, 1), UNIT, "empty dtype list nan unit"),
    "expect.check_shape": row(lambda x: expect.check_shape(x, "x", "B", 3, "N", "N"), UNIT, f"{SHAPE} square channels"),
    "expect.same_shape": row(lambda x: expect.same_shape(x, UNIT), UNIT, "dtype list other"),
    "data.imageset.ImageSet": row(a_set, BYTES, "rank list float types:int64,bool"),
    "data.imageset.ImageSet, labels": row(
        lambda x: imageset.ImageSet("a set", BYTES, x, ()), THREE, "rank batch float list types:int32,bool"
    ),
    "data.archive.write": row(lambda x: archive.write("made.npz", x), UNIT, PICTURE),
    "data.archive.write, labels": row(lambda x: archive.write("made.npz", UNIT, x), PAIR, "rank batch float bool list"),
    "batches.Batches": row(lambda x: batches.Batches(x, 2), UNIT, "scalar list batch:1"),
    "batches.Batches, labels": row(lambda x: batches.Batches(UNIT, 2, labels=x), PAIR, "scalar batch list"),
    "batches.UnpairedBatches": row(
        lambda x: batches.UnpairedBatches(x, SIGN, 2), SIGN, "rank empty list batch:1 types:int64,bool,complex64"
    ),
    "training.paired.PairedBatches": row(
        lambda x: PairedBatches(x, SIGN, 2), SIGN, "rank empty list batch:1 square types:int64,bool,complex64"
    ),
    "training.paired.PairedBatches, grow": row(
        lambda n: PairedBatches(SIGN, SIGN, 2, grow=n), 2, among(-1, -(2**40), 0.5, "2", None)
    ),
    "data.drawings.drawing": row(lambda x: drawings.drawing(x, 16), PHOTO, f"{PICTURE} batch:2,3 channels:2,4,5"),
    "data.drawings.drawing, size": row(lambda n: drawings.drawing(PHOTO, n), 16, few),
    "weights.save, record": row(
        lambda record: checkpoints.save("made", nn.Linear(2, 2), record), dict.fromkeys(checkpoints.NEEDED), NO_RECORDS
    ),
    "commands.score.check": row(
        lambda x: scoring.check(a_set(x), a_set(BYTES), "all", Named()),
        BYTES,
        "rank float list channels square batch:1,3",
    ),
    "data.pairs.unpaired": row(lambda x: pairs.unpaired(a_set(x), a_set(BYTES)), BYTES, "rank batch float list"),
    "training.helpers.descend": row(lambda x: descend(no_steps(), scaled(x)), LOSS, "wide list"),
    "metrics.distances.frechet_distance": row(
        lambda x: distances.frechet_distance(x, SETS), SETS, "rank nan list channels complex batch:1"
    ),
    "metrics.distances.nearest_neighbour_accuracy": row(
        lambda x: distances.nearest_neighbour_accuracy(SETS, x), SETS, "rank nan list channels complex batch"
    ),
    "metrics.distances.precision_recall": row(
        lambda x: distances.precision_recall(SETS, x), SETS, "rank nan list channels complex batch:1,2,3"
    ),
    "metrics.distances.nearest": row(
        lambda x: distances.nearest(x, SETS), SETS, "rank nan list channels complex empty"
    ),
    "metrics.intra_class.label_accuracy": row(lambda x: intra_class.label_accuracy(CHANCES, x), SIX, f"{LABELS} batch"),
    "metrics.intra_class.intra_class_frechet": row(
        lambda x: intra_class.intra_class_frechet(SETS, SIX, x, SIX), SETS, "rank nan list channels complex batch"
    ),
    "metrics.intra_class.intra_class_frechet, labels": row(
        lambda x: intra_class.intra_class_frechet(SETS, x, SETS, SIX), SIX, f"{CLASSES} batch"
    ),
    "metrics.intra_class.intra_class_recall": row(
        lambda x: intra_class.intra_class_recall(SETS, SIX, SETS, x, 1), SIX, f"{LABELS} batch"
    ),
    "metrics.distances.inception_score": row(distances.inception_score, CHANCES, PICTURE),
    "metrics.distances.class_entropy": row(distances.class_entropy, CHANCES, PICTURE),
    "metrics.harness.features": row(lambda x: harness.features(x, Named()), UNIT, PICTURE),
    "metrics.harness.score": row(
        lambda x: harness.score(x, EIGHT, Named()), EIGHT, f"{PICTURE} channels square batch:1,3"
    ),
    "metrics.harness.score, reference": row(
        lambda x: harness.score(EIGHT, x, Named()), EIGHT, f"{PICTURE} channels square batch:1,3"
    ),
    "metrics.pictures.psnr": row(lambda x: metrics.psnr(x, PALE), UNIT, f"{PICTURE} other"),
    "metrics.pictures.psnr, second": row(lambda x: metrics.psnr(PALE, x), UNIT, f"{PICTURE} other"),
    "metrics.translations.pooled_psnr": row(lambda x: translations.pooled_psnr(x, PALE), UNIT, f"{PICTURE} other"),
    "metrics.translations.pooled_psnr, second": row(
        lambda x: translations.pooled_psnr(PALE, x), UNIT, f"{PICTURE} other"
    ),
    "metrics.translations.hue_histogram": row(translations.hue_histogram, UNIT, f"{PICTURE} channels"),
    "metrics.translations.hue_histogram, bins": row(lambda n: translations.hue_histogram(UNIT, bins=n), 12, few),
    "metrics.translations.saturation": row(translations.saturation, UNIT, f"{PICTURE} channels"),
    "metrics.pictures.ssim": row(lambda x: metrics.ssim(x, BIG), BIG, f"{PICTURE} other"),
    "metrics.pictures.ssim, small": row(lambda x: metrics.ssim(x, x), BIG, "smaller:11"),
    "metrics.super_resolution.luma": row(enlarged.luma, UNIT, f"{SHAPE} channels"),
    "metrics.super_resolution.luma_psnr": row(lambda x: enlarged.luma_psnr(x, PALE), UNIT, f"{PICTURE} channels other"),
    "metrics.super_resolution.luma_psnr, border": row(
        lambda n: enlarged.luma_psnr(UNIT, PALE, n), 2, among(-1, 4, 99, 0.5, "1", None)
    ),
    "metrics.super_resolution.roughness": row(enlarged.roughness, UNIT, f"{SHAPE} thin"),
    "metrics.patches.feature_distance": row(
        lambda x: feature_distance(net("extractor"), x, PHOTO), PHOTO, "rank dtype list other"
    ),
    "show.figures.images": row(showing.images, UNIT, f"{PICTURE} channels:2,5,6"),
    "show.figures.images, captions": row(
        lambda x: showing.images(x, ["a", "b"]), UNIT, f"{PICTURE} channels:2,5 batch"
    ),
    "show.figures.compare": row(
        lambda x: showing.compare({"a": x}), UNIT, "higher empty dtype list nan unit channels:2,5"
    ),
    "show.figures.compare, names": row(
        lambda x: showing.compare(x), {"a": UNIT}, among(None, {}, [], [UNIT], "abc", UNIT)
    ),
    "show.figures.image": row(
        showing.image, UNIT[0], "scalar flat empty list nan unit types:uint8,int64,complex64 batch:2,5,6"
    ),
    "show.figures.matrices": row(lambda x: showing.matrices(a=x), MATRIX, "rank empty complex words"),
    "show.figures.curves": row(lambda x: showing.curves({"loss": x}), ramp(5), "scalar words"),
    "show.play.animation": row(lambda x: play.animation([x]), UNIT, PICTURE),
    "show.play.animation, frames": row(lambda x: play.animation([UNIT, x]), UNIT, f"{PICTURE} square"),
    "show.play.animation, fps": row(lambda fps: play.animation([UNIT], fps=fps), 5, among(0, -1, float("nan"))),
    "show.play.slider": row(lambda x: play.slider(lambda a: UNIT, a=x), (0, 10), NO_CONTROLS),
    "show.play.png": row(play.png, UNIT, PICTURE),
}
STYLE: dict[str, Row] = {
    "gram_matrix": row(style.gram_matrix, FEATURES, SHAPE),
    "content_loss": row(lambda x: style.content_loss(x, FEATURES), FEATURES, "rank dtype list other"),
    "style_loss": row(lambda x: style.style_loss(x, GRAM), GRAM, "rank dtype list other square"),
    "stylize": row(lambda x: stylized(x, PHOTO), PHOTO, f"{PICTURE} channels batch smaller:32"),
    "stylize, style": row(lambda x: stylized(PHOTO, [(x, 1.0)]), PHOTO, f"{PICTURE} channels batch smaller:32"),
    "stylize, styles": row(lambda x: stylized(PHOTO, x), [(PHOTO, 2.0)], NO_STYLES),
    "stylize, start": row(lambda x: stylized(PHOTO, PHOTO, x), PHOTO, "rank other"),
    "coarse_to_fine": row(lambda x: refined(x, PHOTO), PHOTO, f"{PICTURE} channels batch"),
    "coarse_to_fine, style": row(lambda x: refined(PHOTO, [(x, 1.0)]), PHOTO, f"{PICTURE} channels batch"),
}
UPSAMPLING: dict[str, Row] = {
    "nearest": row(lambda x: upsampling.nearest(x, 2), UNIT, "rank empty list"),
    "nearest, scale": row(lambda n: upsampling.nearest(UNIT, n), 2, few),
    "linear_matrix": row(lambda n: upsampling.linear_matrix(n, 4, True), 2, few),
    "linear_matrix, out": row(lambda n: upsampling.linear_matrix(4, n, False), 2, few),
    "bilinear": row(lambda x: upsampling.bilinear(x, (4, 9), False), UNIT, SHAPE),
    "bilinear, size": row(
        lambda size: upsampling.bilinear(UNIT, size, True),
        (4, 9),
        among((0, 4), (4, -1), (2.5, 4)),
    ),
    "bicubic": row(lambda x: upsampling.bicubic(x, 2), UNIT, SHAPE),
    "area_average": row(lambda x: upsampling.area_average(x, 4), UNIT, f"{SHAPE} uneven:4"),
    "area_average, scale": row(lambda n: upsampling.area_average(UNIT, n), 2, few),
    "convolution_matrix": row(lambda x: upsampling.convolution_matrix(x, 5, 5), MATRIX, f"{SHAPE} square:6,7"),
    "transposed_convolution": row(
        lambda x: upsampling.transposed_convolution(x, noise(3, 2, 3, 3), 2, 1), UNIT, f"{SHAPE} channels"
    ),
    "transposed_convolution, weight": row(
        lambda x: upsampling.transposed_convolution(UNIT, x, 2, 0), noise(3, 2, 3, 3), f"{SHAPE} batch"
    ),
    "transposed_convolution, stride": row(
        lambda n: upsampling.transposed_convolution(UNIT, noise(3, 2, 3, 3), n, 0), 2, few
    ),
    "transposed_convolution, padding": row(
        lambda n: upsampling.transposed_convolution(UNIT, noise(3, 2, 3, 3), 2, n), 1, among(-1, 9, 99, 0.5, "1", None)
    ),
    "max_pool_with_switches": row(lambda x: upsampling.max_pool_with_switches(x, 2), UNIT, "rank empty list thin"),
    "max_pool_with_switches, size": row(lambda n: upsampling.max_pool_with_switches(UNIT, n), 2, few),
    "max_unpool": row(lambda x: upsampling.max_unpool(x, SWITCHES, (4, 4)), noise(1, 1, 2, 2), "rank empty list other"),
    "max_unpool, switches": row(
        lambda x: upsampling.max_unpool(noise(1, 1, 2, 2), x, (4, 4)), SWITCHES, "rank list other"
    ),
    "pixel_shuffle": row(lambda x: upsampling.pixel_shuffle(x, 2), noise(1, 4, 2, 3), "rank empty list"),
    "pixel_shuffle, scale": row(lambda n: upsampling.pixel_shuffle(noise(1, 4, 2, 3), n), 2, few),
    "pixel_unshuffle": row(lambda x: upsampling.pixel_unshuffle(x, 2), UNIT, "rank empty list uneven:2"),
    "pixel_unshuffle, scale": row(lambda n: upsampling.pixel_unshuffle(UNIT, n), 2, few),
    "resize_convolution": row(
        lambda x: upsampling.resize_convolution(x, noise(2, 3, 3, 3), 2), UNIT, "rank empty list"
    ),
    "resize_convolution, weight": row(
        lambda x: upsampling.resize_convolution(UNIT, x, 2), noise(2, 3, 3, 3), f"{SHAPE} square even"
    ),
    "resize_convolution, scale": row(lambda n: upsampling.resize_convolution(UNIT, noise(2, 3, 3, 3), n), 2, few),
    "pixel_loss": row(lambda x: upsampling.pixel_loss(x, UNIT), UNIT, "rank dtype list other"),
    "perceptual_loss": row(lambda x: upsampling.perceptual_loss(layers, x, UNIT), UNIT, "rank dtype list other"),
}
DIFFUSION: dict[str, Row] = {
    "diffusion.NoiseSchedule": row(diffusion.NoiseSchedule, ramp(9, low=0.1, high=0.2), PICTURE),
    "diffusion.q_sample": row(lambda x: diffusion.q_sample(x, TIMES, NOISE, LEFT), SIGN, "other dtype list"),
    "diffusion.q_sample, noise": row(lambda x: diffusion.q_sample(SIGN, TIMES, x, LEFT), NOISE, "other dtype list"),
    "diffusion.posterior": row(lambda x: diffusion.posterior(x, NOISE, TIMES, LEFT), SIGN, "other dtype list"),
    "diffusion.to_eps": row(lambda x: diffusion.to_eps(NOISE, x, TIMES, LEFT), SIGN, "other dtype list"),
    "diffusion.diffusion_loss": row(
        lambda x: diffusion.diffusion_loss(lambda x, t: x, x, SCHEDULE), SIGN, "dtype list nan signed empty"
    ),
    "diffusion.diffusion_loss, answer": row(
        lambda x: diffusion.diffusion_loss(lambda *_: x, SIGN, SCHEDULE), NOISE, "other dtype list"
    ),
    "diffusion.diffusion_loss, labels": row(
        lambda x: diffusion.diffusion_loss(Lazy("unet"), SIGN[:, :1], SCHEDULE, labels=x), PAIR, f"{CLASSES} batch"
    ),
    "editing.inpaint": row(completed, NOISE, "other"),
    "editing.inpaint, known": row(lambda x: completed(known=x), SIGN, "dtype list nan signed other"),
    "editing.inpaint, mask": row(lambda x: completed(mask=x), MASK, "nan value:0.5,2,-1"),
    "editing.inpaint, resample": row(lambda n: completed(resample=n), 2, few),
    "editing.ddim_invert": row(
        lambda x: editing.ddim_invert(MODEL, x, SCHEDULE, steps=3), SIGN, "empty dtype list nan signed"
    ),
    "editing.ddim_invert, steps": row(lambda n: editing.ddim_invert(MODEL, SIGN, SCHEDULE, steps=n), 3, NO_TIMES),
    "editing.slerp": row(lambda x: editing.slerp(x, SIGN, 0.5), NOISE, "other dtype list"),
    "samplers.ddim, steps": row(lambda n: samplers.ddim(MODEL, NOISE, SCHEDULE, steps=n), 2, NO_TIMES),
    "samplers.times": row(lambda n: samplers.times(SCHEDULE, n), 4, NO_TIMES),
    "denoising.denoiser, answer": row(
        lambda x: denoising.denoiser(lambda *_: x, SCHEDULE, diffusion.V)(SIGN, TIMES), NOISE, "other dtype list"
    ),
    "denoising.guided": row(lambda x: denoising.guided(net("unet"), x, 2.0), PAIR, "higher float bool levels"),
    "denoising.guided, weight": row(
        lambda w: denoising.guided(net("unet"), PAIR, w), 2.0, among(-1, -0.5, float("nan"), -float("inf"))
    ),
    "denoising.Diffusion": row(lambda x: net("diffusion")(x, TIMES), SIGN[:, :1], "rank dtype list batch channels:2,3"),
    "denoising.Diffusion, labels": row(lambda x: net("diffusion")(SIGN[:, :1], TIMES, x), PAIR, f"{CLASSES} batch"),
    "denoising.sample_images": row(
        lambda x: denoising.sample_images(net("diffusion"), 2, labels=x, steps=2), PAIR, f"{LABELS} batch"
    ),
    "denoising.sample_images, n": row(lambda n: denoising.sample_images(net("diffusion"), n, steps=2), 1, among(0, -3)),
}


ADVERSARIAL: dict[str, Row] = {
    "gan.GANStep": row(gan_step, DIGITS * 2 - 1, "higher empty dtype nan signed channels square"),
    "gan.sample_images": row(lambda x: gan.sample_images(net("maker"), 2, labels=x), PAIR, f"{CLASSES} batch"),
    "gan.sample_images, n": row(lambda n: gan.sample_images(net("maker"), n), 2, among(0, -1, -99)),
    "gan_tricks.gradient_penalty": row(
        lambda x: gan_tricks.gradient_penalty()(judged, x, SIGN), SIGN, "other dtype list"
    ),
    "conditional_gan.AuxiliaryStep": row(
        lambda x: naming_step((x, THREE)), DIGITS * 2 - 1, "empty dtype nan signed channels square"
    ),
    "conditional_gan.AuxiliaryStep, batch": row(
        naming_step, (DIGITS * 2 - 1, THREE), among(DIGITS, [], [DIGITS], (DIGITS, THREE, THREE))
    ),
    "improved_gan.ImprovedGANStep": row(improved_step, DIGITS * 2 - 1, f"{SIGNED} channels square"),
    "improved_gan.bilinear_game": row(improved_gan.bilinear_game, 3, few),
    "semi_supervised.SemiSupervisedStep": row(
        lambda x: few_step(unlabelled=x), DIGITS * 2 - 1, f"{SIGNED} channels square"
    ),
    "semi_supervised.SemiSupervisedStep, labels": row(few_step, THREE, f"{LABELS} batch"),
    "semi_supervised.few_labels": row(
        lambda x: semi_supervised.few_labels(x, 1, classes=3), THREE, "rank float bool list levels"
    ),
    "semi_supervised.few_labels, each": row(
        lambda n: semi_supervised.few_labels(THREE, n, classes=3), 1, among(0, -1, 2, 99)
    ),
    "semi_supervised.sample_images": row(lambda n: semi_supervised.sample_images(net("sgan"), n), 2, among(0, -1, -99)),
    "probe.pooled_features": row(
        lambda x: probe.pooled_features(net("plain critic"), x), DIGITS, "rank empty dtype list"
    ),
    "probe.pooled_features, grid": row(lambda n: probe.pooled_features(net("plain critic"), DIGITS, n), 4, few),
    "probe.fit_linear_svm": row(lambda x: probe.fit_linear_svm(x, THREE), noise(4, 3), f"{SHAPE} batch nan"),
    "probe.fit_linear_svm, labels": row(
        lambda x: probe.fit_linear_svm(noise(4, 3), x), THREE, f"{CLASSES} batch value:-1"
    ),
    "probe.fit_linear_svm, c": row(
        lambda c: probe.fit_linear_svm(noise(4, 3), THREE, c=c),
        1.0,
        among(0, -1.0, float("nan"), float("inf"), "1", None),
    ),
    "probe.choose_c": row(lambda x: probe.choose_c(x, THREE, folds=2), noise(4, 3), f"{SHAPE} batch:1,2,3,5"),
    "probe.choose_c, folds": row(
        lambda n: probe.choose_c(noise(4, 3), THREE, folds=n), 2, among(-1, 0, 1, 5, 2.5, "2", None)
    ),
    "probe.error_count": row(lambda x: probe.error_count(net("few"), DIGITS, x), THREE, f"{CLASSES} batch"),
    "balancing.unbalanced": row(
        lambda keep: balancing.unbalanced(THREE, keep), {0: 1}, among({0: 3}, {1: 0}, {5: 1}, {0: -1})
    ),
    "balancing.class_weights": row(lambda x: balancing.class_weights(x, 3), THREE, f"{LABELS}"),
    "balancing.sampling_weights": row(lambda x: balancing.sampling_weights(x, 3), THREE, f"{LABELS}"),
    "balancing.oversampled": row(lambda x: balancing.oversampled(x, 3), THREE, f"{LABELS}"),
    "balancing.class_recall": row(lambda x: balancing.class_recall(THREE, x, 3), THREE, f"{LABELS} batch"),
    "cyclegan.unpack_pair": row(cyclegan.unpack_pair, (A, B), among(A, [], [A], (A, B, A), "ab!")),
    "cyclegan.translate": row(
        lambda x: cyclegan.translate(net("translator"), x),
        ramp(2, 3, 12, 12),
        "higher empty dtype nan unit channels smaller:12 uneven:4",
    ),
    "cyclegan.CycleGANStep": row(lambda x: cycle_step(x, B), A, "empty dtype list nan signed"),
    "cyclegan.CycleGANStep, b": row(lambda x: cycle_step(A, x), B, "empty dtype list nan signed"),
    "pix2pix.Pix2PixStep": row(lambda x: pair_step(x, B), A, f"{SIGNED} channels square:5,7"),
    "pix2pix.Pix2PixStep, b": row(lambda x: pair_step(A, x), B, f"{SIGNED} channels square"),
    "pix2pix_noise.translate_often": row(
        lambda x: pix2pix_noise.translate_often(net("colourer"), x, 2), LINES, f"{PICTURE} channels uneven:4"
    ),
    "pix2pix_noise.translate_often, draws": row(
        lambda n: pix2pix_noise.translate_often(net("colourer"), LINES, n), 2, among(0, -1, -99)
    ),
    "pix2pix_noise.spread": row(pix2pix_noise.spread, DRAWS, f"{SHAPE} batch:1"),
}
ENLARGING: dict[str, Row] = {
    "super_resolution.PixelStep": row(pixel_step, BIG * 2 - 1, f"{SIGNED} channels uneven:4"),
    "super_resolution.PixelStep, small": row(lambda x: pixel_step((x, SIGNED_PHOTO)), SMALL, f"{SIGNED} other"),
    "super_resolution.SRGANStep": row(srgan_step, SIGNED_PHOTO, f"{SIGNED} channels uneven:4"),
    "super_resolution.repeated_error": row(
        lambda x: super_resolution.repeated_error(x, PHOTO), PHOTO, "rank dtype list other"
    ),
    "super_resolution.repeated_error, truth": row(
        lambda x: super_resolution.repeated_error(x, x), PHOTO, f"{SHAPE} uneven:4 smaller:24"
    ),
    "data_consistency.project": row(lambda x: project(x, UNIT), TWICE, f"{SHAPE} other"),
    "data_consistency.project, small": row(lambda x: project(TWICE, x), UNIT, f"{SHAPE} batch channels square:5,7"),
    "data_consistency.project_to_range": row(lambda x: project_to_range(x, UNIT), TWICE, f"{SHAPE} other"),
    "degradations.degrade": row(degrade, BIG, f"{PICTURE} channels uneven:4"),
    "degradations.degrade, scale": row(lambda n: degrade(BIG, n), 4, few),
    "degradations.degrade, blur": row(lambda s: degrade(BIG, blur=s), 1.0, among(-1, -0.1, float("nan"), float("inf"))),
    "degradations.degrade, noise": row(
        lambda s: degrade(BIG, noise=s), 0.1, among(-1, -0.1, float("nan"), float("inf"))
    ),
    "degradations.jpeg": row(lambda x: jpeg(x, 80), UNIT, f"{PICTURE} channels"),
    "degradations.jpeg, quality": row(lambda n: jpeg(UNIT, n), 80, few | st.integers(101, 999)),
    "degradations.modcrop": row(lambda x: modcrop(x, 4), UNIT, "rank empty list smaller:4"),
    "degradations.modcrop, scale": row(lambda n: modcrop(UNIT, n), 4, few),
    "enlarging.enlarge": row(lambda x: enlarge(x, net("enlarger")), UNIT, f"{PICTURE} channels smaller:4"),
    "enlarging.enlarge, noise": row(
        lambda x: enlarge(UNIT, net("enlarger"), noise=x), noise(2, 1, 8, 8), "rank dtype list other"
    ),
    "enlarging.enlarge, tile": row(lambda n: enlarge(UNIT, net("enlarger"), tile=n), 4, among(0, -3, 2.5, "2")),
    "enlarging.enlarge_often": row(
        lambda x: enlarge_often(x, net("enlarger"), 2), UNIT[:1], f"{PICTURE} channels batch"
    ),
    "enlarging.enlarge_often, count": row(lambda n: enlarge_often(UNIT[:1], net("enlarger"), n), 2, few),
    "enlarging.spread": row(spread, UNIT, f"{SHAPE} batch:1"),
}
PIXELCNN: dict[str, Row] = {
    "binarise": row(pixelcnn.binarise, UNIT, "empty dtype list nan unit"),
    "static_digits": row(pixelcnn.static_digits, UNIT, "empty nan unit"),
    "quantise": row(lambda x: pixelcnn.quantise(x, 4), UNIT, "empty dtype list nan unit"),
    "quantise, levels": row(lambda n: pixelcnn.quantise(UNIT, n), 4, few | st.just(1)),
    "to_images": row(lambda x: pixelcnn.to_images(x, 4), LEVELS, "float bool complex levels"),
    "evaluate": row(
        lambda x: pixelcnn.evaluate(net("pixels"), x, PAIR), BITS, f"{LABELS} channels batch empty smaller:4"
    ),
    "evaluate, labels": row(lambda x: pixelcnn.evaluate(net("pixels"), BITS, x), PAIR, f"{LABELS} batch"),
    "sample_naive": row(lambda s: drawn(pixelcnn.sample_naive, shape=s), (2, 1, 4, 4), NO_SHAPES),
    "sample_naive, given": row(lambda x: drawn(pixelcnn.sample_naive, x, KEEP), BITS, f"{LABELS} complex other"),
    "sample_naive, mask": row(
        lambda x: drawn(pixelcnn.sample_naive, BITS, x), KEEP, "rank other types:int64,float32,uint8"
    ),
    "sample_cached": row(lambda s: drawn(pixelcnn.sample_cached, shape=s), (2, 1, 4, 4), NO_SHAPES),
    "sample_cached, given": row(lambda x: drawn(pixelcnn.sample_cached, x, KEEP), BITS, f"{LABELS} complex other"),
    "sample_cached, mask": row(
        lambda x: drawn(pixelcnn.sample_cached, BITS, x), KEEP, "rank other types:int64,float32,uint8"
    ),
    "sample_cached, labels": row(lambda x: drawn(pixelcnn.sample_cached, labels=x), PAIR, f"{LABELS} batch"),
    "sample_images": row(lambda x: pixelcnn.sample_images(net("pixels"), 2, labels=x), PAIR, f"{LABELS} batch"),
}
KNOWING: dict[str, Row] = {
    "classifier.Classifier": row(lambda x: net("classifier")(x), DIGITS, "rank dtype list channels smaller:8"),
    "dcgan.Generator": row(lambda x: net("plain maker")(x), noise(4, 8), "rank dtype list channels"),
    "dcgan.Generator, labels": row(lambda x: net("maker")(noise(2, 8), x), PAIR, f"{CLASSES} batch"),
    "dcgan.Discriminator": row(lambda x: net("plain critic")(x), DIGITS, "rank dtype list channels square"),
    "dcgan.Discriminator, labels": row(lambda x: net("critic")(DIGITS[:2], x), PAIR, f"{CLASSES} batch"),
    "conditional.ConcatDiscriminator": row(
        lambda x: net("beside")(x, THREE), DIGITS, "rank dtype list channels square batch"
    ),
    "conditional.ConcatDiscriminator, labels": row(lambda x: net("beside")(DIGITS, x), THREE, f"{CLASSES} batch"),
    "conditional.AuxiliaryDiscriminator": row(lambda x: net("naming")(x), DIGITS, "rank dtype list channels square"),
    "minibatch.MinibatchDiscriminator": row(
        lambda x: net("batch critic")(x), DIGITS, "rank dtype list channels square"
    ),
    "virtual_batch_norm.VirtualBatchGenerator": row(lambda x: net("virtual")(x), noise(4, 8), f"{SHAPE} channels"),
    "virtual_batch_norm.VirtualBatchGenerator, reference": row(
        lambda x: virtual_batch_norm.VirtualBatchGenerator(net("plain maker"), x),
        noise(4, 8),
        f"{SHAPE} channels batch:1",
    ),
    "sgan.SemiSupervisedDiscriminator": row(lambda x: net("few")(x), DIGITS, "rank dtype list channels square"),
    "features.Extractor": row(lambda x: net("extractor")(x), PHOTO, "rank dtype list channels smaller:32"),
    "features.VGG": row(lambda x: net("vgg")(x), UNIT, f"{SHAPE} channels"),
    "features.from_caffe": row(
        lambda x: features.from_caffe({"features.0.weight": x, "features.0.bias": ramp(4)}),
        noise(4, 3, 3, 3),
        f"{SHAPE} batch channels",
    ),
    "patchgan.PixelDiscriminator": row(lambda x: net("pixel judge")(x), A, f"{SHAPE} channels"),
    "patchgan.patch_discriminator": row(patch_discriminator, 16, among(0, 2, 64, -1, 15.5, "16", None)),
    "pix2pix.UNetGenerator": row(lambda x: net("colourer")(x), LINES, f"{SHAPE} channels uneven:4"),
    "pix2pix.UNetGenerator, z": row(
        lambda z: net("noisy colourer")(LINES, z), noise(2, 1, 8, 8), f"{SHAPE} channels batch square"
    ),
    "pixelcnn.PixelCNN": row(lambda x: net("pixels")(x, PAIR), BITS, f"{CLASSES} complex channels smaller:4"),
    "pixelcnn.PixelCNN, labels": row(lambda x: net("pixels")(BITS, x), PAIR, f"{CLASSES} batch"),
    "pixelcnn.GatedPixelCNN": row(lambda x: net("gated")(x, PAIR), BITS, f"{CLASSES} complex channels smaller:4"),
    "pixelcnn.GatedPixelCNN, labels": row(lambda x: net("gated")(BITS, x), PAIR, f"{CLASSES} batch"),
    "pixelrnn.PixelRNN": row(lambda x: net("rnn")(x, PAIR), BITS, f"{CLASSES} complex channels smaller:4"),
    "pixelrnn.PixelRNN, labels": row(lambda x: net("rnn")(BITS, x), PAIR, f"{CLASSES} batch"),
    "srgan.SRGenerator": row(lambda x: net("enlarger")(x), SIGN, "rank dtype list channels smaller:4"),
    "srgan.SRGenerator, noise": row(lambda x: net("enlarger")(SIGN, x), noise(2, 1, 8, 8), "rank dtype list other"),
    "srgan.PatchCritic": row(lambda x: net("patch critic")(x), SIGN, "rank dtype list channels smaller:4"),
    "superres.SuperResolver": row(lambda x: net("resolver")(x), SIGN, "rank dtype list channels smaller:3"),
    "translation.ResnetGenerator": row(
        lambda x: net("translator")(x), A, "rank dtype list channels smaller:12 uneven:4"
    ),
    "translation.PatchDiscriminator": row(lambda x: net("patches")(x), A, "rank dtype list channels smaller:6"),
    "unet.UNet": row(lambda x: net("unet")(x, TIMES), SIGN[:, :1], "rank dtype list batch channels:2,3"),
    "unet.UNet, t": row(lambda t: net("unet")(SIGN[:, :1], t), TIMES, "rank list batch"),
    "unet.UNet, labels": row(lambda x: net("unet")(SIGN[:, :1], TIMES, x), PAIR, f"{CLASSES} batch"),
}
TENSORS: dict[str, Row] = PACKAGE.copy()
TENSORS |= {f"methods.style.{name}": one for name, one in STYLE.items()}
TENSORS |= {f"methods.upsampling.{name}": one for name, one in UPSAMPLING.items()}
TENSORS |= {f"methods.{name}": one for name, one in (DIFFUSION | ADVERSARIAL | ENLARGING).items()}
TENSORS |= {f"methods.pixelcnn.{name}": one for name, one in PIXELCNN.items()}
TENSORS |= {f"networks.{name}": one for name, one in KNOWING.items()}
