"""Upsampling: from (B, C, h, w) to (B, C', H, W) with H > h and W > w, by rule or by learned weights.

All of it is written out by hand; the tests hold it against torch.nn.functional. At the end the losses of
super-resolution. Every operator raises ImageError, a ValueError, for what are no pictures, and ValueError for sizes,
scales and strides that are no whole numbers or too small.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple, cast

import torch
import torch.nn.functional as F
from torch import Tensor

from gencourse.expect import at_least, check_shape, same_shape
from gencourse.networks.superres import icnr_ as icnr_  # the network needs it, this chapter teaches it

KEYS_A = -0.75  # torch's and OpenCV's choice; Keys 1981 derives -0.5


def nearest(x: Tensor, scale: int) -> Tensor:
    """Repeat every pixel of (B, C, h, w) in a block of scale x scale."""
    sides = _check(x, scale, floating=False).shape[2:]
    rows, columns = (torch.arange(n * scale, device=x.device) // scale for n in sides)
    return x[:, :, rows][:, :, :, columns]


def linear_matrix(n_in: int, n_out: int, align_corners: bool) -> Tensor:
    """Weights that interpolate some samples linearly.

    Args:
        n_in: How many samples.
        n_out: At how many places.
        align_corners: True puts the first and last place on the first and last sample; False takes samples for the
            middles of equal cells and lets the two rows of cells cover the same length.

    Returns:
        (n_out, n_in) float64, rows that sum to one.
    """
    at_least(1, n_in=n_in, n_out=n_out)
    i = torch.arange(n_out, dtype=torch.float64, device="cpu")
    position = i * (n_in - 1) / max(n_out - 1, 1) if align_corners else (i + 0.5) * n_in / n_out - 0.5
    position = position.clamp(0, n_in - 1)  # beyond the outermost samples they are repeated
    return (1 - (position[:, None] - torch.arange(n_in, device="cpu")).abs()).clamp(min=0)  # the tent


def cubic_matrix(n_in: int, scale: int) -> Tensor:
    """Weights of Keys' cubic kernel at n_in * scale places, cells as in `align_corners=False`: float64, (n_out, n_in).

    Beyond the border the outermost sample is repeated.

    Source: Keys 1981, eq. 15, with a = -0.75.
    """
    position = (torch.arange(n_in * scale, dtype=torch.float64, device="cpu") + 0.5) / scale - 0.5
    matrix = torch.zeros(n_in * scale, n_in, dtype=torch.float64, device="cpu")
    for tap in (-1, 0, 1, 2):
        sample = position.floor() + tap
        column = sample.clamp(0, n_in - 1).long()
        matrix.scatter_add_(1, column[:, None], cubic_kernel(position - sample)[:, None])
    return matrix


def cubic_kernel(t: Tensor, a: float = KEYS_A) -> Tensor:
    """Keys' kernel at distance t: 1 at 0, 0 at all other integers and beyond 2.

    Source: Keys 1981, eq. 15.
    """
    t = t.abs()
    near = (a + 2) * t**3 - (a + 3) * t**2 + 1
    far = a * (t**3 - 5 * t**2 + 8 * t - 4)
    return torch.where(t <= 1, near, torch.where(t < 2, far, torch.zeros_like(t)))


def bilinear(x: Tensor, size: tuple[int, int], align_corners: bool) -> Tensor:
    """Interpolate (B, C, h, w) linearly along both axes to `(B, C, *size)`: Y = R X S^T with a `linear_matrix` each."""
    sides = zip(_check(x).shape[2:], size, strict=True)
    rows, columns = (linear_matrix(n, m, align_corners).to(x) for n, m in sides)
    return rows @ x @ columns.T


def bicubic(x: Tensor, scale: int) -> Tensor:
    """Interpolate (B, C, h, w) with Keys' kernel along both axes; the result may leave the range of x."""
    rows, columns = (cubic_matrix(n, scale).to(x) for n in _check(x).shape[2:])
    return rows @ x @ columns.T


