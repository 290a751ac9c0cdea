"""Chapter 01b: what goes wrong in its tasks, and what is said about it."""

import re
from functools import partial

import torch
import torch.nn.functional as F

from gencourse.homework.checking.check import Mistakes, add_mistake, add_mistakes
from gencourse.methods.texture import candidates, copied, gaussian_window, minimal_cut, next_letters, window_distances

MISTAKES: Mistakes = {}
mistake = partial(add_mistake, MISTAKES)
mistakes = partial(add_mistakes, MISTAKES)

NEXT_LETTERS = {
    "occurrences that overlap are missed: in 'aaaa', 'aa' is followed by 'a' twice": lambda text, context: (
        "".join(part[:1] for part in text.split(context)[1:]) if context else next_letters(text, context)
    ),
    "these are the letters before the context: the ones after it are asked for": lambda text, context: "".join(
        text[i - 1] for i in range(1, len(text)) if text.startswith(context, i)
    ),
    "each letter is there once: a letter that follows more often should be drawn more often": lambda text, context: (
        "".join(dict.fromkeys(next_letters(text, context)))
    ),
    "the letters are sorted: keep the order of the text": lambda *given: "".join(sorted(next_letters(*given))),
    "only the first occurrence counts": lambda *given: next_letters(*given)[:1],
    "the letter that follows most often is not the only one": lambda *given: max(
        next_letters(*given), key=next_letters(*given).count, default=""
    ),
    "these are the context's own last letters: the letter after them is asked for": lambda text, context: "".join(
        text[i + max(len(context) - 1, 0)] for i in range(len(text) - len(context)) if text.startswith(context, i)
    ),
    "every letter follows the empty context": lambda text, context: next_letters(text, context) if context else "",
    "the last occurrence before the end is missed": lambda text, context: "".join(
        re.findall(f"(?={re.escape(context)}(.).)", text)
    ),
    "the letters come in reverse: keep the order of the text": lambda *given: next_letters(*given)[::-1],
    "only the last occurrence counts": lambda *given: next_letters(*given)[-1:],
    "an occurrence at the very end is followed by nothing, not by the first letter": lambda text, context: next_letters(
        text + text[:1], context
    ),
    "the end of a line is a letter as well: it is missing": lambda *given: next_letters(*given).replace("\n", ""),
    "capitals are letters of their own: leave the text as it is": lambda text, context: next_letters(
        text.lower(), context.lower()
    ),
}
mistakes("next_letters", NEXT_LETTERS)


def squares(window, patches):
    return (patches - window).square()


def weighted(weights, of_all, colours=lambda s: s.sum(1)):
    """Distances with other weights: both are functions of the window's Gaussian weights and what is known."""

    def make(window, known, patches):
        gauss = gaussian_window(window.shape[-1]).to(window)
        sums = (colours(squares(window, patches)) * weights(gauss, known)).sum((1, 2))
        return sums / of_all(gauss, known)

    return make


def known_sum(gauss, known):
    return (gauss * known).sum()


WINDOW_DISTANCES = {
    "unknown pixels count as well: what stands there is not yet decided": weighted(
        lambda gauss, known: gauss, lambda gauss, known: gauss.sum()
    ),
    "the sum is not divided by the weight of what is known: the less is known, the nearer everything looks": weighted(
        lambda gauss, known: gauss * known, lambda gauss, known: 1
    ),
    "divided by the number of all pixels, not by the weight of the known ones": weighted(
        lambda gauss, known: gauss * known, lambda gauss, known: known.numel()
    ),
    "divided by the number of known pixels, not by their weight": weighted(
        lambda gauss, known: gauss * known, lambda gauss, known: known.sum()
    ),
    "all known pixels count alike: where are the Gaussian weights?": weighted(
        lambda gauss, known: known, lambda gauss, known: known.sum()
    ),
    "the weights belong to the squares: before squaring, they count twice": weighted(
        lambda gauss, known: gauss.square() * known, known_sum
    ),
    "the colours are averaged: sum over them": weighted(
        lambda gauss, known: gauss * known, known_sum, lambda s: s.mean(1)
    ),
    "only the first colour is compared": lambda window, known, patches: window_distances(
        window[:1], known, patches[:, :1]
    ),
    "no root: squared distances are asked for": lambda *given: window_distances(*given).sqrt(),
    "the differences are squared, not taken without their sign": lambda window, known, patches: (
        ((patches - window).abs().sum(1) * gaussian_window(window.shape[-1]).to(window) * known).sum((1, 2))
        / known_sum(gaussian_window(window.shape[-1]).to(window), known)
    ),
    "known and unknown pixels have changed places": lambda window, known, patches: window_distances(
        window, 1 - known, patches
    ),
    "unknown pixels count as well, as if they were black: leave them out": lambda window, known, patches: (
        squares(window * known, patches).sum(1) * gaussian_window(window.shape[-1]).to(window)
    ).sum((1, 2)),
    "the colour that differs most decides alone: sum over the colours": weighted(
        lambda gauss, known: gauss * known, known_sum, lambda s: s.amax(1)
    ),
    "the pixel that differs most decides alone: sum over all that are known": lambda window, known, patches: (
        (squares(window, patches).sum(1) * gaussian_window(window.shape[-1]).to(window) * known).amax((1, 2))
        / known_sum(gaussian_window(window.shape[-1]).to(window), known)
    ),
    "a root is taken over the colours of each pixel: it is the squares that are summed": weighted(
        lambda gauss, known: gauss * known, known_sum, lambda s: s.sum(1).sqrt()
    ),
    "divided by the number of patches: each has a distance of its own": lambda window, known, patches: (
        window_distances(window, known, patches) / len(patches)
    ),
}
mistakes("window_distances", WINDOW_DISTANCES)


