"""Style transfer in one pass: a network is trained to do what chapter 01 does by optimising a picture.

Its objective is that of `style`, averaged over a batch. `many_styles` has what one network does with several styles.

Source: Johnson et al. 2016, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution"; Ulyanov et al. 2016,
"Instance Normalization: The Missing Ingredient for Fast Stylization".
"""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.optim.lr_scheduler import LRScheduler

from gencourse.expect import UnknownName, check_range, check_shape
from gencourse.methods.style import content_loss, gram_matrix, style_loss, total_variation
from gencourse.networks.features import SMALLEST as SEEN
from gencourse.networks.features import Extractor
from gencourse.networks.stylenet import MULTIPLE, SMALLEST, TransformerNet
from gencourse.training.helpers import Average, descend, end_iteration, named_state

JUDGED = 1e-4  # alpha of the objective by which pictures of networks and of the optimisation are compared
Style = str | int | Mapping[str | int, float]  # a name, a place, or weights by either


@torch.no_grad()
def style_grams(extractor: Extractor, paintings: Iterable[Tensor]) -> dict[str, Tensor]:
    """Return the Gram matrices of paintings, each (1, 3, H, W) in [0, 1]: {style layer: (S, N, N)}."""
    seen = [extractor(painting) for painting in paintings]
    return {layer: torch.cat([gram_matrix(one[layer]) for one in seen]) for layer in extractor.style_layers}


def perceptual_objective(
    network: Extractor, y: Tensor, x: Tensor, grams: Mapping[str, Tensor], alpha: float
) -> dict[str, Tensor]:
    """Compare painted pictures with the photographs that they were made of, and with the styles that they should have.

    For one picture it is chapter 01's objective, alpha * L_content + the mean of E_L over the style layers.

    Args:
        network: What looks at pictures; it takes [0, 1].
        y: The painted pictures, (B, 3, H, W) in [-1, 1].
        x: The photographs, likewise; no gradient reaches them.
        grams: {style layer: (B, N, N)}, for each picture the Gram matrix of the painting it should look like.
        alpha: Weight of the content.

    Returns:
        {"total", "content", "style"}: means over the batch.

    Source: Johnson et al. 2016, eq. 5.
    Differs from the paper: the losses of chapter 01, and a total variation only where `FastStyleStep` adds it.
    """
    with torch.no_grad():
        kept = network((x + 1) / 2)
    now = network((y + 1) / 2)
    content = cast(Tensor, sum(content_loss(now[k], kept[k]) for k in network.content_layers)) / len(y)
    layers = network.style_layers
    style = cast(Tensor, sum(style_loss(gram_matrix(now[k]), grams[k]) for k in layers)) / (len(layers) * len(y))
    return {"total": alpha * content + style, "content": content, "style": style}


class FastStyleStep:
    """One iteration of training for `fit`: photographs (B, 3, H, W) in [-1, 1] -> {"total", "content", "style"}.

    Each picture of the batch is painted in a style that is drawn for it.

    Args:
        network: What learns.
        extractor: What looks at the pictures, frozen.
        grams: {style layer: (S, N, N)}, of the styles that are trained, in their order: `style_grams`.
        optimizer: Of the network.
        alpha: Weight of the content.
        smoothness: Weight of the total variation of the painted pictures in [0, 1].
        schedules: Of the learning rate, stepped after each iteration.
        average: Of the network's weights, updated after each iteration.
        styles: Places of the styles that are trained; all of the network's, if none are named.
        generator: Draws the styles; on the CPU.

    Raises:
        ValueError: There are not as many Gram matrices as styles, or of other layers.
        ImageError: On a call: the first batch leaves [-1, 1], or pictures have another shape.

    Source: Johnson et al. 2016, sec. 3; Dumoulin et al. 2017, sec. 3, for the styles.
    """

    def __init__(
        self,
        network: TransformerNet,
        extractor: Extractor,
        grams: Mapping[str, Tensor],
        optimizer: torch.optim.Optimizer,
        *,
        alpha: float = 5e-4,
        smoothness: float = 0.0,
        schedules: tuple[LRScheduler, ...] = (),
        average: Average | None = None,
        styles: Sequence[int] | None = None,
        generator: torch.Generator | None = None,
    ):
        self.styles = torch.tensor(list(range(len(network.names)) if styles is None else styles), device="cpu")
        counts = {layer: len(gram) for layer, gram in grams.items()}
        wanted = dict.fromkeys(extractor.style_layers, len(self.styles))
        if counts != wanted:
            raise ValueError(f"expected Gram matrices of {len(self.styles)} styles, {wanted}; got {counts}")
        self.network, self.extractor, self.grams, self.optimizer = network, extractor, grams, optimizer
        self.alpha, self.smoothness, self.schedules, self.average = alpha, smoothness, schedules, average
        self.generator = generator or torch.Generator().manual_seed(0)
        self.checked = False

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        if not self.checked:
            check_range(check_shape(x, "photographs", "B", 3, "H", "W", least=SEEN), -1, 1)
            self.checked = True
        drawn = torch.randint(len(self.styles), (len(x),), generator=self.generator, device="cpu")
        y = self.network(x, self.styles[drawn].to(x.device, non_blocking=True))
        drawn = drawn.to(x.device, non_blocking=True)
        wanted = {layer: gram[drawn] for layer, gram in self.grams.items()}
        losses = perceptual_objective(self.extractor, y, x, wanted, self.alpha)
        descend(self.optimizer, losses["total"] + self.smoothness * total_variation((y + 1) / 2))
        end_iteration(self.schedules, (self.average, self.network))
        return {name: loss.detach() for name, loss in losses.items()}

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        things = {"network": self.network, "optimizer": self.optimizer, "generator": self.generator}
        return named_state(self.schedules, **things, average=self.average)


