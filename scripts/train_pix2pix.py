"""Train `pix2pix_emoji`, which colours line drawings, or pix2pix on other pairs.

    python scripts/train_pix2pix.py
    python scripts/train_pix2pix.py --pairs seasons --adversarial 0 --steps 5000 --out winter.safetensors
    python scripts/train_pix2pix.py --pairs facades --size 256 --paper --batch 1 --steps 80000 --out facades.safetensors

A killed training goes on from --save-to. What is shipped is the moving average of the generator's weights. The order of
the pairs and how they are moved come from --seed. The record's scores are of pairs that were held out: PSNR of all
together and, for pictures in colour, that of what goes in, the entropy of the hues and the saturation beside those of
the true pictures, and the Fréchet distance of places to the true ones.
"""

import argparse
import math
from typing import cast

import torch
from _training import ship, start, train, training_parser
from torch import Tensor
from torch.nn.functional import l1_loss, mse_loss

from gencourse import data, metrics
from gencourse.data.paired import PairedSets
from gencourse.methods import cyclegan, pix2pix
from gencourse.metrics.patches import patch_frechet
from gencourse.networks.features import extractor
from gencourse.networks.patchgan import PATCHES, patch_discriminator
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.training.helpers import Average
from gencourse.training.paired import PairedBatches

LAYER = "conv3_2"  # of the embedded network, for the distance of places
AT_ONCE = 32  # pictures


def scores(network: UNetGenerator, sets: PairedSets, device: torch.device) -> dict[str, float]:
    """Return how near the translations of the held-out pairs come to the truth, and how their colours compare."""
    a, b = sets.test_a.unit(), sets.test_b.unit()
    made = cyclegan.translate(network, a)
    found = {"pooled PSNR": metrics.pooled_psnr(made, b)}
    if b.shape[1] == 3:
        found["pooled PSNR untranslated"] = metrics.pooled_psnr(a.expand_as(b), b)
        for name, x in (("", made), (" of the truth", b)):
            found |= {f"hue entropy{name}": metrics.hue_entropy(x), f"saturation{name}": metrics.saturation(x)}
        look = extractor("embedded", layers=[LAYER], device=device)
        both = ([part.to(device) for part in x.split(AT_ONCE)] for x in (made, b))
        found[f"Frechet distance of places, {LAYER}"] = patch_frechet(look, *both, LAYER)
    return {
        f"{name}, {len(a)} test pairs": round(value, 3) if math.isfinite(value) else 99.0
        for name, value in found.items()
    }


def parsed() -> argparse.Namespace:
    parser = training_parser(__doc__, "pix2pix_emoji", steps=20_000, batch=8)
    add = parser.add_argument
    add("--pairs", choices=("emoji", "seasons", "facades", "maps"), default="emoji")
    add("--reverse", action="store_true", help="from B to A")
    add("--size", type=int, default=64)
    add("--n", type=int, help="pairs to train with at most")
    add("--tests", type=int, help="pairs to test with at most")
    add("--grow", type=int, default=8, help="pixels by which pairs are enlarged before they are cut")
    add("--no-flip", dest="flip", action="store_false", help="mirror no pair")
    add("--paper", action="store_true", help="the paper's networks: 8 levels, 64 to 512 channels, patches of 70")
    add("--width", type=int, default=32, help="channels of the generator's first level")
    add("--levels", type=int, default=5, help="how often it halves a picture")
    add("--max-width", type=int, default=128, help="the most channels of a level")
    add("--no-skips", dest="skips", action="store_false")
    add("--dropout", type=float, default=0.5)
    add("--batch-norm", action="store_true", help="in the generator, in place of instance normalisation")
    add("--resize", action="store_true", help="repeat pixels and convolve, in place of transposed convolutions")
    add("--patch", type=int, choices=PATCHES, default=34, help="side of what one logit of the discriminator sees")
    add("--judge", type=int, default=32, help="channels of the discriminator's first layer")
    add("--unconditional", dest="conditional", action="store_false", help="the discriminator does not see what went in")
    add("--l1", type=float, default=100.0, help="weight of the distance to the truth")
    add("--adversarial", type=float, default=1.0, help="weight of the discriminator's word; 0 leaves it out")
    add("--squared", action="store_true", help="squared in place of absolute error")
    add("--cross-entropy", action="store_true", help="in place of least squares")
    add("--rate", type=float, default=2e-4, help="learning rate, constant for half of the steps, then falling to zero")
    add("--decay", type=float, default=0.999, help="of the moving average")
    args = parser.parse_args()
    if args.paper:
        args.width, args.levels, args.max_width, args.batch_norm = 64, 8, 512, True
        args.patch, args.judge = 70, 64
    return args


def main() -> None:
    args = parsed()
    device, _ = start(args)
    sets = data.paired_sets(args.pairs, size=args.size, n=args.n, tests=args.tests)
    sets = sets.reversed() if args.reverse else sets
    batches = PairedBatches(
        sets.train_a.images, sets.train_b.images, args.batch, grow=args.grow, flip=args.flip, seed=args.seed
    )
    inputs, outputs = (side.images.shape[1] for side in (sets.train_a, sets.train_b))
    generator = UNetGenerator(
        inputs=inputs,
        outputs=outputs,
        width=args.width,
        levels=args.levels,
        max_width=args.max_width,
        skips=args.skips,
        dropout=args.dropout,
        batch_norm=args.batch_norm,
        resize=args.resize,
    )
    seen = outputs + (inputs if args.conditional else 0)
    discriminator = patch_discriminator(args.patch, inputs=seen, width=args.judge)
    generator, discriminator = generator.to(device), discriminator.to(device)  # channels-last was slower at 64 pixels
    average = Average(generator, args.decay)
    translator = cast(UNetGenerator, average.module)
    optimizers = cyclegan.adam(generator, rate=args.rate), cyclegan.adam(discriminator, rate=args.rate)
    step = pix2pix.Pix2PixStep(
        generator,
        discriminator,
        optimizers,
        l1=args.l1,
        adversarial=args.adversarial,
        conditional=args.conditional,
        distance=mse_loss if args.squared else l1_loss,
        losses=pix2pix.cross_entropy() if args.cross_entropy else pix2pix.LEAST_SQUARES,
        schedules=tuple(cyclegan.constant_then_linear(optimizer, args.steps) for optimizer in optimizers),
        average=average,
    )
    weights = [sum(p.numel() for p in network.parameters()) for network in (generator, discriminator)]
    print(f"{weights[0]:,} weights in G, {weights[1]:,} in D; {len(sets.train_a)} pairs to train with")
    shown = sets.test_a.subset(slice(8)).unit()

    def preview() -> Tensor:
        return cyclegan.translate(translator, shown)

    history = train(step, batches, step.state, args, device=device, preview=preview)
    ship(
        args.out,
        translator,
        arguments=generator.arguments,
        data=f"{len(sets.train_a)} pairs of {args.pairs}, {args.size} pixels{', from B to A' if args.reverse else ''}",
        history=history,
        device=device,
        scores=scores(translator, sets, device),
        more={"training": {k: v for k, v in vars(args).items() if isinstance(v, bool | int | float)}},
    )


if __name__ == "__main__":
    main()
