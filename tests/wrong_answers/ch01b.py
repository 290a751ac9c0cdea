"""Chapter 01b, texture synthesis."""

import re

import torch
import torch.nn.functional as F

from wrong_answers import all_right, all_wrong, right, wrong


@right("next_letters")
def letters_by_slices(text, context):
    found = []
    for end in range(len(context), len(text)):
        if text[end - len(context) : end] == context:
            found.append(text[end])
    return "".join(found)


all_right(
    "next_letters",
    by_lookahead=lambda text, context: "".join(re.findall(f"(?={re.escape(context)}(.))", text, re.DOTALL)),
)
all_wrong(
    "next_letters",
    {
        "raised IndexError": lambda text, context: "".join(
            text[i + len(context)] for i in range(len(text)) if text.startswith(context, i)
        ),
        "a list, where a string is asked for": lambda *given: [*letters_by_slices(*given)],
        "a int, where a string": lambda text, context: len(letters_by_slices(text, context)),
        "is there a return?": lambda text, context: print(end=""),
    },
)


def gauss(side):
    steps = torch.arange(side) - side // 2
    line = torch.exp(-(steps**2) / (2 * (side / 6.4) ** 2))
    return torch.outer(line, line)  # not normalised: it is divided by its sum over what is known


@right("window_distances")
def distances_by_loops(window, known, patches):
    weights = gauss(window.shape[-1]).to(window) * known
    return torch.stack([(((patch - window) ** 2).sum(0) * weights).sum() / weights.sum() for patch in patches])


@right("window_distances")
def distances_by_products(window, known, patches):
    """The squares taken apart, as two products of matrices."""
    weights = gauss(window.shape[-1]).to(window) * known
    all_weights = weights.expand_as(window).flatten()
    p, w = patches.flatten(1), window.flatten()
    return (p.square() @ all_weights - 2 * p @ (all_weights * w) + (all_weights * w * w).sum()) / weights.sum()


all_wrong(
    "window_distances",
    {
        "expected one number for each patch": lambda window, known, patches: (
            (patches - window).square() * gauss(window.shape[-1]) * known
        ).sum((2, 3)),
        "the values are not those of the formula": lambda *given: 0.5 * distances_by_loops(*given),
    },
)


@right("candidates")
def candidates_by_loop(distances, tolerance):
    limit = min(distances.tolist()) * (1 + tolerance)
    return torch.tensor([i for i, d in enumerate(distances.tolist()) if d <= limit + 1e-9])


all_right("candidates", by_where=lambda d, tolerance: torch.where(d <= d.min() * (1 + tolerance))[0])
all_wrong(
    "candidates",
    {
        "a row of at most": lambda d, tolerance: torch.nonzero(d <= d.min() * (1 + tolerance)),
        "counted from 1": lambda d, tolerance: torch.where(d <= d.min() * (1 + tolerance))[0] + 1,
        "the right values at other places: in reverse order": lambda d, tolerance: torch.where(
            d <= d.min() * (1 + tolerance)
        )[0].flip(0),
        "only whole numbers can be used": lambda d, tolerance: torch.where(d <= d.min() * (1 + tolerance))[0].float(),
    },
)


@right("minimal_cut")
def cut_from_below(error):
    """The costs to the last row, and the way forwards."""
    rows, columns = error.shape
    cost = error.double().clone()
    for row in range(rows - 2, -1, -1):
        for column in range(columns):
            cost[row, column] += cost[row + 1, max(column - 1, 0) : column + 2].min()
    path = [int(cost[0].argmin())]
    for row in range(1, rows):
        near = range(max(path[-1] - 1, 0), min(path[-1] + 2, columns))
        path.append(min(near, key=lambda column: float(cost[row, column])))
    return torch.tensor(path)


@right("minimal_cut")
def cut_with_pointers(error):
    cost, came = error[0].clone(), []
    for row in error[1:]:
        options = torch.stack(
            [F.pad(cost, (1, 0), value=torch.inf)[:-1], cost, F.pad(cost, (0, 1), value=torch.inf)[1:]]
        )
        best, which = options.min(0)
        came.append(torch.arange(len(cost)) + which - 1)
        cost = row + best
    column, path = int(cost.argmin()), []
    for pointers in reversed(came):
        path.append(column)
        column = int(pointers[column])
    return torch.tensor([column, *path[::-1]])


all_wrong(
    "minimal_cut",
    {
        "the way itself is asked for": lambda error: error.cumsum(0).amin(1),
        "expected one column for each row": lambda error: cut_with_pointers(error)[:-1],
    },
)


@right("texture_loss")
def loss_by_einsum(network, x, grams):
    features, total = network(x), 0
    for layer, target in grams.items():
        f = features[layer]
        gram = torch.einsum("bihw,bjhw->bij", f, f) / (f.shape[2] * f.shape[3])
        total = total + ((gram - target) ** 2).mean() / 4
    return total


@right("texture_loss")
def loss_by_positions(network, x, grams):
    """The mean of the outer products, written out."""
    features = network(x)
    parts = []
    for layer, target in grams.items():
        f = features[layer][0].flatten(1).T  # (M, N)
        gram = (f[:, :, None] * f[:, None, :]).mean(0, keepdim=True)
        parts.append((gram - target).pow(2).sum() / (2 * len(gram[0])) ** 2)
    return sum(parts)


@wrong("texture_loss", "no gradient")
def loss_without_graph(network, x, grams):
    with torch.no_grad():
        return loss_by_einsum(network, x, grams)


@wrong("texture_loss", "is a part of it detached?")
def loss_half_detached(network, x, grams):
    def half(image):
        features = network(image)
        return {"fine": features["fine"], "coarse": features["coarse"].detach()}

    return loss_by_einsum(half, x, grams)


all_wrong("texture_loss", {"divided by its own positions": lambda *given: 3 * loss_by_einsum(*given)})


@right("copied")
def copied_by_loops(image, sample, size, threshold):
    theirs = sample.unfold(2, size, 1).unfold(3, size, 1)[0]  # (C, h, w, s, s)
    theirs = theirs.permute(1, 2, 0, 3, 4).flatten(0, 1)
    hits = []
    for row in range(image.shape[2] - size + 1):
        for column in range(image.shape[3] - size + 1):
            patch = image[0, :, row : row + size, column : column + size]
            hits.append(bool((theirs - patch).square().mean((1, 2, 3)).min() < threshold))
    return sum(hits) / len(hits)


all_right(
    "copied",
    by_cdist=lambda image, sample, size, threshold: (
        (torch.cdist(F.unfold(image, size)[0].T, F.unfold(sample, size)[0].T).amin(1) ** 2)
        .div(image.shape[1] * size**2)
        .lt(threshold)
        .float()
        .mean()
    ),
)
all_wrong("copied", {"the values are not those of the formula": lambda *given: copied_by_loops(*given) / 2})