def style_weights(network: TransformerNet, style: Style) -> Tensor:
    """Return what a style that was asked for means to a network: weights (1, S) that sum to one.

    Args:
        network: It has names for its styles.
        style: A name, a place, or {name or place: weight}.

    Raises:
        UnknownName: The network has no such style; the message lists those it has.
        ValueError: Weights are negative or do not sum to one.
    """
    asked = style if isinstance(style, Mapping) else {style: 1.0}
    weights = torch.zeros(1, len(network.names), dtype=torch.float32, device="cpu")
    for one, weight in asked.items():
        known = one in network.names if isinstance(one, str) else one in range(len(network.names))
        if not known:
            raise UnknownName("style", one, network.names)
        weights[0, network.names.index(one) if isinstance(one, str) else one] += weight
    if not (weights >= 0).all() or not abs(weights.sum().item() - 1) < 1e-3:
        raise ValueError(
            f"the weights of styles are at least 0 and sum to 1, got {', '.join(map(str, asked.values()))}"
        )
    return weights


@torch.no_grad()
def stylize_fast(image: Tensor, network: TransformerNet, style: Style = 0) -> Tensor:
    """Paint pictures in one pass.

    The sides need not be divisible by 4: they are mirrored as far as it takes, and the result is cut.

    Args:
        image: (B, 3, H, W) in [0, 1], at least 8 pixels a side.
        network: What paints.
        style: A name, a place, or weights {name or place: weight} that morph between styles.

    Returns:
        As many of the same size, in [0, 1].

    Raises:
        ImageError: Another shape or range.
        UnknownName: The network has no such style.
        ValueError: The weights do not sum to one.
    """
    check_range(check_shape(image, "pictures", "B", 3, "H", "W", least=SMALLEST), 0, 1)
    first = next(network.parameters())
    weights = style_weights(network, style).to(first).expand(len(image), -1)
    h, w = image.shape[2:]
    x = F.pad(image.to(first) * 2 - 1, (0, -w % MULTIPLE, 0, -h % MULTIPLE), mode="reflect")
    y = network(x, weights)[..., :h, :w]
    return ((y + 1) / 2).to(image.device)


def steps_worth(losses: Sequence[float], value: float) -> int | None:
    """Return after how many steps an optimisation was first as good as something else.

    Args:
        losses: Of the optimisation, the first after one step; they need not fall all the way.
        value: The same objective, of a picture that was made in another way.

    Returns:
        The first number of steps whose loss is at most `value`; None if there is none.
    """
    return next((step for step, loss in enumerate(losses, start=1) if loss <= value), None)


def receptive_field(layers: Iterable[tuple[str, int, int]]) -> int:
    """Return the side of the square of pixels that one pixel of the output sees, normalisations aside.

    Args:
        layers: From the first to the last: ("conv", kernel, stride), ("residual", kernel, 1), which is two
            convolutions, and ("enlarge", 1, factor), which repeats pixels.

    Returns:
        The side in pixels of the input. A step on a map that was halved twice is four pixels of the input wide.
    """
    side, step = 1, Fraction(1)
    for kind, kernel, factor in layers:
        side += (2 if kind == "residual" else 1) * (kernel - 1) * step
        step = step / factor if kind == "enlarge" else step * factor
    return int(side)
