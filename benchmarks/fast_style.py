"""Style in one pass: how fast, how good, and how large, beside the optimisation and beside pytorch/examples.

    python benchmarks/fast_style.py [--peer transformer_net.py] [--weights fast_style.safetensors]
                                    [--judge squeezenet.safetensors --caffe] [--size 512] [--rounds 5]

First table: seconds of a pass of a TransformerNet of ours (width 12, 4 blocks, and that of the weights), of the peer's
(`fast_neural_style/neural_style/transformer_net.py` of pytorch/examples, with random weights: the time is the same),
and of 200 steps of chapter 01's optimisation on the embedded network, of which `--steps` are timed. All take turns, one
picture of `--size` pixels a side; medians over the rounds, and the ratio within each round. Second table, where there
are weights: for each style, over photographs that were held out, what a pass is worth in steps of the optimisation by
chapter 01's objective, and the style gap that is closed, as a part of what the optimisation closes, by the embedded
network and, where it is given, by SqueezeNet, which neither has seen.
"""

import argparse
import importlib.util
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from _tables import show
from safetensors.torch import load_file
from style_gap import Judge
from torch import Tensor, nn

from gencourse import checkpoints, data
from gencourse.images import resize
from gencourse.methods import style
from gencourse.methods.fast_style import JUDGED, perceptual_objective, steps_worth, style_grams, stylize_fast
from gencourse.networks.features import Extractor, extractor, from_caffe
from gencourse.networks.stylenet import TransformerNet

OPTIMISATION = 200  # steps of `gencourse stylize`


