"""Every upsampler against torch.nn.functional, the lecture's matrices, and what it is defined to be."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close
from torch.utils.flop_counter import FlopCounterMode

from gencourse import data
from gencourse.methods import upsampling as up

SHAPES = [(1, 1, 2, 2), (2, 3, 5, 7), (3, 2, 4, 9), (1, 4, 1, 6)]  # batches, channels, odd and unequal sides, one row
LECTURE = torch.tensor([[[[10.0, 20.0], [30.0, 40.0]]]])


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_lectures_matrices():
    doubled = [[10, 10, 20, 20], [10, 10, 20, 20], [30, 30, 40, 40], [30, 30, 40, 40]]
    corners_kept = [[10, 13, 17, 20], [17, 20, 23, 27], [23, 27, 30, 33], [30, 33, 37, 40]]
    assert up.nearest(LECTURE, 2)[0, 0].tolist() == doubled
    assert up.bilinear(LECTURE, (4, 4), align_corners=True).round()[0, 0].tolist() == corners_kept
    half_pixel = [[10, 12.5, 17.5, 20], [15, 17.5, 22.5, 25], [25, 27.5, 32.5, 35], [30, 32.5, 37.5, 40]]
    assert_close(up.bilinear(LECTURE, (4, 4), align_corners=False)[0, 0], torch.tensor(half_pixel))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale", [1, 2, 3, 4])
def test_nearest_and_bicubic(shape, scale):
    x = random(*shape)
    assert_close(up.nearest(x, scale), F.interpolate(x, scale_factor=scale, mode="nearest"))
    assert_close(up.bicubic(x, scale), F.interpolate(x, scale_factor=scale, mode="bicubic", align_corners=False))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [(4, 4), (9, 5), (1, 13), (2, 3), (8, 14)])
@pytest.mark.parametrize("align_corners", [True, False])
def test_bilinear(shape, size, align_corners):
    x = random(*shape)
    expected = F.interpolate(x, size, mode="bilinear", align_corners=align_corners)
    assert_close(up.bilinear(x, size, align_corners), expected)
    assert up.bilinear(x.float(), size, align_corners).dtype == torch.float32


@pytest.mark.parametrize("n_in, n_out", [(2, 4), (5, 13), (7, 3), (1, 4), (6, 1)])
@pytest.mark.parametrize("align_corners", [True, False])
def test_linear_matrix_by_its_properties(n_in, n_out, align_corners):
    matrix = up.linear_matrix(n_in, n_out, align_corners)
    assert matrix.shape == (n_out, n_in) and (matrix >= 0).all()
    assert_close(matrix.sum(1), torch.ones(n_out, dtype=torch.float64))
    assert ((matrix > 0).sum(1) <= 2).all()
    if align_corners and n_out > 1:
        assert matrix[0, 0] == 1 and matrix[-1, -1] == 1
    elif not align_corners:
        assert_close(matrix, matrix.flip(0, 1))  # a half-pixel offset is the same from both ends
    if n_in > 1 and align_corners and n_out > 1:  # a ramp stays a ramp from end to end
        ramp = torch.linspace(0, 1, n_in, dtype=torch.float64)
        assert_close(matrix @ ramp, torch.linspace(0, 1, n_out, dtype=torch.float64))


def test_keys_kernel():
    t = torch.tensor([0.0, 1.0, -1.0, 2.0, 3.0, 0.5, -1.5], dtype=torch.float64)
    assert_close(up.cubic_kernel(t), torch.tensor([1, 0, 0, 0, 0, 0.59375, -0.09375], dtype=torch.float64))
    shifts = up.cubic_kernel(torch.tensor([-1.3, -0.3, 0.7, 1.7], dtype=torch.float64))
    assert_close(shifts.sum(), torch.tensor(1.0, dtype=torch.float64))
    assert up.bicubic(F.pad(torch.ones(1, 1, 4, 4), (4,) * 4), 4).amin() < -0.05  # it overshoots at an edge


def test_area_average():
    x = random(2, 3, 6, 9)
    assert_close(up.area_average(x, 3), F.avg_pool2d(x, 3))
    assert_close(up.area_average(up.nearest(x, 4), 4), x)
    with pytest.raises(ValueError, match="sides that 4 divides"):
        up.area_average(x, 4)


@pytest.mark.parametrize("height, width", [(4, 4), (5, 7), (6, 3)])
@pytest.mark.parametrize("kernel", [(3, 3), (2, 2), (3, 1), (2, 3)])
@pytest.mark.parametrize("stride, padding", [(1, 0), (2, 0), (1, 1), (2, 1)])
def test_convolution_matrix(height, width, kernel, stride, padding):
    image, weight = random(height, width), random(*kernel, seed=1)
    matrix = up.convolution_matrix(weight, height, width, stride, padding)
    expected = F.conv2d(image[None, None], weight[None, None], stride=stride, padding=padding)
    assert_close(matrix @ image.flatten(), expected.flatten())


TRANSPOSED = [(3, 1, 0), (3, 2, 0), (3, 2, 1), (4, 2, 1), (2, 2, 0), (5, 3, 1), (2, 3, 0)]  # kernel, stride, padding


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kernel, stride, padding", TRANSPOSED)
def test_transposed_convolution(shape, kernel, stride, padding):
    x, weight = random(*shape), random(shape[1], 5, kernel, kernel + 1, seed=1)
    expected = F.conv_transpose2d(x, weight, stride=stride, padding=padding)
    assert_close(up.transposed_convolution(x, weight, stride, padding), expected)
    small = weight[:, :2]
    by_matrix = up.transposed_by_matrix(x, small, stride, padding)
    assert_close(by_matrix, F.conv_transpose2d(x, small, stride=stride, padding=padding))


def test_transposed_convolution_is_the_adjoint():
    """<C x, y> = <x, C^T y>, and it is the gradient of the convolution."""
    x, y, weight = random(2, 3, 9, 7), random(2, 4, 4, 3, seed=1), random(4, 3, 3, 3, seed=2)
    x.requires_grad_()
    forward = F.conv2d(x, weight, stride=2)
    back = up.transposed_convolution(y, weight, stride=2, padding=0)
    assert_close((forward * y).sum(), (x * back).sum())
    assert_close(torch.autograd.grad(forward, x, y)[0], back)


def test_overlap_count():
    assert up.overlap_count(2, 3, 2)[0, 0].tolist() == [
        [1, 1, 2, 1, 1],
        [1, 1, 2, 1, 1],
        [2, 2, 4, 2, 2],
        [1, 1, 2, 1, 1],
        [1, 1, 2, 1, 1],
    ]
    inner = up.overlap_count(6, 4, 2)[..., 2:-2, 2:-2]
    assert (inner == 4).all()  # the stride divides the kernel: no pattern
    uneven = up.overlap_count(6, 3, 2)[..., 2:-2, 2:-2]
    assert uneven.unique().tolist() == [1, 2, 4]


@pytest.mark.parametrize("shape, size", [((2, 3, 6, 8), 2), ((1, 2, 7, 5), 2), ((1, 1, 10, 11), 3), ((3, 1, 4, 4), 4)])
@pytest.mark.parametrize("ties", [False, True])
def test_max_pooling_and_unpooling(shape, size, ties):
    x = random(*shape)
    x = x.round() if ties else x  # many equal maxima: the first in reading order counts
    values, switches = up.max_pool_with_switches(x, size)
    expected, places = F.max_pool2d(x, size, return_indices=True)
    assert_close(values, expected)
    assert torch.equal(switches, places)
    back = up.max_unpool(values, switches, tuple(x.shape[2:]))
    assert_close(back, F.max_unpool2d(expected, places, size, output_size=x.shape[2:]))


def test_unpooling_puts_maxima_where_they_were():
    x = random(2, 3, 8, 6).abs() + 1
    values, switches = up.max_pool_with_switches(x, 2)
    back = up.max_unpool(values, switches, (8, 6))
    assert_close(back[back != 0], x[back != 0])
    assert (back != 0).sum() == x.numel() // 4
    assert_close(up.max_pool_with_switches(back, 2)[0], values)


@pytest.mark.parametrize("shape, scale", [((2, 8, 3, 5), 2), ((1, 18, 4, 2), 3), ((3, 16, 1, 6), 4), ((2, 4, 5, 5), 2)])
def test_pixel_shuffle(shape, scale):
    x = random(*shape)
    assert_close(up.pixel_shuffle(x, scale), F.pixel_shuffle(x, scale))
    large = random(shape[0], 3, shape[2] * scale, shape[3] * scale)
    assert_close(up.pixel_unshuffle(large, scale), F.pixel_unshuffle(large, scale))
    assert_close(up.pixel_unshuffle(up.pixel_shuffle(x, scale), scale), x)


def test_pixel_unshuffle_refuses_what_does_not_divide():
    with pytest.raises(ValueError, match="sides that 2 divides"):
        up.pixel_unshuffle(random(1, 1, 5, 4), 2)


@pytest.mark.parametrize("scale", [2, 3])
def test_icnr_makes_the_shuffle_repeat_pixels(scale):
    weight = random(2 * scale**2, 3, 3, 3)
    first = weight[:: scale**2].clone()
    assert up.icnr_(weight, scale) is weight
    x = random(1, 3, 5, 4, seed=1)
    enlarged = up.pixel_shuffle(F.conv2d(x, weight, padding=1), scale)
    assert_close(enlarged, up.nearest(F.conv2d(x, first, padding=1), scale))
    assert len(weight.flatten(1).unique(dim=0)) == 2  # the two output channels still differ


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("scale, kernel", [(2, 3), (3, 5), (2, 1)])
def test_resize_convolution(shape, scale, kernel):
    x, weight = random(*shape), random(5, shape[1], kernel, kernel, seed=1)
    large = F.interpolate(x, scale_factor=scale, mode="nearest")
    padded = F.pad(large, (kernel // 2,) * 4, mode="replicate")
    assert_close(up.resize_convolution(x, weight, scale), F.conv2d(padded, weight))


@pytest.mark.parametrize("scale, kernel", [(2, 3), (2, 5), (4, 3)])
def test_costs_of_convolutions_are_what_torch_counts(scale, kernel):
    c_in, c_out, h, w = 6, 4, 5, 7
    x = torch.zeros(1, c_in, h, w)
    costs = up.costs(c_in, c_out, h, w, scale=scale, kernel=kernel)
    layers = {
        "transposed convolution": torch.nn.ConvTranspose2d(c_in, c_out, 2 * scale, scale, scale // 2, bias=False),
        "pixel shuffle": torch.nn.Conv2d(c_in, c_out * scale**2, kernel, padding=kernel // 2, bias=False),
        "resize, then convolution": torch.nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, bias=False),
    }
    for name, layer in layers.items():
        with FlopCounterMode(display=False) as counter:
            layer(up.nearest(x, scale) if name.startswith("resize") else x)
        assert costs[name].weights == layer.weight.numel()
        assert 2 * costs[name].multiply_adds == counter.get_total_flops(), name


def test_costs_of_fixed_rules():
    costs = up.costs(3, 3, 5, 7)
    assert costs["nearest"] == costs["max-unpooling"] == up.Cost(0, 0)
    rows_first = 3 * (10 * 7 + 10 * 14)  # values computed by the two products R X and (R X) S^T
    for name, matrix in {"bilinear": up.linear_matrix(9, 18, False), "bicubic": up.cubic_matrix(9, 2)}.items():
        taps = int((matrix != 0).sum(1).max())  # samples that each value is made of
        assert costs[name] == up.Cost(0, taps * rows_first)


def test_pixel_loss():
    x, y = random(3, 2, 4, 5), random(3, 2, 4, 5, seed=1)
    assert_close(up.pixel_loss(x, y), F.mse_loss(x, y))


class TwoLayers(torch.nn.Module):
    """Features by hand: the picture itself, and twice its blocks' means."""

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"fine": image, "coarse": 2 * F.avg_pool2d(image, 4)}


