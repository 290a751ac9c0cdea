"""Chapter 02: what goes wrong in its tasks, and what is said about it."""

import math
from functools import partial

import torch
import torch.nn.functional as F

from gencourse.homework.ch02.reference import one_kernel, super_resolution_step
from gencourse.homework.checking.check import Mistakes, add_mistakes
from gencourse.methods.upsampling import linear_matrix, perceptual_loss, transposed_convolution

MISTAKES: Mistakes = {}
mistakes = partial(add_mistakes, MISTAKES)


def tents(position, n):
    return (1 - (position[:, None] - torch.arange(n)).abs()).clamp(min=0)


def cells(n, m):
    return (torch.arange(m).double() + 0.5) * n / m - 0.5


def at(cells_at, corners_at=lambda n, m: torch.arange(m).double() * (n - 1) / max(m - 1, 1)):
    """A matrix of other places: (n, m) -> position."""
    return lambda n, m, corners: tents((corners_at if corners else cells_at)(n, m).clamp(0, n - 1), n)


def corners_or_cells(n, m, corners):
    return torch.arange(m).double() * (n - 1) / max(m - 1, 1) if corners else cells(n, m)


def positions(n, m, corners):
    return corners_or_cells(n, m, corners).clamp(0, n - 1)


LINEAR_MATRIX = {
    "one row for each output, one column for each input: yours lies on its side": lambda *x: linear_matrix(*x).T,
    "True and False of align_corners have changed places": lambda n, m, corners: linear_matrix(n, m, not corners),
    "a single output with aligned corners takes the first sample, not the middle": lambda n, m, corners: linear_matrix(
        n, m, corners and m > 1
    ),
    "a single output with aligned corners takes the first sample, without them it lies in the middle": (
        lambda n, m, corners: linear_matrix(n, m, corners or m == 1)
    ),
    "a flat row does not stay flat at the border: beyond the outermost samples, repeat them": lambda n, m, corners: (
        linear_matrix(n, m, True) if corners else tents(cells(n, m), n)
    ),
    "as if the samples lay at the left ends of their cells: they lie in the middles, see both ½": at(
        lambda n, m: torch.arange(m).double() * n / m
    ),
    "the samples lie half a pixel beside their place: see the second ½": at(lambda n, m: cells(n, m) + 0.5),
    "the last output does not fall on the last input: see the m - 1": at(
        cells, lambda n, m: torch.arange(m).double() * (n - 1) / m
    ),
    "a weight is not finite: with one output, m - 1 is zero": at(
        cells, lambda n, m: torch.arange(m).double() * (n - 1) / (m - 1)
    ),
    "n_in and n_out have changed places under the half pixels": at(
        lambda n, m: (torch.arange(m).double() + 0.5) * m / n - 0.5
    ),
    "align_corners changes nothing: yours is the rule with half pixels whatever it is": lambda n, m, corners: (
        linear_matrix(n, m, False)
    ),
    "align_corners changes nothing: your corners are aligned whatever it is": lambda n, m, corners: linear_matrix(
        n, m, True
    ),
    "the last output does not fall on the last input: see the n - 1 and the m - 1": at(
        cells, lambda n, m: torch.arange(m).double() * n / m
    ),
    "rows at the end do not sum to one: what lies beyond the last sample takes the last": lambda n, m, corners: (
        linear_matrix(n, m, True) if corners else tents(cells(n, m).clamp(min=0), n)
    ),
    "rows at the beginning do not sum to one: what lies before the first sample takes the first": (
        lambda n, m, corners: linear_matrix(n, m, True) if corners else tents(cells(n, m).clamp(max=n - 1), n)
    ),
    "a tent falls on both sides: take the distance without its sign": lambda n, m, corners: (
        1 - (positions(n, m, corners)[:, None] - torch.arange(n))
    ).clamp(min=0),
    "a tent falls in a straight line: the distance is not squared": lambda n, m, corners: (
        1 - (positions(n, m, corners)[:, None] - torch.arange(n)).square()
    ).clamp(min=0),
    "the inputs are counted from 0": lambda n, m, corners: tents(positions(n, m, corners) - 1, n),
    "the tents' weights sum to one by themselves: no softmax": lambda n, m, corners: tents(
        corners_or_cells(n, m, corners), n
    ).softmax(1),
    "each output takes one input alone: that is nearest neighbour": lambda n, m, corners: torch.eye(n)[
        (linear_matrix(n, m, corners) @ torch.arange(n).double()).round().long()
    ],
    "the values are right, but float64 is asked for: yours is torch.float32, see dtype": lambda *x: linear_matrix(
        *x
    ).float(),
    "the values are right, but a torch tensor is asked for: yours is of type ndarray": lambda *x: linear_matrix(
        *x
    ).numpy(),
}
mistakes("linear_matrix", LINEAR_MATRIX)


