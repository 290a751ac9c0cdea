"""Pictures of tensors, curves, animations and sliders, each shown at once.

Images are (B, C, H, W) in [0, 1] and always drawn on that range: nothing is stretched to fit, so a wrong range shows.
"""

from gencourse.show import diagrams
from gencourse.show.figures import compare, curves, figure, image, images, matrices
from gencourse.show.play import animation, png, slider, upload

__all__ = [
    "animation", "compare", "curves", "diagrams", "figure", "image", "images", "matrices", "png", "slider", "upload",
]  # fmt: skip
