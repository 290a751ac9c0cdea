"""Train a conditional GAN on MNIST, its label entering D in one of three ways.

    python scripts/train_conditional_gan.py --way projection
    python scripts/train_conditional_gan.py --way auxiliary --steps 2000 --out /tmp/auxiliary.safetensors

Trained on the last 50,000 of MNIST's training digits and judged on the 10,000 embedded ones, which are the first
10,000: how near the samples come to them, how often a classifier reads the digit that was asked for, and how near and
how varied they are inside each class, equally many of each. G is the same in all three ways. MNIST is downloaded at the
first use.
"""

import argparse
from collections.abc import Callable
from typing import Any

import torch
from _training import digits_to_train_on, ship, start, train, training_parser
from torch import Tensor, nn

from gencourse import Average, checkpoints, data
from gencourse.methods import gan
from gencourse.methods.conditional_gan import AuxiliaryStep
from gencourse.methods.cyclegan import constant_then_linear
from gencourse.metrics import features, intra_class, score
from gencourse.modes import eval_mode
from gencourse.networks.conditional import AuxiliaryDiscriminator, ConcatDiscriminator
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.training.helpers import end_iteration, named_state

WAYS = {"projection": Discriminator, "concatenation": ConcatDiscriminator, "auxiliary": AuxiliaryDiscriminator}
Step = Callable[[Any], dict[str, Tensor]]


def scores(network: nn.Module, count: int = 10_000) -> dict[str, Any]:
    """Return what the harness finds, how often the digit is the one asked for, and what it finds inside the classes."""
    classifier, digits = checkpoints.load("digits"), data.digits()
    wanted = torch.arange(count) % 10
    samples = gan.sample_images(network, count, labels=wanted, generator=torch.Generator().manual_seed(0))
    real, fake = features(digits.unit(), classifier), features(samples, classifier)
    found = score(samples, real, classifier, split="all embedded digits").as_dict()
    inside = intra_class.class_scores(real, digits.labels, fake, wanted)
    return found | {name: round(value, 4) for name, value in inside.items()}


def parsed() -> argparse.Namespace:
    parser = training_parser(__doc__, "conditional_gan", steps=8_000, batch=64)
    parser.add_argument("--way", choices=WAYS, default="projection", help="where the label enters D")
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate, falling to zero in the second half")
    parser.add_argument("--width", type=int, default=32, help="of both networks")
    parser.add_argument("--depth", type=int, default=3, help="how often a picture is halved")
    parser.add_argument("--latent", type=int, default=64)
    parser.add_argument("--weight", type=float, default=1.0, help="of the auxiliary classifier's losses")
    return parser.parse_args()


def training(args: argparse.Namespace, device: torch.device, noise: torch.Generator) -> tuple[Step, dict, Average]:
    """Return the step, what of it changes, and the average of G."""
    generator = Generator(latent=args.latent, width=args.width, depth=args.depth, classes=10).to(device)
    discriminator = WAYS[args.way](width=args.width, depth=args.depth, classes=10).to(device)
    nets = generator, discriminator
    adam = tuple(torch.optim.Adam(net.parameters(), args.rate, (0.5, 0.999)) for net in nets)
    rates = tuple(constant_then_linear(optimizer, args.steps) for optimizer in adam)
    average = Average(generator)
    options = {"average": average, "noise": noise}
    if args.way == "auxiliary":
        step = AuxiliaryStep(*nets, adam, weight=args.weight, schedules=rates, **options)
        return step, step.state, average
    usual = gan.GANStep(*nets, adam, losses=gan.bce(), **options)

    def step(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        losses = usual(batch)
        end_iteration(rates)
        return losses

    things = {"generator": generator, "discriminator": discriminator, "average": average, "noise": noise}
    return step, named_state(rates, **things, optimizer_g=adam[0], optimizer_d=adam[1]), average


def main() -> None:
    args = parsed()
    device, noise = start(args)
    digits = digits_to_train_on()
    batches = data.Batches(digits.signed(), args.batch, labels=digits.labels, seed=args.seed)
    step, state, average = training(args, device, noise)
    shown = torch.arange(10, device=device).repeat(8)
    z = torch.randn(8, args.latent, generator=torch.Generator().manual_seed(1)).to(device).repeat_interleave(10, 0)

    def preview() -> Tensor:
        with eval_mode(average.module):
            return (average.module(z, shown).cpu() + 1) / 2

    history = train(step, batches, state, args, device=device, preview=preview)
    ship(
        args.out,
        average.module,
        arguments={"latent": args.latent, "width": args.width, "depth": args.depth, "classes": 10},
        data=f"the last {len(digits):,} of MNIST's 60,000 training digits",
        history=history,
        device=device,
        scores=scores(average.module),
        more={"way": args.way},
    )


if __name__ == "__main__":
    main()
