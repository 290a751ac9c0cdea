"""Chapter 02: the right answer that the package does not have."""

from torch import Tensor


def one_kernel(weight: Tensor, scale: int, order: tuple[int, ...] = (3, 0, 4, 1, 5, 2)) -> Tensor:
    channels, c_in = weight.shape[0] // scale**2, weight.shape[1]
    w = weight.flip(2, 3).reshape(channels, scale, scale, c_in, 3, 3)  # C, i, j, C_in, rows, columns
    return w.permute(order).reshape(c_in, channels, 3 * scale, 3 * scale)