def cut(y, padding):
    return y[:, :, padding : y.shape[2] - padding, padding : y.shape[3] - padding]


def overwriting(x, weight, s, padding):
    laid, y = torch.einsum("bihw,iokl->bohwkl", x, weight), transposed_convolution(x, weight, s, 0)
    for r in range(x.shape[2]):
        for c in range(x.shape[3]):
            y[:, :, r * s : r * s + weight.shape[2], c * s : c * s + weight.shape[3]] = laid[:, :, r, c]
    return cut(y, padding)


def overwriting_by_entries(x, weight, s, padding):
    laid, y = torch.einsum("bihw,iokl->bohwkl", x, weight), transposed_convolution(x, weight, s, 0)
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            y[:, :, i : i + x.shape[2] * s : s, j : j + x.shape[3] * s : s] = laid[..., i, j]
    return cut(y, padding)


def averaging(x, weight, stride, padding):
    count = transposed_convolution(torch.ones_like(x[:1, :1]), torch.ones_like(weight[:1, :1]), stride, 0)
    return cut(transposed_convolution(x, weight, stride, 0) / count.clamp(min=1), padding)


def without_stride(x, weight, s, padding):
    y = torch.zeros_like(transposed_convolution(x, weight, s, 0))
    for i in range(weight.shape[2]):
        for j in range(weight.shape[3]):
            laid = torch.einsum("bihw,io->bohw", x, weight[:, :, i, j])
            y[:, :, i : i + x.shape[2], j : j + x.shape[3]] += laid
    return cut(y, padding)


TRANSPOSED_CONVOLUTION = {
    "the padding is not cut off: it goes from all four sides": lambda x, w, s, p: transposed_convolution(x, w, s, 0),
    "the padding is cut off on one side only: it goes from all four": lambda x, w, s, p: transposed_convolution(
        x, w, s, 0
    )[:, :, p:, p:],
    "the padding is cut off below and on the right alone: half of it goes above and on the left": lambda x, w, s, p: (
        lambda y: y[:, :, : y.shape[2] - 2 * p, : y.shape[3] - 2 * p]
    )(transposed_convolution(x, w, s, 0)),
    "the padding is cut off above and on the left alone: half of it goes below and on the right": lambda x, w, s, p: (
        transposed_convolution(x, w, s, 0)[:, :, 2 * p :, 2 * p :]
    ),
    "the kernels lie one pixel apart: they should lie `stride` apart": without_stride,
    "the kernel is turned round: one bright pixel should lay it down as it is": lambda x, w, s, p: (
        transposed_convolution(x, w.flip(2, 3), s, p)
    ),
    "where kernels overlap they should add up: do you overwrite?": overwriting,
    "where kernels overlap they should add up: one entry of the kernel overwrites another's pixels": (
        overwriting_by_entries
    ),
    "where kernels overlap they are averaged: they should add up": averaging,
    "input and output channels of the weight have changed places": lambda x, w, s, p: transposed_convolution(
        x, w.transpose(0, 1), s, p
    ),
    "rows and columns of the kernel have changed places": lambda x, w, s, p: transposed_convolution(
        x, w.transpose(2, 3), s, p
    ),
}
mistakes("transposed_convolution", TRANSPOSED_CONVOLUTION)


def shuffled(*order, channels_last=False):
    """A shuffle of other axes, where B, C, i, j, h, w in the order 0, 1, 4, 2, 5, 3 would be right."""

    def make(x, scale):
        b, _, h, w = x.shape
        axes = x.reshape(b, scale, scale, -1, h, w) if channels_last else x.reshape(b, -1, scale, scale, h, w)
        return axes.permute(order).reshape(b, -1, h * scale, w * scale)

    return make


