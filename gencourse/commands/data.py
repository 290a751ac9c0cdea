"""gencourse data: what there is, fetch it, where it lies."""

import argparse
from typing import Any

from gencourse.commands import input_errors
from gencourse.commands._tables import json_option, print_json, table

ORDER = 70
ABOUT = "list the data sets, download one, say where they lie"
EXAMPLES = """
gencourse data list
gencourse data list --json    for programs
gencourse data fetch mnist
gencourse data where
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    about = "every data set: embedded, cached or not downloaded, its size and licence"
    json_option(actions.add_parser("list", help=about))
    fetch = actions.add_parser("fetch", help="make sure that a data set is on this machine, verified")
    fetch.add_argument("name", metavar="NAME", help="as data list names it")
    actions.add_parser("where", help="the folder of the embedded data and that of the downloads")


def main(args: argparse.Namespace) -> int:
    """List the data sets, fetch one, or say where they lie."""
    from gencourse import data

    with input_errors():
        if args.action == "list":
            print_json(described()) if args.json else print(listing())
        elif args.action == "fetch":
            print(data.fetch(args.name))
        else:
            print(f"embedded  {data.root()}\ncache     {data.cache_dir()}")
    return 0


def described() -> list[dict[str, Any]]:
    """Return what the catalogue says of each data set, and whether it is here; bytes None where nobody can say."""
    from gencourse import data

    sets = []
    for entry in data.CATALOGUE.values():
        status = entry.status()
        size = None if status in ("missing", "drawn") else entry.size()
        facts = {"name": entry.name, "status": status, "bytes": size, "about": entry.about}
        sets.append(facts | {"licences": list(entry.licences), "pictures": entry.names()})
    return sets


def listing() -> str:
    """Tell of the data sets in a table, and below it the pictures that have names."""
    sets = described()
    rows = [
        (
            s["name"],
            s["status"],
            f"{s['bytes'] / 1e6:,.1f} MB" if s["bytes"] else "",
            ", ".join(s["licences"]),
            s["about"],
        )
        for s in sets
    ]
    names = [(s["name"], name) for s in sets for name in s["pictures"]]
    heads = ("data set", "status", "size", "licence", "what it is")
    return f"{table(heads, rows)}\n\n{table(('data set', 'picture'), names)}"
