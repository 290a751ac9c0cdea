"""Translation between two kinds of pictures without pairs: CycleGAN.

Two generators G: A -> B and F: B -> A, and two discriminators: D_A judges pictures of A, D_B those of B. Every picture
is (B, C, H, W) in [-1, 1]. Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
Networks".
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import l1_loss
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from gencourse.expect import ImageError, check_range
from gencourse.images import to_signed, to_unit
from gencourse.methods.gan import lsgan
from gencourse.methods.gan_tricks import ImagePool
from gencourse.modes import eval_mode, frozen
from gencourse.training.helpers import Average, descend, end_iteration, named_state


class Translators(NamedTuple):
    """The four networks of CycleGAN, under the paper's names."""

    G: nn.Module
    F: nn.Module
    D_A: nn.Module
    D_B: nn.Module


def lsgan_d(real: Tensor, fake: Tensor) -> Tensor:
    """What D descends, given its logits: (E (D(real) - 1)^2 + E D(fake)^2) / 2.

    Source: Zhu et al. 2017, sec. 4 and 7.1.
    """
    return lsgan().discriminator(real, fake)


def lsgan_g(fake: Tensor) -> Tensor:
    """What a generator descends: E (D(fake) - 1)^2; not halved, as the weights of cycle and identity suppose."""
    return (fake - 1).square().mean()


def generator_losses(
    nets: Translators, a: Tensor, b: Tensor, *, cycle: bool = True, identity: bool = True
) -> tuple[dict, Tensor, Tensor]:
    """Compute the losses of both generators. Each sees whatever is ready for it in one batch, which is faster.

    G, F: `lsgan_g(D_B(G(a)))` and `lsgan_g(D_A(F(b)))`; cycle: `|F(G(a)) - a| + |G(F(b)) - b|`, eq. 2; identity:
    `|G(b) - b| + |F(a) - a|`, sec. 5.2.

    Args:
        nets: Their normalisation must keep the pictures of a batch apart, as instance normalisation does.
        a: (B, C, H, W) in [-1, 1], like b.
        b: As large as those of a.
        cycle: False leaves the cycle loss out, and the two ways back with it.
        identity: False leaves the identity loss out, as it must be where A and B differ in channels.

    Returns:
        The losses, not yet weighted, and the translations F(b) and G(a).
    """
    fake_b, *same_b = forward_concat(nets.G, a, *[b] * identity)
    fake_a, *others = forward_concat(nets.F, b, *[a] * identity, *[fake_b] * cycle)
    losses = {"G": lsgan_g(nets.D_B(fake_b)), "F": lsgan_g(nets.D_A(fake_a))}
    if cycle:
        losses["cycle"] = l1_loss(others[-1], a) + l1_loss(nets.G(fake_a), b)
    if identity:
        losses["identity"] = l1_loss(same_b[0], b) + l1_loss(others[0], a)
    return losses, fake_a, fake_b