def area_average(x: Tensor, scale: int) -> Tensor:
    """Make (B, C, H, W) smaller: the mean of each block of scale x scale, which must divide the sides."""
    b, c, h, w = _check(x, scale, multiple=scale).shape
    return x.reshape(b, c, h // scale, scale, w // scale, scale).mean((3, 5))


def convolution_matrix(kernel: Tensor, height: int, width: int, stride: int = 1, padding: int = 0) -> Tensor:
    """The matrix C of a convolution: C @ image.flatten() is the convolved image, flattened.

    Args:
        kernel: (kh, kw).
        height: Of the images.
        width: Likewise.
        stride: Of the convolution.
        padding: Pixels of zeros on all sides.

    Returns:
        (h * w, height * width): a row for every output pixel.
    """
    kh, kw = check_shape(kernel, "a kernel", "kh", "kw").shape
    h, w = (height + 2 * padding - kh) // stride + 1, (width + 2 * padding - kw) // stride + 1
    at_least(1, rows_of_the_result=h, columns_of_the_result=w)
    matrix = kernel.new_zeros(h, w, height + 2 * padding, width + 2 * padding)
    for r in range(h):
        for c in range(w):
            matrix[r, c, r * stride : r * stride + kh, c * stride : c * stride + kw] = kernel
    matrix = matrix[:, :, padding : padding + height, padding : padding + width]  # the padding is always zero
    return matrix.reshape(h * w, height * width)


def transposed_convolution(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """Every input pixel lays its value times the kernel down, `stride` apart; where kernels overlap they add up.

    Args:
        x: (B, C_in, h, w).
        weight: (C_in, C_out, kh, kw).
        stride: Pixels from one kernel to the next.
        padding: Pixels cut off on all sides.

    Returns:
        (B, C_out, H, W) with H = (h - 1) * stride + kh - 2 * padding.

    Source: Dumoulin and Visin 2016, sec. 4.
    """
    b, c_in, h, w = _check(x, stride).shape
    _, c_out, kh, kw = check_shape(weight, "a weight", c_in, "C_out", "kh", "kw").shape
    y = x.new_zeros(b, c_out, (h - 1) * stride + kh, (w - 1) * stride + kw)
    for r in range(kh):
        for c in range(kw):
            laid = torch.einsum("bihw,io->bohw", x, weight[:, :, r, c])
            y[:, :, r : r + h * stride : stride, c : c + w * stride : stride] += laid
    return _cut(y, padding)


def transposed_by_matrix(x: Tensor, weight: Tensor, stride: int, padding: int) -> Tensor:
    """The same as the definition says it: C^T x, with the C of the convolution that goes the other way. Slow."""
    b, c_in, h, w = _check(x, stride).shape
    _, c_out, kh, kw = check_shape(weight, "a weight", c_in, "C_out", "kh", "kw").shape
    height, width = (h - 1) * stride + kh - 2 * padding, (w - 1) * stride + kw - 2 * padding
    y = x.new_zeros(b, c_out, height * width)
    for i in range(c_in):
        for o in range(c_out):
            y[:, o] += x[:, i].flatten(1) @ convolution_matrix(weight[i, o], height, width, stride, padding)
    return y.reshape(b, c_out, height, width)


def overlap_count(size: int, kernel: int, stride: int) -> Tensor:
    """How many of size x size input pixels reach each output pixel of a transposed convolution: (1, 1, n, n)."""
    ones = partial(torch.ones, dtype=torch.float32, device="cpu")
    return transposed_convolution(ones(1, 1, size, size), ones(1, 1, kernel, kernel), stride, 0)


def max_pool_with_switches(x: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Keep the maximum of each size x size block, and where it stood.

    Args:
        x: (B, C, H, W); rows and columns that do not fill a block are dropped.
        size: Of a block, at most the smaller side.

    Returns:
        Values and switches, (B, C, H // size, W // size); a switch is the place r * W + c, of equal maxima the first
        in reading order.
    """
    b, c, height, width = _check(x, size, least=size, floating=False).shape
    h, w = height // size, width // size
    blocks = x[:, :, : h * size, : w * size].reshape(b, c, h, size, w, size)
    values, place = blocks.transpose(3, 4).flatten(4).max(-1)  # (B, C, h, w, size * size)
    rows = torch.arange(h, device=x.device)[:, None] * size + place // size
    columns = torch.arange(w, device=x.device) * size + place % size
    return values, rows * width + columns


def max_unpool(values: Tensor, switches: Tensor, size: tuple[int, int]) -> Tensor:
    """Put each value back where its switch says, zeros elsewhere: (B, C, h, w) to `(B, C, *size)`.

    Source: Zeiler et al. 2011.
    """
    b, c, _, _ = _check(values, floating=False).shape
    check_shape(switches, "switches", *values.shape, floating=False)
    flat = values.new_zeros(b, c, size[0] * size[1])
    return flat.scatter(2, switches.flatten(2), values.flatten(2)).reshape(b, c, *size)


def pixel_shuffle(x: Tensor, scale: int) -> Tensor:
    """Turn channels into pixels: (B, C * scale^2, h, w) to (B, C, h * scale, w * scale).

    Channel c * scale^2 + i * scale + j becomes pixel (i, j) of each block of channel c.

    Source: Shi et al. 2016, eq. 4.
    Differs from the paper, as torch does: there the C colours lie innermost, here outermost.
    """
    b, channels, h, w = _check(x, scale, floating=False).shape
    x = x.reshape(b, channels // scale**2, scale, scale, h, w)
    return x.permute(0, 1, 4, 2, 5, 3).reshape(b, -1, h * scale, w * scale)  # B, C, (h, i), (w, j)


def pixel_unshuffle(x: Tensor, scale: int) -> Tensor:
    """Turn pixels into channels: (B, C, H, W) to (B, C * scale^2, H / scale, W / scale); undoes `pixel_shuffle`."""
    b, c, h, w = _check(x, scale, multiple=scale, floating=False).shape
    x = x.reshape(b, c, h // scale, scale, w // scale, scale)
    return x.permute(0, 1, 3, 5, 2, 4).reshape(b, -1, h // scale, w // scale)


def resize_convolution(x: Tensor, weight: Tensor, scale: int) -> Tensor:
    """Enlarge by repeating pixels, then convolve.

    Args:
        x: (B, C_in, h, w).
        weight: (C_out, C_in, k, k), k odd; the border is repeated.
        scale: How many times larger.

    Returns:
        (B, C_out, h * scale, w * scale).

    Source: Odena et al. 2016.
    """
    k = check_shape(weight, "a weight", "C_out", "C_in", "k", "k").shape[-1]
    if k % 2 == 0:
        raise ValueError(f"the side of the kernel must be odd, got {k}")
    return F.conv2d(F.pad(nearest(x, scale), (k // 2,) * 4, mode="replicate"), weight)


class Cost(NamedTuple):
    """Learned weights (without biases) and multiply-adds for one picture."""

    weights: int
    multiply_adds: int


def costs(c_in: int, c_out: int, height: int, width: int, *, scale: int = 2, kernel: int = 3) -> dict[str, Cost]:
    """What each operator costs from (c_in, height, width) to (c_out, height * scale, width * scale).

    Interpolation works axis by axis and keeps its c_in channels; unpooling only moves values. The transposed
    convolution has a kernel of 2 * scale, the smallest that overlaps evenly; `kernel` is that of the others.
    """
    pixels = height * width
    by_axis = c_in * (scale * pixels + scale**2 * pixels)  # values computed: rows first, then columns
    learned = {
        "transposed convolution": ((2 * scale) ** 2, pixels),  # each input pixel lays the kernel down once
        "pixel shuffle": (kernel**2 * scale**2, pixels),  # a convolution to c_out * scale^2 channels, at the small size
        "resize, then convolution": (kernel**2, pixels * scale**2),  # a convolution at the large size
    }
    return {
        "nearest": Cost(0, 0),
        "bilinear": Cost(0, 2 * by_axis),
        "bicubic": Cost(0, 4 * by_axis),
        "max-unpooling": Cost(0, 0),
    } | {name: Cost(c_in * c_out * k, c_in * c_out * k * places) for name, (k, places) in learned.items()}


def pixel_loss(y_hat: Tensor, y: Tensor) -> Tensor:
    """Mean squared error of pixels. Its best answer is the mean of all that may be true, and that is blurred."""
    same_shape(y_hat, y)
    return (y_hat - y).square().mean()


def perceptual_loss(network: Callable[[Tensor], dict[str, Tensor]], y_hat: Tensor, y: Tensor) -> Tensor:
    """Squared distance of features, `||phi(y_hat) - phi(y)||^2 / (C H W)`, averaged over the batch, summed over layers.

    Args:
        network: Image (B, 3, H, W) in [0, 1] -> {layer: (B, C, h, w)}, frozen.
        y_hat: Pictures; the gradient reaches these alone.
        y: The true ones, of the same shape.

    Source: Johnson et al. 2016, eq. 2.
    """
    same_shape(y_hat, y)
    with torch.no_grad():
        target = network(y.detach())
    return cast(Tensor, sum((phi - target[layer]).square().mean() for layer, phi in network(y_hat).items()))


def _cut(y: Tensor, padding: int) -> Tensor:
    """Take `padding` pixels off all sides."""
    at_least(0, padding=padding)
    height, width = _check(y, least=2 * padding + 1).shape[2:]
    return y[:, :, padding : height - padding, padding : width - padding]


def _check(x: Tensor, scale: int = 1, *, floating: bool = True, least: int = 1, multiple: int = 1) -> Tensor:
    """Return pictures (B, C, H, W) unchanged."""
    at_least(1, scale=scale)
    return check_shape(x, "pictures", "B", "C", "H", "W", floating=floating, least=least, multiple=multiple)
