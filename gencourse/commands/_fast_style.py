"""gencourse stylize --fast: a pass of a network that knows some styles, over a picture or all frames of a folder.

A video is frames before and after: ffmpeg -i film.mp4 frames/%05d.png, and back.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gencourse.commands import UserError, input_errors, output_file, writable
from gencourse.commands._arguments import weight_each
from gencourse.commands._memory import memory_errors

if TYPE_CHECKING:
    from torch import Tensor

    from gencourse.networks.stylenet import TransformerNet

SHIPPED = "fast_style"


def main(args: argparse.Namespace, picture: Callable[[str, int, int], Tensor]) -> int:
    """Read what is there, paint it, write it, say where it is.

    Args:
        args: Those of `stylize`.
        picture: Returns a file or an embedded picture, (1, 3, H, W) in [0, 1], by name, longer side and least side.
    """
    from gencourse.runtime import choose_device

    with input_errors():
        device = choose_device(args.device)
        network = load(args.network).to(device)
        style = shares(args, network)
        folder = Path(args.content).expanduser()
        work = frames(folder, args.output) if folder.is_dir() else {args.content: output_file(args.output)}
    began = time.perf_counter()
    paint_all(work, network, style, args.size, picture)
    each = (time.perf_counter() - began) / len(work)
    shown = " + ".join(f"{weight:.0%} {name}" for name, weight in style.items())
    print(f"{len(work)} in one pass each, {each:.2f} s with reading and writing, {shown}, on {device}", file=sys.stderr)
    print(args.output if folder.is_dir() else next(iter(work.values())))
    return 0


def paint_all(
    work: dict[str, Path],
    network: TransformerNet,
    style: dict[str | int, float],
    size: int,
    picture: Callable[[str, int, int], Tensor],
) -> None:
    """Paint pictures one after the other, {name: where it goes}; what is done is done when a later one fails."""
    from tqdm.auto import tqdm

    from gencourse import images
    from gencourse.methods.fast_style import stylize_fast
    from gencourse.networks.stylenet import SMALLEST

    for name, out in tqdm(work.items(), desc="stylize", unit="picture", dynamic_ncols=True, delay=0.5, file=sys.stderr):
        with input_errors(), memory_errors(size):
            images.save(stylize_fast(picture(name, size, SMALLEST), network, style), out)


def load(path: str | None) -> TransformerNet:
    """Return the network that ships, or that of a file.

    Raises:
        UserError: None ships yet.
        FileNotFoundError: There is no such file.
        ValueError: It holds another network, or is damaged.
    """
    from gencourse import checkpoints
    from gencourse.networks.stylenet import TransformerNet

    file = checkpoints.folder() / f"{SHIPPED}.safetensors" if path is None else Path(path).expanduser()
    if path is None and not file.exists():
        raise UserError(
            "no network for --fast ships with this version: train one with scripts/train_fast_style.py and name its "
            "file with --network, or leave --fast out"
        )
    return checkpoints.read(file, TransformerNet)


def shares(args: argparse.Namespace, network: TransformerNet) -> dict[str | int, float]:
    """Return the weight of each style that was asked for; they sum to one.

    Raises:
        UnknownName: The network has no such style; the message lists those it has.
        ValueError: There are not as many weights as styles, or they are all zero.
    """
    from gencourse.expect import UnknownName

    for name in args.style:
        if name not in network.names:
            raise UnknownName("style", name, network.names)
    given = weight_each(args.weights, args.style)
    found: dict[str | int, float] = {}
    for name, weight in zip(args.style, given, strict=True):
        found[name] = found.get(name, 0.0) + weight / sum(given)
    return found


def frames(folder: Path, output: str) -> dict[str, Path]:
    """Return where each picture of a folder goes, in the order of their names: to PNG files of the same names.

    Raises:
        ValueError: There is none, two have one name, or the output is no other folder.
        OSError: Nothing can be written there.
    """
    from PIL import Image

    readable, out = Image.registered_extensions(), Path(output).expanduser()
    found = sorted(path for path in folder.iterdir() if path.suffix.lower() in readable)
    if not found:
        raise ValueError(f"there is no picture in the folder {folder}")
    if out.is_file() or out.suffix or out.resolve() == folder.resolve():
        raise ValueError(f"{folder} is a folder of frames: -o needs the name of another folder, got {output!r}")
    stems = [path.stem for path in found]
    if twice := sorted({stem for stem in stems if stems.count(stem) > 1}):
        raise ValueError(f"two frames in {folder} are called {twice[0]}: the results would be one file")
    writable(out)
    return {str(path): out / f"{path.stem}.png" for path in found}
