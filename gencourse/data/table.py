"""The table of data/README.md, written from what the catalogue says of each embedded file."""

import hashlib
from pathlib import Path

from gencourse import paths
from gencourse.data.catalogue import CATALOGUE
from gencourse.data.file import Origin

BEGIN, END = "<!-- table: begin (written by scripts/build_data.py) -->", "<!-- table: end -->"
_HEAD = "| file | bytes | what | work | source | licence | sha256 |\n|---|---:|---|---|---|---|---|"
_WEIGHTS = Origin(
    "trained weights", "this course; `gencourse.checkpoints.record`", "this repository", "as this project"
)


def table() -> str:
    """Return a row for every file in the folder of embedded data: bytes, origin and sha256.

    Raises:
        ValueError: for a file without an origin, and for one that the catalogue has and the folder has not.
    """
    root = paths.root()
    found = {path.relative_to(root).as_posix(): path for path in root.rglob("*") if _is_described(path, root)}
    origins = {file.name: file.origin for entry in CATALOGUE.values() if entry.embedded for file in entry.files}
    if absent := origins.keys() - found.keys():
        raise ValueError(f"{', '.join(sorted(absent))} of the catalogue is not in {root}: build it, or take it out")
    rows = []
    for name in sorted(found):
        is_weights = name.startswith("checkpoints/") and name.endswith(".safetensors")
        origin = _WEIGHTS if is_weights else origins.get(name)
        if origin is None:
            raise ValueError(f"{name} in {root} has no origin: give it one in an Entry of the catalogue, or delete it")
        rows.append(_row(name, found[name].read_bytes(), origin))
    return "\n".join([_HEAD, *rows])


def fresh(text: str) -> str:
    """Return the text of data/README.md with the table as it should be.

    Raises:
        ValueError: when a marker is missing, and as `table` does.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"data/README.md lacks the lines {BEGIN!r} and {END!r}")
    return f"{head}{BEGIN}\n{table()}\n{END}{tail}"


def write(readme: Path) -> bool:
    """Write the table between the markers of data/README.md.

    Returns:
        Whether anything changed.

    Raises:
        ValueError: when a marker is missing, and as `table` does.
    """
    before = readme.read_text(encoding="utf-8")
    after = fresh(before)
    if after != before:
        readme.write_text(after, encoding="utf-8", newline="\n")
    return after != before


def _is_described(path: Path, root: Path) -> bool:
    return path.is_file() and path != root / "README.md" and not path.name.startswith(".")


def _row(name: str, content: bytes, origin: Origin) -> str:
    cells = (f"{len(content):,}", origin.what, origin.work, origin.source, origin.licence)
    return f"| `{name}` | {' | '.join(cells)} | `{hashlib.sha256(content).hexdigest()}` |"
