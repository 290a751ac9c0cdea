"""Train `superres_pixel` and `superres_adversarial`: pictures enlarged four times, first by pixels, then as SRGAN does.

    python scripts/train_super_resolution.py
    python scripts/train_super_resolution.py --steps 3000 --adversarial-steps 0 --out mine.safetensors
    python scripts/train_super_resolution.py --degraded --out camera.safetensors
    python scripts/train_super_resolution.py --rcc usr/share/gcompris-qt/rcc

The second phase goes on from the first; --adversarial-steps 0 leaves it out. A killed training goes on from --save-to,
to whose name the phase is added, as to that of --out. What is shipped is the moving average of the weights. With
--degraded the small pictures are blurred, noisy and out of JPEG files, as those of a camera are; else they are block
averages. The embedded photographs are few, and a long training learns them by heart; so squares are also turned and
their colours exchanged, and --rcc takes the originals at four sizes (where those lie: build_data.py). The record's
scores are means over the 12 photographs that were held out, beside those of bicubic interpolation.
"""

import argparse
from pathlib import Path
from typing import Any, cast

import torch
from _training import ship, start, train, training_parser
from build_photographs import originals
from torch import Tensor

from gencourse import data
from gencourse.methods.degradations import Degraded, degrade, modcrop
from gencourse.methods.enlarging import draw_noise, enlarge
from gencourse.methods.super_resolution import LossWeights, PixelStep, SRGANStep
from gencourse.methods.upsampling import area_average, bicubic
from gencourse.metrics.super_resolution import JUDGES, judge
from gencourse.networks.features import extractor
from gencourse.networks.srgan import PatchCritic, SRGenerator
from gencourse.training.crops import Crops
from gencourse.training.helpers import Average
from gencourse.training.loop import History

SCALE = 4
LAYERS = ("conv3_2", "conv4_2")  # of the features that the second phase compares, those of chapter 02
JUDGED = {"blur": 1.0, "noise": 0.01, "quality": 75}  # what a network for degraded pictures is judged on
SECOND = ("adversarial_steps", "critic", "rate_g", "rate_d", *LossWeights._fields)  # what the first phase has not
SHORTER = (288, 400, 550, 768)  # pixels of the shorter side that originals are taken at
KEPT = ("batch", "size", "rate", "decay", "seed", "degraded")


def shrink(args: argparse.Namespace, y: Tensor) -> Tensor:
    """Make a picture small, the same way every time."""
    if not args.degraded:
        return area_average(y, SCALE)
    return degrade(y, SCALE, **JUDGED, generator=torch.Generator().manual_seed(0))


def scores(network: SRGenerator | None, args: argparse.Namespace, device: torch.device) -> dict[str, float]:
    """Return what a network, or bicubic interpolation, gets on the photographs that were held out."""
    look = extractor("embedded", layers=JUDGES, device=device)
    noise = torch.Generator().manual_seed(0)

    def enlarged(x: Tensor) -> Tensor:
        if network is None:
            return bicubic(x, SCALE).clamp(0, 1)
        return enlarge(x, network, noise=draw_noise(network, x, noise))

    held_out = [modcrop(y, SCALE).to(device) for y in data.photographs("test").values()]
    found = judge(enlarged, held_out, look, scale=SCALE, shrink=lambda y: shrink(args, y))
    return {name: round(value, 4) for name, value in found.items()}


def phase(args: argparse.Namespace, name: str, steps: int) -> argparse.Namespace:
    """Return the arguments of a phase: its own steps and files, and what its result depends on."""
    own = argparse.Namespace(**vars(args), pixel_steps=args.steps)
    for key in ("pixel_steps", *SECOND) if name == "pixel" else ("adversarial_steps",):
        delattr(own, key)
    own.steps = steps
    for key in ("save_to", "out"):
        path: Path = getattr(args, key)
        setattr(own, key, path.with_stem(f"{path.stem}_{name}"))
    return own


def batches(args: argparse.Namespace) -> Crops | Degraded:
    photographs = data.photographs("train")
    pictures = photographs.values() if args.rcc is None else originals(args.rcc, photographs, SHORTER)
    crops = Crops(pictures, args.batch, args.size, augment=True, seed=args.seed)
    return Degraded(crops, SCALE, seed=args.seed) if args.degraded else crops


def optimizer_of(network: torch.nn.Module, rate: float, steps: int, betas: tuple[float, float] = (0.9, 0.999)):
    """Return Adam and its schedule: the rate falls to zero along a cosine."""
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, betas=betas)
    return optimizer, torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)


