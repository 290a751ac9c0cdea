"""How far from the truth: chapter 04's CycleGAN, without pairs, and pix2pix, with pairs, after the same minutes.

    python benchmarks/cyclegan_quality.py --seeds 0 1 2

Drawn seasons at 64 pixels: 1,000 summer scenes and 1,000 winter scenes, none of them in both. Networks, rates and steps
are those of the chapter's cpu profile. pix2pix gets the same generator and discriminator, the pairs of its direction's
training pictures, and in each direction alone as many seconds as CycleGAN took for both. Scored on 200 test pairs:
PSNR of the translation against the true other season. Scoring does not count as time.
"""

import argparse
import statistics
import time

import torch
from torch import Tensor

from gencourse import data, fit, metrics, seasons
from gencourse.methods import cyclegan
from gencourse.methods.gan_tricks import ImagePool
from gencourse.methods.pix2pix import Pix2PixStep
from gencourse.networks.translation import PatchDiscriminator, ResnetGenerator

BATCH, RATE = 2, 8e-4


def generator() -> ResnetGenerator:
    return ResnetGenerator(width=16, blocks=4).to(memory_format=torch.channels_last)


def discriminator(inputs: int = 3) -> PatchDiscriminator:
    return PatchDiscriminator(inputs=inputs, width=32, layers=2).to(memory_format=torch.channels_last)


def without_pairs(sets: data.TranslationSets, steps: int, seed: int) -> tuple[cyclegan.Translators, float]:
    """Train CycleGAN, return its networks and the seconds it took."""
    torch.manual_seed(seed)
    nets = cyclegan.Translators(generator(), generator(), discriminator(), discriminator())
    optimizers = cyclegan.adam(nets.G, nets.F, rate=RATE), cyclegan.adam(nets.D_A, nets.D_B, rate=RATE)
    schedules = tuple(cyclegan.constant_then_linear(optimizer, steps) for optimizer in optimizers)
    step = cyclegan.CycleGANStep(nets, optimizers, pools=(ImagePool(50), ImagePool(50)), schedules=schedules)
    batches = data.UnpairedBatches(sets.train_a.images, sets.train_b.images, BATCH, seed=seed)
    return nets, fit(step, batches, steps=steps, title=f"CycleGAN, seed {seed}").seconds


def with_pairs(a: Tensor, b: Tensor, seconds: float, seed: int, title: str) -> tuple[ResnetGenerator, float, int]:
    """Train pix2pix for about so many seconds, return its generator, the seconds it took and its steps."""
    pairs = torch.cat([a, b], 1).float() / 127.5 - 1

    def train(steps: int, **shown) -> tuple[ResnetGenerator, float]:
        torch.manual_seed(seed)
        g, d = generator(), discriminator(6)
        optimizers = cyclegan.adam(g, rate=RATE), cyclegan.adam(d, rate=RATE)
        schedules = tuple(cyclegan.constant_then_linear(optimizer, steps) for optimizer in optimizers)
        step = Pix2PixStep(g, d, optimizers, schedules=schedules)
        history = fit(
            lambda ab: step((ab[:, :3], ab[:, 3:])), data.Batches(pairs, BATCH, seed=seed), steps=steps, **shown
        )
        return g, history.seconds

    train(20, show=False)  # warm up
    steps = round(seconds / (train(100, show=False)[1] / 100))
    return *train(steps, title=title), steps


def other_season(pictures: data.ImageSet, season: str) -> Tensor:
    """Draw the scenes of some pictures in another season: uint8."""
    return (seasons.render([m["seed"] for m in pictures.meta], season) * 255).round().to(torch.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000, help="of CycleGAN")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--no-pairs", action="store_true", help="leave pix2pix out")
    args = parser.parse_args()
    sets = data.translation_sets("seasons")
    summer, winter = sets.test_a.unit(), sets.test_b.unit()
    copied = metrics.psnr(summer, winter).mean().item()
    rows: dict[str, list[float]] = {}
    print(f"left as it is: {copied:.2f} dB; {args.steps} steps of CycleGAN; {len(summer)} test pairs", flush=True)
    began = time.perf_counter()
    for seed in args.seeds:
        nets, seconds = without_pairs(sets, args.steps, seed)
        print(f"seed {seed}: CycleGAN {seconds / 60:.1f} minutes", flush=True)
        ways = {
            "summer to winter": (nets.G, summer, winter, sets.train_a, "winter"),
            "winter to summer": (nets.F, winter, summer, sets.train_b, "summer"),
        }
        for way, (network, given, truth, pictures, season) in ways.items():
            ours = metrics.psnr(cyclegan.translate(network, given), truth).mean().item()
            found = {"CycleGAN": ours, "nearer than left as it is": ours - copied}
            if not args.no_pairs:
                g, took, steps = with_pairs(pictures.images, other_season(pictures, season), seconds, seed, way)
                theirs = metrics.psnr(cyclegan.translate(g, given), truth).mean().item()
                found |= {"pix2pix": theirs, "part of the gap closed": (ours - copied) / (theirs - copied)}
                print(f"  pix2pix, {way}: {took / 60:.1f} minutes, {steps} steps", flush=True)
            for name, value in found.items():
                rows.setdefault(f"{way}: {name}", []).append(value)
                print(f"  {way}: {name} {value:.2f}", flush=True)
    print(f"\nmedian of seeds {args.seeds}, {(time.perf_counter() - began) / 60:.0f} minutes in all")
    for name, values in rows.items():
        print(f"{name:44} {statistics.median(values):6.2f}   {', '.join(f'{v:.2f}' for v in values)}")


if __name__ == "__main__":
    main()
