"""Chapter 02, upsampling."""

import math

import torch
import torch.nn.functional as F

from gencourse.methods import upsampling
from wrong_answers import right, wrong


def tents(position, n_in):
    return (1 - (position[:, None] - torch.arange(n_in)).abs()).clamp(min=0)


def places(n_in, n_out, align_corners):
    i = torch.arange(n_out, dtype=torch.float64)
    return i * (n_in - 1) / max(n_out - 1, 1) if align_corners else (i + 0.5) * n_in / n_out - 0.5


@right("linear_matrix")
def linear_by_tents(n_in, n_out, align_corners):
    return tents(places(n_in, n_out, align_corners).clamp(0, n_in - 1), n_in)


@right("linear_matrix")
def linear_by_loops(n_in, n_out, align_corners):
    matrix = torch.zeros(n_out, n_in, dtype=torch.float64)
    for i in range(n_out):
        p = i * (n_in - 1) / max(n_out - 1, 1) if align_corners else (i + 0.5) * n_in / n_out - 0.5
        p = min(max(p, 0), n_in - 1)
        left = min(math.floor(p), n_in - 1)
        matrix[i, left] += 1 - (p - left)
        matrix[i, min(left + 1, n_in - 1)] += p - left
    return matrix


@right("linear_matrix")
def linear_by_probing(n_in, n_out, align_corners):
    """The columns are what interpolation makes of single samples."""
    single = torch.eye(n_in, dtype=torch.float64)[:, None]
    return F.interpolate(single, n_out, mode="linear", align_corners=align_corners)[:, 0].T


@wrong("linear_matrix", "lies on its side")
def linear_transposed(n_in, n_out, align_corners):
    return linear_by_tents(n_in, n_out, align_corners).T


@wrong("linear_matrix", "have changed places")
def linear_swapped(n_in, n_out, align_corners):
    return linear_by_tents(n_in, n_out, not align_corners)


@wrong("linear_matrix", "does not stay flat at the border")
def linear_unclamped(n_in, n_out, align_corners):
    return tents(places(n_in, n_out, align_corners), n_in)


@wrong("linear_matrix", "a cell's sample lies in its middle")
def linear_without_half(n_in, n_out, align_corners):
    i = torch.arange(n_out, dtype=torch.float64)
    position = places(n_in, n_out, True) if align_corners else i * n_in / n_out
    return tents(position.clamp(0, n_in - 1), n_in)


@wrong("linear_matrix", "see the second ½")
def linear_one_half(n_in, n_out, align_corners):
    position = places(n_in, n_out, align_corners) + (0 if align_corners else 0.5)
    return tents(position.clamp(0, n_in - 1), n_in)


@wrong("linear_matrix", "see the m - 1")
def linear_off_by_one(n_in, n_out, align_corners):
    i = torch.arange(n_out, dtype=torch.float64)
    position = i * (n_in - 1) / n_out if align_corners else places(n_in, n_out, False)
    return tents(position.clamp(0, n_in - 1), n_in)


@wrong("linear_matrix", "that is nearest neighbour")
def linear_nearest(n_in, n_out, align_corners):
    return tents(places(n_in, n_out, align_corners).clamp(0, n_in - 1).round(), n_in)


@wrong("linear_matrix", "a weight is negative")
def linear_unfloored(n_in, n_out, align_corners):
    position = places(n_in, n_out, align_corners).clamp(0, n_in - 1)
    return 1 - (position[:, None] - torch.arange(n_in)).abs()


@wrong("linear_matrix", "m - 1 is zero")
def linear_divided_by_zero(n_in, n_out, align_corners):
    i = torch.arange(n_out, dtype=torch.float64)
    position = i * (n_in - 1) / (n_out - 1) if align_corners else places(n_in, n_out, False)
    return tents(position.clamp(0, n_in - 1), n_in)


