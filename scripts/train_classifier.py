"""Train the classifier `digits`, whose features every generative chapter is measured in.

    python scripts/train_classifier.py

Trained on the last 50,000 of MNIST's training digits, tested on MNIST's own test digits. The embedded digits are the
first 10,000 of MNIST's training set: neither they nor the test digits were seen in training, so both may serve as the
reference. MNIST is downloaded at the first use.
"""

import math

import torch
import torch.nn.functional as F
from _training import digits_to_train_on, ship, start, train, training_parser
from torch import Tensor

from gencourse import data, descend
from gencourse.networks.classifier import Classifier


def jitter(x: Tensor, generator: torch.Generator) -> Tensor:
    """Turn, scale, slant and shift each picture a little at random: (B, C, H, W) to the same."""

    def draw(spread: float) -> Tensor:
        return (torch.rand(len(x), generator=generator) * 2 - 1) * spread

    angle, slant, scale = draw(math.radians(12)), draw(0.15), 1 + draw(0.12)
    rows = [
        torch.stack([scale * angle.cos(), scale * (slant - angle.sin()), draw(0.14)], 1),
        torch.stack([scale * angle.sin(), scale * angle.cos(), draw(0.14)], 1),
    ]
    grid = F.affine_grid(torch.stack(rows, 1).to(x.device), list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, align_corners=False)


@torch.no_grad()
def accuracy(classifier: Classifier, digits: data.ImageSet, device: torch.device) -> float:
    """Return the share of digits that the classifier, in eval mode, reads as labelled."""
    classifier.eval()
    right = 0
    for x, y in zip(digits.unit().split(500), digits.labels.split(500), strict=True):
        right += (classifier(x.to(device))[1].argmax(1).cpu() == y).sum().item()
    classifier.train()
    return right / len(digits)


def main() -> None:
    parser = training_parser(__doc__, "digits", steps=6000, batch=128)
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    args = parser.parse_args()

    device, generator = start(args)
    digits, test = digits_to_train_on(), data.load("mnist", "test")
    batches = data.Batches(digits.unit(), args.batch, labels=digits.labels, seed=args.seed)
    arguments = {"name": "digits", "channels": 1, "classes": 10, "width": 32}
    classifier = Classifier(**arguments).to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(classifier.parameters(), lr=args.rate, weight_decay=0.01)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.rate, args.steps, pct_start=0.2)

    def step(batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        x, y = batch
        x = jitter(x, generator).contiguous(memory_format=torch.channels_last)
        loss = descend(optimizer, F.cross_entropy(classifier(x)[1], y))
        rate.step()
        return {"cross-entropy": loss}

    state = {"classifier": classifier, "optimizer": optimizer, "rate": rate, "generator": generator}
    history = train(step, batches, state, args, device=device)
    ship(
        args.out,
        classifier,
        arguments=arguments,
        data=f"the last {len(digits):,} of MNIST's 60,000 training digits, turned, scaled, slanted and shifted",
        history=history,
        device=device,
        scores={"accuracy on MNIST test": accuracy(classifier, test, device)},
    )


if __name__ == "__main__":
    main()
