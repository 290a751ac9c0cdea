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


@wrong("content_loss", "see 1/M")
def content_summed(features, target):
    return (features - target).square().sum()


@wrong("content_loss", "only 1/M is divided out")
def content_averaged(features, target):
    return F.mse_loss(features, target)


@wrong("content_loss", "no root is taken")
def content_norm(features, target):
    return (features - target).norm() / (features.shape[2] * features.shape[3])


@wrong("content_loss", "not taken without their sign")
def content_absolute(features, target):
    return (features - target).abs().sum() / (features.shape[2] * features.shape[3])


@wrong("content_loss", "in place of the paper's ½")
def content_half(features, target):
    return content_loss(features, target) / 2


@wrong("content_loss", "not the rows alone")
def content_rows(features, target):
    return (features - target).square().sum() / features.shape[2]


@wrong("content_loss", "is the height times the width")
def content_square(features, target):
    return (features - target).square().sum() / features.shape[3] ** 2


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


@wrong("gram_matrix", "take a mean over the positions")
def gram_unnormalised(features):
    f = features.flatten(2)
    return f @ f.transpose(1, 2)


@wrong("gram_matrix", "more channels must not make G smaller")
def gram_over_channels(features):
    return gram_unnormalised(features) / features[0].numel()


@wrong("gram_matrix", "it keeps positions")
def gram_transposed(features):
    f = features.flatten(2)
    return f.transpose(1, 2) @ f / f.shape[1]


@wrong("gram_matrix", "one N x N matrix per image")
def gram_of_first(features):
    f = features[0].flatten(1)
    return f @ f.T / f.shape[1]


@wrong("gram_matrix", "leaked into each other")
def gram_of_batch(features):
    f = features.transpose(0, 1).flatten(1)
    return (f @ f.T / f.shape[1]).expand(len(features), -1, -1)


@wrong("gram_matrix", "no mean is subtracted")
def gram_covariance(features):
    f = features.flatten(2)
    return gram_matrix((f - f.mean(2, keepdim=True))[..., None])


@wrong("gram_matrix", "do not normalise")
def gram_cosine(features):
    f = F.normalize(features.flatten(2), dim=2)
    return f @ f.transpose(1, 2)


@wrong("gram_matrix", "right only for square pictures: the number")
def gram_square(features):
    return gram_unnormalised(features) / features.shape[2] ** 2


@wrong("gram_matrix", "channels and positions got mixed")
def gram_reshaped(features):
    b, n, h, w = features.shape
    f = features.reshape(b, h * w, n)
    return f.transpose(1, 2) @ f / (h * w)


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
    return gram_unnormalised(features) / 28


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


@wrong("style_loss", "where is the 4?")
def style_without_four(gram, target):
    return F.mse_loss(gram, target)


@wrong("style_loss", "with N the last size")
def style_first_size(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[0] ** 2)


@wrong("style_loss", "divides it by 4 N²")
def style_summed(gram, target):
    return (gram - target).square().sum()


@wrong("style_loss", "N is squared")
def style_n(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[-1])


@wrong("style_loss", "without their sign")
def style_absolute(gram, target):
    return (gram - target).abs().mean() / 4


@wrong("style_loss", "N to the power four")
def style_n4(gram, target):
    return (gram - target).square().sum() / (4 * gram.numel() ** 2)


@wrong("style_loss", "no root")
def style_norm(gram, target):
    return (gram - target).norm() / (4 * gram.numel())


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


@wrong("make_objective", "the content part of the total carries no gradient")
def objective_content_detached(*arguments):
    def change(x, _, alpha, beta):
        return x | {"total": alpha * x["content"].detach() + beta * mean_of(x)}

    return objective_with(change)(*arguments)


@wrong("make_objective", "the style part of the total carries no gradient")
def objective_style_item(*arguments):
    def change(x, _, alpha, beta):
        return x | {"total": alpha * x["content"] + beta * mean_of(x).item()}

    return objective_with(change)(*arguments)


@wrong("make_objective", "the deep part of the total carries no gradient")
def objective_layer_item(*arguments):
    def change(x, _, alpha, beta):
        return x | {"total": alpha * x["content"] + beta * (x["shallow"] + x["deep"].item()) / 2}

    return objective_with(change)(*arguments)


@wrong("make_objective", "'content' is returned times alpha")
def objective_weighted(*arguments):
    def change(x, _, alpha, beta):
        weights = {"content": alpha, "shallow": beta, "deep": beta}
        return {name: weight * x[name] for name, weight in weights.items()} | {"total": x["total"]}

    return objective_with(change)(*arguments)


@wrong("make_objective", "'shallow' is returned times beta")
def objective_style_weighted(*arguments):
    def change(x, _, alpha, beta):
        return x | {name: beta * x[name] for name in ("shallow", "deep")}

    return objective_with(change)(*arguments)


@wrong("make_objective", "those of the content picture")
def objective_one_picture(*arguments):
    return objective_with(lambda losses, *_: losses, style_of=lambda content, style: content)(*arguments)


@wrong("make_objective", "is the mean of the E_L, not their sum")
def objective_summed(*arguments):
    total = lambda x, _, alpha, beta: x | {"total": alpha * x["content"] + 2 * beta * mean_of(x)}  # noqa: E731
    return objective_with(total)(*arguments)


