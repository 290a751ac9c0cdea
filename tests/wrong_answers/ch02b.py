"""Chapter 02b, super-resolution."""

import copy

import torch
import torch.nn.functional as F

# What the chapter imports and its functions use; the checks put others in their place.
from gencourse.methods.degradations import gaussian_blur, jpeg
from gencourse.methods.super_resolution import repeated_error
from gencourse.methods.upsampling import area_average, nearest, perceptual_loss
from gencourse.metrics.distances import frechet_distance
from wrong_answers import all_right, all_wrong, right, wrong

STUDIO = torch.tensor([65.481, 128.553, 24.966])


@right("luma_psnr")
def luma_in_levels(a, b, border):
    """In levels of 255, as most code has it."""
    found = []
    for x, y in zip(a, b, strict=True):
        one, other = (16 + (z * STUDIO[:, None, None]).sum(0) for z in (x, y))
        h, w = one.shape
        error = (one - other)[border : h - border, border : w - border]
        found.append(20 * torch.log10(255 / error.pow(2).mean().sqrt()))
    return torch.stack(found)


@right("luma_psnr")
def luma_by_matrix(a, b, border):
    y = [(x.movedim(1, -1) @ (STUDIO.to(x) / 255)) + 16 / 255 for x in (a, b)]  # (B, H, W)
    if border:
        y = [x[:, border:-border, border:-border] for x in y]
    return 10 * torch.log10(1 / F.mse_loss(*y, reduction="none").mean((-2, -1)))


@wrong("luma_psnr", "with a border of 0 nothing is left of your pictures")
def luma_of_nothing(a, b, border):
    error = torch.einsum("bchw,c->bhw", a - b, STUDIO.to(a) / 255)[:, border:-border, border:-border]
    return -10 * error.square().mean((1, 2)).log10()


all_wrong("luma_psnr", {"the values are not those of the formula": lambda *given: 0.3 + luma_by_matrix(*given)})


@right("srgan_objective")
def objective_by_bce(y_hat, y, look, critic, weights):
    """The adversarial part by torch's cross-entropy, the rest by the course's functions."""
    fake, real = 0.5 + y_hat / 2, 0.5 + y / 2
    losses = {
        "features": perceptual_loss(look, fake, real),
        "pixels": F.l1_loss(fake, real),
        "grid": repeated_error(fake, real),
    }
    if critic is not None:
        logits = critic(y_hat)
        losses["adversarial"] = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    losses["total"] = sum(weight * losses[name] for name, weight in weights._asdict().items() if name in losses)
    return losses


@right("srgan_objective")
def objective_written_out(y_hat, y, look, critic, weights):
    """Features and grid written out; the critic frozen for a while."""
    a, b = (y_hat + 1) / 2, (y + 1) / 2
    with torch.no_grad():
        wanted = look(b)
    features = sum(((found - wanted[name]) ** 2).mean() for name, found in look(a).items())
    grid = (F.avg_pool2d(F.pixel_unshuffle(a - b, 4), 6) ** 2).mean()
    pixels = (y_hat - y).abs().mean() / 2
    total = weights.features * features + weights.pixels * pixels + weights.grid * grid
    found = {"features": features, "pixels": pixels, "grid": grid}
    if critic is None:
        return {"total": total, **found}
    critic.requires_grad_(False)
    adversarial = -F.logsigmoid(critic(y_hat)).mean()
    critic.requires_grad_(True)
    return {"total": total + weights.adversarial * adversarial, "adversarial": adversarial, **found}


@wrong("srgan_objective", "the critic stays frozen")
def objective_that_freezes(y_hat, y, look, critic, weights):
    if critic is not None:
        critic.requires_grad_(False)
    return objective_by_bce(y_hat, y, look, critic, weights)


@wrong("srgan_objective", "leave it out of the dictionary")
def objective_with_zeros(y_hat, y, look, critic, weights):
    return {"adversarial": torch.zeros(())} | objective_by_bce(y_hat, y, look, critic, weights)


@wrong("srgan_objective", "expected the losses")
def objective_total_alone(y_hat, y, look, critic, weights):
    return {"total": objective_by_bce(y_hat, y, look, critic, weights)["total"]}


