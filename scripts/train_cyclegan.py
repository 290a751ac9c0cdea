"""Train the generators `cyclegan_summer2winter` and `cyclegan_winter2summer` on drawn landscapes, without pairs.

    python scripts/train_cyclegan.py

Summer scenes and winter scenes of the training split share none. Tested on pairs of the test split: PSNR and SSIM of
the translation against the true other season, beside those of the untranslated picture. Ships moving averages of the
generators' weights, one file each.
"""

import torch
from _training import ship, start, train, training_parser
from torch import nn

from gencourse import checkpoints, data, metrics
from gencourse.methods import cyclegan
from gencourse.methods.gan_tricks import ImagePool
from gencourse.networks.translation import PatchDiscriminator, ResnetGenerator
from gencourse.training.helpers import Average

NAMES = ("cyclegan_summer2winter", "cyclegan_winter2summer")  # G: A -> B, F: B -> A


def scores(network: nn.Module, pictures: data.ImageSet, truth: data.ImageSet) -> dict[str, float]:
    """Mean PSNR and SSIM to the true other season, of the translation and of the picture left as it is."""
    x, y = pictures.unit(), truth.unit()
    translated = cyclegan.translate(network, x)
    found = {"PSNR": metrics.psnr(translated, y), "SSIM": metrics.ssim(translated, y)}
    found |= {"PSNR untranslated": metrics.psnr(x, y), "SSIM untranslated": metrics.ssim(x, y)}
    return {f"{name} on {len(x)} test pairs": round(values.mean().item(), 3) for name, values in found.items()}


def main() -> None:
    parser = training_parser(__doc__, "cyclegan", steps=6000, batch=4)
    parser.set_defaults(out=checkpoints.folder())  # the folder of the two checkpoints
    parser.add_argument("--rate", type=float, default=4e-4, help="learning rate, constant for half of the steps")
    parser.add_argument("--width", type=int, default=24, help="channels of the generators' first layer")
    parser.add_argument("--blocks", type=int, default=6)
    parser.add_argument("--cycle", type=float, default=10.0)
    parser.add_argument("--identity", type=float, default=5.0)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--scenes", type=int, default=4000, help="training pictures of each season")
    parser.add_argument("--tests", type=int, default=200, help="test pairs")
    args = parser.parse_args()

    device, draws = start(args)
    sets = data.translation_sets("seasons", size=args.size, n=args.scenes, tests=args.tests)
    batches = data.UnpairedBatches(sets.train_a.images, sets.train_b.images, args.batch, seed=args.seed)
    arguments = {"inputs": 3, "outputs": 3, "width": args.width, "blocks": args.blocks}
    judge = {"inputs": 3, "width": 2 * args.width, "layers": 2}
    networks = [ResnetGenerator(**arguments) for _ in range(2)] + [PatchDiscriminator(**judge) for _ in range(2)]
    nets = cyclegan.Translators(*(net.to(device, memory_format=torch.channels_last) for net in networks))
    optimizers = cyclegan.adam(nets.G, nets.F, rate=args.rate), cyclegan.adam(nets.D_A, nets.D_B, rate=args.rate)
    averages = Average(nets.G), Average(nets.F)
    step = cyclegan.CycleGANStep(
        nets,
        optimizers,
        cycle=args.cycle,
        identity=args.identity,
        pools=(ImagePool(50, generator=draws), ImagePool(50, generator=draws)),
        schedules=tuple(cyclegan.constant_then_linear(optimizer, args.steps) for optimizer in optimizers),
        averages=averages,
    )
    history = train(step, batches, step.state, args, device=device)
    directions = zip(NAMES, averages, ((sets.test_a, sets.test_b), (sets.test_b, sets.test_a)), strict=True)
    for name, average, (pictures, truth) in directions:
        ship(
            args.out / f"{name}.safetensors",
            average.module,
            arguments=arguments,
            data=f"drawn seasons, {args.size} pixels: {args.scenes} summer, {args.scenes} winter scenes, unpaired",
            history=history,
            device=device,
            scores=scores(average.module, pictures, truth),
            more={"training": {key: value for key, value in vars(args).items() if isinstance(value, int | float)}},
        )


if __name__ == "__main__":
    main()
