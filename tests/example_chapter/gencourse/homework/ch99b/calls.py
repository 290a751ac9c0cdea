"""Chapter 99b: the mix is asked for at both ends of the line too."""

from collections.abc import Callable
from typing import Any

from gencourse.homework.checking.calls import Case, Outputs, value


def line(function: Callable[..., Any], case: Case) -> Outputs:
    """Call function(a, b, weight).

    Returns:
        `value` and the inputs as the call left them, and what the function gives at weight 0 and 1, as `at 0` and
        `at 1`.
    """
    ends = {name: value(function, {**case, "weight": weight})["value"] for name, weight in (("at 0", 0), ("at 1", 1))}
    return {**value(function, case), **ends}