@wrong("srgan_objective", "a dictionary of losses is asked for")
def objective_as_a_number(y_hat, y, look, critic, weights):
    return objective_by_bce(y_hat, y, look, critic, weights)["total"]


@wrong("srgan_objective", "no gradient reaches y_hat")
def objective_without_graph(y_hat, y, look, critic, weights):
    with torch.no_grad():
        return objective_by_bce(y_hat, y, look, critic, weights)


@right("patch_frechet")
def frechet_by_einsum(look, a, b, layer):
    sides = []
    for pictures in (a, b):
        rows = []
        for x in pictures:
            features = look(x)[layer]
            rows.extend(one.flatten(1).T for one in features)
        sides.append(torch.cat(rows))
    return frechet_distance(*sides)


@right("patch_frechet")
def frechet_as_a_tensor(look, a, b, layer):
    def rows(pictures):
        found = [torch.einsum("bchw->bhwc", look(x)[layer]) for x in pictures]
        return torch.cat([f.reshape(-1, f.shape[-1]) for f in found])

    return torch.tensor(frechet_distance(rows(b), rows(a)))


all_wrong(
    "patch_frechet",
    {
        "the distance is one number": lambda look, a, b, layer: torch.tensor(
            [frechet_by_einsum(look, a, b, layer), 0.0]
        ),
        "the values are not those of the formula": lambda *given: 3 * frechet_by_einsum(*given),
    },
)


@right("pareto_front")
def front_by_sorting(points):
    best, found = float("inf"), []
    order = sorted(range(len(points)), key=lambda i: (-points[i][0], points[i][1]))
    for i in order:
        equal = found and tuple(points[found[-1]]) == tuple(points[i])
        if points[i][1] < best or equal:
            found.append(i)
            best = min(best, points[i][1])
    return sorted(found)


@right("pareto_front")
def front_by_tensors(points):
    x = torch.tensor(points, dtype=torch.float64) * torch.tensor([1.0, -1.0], dtype=torch.float64)
    as_good = (x[:, None] >= x).all(2)  # [i, j]: i at least as good as j
    better = (x[:, None] > x).any(2)
    return torch.nonzero(~(as_good & better).any(0)).flatten()


all_right("pareto_front", as_a_tuple=lambda points: tuple(front_by_sorting(points)))
all_wrong(
    "pareto_front",
    {
        "their places in the list are asked for": lambda points: [points[i] for i in front_by_sorting(points)],
        "is there a return?": lambda points: None,
        "where a list of places is asked for": lambda points: len(front_by_sorting(points)),
    },
)


@right("interpolate_weights")
def weights_by_parameters(a, b, share):
    between = copy.deepcopy(a)
    with torch.no_grad():
        for mixed, x, y in zip(between.parameters(), a.parameters(), b.parameters(), strict=True):
            mixed.copy_((1 - share) * x + share * y)
        for mixed, x, y in zip(between.buffers(), a.buffers(), b.buffers(), strict=True):
            mixed.copy_(x + share * (y - x))
    return between


@right("interpolate_weights")
def weights_into_a_copy_of_b(a, b, share):
    between, ours = copy.deepcopy(b), a.state_dict()
    for name, weight in between.state_dict().items():
        weight.mul_(share).add_(ours[name], alpha=1 - share)
    return between


@wrong("interpolate_weights", "changes the weights of a")
def weights_in_place(a, b, share):
    with torch.no_grad():
        for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
            x.lerp_(y, share)
    return a


@wrong("interpolate_weights", "changes the weights of b")
def weights_in_b(a, b, share):
    with torch.no_grad():
        for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
            y.copy_((1 - share) * x + share * y)
    return copy.deepcopy(b)


@wrong("interpolate_weights", "a new one is asked for, whatever the share")
def weights_with_a_short_cut(a, b, share):
    return a if share == 0 else b if share == 1 else weights_by_parameters(a, b, share)


@wrong("interpolate_weights", "shares memory with an old one")
def weights_that_share(a, b, share):
    between = copy.copy(a)
    between._modules = dict(a._modules)
    if share:
        return weights_by_parameters(a, b, share)
    return between


