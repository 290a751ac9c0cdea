"""A training step of pix2pix: ours against that of junyanz/pytorch-CycleGAN-and-pix2pix, at equal weights.

    git clone https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix FOLDER
    python benchmarks/pix2pix.py [--peer FOLDER] [--size 64] [--batch 8] [--rounds 5] [--seconds 120]

The peer's U-Net and its discriminator with instance normalisation, least squares and without dropout; without --peer
the same layers written plainly here. Its step: G, then D on fakes, D on real pictures and D's update, then D on fakes
again and G's update. Ours: the same weights in `UNetGenerator` and `PatchDiscriminator`, `Pix2PixStep` and
`cyclegan.adam`. Both in torch's own memory format, as they are shipped and trained, and in channels-last. Before
anything is timed, the losses of a step at a rate of zero are compared. Then the ways take turns: medians, and ratios
within each round. With --seconds each also trains on emoji for so long, in turn, and is scored on the held-out pairs.
"""

import argparse
import functools
import importlib.util
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from _tables import show
from torch import Tensor, nn

from gencourse import data, metrics
from gencourse.methods import cyclegan
from gencourse.methods.pix2pix import Pix2PixStep
from gencourse.networks.pix2pix import UNetGenerator
from gencourse.networks.translation import PatchDiscriminator
from gencourse.training.paired import PairedBatches

Step = Callable[[Tensor, Tensor], dict[str, Tensor]]
L1 = 100.0
TOLERANCE = 1e-4
PEER, OURS = "junyanz', as shipped", "ours, as trained"


class PlainUNet(nn.Module):
    """The peer's layers in a row: torch's instance normalisation, biases everywhere, activations in place."""

    def __init__(self, inputs: int, outputs: int, levels: int, width: int):
        super().__init__()
        widths = [min(width * 2**i, 8 * width) for i in range(levels)]
        pairs = list(zip([inputs, *widths], widths, strict=False))
        self.down = nn.ModuleList(nn.Conv2d(i, o, 4, 2, 1) for i, o in pairs)
        rising = [(o if level == levels - 1 else 2 * o, i) for level, (i, o) in enumerate(pairs)]
        rising[0] = (rising[0][0], outputs)
        self.up = nn.ModuleList(nn.ConvTranspose2d(i, o, 4, 2, 1) for i, o in reversed(rising))
        self.down_norm = nn.ModuleList(nn.InstanceNorm2d(w) for w in widths[1:-1])
        self.up_norm = nn.ModuleList(nn.InstanceNorm2d(w) for w in reversed(widths[:-1]))

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i, down in enumerate(self.down):
            x = down(x)
            if 0 < i < len(self.down) - 1:
                x = self.down_norm[i - 1](x)
            if i < len(self.down) - 1:
                x = F.leaky_relu(x, 0.2, inplace=True)
                skips.append(x)
        for up, norm in zip(self.up[:-1], self.up_norm, strict=True):
            x = torch.cat([skips.pop(), norm(up(F.relu(x, inplace=True)))], 1)
        return torch.tanh(self.up[-1](F.relu(x, inplace=True)))


