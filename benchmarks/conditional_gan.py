"""Where the label enters D, and what unlabelled pictures are worth, after the same minutes on the same pictures.

    python benchmarks/conditional_gan.py --minutes 2 --seeds 0 1 2
    python benchmarks/conditional_gan.py --few --minutes 4 --seeds 0 1 2
    python benchmarks/conditional_gan.py --data fashion_mnist --minutes 2

The first table: one generator, and a discriminator that is told the label in one of three ways. 10,000 samples, equally
many of each class, are compared with as many pictures that nobody trained on, in a classifier's features. The second,
with --few: errors of a classifier from 100 labels, alone, with shifts, and as a discriminator of K + 1 classes; a seed
draws the labels too. Everybody trains on the last 50,000 training pictures, or --n of them; errors are counted on the
10,000 test pictures. For fashion_mnist the classifier that judges is trained first. Runs are interleaved by seed. A
minute is one of processor time on each core in use; scoring does not count.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from _clock import minutes_since
from _tables import show
from torch import nn

from gencourse import Average, checkpoints, data, descend
from gencourse.methods import gan, gan_tricks, probe
from gencourse.methods.conditional_gan import AuxiliaryStep
from gencourse.methods.semi_supervised import SemiSupervisedStep, few_labels
from gencourse.metrics import Features, features, frechet_distance, intra_class
from gencourse.networks.classifier import Classifier
from gencourse.networks.conditional import AuxiliaryDiscriminator, ConcatDiscriminator
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.networks.sgan import SemiSupervisedDiscriminator

HELD_OUT = 10_000  # the first training pictures, which nobody trains on
WAYS = {
    "projection": Discriminator,
    "concatenation": ConcatDiscriminator,
    "auxiliary classifier": AuxiliaryDiscriminator,
}
FEW = ("labels alone", "with shifts", "K + 1, usual loss", "K + 1, feature matching")
BATCH = 64
Iterate = Callable[[], Any]


def adam(network: nn.Module, rate: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(network.parameters(), rate, (0.5, 0.999))


def conditional(way: str, pictures: data.ImageSet, seed: int) -> tuple[Iterate, nn.Module]:
    """Return an iteration and the generator whose weights it averages."""
    shape = {"width": 32, "depth": 3, "classes": 10}
    nets = Generator(latent=64, **shape), WAYS[way](**shape)
    average, noise = Average(nets[0], 0.998), torch.Generator().manual_seed(seed)
    options = {"average": average, "noise": noise, "losses": gan.bce()}
    kind = AuxiliaryStep if way == "auxiliary classifier" else gan.GANStep
    step = kind(*nets, (adam(nets[0], 5e-4), adam(nets[1], 5e-4)), **options)
    batches = data.Batches(pictures.signed(), BATCH, labels=pictures.labels, seed=seed)
    return lambda: step(next(batches)), average.module


def from_few(way: str, pictures: data.ImageSet, seed: int) -> tuple[Iterate, nn.Module]:
    """Return an iteration and the classifier whose weights it averages; 100 labels are looked at, and no other."""
    few = pictures.subset(few_labels(pictures.labels, 10, generator=torch.Generator().manual_seed(seed)))
    labelled = data.Batches(few.signed(), BATCH, labels=few.labels, seed=seed)
    nets = Generator(latent=64, width=24, depth=3), SemiSupervisedDiscriminator()
    optimizers, average = (adam(nets[0], 1e-3), adam(nets[1], 1e-3)), Average(nets[1], 0.998)
    noise = torch.Generator().manual_seed(seed)
    shift = gan_tricks.translation(0 if way == "labels alone" else 2, generator=noise)
    if way.startswith("K + 1"):
        matching, averages = way.endswith("matching"), (None, average)
        step = SemiSupervisedStep(
            *nets, optimizers, labelled, matching=matching, augment=shift, averages=averages, noise=noise
        )
        unlabelled = data.Batches(pictures.signed(), BATCH, seed=seed + 1)
        return lambda: step(next(unlabelled)), average.module

    def iterate() -> None:
        x, labels = next(labelled)
        descend(optimizers[1], F.cross_entropy(nets[1](shift(x)), labels))
        average.update(nets[1])

    return iterate, average.module


def judge_of(name: str, pictures: data.ImageSet, steps: int) -> nn.Module:
    """Return the classifier in whose features samples are compared: the shipped one, or one trained here."""
    if name == "mnist":
        return checkpoints.load("digits")
    torch.manual_seed(0)
    network, batches = Classifier(name=name), data.Batches(pictures.unit(), 128, labels=pictures.labels)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(steps):
        x, labels = next(batches)
        descend(optimizer, F.cross_entropy(network(x)[1], labels))
    return network.eval()


def inside(network: nn.Module, judge: nn.Module, real: Features, labels: torch.Tensor) -> dict[str, float]:
    """Measure a generator, as a whole and inside the classes."""
    wanted = torch.arange(HELD_OUT) % 10
    samples = gan.sample_images(network, HELD_OUT, labels=wanted, generator=torch.Generator().manual_seed(0))
    fake = features(samples, judge)
    whole = frechet_distance(real.features, fake.features)
    return {f"FID-{judge.name}": whole} | intra_class.class_scores(real, labels, fake, wanted)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--few", action="store_true", help="the second table")
    add("--data", choices=("mnist", "fashion_mnist"), default="mnist")
    add("--n", type=int, default=50_000, help="pictures to train with")
    add("--minutes", type=float, default=2.0, help="of training, for each run")
    add("--steps", type=int, help="count these in place of minutes")
    add("--seeds", type=int, nargs="+", default=[0, 1, 2])
    add("--ways", nargs="+", help="some of the ways, by their names in the table")
    add("--judge-steps", type=int, default=3_000, help="of the classifier that judges fashion_mnist")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    every = data.load(args.data, "train")
    train, held_out = every.subset(slice(HELD_OUT, HELD_OUT + args.n)), every.subset(slice(HELD_OUT))
    tests = data.load(args.data, "test")
    if not args.few:
        judge = judge_of(args.data, every.subset(slice(HELD_OUT, None)), args.judge_steps)
        print(f"errors of the judge on the test pictures: {probe.error_count(judge, tests.unit(), tests.labels)}")
        real = features(held_out.unit(), judge)
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in args.ways or (FEW if args.few else WAYS)}
    for seed in args.seeds:
        for name, found in rows.items():
            torch.manual_seed(seed)
            iterate, network = (from_few if args.few else conditional)(name, train, seed)
            steps, start = 0, time.process_time()
            while steps < args.steps if args.steps else minutes_since(start) < args.minutes:
                iterate()
                steps += 1
            if args.few:
                errors = {"errors of 10,000": float(probe.error_count(network, tests.signed(), tests.labels))}
            else:
                errors = inside(network, judge, real, held_out.labels)
            found.append({"steps": float(steps)} | errors)
            print(f"seed {seed}, {name}: {found[-1]}", flush=True)
    show([{"way": name} | middle(found) for name, found in rows.items()])


def middle(found: list[dict[str, float]]) -> dict[str, str]:
    """Write each column's median, and its range in brackets."""
    columns = {key: [one[key] for one in found] for key in found[0]}
    return {
        key: f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"
        for key, values in columns.items()
    }


if __name__ == "__main__":
    main()