@wrong("interpolate_weights", "a dictionary of weights: a network")
def weights_alone(a, b, share):
    return weights_by_parameters(a, b, share).state_dict()


all_wrong("interpolate_weights", {"is there a return?": lambda a, b, share: None})


@right("project")
def project_by_blocks(high, low):
    b, c, h, w = low.shape
    s = high.shape[-1] // w
    blocks = high.reshape(b, c, h, s, w, s)
    blocks = blocks - blocks.mean((3, 5), keepdim=True) + low[:, :, :, None, :, None]
    return blocks.reshape(high.shape)


all_right(
    "project",
    by_torch=lambda high, low: (
        high
        + F.interpolate(low - F.avg_pool2d(high, high.shape[2] // low.shape[2]), size=high.shape[2:], mode="nearest")
    ),
    by_the_course=lambda high, low: (
        high
        - nearest(area_average(high, high.shape[3] // low.shape[3]), high.shape[3] // low.shape[3])
        + nearest(low, high.shape[3] // low.shape[3])
    ),
)
all_wrong(
    "project",
    {
        "your function changes its input high in place": lambda high, low: high.add_(
            nearest(low - area_average(high, high.shape[2] // low.shape[2]), high.shape[2] // low.shape[2])
        ),
        "got shape": lambda high, low: area_average(high, high.shape[2] // low.shape[2]),
        "raised": lambda high, low: high + nearest(low - area_average(high, 4), 4),
    },
)


@right("degrade")
def degrade_by_pictures(y, blur, noise, quality, generator):
    """One picture after the other, noise only where there is some."""
    small = []
    for one in y:
        x = area_average(gaussian_blur(one[None], blur), 4)
        if noise > 0:
            x = x + torch.normal(0.0, noise, x.shape, generator=generator)
        x = torch.clamp(x, min=0, max=1)
        small.append(x if not quality else jpeg(x, quality))
    return torch.cat(small)


@right("degrade")
def degrade_in_place(y, blur, noise, quality, generator):
    x = F.avg_pool2d(gaussian_blur(y, blur), 4)
    drawn = torch.empty_like(x).normal_(generator=generator)
    x = (x + drawn * noise).clip(0, 1)
    if quality is not None:
        x = jpeg(x, quality)
    return x


def noisy(draw, *, early=False, clamps=True):
    """A camera whose noise is drawn in another way: draw(x, noise, generator)."""

    def made(y, blur, noise, quality, generator):
        x = gaussian_blur(y, blur)
        x = area_average(x + draw(x, noise, generator) * bool(noise), 4) if early else area_average(x, 4)
        x = x if early or not noise else x + draw(x, noise, generator)
        x = x.clamp(0, 1) if clamps else x
        return x if quality is None else jpeg(x, quality)

    return made


def drawn(x, noise, generator):
    return noise * torch.randn(x.shape, generator=generator)


def uneven(x, noise, generator):
    return 1.5 * drawn(x, noise, generator)


all_wrong(
    "degrade",
    {
        "added before averaging": noisy(drawn, early=True),
        "clamp them": noisy(drawn, clamps=False),
        "no noise is added": noisy(lambda x, noise, g: 0 * torch.randn((), generator=g) * x),
        "hand the generator": noisy(lambda x, noise, g: noise * torch.randn(x.shape)),
        "draws the same noise": noisy(lambda x, noise, g: drawn(x, noise, torch.Generator().manual_seed(0))),
        "all pictures of the batch": noisy(lambda x, noise, g: drawn(x[:1], noise, g)),
        "the noise is grey": noisy(lambda x, noise, g: drawn(x[:, :1], noise, g)),
        "the noise has a mean": noisy(lambda x, noise, g: noise * torch.rand(x.shape, generator=g)),
        "not normal": noisy(lambda x, noise, g: noise * 12**0.5 * (torch.rand(x.shape, generator=g) - 0.5)),
        "not its square": noisy(lambda x, noise, g: drawn(x, noise**2, g)),
        "do not take its root": noisy(lambda x, noise, g: drawn(x, noise**0.5, g)),
        "has a standard deviation of": noisy(uneven),
        "changes its input y in place": lambda y, *given: degrade_by_pictures(y.mul_(0.5), *given),
    },
)
