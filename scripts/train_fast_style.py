"""Train `fast_style`: one network that paints in one pass, in the styles of all seven paintings or of those named.

    python scripts/train_fast_style.py
    python scripts/train_fast_style.py --paintings great_wave --width 12 --blocks 4 --steps 1000 --out wave.safetensors

A killed training goes on from --save-to. What is shipped is the moving average of the weights. Squares, their styles
and mirroring come from --seed. The record's scores are of photographs that were held out, 256 pixels, for each style:
after how many steps chapter 01's optimisation is as good by its own objective (alpha 1e-4), and how much of the style
gap is closed, 1 - L_style(painted) / L_style(photograph).
"""

import argparse
import statistics
from typing import cast

import torch
from _training import ship, start, train, training_parser
from torch import Tensor

from gencourse import data
from gencourse.images import resize
from gencourse.methods import style
from gencourse.methods.fast_style import (
    JUDGED,
    FastStyleStep,
    perceptual_objective,
    steps_worth,
    style_grams,
    stylize_fast,
)
from gencourse.networks.features import Extractor, extractor
from gencourse.networks.stylenet import TransformerNet
from gencourse.training.crops import Crops
from gencourse.training.helpers import Average

SIZE = 256  # longer side of the pictures that are judged, and of the paintings
HELD_OUT = 4  # photographs of the test split that are judged


def scores(network: TransformerNet, look: Extractor, photographs: list[Tensor], steps: int) -> dict[str, dict]:
    """Return, for each style, the steps of optimisation that a pass is worth, and the style gap that it closes."""
    found = {}
    for k, name in enumerate(network.names):
        painting = data.painting(name, SIZE).to(look.mean.device)
        grams = style_grams(look, [painting])
        worth, closed = [], []
        for x in photographs:
            y = stylize_fast(x, network, k)
            with torch.no_grad():
                painted, before = (perceptual_objective(look, z * 2 - 1, x * 2 - 1, grams, JUDGED) for z in (y, x))
            options = {"alpha": JUDGED, "relative": False, "steps": steps, "show": False}
            losses = style.stylize(x, painting, look, **options).history["total"]
            worth.append(steps_worth(losses, painted["total"].item()) or steps)
            closed.append(1 - (painted["style"] / before["style"]).item())
        found[name] = {"worth steps": statistics.median(worth), "style gap closed": round(statistics.mean(closed), 3)}
        print(name, found[name], flush=True)
    return found


def parsed() -> argparse.Namespace:
    parser = training_parser(__doc__, "fast_style", steps=20_000, batch=4)
    add = parser.add_argument
    add("--paintings", nargs="+", choices=data.paintings(), default=data.paintings())
    add("--width", type=int, default=16, help="channels of the first layer")
    add("--blocks", type=int, default=5)
    add("--size", type=int, default=128, help="side of the squares that are cut out of photographs")
    add("--rate", type=float, default=3e-3, help="learning rate at the beginning; it falls to zero along a cosine")
    add("--alpha", type=float, default=5e-4, help="weight of content against style")
    add("--smoothness", type=float, default=0.0, help="weight of the total variation")
    add("--decay", type=float, default=0.999, help="of the moving average")
    add("--judge-steps", type=int, default=60, help="of the optimisation that passes are compared with")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    device, draws = start(args)
    look = extractor("embedded", device=device)
    grams = style_grams(look, [data.painting(name, SIZE).to(device) for name in args.paintings])
    photographs = data.photographs("train").values()
    crops = Crops(photographs, args.batch, args.size, seed=args.seed)
    network = TransformerNet(width=args.width, blocks=args.blocks, styles=args.paintings).to(device)
    average = Average(network, args.decay)
    painter = cast(TransformerNet, average.module)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps)
    step = FastStyleStep(
        network,
        look,
        grams,
        optimizer,
        alpha=args.alpha,
        smoothness=args.smoothness,
        schedules=(schedule,),
        average=average,
        generator=draws,
    )
    weights = sum(p.numel() for p in network.parameters())
    print(f"{weights:,} weights, {sum(map(len, network.rows(0))):,} of them for each of {len(args.paintings)}")
    shown = resize(next(iter(data.photographs("test").values())), SIZE)

    def preview() -> Tensor:
        shares = range(min(7, len(args.paintings)))
        return torch.cat([stylize_fast(shown, painter, k) for k in shares])

    history = train(step, crops, step.state, args, device=device, preview=preview)
    held_out = [resize(x, SIZE).to(device) for x in list(data.photographs("test").values())[:HELD_OUT]]
    kept = ("batch", "size", "rate", "alpha", "smoothness", "decay", "seed")
    ship(
        args.out,
        painter,
        arguments=network.arguments,
        data=f"squares of {args.size} pixels out of {len(crops.pictures)} photographs; {', '.join(args.paintings)}",
        history=history,
        device=device,
        scores=scores(painter, look, held_out, args.judge_steps),
        more={"training": {key: getattr(args, key) for key in kept}},
    )


if __name__ == "__main__":
    main()