PIXEL_SHUFFLE = {
    "rows and columns inside a block are exchanged": shuffled(0, 1, 4, 3, 5, 2),
    "channel c * scale² + i * scale + j: the block's place runs fastest, not the channel": shuffled(
        0, 3, 4, 1, 5, 2, channels_last=True
    ),
    "reshaping alone does not move pixels: which axes must come to lie side by side?": shuffled(0, 1, 2, 3, 4, 5),
    "the pixels of a block do not end up side by side: each channel stays a small picture of its own": shuffled(
        0, 1, 2, 4, 3, 5
    ),
    "down a column, h is outside and i inside: yours is the other way round": shuffled(0, 1, 2, 4, 5, 3),
    "along a row, w is outside and j inside: yours is the other way round": shuffled(0, 1, 4, 2, 3, 5),
    "height and width of the picture are exchanged": shuffled(0, 1, 5, 3, 4, 2),
}
PIXEL_SHUFFLE |= {
    "scale is fixed at 2 in your code: it is an argument": lambda x, s: F.pixel_shuffle(x, 2).reshape(
        len(x), -1, x.shape[2] * s, x.shape[3] * s
    ),
    "a block is one channel repeated: its pixels come from scale² channels": lambda x, s: F.interpolate(
        x[:, :: s**2], scale_factor=s
    ),
    "mirrored inside each block: (i, j) counts from its upper left corner": lambda x, s: F.pixel_shuffle(
        x.unflatten(1, (-1, s * s)).flip(2).flatten(1, 2), s
    ),
}
mistakes("pixel_shuffle", PIXEL_SHUFFLE)


def error(a, b):
    return (a - b).square().mean((1, 2, 3))


def right_psnr(a, b):
    return -10 * error(a, b).log10()


PSNR = {
    "one number for each picture, (B,): do you mix the batch?": lambda a, b: -10 * error(a, b).mean().log10(),
    "the better, the larger: the sign is wrong": lambda a, b: -right_psnr(a, b),
    "decibels are ten times the logarithm to base 10, not the natural one": lambda a, b: -10 * error(a, b).log(),
    "twenty is for the root of the error: the mean squared error is a square already": lambda a, b: (
        2 * right_psnr(a, b)
    ),
    "decibels are ten times the logarithm to base 10, not to base 2": lambda a, b: -10 * error(a, b).log2(),
    "no root is taken: the mean squared error itself stands in the logarithm": lambda a, b: right_psnr(a, b) / 2,
    "the peak is 1, whatever the largest value of the picture is": lambda a, b: (
        right_psnr(a, b) + 20 * a.amax((1, 2, 3)).log10()
    ),
    "a number for each channel: the mean runs over channels, rows and columns of each picture": lambda a, b: (
        -10 * (a - b).square().mean((0, 2, 3)).log10()
    ),
    "the squares are subtracted: it is the difference that is squared": lambda a, b: (
        -10 * (a.square() - b.square()).mean((1, 2, 3)).log10()
    ),
    "the differences are averaged with their signs, and cancel: square each": lambda a, b: (
        -10 * (a - b).mean((1, 2, 3)).log10()
    ),
    "bels, not decibels: ten times as much": lambda a, b: right_psnr(a, b) / 10,
    "pictures lie in [0, 1], so the peak is 1, not 255": lambda a, b: right_psnr(a, b) + 20 * math.log10(255),
    "first the mean over the whole picture, then the logarithm": lambda a, b: (
        -10 * (a - b).square().clamp(min=1e-30).log10().mean((1, 2, 3))
    ),
    "the error is squared, not taken without its sign": lambda a, b: -10 * (a - b).abs().mean((1, 2, 3)).log10(),
    "a sum of squares, where the mean is asked for": lambda a, b: -10 * (a - b).square().sum((1, 2, 3)).log10(),
    "the channels' decibels are averaged: average the squared error, then take the logarithm": lambda a, b: (
        -10 * (a - b).square().mean((2, 3)).log10()
    ).mean(1),
    "one equal pair makes the numbers of other pairs infinite: each picture has its own": lambda a, b: (
        right_psnr(a, b) + (math.inf if (error(a, b) == 0).any() else 0)
    ),
    "equal pictures get minus infinity: the better, the larger it should be": lambda a, b: right_psnr(a, b).where(
        error(a, b) > 0, -math.inf
    ),
}
mistakes("psnr", PSNR)


def layers(change):
    """A loss made of the layers' differences."""

    def make(network, y_hat, y):
        with torch.no_grad():
            target = network(y)
        return change([phi - target[layer] for layer, phi in network(y_hat).items()])

    return make


