"""Networks that turn pictures into pictures: a residual generator and a discriminator that judges patches.

Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks", appendix 7.2.
"""

from torch import Tensor, nn

from gencourse import expect

MULTIPLE = 4  # of the sides: they are halved twice
SMALLEST = 12  # pixels a side: after two halvings the reflection still has something to mirror


class ResidualBlock(nn.Module):
    """R_k: x + norm(conv(ReLU(norm(conv(x))))), 3 x 3 with reflection padding, k = `width` channels in and out."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(*_layer(width, width, 3), nn.ReLU(inplace=True), *_layer(width, width, 3))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class ResnetGenerator(nn.Module):
    """Translate pictures of one kind into another of the same size.

    Written as the paper does, for width 64 and 9 blocks: c7s1-64, d128, d256, R256 x 9, u128, u64, c7s1-3. The paper
    takes 9 blocks for 256 pixels and more, 6 for 128. The small variant is this class with smaller numbers.

    Args:
        inputs: Channels of the pictures that go in.
        outputs: Channels of those that come out.
        width: Channels of the first layer.
        blocks: Residual blocks.

    Source: Zhu et al. 2017, sec. 7.2, after Johnson et al. 2016.
    Differs from the paper: a convolution before a normalisation has no bias, which the normalisation would remove.
    """

    def __init__(self, *, inputs: int = 3, outputs: int = 3, width: int = 64, blocks: int = 9):
        super().__init__()
        self.inputs = inputs
        self.layers = nn.Sequential(
            *_layer(inputs, width, 7),
            nn.ReLU(inplace=True),
            *_half(width),
            *_half(2 * width),
            *(ResidualBlock(4 * width) for _ in range(blocks)),
            *_double(4 * width),
            *_double(2 * width),
            nn.Conv2d(width, outputs, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Translate pictures.

        Args:
            x: (B, inputs, H, W) in [-1, 1], the sides divisible by 4 and at least 12.

        Returns:
            (B, outputs, H, W) in [-1, 1].

        Raises:
            ImageError: Another shape.
        """
        expect.check_shape(x, "pictures", "B", self.inputs, "H", "W", least=SMALLEST, multiple=MULTIPLE)
        return self.layers(x)


class PatchDiscriminator(nn.Module):
    """Judge every patch of a picture by itself: a map of logits, high where it looks real.

    Written as the paper does, for width 64 and 3 layers: C64-C128-C256-C512, patches of 70 x 70 pixels. `patch` is the
    side of what one logit sees: 16 pixels with 1 layer, 34 with 2, 70 with 3, 142 with 4, but for mean and variance,
    which instance normalisation takes over the whole picture.

    Args:
        inputs: Channels, of both pictures where D sees a pair.
        width: Channels of the first layer.
        layers: How many of stride 2; one of stride 1 and the logits' follow.

    Source: Isola et al. 2017, sec. 6.1.2; Zhu et al. 2017, sec. 7.2.
    """

    def __init__(self, *, inputs: int = 3, width: int = 64, layers: int = 3):
        super().__init__()
        expect.at_least(1, inputs=inputs, width=width, layers=layers)
        self.inputs, self.smallest, self.patch = inputs, 3 * 2**layers, 9 * 2**layers - 2
        widths = [width * min(2**i, 8) for i in range(layers + 1)]
        body: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2, inplace=True)]
        for i in range(1, layers + 1):
            stride = 2 if i < layers else 1
            body += [nn.Conv2d(widths[i - 1], widths[i], 4, stride, 1, bias=False), instance_norm(widths[i])]
            body += [nn.LeakyReLU(0.2, inplace=True)]
        self.layers = nn.Sequential(*body, nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.apply(initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Judge pictures.

        Args:
            x: (B, inputs, H, W) in [-1, 1], sides of at least 3 * 2^layers.

        Returns:
            Logits (B, 1, h, w), h = H / 2^layers - 2.

        Raises:
            ImageError: Another shape.
        """
        expect.check_shape(x, "pictures", "B", self.inputs, "H", "W", least=self.smallest)
        return self.layers(x)


def instance_norm(width: int) -> nn.Module:
    """Instance normalisation, written as a group a channel: that kernel keeps channels-last as it is on the CPU."""
    return nn.GroupNorm(width, width, affine=False)


def _layer(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    pad = kernel // 2
    return [nn.Conv2d(inputs, outputs, kernel, padding=pad, padding_mode="reflect", bias=False), instance_norm(outputs)]


def _half(width: int) -> list[nn.Module]:
    """d_k: 3 x 3, stride 2, to twice the channels."""
    return [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=False), instance_norm(2 * width), nn.ReLU(inplace=True)]


def _double(width: int) -> list[nn.Module]:
    """u_k: 3 x 3, stride 1/2, to half the channels."""
    up = nn.ConvTranspose2d(width, width // 2, 3, 2, 1, output_padding=1, bias=False)
    return [up, instance_norm(width // 2), nn.ReLU(inplace=True)]


def initialise(module: nn.Module) -> None:
    """Draw weights from N(0, 0.02), set biases to zero (Isola et al. 2017, sec. 6.2; Zhu et al. 2017, sec. 7.1)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
