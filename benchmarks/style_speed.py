"""Seconds per step of style transfer, and what coarse-to-fine saves.

    python benchmarks/style_speed.py [--size 512] [--steps 4] [--rounds 3] [--schedule-size 512]

First table: one L-BFGS step of the usual way (targets recomputed in every step, NCHW) against ours (targets once, the
memory format of the extractor), VGG19 with random weights, and the embedded network. The ways take turns, `--rounds`
times; medians and the ratio within each round. Second table: from noise, how long until coarse to fine reaches the loss
that the plain schedule ends with, on the embedded network with its trained weights; half as many rounds.
"""

import argparse
import json
import platform
import statistics
import time
from functools import partial
from pathlib import Path

import torch
from _tables import show
from torch import Tensor

from gencourse import data
from gencourse.images import resize
from gencourse.methods import style
from gencourse.networks.features import Extractor, extractor


def recomputing(network: Extractor, content: Tensor, painting: Tensor, steps: int) -> float:
    """The loop as people write it: content and style go through the network again in every step. Seconds a step."""
    x = content.clone().requires_grad_()
    optimizer = style.lbfgs([x])

    def closure() -> Tensor:
        optimizer.zero_grad()
        parts = style.losses(network, x, style.find_targets(network, content, [(painting, 1.0)]))
        total = (1e-3 * parts["content"] + sum(parts[k] for k in network.style_layers) / 5) * x.numel()
        total.backward()
        return total

    clock = [time.perf_counter()]
    for _ in range(steps):
        optimizer.step(closure)
        clock.append(time.perf_counter())
    return (clock[-1] - clock[0]) / steps


def ours(network: Extractor, content: Tensor, painting: Tensor, steps: int) -> float:
    """Seconds a step; the targets are computed once, before the first, which therefore is not counted."""
    clock: list[float] = []

    def tick(*_) -> None:
        clock.append(time.perf_counter())

    style.stylize(content, painting, network, steps=steps + 1, show=False, callback=tick)
    return (clock[-1] - clock[0]) / steps


def in_nchw(network: Extractor) -> Extractor:
    network.memory_format = torch.contiguous_format
    return network.to(memory_format=torch.contiguous_format)


def step_table(size: int, steps: int, rounds: int) -> list[dict]:
    content, painting = (resize(x, (size, size)) for x in (data.photo("chelsea"), data.painting("auvers")))
    torch.manual_seed(0)
    weights = {"vgg19": None, "embedded": "imagenet"}
    ways = {
        "VGG19, targets recomputed, NCHW": (recomputing, in_nchw(extractor("vgg19", weights=weights["vgg19"]))),
        "VGG19, ours": (ours, extractor("vgg19", weights=weights["vgg19"])),
        "embedded, ours": (ours, extractor("embedded")),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for call, network in ways.values():
        call(network, content, painting, 1)  # warm up
    for _ in range(rounds):
        for name, (call, network) in ways.items():
            times[name].append(call(network, content, painting, steps))
    base = times["VGG19, targets recomputed, NCHW"]
    return [
        {
            "way": name,
            "seconds a step": round(statistics.median(values), 4),
            "times faster": round(statistics.median(b / v for b, v in zip(base, values, strict=True)), 2),
        }
        for name, values in times.items()
    ]


def schedule_table(size: int, steps: int, rounds: int) -> list[dict]:
    """How long until the plain schedule's final loss is reached coarse to fine; both from noise, three pairs."""
    network, rows = extractor("embedded"), []
    for photo, painting in (("chelsea", "auvers"), ("coffee", "composition_8"), ("astronaut", "great_wave")):
        content, target = resize(data.photo(photo), size), resize(data.painting(painting), size)
        plain, pyramid = [], []
        for _ in range(rounds):
            losses, clock = scales(network, content, target, (size,), (steps,))
            goal = losses[-1]
            plain.append(clock[-1])
            losses, clock = scales(network, content, target, (size // 4, size // 2, size), (60, 40, steps))
            pyramid.append(next((t for t, loss in zip(clock, losses, strict=True) if loss <= goal), float("inf")))
        rows.append(
            {
                "pair": f"{photo}, {painting}",
                "plain, s": round(statistics.median(plain), 1),
                "coarse to fine, s": round(statistics.median(pyramid), 1),
                "part of the time": round(statistics.median(b / a for a, b in zip(plain, pyramid, strict=True)), 2),
            }
        )
    return rows


def scales(network: Extractor, content: Tensor, painting: Tensor, sizes, steps) -> tuple[list[float], list[float]]:
    """Losses at the last scale and the seconds at which each was reached, all scales counted."""
    clock: list[float] = []

    def tick(*_) -> None:
        clock.append(time.perf_counter() - began)

    paint = partial(style.stylize, network=network, callback=tick)
    start = partial(style.noise_like, generator=torch.Generator().manual_seed(0))
    began = time.perf_counter()
    history = style.coarse_to_fine(content, painting, paint, sizes=sizes, steps=steps, start=start, show=False).history
    return history["total"][-steps[-1] :], clock[-steps[-1] :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--steps", type=int, default=4, help="steps timed in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--schedule-size", type=int, default=512)
    parser.add_argument("--schedule-steps", type=int, default=100)
    parser.add_argument("--out", type=Path, help="also write the tables to this JSON file")
    args = parser.parse_args()
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{machine}; {args.size} x {args.size}, median of {args.rounds} rounds of {args.steps} steps\n")
    tables = {"step": step_table(args.size, args.steps, args.rounds)}
    show(tables["step"])
    print(f"\n{args.schedule_size} pixels, {args.schedule_steps} steps from noise, embedded network\n")
    tables["schedule"] = schedule_table(args.schedule_size, args.schedule_steps, max(1, args.rounds // 2))
    show(tables["schedule"])
    if args.out:
        args.out.write_text(json.dumps({"machine": machine, **tables}, indent=1))


if __name__ == "__main__":
    main()
