"""Train `pixelcnn_digits`, the PixelCNN that ships with the course, and score it on all of MNIST's test digits.

    python scripts/train_pixelcnn.py [--bf16]

Trained on MNIST's 60,000 training digits; each time a digit is seen its pixels are drawn anew, with the grey values
as probabilities. Scored in nats an image on the 10,000 test digits, drawn once with a fixed seed (`static_digits`). A
fresh sample each time is easier to train with than the one fixed sample of the papers: it cannot be learned by heart.
MNIST is downloaded at the first use. --bf16 halves the time on a CPU with AVX512-BF16 or AMX; others it slows down.
"""

import torch
from _training import ship, start, train, training_parser
from torch import Tensor

from gencourse import data
from gencourse.methods.pixelcnn import TEST_SEED, binarise, bits_per_dim, evaluate, nll, static_digits, to_images
from gencourse.networks.pixelcnn import PixelCNN
from gencourse.training.helpers import Average, descend

ARGUMENTS = {"levels": 2, "channels": 1, "width": 64, "layers": 24, "kernel": 3, "first_kernel": 13, "side": 28}
EMBEDDED = 500  # of the embedded digits, for a test that needs no download


def scores(network: PixelCNN) -> dict[str, float]:
    """Return nats an image and bits a pixel on MNIST's test digits, and nats on embedded digits, which it has seen."""
    test = evaluate(network, static_digits(data.load("mnist", "test").unit())).mean().item()
    embedded = evaluate(network, static_digits(data.digits("test").unit()[:EMBEDDED])).mean().item()
    return {
        f"nats an image, MNIST test, 10,000 digits drawn with seed {TEST_SEED}": round(test, 3),
        "bits a pixel, the same": round(bits_per_dim(test, 28 * 28), 4),
        f"nats an image, the first {EMBEDDED} of the embedded test digits (seen in training)": round(embedded, 3),
    }


def trapezium(done: int, steps: int, warmup: int = 500, fall: float = 0.3) -> float:
    """Return the learning rate's factor: it rises, stays, and falls to zero in the last `fall` of the steps.

    Until the fall it does not depend on `steps`: a training can be taken up again with a larger number of them.
    """
    return min(1.0, (done + 1) / warmup, (steps - done) / (steps * fall))


def main() -> None:
    parser = training_parser(__doc__, "pixelcnn_digits", steps=30_000, batch=32)
    parser.add_argument("--rate", type=float, default=1.5e-3, help="peak learning rate")
    parser.add_argument("--clip", type=float, default=200.0, help="largest norm of the gradient, in nats")
    parser.add_argument("--decay", type=float, default=0.9995, help="of the moving average of the weights")
    parser.add_argument("--bf16", action="store_true", help="convolve in bfloat16")
    args = parser.parse_args()

    device, generator = start(args)
    digits = data.load("mnist", "train").images
    batches = data.Batches(digits, args.batch, seed=args.seed)
    network = PixelCNN(**ARGUMENTS).to(device)
    average = Average(network, args.decay)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.rate, betas=(0.9, 0.99))
    rate = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: trapezium(done, args.steps))

    def step(images: Tensor) -> dict[str, Tensor]:
        x = binarise(to_images(images.int(), 256), generator=generator)  # torch compares 256 in the type of the images
        with torch.autocast(device.type, torch.bfloat16, enabled=args.bf16):
            logits = network(x)
        loss = descend(optimizer, nll(logits, x).mean(), clip=args.clip)
        rate.step()
        average.update(network)
        return {"nats": loss}

    state = {"network": network, "average": average, "optimizer": optimizer, "rate": rate, "generator": generator}
    history = train(step, batches, state, args, device=device)
    shipped = average.module.half().float()  # scored as it is saved
    ship(
        args.out,
        shipped,
        arguments=ARGUMENTS,
        data=f"MNIST's {len(digits):,} training digits, drawn anew each time from their grey values",
        history=history,
        device=f"{device}, {torch.get_num_threads()} threads, {'bfloat16' if args.bf16 else 'float32'}",
        scores=scores(shipped),
    )


if __name__ == "__main__":
    main()
