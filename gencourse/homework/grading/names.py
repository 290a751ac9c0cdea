"""Whose line of a table is whose: names as spreadsheets give them back, matched before anything is written."""

import re
import unicodedata
from collections.abc import Callable, Sequence


def match(rows: Sequence[str], students: Sequence[str], order: Sequence[str] = ()) -> dict[int, str]:
    """Return which student each line of a table belongs to, as far as one can tell for sure.

    A spreadsheet may have dropped an apostrophe or zeros, read UTF-8 as something else, put "?" for a letter that it
    does not know, or made a date of a name. What equals one student's name alone is matched, closest first; what is
    left, by its place, if all others stand where they stood.

    Args:
        rows: the names in the table, in its order.
        students: who handed in.
        order: of the lines when the table was written.

    Returns:
        The student of each line, by its number.
    """
    found: dict[int, str] = {}
    for way in (str, tidy, repaired, lossy, number):
        places = unique(rows, way, [i for i in range(len(rows)) if i not in found])
        people = unique(students, way, [i for i, name in enumerate(students) if name not in found.values()])
        found |= {i: students[people[key]] for key, i in places.items() if key in people}
    stayed = len(order) == len(rows) and all(order[i] == name for i, name in found.items())
    if stayed and len(found) > len(rows) // 2:
        free = set(students) - set(found.values())
        found |= {i: name for i, name in enumerate(order) if i not in found and name in free}
    return found


def unique(names: Sequence[str], way: Callable[[str], str], places: Sequence[int]) -> dict[str, int]:
    """Return the places of names by what a way of reading makes of them, where only one name gives that."""
    keys = [(way(names[i]), i) for i in places]
    texts = [key for key, _ in keys]
    return {key: i for key, i in keys if key and texts.count(key) == 1}


def tidy(name: str) -> str:
    """Return a name without what editors change: case, accents in two parts, spaces, an apostrophe before a formula."""
    return unicodedata.normalize("NFKC", " ".join(name.split())).removeprefix("'").casefold()


def repaired(name: str) -> str:
    """Return a name whose UTF-8 was read as another encoding, once or twice, as it was."""
    for _ in range(2):
        for encoding in ("cp1252", "latin-1", "mac_roman"):
            try:
                name = name.encode(encoding).decode("utf-8")
                break
            except UnicodeError:
                continue
    return tidy(name)


def lossy(name: str) -> str:
    """Return a name with "?" for each letter that Windows' own encoding does not have."""
    return tidy(unicodedata.normalize("NFC", name).encode("cp1252", "replace").decode("cp1252"))


def number(name: str) -> str:
    """Return a name that is a number without the zeros before it, 1,00E+05 as 100000; others as nothing."""
    plain = name.strip().removeprefix("'").replace(",", ".")
    if not re.fullmatch(r"\d+(\.\d+)?([eE][+-]?\d{1,2})?", plain):
        return ""
    return f"{float(plain):g}"
