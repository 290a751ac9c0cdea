"""What somebody sets as torch's default device or dtype changes nothing here.

The device is "meta", which every machine has: a tensor that was made on the default device has no values there, and
reading it, or mixing it with one of the CPU's, fails.
"""

import pytest
import torch
from torch import Tensor, nn

from gencourse import checkpoints, data, descend, fit, images, metrics
from gencourse.batches import Batches, UnpairedBatches
from gencourse.methods import (
    diffusion,
    gan,
    gan_tricks,
    pix2pix,
    pix2pix_noise,
    pixelcnn,
    samplers,
    sampling,
    schedules,
    style_descent,
    texture,
    upsampling,
)
from gencourse.methods.data_consistency import project_to_range
from gencourse.methods.degradations import Degraded, degrade
from gencourse.methods.enlarging import enlarge, enlarge_often
from gencourse.metrics.super_resolution import conventions, judge
from gencourse.networks.dropout import Dropout, dropout_from
from gencourse.networks.features import extractor
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.networks.srgan import SRGenerator
from gencourse.seasons import render
from gencourse.training.crops import Crops
from gencourse.training.paired import PairedBatches


@pytest.fixture(params=["device", "dtype"])
def elsewhere(request):
    """Return what sets one of torch's defaults; afterwards all is as it was."""

    def change() -> None:
        if request.param == "device":
            torch.set_default_device("meta")
        else:
            torch.set_default_dtype(torch.float64)

    yield change
    torch.set_default_device(None)
    torch.set_default_dtype(torch.float32)


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


X = torch.rand(12, 3, 48, 48, generator=seeded())
DIGITS = torch.rand(8, 1, 28, 28, generator=seeded())
LABELS = torch.arange(8)


def trained() -> Tensor:
    torch.manual_seed(0)
    opt = torch.optim.SGD(NET.parameters(), lr=0.0)
    batches = Batches(X.flatten(1)[:, :4], 4, seed=1)
    history = fit(lambda x: {"loss": descend(opt, NET(x).mean() * 0 + x.mean())}, batches, steps=3, show=False)
    return torch.tensor(history["loss"], dtype=torch.float64, device="cpu")


def score(x: Tensor) -> Tensor:
    return x.flatten(1).square().sum(1)


def dropped() -> Tensor:
    layer = Dropout(0.5)
    with dropout_from(layer, seeded()):
        return layer(X)


