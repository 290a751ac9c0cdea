"""FID-digits of chapter 06's diffusion and of denoising-diffusion-pytorch, after the same seconds on the same digits.

    pip install denoising-diffusion-pytorch
    python benchmarks/ddpm_fid.py --seeds 0 1 2

Chapter 06 trains as its cpu profile does, --steps steps; the others then train for as many seconds. The peer: its U-Net
at 1.5 million parameters, its GaussianDiffusion as it comes (v, sigmoid schedule), and what its Trainer does (batches
of 16, Adam with rate 1e-4 and betas 0.9 and 0.99, gradients clipped to norm 1, its moving average), without the mirror
images, which digits do not bear. "the peer, tuned": with chapter 06's batches, AdamW and learning rate.
Chapter 06's network has 0.69 million parameters, and it is told the labels, for which the peer has no place: "chapter
06, without labels" is the comparison of like with like, "chapter 06" is what the page trains.
Everybody trains on the 9,000 embedded training digits and draws --samples with --sampling steps, the peer both with its
own DDIM and with the chapter's DPM-Solver++: the better one counts. Scored against all embedded digits; neither drawing
nor scoring counts as time.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from gencourse import Average, checkpoints, data, descend
from gencourse.images import to_unit
from gencourse.methods.denoising import Diffusion, clipped, sample_images
from gencourse.methods.diffusion import NoiseSchedule, diffusion_loss, drop_labels
from gencourse.methods.samplers import dpm_solver_pp_2m
from gencourse.metrics import Scores, features, score, table

CHUNK = 250  # pictures that the peer draws at once
Step = Callable[[], None]
Sampler = Callable[[int, int], dict[str, Tensor]]  # (N, sampling steps) -> {sampler: (N, 1, 28, 28) in [0, 1]}


def chapter(digits: data.ImageSet, seed: int, steps: int, *, labelled: bool) -> tuple[Step, Sampler]:
    """What chapter 06 trains in the cpu profile, with labels or without."""
    network = {"widths": (24, 48, 80), "classes": 10 if labelled else 0}
    diffusion = Diffusion(network=network, target="v", schedule="cosine")
    average, generator = Average(diffusion, 0.998), torch.Generator().manual_seed(seed)
    optimizer, rate = one_cycle(diffusion, steps)
    batches = data.Batches(digits.signed(), 32, labels=digits.labels, seed=seed)

    def step() -> None:
        x0, labels = next(batches)
        labels = drop_labels(labels, diffusion.null, 0.1, generator) if labelled else None
        loss = diffusion_loss(
            diffusion.network, x0, diffusion.schedule, diffusion.target, labels=labels, generator=generator
        )
        descend(optimizer, loss, clip=1.0)
        rate.step()
        average.update(diffusion)

    def draw(count: int, sampling: int) -> dict[str, Tensor]:
        labels = torch.arange(count) % 10 if labelled else None
        seeded = torch.Generator().manual_seed(0)
        return {"DPM-Solver++": sample_images(average.module, count, labels=labels, generator=seeded, steps=sampling)}

    return step, draw


def peer(digits: data.ImageSet, seed: int, steps: int, *, tuned: bool) -> tuple[Step, Sampler]:
    """denoising-diffusion-pytorch, trained as its Trainer does, or in chapter 06's batches and learning rate."""
    from denoising_diffusion_pytorch import GaussianDiffusion, Unet
    from ema_pytorch import EMA

    diffusion = GaussianDiffusion(Unet(dim=24, dim_mults=(1, 2, 4), channels=1), image_size=28, sampling_timesteps=20)
    average = EMA(diffusion, beta=0.995, update_every=10)
    if tuned:
        optimizer, rate = one_cycle(diffusion, steps)
    else:
        optimizer, rate = torch.optim.Adam(diffusion.parameters(), 1e-4, (0.9, 0.99)), None
    batches = data.Batches(digits.unit(), 32 if tuned else 16, seed=seed)

    def step() -> None:
        descend(optimizer, diffusion(next(batches)), clip=1.0)
        if rate is not None:
            rate.step()
        average.update()

    @torch.no_grad()
    def draw(count: int, sampling: int) -> dict[str, Tensor]:
        trained = average.ema_model.eval()
        trained.sampling_timesteps = sampling
        noise = torch.randn(count, 1, 28, 28, generator=torch.Generator().manual_seed(0)).split(CHUNK)
        own = torch.cat([trained.sample(len(x_T)) for x_T in noise])
        schedule = NoiseSchedule(trained.betas.clamp(1e-6, 0.999))
        model = clipped(lambda x_t, t: trained.model_predictions(x_t, t).pred_x_start)
        ours = [dpm_solver_pp_2m(model, x_T, schedule, steps=sampling) for x_T in noise]
        return {"its DDIM": own, "DPM-Solver++": to_unit(torch.cat(ours))}

    return step, draw


def one_cycle(module: torch.nn.Module, steps: int) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.OneCycleLR]:
    """Chapter 06's optimiser."""
    optimizer = torch.optim.AdamW(module.parameters(), 2e-3, weight_decay=0.01)
    return optimizer, torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, steps, pct_start=0.05)


WAYS = {
    "chapter 06": lambda *args: chapter(*args, labelled=True),
    "chapter 06, without labels": lambda *args: chapter(*args, labelled=False),
    "the peer": lambda *args: peer(*args, tuned=False),
    "the peer, tuned": lambda *args: peer(*args, tuned=True),
}


def seconds_a_step(step: Step) -> float:
    """Median of 15 steps, after two to warm up: a learning rate that falls must know how many steps there will be."""
    clocks = []
    for _ in range(17):
        began = time.perf_counter()
        step()
        clocks.append(time.perf_counter() - began)
    return statistics.median(clocks[2:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4600, help="of chapter 06's training")
    parser.add_argument("--sampling", type=int, default=20, help="steps of the samplers")
    parser.add_argument("--samples", type=int, default=2000, help="pictures to score")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS)[:3], metavar="WAY")
    parser.add_argument("--seconds", type=float, help="of the others' training (default: what chapter 06 took)")
    args = parser.parse_args()
    digits, classifier = data.digits("train"), checkpoints.load("digits")
    reference = features(data.digits().unit(), classifier)
    rows: dict[str, list[Scores]] = {name: [] for name in args.ways}
    for seed in args.seeds:
        budget = args.seconds
        for name in args.ways:
            torch.manual_seed(seed)
            steps = args.steps if budget is None else int(budget / seconds_a_step(WAYS[name](digits, seed, 100)[0]))
            torch.manual_seed(seed)
            step, draw = WAYS[name](digits, seed, steps)
            start = time.monotonic()
            for _ in range(steps):
                step()
            took = time.monotonic() - start
            budget = budget or took
            found = {
                sampler: score(x, reference, classifier, split="embedded digits")
                for sampler, x in draw(args.samples, args.sampling).items()
            }
            sampler = min(found, key=lambda name: found[name].frechet)
            rows[name].append(found[sampler])
            values = ", ".join(f"{sampler} {scores.frechet:.2f}" for sampler, scores in found.items())
            print(f"seed {seed}, {name}: {steps} steps in {took:.0f} s, FID-digits {values}", flush=True)
    middle = {
        name: next(s for s in found if s.frechet == statistics.median_low(s.frechet for s in found))
        for name, found in rows.items()
    }
    print(table(middle))
    for name, found in rows.items():
        print(f"{name}: median FID-digits {statistics.median(scores.frechet for scores in found):.2f}")


if __name__ == "__main__":
    main()