def of_both(change):
    """A loss made of each layer's activations of y_hat and of y."""

    def make(network, y_hat, y):
        with torch.no_grad():
            target = network(y)
        return sum(change(phi, target[layer]) for layer, phi in network(y_hat).items())

    return make


def gram(phi):
    return phi.flatten(2) @ phi.flatten(2).mT / phi[0].numel()


def following_y(network, y_hat, y):
    target = network(y)
    return sum((phi - target[layer]).square().mean() for layer, phi in network(y_hat).items())


PERCEPTUAL_LOSS = {
    "this is the pixel loss: compare what the network answers, not the pictures themselves": lambda network, y_hat, y: (
        (y_hat - y.detach()).square().mean()
    ),
    "only the first layer counts: sum over all of them": layers(lambda d: d[0].square().mean()),
    "only the last layer counts: sum over all of them": layers(lambda d: d[-1].square().mean()),
    "half of what it should be: sum over the layers, do not average; there is no factor ½": lambda *given: (
        perceptual_loss(*given) / 2
    ),
    "each layer is divided by its own C H W": layers(lambda d: sum(one.square().sum() for one in d) / len(d[0])),
    "the batch is averaged: twice the pictures should not cost twice as much": lambda network, y_hat, y: (
        len(y) * perceptual_loss(network, y_hat, y)
    ),
    "all layers are thrown together: each is divided by its own C H W": layers(
        lambda d: torch.cat([one.flatten() for one in d]).square().mean()
    ),
    "the errors are squared, not taken without their sign": layers(lambda d: sum(one.abs().mean() for one in d)),
    "a sum over a layer's numbers: it is divided by the layer's C H W, and averaged over the batch": layers(
        lambda d: sum(one.square().sum() for one in d)
    ),
    "no root is taken: each layer gives a mean of squares": layers(
        lambda d: sum(one.square().mean().sqrt() for one in d)
    ),
    "divided by C alone: divide by H and W of the layer as well, and average over the batch": layers(
        lambda d: sum(one.square().sum() / one.shape[1] for one in d)
    ),
    "divided by H and W alone: divide by C of the layer as well, and average over the batch": layers(
        lambda d: sum(one.square().sum() / one[0, 0].numel() for one in d)
    ),
    "the squares are subtracted: it is the difference that is squared": of_both(
        lambda phi, target: (phi.square() - target.square()).mean()
    ),
    "C, H and W are those of the layer, not of the picture": lambda network, y_hat, y: (
        of_both(lambda phi, target: (phi - target).square().sum())(network, y_hat, y) / y.numel()
    ),
    "these are Gram matrices, as in a style loss: compare the activations themselves": of_both(
        lambda phi, target: (gram(phi) - gram(target)).square().mean()
    ),
    "averaged over the batch, but divided by H W alone: divide by C H W": layers(
        lambda d: sum(one.square().sum(1).mean() for one in d)
    ),
    "a gradient reaches the truth y: were it a parameter, it would move towards the prediction": following_y,
}
mistakes("perceptual_loss", PERCEPTUAL_LOSS)


