"""A network of VGG's shape, whose layers are what style transfer looks at."""

from collections.abc import Iterable

from torch import Tensor, nn

from gencourse import expect

VGG19_WIDTHS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)


class VGG(nn.Module):
    """A network of VGG's shape: blocks of 3 x 3 convolutions and ReLUs, with average pooling between the blocks.

    `stages` maps the paper's names (conv1_1, conv1_2, conv2_1, ...) to modules.

    Args:
        widths: The output channels of each convolution, block by block.
    """

    def __init__(self, widths: Iterable[Iterable[int]]):
        super().__init__()
        stages, channels = {}, 3
        for b, block in enumerate(widths, start=1):
            for i, width in enumerate(block, start=1):
                pool = [nn.AvgPool2d(2)] if b > 1 and i == 1 else []
                stages[f"conv{b}_{i}"] = nn.Sequential(*pool, nn.Conv2d(channels, width, 3, padding=1), nn.ReLU())
                channels = width
        self.stages = nn.ModuleDict(stages)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Return {layer: activations} of pictures (B, 3, H, W), normalised like ImageNet's images."""
        expect.check_shape(x, "pictures", "B", 3, "H", "W")
        out = {}
        for name, stage in self.stages.items():
            x = out[name] = stage(x)
        return out
