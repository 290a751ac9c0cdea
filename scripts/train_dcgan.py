"""Train the generator `dcgan_digits`: DCGAN with class labels on MNIST.

    python scripts/train_dcgan.py

Trained on the last 50,000 of MNIST's training digits, and scored against the 10,000 embedded ones, which are the first
10,000: so anybody can score it again on digits it never saw. MNIST is downloaded at the first use.
"""

import torch
from _training import digits_to_train_on, ship, start, train, training_parser

from gencourse import Average, checkpoints, data
from gencourse.methods import gan
from gencourse.methods.cyclegan import constant_then_linear
from gencourse.metrics import score
from gencourse.modes import eval_mode
from gencourse.networks.dcgan import Discriminator, Generator


def main() -> None:
    parser = training_parser(__doc__, "dcgan_digits", steps=16_000, batch=96)
    parser.add_argument("--rate", type=float, default=5e-4, help="learning rate, falling to zero in the second half")
    parser.add_argument("--width", type=int, default=96, help="of the generator")
    parser.add_argument("--latent", type=int, default=48)
    args = parser.parse_args()

    device, noise = start(args)
    digits = digits_to_train_on()
    batches = data.Batches(digits.signed(), args.batch, labels=digits.labels, seed=args.seed)
    arguments = {"size": 28, "channels": 1, "latent": args.latent, "width": args.width, "classes": 10}
    generator, discriminator = Generator(**arguments), Discriminator(classes=10)
    generator.to(device, memory_format=torch.channels_last)
    discriminator.to(device, memory_format=torch.channels_last)
    optimizers = [torch.optim.Adam(net.parameters(), args.rate, (0.5, 0.999)) for net in (generator, discriminator)]
    rates = [constant_then_linear(optimizer, args.steps) for optimizer in optimizers]
    average = Average(generator)
    iterate = gan.GANStep(generator, discriminator, tuple(optimizers), losses=gan.bce(), average=average, noise=noise)

    def step(batch):
        losses = iterate(batch)
        for rate in rates:
            rate.step()
        return losses

    shown = torch.arange(10, device=device).repeat_interleave(10)
    z = torch.randn(10, args.latent, generator=torch.Generator().manual_seed(1)).to(device).repeat(10, 1)

    def preview():
        with eval_mode(average.module):
            return (average.module(z, shown).cpu() + 1) / 2

    state = {"generator": generator, "discriminator": discriminator, "average": average, "noise": noise}
    state |= {"optimizer g": optimizers[0], "optimizer d": optimizers[1], "rate g": rates[0], "rate d": rates[1]}
    history = train(step, batches, state, args, device=device, preview=preview)
    draws = torch.Generator().manual_seed(0)
    samples = torch.cat([gan.sample_images(average.module, 500, generator=draws).cpu() for _ in range(20)])
    found = score(samples, data.digits().unit(), checkpoints.load("digits"), split="all embedded digits")
    ship(
        args.out,
        average.module,
        arguments=arguments,
        data=f"the last {len(digits):,} of MNIST's 60,000 training digits",
        history=history,
        device=device,
        scores=found.as_dict(),
    )


if __name__ == "__main__":
    main()