def plain_discriminator(inputs: int, width: int, layers: int) -> nn.Sequential:
    """The peer's discriminator, its layers in a row."""
    parts: list[nn.Module] = [nn.Conv2d(inputs, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
    before = width
    for i in range(1, layers + 1):
        after = width * min(2**i, 8)
        parts += [nn.Conv2d(before, after, 4, 2 if i < layers else 1, 1), nn.InstanceNorm2d(after)]
        parts += [nn.LeakyReLU(0.2, True)]
        before = after
    return nn.Sequential(*parts, nn.Conv2d(before, 1, 4, 1, 1))


def peer_networks(args: argparse.Namespace) -> tuple[nn.Module, nn.Module]:
    """Return the peer's generator and discriminator: of its folder, or written plainly."""
    if args.peer is None:
        return PlainUNet(1, 3, args.levels, args.width), plain_discriminator(4, args.judge, args.layers)
    sys.path.insert(0, str(args.peer))
    spec = importlib.util.spec_from_file_location("peer_networks", args.peer / "models" / "networks.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    norm = functools.partial(nn.InstanceNorm2d, affine=False, track_running_stats=False)
    generator = module.UnetGenerator(1, 3, args.levels, args.width, norm_layer=norm, use_dropout=False)
    return generator, module.NLayerDiscriminator(4, args.judge, n_layers=args.layers, norm_layer=norm)


def our_networks(args: argparse.Namespace) -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    generator = UNetGenerator(inputs=1, width=args.width, levels=args.levels, max_width=8 * args.width, dropout=0.0)
    return generator, PatchDiscriminator(inputs=4, width=args.judge, layers=args.layers)


@torch.no_grad()
def copy_weights(source: nn.Module, target: nn.Module) -> None:
    """Copy all convolutions, which both have in one order; biases that the source lacks become zero.

    The peer joins a skip and what comes up in this order, ours the other way round.
    """
    found = [[m for m in net.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)] for net in (source, target)]
    joined = [conv for conv in found[0] if isinstance(conv, nn.ConvTranspose2d)][1:]  # all but the bottleneck's
    for ours, theirs in zip(*found, strict=True):
        turned = ours in joined and not isinstance(target, UNetGenerator)
        theirs.weight.copy_(ours.weight.roll(ours.in_channels // 2, 0) if turned else ours.weight)
        if theirs.bias is not None:
            theirs.bias.copy_(ours.bias) if ours.bias is not None else theirs.bias.zero_()


def their_step(networks: tuple[nn.Module, nn.Module], rate: float) -> Step:
    """The peer's order of things, in our words."""
    generator, discriminator = networks
    optimizer_g, optimizer_d = (torch.optim.Adam(n.parameters(), lr=rate, betas=(0.5, 0.999)) for n in networks)

    def judged(x: Tensor, real: bool) -> Tensor:
        logits = discriminator(x)
        return F.mse_loss(logits, torch.tensor(float(real)).expand_as(logits))

    def step(a: Tensor, b: Tensor) -> dict[str, Tensor]:
        fake = generator(a)
        discriminator.requires_grad_(True)
        optimizer_d.zero_grad()
        on_fake, on_real = judged(torch.cat([a, fake], 1).detach(), False), judged(torch.cat([a, b], 1), True)
        loss_d = (on_fake + on_real) * 0.5
        loss_d.backward()
        optimizer_d.step()
        discriminator.requires_grad_(False)
        optimizer_g.zero_grad()
        loss_g, distance = judged(torch.cat([a, fake], 1), True), F.l1_loss(fake, b)
        (loss_g + L1 * distance).backward()
        optimizer_g.step()
        return {"G": loss_g.detach(), "L1": distance.detach(), "D": loss_d.detach()}

    return step


def our_step(networks: tuple[nn.Module, nn.Module], rate: float) -> Step:
    optimizers = cyclegan.adam(networks[0], rate=rate), cyclegan.adam(networks[1], rate=rate)
    run = Pix2PixStep(*networks, optimizers, l1=L1)
    return lambda a, b: run((a, b))


WAYS = {
    PEER: (peer_networks, their_step, torch.contiguous_format),
    "junyanz', channels-last": (peer_networks, their_step, torch.channels_last),
    OURS: (our_networks, our_step, torch.contiguous_format),
    "ours, channels-last": (our_networks, our_step, torch.channels_last),
}


def made(name: str, args: argparse.Namespace, rate: float) -> tuple[nn.Module, Step]:
    """Return a way's generator and its step; all ways begin with the same weights."""
    networks, step, memory_format = WAYS[name]
    pair = networks(args)
    for source, target in zip(our_networks(args), pair, strict=True):
        copy_weights(source, target)
    generator, discriminator = (net.to(memory_format=memory_format) for net in pair)
    return generator, step((generator, discriminator), rate)


def compare(args: argparse.Namespace, a: Tensor, b: Tensor) -> None:
    """Print by how much the first losses differ, and stop where it is more than rounding."""
    losses = {name: made(name, args, 0.0)[1](a, b) for name in WAYS}
    base = losses[PEER]
    off = {name: max(((mine[k] - base[k]).abs() / base[k]).item() for k in base) for name, mine in losses.items()}
    print("losses differ by at most", {name: f"{value:.1e}" for name, value in off.items()})
    assert max(off.values()) < TOLERANCE, "the ways do not compute the same"


def step_table(args: argparse.Namespace, a: Tensor, b: Tensor) -> list[dict]:
    clock = time.process_time if args.cpu_time else time.perf_counter
    steps = {name: made(name, args, 2e-4)[1] for name in WAYS}
    times: dict[str, list[float]] = {name: [] for name in WAYS}
    for step in steps.values():
        step(a, b)  # warm up
    for _ in range(args.rounds):
        for name, step in steps.items():
            began = clock()
            for _ in range(args.steps):
                step(a, b)
            times[name].append((clock() - began) / args.steps)
    return [
        {
            "way": name,
            "ms a step": round(1000 * statistics.median(values), 1),
            f"times faster than {PEER}": round(
                statistics.median(base / mine for base, mine in zip(times[PEER], values, strict=True)), 2
            ),
        }
        for name, values in times.items()
    ]


def quality_table(args: argparse.Namespace) -> list[dict]:
    sets = data.paired_sets("emoji", size=args.size)
    given, truth = sets.test_a.unit(), sets.test_b.unit()
    rows = []
    for name in (PEER, OURS):
        generator, step = made(name, args, 2e-4)
        batches = PairedBatches(sets.train_a.images, sets.train_b.images, args.batch, grow=8, flip=True)
        count, end = 0, time.perf_counter() + args.seconds
        while time.perf_counter() < end:
            step(*next(batches))
            count += 1
        colours = cyclegan.translate(generator, given)
        row = {"way": name, "steps": count, "pooled PSNR": round(metrics.pooled_psnr(colours, truth), 2)}
        rows.append(row | {"hue entropy": round(metrics.hue_entropy(colours), 2)})
        print(rows[-1], flush=True)
    return rows


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--peer", type=Path, help="folder of pytorch-CycleGAN-and-pix2pix")
    add("--size", type=int, default=64, choices=(32, 64))
    add("--batch", type=int, default=8)
    add("--width", type=int, default=16, help="channels of the generators' first level")
    add("--levels", type=int, default=6, help="at least 5, as the peer's; 2^levels divides the size")
    add("--judge", type=int, default=32, help="channels of the discriminators' first layer")
    add("--layers", type=int, default=2, help="of stride 2 in the discriminators")
    add("--steps", type=int, default=10, help="steps timed in each round")
    add("--rounds", type=int, default=5)
    add("--seconds", type=float, default=0, help="of training on emoji for each way; 0 leaves it out")
    add("--threads", type=int, default=torch.get_num_threads())
    add("--cpu-time", action="store_true", help="count processor time: for a busy machine, one thread")
    add("--out", type=Path, help="also write the tables to this JSON file")
    return parser.parse_args()


def main() -> None:
    args = parsed()
    torch.set_num_threads(args.threads)
    draws = torch.Generator().manual_seed(1)
    a, b = (torch.rand(args.batch, c, args.size, args.size, generator=draws) * 2 - 1 for c in (1, 3))
    machine = f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}"
    print(f"{machine}; {args.size} x {args.size}, batch {args.batch}; the peer: {args.peer or 'its layers, plainly'}")
    counts = [f"{sum(p.numel() for p in net.parameters()):,}" for net in (*our_networks(args), *peer_networks(args))]
    print("weights of G and D: ours {}, {}; the peer's, with biases, {}, {}".format(*counts))
    compare(args, a, b)
    tables = {"steps": step_table(args, a, b)}
    show(tables["steps"])
    if args.seconds:
        tables["quality"] = quality_table(args)
        show(tables["quality"])
    if args.out:
        args.out.write_text(json.dumps({"machine": machine, **tables}, indent=1))


if __name__ == "__main__":
    main()