@wrong("linear_matrix", "aligned corners takes the first sample")
def linear_in_the_middle(n_in, n_out, align_corners):
    if n_out == 1:
        return tents(places(n_in, n_out, False), n_in)
    return linear_by_tents(n_in, n_out, align_corners)


@wrong("linear_matrix", "without them it lies in the middle")
def linear_always_first(n_in, n_out, align_corners):
    return linear_by_tents(n_in, n_out, align_corners or n_out == 1)


@wrong("linear_matrix", "float64 is asked for: yours is torch.float32")
def linear_in_float32(n_in, n_out, align_corners):
    return linear_by_tents(n_in, n_out, align_corners).float()


@wrong("linear_matrix", "a torch tensor is asked for: yours is of type ndarray")
def linear_by_numpy(n_in, n_out, align_corners):
    return linear_by_tents(n_in, n_out, align_corners).numpy()


@wrong("linear_matrix", "one row for each output, (4, 2)")
def linear_fixed(n_in, n_out, align_corners):
    return linear_by_tents(4, 8, align_corners)


transposed_by_kernel = right("transposed_convolution")(upsampling.transposed_convolution)


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


@wrong("transposed_convolution", "do you overwrite?")
def transposed_overwriting(x, weight, stride, padding):
    b, _, h, w = x.shape
    _, c_out, kh, kw = weight.shape
    y = torch.zeros(b, c_out, (h - 1) * stride + kh, (w - 1) * stride + kw)
    for i in range(h):
        for j in range(w):
            laid = torch.tensordot(x[:, :, i, j], weight, dims=1)
            y[:, :, i * stride : i * stride + kh, j * stride : j * stride + kw] = laid
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


@wrong("transposed_convolution", "overwrites another's pixels")
def transposed_overwriting_entries(x, weight, stride, padding):
    b, _, h, w = x.shape
    _, c_out, kh, kw = weight.shape
    y = torch.zeros(b, c_out, (h - 1) * stride + kh, (w - 1) * stride + kw)
    for i in range(kh):
        for j in range(kw):
            laid = torch.einsum("bihw,io->bohw", x, weight[:, :, i, j])
            y[:, :, i : i + h * stride : stride, j : j + w * stride : stride] = laid
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


@wrong("transposed_convolution", "the kernel is turned round")
def transposed_flipped(x, weight, stride, padding):
    return transposed_by_kernel(x, weight.flip(2, 3), stride, padding)


@wrong("transposed_convolution", "rows and columns of the kernel")
def transposed_turned(x, weight, stride, padding):
    return transposed_by_kernel(x, weight.transpose(2, 3), stride, padding)


@wrong("transposed_convolution", "input and output channels of the weight")
def transposed_channels(x, weight, stride, padding):
    return transposed_by_kernel(x, weight.transpose(0, 1), stride, padding)


@wrong("transposed_convolution", "the padding is not cut off")
def transposed_unpadded(x, weight, stride, padding):
    return transposed_by_kernel(x, weight, stride, 0)


@wrong("transposed_convolution", "on one side only")
def transposed_cut_once(x, weight, stride, padding):
    return transposed_by_kernel(x, weight, stride, 0)[:, :, padding:, padding:]


@wrong("transposed_convolution", "expected 7x9 pixels")
def transposed_size(x, weight, stride, padding):
    return F.pad(transposed_by_kernel(x, weight, stride, padding), (0, 1, 0, 1))


@wrong("transposed_convolution", "they are averaged")
def transposed_averaged(x, weight, stride, padding):
    y = transposed_by_kernel(x, weight, stride, 0)
    y = y / transposed_by_kernel(torch.ones_like(x[:1, :1]), torch.ones_like(weight[:1, :1]), stride, 0).clamp(min=1)
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


@wrong("transposed_convolution", "fixed in your code?")
def transposed_one_channel(x, weight, stride, padding):
    """Only the first two channels are looked at."""
    return transposed_by_kernel(x[:, :2], weight[:2], stride, padding)


