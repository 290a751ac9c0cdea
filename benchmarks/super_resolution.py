"""Super-resolution x4: our networks beside pytorch/examples' ESPCN and an SRResNet of the paper's size.

    python benchmarks/super_resolution.py [--minutes 2] [--peer FOLDER] [--pixel superres_pixel.safetensors]
                                          [--adversarial superres_adversarial.safetensors] [--size 128] [--rounds 7]
                                          [--judge squeezenet.safetensors --caffe]

First table: seconds a picture of `--size` pixels a side, small, and weights. All take turns; medians over the rounds,
and the ratio within each round. Second table: each network trained from nothing for the same minutes of processor time,
by its own recipe, on the same squares out of the embedded photographs, then judged on the 12 that were held out. Third
table, where there are weights: what is trained at length, judged likewise, with weights half way between the two.

ESPCN is `super_resolution/model.py` of FOLDER, a checkout of pytorch/examples, or without one the same layers written
here. As its users train it: brightness alone, squared error, Adam at 1e-3, 64 squares of 64 pixels. It enlarges
brightness; colours are interpolated. SRResNet: 16 residual blocks of 64 channels with batch normalisation (Ledig et al.
2017, fig. 4), squared error, Adam at 1e-4, 16 squares of 96 pixels as in the paper.
"""

import argparse
import importlib.util
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from _tables import show
from safetensors.torch import load_file
from torch import Tensor, nn

from gencourse import checkpoints, data
from gencourse.methods.degradations import modcrop
from gencourse.methods.enlarging import draw_noise, enlarge, interpolate_weights
from gencourse.methods.super_resolution import PixelStep
from gencourse.methods.upsampling import area_average, bicubic
from gencourse.metrics.super_resolution import JUDGES, judge, luma
from gencourse.networks.features import Extractor, extractor, from_caffe
from gencourse.networks.srgan import SRGenerator
from gencourse.training.crops import Crops
from gencourse.training.helpers import Average, descend

SCALE = 4
FIRES = ("conv1", "fire3", "fire5", "fire7")  # layers of SqueezeNet
Enlarge = Callable[[Tensor], Tensor]  # (1, 3, h, w) -> (1, 3, 4h, 4w), both in [0, 1]


def espcn(folder: Path | None) -> nn.Module:
    """Return the peer's network, of one channel in [0, 1]."""
    if folder is not None:
        spec = importlib.util.spec_from_file_location("peer", folder / "super_resolution" / "model.py")
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.Net(SCALE)
    widths, kernels = (1, 64, 64, 32, SCALE**2), (5, 3, 3, 3)
    layers: list[nn.Module] = []
    for inputs, outputs, kernel in zip(widths, widths[1:], kernels, strict=False):
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        nn.init.orthogonal_(convolution.weight, 1.0 if outputs == widths[-1] else 2**0.5)
        layers += [convolution, nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.PixelShuffle(SCALE))


class Sum(nn.Module):
    """x + body(x)."""

    def __init__(self, *body: nn.Module):
        super().__init__()
        self.body = nn.Sequential(*body)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


def srresnet(width: int = 64, blocks: int = 16) -> nn.Module:
    """Return a network of the paper's layers, of three channels in [-1, 1]."""

    def conv(inputs: int, outputs: int, kernel: int = 3) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)

    def block() -> nn.Module:
        half = [conv(width, width), nn.BatchNorm2d(width), nn.PReLU()]
        return Sum(*half, conv(width, width), nn.BatchNorm2d(width))

    def double() -> list[nn.Module]:
        return [conv(width, 4 * width), nn.PixelShuffle(2), nn.PReLU()]

    body = Sum(*(block() for _ in range(blocks)), conv(width, width), nn.BatchNorm2d(width))
    return nn.Sequential(conv(3, width, 9), nn.PReLU(), body, *double(), *double(), conv(width, 3, 9))


@torch.inference_mode()
def with_espcn(network: nn.Module, x: Tensor) -> Tensor:
    """Enlarge brightness by the network, the two differences of colour by interpolation."""
    y = luma(x, studio=False)
    large = network(y)
    colours = bicubic(x - y, SCALE)  # R - Y, G - Y, B - Y
    return (large + colours).clamp(0, 1)


@torch.inference_mode()
def with_srresnet(network: nn.Module, x: Tensor) -> Tensor:
    return ((network(x * 2 - 1) + 1) / 2).clamp(0, 1)


def with_ours(network: SRGenerator) -> Enlarge:
    draws = torch.Generator().manual_seed(0)
    return lambda x: enlarge(x, network, noise=draw_noise(network, x, draws))


@dataclass(frozen=True)
class Way:
    """A network, how it is trained, what on, and what returns how it enlarges."""

    network: nn.Module
    step: Callable[[Tensor], object]
    crops: Iterator[Tensor]
    enlarge: Callable[[], Enlarge]


def ways(folder: Path | None, seed: int) -> dict[str, Way]:
    photographs = list(data.photographs("train").values())
    torch.manual_seed(seed)
    return {
        "ours": _ours(Crops(photographs, 8, 96, seed=seed)),
        "ESPCN": _espcn(espcn(folder), Crops(photographs, 64, 64, seed=seed)),
        "SRResNet": _srresnet(srresnet(), Crops(photographs, 16, 96, seed=seed)),
    }


def _ours(crops: Crops) -> Way:
    network = SRGenerator().to(memory_format=torch.channels_last)
    average = Average(network)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    return Way(network, PixelStep(network, optimizer, average=average), crops, lambda: with_ours(average.module))


