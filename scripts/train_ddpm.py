"""Train `ddpm_digits`: class-conditional diffusion on all 60,000 training digits of MNIST.

    python scripts/train_ddpm.py --bf16

A killed training goes on from --save-to. What is shipped is the moving average of the weights. Batches, times, noise
and dropped labels come from --seed. `--bf16` computes in bfloat16: 1.3 times faster on CPUs that have AVX512-BF16,
slower on those that lack it, right on recent GPUs. MNIST is downloaded at the first use; `--data digits` takes the
embedded ones. The record's scores are of 10,000 digits, drawn with 20 steps of DPM-Solver++, against test digits.
"""

import statistics
from contextlib import ExitStack
from functools import partial

import torch
from _training import ship, start, train, training_parser
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from gencourse import Average, checkpoints, data, descend
from gencourse.methods.denoising import SCHEDULES, Diffusion, sample_images
from gencourse.methods.diffusion import TARGETS, diffusion_loss, drop_labels, min_snr, uniform_weight
from gencourse.metrics import score

WEIGHTS = {"plain": uniform_weight, "min-snr": min_snr}


def main() -> None:
    parser = training_parser(__doc__, "ddpm_digits", steps=12_000, batch=128)
    parser.add_argument("--data", choices=("mnist", "digits"), default="mnist")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--widths", type=int, nargs="+", default=(32, 64, 128))
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--target", choices=TARGETS, default="v")
    parser.add_argument("--schedule", choices=SCHEDULES, default="cosine")
    parser.add_argument("--weight", choices=WEIGHTS, default="plain")
    parser.add_argument("--drop", type=float, default=0.1, help="share of labels dropped, for guidance")
    parser.add_argument("--decay", type=float, default=0.9995, help="of the moving average")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 in convolutions and matrix products")
    args = parser.parse_args()

    device, generator = start(args)
    digits = data.load(args.data, "train")
    batches = data.Batches(digits.signed(), args.batch, labels=digits.labels, seed=args.seed)
    network = {"channels": 1, "widths": list(args.widths), "blocks": args.blocks, "classes": len(digits.names)}
    arguments = {"network": network, "shape": [1, 28, 28], "target": args.target, "schedule": args.schedule}
    diffusion = Diffusion(**arguments).to(device)
    average = Average(diffusion, args.decay)
    optimizer = torch.optim.AdamW(diffusion.parameters(), lr=args.rate, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, args.steps, pct_start=0.05)
    print(f"{sum(p.numel() for p in diffusion.parameters()) / 1e6:.2f} million parameters, {len(digits):,} digits")

    loss = partial(
        diffusion_loss,
        diffusion.network,
        schedule=diffusion.schedule,
        target=diffusion.target,
        weight=WEIGHTS[args.weight],
        generator=generator,
    )

    def step(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        x0, labels = batch
        labels = drop_labels(labels, diffusion.null, args.drop, generator)
        with ExitStack() as modes:
            modes.enter_context(torch.autocast(device.type, torch.bfloat16, enabled=args.bf16))
            if args.bf16 and device.type == "cpu":  # there the fused attention is many times slower in bfloat16
                modes.enter_context(sdpa_kernel(SDPBackend.MATH))
            found = loss(x0, labels=labels)
        found = descend(optimizer, found, clip=1.0)
        rate.step()
        average.update(diffusion)
        return {"loss": found}

    state = {"diffusion": diffusion, "average": average, "optimizer": optimizer, "rate": rate, "generator": generator}
    history = train(step, batches, state, args, device=device)
    samples = sample_images(
        average.module, 10_000, labels=torch.arange(10_000) % 10, generator=torch.Generator().manual_seed(0), steps=20
    )
    real = data.load(args.data, "test")
    found = score(samples, real.unit(), checkpoints.load("digits"), split=f"{len(real):,} test digits of {real.name}")
    ship(
        args.out,
        average.module,
        arguments=arguments,
        data=f"{len(digits):,} training digits of {digits.name}, {args.drop:.0%} of the labels dropped",
        history=history,
        device=device,
        scores={"training loss, last 500 steps": statistics.fmean(history["loss"][-500:])} | found.as_dict(),
        more={key: getattr(args, key) for key in ("batch", "rate", "weight", "decay", "seed")}
        | {"bfloat16": args.bf16},
    )


if __name__ == "__main__":
    main()
