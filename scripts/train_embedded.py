"""Distil the embedded feature network from an ImageNet network.

    python scripts/train_embedded.py --images photos/ paintings/ --teacher squeezenet1_0 [--weights FILE --caffe]

What is shipped was made in two runs over photographs, paintings and facades, the second from the weights of the first:
`--steps 2500 --out first.safetensors`, then `--steps 1800 --start first.safetensors`, each with a `--save-to` of its
own. The emoji come from the course's data.

The student is a small VGG. At six of its layers a linear map must predict what the teacher says at the same resolution,
projected on the teacher's 96 strongest directions: feature error plus relative Gram error. Three kinds of pictures:
augmented crops; pictures under optimisation, which an optimiser keeps moving towards whatever the student takes for a
style at that moment; and finished transfers by L-BFGS. Without the last two the student is right on photographs and
wrong on the pictures that style transfer makes, because these are sought where it errs.
"""

import copy
import math
from pathlib import Path

import torch
import torch.nn.functional as F
import torchvision
from _training import ship, start, train, training_parser
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from gencourse import checkpoints, data, descend, images
from gencourse.methods.style import gram_matrix, stylize
from gencourse.networks.features import IMAGENET_MEAN, IMAGENET_STD, embedded_extractor, from_caffe
from gencourse.networks.vgg import VGG

WIDTHS = ((16, 16), (64, 64), (128, 128), (192, 256), (192,))
SIZE = 160  # pixels a side of a training crop
DIRECTIONS = 96
MATCHES = {  # the teacher's node -> the student's layer of the same resolution and about the same receptive field
    "squeezenet1_0": {"features.1": "conv2_1", "features.4.cat": "conv3_1", "features.5.cat": "conv3_2",
                      "features.7.cat": "conv4_1", "features.8.cat": "conv4_2", "features.9.cat": "conv4_2",
                      "features.10.cat": "conv4_2", "features.12.cat": "conv5_1"},
    "vgg19": {"features.6": "conv2_1", "features.11": "conv3_1", "features.13": "conv3_2", "features.20": "conv4_1",
              "features.22": "conv4_2", "features.29": "conv5_1"},
}  # fmt: skip
STYLE = ("conv1_1", "conv2_1", "conv3_1", "conv3_2", "conv4_1", "conv4_2", "conv5_1")


class Teacher(nn.Module):
    """A torchvision network's activations, resampled to the student's grid and projected on their main directions."""

    def __init__(self, name: str, matches: dict[str, str], weights: Path | None, caffe: bool):
        super().__init__()
        model = torchvision.models.get_model(name, weights=None if weights else "DEFAULT")
        if weights:
            state = {key: value.float() for key, value in load_file(weights).items()}
            model.load_state_dict(from_caffe(state) if caffe else state)
        # SqueezeNet's first convolution does not pad: without this its grid would not lie on the student's.
        self.pad = 3 if name.startswith("squeezenet") else 0
        self.matches = matches
        self.body = create_feature_extractor(model.eval(), list(matches)).requires_grad_(False)
        self.body.to(memory_format=torch.channels_last)
        self.basis: dict[str, Tensor] = {}

    @torch.no_grad()
    def forward(self, x: Tensor, sizes: dict[str, tuple[int, int]]) -> dict[str, Tensor]:
        x = F.pad(x, (self.pad,) * 4, mode="reflect")
        out = {}
        for node, value in self.body(x).items():
            size = sizes[self.matches[node]]
            if value.shape[2:] != size:
                value = F.interpolate(value, size, mode="bilinear", align_corners=False)
            out[node] = F.conv2d(value, self.basis[node]).float() if self.basis else value.float()
        return out

    def find_basis(self, batches: list[Tensor], sizes: dict[str, tuple[int, int]]) -> dict[str, float]:
        """Set the projection: the strongest directions, of unit mean square; returns the energy kept, by node."""
        moments, kept = {}, {}
        for batch in batches:
            for node, value in self(batch, sizes).items():
                moments[node] = moments.get(node, 0) + gram_matrix(value).mean(0).double()
        for node, moment in moments.items():
            energy, vectors = torch.linalg.eigh(moment / len(batches))
            count = min(DIRECTIONS, len(energy))
            scale = (energy[-count:].sum() / count).sqrt()
            kept[node] = round((energy[-count:].sum() / energy.sum()).item(), 3)
            self.basis[node] = (vectors[:, -count:].T / scale).float()[:, :, None, None].contiguous()
        return kept


