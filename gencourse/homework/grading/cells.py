"""Cells of the lecturer's table: what grading writes into one, and what a person has written over it."""

import re
from collections.abc import Sequence

FORMULA = re.compile(r"(^|[,;\t\r\n])(?=[=+\-@\t\r])")
GONE, WAITING = "no file any more", "not graded yet"
Row = dict[str, str]  # by column


def escape_formula(text: str) -> str:
    """Return a text that a spreadsheet does not take for a formula, whatever it takes for the end of a cell."""
    return FORMULA.sub(r"\1'", text)


def as_number(text: str) -> float | None:
    """Return the number in a cell, with a point or a comma; None for anything else."""
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def as_text(points: float | None) -> str:
    """Return points as a cell; nothing where there are none."""
    return "" if points is None else f"{points:g}"


def merged(rows: Sequence[Row]) -> Row:
    """Return several lines of one student as one; where two people wrote, both are kept."""
    found: Row = {}
    for row in rows:
        for name, text in row.items():
            before = found.get(name, "")
            both = f"{before} / {text}" if before and text and text not in before.split(" / ") else before or text
            found[name] = before if name in ("student", "chapter") and before else both
    return found


def by_hand(now: str, graded: str | None, fresh: str) -> str:
    """Return what a person wrote over a cell of grading's, or nothing.

    Args:
        now: the cell as it is.
        graded: what grading had written, None where that is not known.
        fresh: what it would write now.
    """
    before = fresh if graded is None else graded
    if not now or now == before or (as_number(now) is not None and as_number(now) == as_number(before)):
        return ""
    made_a_date = as_number(now) is None and "." in before  # 1.5 is the first of May to a German spreadsheet
    return "" if made_a_date else now.replace(",", ".") if as_number(now) is not None else now


def remark(now: str, said: str) -> str:
    """Return what a person wrote into the note, without what grading had said there."""
    if not now or now in (said, WAITING, GONE):
        return ""
    return now.replace(said, "", 1).strip("; ") if said and said in now else now
