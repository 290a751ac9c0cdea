"""FID-digits of chapter 03's GAN and of the usual DCGAN script's recipe, after the same minutes on the same digits.

    python benchmarks/gan_fid.py --minutes 3 --seeds 0 1 2

The recipe: DCGAN with 64 filters, 100 numbers of noise, batches of 64, cross-entropy, Adam with rate 2e-4 and beta1 0.5
for both networks, the same fakes for D's and G's half, no moving average; at 28 pixels its layers go 1 -> 4 -> 7 ->
14 -> 28. Everybody trains on the 9,000 embedded training digits, and 10,000 samples are scored against all embedded
digits. Runs are interleaved by seed; scoring does not count as time.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gencourse import Average, checkpoints, data
from gencourse.methods import gan
from gencourse.metrics import Scores, features, score, table
from gencourse.modes import eval_mode
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import descend

SAMPLES = 10_000
Sampler = Callable[[int, torch.Generator], Tensor]


def recipe(digits: data.ImageSet, seed: int) -> tuple[Callable[[], None], Sampler]:
    """The usual script's networks and step, adapted to 28 pixels."""

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
    batches, noise = data.Batches(digits.signed(), 64, seed=seed), torch.Generator().manual_seed(seed)
    ones, zeros = torch.ones(64), torch.zeros(64)

    def iterate() -> None:
        optimizer_d.zero_grad()
        F.binary_cross_entropy_with_logits(d(next(batches)), ones).backward()
        fake = g(torch.randn(64, 100, 1, 1, generator=noise))
        F.binary_cross_entropy_with_logits(d(fake.detach()), zeros).backward()
        optimizer_d.step()
        descend(optimizer_g, F.binary_cross_entropy_with_logits(d(fake), ones))

    def draw(count: int, generator: torch.Generator) -> Tensor:
        with torch.no_grad(), eval_mode(g):
            return (g(torch.randn(count, 100, 1, 1, generator=generator)) + 1) / 2

    return iterate, draw


def chapter(digits: data.ImageSet, seed: int, *, classes: int | None = None) -> tuple[Callable[[], None], Sampler]:
    """What chapter 03 trains in the cpu profile, without or with labels."""
    g, d = Generator(latent=64, classes=classes), Discriminator(classes=classes)
    for net in (g, d):
        net.to(memory_format=torch.channels_last)
    optimizers = [torch.optim.Adam(net.parameters(), 6e-4, (0.5, 0.999)) for net in (g, d)]
    average, noise = Average(g, 0.998), torch.Generator().manual_seed(seed)
    step = gan.GANStep(g, d, tuple(optimizers), losses=gan.bce(), average=average, noise=noise)
    batches = data.Batches(digits.signed(), 64, labels=digits.labels if classes else None, seed=seed)
    return lambda: step(next(batches)), lambda n, generator: gan.sample_images(average.module, n, generator=generator)


def measure(draw: Sampler, classifier: nn.Module, reference) -> Scores:
    generator = torch.Generator().manual_seed(0)
    samples = torch.cat([draw(500, generator) for _ in range(SAMPLES // 500)])
    return score(samples, reference, classifier, split="all embedded digits")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=3.0, help="of training, for each run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    args = parser.parse_args()
    digits, classifier = data.digits("train"), checkpoints.load("digits")
    reference = features(data.digits().unit(), classifier)
    kinds = {
        "usual recipe": recipe,
        "chapter 03": chapter,
        "chapter 03, with labels": lambda digits, seed: chapter(digits, seed, classes=10),
    }
    rows: dict[str, list[Scores]] = {name: [] for name in kinds}
    for seed in args.seeds:
        for name, kind in kinds.items():
            torch.manual_seed(seed)
            iterate, draw = kind(digits, seed)
            steps, start = 0, time.monotonic()
            while time.monotonic() - start < 60 * args.minutes:
                iterate()
                steps += 1
            rows[name].append(measure(draw, classifier, reference))
            print(f"seed {seed}, {name}: {steps} steps, FID-digits {rows[name][-1].frechet:.2f}", flush=True)
    medians = {name: statistics.median(scores.frechet for scores in found) for name, found in rows.items()}
    middle = {
        name: next(scores for scores in found if scores.frechet == statistics.median_low(s.frechet for s in found))
        for name, found in rows.items()
    }
    print(table(middle))
    for name, median in medians.items():
        values = ", ".join(f"{scores.frechet:.2f}" for scores in rows[name])
        print(f"{name}: median {median:.2f} of {values}; {median / medians['usual recipe']:.2f} of the usual recipe's")


if __name__ == "__main__":
    main()
