"""Chapter 04b, pix2pix."""

import math

import torch
import torch.nn.functional as F
from torch.nn.functional import mse_loss

from gencourse.modes import frozen
from wrong_answers import all_right, all_wrong, right, wrong


@right("unet_forward")
def unet_recursive(down, up, x, skips=True):
    """From the outside inwards: each level of the encoder with its own of the decoder."""

    def inside(y, i):
        low = down[i](F.leaky_relu(y, 0.2) if i else y)
        if i + 1 < len(down):
            risen = inside(low, i + 1)
            low = torch.cat((risen, low), dim=1) if skips else risen
        return up[len(up) - 1 - i](low.relu())

    return inside(x, 0).tanh()


@right("unet_forward")
def unet_in_place(down, up, x, skips=True):
    """The skip goes across after its LeakyReLU, as in the authors' code: the ReLU to come makes it the same."""
    maps, y = [], x
    for level in down[:-1]:
        y = F.leaky_relu(level(y), 0.2, inplace=True)
        maps.append(y)
    y = up[0](torch.relu(down[-1](y)))
    for level in up[1:]:
        skip = maps.pop()
        y = level(torch.relu(torch.cat([y, skip], 1) if skips else y))
    return 2 * torch.sigmoid(2 * y) - 1


@right("unet_forward")
def unet_by_index(down, up, x, skips=True):
    n = len(down)
    maps = [down[0](x)]
    for i in range(1, n):
        maps.append(down[i](torch.where(maps[-1] > 0, maps[-1], 0.2 * maps[-1])))
    out = maps[n - 1]
    for j in range(n):
        out = up[j](out.clamp(min=0))
        if j < n - 1 and skips:
            out = torch.cat([out, maps[n - 2 - j]], 1)
    return torch.tanh(out)


def skips_in_reverse(down, up, x, skips=True):
    maps = []
    for i, level in enumerate(down):
        x = level(x if i == 0 else F.leaky_relu(x, 0.2))
        maps.append(x)
    for i, level in enumerate(up):
        x = level(F.relu(x))
        if i < len(up) - 1 and skips:
            x = torch.cat([x, maps[i]], 1)
    return torch.tanh(x)


def skips_detached(down, up, x, skips=True):
    maps = []
    for i, level in enumerate(down):
        x = level(x if i == 0 else F.leaky_relu(x, 0.2))
        maps.append(x.detach())
    for i, level in enumerate(up):
        x = level(F.relu(x))
        if i < len(up) - 1 and skips:
            x = torch.cat([x, maps[-2 - i]], 1)
    return torch.tanh(x)


all_wrong(
    "unet_forward",
    {
        "raised RuntimeError": skips_in_reverse,
        "is a part of it detached?": skips_detached,
        "is there a return?": lambda down, up, x, skips=True: None,
        "its answer has no gradient": torch.no_grad()(unet_by_index),
        "changes its input x in place": lambda down, up, x, skips=True: unet_by_index(down, up, F.leaky_relu_(x, 0.2)),
        "the values are not those of the formula": lambda *given: 0.9 * unet_by_index(*given),
    },
)


def least_squares(logits, value):
    return mse_loss(logits, torch.full_like(logits, value))


@right("losses_of_pairs")
def losses_in_one_pass(fake, D, a, b, conditional=True, distance=F.l1_loss):
    """True pairs and translations in one batch for D; nothing is frozen."""
    found = {"distance": distance(fake, b)}
    if D is not None:
        both = torch.cat([b, fake.detach()])
        on_real, on_fake = D(torch.cat([torch.cat([a, a]), both], 1) if conditional else both).chunk(2)
        found["D"] = 0.5 * least_squares(on_real, 1.0) + 0.5 * least_squares(on_fake, 0.0)
        found["G"] = least_squares(D(torch.cat([a, fake], 1) if conditional else fake), 1.0)
    return found


@right("losses_of_pairs")
def losses_by_hand(fake, D, a, b, conditional=True, distance=F.l1_loss):
    given = (lambda x: torch.cat((a, x), dim=1)) if conditional else (lambda x: x)
    if D is None:
        return {"distance": distance(b, fake)}
    with frozen(D):
        g = ((1 - D(given(fake))) ** 2).mean()
    real, made = D(given(b)), D(given(fake).detach())
    d = torch.cat([(real - 1).flatten() ** 2, made.flatten() ** 2]).mean()
    return {"G": g, "D": d, "distance": distance(fake, b)}


