"""Chapter 01, style transfer."""

import torch
import torch.nn.functional as F

from wrong_answers import right, wrong

# What the objective is built of: the chapter's earlier tasks, solved.


def content_loss(features, target):
    return (features - target).square().sum() / (features.shape[2] * features.shape[3])


def gram_matrix(features):
    f = features.flatten(2)
    return f @ f.transpose(1, 2) / f.shape[2]


def style_loss(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


right("content_loss")(content_loss)
right("gram_matrix")(gram_matrix)
right("style_loss")(style_loss)


@right("content_loss")
def content_by_loops(features, target):
    total = 0.0
    for f, p in zip(features[0].flatten(1).T, target[0].flatten(1).T, strict=True):
        total = total + sum((a - b) ** 2 for a, b in zip(f, p, strict=True))
    return total / features[0, 0].numel()


@right("content_loss")
def content_by_mean(features, target):
    return F.mse_loss(features, target) * features.shape[1]


@wrong("content_loss", "fixed in your code?")
def content_fixed(features, target):
    return (features - target).square().sum() / (4 * 6)


@wrong("content_loss", "without dimensions")
def content_by_channel(features, target):
    return (features - target).square().mean((0, 2, 3))


@wrong("content_loss", "changes its input features in place")
def content_in_place(features, target):
    features -= target
    return features.square().sum() / (features.shape[2] * features.shape[3])


@wrong("content_loss", "its answer has no gradient")
def content_item(features, target):
    return (features - target).square().sum().item() / (features.shape[2] * features.shape[3])


@wrong("content_loss", "without .item(), .detach()")
def content_detached(features, target):
    return content_loss(features.detach(), target)


@wrong("content_loss", "no_grad or numpy")
def content_by_numpy(features, target):
    error = features.detach().numpy() - target.numpy()
    return (error**2).sum() / (error.shape[2] * error.shape[3])


@wrong("content_loss", "pictures are found by following it down")
@torch.no_grad()
def content_without_graph(features, target):
    return content_loss(features, target)


@wrong("content_loss", "is a part of it detached?")
def content_half_detached(features, target):
    error = features - target
    return (error * error.detach()).sum() / (features.shape[2] * features.shape[3])


@right("content_loss")
def content_in_double(features, target):
    error = features.double() - target.double()
    return torch.einsum("bnhw,bnhw->", error, error) / error[0, 0].numel()


@wrong("content_loss", "is there a return?")
def content_forgotten(features, target):
    print((features - target).square().sum())


@wrong("content_loss", "your function raised NameError")
def content_misspelt(features, target):
    return (features - targets).square().sum()  # noqa: F821


@right("gram_matrix")
def gram_by_einsum(features):
    return torch.einsum("bihw,bjhw->bij", features, features) / (features.shape[2] * features.shape[3])


@right("gram_matrix")
def gram_by_loops(features):
    b, n, h, w = features.shape
    gram = torch.zeros(b, n, n)
    for r in range(h):
        for c in range(w):
            v = features[:, :, r, c]
            gram += v[:, :, None] * v[:, None, :]
    return gram / (h * w)


@right("gram_matrix")
def gram_by_convolution(features):
    """Each image is convolved with itself: a kernel as large as the image has one place."""
    b, n, h, w = features.shape
    together = F.conv2d(features.reshape(1, b * n, h, w), features.reshape(b * n, 1, h, w), groups=b * n)
    assert together.shape[-1] == 1
    return torch.stack([F.conv2d(f[None].transpose(0, 1), f[:, None])[:, :, 0, 0] for f in features]) / (h * w)


@wrong("gram_matrix", "one N x N matrix per image")
def gram_of_first(features):
    f = features[0].flatten(1)
    return f @ f.T / f.shape[1]


@wrong("gram_matrix", "raised RuntimeError")
def gram_hard_coded(features):
    f = features.reshape(1, 64, 1024)
    return f @ f.transpose(1, 2) / 1024


@wrong("gram_matrix", "its answer has no gradient")
def gram_detached(features):
    return gram_matrix(features.detach())


@wrong("gram_matrix", "no_grad or numpy")
def gram_by_numpy(features):
    f = features.detach().flatten(2).numpy()
    return torch.from_numpy(f @ f.transpose(0, 2, 1) / f.shape[2])


@wrong("gram_matrix", "is a part of it detached?")
def gram_half_detached(features):
    f = features.flatten(2)
    return f @ f.detach().mT / f.shape[2]


@wrong("gram_matrix", "changes its input features in place")
def gram_in_place(features):
    f = features.flatten(2)
    f /= f.shape[2] ** 0.5
    return f @ f.mT


@right("gram_matrix")
def gram_by_vmap(features):
    return torch.func.vmap(lambda f: gram_matrix(f[None])[0])(features.double())


@wrong("gram_matrix", "fixed in your code?")
def gram_fixed(features):
    return features.flatten(2) @ features.flatten(2).mT / 28


@right("style_loss")
def style_by_mean(gram, target):
    return F.mse_loss(gram, target) / 4


@right("style_loss")
def style_by_trace(gram, target):
    difference = (gram - target)[0]
    return torch.trace(difference @ difference.T) / (2 * len(difference)) ** 2


@right("style_loss")
def style_by_eigenvalues(gram, target):
    return torch.linalg.eigvalsh((gram - target).double()).square().sum() / (2 * gram.shape[-1]) ** 2


@right("style_loss")
def style_by_half(gram, target):
    """Only one half of the symmetric matrix is looked at, and counts twice beside the diagonal."""
    error = (gram - target)[0]
    return (2 * error.triu(1).square().sum() + error.diag().square().sum()) / (4 * len(error) ** 2)


@wrong("style_loss", "its answer has no gradient")
def style_item(gram, target):
    return style_loss(gram, target).item()


@wrong("style_loss", "without .item(), .detach()")
def style_detached(gram, target):
    return style_loss(gram.detach(), target)


@wrong("style_loss", "fixed in your code?")
def style_fixed(gram, target):
    return (gram - target).square().sum() / (4 * 6**2)


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
    """The same as an object, its losses written out."""

    def __init__(self, network, content, style, alpha, beta):
        self.network, self.alpha, self.beta = network, alpha, beta
        self.content = {name: network(content)[name].detach() for name in network.content_layers}
        self.style = {name: self.gram(f.detach()) for name, f in network(style).items() if name in network.style_layers}

    def gram(self, f):
        return torch.einsum("bihw,bjhw->bij", f, f) / f[0, 0].numel()

    def __call__(self, x):
        now, losses = self.network(x), {}
        for name, target in self.style.items():
            losses[name] = (self.gram(now[name]) - target).square().mean() / 4
        by_layer = torch.stack(list(losses.values()))
        losses["content"] = sum((now[n] - p).square().sum(1).mean() for n, p in self.content.items())
        losses["total"] = self.alpha * losses["content"] + self.beta * by_layer.mean()
        return losses


def gram_written_out(f):
    return torch.einsum("bihw,bjhw->bij", f, f) / (f.shape[2] * f.shape[3])


def objective_of(gram, style_part):
    """The right objective with its own functions, where those of the chapter could be called."""

    def make(network, content, style, alpha, beta):
        objective, seen = objective_reference(network, content, style, alpha, beta), network(style)
        target = {name: gram(seen[name]) for name in network.style_layers}

        def changed(x):
            losses, now = objective(x), network(x)
            losses |= {name: style_part(gram(now[name]), A) for name, A in target.items()}
            return losses | {"total": alpha * losses["content"] + beta * mean_of(losses)}

        return changed

    return make


@right("make_objective")
def objective_loss_written_out(*arguments):
    return objective_of(lambda f: gram_matrix(f), lambda gram, target: F.mse_loss(gram, target) / 4)(*arguments)


@right("make_objective")
def objective_gram_written_out(*arguments):
    return objective_of(gram_written_out, lambda gram, target: style_loss(gram, target))(*arguments)


@right("make_objective")
def objective_of_its_own(*arguments):
    return objective_of(gram_written_out, lambda gram, target: (gram - target).square().mean() / 4)(*arguments)


@right("make_objective")
def objective_asking_twice(network, content, style, alpha, beta):
    """The network sees each x once for the content and once for the style: slow, but right."""
    objective = objective_reference(network, content, style, alpha, beta)
    kept = network(content)

    def twice(x):
        losses = objective(x)
        losses["content"] = sum(content_loss(network(x)[name], kept[name]) for name in network.content_layers)
        return losses | {"total": alpha * losses["content"] + beta * mean_of(losses)}

    return twice


@right("make_objective")
def objective_late(network, content, style, alpha, beta):
    """The targets are computed in the first step, and kept."""
    kept = []

    def objective(x):
        if not kept:
            kept.append(objective_reference(network, content, style, alpha, beta))
        return kept[0](x)

    return objective


def objective_with(change, *, style_of=lambda content, style: style):
    """The right objective with one thing changed in what it returns."""

    def make(network, content, style, alpha, beta):
        objective = objective_reference(network, content, style_of(content, style), alpha, beta)
        return lambda x: change(objective(x), x, alpha, beta)

    return make


def mean_of(losses):
    return (losses["shallow"] + losses["deep"]) / 2


@wrong("make_objective", "keep the targets")
def objective_again(network, content, style, alpha, beta):
    return lambda x: objective_reference(network, content, style, alpha, beta)(x)


@wrong("make_objective", "looks at the style picture again")
def objective_style_again(network, content, style, alpha, beta):
    objective = objective_reference(network, content, style, alpha, beta)

    def again(x):
        losses, now = objective(x), network(torch.cat([x, style]))
        for name in network.style_layers:
            losses[name] = style_loss(*gram_matrix(now[name])[:, None].unbind())
        return losses | {"total": alpha * losses["content"] + beta * mean_of(losses)}

    return again


@wrong("make_objective", "the style is that of network.style_layers")
def objective_all_layers(network, content, style, alpha, beta):
    kept = network(content)
    target = {name: gram_matrix(f) for name, f in network(style).items()}

    def objective(x):
        now = network(x)
        losses = {name: style_loss(gram_matrix(now[name]), A) for name, A in target.items()}
        style_part = sum(losses.values()) / len(losses)
        losses["content"] = sum(content_loss(now[name], kept[name]) for name in network.content_layers)
        return losses | {"total": alpha * losses["content"] + beta * style_part}

    return objective


@wrong("make_objective", "a detach or no_grad too many")
def objective_detached(*arguments):
    return objective_with(lambda losses, *_: {n: v.detach() for n, v in losses.items()})(*arguments)


@wrong("make_objective", "expected the losses content, deep, shallow, total")
def objective_total_only(*arguments):
    return objective_with(lambda losses, *_: {"total": losses["total"]})(*arguments)


@wrong("make_objective", "should return a function of x")
def objective_at_once(network, content, style, alpha, beta):
    return objective_reference(network, content, style, alpha, beta)(content)["total"]


@right("total_variation")
def variation_by_slices(x):
    return (x[:, :, 1:] - x[:, :, :-1]).square().mean() + (x[:, :, :, 1:] - x[:, :, :, :-1]).square().mean()


@right("total_variation")
def variation_by_convolution(x):
    flat = x.reshape(-1, 1, *x.shape[2:])
    down, along = (F.conv2d(flat, torch.tensor([-1.0, 1.0]).reshape(1, 1, *shape)) for shape in ((2, 1), (1, 2)))
    return (down**2).mean() + (along**2).mean()


@right("total_variation")
def variation_by_diff(x):
    return sum((d * d).sum() / d.numel() for d in (x.diff(dim=-1), x.diff(dim=-2)))


@wrong("total_variation", "raised RuntimeError")
def variation_subtracted(x):
    return (x.diff(dim=2) - x.diff(dim=3)).square().mean()


@wrong("total_variation", "its answer has no gradient")
def variation_item(x):
    return variation_by_slices(x).item()


@wrong("total_variation", "is a part of it detached?")
def variation_half_detached(x):
    return x.diff(dim=2).square().mean() + x.diff(dim=3).detach().square().mean()


@wrong("total_variation", "in place")
def variation_in_place(x):
    x[:, :, 1:] -= x[:, :, :-1].clone()
    return x[:, :, 1:].square().mean() + x.diff(dim=3).square().mean()


WEIGHTS = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)


def luminance(x, weights=WEIGHTS):
    return (x * weights).sum(1, keepdim=True)


@right("keep_colours")
def colours_by_difference(stylised, content):
    return (luminance(stylised) + content - luminance(content)).clamp(0, 1)


@right("keep_colours")
def colours_by_channels(stylised, content):
    r, g, b = (stylised - content)[0]
    moved = content[0] + (0.299 * r + 0.587 * g + 0.114 * b)
    return moved.clip(0, 1)[None]


@right("keep_colours")
def colours_by_convolution(stylised, content):
    change = F.conv2d(stylised - content, WEIGHTS)
    return torch.minimum(torch.maximum(content + change, torch.zeros(1)), torch.ones(1))


@right("keep_colours")
def colours_by_numpy(stylised, content):
    """Nothing is descended here: no gradient is asked for."""
    change = (WEIGHTS * (stylised - content)).sum(1, keepdim=True)
    return (content + change).numpy().clip(0, 1)


@wrong("keep_colours", "expected a picture of shape")
def colours_one_channel(stylised, content):
    return luminance(stylised)


@wrong("keep_colours", "input content in place")
def colours_in_place(stylised, content):
    return content.add_(luminance(stylised) - luminance(content)).clamp_(0, 1)
