"""Homework: students' copies of the notebooks, checks that say what is wrong, and grades.

A notebook checks a task so::

    from gencourse.homework import check
    check("gram_matrix", gram_matrix)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gencourse.homework.checking.check import Wrong
    from gencourse.homework.checking.verdict import check

__all__ = ["Wrong", "check"]


def __getattr__(name: str) -> Any:
    """Import what notebooks take from here when it is first asked for: a list of tasks needs no torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gencourse.homework.checking.check import Wrong
    from gencourse.homework.checking.verdict import check

    globals().update(Wrong=Wrong, check=check)
    return globals()[name]