class Crops:
    """Endless batches of augmented crops, (B, 3, SIZE, SIZE) in [0, 1]."""

    def __init__(self, pictures: list[Tensor], batch: int, generator: torch.Generator):
        self.pictures, self.batch, self.g = pictures, batch, generator

    def __iter__(self):
        return self

    def __next__(self) -> Tensor:
        return self.augment(torch.stack([self.crop() for _ in range(self.batch)]))

    def state_dict(self) -> dict[str, Tensor]:
        return {"generator": self.g.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        self.g.set_state(state["generator"])

    def uniform(self, *shape: int, low: float = 0, high: float = 1) -> Tensor:
        return torch.rand(shape, generator=self.g) * (high - low) + low

    def below(self, n: int) -> int:
        return int(torch.randint(n, (), generator=self.g))

    def crop(self) -> Tensor:
        """One crop at a random scale, sometimes mirrored or turned."""
        picture = self.pictures[self.below(len(self.pictures))]
        scale = math.exp(self.uniform(1, low=math.log(0.7), high=math.log(2.2)).item())
        side = min(int(SIZE * scale), *picture.shape[1:])
        top, left = (self.below(length - side + 1) for length in picture.shape[1:])
        part = picture[None, :, top : top + side, left : left + side].float() / 255
        part = F.interpolate(part, (SIZE, SIZE), mode="bilinear", antialias=True, align_corners=False)[0]
        part = part.flip(2) if self.below(2) else part
        return torch.rot90(part, self.below(4), (1, 2)) if self.below(3) == 0 else part

    def augment(self, x: Tensor) -> Tensor:
        """Mix channels, change contrast and tint, lay two pictures over each other, add noise: each on some of them."""
        b = len(x)
        some = self.uniform(5, b, 1, 1, 1)
        mixing = self.uniform(b, 3, 3) * 0.25 + torch.eye(3) * self.uniform(b, 1, 1, low=0.25)
        mixed = torch.einsum("bij,bjhw->bihw", mixing / mixing.sum(2, keepdim=True), x)
        x = torch.where(some[0] < 0.3, mixed, x)
        x = torch.where(some[1] < 0.1, x[:, torch.randperm(3, generator=self.g)], x)
        x = (x - 0.5) * self.uniform(b, 1, 1, 1, low=0.6, high=1.4) + 0.5
        x = x + self.uniform(b, 3, 1, 1, low=-0.15, high=0.15)
        x = torch.where(some[2] < 0.12, (x + x.roll(1, 0)) / 2, x)
        noise = torch.randn(x.shape, generator=self.g) * self.uniform(b, 1, 1, 1, high=0.15)
        x = torch.where(some[3] < 0.25, x + noise, x)
        return torch.where(some[4] < 0.1, F.avg_pool2d(x, 3, 1, 1), x).clamp(0, 1)


class Adversaries:
    """Pictures on their way from one crop to another's style, moved by Adam against the student as it is now."""

    def __init__(self, student: VGG, crops: Crops, count: int, life: int = 60):
        self.student, self.crops, self.life = student, crops, life
        self.x = torch.zeros(count, 3, SIZE, SIZE)
        self.content, self.style = torch.zeros_like(self.x), torch.zeros_like(self.x)
        self.m, self.v = torch.zeros_like(self.x), torch.zeros_like(self.x)
        self.age, self.weight = torch.full((count,), life), torch.zeros(count)

    def state_dict(self) -> dict[str, Tensor]:
        return {key: value.clone() for key, value in vars(self).items() if isinstance(value, Tensor)}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for key, value in state.items():
            getattr(self, key).copy_(value)

    def take(self, count: int, rate: float = 0.03) -> Tensor:
        """Move `count` of them one step and return them, (count, 3, SIZE, SIZE) in [0, 1]."""
        chosen = torch.randperm(len(self.x), generator=self.crops.g)[:count]
        for i in chosen[self.age[chosen] >= self.life].tolist():
            self.begin(i)
        x = self.x[chosen].contiguous(memory_format=torch.channels_last).requires_grad_()
        gradient = torch.autograd.grad(self.objective(x, chosen), x)[0]
        self.age[chosen] += 1
        self.m[chosen] = 0.9 * self.m[chosen] + 0.1 * gradient
        self.v[chosen] = 0.99 * self.v[chosen] + 0.01 * gradient.square()
        age = self.age[chosen].view(-1, 1, 1, 1)
        step = self.m[chosen] / (1 - 0.9**age) / ((self.v[chosen] / (1 - 0.99**age)).sqrt() + 1e-12)
        self.x[chosen] = (self.x[chosen] - rate * step).clamp(0, 1)
        return self.x[chosen]

    def begin(self, i: int) -> None:
        self.content[i], self.style[i] = self.crops.crop(), self.crops.crop()
        self.x[i] = self.crops.uniform(3, SIZE, SIZE) if self.crops.below(5) == 0 else self.content[i]
        self.weight[i] = 10 ** self.crops.uniform(1, low=-3, high=0.3).item()
        self.m[i], self.v[i], self.age[i] = 0, 0, self.crops.below(self.life // 2)

    def objective(self, x: Tensor, chosen: Tensor) -> Tensor:
        self.student.requires_grad_(False)
        with torch.no_grad():
            content, style = run(self.student, self.content[chosen]), run(self.student, self.style[chosen])
        now, loss = run(self.student, x), 0
        for layer in STYLE:
            a = gram_matrix(style[layer])
            loss = loss + (gram_matrix(now[layer]) - a).square().sum((1, 2)) / a.square().sum((1, 2))
        p = content["conv4_2"]
        error = (now["conv4_2"] - p).square().mean((1, 2, 3)) / p.square().mean((1, 2, 3))
        self.student.requires_grad_(True)
        return (loss + self.weight[chosen] * error).sum()


class Finished:
    """The last transfers that L-BFGS made on the student as it was then; new ones every `every` calls of `take`."""

    def __init__(self, student: VGG, crops: Crops, every: int, size: int = 160):
        self.student, self.crops, self.every = student, crops, every
        self.x = torch.zeros(size, 3, SIZE, SIZE)
        self.count, self.calls = torch.zeros(2, dtype=torch.int64).unbind()

    def state_dict(self) -> dict[str, Tensor]:
        return {"x": self.x.clone(), "count": self.count.clone(), "calls": self.calls.clone()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        for key, value in state.items():
            getattr(self, key).copy_(value)

    def take(self, count: int) -> Tensor:
        if self.calls % self.every == 0:
            self.make()
        self.calls += 1
        here = min(int(self.count), len(self.x))
        return self.x[torch.randint(here, (count,), generator=self.crops.g)]

    def make(self) -> None:
        network = embedded_extractor(copy.deepcopy(self.student)).normalise([self.crops.crop()[None] for _ in range(4)])
        alpha = 10 ** self.crops.uniform(1, low=-4, high=-1).item()

        def keep(done: int, x: Tensor) -> None:
            if done in (8, 20, 40):
                self.x[int(self.count) % len(self.x)] = x[0]
                self.count += 1

        try:
            content, style = self.crops.crop()[None], self.crops.crop()[None]
            stylize(content, style, network, alpha=alpha, relative=False, steps=40, show=False, callback=keep)
        except FloatingPointError:
            pass  # L-BFGS may run away on a half-trained network; its early pictures are kept


def key(node: str) -> str:
    return node.replace(".", "_")  # a module's name may not contain a dot


def run(student: VGG, x: Tensor) -> dict[str, Tensor]:
    """The student's layers of images in [0, 1]; bfloat16 inside where the machine has it, float32 out."""
    mean, std = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
    x = ((x - mean) / std).contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
        return {layer: value.float() for layer, value in student(x).items()}


def read_pictures(folders: list[Path], hold_out: list[str]) -> list[Tensor]:
    """Every picture of the folders as (3, H, W) uint8, and sheets of emoji; small folders as often as large ones."""
    groups = []
    for folder in folders:
        paths = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")]
        paths = [p for p in paths if not any(name in p.stem for name in hold_out)]
        loaded = [(images.load(path)[0] * 255).round().to(torch.uint8) for path in paths]
        groups.append([p[:, :, : p.shape[2] // 2] if p.shape[2] == 2 * p.shape[1] else p for p in loaded])
        print(f"{folder.name}: {len(paths)} pictures")
    emoji = data.emoji().images
    order = torch.randperm(len(emoji), generator=torch.Generator().manual_seed(0))
    whole = [emoji[order[i : i + 36]].float() / 255 for i in range(0, len(emoji) - 36, 36)]
    groups.append([(images.grid(sheet, 6, pad=0) * 255).to(torch.uint8) for sheet in whole])
    most = max(len(group) for group in groups)
    return [picture for group in groups for picture in group * max(1, round(most / len(group) / 2))]


def main() -> None:
    parser = training_parser(__doc__, "embedded", steps=6000, batch=16)
    parser.set_defaults(device="cpu")  # the only one it is written for
    parser.add_argument("--images", type=Path, nargs="+", required=True, help="folders of photographs and paintings")
    parser.add_argument("--hold-out", nargs="*", default=[], help="leave out files whose names contain one of these")
    parser.add_argument("--teacher", default="squeezenet1_0", help="a name of torchvision.models")
    parser.add_argument("--match", nargs="*", metavar="NODE=LAYER", help="teacher node = student layer")
    parser.add_argument("--weights", type=Path, help="safetensors with torchvision's keys, else its download")
    parser.add_argument("--start", type=Path, help="begin from the weights of an earlier run")
    parser.add_argument("--caffe", action="store_true", help="the weights want BGR in 0..255 minus the mean")
    parser.add_argument("--rate", type=float, default=2e-3, help="peak learning rate")
    parser.add_argument("--gram", type=float, default=0.5, help="weight of the relative Gram error")
    args = parser.parse_args()
    matches = dict(item.split("=", 1) for item in args.match) if args.match else MATCHES[args.teacher]

    device, generator = start(args)
    crops = Crops(read_pictures(args.images, args.hold_out), args.batch * 3 // 8, generator)
    student = VGG(WIDTHS) if args.start is None else checkpoints.read(args.start, VGG).train().requires_grad_(True)
    student.to(memory_format=torch.channels_last)
    teacher = Teacher(args.teacher, matches, args.weights, args.caffe)
    sizes = {layer: tuple(value.shape[2:]) for layer, value in run(student, next(crops)).items()}
    print("energy kept:", teacher.find_basis([next(crops) for _ in range(12)], sizes))
    channels = {layer: stage[-2].out_channels for layer, stage in student.stages.items()}
    heads = nn.ModuleDict(
        {key(node): nn.Conv2d(channels[layer], len(teacher.basis[node]), 1) for node, layer in matches.items()}
    ).to(memory_format=torch.channels_last)
    parameters = [*student.parameters(), *heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=args.rate, betas=(0.9, 0.99), weight_decay=1e-4)
    rate = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min(1, (i + 1) / 100) * (0.5 + 0.5 * math.cos(math.pi * i / args.steps)) + 0.003
    )
    moving, finished = Adversaries(student, crops, 24), Finished(student, crops, every=12)
    warm = torch.zeros((), dtype=torch.int64)

    def step(fresh: Tensor) -> dict[str, Tensor]:
        count = args.batch - len(fresh)
        if warm < 200:  # first learn to see at all
            x = torch.cat([fresh, next(crops), next(crops)])[: args.batch]
        else:
            x = torch.cat([fresh, moving.take(count - count // 3), finished.take(count // 3)])
        warm.add_(1)
        x = x.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=torch.cpu._is_avx512_bf16_supported()):
            target = teacher(x, sizes)
        features = run(student, x)
        feature_error = gram_error = 0
        for node, wanted in target.items():
            predicted = heads[key(node)](features[matches[node]])
            feature_error = feature_error + F.mse_loss(predicted, wanted)
            g, a = gram_matrix(predicted), gram_matrix(wanted)
            gram_error = gram_error + ((g - a).square().sum((1, 2)) / a.square().sum((1, 2))).mean()
        descend(optimizer, feature_error + args.gram * gram_error, clip=5.0)
        rate.step()
        return {"features": feature_error.detach() / len(target), "gram": gram_error.detach() / len(target)}

    state = {"student": student, "heads": heads, "optimizer": optimizer, "rate": rate, "warm": warm}
    state |= {"moving": moving, "finished": finished} | {f"basis {k}": v for k, v in teacher.basis.items()}
    history = train(step, crops, state, args, device=device, every=50, save_seconds=120)
    pictures = ", ".join([folder.name for folder in args.images] + ["emoji"])
    ship(
        args.out,
        student,
        arguments={"widths": WIDTHS},
        data=f"distilled from torchvision's {args.teacher} (ImageNet) on {pictures}; "
        f"held out: {', '.join(args.hold_out) or 'nothing'}",
        history=history,
        device=device,
        scores={name: round(sum(values[-200:]) / len(values[-200:]), 4) for name, values in history.items()},
        earlier=checkpoints.read_record(args.start) if args.start else None,
        more={"scales": layer_scales(student)},
    )


def layer_scales(student: VGG) -> dict[str, float]:
    """Return each layer's mean activation over the shipped photographs, so that loading need not compute them.

    Of the weights as they are read back, in half precision.
    """
    read_back = copy.deepcopy(student).cpu().half().float()
    photos = (data.photo(name, size=128) for name in data.photos())
    return embedded_extractor(read_back, read_back.stages).normalise(photos).scale


if __name__ == "__main__":
    main()
