"""Seconds per training step of the U-Net against two peers at equal parameter count, and how their losses fall.

    pip install denoising-diffusion-pytorch diffusers
    python benchmarks/unet_step.py [--rounds 5] [--steps 2] [--curves 300]

A step is forward, mean squared error, backward and Adam at 28 x 28 pixels, batch 64. The networks take turns,
`--rounds` times; given are medians, the median ratio to ours within a round, parameters, and the floating point
operations of one forward pass of one picture (convolutions and matrix products, by torch's counter). Beside the wall
clock stands the CPU time of all threads: on a busy machine it is the figure to trust, best with `--threads 1`.
`--curves N`: also train each network for N steps on the same digits, noise and times, and print the mean losses.
With a CUDA device a second table: float32, bfloat16, compiled, and compiled with CUDA graphs.
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from _tables import show
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gencourse import data
from gencourse.methods.diffusion import NOISE, diffusion_loss, linear_schedule
from gencourse.networks.unet import UNet


class Diffusers(nn.Module):
    """diffusers' UNet2DModel behind the call (x_t, t) -> prediction. layers: in each block, there 2 by default."""

    def __init__(self, widths: tuple[int, ...], layers: int):
        super().__init__()
        from diffusers import UNet2DModel

        self.body = UNet2DModel(
            sample_size=28,
            in_channels=1,
            out_channels=1,
            layers_per_block=layers,
            block_out_channels=widths,
            norm_num_groups=8,
            down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
            up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        )

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        return self.body(x_t, t).sample


def lucidrains() -> nn.Module:
    from denoising_diffusion_pytorch import Unet

    return Unet(dim=24, dim_mults=(1, 2, 4), channels=1)


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "ours": lambda: UNet(widths=(32, 64, 128)),
    "lucidrains": lucidrains,
    "diffusers, 1 layer": lambda: Diffusers((24, 48, 96), 1),
    "diffusers, 2 layers": lambda: Diffusers((32, 64, 64), 2),
}


class Clock(NamedTuple):
    wall: float
    cpu: float


class Trainee:
    """A network with its optimiser and a batch of noise to train on; step() is one training step."""

    def __init__(self, network: nn.Module, batch: int, device: str, *, channels_last: bool = False, bf16: bool = False):
        self.network, self.bf16, self.device = network.to(device), bf16, device
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        if channels_last:
            network.to(memory_format=self.format)
        self.call: Callable[[Tensor, Tensor], Tensor] = network
        self.optimizer = torch.optim.Adam(network.parameters(), 1e-3, fused=device == "cuda")
        generator = torch.Generator().manual_seed(0)
        self.x_t, self.noise = (torch.randn(batch, 1, 28, 28, generator=generator).to(device) for _ in range(2))
        self.t = torch.randint(1000, (batch,), generator=generator).to(device)

    def step(self) -> None:
        x_t = self.x_t.contiguous(memory_format=self.format)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            loss = F.mse_loss(self.call(x_t, self.t).float(), self.noise)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()

    def timed(self, steps: int) -> Clock:
        """Seconds a step."""
        self.wait()
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(steps):
            self.step()
        self.wait()
        return Clock((time.perf_counter() - wall) / steps, (time.process_time() - cpu) / steps)

    def wait(self) -> None:
        if self.device == "cuda":
            torch.cuda.synchronize()


def built() -> Iterator[tuple[str, nn.Module]]:
    """Each network from the same seed; peers that are not installed are left out, with a line that says so."""
    for name, build in NETWORKS.items():
        torch.manual_seed(0)
        try:
            yield name, build()
        except ImportError as error:
            print(f"left out: {name} ({error})")


def size(network: nn.Module) -> dict[str, float]:
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 1, 28, 28), torch.zeros(1, dtype=torch.long))
    parameters = sum(p.numel() for p in network.parameters())
    return {"million parameters": round(parameters / 1e6, 2), "GFLOP": round(counter.get_total_flops() / 1e9, 3)}


def cpu_trainees(batch: int) -> dict[str, tuple[Trainee, dict[str, float]]]:
    found = {}
    for name, network in built():
        found[name] = Trainee(network, batch, "cpu"), size(network)
    for name, network in built():
        if name != "ours":  # which is in channels-last anyway
            found[f"{name}, channels-last"] = Trainee(network, batch, "cpu", channels_last=True), size(network)
    return found


