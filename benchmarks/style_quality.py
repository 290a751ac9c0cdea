"""How good are the pictures of `gencourse stylize`, and what is each part of the method worth?

    python benchmarks/style_quality.py --judge squeezenet1_0.safetensors --caffe [--size 256] [--pairs 6] [--ways ...]

Pairs of pictures that the embedded network was never trained on. Two judges, an ImageNet-trained SqueezeNet 1.0 at two
sets of layers, measure a result x by
    style gap closed = 1 - S(x) / S(content), S the mean over layers of ||G - A||^2 / ||A||^2, and
    content error = ||F - P||^2 / ||P||^2 on a layer of its own.
"the judge itself" is the same optimisation with the first judge in place of the embedded network, at full size. Each
other way changes one thing in "default". Work is counted in evaluations of the network at full size: one at half the
size counts a quarter. "at the ends" is the share of values that are black or white to within half a grey level.
"""

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from gencourse import data, images
from gencourse.methods import style
from gencourse.networks.features import Extractor, extractor, from_caffe
from gencourse.training.fit import History

PAIRS = [
    ("chelsea", "great_wave"),
    ("coffee", "composition_8"),
    ("astronaut", "auvers"),
    ("chelsea", "auvers"),
    ("coffee", "great_wave"),
    ("astronaut", "composition_8"),
]
JUDGES = {"A": (("conv1", "fire3", "fire5", "fire7"), "fire6"), "B": (("fire2", "fire4", "fire6"), "fire7")}
COLUMNS = ("A: gap closed", "worst", "A: content", "B: gap closed", "B: content", "at the ends", "evaluations", "s")
Painter = Callable[[Extractor, Tensor, Tensor, int, int], Tensor]  # network, content, style, size, steps -> picture


class Judge:
    """How near a picture comes to a painting and stays to a photograph, in the eyes of one network."""

    def __init__(self, network: Extractor, content: Tensor, painting: Tensor):
        self.network = network
        self.targets = style.find_targets(network, content, [(painting, 1.0)])
        self.weights = style.relative_weights(self.targets)
        self.before = self.errors(content)[0]

    @torch.no_grad()
    def errors(self, x: Tensor) -> tuple[float, float]:
        """S and the content error."""
        found = {k: v * self.weights[k] for k, v in style.losses(self.network, x, self.targets).items()}
        layers = [found[layer].item() for layer in self.targets.style]
        return sum(layers) / len(layers), found["content"].item()

    def __call__(self, x: Tensor) -> tuple[float, float]:
        """The style gap closed and the content error."""
        gram, content = self.errors(x)
        return 1 - gram / self.before, content


class Counter:
    """Count the pixels that go through a network with a gradient."""

    def __init__(self, network: Extractor):
        self.pixels = 0
        network.register_forward_pre_hook(self.count)

    def count(self, _, inputs: tuple[Tensor]) -> None:
        if inputs[0].requires_grad:
            self.pixels += inputs[0][0, 0].numel()


