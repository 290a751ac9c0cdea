"""gencourse score: the harness on samples from anywhere."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gencourse.commands import UserError, input_errors
from gencourse.commands._arguments import file_name, whole
from gencourse.commands._tables import print_json
from gencourse.commands.run import duration

if TYPE_CHECKING:
    from torch import nn

    from gencourse.data import ImageSet

ORDER = 50
ABOUT = "measure samples, ours or not, against a data set"
EXAMPLES = """
gencourse score samples.npz --against digits
gencourse score samples.npz --against digits:test -n 1000 --bootstrap 50
gencourse score folder_of_pictures --against mnist:test --json
gencourse score a.npz --against b.npz --classifier inception

An .npz file holds images, uint8, N x H x W x C. Fewer pictures give a larger Frechet distance: compare equal N.
"""
FEWEST = 4  # pictures on each side: precision and recall ask for three neighbours of each


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    add = parser.add_argument
    file_name(add("samples", metavar="SAMPLES", help="an .npz file, or a folder of pictures of one size"))
    reference = "a data set (digits, digits:train, digits:test, mnist:test, ...), an .npz file or a folder"
    file_name(add("--against", required=True, metavar="REFERENCE", help=reference))
    classifier = "whose features are compared: digits, inception or a .safetensors file (default: digits)"
    file_name(add("--classifier", default="digits", metavar="NAME", help=classifier))
    add("-n", "--n", type=whole(1), metavar="N", help="use so many of each, drawn by the seed (default: all)")
    add("--bootstrap", type=whole(0), default=0, metavar="TIMES", help="resample so often for a spread (default: 0)")
    add("--seed", type=whole(0), default=0, help="of -n and of the bootstrap (default: 0)")
    add("--json", action="store_true", help="print JSON in place of a table")
    add("--device", help="cpu, cuda, mps, ... (default: the fastest one here)")


def main(args: argparse.Namespace) -> int:
    """Read samples and reference, score them, print a table or JSON."""
    import torch

    from gencourse.data import archive
    from gencourse.metrics.harness import score
    from gencourse.runtime import choose_device

    with input_errors():
        if args.bootstrap == 1:
            raise ValueError("--bootstrap needs at least 2 draws for a spread, or 0")
        device = choose_device(args.device)
        samples = part(archive.read(args.samples), args.samples, args.n, args.seed)
        reference, split = find_reference(args.against)
        reference = part(reference, split, args.n, args.seed)
        classifier = load_classifier(args.classifier).to(device)
        check(samples, reference, split, classifier)
    began = time.perf_counter()
    generator = torch.Generator().manual_seed(args.seed)
    options = {"split": split, "bootstrap": args.bootstrap, "generator": generator, "show": True}
    scores = score(samples.unit(), reference.unit(), classifier, **options)
    took = duration(time.perf_counter() - began)
    print(f"scored in {took}, on {device}; neighbours among {scores.n_neighbours:,} of each", file=sys.stderr)
    print_json({"samples": args.samples} | scores.as_dict()) if args.json else print(scores)
    return 0


def part(images: ImageSet, name: str, n: int | None, seed: int) -> ImageSet:
    """Return n of the images, drawn with the seed, or all of them.

    Raises:
        ValueError: there are fewer.
    """
    import torch

    from gencourse.metrics.harness import subsample_indices

    if n is None or n == len(images):
        return images
    if n > len(images):
        raise ValueError(f"{name} has {len(images):,} pictures, fewer than -n {n:,}")
    return images.subset(subsample_indices(len(images), n, torch.Generator().manual_seed(seed)))


def find_reference(against: str) -> tuple[ImageSet, str]:
    """Return the pictures to compare with, and what they are called: a data set's name and part, or a path.

    Raises:
        ValueError: the data set is not on this machine.
        FileNotFoundError: it is no data set, and there is no such file; and what reading raises.
    """
    from gencourse import data
    from gencourse.data import archive

    name, _, split = against.partition(":")
    if name in data.CATALOGUE:
        if data.CATALOGUE[name].only_pairs:
            raise ValueError(f"{name} has two kinds of pictures: put the one you mean into a folder, and give that")
        if data.CATALOGUE[name].status() == "not downloaded":
            raise ValueError(f"{name} is not on this machine: gencourse data fetch {name}")
        split = split or "all"
        return data.load(name, split), f"{name}:{split}"
    if not Path(against).exists():
        raise FileNotFoundError(
            f"--against: {against!r} is no file, no folder and no data set; see gencourse data list"
        )
    return archive.read(against), against


def load_classifier(name: str) -> nn.Module:
    """Return the network whose features are compared: shipped, torchvision's Inception, or one of ours from a file.

    Raises:
        ValueError: the name is unknown or the file damaged.
        UserError: Inception cannot be downloaded.
    """
    from gencourse import checkpoints
    from gencourse.networks.classifier import Classifier, Inception

    if name == "inception":
        try:
            return Inception()
        except OSError as error:
            raise UserError(f"inception could not be downloaded ({error}): --classifier digits needs none") from error
    if name == "digits":
        return checkpoints.load(name)
    if not Path(name).is_file():
        raise ValueError(f"unknown classifier {name!r}: digits, inception, or the .safetensors file of a Classifier")
    return checkpoints.read(name, Classifier)


def check(samples: ImageSet, reference: ImageSet, split: str, classifier: nn.Module) -> None:
    """Raise before the work what would go wrong in it.

    Raises:
        ImageError: the pictures are too few, or of two sizes.
        ValueError: the classifier does not take them.
    """
    from gencourse.expect import ImageError
    from gencourse.metrics.harness import features

    shapes = [tuple(images.images.shape[1:]) for images in (samples, reference)]
    if shapes[0] != shapes[1]:
        raise ImageError(f"pictures must be of one size: the samples are {shapes[0]}, {split} is {shapes[1]}")
    fewest = min(len(samples), len(reference))
    if fewest < FEWEST:
        raise ImageError(f"at least {FEWEST} pictures are needed on each side, got {fewest}")
    features(samples.subset([0]).unit(), classifier)  # does the classifier take such pictures?
