"""What chapter 01 writes out in its cells is what the package does."""

import pytest
import torch
from parity import definitions

from gencourse.methods import style

CHAPTER = definitions(
    "01_style_transfer.ipynb",
    {"content_loss", "gram_matrix", "style_loss", "total_variation", "make_objective"},
)


@pytest.mark.parametrize("shape", [(1, 3, 4, 6), (2, 5, 7, 3)])
def test_the_losses_agree(shape):
    g = torch.Generator().manual_seed(0)
    f, p = torch.randn(shape, generator=g), torch.randn(shape, generator=g)
    torch.testing.assert_close(CHAPTER["gram_matrix"](f), style.gram_matrix(f))
    torch.testing.assert_close(CHAPTER["total_variation"](f), style.total_variation(f))
    torch.testing.assert_close(CHAPTER["content_loss"](f[:1], p[:1]), style.content_loss(f[:1], p[:1]))
    gram, target = style.gram_matrix(f[:1]), style.gram_matrix(p[:1])
    torch.testing.assert_close(CHAPTER["style_loss"](gram, target), style.style_loss(gram, target))


def test_the_objective_agrees():
    class Network:
        content_layers, style_layers = ("deep",), ("shallow", "deep")

        def __call__(self, x):
            return {"shallow": x.relu() * 2, "deep": torch.nn.functional.avg_pool2d(x, 2).square()}

    g = torch.Generator().manual_seed(0)
    content, painting, x = (torch.rand(1, 3, 32, 48, generator=g) for _ in range(3))
    found = CHAPTER["make_objective"](Network(), content, painting, 0.3, 2.0)(x)
    expected = style.losses(Network(), x, style.find_targets(Network(), content, [(painting, 1.0)]))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)
    total = 0.3 * expected["content"] + 2.0 * (expected["shallow"] + expected["deep"]) / 2
    torch.testing.assert_close(found["total"], total)
