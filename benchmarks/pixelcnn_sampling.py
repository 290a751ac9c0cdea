"""Seconds to draw 64 digits of 28 x 28 pixels: the loop as people write it, the same cut to the rows so far, and ours.

    python benchmarks/pixelcnn_sampling.py [--batch 64] [--rows 1] [--rounds 3]

Networks of 7 layers with 64 channels and random weights, which take the same time: plain, gated, and gated with ten
classes. "Full" runs the network over the whole image for every pixel, in torch's default memory format; its passes all
cost the same, so the first --rows rows are timed and multiplied. "Cropped" runs it over the rows up to the pixel's own,
channels-last. "Cached" is sample_cached. All draw with the same uniform numbers, and the samples must be equal.
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor

from gencourse.methods.pixelcnn import sample_cached
from gencourse.networks.autoregressive import PixelNetwork
from gencourse.networks.pixelcnn import GatedPixelCNN, PixelCNN

SIDE = 28


@torch.no_grad()
def naive(network: PixelNetwork, labels: Tensor | None, u: Tensor, rows: int | None = None, crop=False) -> Tensor:
    """Draw the first rows, each pixel from a pass over the image: numbers u (H * W, 1, B, 1) -> (B, 1, H, W)."""
    x = torch.zeros(u.shape[2], 1, SIDE, SIDE, dtype=torch.long)
    for r in range(rows or SIDE):
        for c in range(SIDE):
            seen = x[:, :, : max(r + 1, network.smallest)] if crop else x
            probabilities = network(seen, labels)[:, :, 0, r, c].softmax(1)
            x[:, 0, r, c] = (u[r * SIDE + c, 0] >= probabilities.cumsum(1)[:, :-1]).sum(1)
    return x


def timed(call, *args, **options) -> tuple[Tensor, float]:
    began = time.perf_counter()
    result = call(*args, **options)
    return result, time.perf_counter() - began


def row(name: str, network: PixelNetwork, batch: int, rows: int, rounds: int) -> dict:
    """Time one network all three ways, and hold the samples against each other."""
    network.eval()
    shape = (batch, 1, SIDE, SIDE)
    labels = torch.arange(batch) % network.classes if network.classes else None
    u = torch.rand(batch, SIDE * SIDE, 1, generator=torch.Generator().manual_seed(0), dtype=torch.double)
    u = u.permute(1, 2, 0)[..., None]  # as sample_cached draws them: one picture after the other

    def ours() -> Tensor:
        return sample_cached(network, shape, labels=labels, generator=torch.Generator().manual_seed(0))

    ours()  # warm up
    runs = [timed(ours) for _ in range(rounds)]
    cached, seconds = runs[0][0], statistics.median(s for _, s in runs)
    cropped, seconds_cropped = timed(naive, network, labels, u, crop=True)
    network.to(memory_format=torch.contiguous_format)
    naive(network, labels, u, rows=1)
    full, seconds_full = timed(naive, network, labels, u, rows=rows)
    seconds_full *= SIDE / rows
    assert torch.equal(cached, cropped), f"{name}: cached and cropped samples differ"
    assert torch.equal(cached[:, :, :rows], full[:, :, :rows]), f"{name}: cached and full samples differ"
    return {
        "network": name,
        "full, s": round(seconds_full, 1),
        "cropped, s": round(seconds_cropped, 1),
        "cached, s": round(seconds, 3),
        "full / cached": round(seconds_full / seconds),
        "cropped / cached": round(seconds_cropped / seconds),
        "identical samples": f"{batch} of {batch}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rows", type=int, default=1, help="rows that the full loop is timed on")
    parser.add_argument("--rounds", type=int, default=3, help="runs of the cached sampler, whose median is told")
    parser.add_argument("--out", type=Path, help="also write the table to this JSON file")
    args = parser.parse_args()
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{machine}; {args.batch} images of {SIDE} x {SIDE}, 7 layers of 64 channels\n")
    torch.manual_seed(0)
    networks = {"plain": PixelCNN(), "gated": GatedPixelCNN(), "gated, 10 classes": GatedPixelCNN(classes=10)}
    table = []
    for name, network in networks.items():
        table.append(row(name, network, args.batch, args.rows, args.rounds))
        if len(table) == 1:
            print("| " + " | ".join(table[0]) + " |\n|" + "---|" * len(table[0]))
        print("| " + " | ".join(str(value) for value in table[-1].values()) + " |", flush=True)
    if args.out:
        args.out.write_text(json.dumps({"machine": machine, "table": table}, indent=1))


if __name__ == "__main__":
    main()
