"""What chapter 05 writes out in its cells is what the package does."""

import itertools
import math

import pytest
import torch
from parity import definitions

from gencourse.methods import pixelcnn
from gencourse.networks import masked
from gencourse.networks.pixelcnn import PixelCNN, gate

CHAPTER = definitions(
    "05_pixelcnn.ipynb",
    {"nll", "bits_per_dim", "causal_mask", "MaskedConv2d", "gate", "draw", "conv_at", "draw_kept"},
    {"math": math, "itertools": itertools},
)


def seed(number: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(number)


@pytest.mark.parametrize("shape", [(3, 2, 1, 4, 5), (2, 7, 3, 3, 2)])
def test_the_likelihoods_agree(shape):
    logits = torch.randn(shape, generator=seed()) * 4
    x = torch.randint(shape[1], (shape[0], *shape[2:]), generator=seed())
    nats = pixelcnn.nll(logits, x)
    torch.testing.assert_close(CHAPTER["nll"](logits, x), nats)
    torch.testing.assert_close(CHAPTER["bits_per_dim"](nats, 60), pixelcnn.bits_per_dim(nats, 60))


@pytest.mark.parametrize("kind, size", list(itertools.product("AB", (1, 3, 7))))
def test_the_masks_agree(kind, size):
    assert torch.equal(CHAPTER["causal_mask"](kind, size), masked.causal_mask(kind, size))
    theirs, ours = CHAPTER["MaskedConv2d"](kind, 3, 4, size), masked.MaskedConv2d(kind, 3, 4, size)
    ours.load_state_dict(theirs.state_dict())
    x = torch.randn(2, 3, 6, 8, generator=seed())
    torch.testing.assert_close(theirs(x), ours(x))


def test_the_gates_agree():
    y = torch.randn(2, 6, 3, 4, generator=seed())
    torch.testing.assert_close(CHAPTER["gate"](y), gate(y))


@pytest.mark.parametrize("levels, kept", [(2, 0), (3, 11)])
def test_the_samplers_agree(levels, kept):
    """The cells take their uniform numbers as they are, the package draws them: picture after picture."""
    torch.manual_seed(0)
    network = PixelCNN(levels=levels, width=6, layers=4, first_kernel=5, side=7).double()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.4)
    shape = (3, 1, 6, 7)
    u = torch.rand(3, 6, 7, generator=seed(5), dtype=torch.double)
    known, given = (torch.arange(42) < kept).view(6, 7), torch.randint(levels, shape, generator=seed(1))
    expected = pixelcnn.sample_cached(network, shape, generator=seed(5), given=given, mask=known)
    assert len(expected.unique()) == levels
    assert torch.equal(CHAPTER["draw"](network, u, given, kept), expected)
    if not kept:
        assert torch.equal(CHAPTER["draw_kept"](network, u), expected)
