"""What chapter 99b derives: pictures between two pictures."""

from torch import Tensor

from gencourse.expect import same_shape


def mix(a: Tensor, b: Tensor, weight: float) -> Tensor:
    """Return pictures on the straight line from a to b.

    Args:
        a: (B, C, H, W), where the line begins.
        b: (B, C, H, W), where it ends.
        weight: how far along, 0 at a and 1 at b.

    Raises:
        ImageError: the two differ in shape.
    """
    same_shape(a, b)
    return (1 - weight) * a + weight * b
