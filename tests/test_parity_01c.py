"""What chapter 01c writes out in its cells is what the package does."""

import pytest
import torch
from parity import definitions

from gencourse.methods import fast_style, many_styles, style
from gencourse.networks import stylenet

CHAPTER = definitions(
    "01c_fast_style.ipynb",
    {
        "conditional_instance_norm",
        "perceptual_objective",
        "steps_worth",
        "morph",
        "style_parameters",
        "receptive_field",
        "layers_of",
    },
    {name: getattr(style, name) for name in ("content_loss", "gram_matrix", "style_loss")},
)


@pytest.mark.parametrize("shape", [(1, 3, 4, 6), (3, 5, 7, 3)])
def test_the_normalisations_agree(shape):
    g = torch.Generator().manual_seed(0)
    x, gamma, beta = torch.randn(shape, generator=g), *torch.randn(2, 4, shape[1], generator=g)
    styles = torch.randint(4, shape[:1], generator=g)
    found = CHAPTER["conditional_instance_norm"](x, gamma, beta, styles)
    torch.testing.assert_close(found, stylenet.conditional_instance_norm(x, gamma, beta, styles))


def test_the_objectives_agree():
    class Network:
        content_layers, style_layers = ("deep",), ("shallow", "deep")

        def __call__(self, x):
            return {"shallow": x.relu() * 2, "deep": torch.nn.functional.avg_pool2d(x, 2).square()}

    g = torch.Generator().manual_seed(0)
    y, x = torch.rand(2, 3, 3, 16, 20, generator=g) * 2 - 1
    grams = {name: torch.rand(3, 3, 3, generator=g) for name in Network.style_layers}
    found = CHAPTER["perceptual_objective"](Network(), y, x, grams, 0.3)
    expected = fast_style.perceptual_objective(Network(), y, x, grams, 0.3)
    assert list(found) == list(expected)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value)


def test_styles_agree():
    for k in range(3):
        networks = [stylenet.TransformerNet(width=4, blocks=1, styles=3) for _ in range(2)]
        theirs = CHAPTER["style_parameters"](networks[0], k)
        ours = many_styles.style_parameters(networks[1], k)
        names = [[name for row in rows for name, p in net.named_parameters() if p is row]
                 for net, rows in zip(networks, (theirs, ours), strict=True)]  # fmt: skip
        assert names[0] == names[1] and len(names[0]) == len(ours)
        learning = [{name for name, p in net.named_parameters() if p.requires_grad} for net in networks]
        assert learning[0] == learning[1] == set(names[0])
    a, b = ([torch.rand(5), torch.rand(3)] for _ in range(2))
    torch.testing.assert_close(CHAPTER["morph"](a, b, 0.3), many_styles.morph(a, b, 0.3))


def test_worth_and_field_agree():
    losses = [0.9, 0.5, 0.6, 0.3]
    for value in (1.0, 0.5, 0.4, 0.3, 0.1):
        assert CHAPTER["steps_worth"](losses, value) == fast_style.steps_worth(losses, value)
    for blocks in (0, 4, 5):
        layers = CHAPTER["layers_of"](blocks)
        assert CHAPTER["receptive_field"](layers) == fast_style.receptive_field(layers)