def _espcn(network: nn.Module, crops: Crops) -> Way:
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step(y: Tensor) -> None:
        y = luma((y + 1) / 2, studio=False)
        descend(optimizer, F.mse_loss(network(area_average(y, SCALE)), y))

    return Way(network, step, crops, lambda: lambda x: with_espcn(network.eval(), x))


def _srresnet(network: nn.Module, crops: Crops) -> Way:
    network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step(y: Tensor) -> None:
        descend(optimizer, F.mse_loss(network(area_average(y, SCALE)), y))

    return Way(network, step, crops, lambda: lambda x: with_srresnet(network.eval(), x))


def train(way: Way, minutes: float) -> int:
    """Train for so many minutes of processor time; returns the steps."""
    began, steps = time.process_time(), 0
    while time.process_time() - began < 60 * minutes:
        way.step(next(way.crops))
        steps += 1
    return steps


def speed_table(args: argparse.Namespace) -> list[dict]:
    x = torch.rand(1, 3, args.size, args.size, generator=torch.Generator().manual_seed(0))
    x = x.contiguous(memory_format=torch.channels_last)
    found = ways(args.peer, args.seed)
    calls = {name: way.enlarge() for name, way in found.items()}
    times: dict[str, list[float]] = {name: [] for name in found}
    for call in calls.values():
        call(x)  # warm up
    for _ in range(args.rounds):
        for name, call in calls.items():
            began = time.perf_counter()
            call(x)
            times[name].append(time.perf_counter() - began)
    return [
        {
            "network": name,
            "weights": f"{sum(p.numel() for p in found[name].network.parameters()):,}",
            "seconds a picture": round(statistics.median(values), 4),
            "times ours": round(statistics.median(v / b for v, b in zip(values, times["ours"], strict=True)), 2),
        }
        for name, values in times.items()
    ]


def quality(enlarge: Enlarge, looks: dict[str, Extractor]) -> dict[str, float]:
    """Judge on the photographs that were held out, by the embedded network and, where it is given, by SqueezeNet."""
    pictures = [modcrop(y, SCALE) for y in data.photographs("test").values()]
    found = {name: round(value, 3) for name, value in judge(enlarge, pictures, looks["embedded"]).items()}
    if "squeezenet" in looks:
        other = judge(enlarge, pictures, looks["squeezenet"], layer="fire3")
        found |= {f"SqueezeNet's {name}": round(other[name], 3) for name in ("features", "patches")}
    return found


def by_rule(x: Tensor) -> Tensor:
    return bicubic(x, SCALE).clamp(0, 1)


def trained_table(args: argparse.Namespace, looks: dict[str, Extractor]) -> list[dict]:
    rows = [{"way": "bicubic", "steps": ""} | quality(by_rule, looks)]
    for name, way in ways(args.peer, args.seed).items():
        steps = train(way, args.minutes)
        rows.append({"way": name, "steps": steps} | quality(way.enlarge(), looks))
        print(rows[-1], flush=True)
    return rows


def shipped_table(networks: dict[str, SRGenerator], looks: dict[str, Extractor]) -> list[dict]:
    if len(networks) == 2:
        networks = networks | {"half of each": interpolate_weights(*networks.values(), 0.5)}
    return [{"network": name} | quality(with_ours(network), looks) for name, network in networks.items()]


def weights(args: argparse.Namespace) -> dict[str, SRGenerator]:
    """Return what is trained at length, by name: files that were given, else those that ship."""
    found = {}
    for name, own in (("pixel", args.pixel), ("adversarial", args.adversarial)):
        file = own or checkpoints.folder() / f"superres_{name}.safetensors"
        if own or file.exists():
            found[name] = checkpoints.read(file, SRGenerator)
    return found


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--minutes", type=float, default=2.0, help="of processor time that each network is trained; 0 leaves it out")
    add("--peer", type=Path, help="a checkout of pytorch/examples")
    add("--pixel", type=Path, help="weights of scripts/train_super_resolution.py (default: what ships)")
    add("--adversarial", type=Path, help="likewise")
    add("--judge", type=Path, help="safetensors file of torchvision's squeezenet1_0")
    add("--caffe", action="store_true", help="the judge wants BGR in 0..255 minus the mean")
    add("--size", type=int, default=128, help="side of the small picture that is timed")
    add("--rounds", type=int, default=7)
    add("--seed", type=int, default=0)
    add("--out", type=Path, help="also write the tables to this JSON file")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    looks = {"embedded": extractor("embedded", layers=JUDGES)}
    if args.judge:
        state = load_file(args.judge)
        state = from_caffe(state) if args.caffe else state
        looks["squeezenet"] = extractor("squeezenet", layers=FIRES, weights=state)
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    small = f"{args.size} x {args.size} to {SCALE * args.size} x {SCALE * args.size}"
    print(f"{machine}; {small}, median of {args.rounds} rounds\n")
    tables = {"speed": speed_table(args)}
    show(tables["speed"])
    if args.minutes:
        print(f"\n{args.minutes:g} minutes of processor time each\n")
        tables["trained"] = trained_table(args, looks)
        show(tables["trained"])
    if networks := weights(args):
        print()
        tables["shipped"] = shipped_table(networks, looks)
        show(tables["shipped"])
    if args.out:
        args.out.write_text(json.dumps({"machine": machine, **tables}, indent=1))


if __name__ == "__main__":
    main()
