"""FID-digits of chapter 03's GAN and of the usual DCGAN recipe, after the same minutes on the same digits.

    python benchmarks/gan_fid.py --minutes 3 --seeds 0 1 2
    python benchmarks/gan_fid.py --minutes 3 --ways "chapter 03" "two layers of 64" "two layers of 32"

The usual recipe: DCGAN with 64 filters, 100 numbers of noise, batches of 128, cross-entropy, Adam with rate 2e-4 and
beta1 0.5 for both networks, weights from N(0, 0.02), the same fakes for D's and G's half, no moving average; at 28
pixels its layers go 1 -> 4 -> 7 -> 14 -> 28. The other ways change chapter 03's recipe in one thing each, but for
"two layers of 64", what the chapter trained before, which also takes batches of 64. Everybody trains on the 9,000
embedded training digits, and 10,000 samples are scored against all embedded digits. Runs are interleaved by seed. A
minute is one of processor time on each core in use, so that other programs on the machine disturb less; scoring does
not count.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from _clock import minutes_since
from torch import Tensor, nn

from gencourse import Average, checkpoints, data
from gencourse.methods import gan
from gencourse.metrics import Scores, features, score, table
from gencourse.modes import eval_mode
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import descend

SAMPLES = 10_000
SHAPE = {"width": 32, "depth": 3}  # of chapter 03's networks: three strided layers, 4 -> 7 -> 14 -> 28
FORMER = {"width": 64}  # two: 7 -> 14 -> 28
Sampler = Callable[[int, torch.Generator], Tensor]


def recipe(digits: data.ImageSet, seed: int) -> tuple[Callable[[], object], Sampler]:
    """The usual networks and step, adapted to 28 pixels."""

    def up(inputs: int, outputs: int, *shape: int) -> list[nn.Module]:
        return [nn.ConvTranspose2d(inputs, outputs, *shape, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

    def down(inputs: int, outputs: int, *shape: int) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, *shape, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2)]

    layers = [*up(100, 256, 4, 1, 0), *up(256, 128, 3, 2, 1), *up(128, 64, 4, 2, 1)]
    g = nn.Sequential(*layers, nn.ConvTranspose2d(64, 1, 4, 2, 1, bias=False), nn.Tanh())
    first = [nn.Conv2d(1, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    layers = [*first, *down(64, 128, 4, 2, 1), *down(128, 256, 3, 2, 1), nn.Conv2d(256, 1, 4, 1, 0, bias=False)]
    d = nn.Sequential(*layers, nn.Flatten(0))
    for module in (*g, *d):
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0, 0.02)
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.02)
    optimizer_g, optimizer_d = (torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (g, d))
    batches, noise = data.Batches(digits.signed(), 128, seed=seed), torch.Generator().manual_seed(seed)
    ones, zeros = torch.ones(128), torch.zeros(128)

    def iterate() -> None:
        optimizer_d.zero_grad()
        F.binary_cross_entropy_with_logits(d(next(batches)), ones).backward()
        fake = g(torch.randn(128, 100, 1, 1, generator=noise))
        F.binary_cross_entropy_with_logits(d(fake.detach()), zeros).backward()
        optimizer_d.step()
        descend(optimizer_g, F.binary_cross_entropy_with_logits(d(fake), ones))

    def draw(count: int, generator: torch.Generator) -> Tensor:
        with torch.no_grad(), eval_mode(g):
            return (g(torch.randn(count, 100, 1, 1, generator=generator)) + 1) / 2

    return iterate, draw


def chapter(
    digits: data.ImageSet,
    seed: int,
    *,
    classes: int | None = None,
    generator: dict[str, Any] = SHAPE,
    discriminator: dict[str, Any] = SHAPE,
    rate: float = 6e-4,
    batch: int = 32,
) -> tuple[Callable[[], object], Sampler]:
    """What chapter 03 trains in the cpu profile, without or with labels."""
    g, d = Generator(latent=64, classes=classes, **generator), Discriminator(classes=classes, **discriminator)
    for net in (g, d):
        net.to(memory_format=torch.channels_last)
    optimizer_g, optimizer_d = (torch.optim.Adam(net.parameters(), rate, (0.5, 0.999)) for net in (g, d))
    average, noise = Average(g, 0.998), torch.Generator().manual_seed(seed)
    step = gan.GANStep(g, d, (optimizer_g, optimizer_d), losses=gan.bce(), average=average, noise=noise)
    batches = data.Batches(digits.signed(), batch, labels=digits.labels if classes else None, seed=seed)
    return lambda: step(next(batches)), lambda n, generator: gan.sample_images(average.module, n, generator=generator)


WAYS = {
    "usual recipe": recipe,
    "chapter 03": chapter,
    "chapter 03, with labels": partial(chapter, classes=10),
    "two layers of 64": partial(chapter, generator=FORMER, discriminator=FORMER, batch=64),
    "two layers of 64, with labels": partial(chapter, generator=FORMER, discriminator=FORMER, batch=64, classes=10),
    "two layers of 32": partial(chapter, generator={"width": 32}, discriminator={"width": 32}),
    "only G has three": partial(chapter, discriminator={"width": 32}),
    "only D has three": partial(chapter, generator={"width": 32}),
    "rate 2e-4": partial(chapter, rate=2e-4),
    "batches of 64": partial(chapter, batch=64),
}


def measure(draw: Sampler, classifier: nn.Module, reference) -> Scores:
    generator = torch.Generator().manual_seed(0)
    samples = torch.cat([draw(500, generator) for _ in range(SAMPLES // 500)])
    return score(samples, reference, classifier, split="all embedded digits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0, help="of training, for each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS)[:4], metavar="WAY", help=", ".join(WAYS))
    parser.add_argument("--steps", type=int, help="count these in place of minutes")
    args = parser.parse_args()
    digits, classifier = data.digits("train"), checkpoints.load("digits")
    reference = features(data.digits().unit(), classifier)
    rows: dict[str, list[Scores]] = {name: [] for name in args.ways}
    for seed in args.seeds:
        for name in args.ways:
            torch.manual_seed(seed)
            iterate, draw = WAYS[name](digits, seed)
            steps, start = 0, time.process_time()
            while steps < args.steps if args.steps else minutes_since(start) < args.minutes:
                iterate()
                steps += 1
            took = minutes_since(start)
            rows[name].append(measure(draw, classifier, reference))
            found = f"FID-digits {rows[name][-1].frechet:.2f}, confidence {rows[name][-1].confidence:.3f}"
            print(f"seed {seed}, {name}: {steps} steps in {took:.1f} minutes, {found}", flush=True)
    report(rows)


def report(rows: dict[str, list[Scores]]) -> None:
    """Print the run in the middle of each way, and all values."""
    middle = {
        name: sorted(found, key=lambda scores: scores.frechet)[(len(found) - 1) // 2] for name, found in rows.items()
    }
    print(table(middle))
    for name, found in rows.items():
        median = statistics.median(scores.frechet for scores in found)
        values = ", ".join(f"{scores.frechet:.2f} ({scores.confidence:.3f})" for scores in found)
        print(f"{name}: median FID-digits {median:.2f} of {values}, confidence in brackets")


if __name__ == "__main__":
    main()
