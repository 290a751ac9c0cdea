"""Chapter 01c, fast style transfer."""

import copy

import torch
import torch.nn.functional as F

from wrong_answers import all_right, all_wrong, right, wrong


@right("conditional_instance_norm")
def norm_by_loops(x, gamma, beta, styles):
    pictures = []
    for picture, style in zip(x, styles.tolist(), strict=True):
        channels = []
        for c, channel in enumerate(picture):
            variance = (channel - channel.mean()).square().mean()
            channels.append(gamma[style, c] * (channel - channel.mean()) / (variance + 1e-5).sqrt() + beta[style, c])
        pictures.append(torch.stack(channels))
    return torch.stack(pictures)


all_right(
    "conditional_instance_norm",
    by_torch=lambda x, g, b, s: g[s][..., None, None] * F.instance_norm(x) + b[s][..., None, None],
    by_one_hot=lambda x, g, b, s: (
        (F.one_hot(s, len(g)).to(x) @ g)[..., None, None] * F.layer_norm(x, x.shape[2:])
        + (F.one_hot(s, len(g)).to(x) @ b)[..., None, None]
    ),
)
all_wrong(
    "conditional_instance_norm",
    {
        "fixed in your code?": lambda x, g, b, s: norm_by_loops(x, g, b, s) * (1 if x.shape[1] == 4 else 1.1),
        "expected shape": lambda x, g, b, s: norm_by_loops(x, g, b, s).flatten(2),
        "is a part of it detached?": lambda x, g, b, s: norm_by_loops(x, g, b.detach(), s) + 0 * b.sum(),
        "raised IndexError": lambda x, g, b, s: norm_by_loops(x, g, b, s + 10),
    },
)


# What the objective is built of: chapter 01's losses.


def content_loss(features, target):
    return (features - target).square().sum() / (features.shape[2] * features.shape[3])


def gram_matrix(features):
    f = features.flatten(2)
    return f @ f.transpose(1, 2) / f.shape[2]