NET = nn.Linear(4, 1)
ENLARGING = SRGenerator(width=4, blocks=1, late=2)
nn.init.normal_(ENLARGING.from_noise.weight)
nn.init.normal_(ENLARGING.last.weight)
COLOURER = UNetGenerator(width=4, levels=3, max_width=8, noise=1).eval()  # dropout draws torch's own numbers
DOORS = {
    "images.load": lambda: images.load(data.root() / "photos" / "chelsea.jpg", 64),
    "data.photo": lambda: data.photo("coffee", 50),
    "data.digits": lambda: data.digits("test").subset(slice(5)).signed(),
    "data.load": lambda: data.load("emoji").subset([3, 1]).unit(),
    "images.grid": lambda: images.grid(X[:5]),
    "render": lambda: render([1, 2], "winter", 32),
    "Batches": lambda: next(Batches(X, 5, labels=torch.ones_like(X[:, 0, 0, 0]), seed=3)),
    "UnpairedBatches": lambda: next(UnpairedBatches(X, X.flip(0), 4, crop=20, flip=True, seed=3)),
    "PairedBatches": lambda: next(PairedBatches(X, X.flip(0), 4, grow=4, flip=True, seed=3)),
    "paired emoji": lambda: data.paired_sets("emoji", size=32, n=3, tests=2).train_b.signed(),
    "drawing": lambda: data.drawing(X[:1], 32),
    "fit": trained,
    **{f"load {name}": lambda name=name: next(checkpoints.load(name).parameters()) for name in checkpoints.MODELS},
    "sample dcgan": lambda: checkpoints.sampler("dcgan_digits")(checkpoints.load("dcgan_digits"), 3, seeds=[1, 2, 3]),
    "sample ddpm": lambda: checkpoints.sampler("ddpm_digits")(
        checkpoints.load("ddpm_digits"), 2, labels=LABELS[:2], generator=seeded(), steps=2
    ),
    "latent": lambda: gan.latent(checkpoints.load("dcgan_digits"), 3, seeded()),
    "flipped labels": lambda: gan.bce(smooth=0.1, flip=0.3, generator=seeded()).discriminator(X, X.flip(0)),
    "gradient penalty": lambda: gan_tricks.gradient_penalty(generator=seeded())(score, X, X.flip(0)),
    "past fakes": lambda: gan_tricks.ImagePool(2, generator=seeded())(X),
    "diffusion_loss": lambda: diffusion.diffusion_loss(
        lambda x, t: x, X * 2 - 1, schedules.linear_schedule(50), generator=seeded()
    ),
    "dropout": dropped,
    "z": lambda: pix2pix.generate(COLOURER, X * 2 - 1, seeded()),
    "many translations": lambda: pix2pix_noise.translate_often(COLOURER, X[:2], 2, generator=seeded()),
    "style noise": lambda: style_descent.noise_like(X[:1], seeded()),
    "grown texture": lambda: texture.grow(X[:1, :, :12, :12], 10, window=5, generator=seeded()),
    "texture in rings": lambda: texture.grow(X[:1, :, :12, :12], 10, window=5, rings=True, generator=seeded()),
    "quilted texture": lambda: texture.quilt(X[:1], 40, block=16, overlap=4, generator=seeded()),
    "texture by Gram matrices": lambda: (
        texture.synthesize(X[:1], extractor("embedded"), 32, steps=1, generator=seeded(), show=False).image
    ),
    "inverted features": lambda: (
        texture.invert(X[:1], extractor("embedded"), "conv4_2", steps=1, generator=seeded(), show=False).image
    ),
    "grown text": lambda: texture.grow_text("a cat and a hat and a bat", 40, context=2, generator=seeded()),
    "enlarged": lambda: enlarge(X[:1, :, :9, :12], ENLARGING, tile=5, consistent=True),
    "enlarged with noise": lambda: enlarge_often(X[:1, :, :9, :12], ENLARGING, 2, generator=seeded()),
    "nearest that agrees": lambda: project_to_range(X[:1], X[:1, :, ::4, ::4]),
    "degraded": lambda: degrade(X[:2], blur=1.0, noise=0.1, quality=70, generator=seeded()),
    "degraded squares": lambda: next(Degraded(Crops([X[:1]], 2, 32, seed=1), seed=1)),
    "decibels by convention": lambda: list(conventions(X[:1], X[1:2]).values()),
    "enlarged, judged": lambda: list(
        judge(lambda x: enlarge(x, ENLARGING), [X[:1]], extractor("embedded", layers=("conv1_2", "conv3_2"))).values()
    ),
    "real pictures like": lambda: metrics.draw_like(LABELS % 2, LABELS[:4] % 2, seeded()),
    "chosen classes": lambda: sampling.any_class(10, [1, 2, 3]),
    "ddim": lambda: samplers.ddim(
        lambda x, t: x * 0.9, sampling.normal((2, 1, 4, 4), seeded()), schedules.cosine_schedule(20), steps=4
    ),
    "schedules": lambda: schedules.linear_schedule(50).alphas_cumprod,
    "drop_labels": lambda: diffusion.drop_labels(LABELS, 10, 0.5, seeded()),
    "binarise": lambda: pixelcnn.binarise(DIGITS, generator=seeded()),
    "translation": lambda: gan_tricks.translation(4, generator=seeded())(X),
    "cubic": lambda: upsampling.cubic_matrix(5, 2),
    "extractor": lambda: list(extractor("embedded")(X[:1].double()).values()),
    "classifier": lambda: checkpoints.load("digits")(DIGITS.double())[1],
    "psnr": lambda: metrics.psnr(X, X * 0.9),
    "ssim": lambda: metrics.ssim(X, X * 0.9),
    "pooled psnr": lambda: metrics.pooled_psnr(X, X * 0.9),
    "hues": lambda: [metrics.hue_histogram(X), metrics.hue_entropy(X), metrics.saturation(X)],
    "frechet": lambda: metrics.frechet_distance(X.flatten(1)[:, :4], X.flatten(1)[:, 4:8]),
    "score": lambda: list(
        metrics.score(DIGITS, DIGITS.flip(0), checkpoints.load("digits"), bootstrap=2, generator=seeded())
        .as_dict()
        .values()
    ),
}


@pytest.mark.parametrize("door", DOORS)
def test_defaults_change_nothing(door, elsewhere):
    wanted = DOORS[door]()
    elsewhere()
    got = DOORS[door]()
    assert same(got, wanted)


def same(a, b) -> bool:
    if isinstance(a, Tensor):
        return a.dtype == b.dtype and a.device == b.device and torch.equal(a, b)
    return all(map(same, a, b)) if isinstance(a, tuple | list) else a == b or a != a
