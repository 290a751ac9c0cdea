"""Train `pixelcnn_emoji`, the small PixelCNN in colour that ships with the course: smileys, 32 pixels, four levels.

    python scripts/train_pixelcnn_emoji.py

Trained on the embedded emoji of the group "smileys-emotion" but those of one subgroup, the concerned faces; on them it
is scored, in bits a dimension. Each time an emoji is seen it may be mirrored. So few pictures can be learned by heart:
the record holds the figure on the training pictures as well.
"""

import torch
from _training import ship, start, train, training_parser
from torch import Tensor

from gencourse import data
from gencourse.methods.pixelcnn import bits_per_dim, evaluate, nll, quantise
from gencourse.networks.pixelcnn import PixelCNN
from gencourse.training.helpers import Average, descend

ARGUMENTS = {"levels": 4, "channels": 3, "width": 48, "layers": 10, "kernel": 3, "first_kernel": 13, "side": 32}
GROUP = "smileys-emotion"


def smileys(split: str) -> Tensor:
    """Return the emoji of the group, (N, 3, 32, 32) int64 in [0, 4)."""
    return quantise(data.emoji(ARGUMENTS["side"], groups=GROUP, split=split).unit(), ARGUMENTS["levels"])


def score(network: PixelCNN, x: Tensor) -> float:
    """Return the mean bits a dimension of images."""
    return round(bits_per_dim(evaluate(network, x, batch_size=32).mean().item(), x[0].numel()), 4)


def main() -> None:
    parser = training_parser(__doc__, "pixelcnn_emoji", steps=1800, batch=4)
    parser.add_argument("--rate", type=float, default=3e-3, help="peak learning rate")
    parser.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient, in bits a dimension")
    parser.add_argument("--decay", type=float, default=0.99, help="of the moving average of the weights")
    args = parser.parse_args()

    device, generator = start(args)
    x, unseen = smileys("train"), smileys("test")
    network = PixelCNN(**ARGUMENTS).to(device)
    average = Average(network, args.decay)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.rate, betas=(0.9, 0.99))
    rate = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, args.rate, args.steps, pct_start=0.05, cycle_momentum=False, final_div_factor=100
    )

    def step(x: Tensor) -> dict[str, Tensor]:
        mirrored = torch.rand(len(x), 1, 1, 1, generator=generator).to(x.device) < 0.5
        x = torch.where(mirrored, x.flip(3), x)
        loss = descend(optimizer, bits_per_dim(nll(network(x), x).mean(), x[0].numel()), clip=args.clip)
        rate.step()
        average.update(network)
        return {"bits a dimension": loss}

    state = {"network": network, "average": average, "optimizer": optimizer, "rate": rate, "generator": generator}
    history = train(step, data.Batches(x, args.batch, seed=args.seed), state, args, device=device, save_seconds=60)
    shipped = average.module.half().float()  # scored as it is saved
    subgroup = data.emoji(32, groups=GROUP, split="test").meta[0]["subgroup"]
    scores = {
        f"bits a dimension, {len(unseen)} emoji of a subgroup it has not seen ({subgroup})": score(shipped, unseen),
        f"bits a dimension, the {len(x)} it was trained on": score(shipped, x),
    }
    ship(
        args.out,
        shipped,
        arguments=ARGUMENTS,
        data=f"{len(x)} OpenMoji of the group {GROUP}, 32 x 32, four levels a colour, mirrored half of the time",
        history=history,
        device=f"{device}, {torch.get_num_threads()} threads",
        scores=scores,
    )


if __name__ == "__main__":
    main()
