"""Seconds of one CycleGAN training step: labml's (PyPI labml-nn) against ours, on the same networks and batches.

    pip install labml-nn
    python benchmarks/cyclegan_step.py [--size 64] [--batch 1] [--blocks 9] [--steps 3] [--rounds 5]

The networks are labml's own classes with one set of weights. As shipped: labml's step on them as they are (NCHW); our
step on them with our normalisation layer (`networks.translation`), our optimiser settings and in channels-last.
Beside them the other memory format of each.
The losses of the first step are compared; later ones drift apart, since Adam's first steps enlarge rounding in every
way alike. Then the ways take turns, `--rounds` times: medians, and ratios within each round. labml's logging is left
out of its time.
"""

import argparse
import copy
import json
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
from _tables import show
from labml_nn.gan import cycle_gan as labml
from torch import Tensor, nn

from gencourse.methods import cyclegan
from gencourse.methods.gan_tricks import ImagePool
from gencourse.networks.translation import instance_norm

Step = Callable[[Tensor, Tensor], dict[str, Tensor]]
TOLERANCE = 1e-4
BASES = ("labml, as shipped", "labml, channels-last")
labml.tracker = SimpleNamespace(add=lambda losses: logged.update(losses))
logged: dict[str, Tensor] = {}


def networks(size: int, blocks: int) -> cyclegan.Translators:
    """labml's generators and discriminators, freshly initialised from one seed."""
    torch.manual_seed(0)
    generators = [labml.GeneratorResNet(3, blocks) for _ in range(2)]
    return cyclegan.Translators(*generators, *(labml.Discriminator((3, size, size)) for _ in range(2)))


def theirs(nets: cyclegan.Translators, memory_format: torch.memory_format) -> Step:
    """labml's step, from its own methods, as `Configs.run` calls them."""
    nets = cyclegan.Translators(*(net.to(memory_format=memory_format) for net in nets))
    conf = labml.Configs()
    conf.generator_xy, conf.generator_yx, conf.discriminator_x, conf.discriminator_y = nets
    options = {"lr": conf.learning_rate, "betas": conf.adam_betas}
    conf.generator_optimizer = torch.optim.Adam([*nets.G.parameters(), *nets.F.parameters()], **options)
    conf.discriminator_optimizer = torch.optim.Adam([*nets.D_A.parameters(), *nets.D_B.parameters()], **options)
    past_x, past_y = labml.ReplayBuffer(), labml.ReplayBuffer()

    def step(a: Tensor, b: Tensor) -> dict[str, Tensor]:
        true_labels = torch.ones(len(a), *nets.D_A.output_shape)
        false_labels = torch.zeros(len(a), *nets.D_A.output_shape)
        fake_a, fake_b = conf.optimize_generators(a, b, true_labels)
        fakes = past_x.push_and_pop(fake_a), past_y.push_and_pop(fake_b)
        conf.optimize_discriminator(a, b, *fakes, true_labels, false_labels)
        names = {"adversarial": "loss.generator.gan", "cycle": "loss.generator.cycle"}
        names |= {"identity": "loss.generator.identity", "discriminators": "loss.discriminator"}
        return {name: logged[key].detach() for name, key in names.items()}

    return step


def ours(nets: cyclegan.Translators, memory_format: torch.memory_format) -> Step:
    """Our step on the same networks, their instance normalisation replaced by ours, which computes the same."""
    nets = cyclegan.Translators(*(with_our_norm(net).to(memory_format=memory_format) for net in nets))
    optimizers = cyclegan.adam(nets.G, nets.F), cyclegan.adam(nets.D_A, nets.D_B)
    run = cyclegan.CycleGANStep(nets, optimizers, pools=(ImagePool(50), ImagePool(50)))

    def step(a: Tensor, b: Tensor) -> dict[str, Tensor]:
        losses = run((a, b))
        judged = 2 * (losses["D_A"] + losses["D_B"])  # labml does not halve D's loss
        same = {name: losses[name] for name in ("cycle", "identity")}
        return {"adversarial": losses["G"] + losses["F"], **same, "discriminators": judged}

    return step


def with_our_norm(network: nn.Module) -> nn.Module:
    for name, child in network.named_children():
        if isinstance(child, nn.InstanceNorm2d):
            setattr(network, name, instance_norm(child.num_features))
        else:
            with_our_norm(child)
    return network


def difference(a: dict[str, Tensor], b: dict[str, Tensor]) -> float:
    """Largest relative difference of two sets of losses."""
    return max(((a[name] - b[name]).abs() / a[name].abs()).item() for name in a)


def faster(base: list[float], values: list[float]) -> float:
    """Median of the ratios within the rounds."""
    return statistics.median(b / v for b, v in zip(base, values, strict=True))


WAYS = {
    BASES[0]: (theirs, torch.contiguous_format),
    "ours, as shipped": (ours, torch.channels_last),
    BASES[1]: (theirs, torch.channels_last),
    "ours, NCHW": (ours, torch.contiguous_format),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--blocks", type=int, default=9)
    parser.add_argument("--steps", type=int, default=3, help="steps timed in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--cpu-time", action="store_true", help="count processor time: for a busy machine, one thread")
    parser.add_argument("--out", type=Path, help="also write the table to this JSON file")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clock = time.process_time if args.cpu_time else time.perf_counter
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{machine}; {args.size} x {args.size}, batch {args.batch}, {args.blocks} residual blocks, {clock.__name__}")
    start = networks(args.size, args.blocks)
    steps = {name: call(copy.deepcopy(start), kind) for name, (call, kind) in WAYS.items()}
    generator = torch.Generator().manual_seed(1)
    batches = torch.rand(3, 2, args.batch, 3, args.size, args.size, generator=generator) * 2 - 1
    losses = {name: step(*batches[0]) for name, step in steps.items()}
    off = {name: difference(losses[BASES[0]], mine) for name, mine in losses.items()}
    print("losses differ by at most", {name: f"{value:.1e}" for name, value in off.items()})
    assert max(off.values()) < TOLERANCE, "the ways do not compute the same"
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(args.rounds):
        for name, step in steps.items():
            began = clock()
            for i in range(args.steps):
                step(*batches[i % len(batches)])
            times[name].append((clock() - began) / args.steps)
    rows = [
        {"way": name, "seconds a step": round(statistics.median(values), 4)}
        | {f"times faster than {base}": round(faster(times[base], values), 2) for base in BASES}
        for name, values in times.items()
    ]
    show(rows)
    if args.out:
        args.out.write_text(
            json.dumps({"machine": machine, "arguments": vars(args) | {"out": ""}, "rows": rows}, indent=1)
        )


if __name__ == "__main__":
    main()
