"""Chapter 02, upsampling."""

import math

import torch
import torch.nn.functional as F

from gencourse import descend
from wrong_answers import all_right, all_wrong, right, wrong


def tents(position, n_in):
    return (1 - (position[:, None] - torch.arange(n_in)).abs()).clamp(min=0)


def places(n_in, n_out, align_corners):
    i = torch.arange(n_out, dtype=torch.float64)
    return i * (n_in - 1) / max(n_out - 1, 1) if align_corners else (i + 0.5) * n_in / n_out - 0.5


@right("linear_matrix")
def linear_by_probing(n_in, n_out, align_corners):
    """The columns are what interpolation makes of single samples."""
    single = torch.eye(n_in, dtype=torch.float64)[:, None]
    return F.interpolate(single, n_out, mode="linear", align_corners=align_corners)[:, 0].T


all_right("linear_matrix", by_tents=lambda n, m, corners: tents(places(n, m, corners).clamp(0, n - 1), n))
all_wrong(
    "linear_matrix",
    {
        "a weight is negative": lambda n, m, corners: (
            1 - (places(n, m, corners).clamp(0, n - 1)[:, None] - torch.arange(n)).abs()
        ),
        "one row for each output, (4, 2)": lambda n, m, corners: linear_by_probing(4, 8, corners),
    },
)


@right("transposed_convolution")
def transposed_by_pixels(x, weight, stride, padding):
    b, _, h, w = x.shape
    _, c_out, kh, kw = weight.shape
    y = torch.zeros(b, c_out, (h - 1) * stride + kh, (w - 1) * stride + kw)
    for i in range(h):
        for j in range(w):
            laid = torch.tensordot(x[:, :, i, j], weight, dims=1)
            y[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] += laid
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


@right("transposed_convolution")
def transposed_by_zeros(x, weight, stride, padding):
    """Zeros between the pixels, then an ordinary convolution with the kernel turned round."""
    b, c, h, w = x.shape
    kh, kw = weight.shape[2:]
    spread = x.new_zeros(b, c, (h - 1) * stride + 1, (w - 1) * stride + 1)
    spread[:, :, ::stride, ::stride] = x
    spread = F.pad(spread, (kw - 1, kw - 1, kh - 1, kh - 1))
    y = F.conv2d(spread, weight.flip(2, 3).transpose(0, 1))
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


all_wrong(
    "transposed_convolution",
    {
        "the padding is cut off on one side only": lambda x, w, s, p: transposed_by_pixels(x, w, s, 0)[
            :, :, : -p or None, : -p or None
        ],
        "expected 7x9 pixels": lambda *given: F.pad(transposed_by_pixels(*given), (0, 1, 0, 1)),
        "in the other order than in Conv2d": lambda *given: transposed_by_pixels(*given).repeat(1, 2, 1, 1),
        "fixed in your code?": lambda x, w, s, p: transposed_by_pixels(x[:, :2], w[:2], s, p),
    },
)


