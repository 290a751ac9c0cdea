"""Pictures in and out of tensors, and the two value ranges.

Files, plots and metrics speak [0, 1]; networks speak [-1, 1]. Tensors are (B, C, H, W) float32.
"""

from gencourse.expect import ImageError
from gencourse.images.files import load, save, writable
from gencourse.images.ranges import to_pil, to_signed, to_uint8, to_unit
from gencourse.images.sizes import grid, grid_shape, resample, resize

__all__ = ["ImageError", "grid", "grid_shape", "load", "resample", "resize", "save", "to_pil", "to_signed", "to_uint8"]
__all__ += ["to_unit", "writable"]