ONE_KERNEL = {
    "mirrored: a convolution gathers its neighbours, a transposed one lays its kernel down on them": lambda w, s: (
        one_kernel(w.flip(2, 3), s)
    ),
    "the whole kernel is turned round, the blocks inside it too: inside a block the order stays": lambda w, s: (
        one_kernel(w.flip(2, 3), s).flip(2, 3)
    ),
    "i and j are exchanged inside each block": lambda w, s: one_kernel(w, s, (3, 0, 4, 2, 5, 1)),
    "nested the wrong way round: the tap should be outside, the place in the block inside": lambda w, s: one_kernel(
        w, s, (3, 0, 1, 4, 2, 5)
    ),
    "channel c * scale² + i * scale + j: the block's place runs fastest": lambda w, s: one_kernel(
        w.unflatten(0, (s * s, -1)).transpose(0, 1).flatten(0, 1), s
    ),
    "only the rows are mirrored: the columns should be, too": lambda w, s: one_kernel(w.flip(3), s),
    "only the columns are mirrored: the rows should be, too": lambda w, s: one_kernel(w.flip(2), s),
    "input and output channels have changed places": lambda w, s: one_kernel(w, s).transpose(0, 1),
    "a transposed convolution's kernel begins with C_in": lambda w, s: one_kernel(w, s).transpose(
        0, int(len(w) // s**2 != w.shape[1])
    ),
}
mistakes("one_kernel", ONE_KERNEL)


def signed(x):
    return x * 2 - 1


def unit(x):
    return (x + 1) / 2


def step_of(guess, *, zero=True, update=True, detach=True, target=lambda y: y):
    """A step that makes its guess in another way, or leaves something out."""

    def step(network, optimizer, loss, y):
        value = loss(guess(network, y), target(y))
        if zero:
            optimizer.zero_grad()
        value.backward()
        if update:
            optimizer.step()
        return value.detach() if detach else value

    return step


def enlarged(network, y):
    return unit(network(signed(F.avg_pool2d(y, 4))))


def cleared_too_late(network, optimizer, loss, y):
    value = loss(enlarged(network, y), y)
    value.backward()
    optimizer.zero_grad()
    optimizer.step()
    return value.detach()


def stepped_too_early(network, optimizer, loss, y):
    value = loss(enlarged(network, y), y)
    optimizer.step()
    optimizer.zero_grad()
    value.backward()
    return value.detach()


def loss_afterwards(network, optimizer, loss, y):
    super_resolution_step(network, optimizer, loss, y)
    return loss(enlarged(network, y), y).detach()


SUPER_RESOLUTION_STEP = {
    "old gradients are still there: clear them before backward": step_of(enlarged, zero=False),
    "no gradient is left when the optimiser steps: is backward missing, or are gradients cleared after it?": (
        cleared_too_late
    ),
    "nothing is updated: the optimiser makes no step": step_of(enlarged, update=False),
    "the loss comes back with its graph: detach it, or every step's graph is kept": step_of(enlarged, detach=False),
    "the network gets [0, 1], but it speaks [-1, 1]": step_of(lambda net, y: unit(net(F.avg_pool2d(y, 4)))),
    "the network's answer is in [-1, 1] and is compared with y in [0, 1]": step_of(
        lambda net, y: net(signed(F.avg_pool2d(y, 4)))
    ),
    "neither what goes in nor what comes out is taken from one range to the other": step_of(
        lambda net, y: net(F.avg_pool2d(y, 4))
    ),
    "the loss is taken in [-1, 1], but it asks for [0, 1]": step_of(
        lambda net, y: signed(enlarged(net, y)), target=signed
    ),
    "every fourth pixel is kept, but the small pictures are averages of 4 x 4": step_of(
        lambda net, y: unit(net(signed(y[..., ::4, ::4])))
    ),
    "the small pictures are averages of 4 x 4 pixels: yours are interpolated": step_of(
        lambda net, y: unit(net(signed(F.interpolate(y, scale_factor=0.25, mode="bilinear"))))
    ),
    "the maximum of each 4 x 4 block is taken, its average is asked for": step_of(
        lambda net, y: unit(net(signed(F.max_pool2d(y, 4))))
    ),
    "the truth is taken to [-1, 1], the answer to [0, 1]: both belong in [0, 1]": step_of(enlarged, target=signed),
    "the loss that comes back is that after the update: return the one that was descended": loss_afterwards,
    "the optimiser steps before backward, or without it: the gradient is that of the step before": stepped_too_early,
    "the target is blurred too: compare with the true y": step_of(
        enlarged, target=lambda y: F.avg_pool2d(y, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    ),
    "the answer is clamped before the loss: where it leaves [0, 1], no gradient is left": step_of(
        lambda net, y: enlarged(net, y).clamp(0, 1)
    ),
    "the given loss is not used: this is the squared error": lambda net, optimizer, loss, y: super_resolution_step(
        net, optimizer, lambda y_hat, y: (y_hat - y).square().mean(), y
    ),
    "the given loss is not used: this is the absolute error": lambda net, optimizer, loss, y: super_resolution_step(
        net, optimizer, lambda y_hat, y: (y_hat - y).abs().mean(), y
    ),
    "y_hat and y have changed places in the loss": lambda net, optimizer, loss, y: super_resolution_step(
        net, optimizer, lambda y_hat, y: loss(y, y_hat), y
    ),
}
mistakes("super_resolution_step", SUPER_RESOLUTION_STEP)
mistakes(
    "super_resolution_step",
    {
        "the small pictures are averages of 4 x 4 pixels: yours are interpolated": step_of(
            lambda net, y: unit(net(signed(F.interpolate(y, scale_factor=0.25, mode="bicubic", antialias=True))))
        )
    },
)