@mistake(
    "window_distances",
    "grey is compared, not colour: square first, then sum over the colours",
    forms=(torch.Tensor.sum, torch.Tensor.mean),
)
def grey_distances(grey, window, known, patches):
    return window_distances(grey(window, 0, keepdim=True), known, grey(patches, 1, keepdim=True))


def where(condition):
    return torch.nonzero(condition)[:, 0]


CANDIDATES = {
    "always the best one alone: the texture becomes a copy, one pixel after the other": lambda d, tolerance: (
        d.argmin().reshape(1)
    ),
    "the tolerance is a share of the smallest distance, it is not added to it": lambda d, tolerance: where(
        d <= d.min() + tolerance
    ),
    "a share of all patches is taken, however far they are: compare with the smallest distance": (
        lambda d, tolerance: d.argsort()[: max(1, round(tolerance * len(d)))].sort()[0]
    ),
    "the limit itself belongs to them: where the smallest distance is 0, < leaves nothing": lambda d, tolerance: where(
        d < (1 + tolerance) * d.min()
    ),
    "these are places in a sorted copy, not in the distances that were given": lambda d, tolerance: where(
        d.sort()[0] <= (1 + tolerance) * d.min()
    ),
    "the largest distance decides here: it is the smallest that counts": lambda d, tolerance: where(
        d >= (1 - tolerance) * d.max()
    ),
    "True and False for every patch: their indices are asked for": lambda d, tolerance: d <= (1 + tolerance) * d.min(),
    "the distances themselves: their indices are asked for": lambda d, tolerance: d[d <= (1 + tolerance) * d.min()],
    "1 + tolerance times the smallest, not tolerance times": lambda d, tolerance: where(d <= tolerance * d.min()),
    "sorted by distance: the order of the patches is asked for": lambda d, tolerance: candidates(d, tolerance)[
        d[candidates(d, tolerance)].argsort()
    ],
    "all patches are taken: the limit lies above the smallest distance, not above the largest": lambda d, tolerance: (
        where(d <= (1 + tolerance) * d.max())
    ),
    "the limit lies above the first distance here: it belongs above the smallest": lambda d, tolerance: where(
        d <= (1 + tolerance) * d[0]
    ),
    "the limit lies above the mean distance here: it belongs above the smallest": lambda d, tolerance: where(
        d <= (1 + tolerance) * d.mean()
    ),
    "the tolerance is a share of the smallest distance, not of the largest": lambda d, tolerance: where(
        d <= d.min() + tolerance * d.max()
    ),
    "1 + tolerance is squared: the distances are squares already": lambda d, tolerance: where(
        d <= (1 + tolerance) ** 2 * d.min()
    ),
    "counted from 1: the first patch has the index 0": lambda d, tolerance: candidates(d, tolerance) + 1,
}
mistakes("candidates", CANDIDATES)


def costs(error, neighbours=(-1, 0, 1), *, wraps=False, adds=True, own=True, beyond=torch.inf):
    """The table of cheapest ways, with other neighbours above."""
    cost = error.clone()
    for row in range(1, len(error)):
        above = cost[row - 1] if adds else error[row - 1]
        shifted = []
        for n in neighbours:
            rolled = above.roll(-n)
            if not wraps and n:
                rolled[-n:] = beyond if n > 0 else rolled[-n:]
                rolled[: -n if n < 0 else 0] = beyond
            shifted.append(rolled)
        cost[row] = torch.stack(shifted).amin(0) + (error[row] if own else 0)
    return cost


