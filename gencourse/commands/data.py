"""gencourse data: what there is, fetch it, where it lies."""

import argparse

from gencourse import data
from gencourse.commands import input_errors


def main(args: argparse.Namespace) -> int:
    """List the data sets, fetch one, or say where they lie."""
    with input_errors():
        if args.action == "list":
            print("\n".join(str(entry) for entry in data.CATALOGUE.values()))
            print("".join(f"\n{e.name}: {', '.join(e.names())}" for e in data.CATALOGUE.values() if e.picture))
        elif args.action == "fetch":
            print(data.fetch(args.name))
        else:
            print(f"embedded  {data.root()}\ncache     {data.cache_dir()}")
    return 0