def test_perceptual_loss_counts_every_layer_by_its_own_size():
    x, y = random(2, 3, 8, 12), random(2, 3, 8, 12, seed=1)
    fine = ((x - y) ** 2).sum() / (3 * 8 * 12) / 2  # 1 / (C H W), averaged over the batch of 2
    coarse = (4 * F.avg_pool2d(x - y, 4) ** 2).sum() / (3 * 2 * 3) / 2
    assert_close(up.perceptual_loss(TwoLayers(), x, y), fine + coarse)
    assert up.perceptual_loss(TwoLayers(), y, y) == 0


def test_perceptual_loss_moves_the_prediction_only():
    x, y = random(1, 3, 8, 8).requires_grad_(), random(1, 3, 8, 8, seed=1).requires_grad_()
    up.perceptual_loss(TwoLayers(), x, y).backward()
    assert x.grad.abs().sum() > 0 and y.grad is None


def test_the_mean_is_the_best_answer_to_squared_error_and_to_nothing_else():
    """Four pictures that may all be true: their mean beats each of them under the pixel loss."""
    crop = data.photo("chelsea", size=128)[..., 20:52, 30:62]
    answers = torch.cat([torch.roll(crop, (dy, dx), (2, 3)) for dy in (0, 3) for dx in (0, 3)])
    risk = [sum(up.pixel_loss(guess[None], y[None]) for y in answers) for guess in answers]
    assert sum(up.pixel_loss(answers.mean(0, keepdim=True), y[None]) for y in answers) < min(risk)
