"""Train `sgan_digits`, a classifier of digits from few labels, and its generator; or what it is compared with.

    python scripts/train_semi_supervised.py
    python scripts/train_semi_supervised.py --way labels --steps 2000 --out /tmp/labels.safetensors
    python scripts/train_semi_supervised.py --unlabelled 10000 --steps 5000 --label-seed 1 --out /tmp/one.safetensors

Digits and labels come from the last 50,000 of MNIST's training digits: --labels of them keep their label, equally many
of each class, and --unlabelled of them are seen without, the labelled ones among them, as is usual. Errors are counted
on MNIST's 10,000 test digits and on the 10,000 embedded ones, once, with the moving average of the weights. The ways:

    matching   K + 1 classes, G by feature matching             usual    K + 1 classes, G by its usual loss
    labels     the labelled digits alone, without shifts        shifts   the labelled digits alone, shifted

MNIST is downloaded at the first use.
"""

import argparse
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from _training import EMBEDDED, digits_to_train_on, ship, start, train, training_parser
from torch import Tensor, nn

from gencourse import Average, checkpoints, data, descend
from gencourse.methods import gan, gan_tricks, probe
from gencourse.methods.cyclegan import constant_then_linear
from gencourse.methods.semi_supervised import SemiSupervisedStep, few_labels
from gencourse.metrics import score
from gencourse.networks.sgan import SGAN
from gencourse.training.helpers import end_iteration, named_state

Training = tuple[Callable[[Any], dict[str, Tensor]], Iterable, dict[str, Any]]


def parsed() -> argparse.Namespace:
    parser = training_parser(__doc__, "sgan_digits", steps=24_000, batch=64)
    add = parser.add_argument
    add("--way", choices=("matching", "usual", "labels", "shifts"), default="matching")
    add("--labels", type=int, default=100, help="digits that keep their label, of all ten classes together")
    add("--label-seed", type=int, default=0, help="which digits these are")
    add("--unlabelled", type=int, default=50_000, help="digits that are seen without a label")
    add("--shift", type=int, default=2, help="pixels by which real digits are shifted at most")
    add("--rate", type=float, default=1e-3, help="learning rate, falling to zero in the second half")
    add("--decay", type=float, default=0.999, help="of the moving averages")
    add("--width", type=int, default=32, help="of the discriminator")
    add("--hidden", type=int, default=128, help="numbers in its last layer but one")
    add("--noise", type=float, default=0.3, help="deviation of the noise on its pictures")
    add("--dropout", type=float, default=0.1, help="share of feature maps that is dropped after each convolution")
    add("--maker", type=int, default=24, help="width of the generator")
    add("--latent", type=int, default=64)
    return parser.parse_args()


def networks(args: argparse.Namespace) -> SGAN:
    judge = {"width": args.width, "hidden": args.hidden, "noise": args.noise, "dropout": args.dropout}
    return SGAN(generator={"latent": args.latent, "width": args.maker, "depth": 3}, discriminator=judge)


def training(args: argparse.Namespace, both: SGAN, average: Average, digits: data.ImageSet) -> Training:
    """Return the step, the batches and what changes. Of the labels only those that are chosen here are looked at."""
    chosen = few_labels(digits.labels, args.labels // 10, generator=torch.Generator().manual_seed(args.label_seed))
    few, draws = digits.subset(chosen), torch.Generator().manual_seed(args.seed)
    labelled = data.Batches(few.signed(), min(args.batch, len(few)), labels=few.labels, seed=args.seed)
    nets = both.generator, both.discriminator
    optimizers = tuple(torch.optim.Adam(net.parameters(), args.rate, (0.5, 0.999)) for net in nets)
    rates = tuple(constant_then_linear(optimizer, args.steps) for optimizer in optimizers)
    shift = gan_tricks.translation(args.shift if args.way != "labels" else 0, generator=draws)
    state = {"average": average, "shifts": draws}
    if args.way in ("labels", "shifts"):

        def step(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
            x, labels = batch
            loss = descend(optimizers[1], F.cross_entropy(both.discriminator(shift(x)), labels))
            end_iteration(rates[1:], (average, both))
            return {"cross-entropy": loss}

        return step, labelled, state | named_state(rates[1:], networks=both, optimizer=optimizers[1])
    noise, matching = torch.Generator().manual_seed(args.seed + 1), args.way == "matching"
    iterate = SemiSupervisedStep(
        *nets, optimizers, labelled, matching=matching, augment=shift, schedules=rates, noise=noise
    )

    def step(batch: Tensor) -> dict[str, Tensor]:
        losses = iterate(batch)
        average.update(both)
        return losses

    unlabelled = data.Batches(digits.signed(), args.batch, seed=args.seed + 1)
    return step, unlabelled, state | iterate.state


def scores(network: SGAN, args: argparse.Namespace) -> dict[str, Any]:
    """Return the errors of the classifier, and how the generator's digits compare."""
    found = {}
    for name, digits in (("MNIST's test digits", data.load("mnist", "test")), ("embedded digits", data.digits())):
        found[f"errors of {len(digits):,} {name}"] = probe.error_count(network, digits.unit(), digits.labels)
    if args.way in ("labels", "shifts"):
        return found  # nothing was generated
    samples = gan.sample_images(network.generator, EMBEDDED, generator=torch.Generator().manual_seed(0))
    return (
        found | score(samples, data.digits().unit(), checkpoints.load("digits"), split="all embedded digits").as_dict()
    )


def main() -> None:
    args = parsed()
    device, _ = start(args)
    digits = digits_to_train_on(args.unlabelled)
    both = networks(args).to(device)
    average = Average(both, args.decay)
    step, batches, state = training(args, both, average, digits)
    history = train(step, batches, state, args, device=device)
    network: nn.Module = average.module
    assert isinstance(network, SGAN)
    ship(
        args.out,
        network,
        arguments=both.arguments,
        data=f"{len(digits):,} of MNIST's last 50,000 training digits, {args.labels // 10 * 10} of them with labels",
        history=history,
        device=device,
        scores=scores(network, args),
        more={"way": args.way, "labels": args.labels // 10 * 10, "label seed": args.label_seed},
    )


if __name__ == "__main__":
    main()