def plan(content: Tensor, painting: Tensor, size: int, steps: int, parts: tuple[int, ...] | None):
    """Sizes and steps: the command's own, or those parts of the size with 3, 2, 1 shares of the steps."""
    if parts is None:
        return style.pyramid([content, painting], size, steps)
    shares = (3, 2, 1)[-len(parts) :]
    rest = [steps * share // sum(shares) for share in shares[1:]]
    return [size // part for part in parts], [steps - sum(rest), *rest]


def default(network, content, painting, size, steps, *, parts=None, detail=None, **options) -> Tensor:
    """What the command does, but for what is named."""
    sizes, counts = plan(content, painting, size, steps, parts)
    more = {} if detail is None else {"detail": detail}
    paint = partial(style.stylize, network=network, **options)
    return style.coarse_to_fine(content, painting, paint, sizes=sizes, steps=counts, show=False, **more).image


def at_full_size(network, content, painting, size, steps) -> Tensor:
    """As many evaluations as the command has, all of them at full size."""
    sizes, counts = plan(content, painting, size, steps, None)
    whole = sum(count * (s / size) ** 2 for s, count in zip(sizes, counts, strict=True))
    return default(network, content, painting, size, max(1, round(whole)), parts=(1,))


class FreeLBFGS(torch.optim.LBFGS):
    """The optimiser of the first edition: free pixels, no line search, no pixel farther than half the range a step."""

    def __init__(self, parameters: list[Tensor]):
        options = {"tolerance_grad": 0, "tolerance_change": 0}
        super().__init__(parameters, lr=1, max_iter=1, history_size=20, **options)

    def step(self, closure):
        (x,) = self.param_groups[0]["params"]
        before = x.detach().clone()
        loss = super().step(closure)
        excess = (x.detach() - before).abs().max() / 0.5
        if excess > 1:
            with torch.no_grad():
                x.copy_(before + (x - before) / excess)
            self.state[x]["t"] /= excess.item()
        return loss


def free_pixels(content, styles, *, network, steps, start=None, relative=True, alpha=None, smoothness=None, show=False):
    """Gatys' objective with pixels that may leave the range and are cut off in the end, as in the first edition."""
    defaults = style.stylize.__kwdefaults__
    alpha, smoothness = (defaults[k] if v is None else v for k, v in (("alpha", alpha), ("smoothness", smoothness)))
    targets = style.find_targets(network, content, styles)
    weights = style.relative_weights(targets) if relative else {}
    x = (content if start is None else start).clone().requires_grad_()
    optimizer = FreeLBFGS([x])

    def closure() -> Tensor:
        optimizer.zero_grad()
        parts = {k: v * weights.get(k, 1.0) for k, v in style.losses(network, x, targets).items()}
        total = alpha * parts["content"] + sum(parts[k] for k in targets.style) / len(targets.style)
        total = (total + smoothness * style.total_variation(x)) * x.numel()
        total.backward()
        return total

    for _ in range(steps):
        optimizer.step(closure)
    return style.Stylized(x.detach().clamp(0, 1), History({"total": [0.0] * steps}))


def freely(network, content, painting, size, steps, *, parts=None, detail=None, **options) -> Tensor:
    sizes, counts = plan(content, painting, size, steps, parts)
    more = {} if detail is None else {"detail": detail}
    paint = partial(free_pixels, network=network, **options)
    return style.coarse_to_fine(content, painting, paint, sizes=sizes, steps=counts, **more).image


ABSOLUTE = {"relative": False, "alpha": 1e-4, "smoothness": 0.0}  # the paper's sum, as in the first edition
WAYS: dict[str, Painter] = {
    "the first edition": partial(freely, parts=(4, 2, 1), detail=2.5, **ABSOLUTE),
    "default": default,
    "all evaluations at full size": at_full_size,
    "from a half": partial(default, parts=(2, 1)),
    "from a quarter": partial(default, parts=(4, 2, 1)),
    "detail 0": partial(default, detail=0.0),
    "detail 1": partial(default, detail=1.0),
    "detail 2.5": partial(default, detail=2.5),
    "absolute losses": partial(default, **ABSOLUTE),
    "total variation 0.03": partial(default, smoothness=0.03),
    "total variation 0.3": partial(default, smoothness=0.3),
    "free pixels, no line search": freely,
    "Adam": partial(default, optimizer=style.adam),
    "alpha x 3": partial(default, alpha=3 * style.stylize.__kwdefaults__["alpha"]),
    "alpha / 3": partial(default, alpha=style.stylize.__kwdefaults__["alpha"] / 3),
}
ITSELF = "the judge itself"


def measure(way: Painter, network: Extractor, judges: dict[str, Extractor], args, name: str) -> list[float]:
    """Paint all pairs; return the columns of the table, means over pairs but for the worst."""
    counter, rows = Counter(network), []
    for content_name, style_name in PAIRS[: args.pairs]:
        content, painting = data.photo(content_name, args.size), data.painting(style_name, args.size)
        counter.pixels, began = 0, time.process_time()
        x = way(network, content, painting, args.size, args.steps)
        seconds, evaluations = time.process_time() - began, counter.pixels / content[0, 0].numel()
        a, b = (Judge(judge, content, painting)(x) for judge in judges.values())
        ends = ((x < 0.5 / 255) | (x > 1 - 0.5 / 255)).float().mean().item()
        rows.append([a[0], a[0], a[1], *b, ends, evaluations, seconds])
        if args.out:
            images.save(x, args.out / f"{args.size}_{name.replace(' ', '_')}_{content_name}_{style_name}.png")
    table = torch.tensor(rows)
    means = table.mean(0)
    means[1] = table[:, 1].min()
    return means.tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", required=True, help="safetensors file of torchvision's squeezenet1_0")
    parser.add_argument("--caffe", action="store_true", help="the judge wants BGR in 0..255 minus the mean")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--ways", nargs="*", choices=[ITSELF, *WAYS], default=[ITSELF, *WAYS])
    parser.add_argument("--out", type=Path, help="folder for the pictures and the table")
    args = parser.parse_args()
    if args.size < 224:
        parser.error("--size: a quarter of it must still leave 32 pixels a side: at least 224")
    state = load_file(args.judge)
    state = from_caffe(state) if args.caffe else state
    judges = {}
    for name, (layers, content) in JUDGES.items():
        judges[name] = extractor("squeezenet", weights=state, layers=[*layers, content])
        judges[name].style_layers, judges[name].content_layers = layers, (content,)
    print(f"{args.size} pixels, {args.steps} steps, {args.pairs} pairs, {torch.get_num_threads()} threads\n")
    print("| way | " + " | ".join(COLUMNS) + " |\n|" + "---|" * (1 + len(COLUMNS)))
    found = {}
    for name in args.ways:
        network = judges["A"] if name == ITSELF else extractor("embedded")
        way = partial(default, parts=(1,)) if name == ITSELF else WAYS[name]
        found[name] = measure(way, network, judges, args, name)
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in found[name]) + " |", flush=True)
    if args.out:
        file = args.out / f"style_quality_{args.size}.json"
        file.write_text(json.dumps({"columns": COLUMNS, "rows": found}, indent=1))


if __name__ == "__main__":
    main()