def peer_network(path: Path) -> nn.Module:
    """Return the peer's network out of its file, with random weights."""
    spec = importlib.util.spec_from_file_location("peer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.TransformerNet().eval()


def seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def optimisation(content: Tensor, painting: Tensor, look: Extractor, steps: int) -> Callable[[], float]:
    """Return what says the seconds of a step; the targets are computed before the first, which is not counted."""

    def timed() -> float:
        clock: list[float] = []

        def tick(*_: object) -> None:
            clock.append(time.perf_counter())

        style.stylize(content, painting, look, steps=steps + 1, show=False, callback=tick)
        return (clock[-1] - clock[0]) / steps

    return timed


@torch.inference_mode()
def run(network: nn.Module, x: Tensor) -> Tensor:
    return network(x)


def speed_table(args: argparse.Namespace, shipped: TransformerNet | None) -> list[dict]:
    content = resize(data.photo("chelsea"), (args.size, args.size))
    x = (content * 2 - 1).contiguous(memory_format=torch.channels_last)
    step = optimisation(content, resize(data.painting("great_wave"), args.size), extractor("embedded"), args.steps)
    networks: dict[str, nn.Module] = {"ours, width 12, 4 blocks": TransformerNet()}
    if shipped is not None:
        one = TransformerNet(width=shipped.width, blocks=shipped.blocks)  # of one style: as much work a pass
        networks[f"ours, width {shipped.width}, {shipped.blocks} blocks, as shipped"] = one
    networks = {name: net.eval().to(memory_format=torch.channels_last) for name, net in networks.items()}
    passes = {name: lambda net=net: seconds(lambda: run(net, x)) for name, net in networks.items()}
    if args.peer:
        peer, flat = peer_network(args.peer), x.contiguous()
        networks["pytorch/examples"] = peer
        passes["pytorch/examples"] = lambda: seconds(lambda: run(peer, flat))
        fast = peer_network(args.peer).to(memory_format=torch.channels_last)
        networks["pytorch/examples, channels-last"] = fast
        passes["pytorch/examples, channels-last"] = lambda: seconds(lambda: run(fast, x))
    slow = f"chapter 01, {OPTIMISATION} steps"
    times: dict[str, list[float]] = {name: [] for name in (slow, *passes)}
    for call in passes.values():
        call()  # warm up
    for _ in range(args.rounds):
        times[slow].append(OPTIMISATION * step())
        for name, call in passes.items():
            times[name].append(statistics.median(call() for _ in range(3)))
    base = times["ours, width 12, 4 blocks"]
    return [
        {
            "way": name,
            "weights": f"{sum(p.numel() for p in networks[name].parameters()):,}" if name in networks else "",
            "seconds a picture": round(statistics.median(values), 4),
            "times ours": round(statistics.median(v / b for v, b in zip(values, base, strict=True)), 2),
        }
        for name, values in times.items()
    ]


def closed(look: Extractor, x: Tensor, y: Tensor, grams: dict[str, Tensor]) -> float:
    with torch.no_grad():
        before, after = (perceptual_objective(look, z * 2 - 1, x * 2 - 1, grams, JUDGED)["style"] for z in (x, y))
    return 1 - (after / before).item()


def quality_table(args: argparse.Namespace, network: TransformerNet, judging: Extractor | None) -> list[dict]:
    look, rows = extractor("embedded"), []
    photographs = [resize(x, 256) for x in list(data.photographs("test").values())[: args.photographs]]
    for k, name in enumerate(network.names):
        painting = resize(data.painting(name), 256)
        grams, found = style_grams(look, [painting]), {"worth": [], "own": [], "judge": []}
        for x in photographs:
            y = stylize_fast(x, network, k)
            options = {"alpha": JUDGED, "relative": False, "steps": args.judge_steps, "show": False}
            best, history = style.stylize(x, painting, look, **options)
            with torch.no_grad():
                value = perceptual_objective(look, y * 2 - 1, x * 2 - 1, grams, JUDGED)["total"].item()
            found["worth"].append(steps_worth(history["total"], value) or args.judge_steps)
            found["own"].append((closed(look, x, y, grams), closed(look, x, best, grams)))
            if judging is not None:
                judge = Judge(judging, x, painting)
                found["judge"].append((judge.gap_closed(y), judge.gap_closed(best)))
        row = {"style": name, "worth steps, median": statistics.median(found["worth"])}
        for key, title in (("own", "gap closed"), ("judge", "SqueezeNet's gap closed")):
            if found[key]:
                ours, theirs = (statistics.mean(values) for values in zip(*found[key], strict=True))
                row |= {title: round(ours, 3), f"{title}, part of {args.judge_steps} steps'": round(ours / theirs, 3)}
        rows.append(row)
        print(row, flush=True)
    return rows


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--peer", type=Path, help="transformer_net.py of pytorch/examples")
    add("--weights", type=Path, help="file of scripts/train_fast_style.py (default: what ships)")
    add("--judge", type=Path, help="safetensors file of torchvision's squeezenet1_0")
    add("--caffe", action="store_true", help="the judge wants BGR in 0..255 minus the mean")
    add("--size", type=int, default=512)
    add("--rounds", type=int, default=5)
    add("--steps", type=int, default=2, help="steps of the optimisation timed in each round")
    add("--judge-steps", type=int, default=40)
    add("--photographs", type=int, default=4, help="of the test split")
    add("--out", type=Path, help="also write the tables to this JSON file")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    file = args.weights or checkpoints.folder() / "fast_style.safetensors"
    network = checkpoints.read(file, TransformerNet) if args.weights or file.exists() else None
    judging = None
    if args.judge:
        state = load_file(args.judge)
        judging = extractor("squeezenet", weights=from_caffe(state) if args.caffe else state)
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{machine}; {args.size} x {args.size}, median of {args.rounds} rounds\n")
    tables = {"speed": speed_table(args, network)}
    show(tables["speed"])
    if network is not None:
        print(f"\n{file.stat().st_size / 1e6:.2f} MB for {len(network.names)} styles; the peer's 6.7 MB a style\n")
        tables["quality"] = quality_table(args, network, judging)
        show(tables["quality"])
    if args.out:
        args.out.write_text(json.dumps({"machine": machine, **tables}, indent=1))


if __name__ == "__main__":
    main()