def back(cost, column=None, neighbours=(-1, 0, 1), *, wraps=False):
    """The way back through such a table."""
    path = [int(cost[-1].argmin()) if column is None else column]
    width = cost.shape[1]
    for row in range(len(cost) - 2, -1, -1):
        near = [path[-1] + n for n in neighbours]
        near = [n % width if wraps else n for n in near if wraps or 0 <= n < width]
        path.append(min(near, key=lambda n: float(cost[row, n])))
    return torch.tensor(path[::-1])


def greedy(error):
    path = [int(error[0].argmin())]
    for row in range(1, len(error)):
        first = max(path[-1] - 1, 0)
        path.append(first + int(error[row, first : path[-1] + 2].argmin()))
    return torch.tensor(path)


def uncounted(error):
    """A way back that takes the place among the three neighbours for the column."""
    cost = costs(error)
    path = [int(cost[-1].argmin())]
    for row in range(len(cost) - 2, -1, -1):
        path.append(int(cost[row, max(path[-1] - 1, 0) : path[-1] + 2].argmin()))
    return torch.tensor(path[::-1])


MINIMAL_CUT = {
    (
        "the cheapest next step at each row, from the first down: a way that begins cheaply may end dearly, so add up "
        "the costs, and go back from the last row"
    ): greedy,
    "a straight cut, the cheapest column: the way may go one column aside in each row": lambda error: (
        error.sum(0).argmin().repeat(len(error))
    ),
    "the cheapest place of each row: the way may not jump further than one column": lambda error: error.argmin(1),
    "the way back begins at the first column: it begins where the sum is smallest": lambda error: back(costs(error), 0),
    "the way back begins at the last column: it begins where the sum is smallest": lambda error: back(
        costs(error), error.shape[1] - 1
    ),
    "the way is upside down: it begins in the first row": lambda error: minimal_cut(error).flip(0),
    "the dearest way: it should be the cheapest": lambda error: minimal_cut(error.max() - error),
    "the errors of two rows are added, not the cost so far: the table holds sums from the first row on": lambda error: (
        back(costs(error, adds=False))
    ),
    "from left to right: the way goes from the first row to the last": lambda error: minimal_cut(error.T),
    "the way back never goes to the right: three places lie above": lambda error: back(costs(error), None, (-1, 0)),
    "the way back never goes to the left: three places lie above": lambda error: back(costs(error), None, (0, 1)),
    "beyond the sides the way costs nothing here: there is none, so fill up with infinity": lambda error: back(
        costs(error, beyond=0.0)
    ),
    "the sums come straight from above: the cheapest of the three places above is added": lambda error: back(
        error.cumsum(0)
    ),
    "the cheapest place of the whole row above is added: only three lead to a place": lambda error: back(
        costs(error, range(1 - error.shape[1], error.shape[1]))
    ),
    "the error of the place itself is not added": lambda error: back(costs(error, own=False)),
    "the way back follows the errors: it follows the sums": lambda error: back(error, int(costs(error)[-1].argmin())),
    "the way back begins where the last error is smallest: it begins where the sum is": lambda error: back(
        costs(error), int(error[-1].argmin())
    ),
    "the way back begins where the sum is largest: it begins where it is smallest": lambda error: back(
        costs(error), int(costs(error)[-1].argmax())
    ),
    "the way back begins in the middle: it begins where the sum is smallest": lambda error: back(
        costs(error), error.shape[1] // 2
    ),
    "each step's place among its neighbours is taken for the column: count from the first of them": uncounted,
}
mistakes("minimal_cut", MINIMAL_CUT)


@mistake("minimal_cut", "the way goes round from one border to the other", forms=(True, False))
def round_the_borders(back_too, error):
    return back(costs(error, wraps=True), wraps=back_too)


@mistake(
    "minimal_cut",
    "the way along the sums jumps: it goes at most one column aside in each step",
    forms=(
        lambda error: costs(error).argmin(1),
        lambda error: back(costs(error), None, range(-2, 3)),
        lambda error: back(costs(error, range(-2, 3)), None, range(-2, 3)),
    ),
)
def jumping(way, error):
    return way(error)


@mistake(
    "minimal_cut",
    "one of the three places above is never come from: it is missing in the minimum",
    forms=((-1, 0), (0, 1), (-1, 1)),
)
def two_neighbours(neighbours, error):
    return back(costs(error, neighbours if error.shape[1] > 1 else (0,)))


