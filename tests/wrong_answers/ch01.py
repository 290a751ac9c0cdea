"""Chapter 01, style transfer."""

import torch
import torch.nn.functional as F

from wrong_answers import all_right, all_wrong, right, wrong

# What the objective is built of: the chapter's earlier tasks, solved.


def content_loss(features, target):
    return (features - target).square().sum() / (features.shape[2] * features.shape[3])


def gram_matrix(features):
    f = features.flatten(2)
    return f @ f.transpose(1, 2) / f.shape[2]


def style_loss(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


@right("content_loss")
def content_by_loops(features, target):
    total = 0.0
    for f, p in zip(features[0].flatten(1).T, target[0].flatten(1).T, strict=True):
        total = total + sum((a - b) ** 2 for a, b in zip(f, p, strict=True))
    return total / features[0, 0].numel()


all_right(
    "content_loss",
    by_mean=lambda f, p: F.mse_loss(f, p) * f.shape[1],
    in_double=lambda f, p: torch.einsum("bnhw,bnhw->", f.double() - p, f.double() - p) / f[0, 0].numel(),
)
all_wrong(
    "content_loss",
    {
        "fixed in your code?": lambda f, p: (f - p).square().sum() / (4 * 6),
        "without dimensions": lambda f, p: (f - p).square().mean((0, 2, 3)),
        "is a part of it detached?": lambda f, p: ((f - p) * (f - p).detach()).sum() / f[0, 0].numel(),
    },
)


@right("gram_matrix")
def gram_by_loops(features):
    b, n, h, w = features.shape
    gram = torch.zeros(b, n, n)
    for r in range(h):
        for c in range(w):
            v = features[:, :, r, c]
            gram += v[:, :, None] * v[:, None, :]
    return gram / (h * w)


all_right(
    "gram_matrix",
    by_einsum=lambda x: torch.einsum("bihw,bjhw->bij", x, x) / x[0, 0].numel(),
    by_convolution=lambda x: (  # a kernel as large as the image has one place
        torch.stack([F.conv2d(f[:, None], f[:, None])[:, :, 0, 0] for f in x]) / x[0, 0].numel()
    ),
    by_vmap=lambda x: torch.func.vmap(lambda f: gram_matrix(f[None])[0])(x.double()),
)
all_wrong(
    "gram_matrix",
    {
        "one N x N matrix per image": lambda x: x[0].flatten(1) @ x[0].flatten(1).T / x[0, 0].numel(),
        "raised RuntimeError": lambda x: gram_matrix(x.reshape(1, 64, 32, 32)),
        "is a part of it detached?": lambda x: x.flatten(2) @ x.flatten(2).detach().mT / x[0, 0].numel(),
        "fixed in your code?": lambda x: x.flatten(2) @ x.flatten(2).mT / 28,
    },
)


@right("style_loss")
def style_by_half(gram, target):
    """Only one half of the symmetric matrix is looked at, and counts twice beside the diagonal."""
    error = (gram - target)[0]
    return (2 * error.triu(1).square().sum() + error.diag().square().sum()) / (4 * len(error) ** 2)


all_right(
    "style_loss",
    by_mean=lambda g, a: F.mse_loss(g, a) / 4,
    by_trace=lambda g, a: torch.trace((g - a)[0] @ (g - a)[0].T) / (2 * g.shape[-1]) ** 2,
    by_eigenvalues=lambda g, a: torch.linalg.eigvalsh((g - a).double()).square().sum() / (2 * g.shape[-1]) ** 2,
)
all_wrong("style_loss", {"fixed in your code?": lambda g, a: (g - a).square().sum() / (4 * 6**2)})


@right("make_objective")
def objective_reference(network, content, style, alpha, beta):
    with torch.no_grad():
        kept, seen = network(content), network(style)
        target = {name: gram_matrix(seen[name]) for name in network.style_layers}

    def objective(x):
        now = network(x)
        losses = {"content": sum(content_loss(now[name], kept[name]) for name in network.content_layers)}
        losses |= {name: style_loss(gram_matrix(now[name]), A) for name, A in target.items()}
        return {"total": alpha * losses["content"] + beta * sum(losses[n] for n in target) / len(target)} | losses

    return objective


@right("make_objective")
class Objective:
    """The same as an object, which computes the targets in the first step and keeps them."""

    def __init__(self, *arguments):
        self.arguments, self.kept = arguments, None

    def __call__(self, x):
        self.kept = self.kept or objective_reference(*self.arguments)
        return self.kept(x)


def with_style(gram, loss, layers=("shallow", "deep")):
    """The right objective, its style losses made of other functions, or of other layers."""

    def make(network, content, style, alpha, beta):
        objective, seen = objective_reference(network, content, style, alpha, beta), network(style)
        targets = {name: gram(seen[name]) for name in layers}

        def changed(x):
            losses, now = objective(x), network(x)
            styles = {name: loss(gram(now[name]), A) for name, A in targets.items()}
            return losses | styles | {"total": alpha * losses["content"] + beta * sum(styles.values()) / len(styles)}

        return changed

    return make


def gram_written_out(f):
    return torch.einsum("bihw,bjhw->bij", f, f) / (f.shape[2] * f.shape[3])


all_right(
    "make_objective",
    loss_written_out=with_style(lambda f: gram_matrix(f), lambda gram, target: F.mse_loss(gram, target) / 4),
    gram_written_out=with_style(gram_written_out, lambda gram, target: style_loss(gram, target)),
    of_its_own=with_style(gram_written_out, lambda gram, target: F.mse_loss(gram, target) / 4),
)


@right("make_objective")
def objective_asking_twice(network, content, style, alpha, beta):
    """The network sees each x once for the content and once for the style: slow, but right."""
    objective, kept = objective_reference(network, content, style, alpha, beta), network(content)

    def twice(x):
        losses = objective(x)
        losses["content"] = sum(content_loss(network(x)[name], kept[name]) for name in network.content_layers)
        return losses | {"total": alpha * losses["content"] + beta * (losses["shallow"] + losses["deep"]) / 2}

    return twice


@wrong("make_objective", "looks at the style picture again")
def objective_style_again(network, content, style, alpha, beta):
    objective = objective_reference(network, content, style, alpha, beta)

    def again(x):
        losses, now = objective(x), network(torch.cat([x, style]))
        for name in network.style_layers:
            losses[name] = style_loss(*gram_matrix(now[name])[:, None].unbind())
        return losses | {"total": alpha * losses["content"] + beta * (losses["shallow"] + losses["deep"]) / 2}

    return again


def returning(change):
    """The right objective, something done to what it returns."""

    def make(*arguments):
        objective = objective_reference(*arguments)
        return lambda x: change(objective(x))

    return make


all_wrong(
    "make_objective",
    {
        "keep the targets": lambda *arguments: lambda x: objective_reference(*arguments)(x),
        "the style is that of network.style_layers": with_style(
            lambda f: gram_matrix(f), lambda gram, target: style_loss(gram, target), ("shallow", "deep", "deeper")
        ),
        "a detach or no_grad too many": returning(lambda losses: {name: v.detach() for name, v in losses.items()}),
        "expected the losses content, deep, shallow, total": returning(lambda losses: {"total": losses["total"]}),
        "should return a function of x": lambda *arguments: objective_reference(*arguments)(arguments[1])["total"],
    },
)


@right("total_variation")
def variation_by_convolution(x):
    flat = x.reshape(-1, 1, *x.shape[2:])
    down, along = (F.conv2d(flat, torch.tensor([-1.0, 1.0]).reshape(1, 1, *shape)) for shape in ((2, 1), (1, 2)))
    return (down**2).mean() + (along**2).mean()


all_right(
    "total_variation",
    by_slices=lambda x: F.mse_loss(x[:, :, 1:], x[:, :, :-1]) + F.mse_loss(x[:, :, :, 1:], x[:, :, :, :-1]),
    by_diff=lambda x: sum((d * d).sum() / d.numel() for d in (x.diff(dim=-1), x.diff(dim=-2))),
)
all_wrong(
    "total_variation",
    {
        "raised RuntimeError": lambda x: (x.diff(dim=2) - x.diff(dim=3)).square().mean(),
        "is a part of it detached?": lambda x: x.diff(dim=2).square().mean() + x.diff(dim=3).detach().square().mean(),
    },
)


WEIGHTS = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def luminance(x):
    return (x * WEIGHTS).sum(1, keepdim=True)


@right("keep_colours")
def colours_by_channels(stylised, content):
    r, g, b = (stylised - content)[0]
    moved = content[0] + (0.299 * r + 0.587 * g + 0.114 * b)
    return moved.clip(0, 1)[None]


all_right(
    "keep_colours",
    by_difference=lambda s, c: (luminance(s) + c - luminance(c)).clamp(0, 1),
    by_convolution=lambda s, c: torch.minimum(
        torch.maximum(c + F.conv2d(s - c, WEIGHTS), torch.zeros(1)), torch.ones(1)
    ),
    by_numpy=lambda s, c: (c + luminance(s - c)).numpy().clip(0, 1),  # nothing is descended: no gradient is asked for
)
all_wrong("keep_colours", {"expected a picture of shape": lambda s, c: luminance(s)})


@right("pixel_step")
def step_by_sgd(x, objective, rate):
    pixels = x.clone().requires_grad_(True)
    optimizer = torch.optim.SGD([pixels], lr=rate)
    objective(pixels)["total"].backward()
    optimizer.step()
    return pixels.detach().clip(0, 1)


@right("pixel_step")
def step_without_grad(x, objective, rate):
    y = x.detach().clone()
    y.requires_grad = True
    objective(y)["total"].backward()
    with torch.no_grad():
        return torch.minimum(torch.maximum(y - rate * y.grad, torch.zeros_like(y)), torch.ones_like(y))


all_wrong(
    "pixel_step",
    {
        "the pixels differ": lambda x, objective, rate: step_by_sgd(x, objective, 2 * rate),
        "the result leaves [0, 1]": lambda x, objective, rate: x + (step_by_sgd(x, objective, rate / 64) - x) * 64,
    },
)


@right("make_objective")
def objective_with_losses_for_display(network, content, style, alpha, beta):
    """What is shown beside the total carries no graph."""
    with torch.no_grad():
        kept, seen = network(content), network(style)
        wanted = {name: gram_matrix(seen[name]) for name in network.style_layers}

    def objective(x):
        now = network(x)
        shown = {"content": sum(content_loss(now[name], kept[name]) for name in network.content_layers)}
        shown |= {name: style_loss(gram_matrix(now[name]), A) for name, A in wanted.items()}
        total = alpha * shown["content"] + beta * sum(shown[name] for name in wanted) / len(wanted)
        return {"total": total} | {name: loss.detach() for name, loss in shown.items()}

    return objective
