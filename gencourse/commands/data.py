"""gencourse data: what there is, fetch it, where it lies."""

import argparse

from gencourse import data
from gencourse.commands import input_errors


def main(args: argparse.Namespace) -> int:
    """List the data sets, fetch one, or say where they lie."""
    with input_errors():
        if args.action == "list":
            print("\n".join(str(entry) for entry in data.CATALOGUE.values()))
            print(f"\nphotos: {', '.join(data.photos())}\npaintings: {', '.join(data.paintings())}")
        elif args.action == "fetch":
            print(data.fetch(args.name))
        else:
            print(f"embedded  {data.root()}\ncache     {data.cache_dir()}")
    return 0