def losses(of_layer, gram_of=lambda f: f @ f.transpose(1, 2) / f.shape[2]):
    """A loss that treats layers in another way: of_layer(gram, target)."""

    def make(network, x, grams):
        features = network(x)
        return sum(of_layer(gram_of(features[layer].flatten(2)), target) for layer, target in grams.items())

    return make


def of_layer(gram, target):
    return (gram - target).square().sum() / (4 * gram.shape[-1] ** 2)


def of_layers(network, x, grams):
    return losses(of_layer)(network, x, grams) / len(grams)


def layer_by_layer(network, x, grams):
    return sum(losses(of_layer)(network, x, {layer: gram}) for layer, gram in grams.items())


def products(f):
    return f.flatten(2) @ f.flatten(2).transpose(1, 2)


def divided_by(count):
    """A loss whose Gram matrices are divided by another number: count(x, activations)."""

    def make(network, x, grams):
        features = network(x)
        return sum(of_layer(products(features[k]) / count(x, features[k]), target) for k, target in grams.items())

    return make


def with_positions(of_counted):
    """A loss that uses the number of positions once more: of_counted(gram, target, positions)."""

    def make(network, x, grams):
        features = network(x)
        positions = {layer: features[layer][0, 0].numel() for layer in grams}
        return sum(of_counted(products(features[k]) / m, grams[k], m) for k, m in positions.items())

    return make


TEXTURE_LOSS = {
    "the Gram matrix is a mean over positions: a picture twice as large must not have one twice as large": losses(
        of_layer, lambda f: f @ f.transpose(1, 2)
    ),
    "the Gram matrix is divided by the channels, too: by the positions alone": losses(
        of_layer, lambda f: f @ f.transpose(1, 2) / f[0].numel()
    ),
    "the Gram matrix is divided by the number of channels: it is a mean over the positions": losses(
        of_layer, lambda f: f @ f.transpose(1, 2) / f.shape[1]
    ),
    "the squares are summed without 1 / (4 N²)": losses(lambda gram, target: (gram - target).square().sum()),
    "the mean of the squares is divided by N² already: 1/4 is missing": losses(
        lambda gram, target: (gram - target).square().mean()
    ),
    "half of what it should be: sum over the layers, do not average": of_layers,
    "the differences are squared, not taken without their sign": losses(
        lambda gram, target: (gram - target).abs().sum() / (4 * gram.shape[-1] ** 2)
    ),
    "only the last layer counts: sum over all of them": lambda network, x, grams: losses(of_layer)(
        network, x, dict([*grams.items()][-1:])
    ),
    "only the first layer counts: sum over all of them": lambda network, x, grams: losses(of_layer)(
        network, x, dict([*grams.items()][:1])
    ),
    "the network looks at x once for each layer: one pass returns them all": layer_by_layer,
    "the Gram matrices of centred features: the mean activation belongs to a texture": losses(
        of_layer,
        lambda f: (f - f.mean(2, keepdim=True)) @ (f - f.mean(2, keepdim=True)).transpose(1, 2) / f.shape[2],
    ),
    "the Gram matrix is divided by the pixels of the picture: each layer has positions of its own": divided_by(
        lambda x, f: x.shape[2] * x.shape[3]
    ),
    "the Gram matrix is divided by the rows alone: positions are rows times columns": divided_by(
        lambda x, f: f.shape[2]
    ),
    "the Gram matrix is divided by the root of the number of positions": divided_by(
        lambda x, f: f[0, 0].numel() ** 0.5
    ),
    "the squares are divided by 4 alone: N² is missing": losses(
        lambda gram, target: (gram - target).square().sum() / 4
    ),
    "the squares are divided by 2 N²: by 4 N²": losses(lambda gram, target: 2 * of_layer(gram, target)),
    "the squares are divided by 4 N: by 4 N²": losses(lambda gram, target: of_layer(gram, target) * gram.shape[-1]),
    "/ 4 * N ** 2 multiplies by N²: brackets are missing": losses(
        lambda gram, target: of_layer(gram, target) * gram.shape[-1] ** 4
    ),
    "the mean of the squares is divided by N² already: here it is twice": losses(
        lambda gram, target: of_layer(gram, target) / gram.shape[-1] ** 2
    ),
    "divided by the positions: N in 1 / (4 N²) is the number of channels": with_positions(
        lambda gram, target, m: (gram - target).square().sum() / (4 * m**2)
    ),
    "the loss is divided by M², too: the Gram matrices are averages over positions already": with_positions(
        lambda gram, target, m: of_layer(gram, target) / m**2
    ),
    "the sample's Gram matrices are averages already: do not divide them again": with_positions(
        lambda gram, target, m: of_layer(gram, target / m)
    ),
    "the differences are added up before they are squared: so they cancel out": losses(
        lambda gram, target: (gram - target).sum().square() / (4 * gram.shape[-1] ** 2)
    ),
    "no root: the squares are summed": losses(
        lambda gram, target: (gram - target).square().sum().sqrt() / (4 * gram.shape[-1] ** 2)
    ),
    "a difference of squares is not the square of a difference": losses(
        lambda gram, target: (gram.square() - target.square()).sum() / (4 * gram.shape[-1] ** 2)
    ),
    "only the diagonals are compared: what occurs together stands beside them": losses(
        lambda gram, target: (gram - target).diagonal(dim1=1, dim2=2).square().sum() / (4 * gram.shape[-1] ** 2)
    ),
}
mistakes("texture_loss", TEXTURE_LOSS)


