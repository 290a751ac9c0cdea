"""One call of a student's function, whatever it does: an answer, or a sentence about what went wrong."""

import traceback
from collections.abc import Callable
from typing import Any

import torch

from gencourse.homework.checking.calls import Call, Case, NotRun, Outputs, Unusable
from gencourse.training.random_state import random_state, set_random_state

STUDENTS = ("cell ", "ipykernel", "ipython-input")  # how files are called that hold a student's code
LONG = 600


def attempt(
    call: Call, function: Any, case: Case, *, excused: Callable[[Exception], bool] = lambda error: False
) -> Outputs:
    """Call a student's function; what it raises becomes an output too: `failed`, a sentence about it.

    Args:
        call: how it is called.
        function: the student's.
        case: its inputs.
        excused: whether an error is one of the machine that grades; the outputs then say that they are `unjudged`.
    """
    before = random_state()
    try:
        torch.default_generator.manual_seed(0)  # torch.manual_seed would seed a GPU's too
        return call(function, case)
    except NotRun as error:
        return {"failed": str(error), "unjudged": True}
    except Unusable as error:
        return {"failed": str(error)}
    except NotImplementedError as error:
        return {"failed": clipped(error) or "it is not written yet"}  # torch raises it too, at length
    except SystemExit:
        return {"failed": "your function ended the program (sys.exit or quit)"}
    except MemoryError:
        return {"failed": "your function asked for more memory than there is"}
    except Exception as error:
        said = f"your function raised {type(error).__name__}: {clipped(error)}{place(error)}"
        return {"failed": said, "unjudged": True} if excused(error) else {"failed": said}
    finally:
        set_random_state(before)


def clipped(error: BaseException) -> str:
    """Return an error's first line, at most 200 characters of it."""
    text = str(error).strip().split("\n")[0]
    if "can't allocate memory" in text:
        return "more memory than there is"
    return text[:200]


def place(error: BaseException) -> str:
    """Return the last line of a student's own that an error passed through."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f.line for f in frames if f.line and any(name in f.filename for name in STUDENTS)]
    return f", in the line: {lines[-1][:LONG]}" if lines else ""
