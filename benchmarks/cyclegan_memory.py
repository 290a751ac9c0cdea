"""What an iteration of CycleGAN with the paper's networks keeps in memory, and so how large a card it needs.

    python benchmarks/cyclegan_memory.py --sizes 128 256

Counts each storage that autograd keeps for the backward pass of the generators' update, the largest of the iteration,
and weights, gradients and Adam's two moments of all four networks. On a CUDA device the measured peak stands beside.
The convolutions' workspace and the allocator's slack come on top.
"""

import argparse

import torch

from gencourse.methods import cyclegan
from gencourse.networks.translation import PatchDiscriminator, ResnetGenerator
from gencourse.runtime import choose_device

GIB = 2**30


def networks(device: torch.device) -> cyclegan.Translators:
    nets = ResnetGenerator(), ResnetGenerator(), PatchDiscriminator(), PatchDiscriminator()
    return cyclegan.Translators(*(net.to(device, memory_format=torch.channels_last) for net in nets))


def kept(nets: cyclegan.Translators, a: torch.Tensor, b: torch.Tensor) -> int:
    """Bytes of what autograd keeps of the generators' update, weights left out."""
    weights = {w.untyped_storage().data_ptr() for net in nets for w in net.parameters()}
    storages: dict[int, int] = {}
    alive = []  # or a later tensor could lie at a dead one's address

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        cyclegan.generator_losses(nets, a, b)
    return sum(storages.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[128, 256])
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device")
    args = parser.parse_args()
    device = choose_device(args.device)
    for size in args.sizes:
        nets = networks(device)
        a, b = (torch.rand(args.batch, 3, size, size, device=device) * 2 - 1 for _ in range(2))
        activations = kept(nets, a, b)
        fixed = 4 * 4 * sum(w.numel() for net in nets for w in net.parameters())
        line = f"{size} pixels, batch {args.batch}: activations {activations / GIB:.2f} GiB"
        line += f" + weights, gradients, moments {fixed / GIB:.2f} GiB"
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
            step = cyclegan.CycleGANStep(nets, (cyclegan.adam(nets.G, nets.F), cyclegan.adam(nets.D_A, nets.D_B)))
            for _ in range(3):
                step((a, b))
            line += f"; measured peak {torch.cuda.max_memory_allocated() / GIB:.2f} GiB"
        print(line, flush=True)


if __name__ == "__main__":
    main()