@right("pixel_shuffle")
def shuffle_by_axes(x, scale):
    b, channels, h, w = x.shape
    x = x.reshape(b, channels // scale**2, scale, scale, h, w)
    return x.permute(0, 1, 4, 2, 5, 3).reshape(b, -1, h * scale, w * scale)


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


def permuted(x, scale, order):
    b, channels, h, w = x.shape
    x = x.reshape(b, channels // scale**2, scale, scale, h, w)
    return x.permute(order).reshape(b, channels // scale**2, h * scale, w * scale)


@wrong("pixel_shuffle", "inside a block are exchanged")
def shuffle_transposed(x, scale):
    return permuted(x, scale, (0, 1, 4, 3, 5, 2))


@wrong("pixel_shuffle", "not the channel")
def shuffle_channels_first(x, scale):
    b, channels, h, w = x.shape
    x = x.reshape(b, scale, scale, channels // scale**2, h, w)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(b, -1, h * scale, w * scale)


@wrong("pixel_shuffle", "reshaping alone")
def shuffle_reshaped(x, scale):
    return x.reshape(len(x), -1, x.shape[2] * scale, x.shape[3] * scale)


@wrong("pixel_shuffle", "below one another")
def shuffle_rows(x, scale):
    return permuted(x, scale, (0, 1, 2, 4, 3, 5))


@wrong("pixel_shuffle", "h is outside, i inside")
def shuffle_nested(x, scale):
    return permuted(x, scale, (0, 1, 2, 4, 5, 3))


@wrong("pixel_shuffle", "w is outside and j inside")
def shuffle_along_rows(x, scale):
    return permuted(x, scale, (0, 1, 4, 2, 3, 5))


@wrong("pixel_shuffle", "height and width are exchanged")
def shuffle_turned(x, scale):
    return permuted(x, scale, (0, 1, 5, 3, 4, 2))


@wrong("pixel_shuffle", "raised RuntimeError")
def shuffle_unsplit(x, scale):
    return x.reshape(len(x), -1, scale, x.shape[2], x.shape[3]).permute(0, 3, 1, 4, 2).view(x.shape)


@wrong("pixel_shuffle", "expected shape")
def shuffle_by_two(x, scale):
    return shuffle_by_axes(x, 2)


@right("psnr")
def psnr_reference(a, b):
    return -10 * (a - b).square().mean((1, 2, 3)).log10()


@right("psnr")
def psnr_by_loops(a, b):
    found = []
    for one, other in zip(a, b, strict=True):
        error = F.mse_loss(one, other)
        found.append(torch.tensor(math.inf) if error == 0 else 10 * torch.log10(1 / error))
    return torch.stack(found)


@right("psnr")
def psnr_by_root(a, b):
    return 20 * torch.log10(1 / (a - b).flatten(1).square().mean(1).sqrt())


@wrong("psnr", "the sign is wrong")
def psnr_negative(a, b):
    return 10 * (a - b).square().mean((1, 2, 3)).log10()


@wrong("psnr", "not the natural one")
def psnr_natural(a, b):
    return -10 * (a - b).square().mean((1, 2, 3)).log()


@wrong("psnr", "twenty is for the root")
def psnr_twenty(a, b):
    return -20 * (a - b).square().mean((1, 2, 3)).log10()


@wrong("psnr", "bels, not decibels")
def psnr_bels(a, b):
    return -(a - b).square().mean((1, 2, 3)).log10()


@wrong("psnr", "not 255")
def psnr_255(a, b):
    return 10 * torch.log10(255**2 / (a - b).square().mean((1, 2, 3)))


@wrong("psnr", "then the logarithm")
def psnr_mean_of_logs(a, b):
    return -10 * (a - b).square().clamp(min=1e-30).log10().mean((1, 2, 3))


@wrong("psnr", "not taken without its sign")
def psnr_absolute(a, b):
    return -10 * (a - b).abs().mean((1, 2, 3)).log10()


@wrong("psnr", "a sum of squares")
def psnr_summed(a, b):
    return -10 * (a - b).square().sum((1, 2, 3)).log10()


@wrong("psnr", "do you mix the batch?")
def psnr_of_batch(a, b):
    return -10 * (a - b).square().mean().log10()


@wrong("psnr", "expected one number for each picture")
def psnr_by_channel(a, b):
    return -10 * (a - b).square().mean((2, 3)).log10()


@wrong("psnr", "one equal pair makes the numbers of other pairs infinite")
def psnr_any_equal(a, b):
    error = (a - b).square().mean((1, 2, 3))
    return torch.full_like(error, math.inf) if (error == 0).any() else -10 * error.log10()


@wrong("psnr", "infinite decibels")
def psnr_never_infinite(a, b):
    return -10 * ((a - b).square().mean((1, 2, 3)) + 1e-12).log10()


@right("perceptual_loss")
def perceptual_reference(network, y_hat, y):
    with torch.no_grad():
        target = network(y.detach())
    return sum((phi - target[layer]).square().mean() for layer, phi in network(y_hat).items())


@right("perceptual_loss")
def perceptual_by_sums(network, y_hat, y):
    total = torch.zeros(())
    true = network(y.detach())
    for layer, phi in network(y_hat).items():
        _, c, h, w = phi.shape
        by_picture = (phi - true[layer]).pow(2).sum((1, 2, 3)) / (c * h * w)
        total = total + by_picture.mean()
    return total


def layer_losses(network, y_hat, y):
    target = network(y.detach())
    return [(phi - target[layer]) for layer, phi in network(y_hat).items()]


@wrong("perceptual_loss", "only the first layer counts")
def perceptual_first(network, y_hat, y):
    return layer_losses(network, y_hat, y)[0].square().mean()


@wrong("perceptual_loss", "only the last layer counts")
def perceptual_last(network, y_hat, y):
    return layer_losses(network, y_hat, y)[-1].square().mean()


@wrong("perceptual_loss", "do not average")
def perceptual_averaged(network, y_hat, y):
    return perceptual_reference(network, y_hat, y) / 2


@wrong("perceptual_loss", "each layer is divided by its own C H W")
def perceptual_summed(network, y_hat, y):
    return sum(d.square().sum() for d in layer_losses(network, y_hat, y)) / len(y)


@wrong("perceptual_loss", "twice the pictures should not cost twice as much")
def perceptual_batch(network, y_hat, y):
    return sum(d[0].numel() ** -1 * d.square().sum() for d in layer_losses(network, y_hat, y))


@wrong("perceptual_loss", "thrown together")
def perceptual_together(network, y_hat, y):
    return torch.cat([d.flatten() for d in layer_losses(network, y_hat, y)]).square().mean()


@wrong("perceptual_loss", "without their sign")
def perceptual_absolute(network, y_hat, y):
    return sum(d.abs().mean() for d in layer_losses(network, y_hat, y))


@wrong("perceptual_loss", "not H W alone")
def perceptual_positions(network, y_hat, y):
    return sum(d.square().sum(1).mean() for d in layer_losses(network, y_hat, y))


@wrong("perceptual_loss", "no gradient reaches y_hat")
@torch.no_grad()
def perceptual_cut(network, y_hat, y):
    return perceptual_reference(network, y_hat, y)


@wrong("perceptual_loss", "a gradient reaches the truth y")
def perceptual_both(network, y_hat, y):
    true = network(y)
    return sum((phi - true[layer]).square().mean() for layer, phi in network(y_hat).items())


@wrong("perceptual_loss", "memory is spent")
def perceptual_detached_late(network, y_hat, y):
    true = network(y)
    return sum((phi - true[layer].detach()).square().mean() for layer, phi in network(y_hat).items())


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


@wrong("perceptual_loss", "a graph for y")
def perceptual_in_one_batch(network, y_hat, y):
    both = network(torch.cat([y_hat, y.detach()]))
    return sum(F.mse_loss(phi[: len(y)], phi[len(y) :].detach()) for phi in both.values())


@wrong("perceptual_loss", "it changes y in place")
def perceptual_frozen_y(network, y_hat, y):
    true = network(y.requires_grad_(False))
    return sum(F.mse_loss(phi, true[layer]) for layer, phi in network(y_hat).items())


@wrong("perceptual_loss", "changes y in place, by requires_grad_ or detach_")
def perceptual_detached_y(network, y_hat, y):
    true = network(y.detach_())
    return sum(F.mse_loss(phi, true[layer]) for layer, phi in network(y_hat).items())


@wrong("perceptual_loss", "changes its input y in place")
def perceptual_clamped_y(network, y_hat, y):
    with torch.no_grad():
        true = network(y)
        y.sub_(0.5).clamp_(0, 1)
    return sum(F.mse_loss(phi, true[layer].clone()) for layer, phi in network(y_hat).items())


@wrong("perceptual_loss", "is a layer cut off?")
def perceptual_half_cut(network, y_hat, y):
    fine, coarse = layer_losses(network, y_hat, y)
    return fine.square().mean() + coarse.detach().square().mean()


@right("one_kernel")
def kernel_by_axes(weight, scale):
    channels, c_in = weight.shape[0] // scale**2, weight.shape[1]
    w = weight.flip(2, 3).reshape(channels, scale, scale, c_in, 3, 3)
    return w.permute(3, 0, 4, 1, 5, 2).reshape(c_in, channels, 3 * scale, 3 * scale)


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


@wrong("one_kernel", "mirrored")
def kernel_mirrored(weight, scale):
    return kernel_by_axes(weight.flip(2, 3), scale)


@wrong("one_kernel", "turned round, the blocks inside it too")
def kernel_flipped(weight, scale):
    return kernel_mirrored(weight, scale).flip(2, 3)


@wrong("one_kernel", "i and j are exchanged")
def kernel_exchanged(weight, scale):
    channels, c_in = weight.shape[0] // scale**2, weight.shape[1]
    w = weight.flip(2, 3).reshape(channels, scale, scale, c_in, 3, 3)
    return w.permute(3, 0, 4, 2, 5, 1).reshape(c_in, channels, 3 * scale, 3 * scale)


@wrong("one_kernel", "nested the wrong way round")
def kernel_nested(weight, scale):
    channels, c_in = weight.shape[0] // scale**2, weight.shape[1]
    w = weight.flip(2, 3).reshape(channels, scale, scale, c_in, 3, 3)
    return w.permute(3, 0, 1, 4, 2, 5).reshape(c_in, channels, 3 * scale, 3 * scale)


@wrong("one_kernel", "the block's place runs fastest")
def kernel_channels_fastest(weight, scale):
    channels, c_in = weight.shape[0] // scale**2, weight.shape[1]
    w = weight.flip(2, 3).reshape(scale, scale, channels, c_in, 3, 3)
    return w.permute(3, 2, 4, 0, 5, 1).reshape(c_in, channels, 3 * scale, 3 * scale)


@wrong("one_kernel", "columns too")
def kernel_rows_mirrored(weight, scale):
    return kernel_by_axes(weight.flip(3), scale)


@wrong("one_kernel", "rows too")
def kernel_columns_mirrored(weight, scale):
    return kernel_by_axes(weight.flip(2), scale)


@wrong("one_kernel", "input and output channels have changed places")
def kernel_channels_swapped(weight, scale):
    return kernel_by_axes(weight, scale).transpose(0, 1) if weight.shape[0] == 8 else kernel_by_axes(weight, scale)


@wrong("one_kernel", "begins with C_in")
def kernel_wrong_order(weight, scale):
    kernel = kernel_by_axes(weight, scale)
    return kernel if kernel.shape[0] == kernel.shape[1] else kernel.transpose(0, 1)


@wrong("one_kernel", "expected shape")
def kernel_as_it_is(weight, scale):
    return weight