def changing(make):
    """The right losses, and something done to them: make(losses, what was given)."""
    return lambda *given: make(losses_by_hand(*given), given)


def not_detached(fake, D, a, b, conditional=True, distance=F.l1_loss):
    found = losses_by_hand(fake, D, a, b, conditional, distance)
    if D is None:
        return found
    seen = [torch.cat([a, x], 1) if conditional else x for x in (b, fake)]
    return found | {"D": (least_squares(D(seen[0]), 1.0) + least_squares(D(seen[1]), 0.0)) / 2}


def left_frozen(fake, D, a, b, conditional=True, distance=F.l1_loss):
    found = losses_by_hand(fake, D, a, b, conditional, distance)
    if D is not None:
        D.requires_grad_(False)
    return found


def d_without_gradient(found, given):
    return found | {"D": found["D"].detach()} if "D" in found else found


all_wrong(
    "losses_of_pairs",
    {
        "still hang on G": not_detached,
        "D stays frozen": left_frozen,
        "expected the losses D, G, distance": changing(lambda found, given: {"distance": found["distance"]}),
        "the distance alone, since there is no D": changing(
            lambda found, given: found | ({"G": found["distance"] * 0} if given[1] is None else {})
        ),
        "is one number, yours has shape": changing(
            lambda found, given: found | {"distance": (given[0] - given[3]).abs()}
        ),
        "a gradient is missing": changing(d_without_gradient),
        "should return a dictionary": changing(lambda found, given: found["distance"]),
        "G's loss is another one": changing(
            lambda found, given: found | ({"G": found["G"] * 0.7} if "G" in found else {})
        ),
        "raised AttributeError": lambda fake, D, a, b, conditional=True, distance=F.l1_loss: {
            "distance": distance(fake, b),
            "G": D.nothing,
        },
    },
)


def side_forwards(layers):
    side = step = 1
    for kernel, stride in layers:
        side += (kernel - 1) * step
        step *= stride
    return side


def side_by_sum(layers):
    strides = [stride for _, stride in layers]
    return 1 + sum((kernel - 1) * math.prod(strides[:i]) for i, (kernel, _) in enumerate(layers))


def side_by_indices(layers):
    """The first and the last place that a logit sees."""
    low = high = 0
    for kernel, stride in reversed(layers):
        low, high = low * stride, high * stride + kernel - 1
    return torch.tensor(high - low + 1)


all_right("patch_side", forwards=side_forwards, by_sum=side_by_sum, by_indices=side_by_indices)
all_wrong(
    "patch_side",
    {
        "the values are not those of the formula": lambda layers: side_forwards(layers) + 7,
        "is there a return?": lambda layers: None,
        "returned a list": lambda layers: [kernel for kernel, _ in layers],
    },
)


def moving(
    place=lambda n, grow, g: torch.randint(grow + 1, (2, n), generator=g),
    coin=lambda n, g: torch.rand(n, generator=g) < 0.5,
    large=lambda x, size: F.interpolate(x, size, mode="bilinear", align_corners=False),
    flip=lambda x: x.flip(-1),
):
    """jitter_pair with another way to draw the place or the coin, to enlarge, to mirror."""

    def jitter_pair(a, b, generator, grow=8):
        h, w = a.shape[2:]
        x = large(torch.cat([a, b], 1), (h + grow, w + grow))
        tops, lefts = place(len(x), grow, generator)
        turned = coin(len(x), generator)
        pieces = []
        for i in range(len(x)):
            piece = x[i, :, tops[i] : tops[i] + h, lefts[i] : lefts[i] + w]
            pieces.append(flip(piece) if turned[i] else piece)
        return torch.stack(pieces).split([a.shape[1], b.shape[1]], 1)

    return jitter_pair


def apart(a, b, generator, grow=8):
    """Each of the two is moved for itself."""
    move = moving()
    return move(a, a, generator, grow)[0], move(b, b, generator, grow)[0]


def with_both(draw_place, draw_coin):
    """The two pictures by draws of their own, of the place or of the coin; the other is shared."""

    def jitter_pair(a, b, generator, grow=8):
        n = len(a)
        places = [torch.randint(grow + 1, (2, n), generator=generator) for _ in range(2)]
        coins = [torch.rand(n, generator=generator) < 0.5 for _ in range(2)]
        moved = []
        for i, x in enumerate((a, b)):
            place, coin = places[i * draw_place], coins[i * draw_coin]
            move = moving(lambda *_, place=place: place, lambda *_, coin=coin: coin)
            moved.append(move(x, x, generator, grow)[0])
        return tuple(moved)

    return jitter_pair


