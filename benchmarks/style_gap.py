"""How much of the style gap does a feature network close, with another network as the judge?

    python benchmarks/style_gap.py --judge squeezenet.safetensors [--caffe] [--network embedded=FILE ...]

Six content/style pairs, 256 pixels, 100 L-BFGS steps from the content image with free pixels and bare losses, as the
paper has them, several alphas. The judge (an ImageNet-trained SqueezeNet 1.0) measures the result x by
    S(x) = mean over layers of ||G - A||^2 / ||A||^2,  gap closed = 1 - S(x) / S(content),
    C(x) = ||F - P||^2 / ||P||^2 on its content layer.
Each network's gap is divided by what optimising on the judge itself closes at the same C (interpolated between its
alphas). None of the six pictures may be among those the network was trained on.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from style_quality import free_pixels
from torch import Tensor

from gencourse import data
from gencourse.images import resize, save
from gencourse.methods.style import gram_matrix
from gencourse.networks.features import Extractor, extractor, from_caffe

PAIRS = [(c, s) for c, styles in {
    "chelsea": ("great_wave", "auvers"),
    "coffee": ("composition_8", "great_wave"),
    "astronaut": ("auvers", "composition_8"),
}.items() for s in styles]  # fmt: skip
HELD_OUT = sorted({name for pair in PAIRS for name in pair})
SIZE = 256


class Judge:
    def __init__(self, network: Extractor, content: Tensor, style: Tensor):
        self.network, self.content = network, content
        with torch.no_grad():
            self.features, painted = network(content), network(style)
        self.grams = {layer: gram_matrix(painted[layer]) for layer in network.style_layers}
        self.before = self.style_error(content)

    @torch.no_grad()
    def style_error(self, x: Tensor) -> float:
        now = self.network(x)
        errors = [(gram_matrix(now[k]) - a).square().sum() / a.square().sum() for k, a in self.grams.items()]
        return (sum(errors) / len(errors)).item()

    @torch.no_grad()
    def content_error(self, x: Tensor) -> float:
        now = self.network(x)
        kept = [self.features[k] for k in self.network.content_layers]
        new = [now[k] for k in self.network.content_layers]
        return sum(((n - p).square().sum() / p.square().sum()).item() for n, p in zip(new, kept, strict=True))

    def gap_closed(self, x: Tensor) -> float:
        return 1 - self.style_error(x) / self.before


def curve(
    network: Extractor, judge: Judge, style: Tensor, alphas: list[float], steps: int, name: str, out: Path | None
):
    """Return [(C, gap closed)] for each alpha."""
    points = []
    for alpha in alphas:
        options = {"relative": False, "alpha": alpha, "smoothness": 0.0}  # the paper's sum
        x = free_pixels(judge.content, [(style, 1.0)], network=network, steps=steps, **options).image
        points.append((judge.content_error(x), judge.gap_closed(x)))
        if out:
            save(x, out / f"{name}_{alpha:g}.png")
    return points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", required=True, help="safetensors file of torchvision's squeezenet1_0")
    parser.add_argument("--caffe", action="store_true", help="the judge wants BGR in 0..255 minus the mean")
    parser.add_argument(
        "--network", action="append", default=[], metavar="NAME=FILE", help="more checkpoints to measure"
    )
    parser.add_argument("--untrained", action="store_true", help="measure an untrained VGG19 too")
    parser.add_argument("--shipped", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--alphas", type=float, nargs="+", default=[1e-4, 1e-3, 1e-2])
    parser.add_argument("--reference-alphas", type=float, nargs="+", default=[1e-5, 1e-4, 1e-3, 1e-2, 1e-1])
    parser.add_argument("--out", type=Path, help="folder for the pictures and the table")
    args = parser.parse_args()
    state = load_file(args.judge)
    judging = extractor("squeezenet", weights=from_caffe(state) if args.caffe else state)
    networks = {"embedded": extractor("embedded")} if args.shipped else {}
    for item in args.network:
        name, _, file = item.partition("=")
        networks[name] = extractor("embedded", weights=file)
    if args.untrained:
        torch.manual_seed(0)
        networks["untrained VGG19"] = extractor("vgg19", weights=None)
    rows = {name: [] for name in networks}
    for content_name, style_name in PAIRS[: args.pairs]:
        content, style = resize(data.photo(content_name), SIZE), resize(data.painting(style_name), SIZE)
        judge = Judge(judging, content, style)
        pair = f"{content_name}_{style_name}"
        reference = curve(judging, judge, style, args.reference_alphas, args.steps, f"{pair}_judge", args.out)
        reference = sorted([(0.0, 0.0), *reference])
        print(pair, "judge", " ".join(f"C {c:.3f} closed {g:.3f}" for c, g in reference[1:]), flush=True)
        for name, network in networks.items():
            points = curve(network, judge, style, args.alphas, args.steps, f"{pair}_{name.replace(' ', '_')}", args.out)
            ratios = [g / np.interp(c, *zip(*reference, strict=True)) for c, g in points]
            rows[name].append(ratios)
            shown = " ".join(
                f"C {c:.3f} closed {g:.3f} ratio {r:.3f}" for (c, g), r in zip(points, ratios, strict=True)
            )
            print(pair, name, shown, flush=True)
    for name, ratios in rows.items():
        mean, worst = np.mean(ratios, axis=0), np.min(ratios, axis=0)
        print(
            name,
            " ".join(
                f"alpha {a:g}: mean {m:.3f} worst {w:.3f}" for a, m, w in zip(args.alphas, mean, worst, strict=True)
            ),
        )
    if args.out:
        (args.out / "style_gap.json").write_text(json.dumps({"alphas": args.alphas, "ratios": rows}, indent=1))


if __name__ == "__main__":
    main()