def style_loss(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


@right("perceptual_objective")
def objective_reference(network, y, x, grams, alpha):
    with torch.no_grad():
        kept = network((x + 1) / 2)
    now = network((y + 1) / 2)
    content = sum(content_loss(now[k], kept[k]) for k in network.content_layers) / len(y)
    style = sum(style_loss(gram_matrix(now[k]), grams[k]) for k in network.style_layers)
    style = style / (len(network.style_layers) * len(y))
    return {"total": alpha * content + style, "content": content, "style": style}


@right("perceptual_objective")
def objective_picture_by_picture(network, y, x, grams, alpha):
    """The losses of each picture alone, then their mean."""
    contents, styles = [], []
    for i in range(len(y)):
        now = network(y[i : i + 1] / 2 + 0.5)
        with torch.no_grad():
            kept = network(x[i : i + 1] / 2 + 0.5)
        contents.append(sum(content_loss(now[k], kept[k]) for k in network.content_layers))
        parts = [style_loss(gram_matrix(now[k]), grams[k][i : i + 1]) for k in network.style_layers]
        styles.append(sum(parts) / len(parts))
    content, style = torch.stack(contents).mean(), torch.stack(styles).mean()
    return {"style": style, "content": content, "total": style + alpha * content}


@right("perceptual_objective")
def objective_written_out(network, y, x, grams, alpha):
    now, kept = network((y + 1) / 2), network((x.detach() + 1) / 2)
    content = sum((now[k] - kept[k].detach()).square().sum(1).mean() for k in network.content_layers)
    parts = []
    for k in network.style_layers:
        gram = torch.einsum("bihw,bjhw->bij", now[k], now[k]) / now[k][0, 0].numel()
        parts.append(F.mse_loss(gram, grams[k]) / 4)
    style = torch.stack(parts).mean()
    return {"total": alpha * content + style, "content": content, "style": style}


def returning(change):
    """The right objective, something done to what it returns."""
    return lambda *given: change(objective_reference(*given))


@wrong("perceptual_objective", "memory is spent on a graph for x")
def objective_with_a_graph(network, y, x, grams, alpha):
    kept, now = network((x + 1) / 2), network((y + 1) / 2)
    content = sum(content_loss(now[k], kept[k].detach()) for k in network.content_layers) / len(y)
    return objective_reference(network, y, x, grams, alpha) | {"content": content}


all_wrong(
    "perceptual_objective",
    {
        "expected the losses content, style, total, got total": returning(lambda found: {"total": found["total"]}),
        "a dictionary of losses is asked for": returning(lambda found: found["total"]),
        "a detach or no_grad too many": returning(lambda found: {k: v.detach() for k, v in found.items()}),
        "is one of its parts detached?": returning(
            lambda found: found | {"total": found["total"] - found["style"] + found["style"].detach()}
        ),
        "a loss is one number": returning(lambda found: found | {"style": found["style"].expand(3)}),
    },
)


@right("style_parameters")
def styles_reference(network, k):
    for weight in network.parameters():
        weight.requires_grad = False
    own = []
    for norm in network.norms():
        own += [norm.gamma[k], norm.beta[k]]
    for weight in own:
        weight.requires_grad = True
    return own


@right("style_parameters")
def styles_by_name(network, k):
    own = {name: w for name, w in network.named_parameters() if name.endswith((f"gamma.{k}", f"beta.{k}"))}
    for name, weight in network.named_parameters():
        weight.requires_grad_(name in own)
    return tuple(own.values())


def listing(choose):
    """The right one, another list returned."""

    def answer(network, k):
        styles_reference(network, k)
        return choose(network, k)

    return answer


@wrong("style_parameters", "does not learn: its requires_grad is off")
def styles_frozen(network, k):
    own = styles_reference(network, k)
    network.requires_grad_(False)
    return own


@wrong("style_parameters", "the rest of the network still learns")
def styles_unfrozen(network, k):
    network.requires_grad_(True)
    return [row for norm in network.norms() for row in (norm.gamma[k], norm.beta[k])]


@wrong("style_parameters", "the list is empty")
def styles_of_no_norm(network, k):
    return [m for m in network.modules() if isinstance(m, torch.nn.InstanceNorm2d)]


all_wrong(
    "style_parameters",
    {
        "you return copies": listing(lambda n, k: [row.detach().clone() for row in styles_reference(n, k)]),
        "convolutions are shared by all styles": listing(lambda n, k: list(n.parameters())),
        "rows of other styles are in the list": listing(
            lambda n, k: [row for norm in n.norms() for row in norm.parameters()]
        ),
        "beta is missing": listing(lambda n, k: [norm.gamma[k] for norm in n.norms()]),
        "gamma is missing": listing(lambda n, k: [norm.beta[k] for norm in n.norms()]),
        "the network has 4": listing(lambda n, k: styles_reference(n, k)[:2]),
        "no parameter of the network": listing(lambda n, k: [torch.cat(styles_reference(n, k))]),
        "a parameter is in the list twice": listing(lambda n, k: 2 * styles_reference(n, k)),
        "rows of other styles": listing(lambda n, k: styles_reference(copy.copy(n), (k + 1) % 2)),
        "a list of parameters is asked for": lambda n, k: n.norms()[0].gamma[k],
    },
)


@right("morph")
def morph_by_lerp(a, b, share):
    return [torch.lerp(x, y, share) for x, y in zip(a, b, strict=True)]


all_right("morph", by_difference=lambda a, b, share: tuple(x + share * (y - x) for x, y in zip(a, b, strict=True)))
all_wrong(
    "morph",
    {
        "rows came in for each style, 2 came back": lambda a, b, share: morph_by_lerp(a[:2], b[:2], share),
        "a list of rows is asked for": lambda a, b, share: torch.cat(morph_by_lerp(a, b, share)),
        "changes its input": lambda a, b, share: [x.lerp_(y, share) for x, y in zip(a, b, strict=True)],
        "fixed in your code?": lambda a, b, share: morph_by_lerp(a, b, share if share < 0.5 else share / 2),
    },
)


@right("steps_worth")
def worth_by_loop(losses, value):
    for i in range(len(losses)):
        if losses[i] <= value:
            return i + 1
    return None


@right("steps_worth")
def worth_by_running_minimum(losses, value):
    best = torch.tensor(losses, dtype=torch.float64).cummin(0).values
    count = int((best > value).sum())
    return count + 1 if count < len(losses) else None


all_wrong(
    "steps_worth",
    {
        "raised StopIteration": lambda losses, value: next(i for i, loss in enumerate(losses, 1) if loss <= value - 10),
        "is there a return?": lambda losses, value: print(end=""),
        "the values are not those of the formula": lambda losses, value: 3 * (worth_by_loop(losses, value) or 0) + 7,
    },
)


@right("receptive_field")
def field_backwards(layers):
    """From the output to the input: the side of what is seen grows, and a stride spreads it."""
    side = 1
    for kind, kernel, factor in reversed(layers):
        side = 1 + (side - 1) / factor if kind == "enlarge" else (side - 1) * factor + 1
        side += (2 if kind == "residual" else 1) * (kernel - 1) if kind != "enlarge" else 0
    return round(side)


@right("receptive_field")
def field_forwards(layers):
    step, side = 1.0, 1.0
    for kind, kernel, factor in layers:
        if kind == "enlarge":
            step /= factor
            continue
        for _ in range(2 if kind == "residual" else 1):
            side += step * (kernel - 1)
        step *= factor
    return side


all_wrong(
    "receptive_field",
    {
        "fixed in your code?": lambda layers: field_forwards(layers) if layers[0][1] == 9 else 5,
        "returned nothing": lambda layers: None,
        "the values are not those of the formula": lambda layers: 3 * field_forwards(layers) + 1,
    },
)