def one_flipped(a, b, generator, grow=8):
    a, b = moving(coin=lambda n, g: torch.zeros(n, dtype=torch.bool))(a, b, generator, grow)
    return a, torch.where(torch.rand(len(a), 1, 1, 1, generator=generator) < 0.5, b.flip(3), b)


def padded(mode):
    def large(x, size):
        grow = size[0] - x.shape[2]
        return F.pad(x, [grow // 2, grow - grow // 2] * 2, mode=mode)

    return moving(large=large)


def cut_first(a, b, generator, grow=8):
    h, w = a.shape[2:]
    x = torch.cat([a, b], 1)
    tops, lefts = torch.randint(grow + 1, (2, len(x)), generator=generator).tolist()
    cut = [one[None, :, t : t + h - grow, u : u + w - grow] for one, t, u in zip(x, tops, lefts, strict=True)]
    x = torch.cat([F.interpolate(one, (h, w), mode="bilinear") for one in cut])
    x = torch.where(torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5, x.flip(3), x)
    return x.split([a.shape[1], b.shape[1]], 1)


@right("jitter_pair")
def jitter_by_loops(a, b, generator, grow=8):
    """Pair by pair, both pictures enlarged for themselves, mirrored before they are cut."""
    h, w = a.shape[-2:]
    found = [], []
    for one, other in zip(a, b, strict=True):
        t, u = (int(torch.randint(0, grow + 1, (1,), generator=generator)) for _ in range(2))
        turn = bool(torch.randint(2, (1,), generator=generator))
        for x, kept in zip((one, other), found, strict=True):
            large = F.interpolate(x[None], size=(h + grow, w + grow), mode="bilinear")[0]
            large = large.flip(2) if turn else large
            kept.append(large[:, t : t + h, u : u + w])
    return tuple(torch.stack(kept) for kept in found)


all_right(
    "jitter_pair",
    drawn_apart=moving(lambda n, grow, g: [torch.randint(grow + 1, (n,), generator=g) for _ in range(2)]),
    corners_aligned=moving(large=lambda x, size: F.interpolate(x, size, mode="bilinear", align_corners=True)),
    by_floor=moving(lambda n, grow, g: (torch.rand(2, n, generator=g) * (grow + 1)).long()),
)
all_wrong(
    "jitter_pair",
    {
        "the two pictures of a pair part": apart,
        "cut at different places: draw the place once": with_both(True, False),
        "toss the coin once for both": with_both(False, True),
        "a is never mirrored, its partner is": one_flipped,
        "no pair is mirrored": moving(coin=lambda n, g: torch.zeros(n, dtype=torch.bool)),
        "every pair is mirrored": moving(coin=lambda n, g: torch.ones(n, dtype=torch.bool)),
        "all pairs are cut at one place": moving(
            lambda n, grow, g: torch.randint(1, grow + 1, (2, 1), generator=g).expand(2, n)
        ),
        "at the upper left corner": moving(lambda n, grow, g: torch.zeros(2, n, dtype=torch.long)),
        "the last place is never drawn": moving(lambda n, grow, g: torch.randint(grow, (2, n), generator=g)),
        "moves as far down as it moves to the right": moving(
            lambda n, grow, g: torch.randint(grow + 1, (1, n), generator=g).expand(2, n)
        ),
        "of the pairs are mirrored: half": moving(coin=lambda n, g: torch.rand(n, generator=g) < 0.15),
        "not every place is drawn": moving(lambda n, grow, g: grow * torch.randint(2, (2, n), generator=g)),
        "by repeating pixels: bilinear": moving(large=lambda x, size: F.interpolate(x, size, mode="nearest")),
        "from top to bottom": moving(flip=lambda x: x.flip(-2)),
        "something else fills the border": padded("constant"),
        "with its border's pixels repeated": padded("replicate"),
        "with its border mirrored": padded("reflect"),
        "is cut first and enlarged then": cut_first,
        "neither enlarged nor cut": lambda a, b, generator, grow=8: moving(
            large=lambda x, size: F.pad(x, [0, size[1] - x.shape[3], 0, size[0] - x.shape[2]])
        )(a, b, generator, 0),
        "comes back enlarged": lambda a, b, generator, grow=8: tuple(
            F.interpolate(x, (x.shape[2] + grow, x.shape[3] + grow), mode="bilinear") for x in (a, b)
        ),
        "have changed places: pair i must stay pair i": lambda *given: tuple(x.flip(0) for x in moving()(*given)),
        "torch's own random numbers are used": moving(lambda n, grow, g: torch.randint(grow + 1, (2, n))),
        "a generator of another seed gives the same": lambda a, b, generator, grow=8: moving()(
            a, b, torch.Generator().manual_seed(3), grow
        ),
        "two batches of pictures are asked for": lambda *given: torch.cat(moving()(*given), 1),
        "changes its input a in place": lambda a, b, generator, grow=8: moving()(a.mul_(2), b, generator, grow),
        "is no piece of the picture": lambda *given: tuple(0.9 * x for x in moving()(*given)),
    },
)


def psnr_by_loop(x, y):
    total = sum(float(((one - other) ** 2).sum()) for one, other in zip(x, y, strict=True))
    return 10 * math.log10(x.numel() / total)


all_right(
    "pooled_psnr",
    by_loop=psnr_by_loop,
    by_root=lambda x, y: -20 * torch.log10((x - y).pow(2).mean().sqrt()),
    by_mse=lambda x, y: 10 * torch.log10(1 / mse_loss(x, y)),
    by_pictures=lambda x, y: -10 * (x - y).square().flatten(1).mean(1).mean().log10(),
    natural=lambda x, y: -10 * torch.log(mse_loss(x, y)) / math.log(10),
)
all_wrong(
    "pooled_psnr",
    {
        "the values are not those of the formula": lambda x, y: psnr_by_loop(x, y) + 3,
        "changes its input x in place": lambda x, y: -10 * torch.log10(x.sub_(y).square_().mean()),
        "is there a return?": lambda x, y: None,
    },
)


@right("diversity")
def diversity_by_pictures(network, a, draws=16):
    """Picture by picture, with the variance written out."""
    was, found = network.training, []
    network.train(True)
    for picture in a:
        drawn = torch.cat([network(picture[None]).detach() for _ in range(draws)])
        variance = (drawn - drawn.mean(0)).square().sum(0) / (draws - 1)
        found.append(variance.mean().sqrt())
    network.train(was)
    return torch.stack(found)


@right("diversity")
def diversity_in_one_batch(network, a, draws=16):
    was = network.training
    network.train()
    with torch.no_grad():
        drawn = network(a.repeat(draws, 1, 1, 1)).unflatten(0, (draws, len(a)))
    if not was:
        network.eval()
    return drawn.var(0, unbiased=True).flatten(1).mean(1) ** 0.5


@right("diversity")
def diversity_by_sums(network, a, draws=16):
    """One pass after the other, nothing kept but two sums."""
    was, total, squares = network.training, 0, 0
    network.train()
    for _ in range(draws):
        with torch.no_grad():
            y = network(a).double()
        total, squares = total + y, squares + y.square()
    network.train(was)
    return ((squares - total.square() / draws) / (draws - 1)).mean(dim=[1, 2, 3]).sqrt()


@wrong("diversity", "the network is left in another mode")
def left_in_train_mode(network, a, draws=16):
    network.train()
    with torch.no_grad():
        return torch.stack([network(a) for _ in range(draws)]).var(0).mean((1, 2, 3)).sqrt()


@wrong("diversity", "the network is left in another mode")
def left_in_eval_mode(network, a, draws=16):
    found = left_in_train_mode(network, a, draws)
    network.eval()
    return found


all_wrong(
    "diversity",
    {
        "translations are asked for, with noise drawn anew": lambda network, a, draws=16: diversity_by_pictures(
            network, a, 2
        ),
        "translations of a picture,": lambda network, a, draws=16: diversity_by_pictures(network, a, 2 * draws),
        "expected one number for each picture": lambda *given: diversity_by_pictures(*given)[:2],
        "the values are not those of the formula": lambda *given: diversity_by_pictures(*given) + 0.5,
        "is there a return?": lambda *given: None,
        "changes its input a in place": lambda network, a, draws=16: diversity_by_pictures(network, a.add_(1), draws),
    },
)