def cuda_trainees(batch: int) -> dict[str, tuple[Trainee, dict[str, float]]]:
    settings = {
        "float32": {},
        "bfloat16": {"bf16": True, "channels_last": True},
        "bfloat16, compiled": {"bf16": True, "channels_last": True},
        "bfloat16, compiled, CUDA graphs": {"bf16": True, "channels_last": True},
    }
    found = {}
    for setting, options in settings.items():
        for name, network in built():
            sizes = size(network)
            trainee = Trainee(network, batch, "cuda", **options)
            if "compiled" in setting:
                trainee.call = torch.compile(network, mode="reduce-overhead" if "graphs" in setting else "default")
            try:
                for _ in range(4):  # compiling and recording happen here
                    trainee.step()
            except Exception as error:  # a peer that does not compile is left out, the others still count
                print(f"left out: {name}, {setting} ({type(error).__name__})")
                continue
            found[f"{name}, {setting}"] = trainee, sizes
    return found


def speed_table(trainees: dict[str, tuple[Trainee, dict[str, float]]], steps: int, rounds: int) -> list[dict]:
    """One row a network: sizes, milliseconds a step, and that divided by ours in the same round."""
    clocks: dict[str, list[Clock]] = {name: [] for name in trainees}
    for trainee, _ in trainees.values():
        trainee.timed(1)  # warm up
    for _ in range(rounds):
        for name, (trainee, _) in trainees.items():
            clocks[name].append(trainee.timed(steps))

    def ours(name: str) -> list[Clock]:
        """The clocks of our network under the setting that a row's name ends with; on the CPU it has only one."""
        return clocks[
            max((key for key in clocks if key.startswith("ours") and name.endswith(key.removeprefix("ours"))), key=len)
        ]

    return [
        {
            "network": name,
            **trainees[name][1],
            "ms": round(1000 * statistics.median(clock.wall for clock in found), 2),
            "ms of CPU": round(1000 * statistics.median(clock.cpu for clock in found), 2),
            "times ours": _ratio([clock.wall for clock in found], [clock.wall for clock in ours(name)]),
            "times ours, CPU": _ratio([clock.cpu for clock in found], [clock.cpu for clock in ours(name)]),
        }
        for name, found in clocks.items()
    ]


def curve_table(steps: int, batch: int, rate: float) -> list[dict]:
    """One row a network: the mean loss over each part of `steps` training steps on the embedded digits."""
    device, schedule, rows = "cuda" if torch.cuda.is_available() else "cpu", linear_schedule(), []
    parts = [(0, steps // 6), (steps // 6, steps // 3), (steps // 3, 2 * steps // 3), (2 * steps // 3, steps)]
    for name, network in built():
        batches, generator = data.Batches(data.digits("train").signed(), batch), torch.Generator().manual_seed(0)
        optimizer, losses = torch.optim.Adam(network.to(device).parameters(), rate), []
        for _ in range(steps):
            loss = diffusion_loss(network, next(batches).to(device), schedule, NOISE, generator=generator)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        means = {f"steps {a + 1} to {b}": round(statistics.fmean(losses[a:b]), 4) for a, b in parts}
        rows.append({"network": name, **means})
        print(rows[-1], flush=True)
    return rows


def _ratio(theirs: list[float], ours: list[float]) -> float:
    return round(statistics.median(a / b for a, b in zip(theirs, ours, strict=True)), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=2, help="steps timed in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, help="threads of torch (default: its own choice)")
    parser.add_argument("--curves", type=int, default=0, help="train each network for so many steps")
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the curves")
    parser.add_argument("--out", type=Path, help="also write the tables to this JSON file")
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{machine}; 28 x 28, batch {args.batch}, median of {args.rounds} rounds of {args.steps} steps")
    tables = {}
    if args.rounds:
        tables["cpu"] = speed_table(cpu_trainees(args.batch), args.steps, args.rounds)
        show(tables["cpu"], "On the CPU, float32")
        if torch.cuda.is_available():
            tables["cuda"] = speed_table(cuda_trainees(args.batch), 20 * args.steps, args.rounds)
            show(tables["cuda"], f"On {torch.cuda.get_device_name()}")
    if args.curves:
        tables["curves"] = curve_table(args.curves, args.batch, args.rate)
        show(tables["curves"], f"Mean loss, Adam at {args.rate}")
    if args.out:
        args.out.write_text(json.dumps({"machine": machine, **tables}, indent=1))


if __name__ == "__main__":
    main()