def differences(image, sample, size, *, padding=0, stride=1, of_sample=1):
    """The mean squared difference of each patch of an image from each of the sample."""
    ours = F.unfold(image, size, padding=padding, stride=stride)[0].T
    theirs = F.unfold(sample, size, stride=of_sample)[0].T
    return (ours[:, None] - theirs).square().mean(2)


def nearest(*given, **options):
    return differences(*given, **options).amin(1)


def share(found, threshold):
    return (found < threshold).to(found).mean()


def same_place(image, sample, size, threshold):
    h, w = (min(a, b) for a, b in zip(image.shape[2:], sample.shape[2:], strict=True))
    ours, theirs = F.unfold(image[:, :, :h, :w], size), F.unfold(sample[:, :, :h, :w], size)
    return share((ours - theirs).square().mean(1)[0], threshold)


COPIED = {
    "not one patch is found, though there are copies: hold each against all of the sample, and take the nearest": (
        lambda *given: torch.zeros(())
    ),
    "patches are compared at the same place only: a copy may come from anywhere in the sample": same_place,
    "only exact copies are counted: is it the mean of the squares that lies below the threshold, and no root of it?": (
        lambda image, sample, size, t: share(nearest(image, sample, size).sqrt(), t)
    ),
    "only very near copies are counted: is it the mean of the squares that lies below the threshold, not their sum?": (
        lambda image, sample, size, t: share(nearest(image, sample, size) * image.shape[1] * size**2, t)
    ),
    "divided by the number of the sample's patches: the mean is over a patch's pixels and colours": (
        lambda image, sample, size, t: share(
            nearest(image, sample, size) * image.shape[1] * size**2 / len(F.unfold(sample, size)[0].T), t
        )
    ),
    "as many patches as pixels: those that would reach over the border are none": lambda image, sample, size, t: share(
        nearest(image, sample, size, padding=size // 2), t
    ),
    "the mean distance is returned: the share of patches below the threshold is asked for": (
        lambda image, sample, size, t: nearest(image, sample, size).mean()
    ),
    "picture and sample have changed places: how much of the sample is in the picture is another question": (
        lambda image, sample, size, t: copied(sample, image, size, t)
    ),
    "yours lie side by side: patches overlap, one begins at every pixel": lambda image, sample, size, t: share(
        nearest(image, sample, size, stride=size), t
    ),
    "the share of what is new: that of the copies is asked for": lambda *given: 1 - copied(*given),
    "the number of patches, not their share": lambda image, sample, size, t: (
        (nearest(image, sample, size) < t).sum().double()
    ),
    "single pixels are compared: whole patches should be": lambda image, sample, size, t: copied(image, sample, 1, t),
    "the squares are averaged over the pixels alone: the mean is over colours, too": lambda image, sample, size, t: (
        share(nearest(image, sample, size) * image.shape[1], t)
    ),
    "grey is compared, not colour: a patch of the same brightness is no copy": lambda image, sample, size, t: copied(
        image.mean(1, keepdim=True), sample.mean(1, keepdim=True), size, t
    ),
    "the patches of the sample overlap as well: a copy may begin at any pixel": lambda image, sample, size, t: share(
        nearest(image, sample, size, of_sample=size), t
    ),
    "the last row and column of patches are missing": lambda image, sample, size, t: copied(
        image[..., :-1, :-1], sample, size, t
    ),
    "the share of all pairs of patches: a patch of the picture counts once, by its nearest": (
        lambda image, sample, size, t: share(differences(image, sample, size), t)
    ),
    "all or nothing: the share of the patches is asked for": lambda image, sample, size, t: (
        (nearest(image, sample, size) < t).any().double()
    ),
}
mistakes("copied", COPIED)
