"""gencourse data: what there is, fetch it, where it lies."""

import argparse

from gencourse.commands import input_errors

ORDER = 70
ABOUT = "list the data sets, download one, say where they lie"
EXAMPLES = """
gencourse data list
gencourse data fetch mnist
gencourse data where
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    actions.add_parser("list", help="every data set: embedded, cached or not downloaded, its size and licence")
    fetch = actions.add_parser("fetch", help="make sure that a data set is on this machine, verified")
    fetch.add_argument("name", metavar="NAME", help="as data list names it")
    actions.add_parser("where", help="the folder of the embedded data and that of the downloads")


def main(args: argparse.Namespace) -> int:
    """List the data sets, fetch one, or say where they lie."""
    from gencourse import data

    with input_errors():
        if args.action == "list":
            print("\n".join(str(entry) for entry in data.CATALOGUE.values()))
            print(f"\nphotos: {', '.join(data.photos())}\npaintings: {', '.join(data.paintings())}")
        elif args.action == "fetch":
            print(data.fetch(args.name))
        else:
            print(f"embedded  {data.root()}\ncache     {data.cache_dir()}")
    return 0