@right("pixel_shuffle")
def shuffle_by_loops(x, scale):
    b, channels, h, w = x.shape
    y = torch.empty(b, channels // scale**2, h * scale, w * scale)
    for i in range(scale):
        for j in range(scale):
            y[:, :, i::scale, j::scale] = x[:, i * scale + j :: scale**2]
    return y


@right("pixel_shuffle")
def shuffle_by_convolution(x, scale):
    """A transposed convolution whose kernels are single ones."""
    channels = x.shape[1]
    weight = torch.zeros(channels, channels // scale**2, scale, scale)
    for k in range(channels):
        weight[k, k // scale**2, k % scale**2 // scale, k % scale] = 1
    return F.conv_transpose2d(x, weight, stride=scale)


all_wrong(
    "pixel_shuffle",
    {
        "raised RuntimeError": lambda x, s: x.unflatten(1, (-1, s)).permute(0, 3, 1, 4, 2).view(x.shape),
        "expected shape": lambda x, s: F.pixel_shuffle(x, 2),
    },
)


@right("psnr")
def psnr_by_loops(a, b):
    found = []
    for one, other in zip(a, b, strict=True):
        error = F.mse_loss(one, other)
        found.append(torch.tensor(math.inf) if error == 0 else 10 * torch.log10(1 / error))
    return torch.stack(found)


all_right(
    "psnr",
    in_float32=lambda a, b: -10 * (a - b).square().mean((1, 2, 3)).log10(),
    by_root=lambda a, b: 20 * torch.log10(1 / (a - b).flatten(1).square().mean(1).sqrt()),
)
all_wrong(
    "psnr",
    {
        "expected one number for each picture": lambda a, b: -10 * (a - b).square().mean((2, 3)).log10(),
        "infinite decibels": lambda a, b: -10 * ((a - b).square().mean((1, 2, 3)) + 1e-12).log10(),
    },
)


@right("perceptual_loss")
def perceptual_layer_by_layer(network, y_hat, y):
    """The network is asked once for each layer: slow, but y gets no graph."""
    with torch.no_grad():
        true = network(y)
    return sum(F.mse_loss(network(y_hat)[layer], phi) for layer, phi in true.items())


@right("perceptual_loss")
def perceptual_in_inference_mode(network, y_hat, y):
    with torch.inference_mode():
        true = network(y)
    return sum((phi - true[layer].clone()).square().mean() for layer, phi in network(y_hat).items())


@wrong("perceptual_loss", "is a layer cut off?")
def perceptual_half_cut(network, y_hat, y):
    true = network(y.detach())
    fine, coarse = (phi - true[layer] for layer, phi in network(y_hat).items())
    return fine.square().mean() + coarse.detach().square().mean()


@wrong("perceptual_loss", "a graph for y")
def perceptual_in_one_batch(network, y_hat, y):
    both = network(torch.cat([y_hat, y.detach()]))
    return sum(F.mse_loss(phi[: len(y)], phi[len(y) :].detach()) for phi in both.values())


def mse(phi, true):
    return sum(F.mse_loss(phi[layer], true[layer].detach()) for layer in phi)


all_wrong(
    "perceptual_loss",
    {
        "no gradient reaches y_hat": lambda *given: perceptual_layer_by_layer(*given).item(),
        "memory is spent": lambda network, y_hat, y: mse(network(y_hat), network(y)),
        "it changes y in place": lambda network, y_hat, y: mse(network(y_hat), network(y.requires_grad_(False))),
        "changes y in place, by requires_grad_ or detach_": lambda network, y_hat, y: mse(
            network(y_hat), network(y.detach_())
        ),
    },
)


@right("one_kernel")
def kernel_by_loops(weight, scale):
    c_in = weight.shape[1]
    kernel = torch.zeros(c_in, weight.shape[0] // scale**2, 3 * scale, 3 * scale)
    for i in range(scale):
        for j in range(scale):
            for r in range(3):
                for c in range(3):
                    tap = weight[i * scale + j :: scale**2, :, 2 - r, 2 - c]
                    kernel[:, :, r * scale + i, c * scale + j] = tap.T
    return kernel


@right("one_kernel")
def kernel_by_probing(weight, scale):
    """What a single pixel turns into, one channel at a time."""
    found = []
    for k in range(weight.shape[1]):
        pixel = torch.zeros(1, weight.shape[1], 3, 3)
        pixel[0, k, 1, 1] = 1
        found.append(F.pixel_shuffle(F.conv2d(pixel, weight, padding=1), scale))
    return torch.cat(found)


all_wrong("one_kernel", {"expected shape": lambda weight, scale: weight})


@right("super_resolution_step")
def step_by_descend(network, optimizer, loss, y):
    b, c, h, w = y.shape
    small = y.reshape(b, c, h // 4, 4, w // 4, 4).mean((3, 5))
    return descend(optimizer, loss(network(small.sub(0.5).mul(2)).add(1).div(2), y))


@right("super_resolution_step")
def step_that_clears_at_the_end_too(network, optimizer, loss, y):
    for weight in network.parameters():
        weight.grad = None
    small = F.interpolate(y, scale_factor=0.25, mode="area")
    value = loss((network(2 * small - 1) + 1) * 0.5, y)
    value.backward()
    optimizer.step()
    optimizer.zero_grad()
    return value.detach()


all_wrong(
    "super_resolution_step",
    {
        "the loss is another one": lambda net, optimizer, loss, y: step_by_descend(net, optimizer, loss, 0.9 * y),
        "was read back as a number": lambda *given: step_by_descend(*given).item(),
        "nothing is updated": lambda net, optimizer, loss, y: loss(
            (net(F.avg_pool2d(y, 4) * 2 - 1) + 1) / 2, y
        ).detach(),
    },
)