def discriminator_loss(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """D's loss on real and on generated pictures. No gradient reaches what made the fakes."""
    return lsgan_d(*forward_concat(discriminator, real, fake.detach()))


def forward_concat(network: nn.Module, *batches: Tensor) -> tuple[Tensor, ...]:
    """Run a network once on several batches, joined, and return its answers to each of them."""
    return network(torch.cat(batches)).split([len(batch) for batch in batches])


def unpack_pair(batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return a batch of pictures of A and one of B.

    Raises:
        ImageError: It is no pair; one tensor of two pictures would come apart as if it were.
    """
    if isinstance(batch, Tensor) or len(batch) != 2:
        raise ImageError(f"expected two batches of pictures, of A and B; got a {type(batch).__name__} of {len(batch)}")
    return batch[0], batch[1]


class CycleGANStep:
    """One iteration of CycleGAN, for `fit`: (a, b) -> {"G", "F", "cycle", "identity", "D_A", "D_B"}: its losses.

    A batch is two batches that do not belong together, a of kind A and b of kind B, both in [-1, 1]. The values of the
    first one are looked at; reading those of all would make an accelerator wait.

    Args:
        nets: G, F, D_A, D_B.
        optimizers: Of both generators, of both discriminators.
        cycle: Weight of the cycle loss; 0 leaves it out.
        identity: Weight of the identity loss; 0 leaves it out.
        pools: Of past fakes, of kind A and of kind B; None for none.
        schedules: Of the learning rate, stepped after each iteration.
        averages: Of G's and F's weights, updated likewise.

    Raises:
        ImageError: On a call, for what is no such pair, and where the first one leaves [-1, 1].
        RuntimeError: On a call, torch's own, where a and b differ in size, or in channels while the identity loss is
            asked for.
    """

    def __init__(
        self,
        nets: Translators,
        optimizers: tuple[torch.optim.Optimizer, torch.optim.Optimizer],
        *,
        cycle: float = 10.0,
        identity: float = 5.0,
        pools: tuple[ImagePool, ImagePool] | None = None,
        schedules: tuple[LRScheduler, ...] = (),
        averages: tuple[Average, Average] | None = None,
    ):
        self.nets, self.cycle, self.identity = nets, cycle, identity
        self.optimizer_g, self.optimizer_d = optimizers
        self.pool_a, self.pool_b = pools or (ImagePool(0), ImagePool(0))
        self.schedules, self.averages, self.checked = schedules, averages or (), False

    def __call__(self, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        a, b = unpack_pair(batch)
        if not self.checked:
            for x in (a, b):  # sizes and channels that do not fit each other torch refuses to join
                check_range(x, -1, 1)
            self.checked = True
        losses, fake_a, fake_b = self.update_generators(a, b)
        losses |= self.update_discriminators(a, b, self.pool_a(fake_a), self.pool_b(fake_b))
        end_iteration(self.schedules, *zip(self.averages, self.nets[:2], strict=False))
        return {name: loss.detach() for name, loss in losses.items()}

    def update_generators(self, a: Tensor, b: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
        with frozen(self.nets.D_A), frozen(self.nets.D_B):  # their weights get no gradient, the pictures do
            wanted = {"cycle": self.cycle > 0, "identity": self.identity > 0}
            losses, fake_a, fake_b = generator_losses(self.nets, a, b, **wanted)
            total = losses["G"] + losses["F"]
            for name, weight in (("cycle", self.cycle), ("identity", self.identity)):
                if weight > 0:
                    total = total + weight * losses[name]
            descend(self.optimizer_g, total)
        return losses, fake_a, fake_b

    def update_discriminators(self, a: Tensor, b: Tensor, fake_a: Tensor, fake_b: Tensor) -> dict[str, Tensor]:
        losses = {"D_A": discriminator_loss(self.nets.D_A, a, fake_a)}
        losses["D_B"] = discriminator_loss(self.nets.D_B, b, fake_b)
        descend(self.optimizer_d, losses["D_A"] + losses["D_B"])
        return losses

    @property
    def state(self) -> dict[str, Any]:
        """Everything that changes, by name, for `fit(state=...)`."""
        things = self.nets._asdict() | {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        things |= {"pool_a": self.pool_a, "pool_b": self.pool_b}
        things |= {f"average_{name}": average for name, average in zip("GF", self.averages, strict=False)}
        drawn = {"draws_a": self.pool_a.generator, "draws_b": self.pool_b.generator}
        return named_state(self.schedules, **things, **drawn)


def adam(*networks: nn.Module, rate: float = 2e-4) -> torch.optim.Adam:
    """The paper's optimiser for the weights of some networks together: beta_1 0.5.

    Source: Zhu et al. 2017, sec. 7.1.
    """
    weights = [weight for network in networks for weight in network.parameters()]
    return torch.optim.Adam(weights, lr=rate, betas=(0.5, 0.999), fused=weights[0].device.type in ("cpu", "cuda"))


def constant_then_linear(optimizer: torch.optim.Optimizer, steps: int, constant: float = 0.5) -> LRScheduler:
    """Keep the learning rate for a share of the steps, then lower it linearly, to zero after the last one.

    Args:
        optimizer: Whose rate it is.
        steps: At least one.
        constant: The share, in [0, 1).

    Raises:
        ValueError: steps or constant is none of these.

    Source: Zhu et al. 2017, sec. 7.1.
    """
    if steps < 1 or not 0 <= constant < 1:
        raise ValueError(f"need at least one step and a constant share in [0, 1), got {steps} and {constant}")
    return LambdaLR(optimizer, lambda done: max(0.0, min(1.0, (steps - done) / (steps * (1 - constant)))))


@torch.no_grad()
def translate(network: nn.Module, images: Tensor, *, batch: int = 32) -> Tensor:
    """Translate pictures with a generator in eval mode.

    Args:
        network: The generator.
        images: (B, C, H, W) in [0, 1].
        batch: How many at a time.

    Returns:
        As many, in [0, 1].

    Raises:
        ImageError: Another shape or range.
        ValueError: Sizes that the generator does not take.
    """
    device = next(network.parameters()).device
    with eval_mode(network):
        parts = [network(to_signed(x).to(device)) for x in images.split(batch)]
    return to_unit(torch.cat(parts)).to(images.device)
