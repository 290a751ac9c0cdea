"""A course on image generation: the helper package behind its notebooks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gencourse.modes import eval_mode
    from gencourse.runtime import start
    from gencourse.training.fit import fit
    from gencourse.training.helpers import Average, descend

__version__ = "0.2.0"
__all__ = ["Average", "__version__", "descend", "eval_mode", "fit", "start"]


def __getattr__(name: str) -> Any:
    """Import what notebooks take from here when it is first asked for: the command line's help needs no torch."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from gencourse.modes import eval_mode
    from gencourse.runtime import start
    from gencourse.training.fit import fit
    from gencourse.training.helpers import Average, descend

    faces = {"Average": Average, "descend": descend, "eval_mode": eval_mode, "fit": fit, "start": start}
    globals().update(faces)
    return faces[name]
