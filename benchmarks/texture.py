"""Seconds to grow a texture from a sample of 64 x 64 pixels to 128 x 128, window 11: the usual Python loop, and ours.

    git clone https://github.com/goldbema/TextureSynthesis FOLDER && pip install opencv-python-headless
    python benchmarks/texture.py --peer FOLDER [--rounds 3] [--peer-size 48]

The peer is goldbema's TextureSynthesis, `synthesis.py`, as it is: it compares grey values and copies colours. Ours
compares colours, which is three times the numbers. The peer takes the same time for every pixel (all windows of the
sample, whatever is known), so it makes a picture of --peer-size pixels a side, and its time for 128 is reckoned from
that. The ways take turns; ratios are medians within a round. Without --peer ours alone is timed. Quilting and Gram
matrices are timed beside it, and the border frame is measured: the spread of the pixels near the border over that of
the others.
"""

import argparse
import importlib.util
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from gencourse import data, images
from gencourse.methods import texture
from gencourse.networks.features import extractor

WINDOW, RIM = 11, 8


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def peer_in(folder: Path, sample: Tensor, size: int) -> Callable[[], object]:
    """Return what makes a picture of this size with the peer."""
    spec = importlib.util.spec_from_file_location("synthesis", folder / "synthesis.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"no synthesis.py in {folder}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    select = module.select_pixel_index  # it returns arrays of one number, which numpy takes for an index no longer
    module.select_pixel_index = lambda *given: tuple(int(place[0]) for place in select(*given))
    bgr = np.ascontiguousarray(images.to_uint8(sample)[0, ..., ::-1])
    return lambda: module.synthesize_texture(bgr, (size, size), WINDOW, False)


def spread_of_rim(x: Tensor) -> float:
    middle = torch.zeros_like(x[0, 0], dtype=torch.bool)
    middle[RIM:-RIM, RIM:-RIM] = True
    return (x[0, :, ~middle].std() / x[0, :, middle].std()).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", type=Path, help="folder of the peer's checkout")
    parser.add_argument("--peer-size", type=int, default=48, help="pixels a side of the peer's picture")
    parser.add_argument("--size", type=int, default=128, help="pixels a side of ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=100, help="of Gram matrices, 0 leaves them out")
    args = parser.parse_args()
    sample = data.photograph("hawa_mahal")[..., 120:184, 130:194]
    ways: dict[str, tuple[Callable[[], object], int]] = {
        "grown, exact": (lambda: texture.grow(sample, args.size, window=WINDOW), args.size),
        "grown, in rings": (lambda: texture.grow(sample, args.size, window=WINDOW, rings=True), args.size),
        "quilted": (lambda: texture.quilt(sample, args.size), args.size),
    }
    if args.peer:
        ways["goldbema/TextureSynthesis, grey"] = peer_in(args.peer, sample, args.peer_size), args.peer_size
    times: dict[str, list[float]] = {name: [] for name in ways}
    for call, _ in list(ways.values())[:3]:
        call()  # warm up
    for _ in range(args.rounds):
        for name, (call, size) in ways.items():
            times[name].append(seconds(call) * (args.size / size) ** 2)
    first = times.get("goldbema/TextureSynthesis, grey")
    for name, found in times.items():
        row = {"way": name, "s": round(statistics.median(found), 2)}
        row["ms a pixel"] = round(statistics.median(found) / args.size**2 * 1000, 3)
        if first:
            ratios = [peer / own for peer, own in zip(first, found, strict=True)]
            row["times faster"] = round(statistics.median(ratios), 1)
        print(json.dumps(row))
    if args.steps:
        gram(sample, args)
    print(json.dumps({"machine": platform.processor(), "threads": torch.get_num_threads(), "torch": torch.__version__}))


def gram(sample: Tensor, args: argparse.Namespace) -> None:
    """Time Gram matrices, and measure the border with either padding."""
    network = extractor("embedded")
    for tiles in (True, False):
        began, generator = time.perf_counter(), torch.Generator().manual_seed(0)
        options = {"steps": args.steps, "tiles": tiles, "generator": generator, "show": False}
        image = texture.synthesize(sample, network, args.size, **options).image
        row = {"way": f"Gram matrices, {'circular' if tiles else 'zero'} padding", "s": time.perf_counter() - began}
        measured = {"rim/middle": spread_of_rim(image), "copied": texture.copied(image, sample)}
        rounded = {k: round(v, 3) if isinstance(v, float) else v for k, v in (row | measured).items()}
        print(json.dumps(rounded | {"style gap": round(texture.style_gap(image, sample, network), 4)}))


if __name__ == "__main__":
    main()
