"""A course on image generation: the helper package behind its notebooks."""

from gencourse.descend import Average, descend, eval_mode
from gencourse.fit import fit
from gencourse.runtime import start

__version__ = "0.1.0"
__all__ = ["Average", "__version__", "descend", "eval_mode", "fit", "start"]