def by_pixels(network: SRGenerator, args: argparse.Namespace, device: torch.device) -> tuple[SRGenerator, History]:
    average = Average(network, args.decay)
    optimizer, schedule = optimizer_of(network, args.rate, args.steps)
    step = PixelStep(network, optimizer, schedules=(schedule,), average=average)
    kept = cast(SRGenerator, average.module)
    return kept, train(step, batches(args), step.state, args, device=device, preview=preview(kept, args))


def adversarially(network: SRGenerator, args: argparse.Namespace, device: torch.device) -> tuple[SRGenerator, History]:
    average, critic = Average(network, args.decay), PatchCritic(width=args.critic).to(device)
    optimizer_g, falling_g = optimizer_of(network, args.rate_g, args.steps)
    optimizer_d, falling_d = optimizer_of(critic, args.rate_d, args.steps, (0.5, 0.99))
    step = SRGANStep(
        network,
        critic.to(memory_format=torch.channels_last),
        extractor("embedded", layers=LAYERS, device=device),
        (optimizer_g, optimizer_d),
        weights=LossWeights(args.features, args.adversarial, args.pixels, args.grid),
        schedules=(falling_g, falling_d),
        average=average,
        draws=torch.Generator().manual_seed(args.seed),
    )
    kept = cast(SRGenerator, average.module)
    return kept, train(step, batches(args), step.state, args, device=device, preview=preview(kept, args))


def preview(network: SRGenerator, args: argparse.Namespace):
    """Return what draws a corner of three photographs that were held out."""
    corners = torch.cat([y[..., :192, :192] for y in list(data.photographs("test").values())[:3]])
    small = torch.cat([shrink(args, y[None]) for y in corners])
    return lambda: enlarge(small, network)


def finish(
    network: SRGenerator,
    history: History,
    args: argparse.Namespace,
    device: torch.device,
    by_rule: dict[str, float],
    before: dict[str, Any],
) -> None:
    """Judge what was trained, and write it with its record; by_rule: what bicubic interpolation gets."""
    ship(
        args.out,
        network,
        arguments=network.arguments,
        data=f"squares of {args.size} pixels out of the photographs{' at several sizes' if args.rcc else ''}, "
        f"{'degraded' if args.degraded else 'averaged'}",
        history=history,
        device=device,
        scores=scores(network, args, device) | {"bicubic": by_rule},
        more={"training": before | {key: getattr(args, key) for key in KEPT}},
    )


def parsed() -> argparse.Namespace:
    parser = training_parser(__doc__, "superres", steps=30_000, batch=8)
    add = parser.add_argument
    add("--adversarial-steps", type=int, default=12_000, help="of the second phase; 0 leaves it out")
    add("--width", type=int, default=32, help="channels of the generator")
    add("--blocks", type=int, default=7, help="its residual blocks")
    add("--critic", type=int, default=32, help="channels of the critic's first layer")
    add("--size", type=int, default=96, help="side of the squares that are cut out of photographs")
    add("--rate", type=float, default=1e-3, help="learning rate of the first phase")
    add("--rate-g", type=float, default=2e-4, help="of the generator in the second")
    add("--rate-d", type=float, default=4e-4, help="of the critic")
    for name, weight in LossWeights()._asdict().items():
        add(f"--{name}", type=float, default=weight, help="weight in the generator's loss, second phase")
    add("--decay", type=float, default=0.999, help="of the moving average")
    add("--rcc", type=Path, help="folder of the photographs' originals; without it the embedded ones are taken")
    add("--degraded", action="store_true", help="small pictures as a camera makes them")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    device, _ = start(args)
    network = SRGenerator(width=args.width, blocks=args.blocks, scale=SCALE).to(device)
    network = network.to(memory_format=torch.channels_last)
    print(f"{sum(p.numel() for p in network.parameters()):,} weights, {2 * network.reach + 1} pixels of context")
    first = phase(args, "pixel", args.steps)
    kept, history = by_pixels(network, first, device)
    by_rule = scores(None, args, device)
    finish(kept, history, first, device, by_rule, {})
    if args.adversarial_steps:
        second = phase(args, "adversarial", args.adversarial_steps)
        begun = {"from": f"{history.steps} steps by pixels"}
        kept, history = adversarially(kept.requires_grad_(), second, device)
        weights = {name: getattr(args, name) for name in LossWeights._fields}
        finish(kept, history, second, device, by_rule, begun | weights | {"rate_g": args.rate_g, "rate_d": args.rate_d})


if __name__ == "__main__":
    main()
