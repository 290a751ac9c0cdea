"""What a training step on the CPU gains when freed memory is kept (`gencourse.runtime`), and what it costs in memory.

    python benchmarks/freed_memory.py [--seconds 12] [--rounds 3]

Steps of the course's own trainings, each in processes of its own, with freed memory kept and given back in turn.
Seconds: the median step; the ratio: the median over the rounds. Peak: the largest resident size of the process.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from gencourse import data, descend
from gencourse.methods import cyclegan, gan, pixelcnn, style
from gencourse.networks.dcgan import Discriminator, Generator
from gencourse.networks.features import extractor
from gencourse.networks.pixelcnn import PixelCNN
from gencourse.networks.translation import PatchDiscriminator, ResnetGenerator
from gencourse.runtime import CHOSEN_ELSEWHERE, keep_freed_memory

Step = Callable[[], object]


def gan_step() -> Step:
    """A DCGAN on 64 digits of 28 x 28."""
    g, d = Generator(), Discriminator()
    optimizers = tuple(torch.optim.Adam(network.parameters(), 2e-4) for network in (g, d))
    step, x = gan.GANStep(g, d, optimizers, losses=gan.bce()), torch.rand(64, 1, 28, 28) * 2 - 1
    return lambda: step(x)


def pixelcnn_step() -> Step:
    """A PixelCNN of 7 layers with 64 channels on 32 digits."""
    network, x = PixelCNN(), torch.randint(2, (32, 1, 28, 28))
    optimizer = torch.optim.Adam(network.parameters())
    return lambda: descend(optimizer, pixelcnn.nll(network(x), x).mean())


def cyclegan_step() -> Step:
    """A small CycleGAN on four and four pictures of 64 x 64."""
    nets = [ResnetGenerator(width=32, blocks=4) for _ in "GF"] + [PatchDiscriminator(width=32) for _ in "AB"]
    nets = cyclegan.Translators(*(net.to(memory_format=torch.channels_last) for net in nets))
    step = cyclegan.CycleGANStep(nets, (cyclegan.adam(*nets[:2]), cyclegan.adam(*nets[2:])))
    a, b = torch.rand(2, 4, 3, 64, 64) * 2 - 1
    return lambda: step((a, b))


def style_step() -> Step:
    """Ten L-BFGS steps of style transfer at 256 pixels on the embedded network."""
    network, photo, painting = extractor("embedded"), data.photo("chelsea", 256), data.painting("great_wave", 256)
    return lambda: style.stylize(photo, painting, network, steps=10, show=False)


STEPS = {"GAN": gan_step, "PixelCNN": pixelcnn_step, "CycleGAN": cyclegan_step, "style transfer": style_step}


def measure(name: str, keep: bool, seconds: float) -> dict[str, float]:
    """Run one kind of step for a while in this process."""
    if not keep:  # `fit` would keep it, unless the environment has chosen: glibc's own initial value, as good as none
        os.environ[CHOSEN_ELSEWHERE[0]] = "131072"
    keep_freed_memory()
    torch.manual_seed(0)
    step, clock = STEPS[name](), []
    step()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(clock) < 3:
        began = time.perf_counter()
        step()
        clock.append(time.perf_counter() - began)
    return {"s": statistics.median(clock), "MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12, help="for each kind of step, way and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", nargs=2, metavar=("STEP", "KEEP"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        print(json.dumps(measure(args.child[0], args.child[1] == "kept", args.seconds)))
        return
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print(
        "| a step of | given back, s | kept, s | times faster | given back, MB | kept, MB |\n|---|---|---|---|---|---|"
    )
    for name in STEPS:
        found: dict[str, list[dict[str, float]]] = {"given back": [], "kept": []}
        for _ in range(args.rounds):
            for way, results in found.items():
                command = [sys.executable, __file__, "--seconds", str(args.seconds), "--child", name, way]
                results.append(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))
        times = [back["s"] / kept["s"] for back, kept in zip(*found.values(), strict=True)]
        row = [f"{statistics.median(r['s'] for r in results):.4f}" for results in found.values()]
        row += [f"{statistics.median(times):.2f}"]
        row += [f"{statistics.median(r['MB'] for r in results):.0f}" for results in found.values()]
        print(f"| {name} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
