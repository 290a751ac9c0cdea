"""Texture synthesis: from a small sample a larger picture of the same texture.

Four ways, a file each: letters in `texture_text`, pixels in `texture_growing`, blocks in `texture_quilting`, Gram
matrices in `texture_gram`. Their public names are here too, with what tells a copy from a texture.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import ImageError, check_shape
from gencourse.methods.texture_canvas import gaussian_window
from gencourse.methods.texture_gram import (
    POOLED,
    gram_targets,
    invert,
    style_gap,
    synthesize,
    texture_loss,
    with_padding,
)
from gencourse.methods.texture_growing import Texture, candidates, grow, window_distances
from gencourse.methods.texture_quilting import minimal_cut, quilt
from gencourse.methods.texture_text import grow_text, next_letters

__all__ = [
    "POOLED",
    "Texture",
    "candidates",
    "copied",
    "gaussian_window",
    "gram_targets",
    "grow",
    "grow_text",
    "invert",
    "minimal_cut",
    "next_letters",
    "quilt",
    "source_map",
    "style_gap",
    "synthesize",
    "texture_loss",
    "window_distances",
    "with_padding",
]

CHUNK = 2048  # patches that are compared with the sample at once


@torch.no_grad()
def copied(image: Tensor, sample: Tensor, size: int = 7, threshold: float = 1e-3) -> float:
    """Return the share of an image's patches that the sample holds too, wherever it has them.

    Args:
        image: (1, C, H, W) in [0, 1].
        sample: (1, C, h, w).
        size: Side of a patch.
        threshold: A patch is a copy if the mean squared difference from its nearest in the sample is below this.

    Raises:
        ImageError: Other shapes, or one of them is smaller than a patch.
    """
    for what, x in (("an image", image), ("a sample", sample)):
        check_shape(x, what, 1, sample.shape[1], "H", "W")
        if min(x.shape[2:]) < size:
            raise ImageError(f"{what} of {x.shape[3]} x {x.shape[2]} pixels holds no patch of {size}")
    centre = sample.mean((2, 3), keepdim=True)  # around zero, so that less is lost to rounding
    ours, theirs = (F.unfold(x - centre, size)[0] for x in (image, sample))  # (C s s, P)
    lengths = theirs.square().sum(0)
    nearest = [
        (part.square().sum(0)[:, None] - 2 * part.T @ theirs + lengths).amin(1) for part in ours.split(CHUNK, dim=1)
    ]
    return (torch.cat(nearest) / len(ours) < threshold).double().mean().item()


def source_map(sources: Tensor, height: int, width: int) -> Tensor:
    """Draw where pixels come from, as colours: red for the row in the sample, green for the column.

    Args:
        sources: (2, H, W), rows and columns.
        height: Of the sample.
        width: Of the sample.

    Returns:
        (1, 3, H, W) in [0, 1]. What was copied in one piece is one smooth ramp.
    """
    rows, columns = sources[0] / max(height - 1, 1), sources[1] / max(width - 1, 1)
    return torch.stack([rows, columns, torch.full_like(rows, 0.5)])[None]
