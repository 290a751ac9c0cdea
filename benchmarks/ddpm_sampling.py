"""The shipped diffusion model: which sampler, how many steps, how much guidance? FID-digits, confidence, seconds.

    python benchmarks/ddpm_sampling.py [--count 1000] [--guided 2000]

First the samplers without guidance: --count digits each, all from the same noise. Then DPM-Solver++ with 20 steps
under several guidance weights: --guided digits each. Everything is scored against digits the model was not trained on,
the 10,000 of MNIST's test set (downloaded at the first use; `--against digits` takes the embedded ones, which it saw).
A distance shrinks as the number of samples grows: compare rows of one table only.
"""

import argparse
import time
from functools import partial

import torch

from gencourse import checkpoints, data
from gencourse.methods import samplers
from gencourse.methods.denoising import sample_images
from gencourse.metrics import features, score

ddpm = partial(samplers.ddpm, variance="posterior")  # the better one where steps are few
WAYS = (
    ("DPM-Solver++(2M)", samplers.dpm_solver_pp_2m, 10),
    ("DPM-Solver++(2M)", samplers.dpm_solver_pp_2m, 20),
    ("DDIM", samplers.ddim, 20),
    ("DDIM", samplers.ddim, 50),
    ("DDPM", ddpm, 20),
    ("DDPM, evenly in t", ddpm, torch.linspace(999, 0, 20).int().tolist()),
    ("DDPM", ddpm, 1000),
)
WEIGHTS = (1.0, 1.25, 1.5, 2.0, 3.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="digits for each sampler")
    parser.add_argument("--guided", type=int, default=2000, help="digits for each guidance weight")
    parser.add_argument("--against", choices=("mnist", "digits"), default="mnist")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    classifier, diffusion = checkpoints.load("digits"), checkpoints.load("ddpm_digits")
    real = data.load("mnist", "test") if args.against == "mnist" else data.digits()
    reference = features(real.unit(), classifier)

    sample_images(diffusion, 10, labels=torch.arange(10), steps=1)  # the first call takes longer

    def measured(count: int, **options) -> tuple[float, float, float]:
        generator, labels = torch.Generator().manual_seed(args.seed), torch.arange(count) % 10
        began = time.perf_counter()
        pictures = sample_images(diffusion, count, labels=labels, generator=generator, **options)
        seconds = time.perf_counter() - began
        found = score(pictures, reference, classifier, split=real.name)
        return found.frechet, found.confidence, 1000 * seconds / count

    print(f"| sampler, N = {args.count} | steps | FID-digits | confidence | ms a picture |\n|---|---|---|---|---|")
    for name, sampler, steps in WAYS:
        distance, confidence, ms = measured(args.count, sampler=sampler, steps=steps)
        count = steps if isinstance(steps, int) else len(steps)
        print(f"| {name} | {count} | {distance:.3f} | {confidence:.3f} | {ms:.1f} |", flush=True)
    print(f"\n| guidance, N = {args.guided} | FID-digits | confidence |\n|---|---|---|")
    for weight in WEIGHTS:
        distance, confidence, _ = measured(args.guided, guidance=weight)
        print(f"| {weight} | {distance:.3f} | {confidence:.4f} |", flush=True)


if __name__ == "__main__":
    main()