@wrong("make_objective", "have changed places")
def objective_swapped(*arguments):
    total = lambda x, _, alpha, beta: x | {"total": beta * x["content"] + alpha * mean_of(x)}  # noqa: E731
    return objective_with(total)(*arguments)


@wrong("make_objective", "have no effect")
def objective_unweighted(*arguments):
    return objective_with(lambda x, *_: x | {"total": x["content"] + mean_of(x)})(*arguments)


@wrong("make_objective", "a detach or no_grad too many")
def objective_detached(*arguments):
    return objective_with(lambda losses, *_: {n: v.detach() for n, v in losses.items()})(*arguments)


@wrong("make_objective", "expected the losses content, deep, shallow, total")
def objective_total_only(*arguments):
    return objective_with(lambda losses, *_: {"total": losses["total"]})(*arguments)


@wrong("make_objective", "should return a function of x")
def objective_at_once(network, content, style, alpha, beta):
    return objective_reference(network, content, style, alpha, beta)(content)["total"]


@wrong("make_objective", "content_layers")
def objective_content_everywhere(network, content, style, alpha, beta):
    kept = network(content)
    objective = objective_reference(network, content, style, alpha, beta)

    def both(x):
        losses, now = objective(x), network(x)
        losses["content"] = sum(content_loss(now[name], kept[name].detach()) for name in now)
        return losses | {"total": alpha * losses["content"] + beta * mean_of(losses)}

    return both


@wrong("make_objective", "of the Gram matrices of that layer")
def objective_pixels(network, content, style, alpha, beta):
    seen = {name: f.detach() for name, f in network(style).items()}

    def change(losses, x, *_):
        now = network(x)
        losses |= {name: content_loss(now[name], seen[name]) for name in network.style_layers}
        return losses | {"total": alpha * losses["content"] + beta * mean_of(losses)}

    return objective_with(change)(network, content, style, alpha, beta)


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


@wrong("total_variation", "edges do not wrap around")
def variation_rolled(x):
    return sum((x - x.roll(1, dim)).square().mean() for dim in (2, 3))


@wrong("total_variation", "turned upright is missed")
def variation_horizontal(x):
    return x.diff(dim=3).square().mean()


@wrong("total_variation", "from left to right is missed")
def variation_vertical(x):
    return x.diff(dim=2).square().mean()


@wrong("total_variation", "cost nine times as much")
def variation_absolute(x):
    return x.diff(dim=2).abs().mean() + x.diff(dim=3).abs().mean()


@wrong("total_variation", "a mean, not a sum")
def variation_summed(x):
    return x.diff(dim=2).square().sum() + x.diff(dim=3).square().sum()


@wrong("total_variation", "a mean of its own")
def variation_together(x):
    return torch.cat([x.diff(dim=2).flatten(), x.diff(dim=3).flatten()]).square().mean()


@wrong("total_variation", "not averaged")
def variation_halved(x):
    return (x.diff(dim=2).square().mean() + x.diff(dim=3).square().mean()) / 2


@wrong("total_variation", "fewer pairs of neighbours than pixels")
def variation_by_pixels(x):
    return variation_summed(x) / x.numel()


@wrong("total_variation", "both directions have their own number")
def variation_square(x):
    return variation_summed(x) / x.diff(dim=2).numel()


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


@wrong("keep_colours", "the other way round")
def colours_swapped(stylised, content):
    return colours_by_difference(content, stylised)


@wrong("keep_colours", "green weighs most")
def colours_plain_mean(stylised, content):
    return (stylised.mean(1, keepdim=True) + content - content.mean(1, keepdim=True)).clamp(0, 1)


@wrong("keep_colours", "come in another order")
def colours_bgr(stylised, content):
    weights = WEIGHTS.flip(1)
    return (luminance(stylised, weights) + content - luminance(content, weights)).clamp(0, 1)


@wrong("keep_colours", "not a ratio")
def colours_ratio(stylised, content):
    return (content * luminance(stylised) / luminance(content)).clamp(0, 1)


@wrong("keep_colours", "cut off at 0, not at 1")
def colours_cut_below(stylised, content):
    return colours_unclamped(stylised, content).clamp(min=0)


@wrong("keep_colours", "cut off at 1, not at 0")
def colours_cut_above(stylised, content):
    return colours_unclamped(stylised, content).clamp(max=1)


@right("keep_colours")
def colours_by_numpy(stylised, content):
    """Nothing is descended here: no gradient is asked for."""
    change = (WEIGHTS * (stylised - content)).sum(1, keepdim=True)
    return (content + change).numpy().clip(0, 1)


@wrong("keep_colours", "leaves [0, 1] on both sides")
def colours_unclamped(stylised, content):
    return luminance(stylised) + content - luminance(content)


@wrong("keep_colours", "the colours are gone")
def colours_grey(stylised, content):
    return luminance(stylised).expand_as(content)


@wrong("keep_colours", "counts twice")
def colours_twice(stylised, content):
    return (luminance(stylised) + content).clamp(0, 1)


@wrong("keep_colours", "expected a picture of shape")
def colours_one_channel(stylised, content):
    return luminance(stylised)


@wrong("keep_colours", "input content in place")
def colours_in_place(stylised, content):
    return content.add_(luminance(stylised) - luminance(content)).clamp_(0, 1)
