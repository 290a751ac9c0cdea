"""Chapter 99b: the mix is asked for at both ends of the line too."""

from collections.abc import Callable
from typing import Any

from gencourse.homework.checking.calls import Case, Outputs, plain, tensors


def line(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(a, b, weight).

    Returns:
        `value`, and what the function gives at weight 0 and 1 as `start` and `end`.
    """
    a, b, weight = tensors(case).values()
    return {"value": plain(function(a, b, weight)), "start": plain(function(a, b, 0)), "end": plain(function(a, b, 1))}
