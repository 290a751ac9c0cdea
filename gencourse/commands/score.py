"""gencourse score: the harness on samples from anywhere."""

import argparse
import json
import sys
import time
from pathlib import Path

import torch
from torch import nn

from gencourse import checkpoints, data
from gencourse.commands import UserError, input_errors
from gencourse.commands.run import duration
from gencourse.data import archive
from gencourse.expect import ImageError
from gencourse.metrics.harness import features, score, some
from gencourse.networks.classifier import Classifier, Inception
from gencourse.runtime import choose_device

FEWEST = 4  # pictures on each side: precision and recall ask for three neighbours of each


def main(args: argparse.Namespace) -> int:
    """Read samples and reference, score them, print a table or JSON."""
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
    print(json.dumps({"samples": args.samples} | scores.as_dict(), indent=2) if args.json else scores)
    return 0


def part(images: data.ImageSet, name: str, n: int | None, seed: int) -> data.ImageSet:
    """Return n of the images, drawn with the seed, or all of them. Raises ValueError when there are fewer."""
    if n is None or n == len(images):
        return images
    if n > len(images):
        raise ValueError(f"{name} has {len(images):,} pictures, fewer than -n {n:,}")
    return images.subset(some(len(images), n, torch.Generator().manual_seed(seed)))


def find_reference(against: str) -> tuple[data.ImageSet, str]:
    """Return the pictures to compare with, and what they are called: a data set's name and part, or a path.

    Raises ValueError for a data set that is not on this machine, and what reading raises.
    """
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

    Raises ValueError for an unknown name or a damaged file, UserError where Inception cannot be downloaded.
    """
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


def check(samples: data.ImageSet, reference: data.ImageSet, split: str, classifier: nn.Module) -> None:
    """Raise before the work what would go wrong in it: ImageError for unequal or too few pictures, or ValueError."""
    shapes = [tuple(images.images.shape[1:]) for images in (samples, reference)]
    if shapes[0] != shapes[1]:
        raise ImageError(f"pictures must be of one size: the samples are {shapes[0]}, {split} is {shapes[1]}")
    fewest = min(len(samples), len(reference))
    if fewest < FEWEST:
        raise ImageError(f"at least {FEWEST} pictures are needed on each side, got {fewest}")
    features(samples.subset([0]).unit(), classifier)  # does the classifier take such pictures?
