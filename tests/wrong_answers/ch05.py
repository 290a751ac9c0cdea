"""Chapter 05, PixelCNN."""

import itertools
import math

import torch
import torch.nn.functional as F

from wrong_answers import right, wrong


@right("nll")
def nll(logits, x):
    return F.cross_entropy(logits, x, reduction="none").flatten(1).sum(1)


@right("nll")
def nll_by_gather(logits, x):
    logp = logits - logits.logsumexp(1, keepdim=True)
    return -logp.gather(1, x.unsqueeze(1)).sum((1, 2, 3, 4))


@right("nll")
def nll_one_by_one(logits, x):
    return torch.stack([F.cross_entropy(a[None], b[None], reduction="sum") for a, b in zip(logits, x, strict=True)])


@wrong("nll", "this is log p")
def nll_sign(logits, x):
    return -nll(logits, x)


@wrong("nll", "no mean over the pixels")
def nll_mean(logits, x):
    return F.cross_entropy(logits, x, reduction="none").flatten(1).mean(1)


@wrong("nll", "you mix the images")
def nll_one_number(logits, x):
    return F.cross_entropy(logits, x)


@wrong("nll", "logits are no log-probabilities yet")
def nll_raw(logits, x):
    return -logits.gather(1, x[:, None]).flatten(1).sum(1)


@wrong("nll", "in bits")
def nll_bits(logits, x):
    return nll(logits, x) / math.log(2)


@wrong("nll", "infinite where the network is sure")
def nll_by_logs(logits, x):
    return -logits.softmax(1).log().gather(1, x[:, None]).flatten(1).sum(1)


@wrong("nll", "what is added to p")
def nll_with_a_constant(logits, x):
    return -(logits.softmax(1) + 1e-8).log().gather(1, x[:, None]).flatten(1).sum(1)


@wrong("nll", "or cut off, makes the cost too small")
def nll_clamped(logits, x):
    return -logits.softmax(1).clamp(min=1e-12).log().gather(1, x[:, None]).flatten(1).sum(1)


@wrong("nll", "probabilities are added up")
def nll_of_probabilities(logits, x):
    return logits.softmax(1).gather(1, x[:, None]).flatten(1).sum(1)


@wrong("nll", "the softmax runs over the columns")
def nll_last_axis(logits, x):
    return -logits.log_softmax(-1).gather(1, x[:, None]).flatten(1).sum(1)


@wrong("nll", "the most likely level is scored")
def nll_of_the_best(logits, x):
    return -logits.log_softmax(1).amax(1).flatten(1).sum(1)


@wrong("nll", "the softmax is taken twice")
def nll_twice(logits, x):
    return F.cross_entropy(logits.softmax(1), x, reduction="none").flatten(1).sum(1)


@wrong("nll", "you return shape")
def nll_by_channel(logits, x):
    return F.cross_entropy(logits, x, reduction="none").sum((2, 3))


@wrong("nll", "no gradient reaches the logits")
def nll_cut(logits, x):
    return nll(logits.detach(), x)


@right("bits_per_dim")
def bits_per_dim(nats, dims):
    return nats / (dims * math.log(2))


@right("bits_per_dim")
def bits_by_change_of_base(nats, dims):
    return nats * math.log2(math.e) / dims


@wrong("bits_per_dim", "of the whole image")
def bits_whole(nats, dims):
    return nats / math.log(2)


@wrong("bits_per_dim", "still nats")
def bits_nats(nats, dims):
    return nats / dims


@wrong("bits_per_dim", "on the wrong side")
def bits_times(nats, dims):
    return nats / dims * math.log(2)


@wrong("bits_per_dim", "ten has no part in it")
def bits_ten(nats, dims):
    return nats / dims / math.log(10)


@wrong("bits_per_dim", "nats are a logarithm already")
def bits_of_a_logarithm(nats, dims):
    return torch.as_tensor(nats / dims).log2()


@wrong("bits_per_dim", "a byte has eight bits")
def bits_bytes(nats, dims):
    return nats / dims / math.log(2) / 8


@right("causal_mask")
def causal_mask(kind, size):
    mask, middle = torch.zeros(size, size), size // 2
    mask[:middle] = 1
    mask[middle, :middle] = 1
    mask[middle, middle] = kind == "B"
    return mask


@right("causal_mask")
def mask_by_counting(kind, size):
    order = torch.arange(size**2).view(size, size)
    centre = size**2 // 2
    return (order <= centre).float() if kind == "B" else (order < centre).float()


@wrong("causal_mask", "the first layer would see the answer")
def mask_always_b(kind, size):
    return causal_mask("B", size)


@wrong("causal_mask", "mask B hides the centre")
def mask_always_a(kind, size):
    return causal_mask("A", size)


@wrong("causal_mask", "rows below are not drawn yet")
def mask_upside_down(kind, size):
    return causal_mask(kind, size).flip(0)


@wrong("causal_mask", "right of the centre is not drawn yet")
def mask_whole_row(kind, size):
    mask = causal_mask(kind, size)
    mask[size // 2, size // 2 + 1 :] = 1
    return mask


@wrong("causal_mask", "a blind spot")
def mask_upper_left(kind, size):
    mask = causal_mask(kind, size)
    mask[: size // 2, size // 2 + 1 :] = 0
    return mask


@wrong("causal_mask", "the rows above are hidden")
def mask_one_row(kind, size):
    mask = causal_mask(kind, size)
    mask[: size // 2] = 0
    return mask


@wrong("causal_mask", "of the same row is hidden")
def mask_rows_above(kind, size):
    mask = causal_mask(kind, size)
    mask[size // 2, : size // 2] = 0
    return mask


@wrong("causal_mask", "1 and 0 have changed places")
def mask_hiding(kind, size):
    return 1 - causal_mask(kind, size)


@wrong("causal_mask", "rows and columns are exchanged")
def mask_by_columns(kind, size):
    return causal_mask(kind, size).T


@wrong("causal_mask", "yours is bool")
def mask_of_truth(kind, size):
    return causal_mask(kind, size).bool()


@wrong("causal_mask", "yours is int64")
def mask_of_integers(kind, size):
    return causal_mask(kind, size).long()


@wrong("causal_mask", "yours is numpy float32")
def mask_in_numpy(kind, size):
    return causal_mask(kind, size).numpy()


@wrong("causal_mask", "a mask is a switch")
def mask_normalised(kind, size):
    mask = causal_mask(kind, size)
    return mask / (mask.sum() + 0.5)


@wrong("causal_mask", "has the size of the kernel")
def mask_with_channels(kind, size):
    return causal_mask(kind, size)[None, None]


@wrong("causal_mask", "or the centre is wrong")
def mask_neighbours(kind, size):
    mask = causal_mask(kind, size)
    mask[: size // 2 - 1] = 0
    return mask


def gate(y):
    a, b = y.chunk(2, 1)
    return a.tanh() * b.sigmoid()


@right("two_stacks")
def stacks_reference(x, layers):
    v = h = x
    for vertical, horizontal, link in layers:
        v = gate(vertical(v))
        above = F.pad(v, (0, 0, 1, -1))
        h = gate(horizontal(h) + link(above))
    return h


@right("two_stacks")
def stacks_written_out(x, layers):
    """No function of the page, and the rows are moved by concatenation."""
    v, h = x, x
    for vertical, horizontal, link in layers:
        a, b = vertical(v).chunk(2, dim=1)
        v = torch.tanh(a) * torch.sigmoid(b)
        known = torch.cat([torch.zeros_like(v[:, :, :1]), v[:, :, :-1]], 2)
        a, b = (link(known) + horizontal(h)).chunk(2, dim=1)
        h = torch.tanh(a) * torch.sigmoid(b)
    return h


@right("two_stacks")
def stacks_moved_late(x, layers):
    """What the link makes of v is moved: the same but for a bias in the first row."""
    v = h = x
    for vertical, horizontal, link in layers:
        v = gate(vertical(v))
        h = gate(horizontal(h) + F.pad(link(v), (0, 0, 1, -1)))
    return h


def running(know=lambda v: F.pad(v, (0, 0, 1, -1)), join=lambda own, heard: gate(own + heard)):
    def two_stacks(x, layers):
        v = h = x
        for vertical, horizontal, link in layers:
            v = gate(vertical(v))
            h = join(horizontal(h), link(know(v)))
        return h

    return two_stacks


@wrong("two_stacks", "the current row leaks")
def stacks_unshifted(x, layers):
    return running(know=lambda v: v)(x, layers)


@wrong("two_stacks", "shifted the wrong way")
def stacks_up(x, layers):
    return running(know=lambda v: F.pad(v, (0, 0, -1, 1)))(x, layers)


@wrong("two_stacks", "the first row hears the last one")
def stacks_rolled(x, layers):
    return running(know=lambda v: v.roll(1, 2))(x, layers)


@wrong("two_stacks", "moved by a column")
def stacks_sideways(x, layers):
    return running(know=lambda v: F.pad(v, (1, -1)))(x, layers)


@wrong("two_stacks", "one row too far")
def stacks_two_rows(x, layers):
    return running(know=lambda v: F.pad(v, (0, 0, 2, -2)))(x, layers)


@wrong("two_stacks", "h never listens to v")
def stacks_deaf(x, layers):
    return running(join=lambda own, heard: gate(own))(x, layers)


@wrong("two_stacks", "the row's own past is lost")
def stacks_without_a_row(x, layers):
    return running(join=lambda own, heard: gate(heard))(x, layers)


@wrong("two_stacks", "each part has a gate of its own")
def stacks_two_gates(x, layers):
    return running(join=lambda own, heard: gate(own) + gate(heard))(x, layers)


@wrong("two_stacks", "the halves of the gate")
def stacks_crossed(x, layers):
    def crossed(y):
        a, b = y.chunk(2, 1)
        return a.sigmoid() * b.tanh()

    v = h = x
    for vertical, horizontal, link in layers:
        v = crossed(vertical(v))
        h = crossed(horizontal(h) + link(F.pad(v, (0, 0, 1, -1))))
    return h


@wrong("two_stacks", "a blind spot")
def stacks_kept(x, layers):
    v = h = x
    for vertical, horizontal, link in layers:
        v = F.pad(gate(vertical(v)), (0, 0, 1, -1))
        h = gate(horizontal(h) + link(v))
    return h


@wrong("two_stacks", "h is asked for")
def stacks_vertical(x, layers):
    for vertical, _, _ in layers:
        x = gate(vertical(x))
    return x


@wrong("two_stacks", "twice the channels come out")
def stacks_ungated(x, layers):
    v, h, out = x, x, x
    for vertical, horizontal, link in layers:
        v = gate(vertical(v))
        out = horizontal(h) + link(F.pad(v, (0, 0, 1, -1)))
        h = gate(out)
    return out


@wrong("two_stacks", "not bounded by 1")
def stacks_without_tanh(x, layers):
    def half(y):
        return y.chunk(2, 1)[0] * y.chunk(2, 1)[1].sigmoid()

    v = h = x
    for vertical, horizontal, link in layers:
        v = half(vertical(v))
        h = half(horizontal(h) + link(F.pad(v, (0, 0, 1, -1))))
    return h


@right("draw")
@torch.no_grad()
def draw(network, u, given=None, kept=0):
    b, h, w = u.shape
    x = torch.zeros(b, 1, h, w, dtype=torch.long, device=u.device)
    if given is not None:
        x.view(b, -1)[:, :kept] = given.reshape(b, -1)[:, :kept]
    for i in range(kept, h * w):
        r, c = divmod(i, w)
        sums = network(x)[:, :, 0, r, c].softmax(1).cumsum(1)
        x[:, 0, r, c] = (u[:, r, c, None] >= sums[:, :-1]).sum(1)
    return x


@right("draw")
def draw_by_rows(network, u, given=None, kept=0):
    """A loop over rows and columns, searchsorted, and nonsense where nothing is drawn yet."""
    x = torch.ones(len(u), 1, *u.shape[1:], dtype=torch.int64) if given is None else given.clone()
    for r in range(u.shape[1]):
        for c in range(u.shape[2]):
            if r * u.shape[2] + c < kept:
                continue
            p = F.softmax(network(x), dim=1)[:, :, 0, r, c]
            level = torch.searchsorted(p.cumsum(1).contiguous(), u[:, r, c, None].contiguous(), right=True)
            x[:, 0, r, c] = level[:, 0].clamp(max=p.shape[1] - 1)
    return x


@right("draw")
@torch.no_grad()
def draw_from_the_rows_so_far(network, u, given=None, kept=0):
    """What lies below the pixel is not asked for."""
    b, h, w = u.shape
    x = torch.zeros(b, 1, h, w, dtype=torch.long) if given is None else given.clone()
    for i in range(kept, h * w):
        r, c = divmod(i, w)
        sums = network(x[:, :, : r + 1])[:, :, 0, r, c].softmax(1).cumsum(1)
        x[:, 0, r, c] = (u[:, r, c, None] >= sums[:, :-1]).sum(1)
    return x


def drawing(level, order=None, number=lambda u, i, kept: u.flatten(1)[:, i]):
    """Draw with another rule: level(p, u), of (B, levels) and (B,); order of the pixels; and the numbers."""

    def other(network, u, given=None, kept=0):
        b, h, w = u.shape
        x = torch.zeros(b, 1, h, w, dtype=torch.long)
        if given is not None:
            x.view(b, -1)[:, :kept] = given.reshape(b, -1)[:, :kept]
        for i in (order or range)(kept, h * w):
            logits = network(x).flatten(2)[:, :, i]
            x.view(b, -1)[:, i] = level(logits, number(u, i, kept))
        return x

    return other


def reached(logits, u):
    return (u[:, None] >= logits.softmax(1).cumsum(1)[:, :-1]).sum(1)


@wrong("draw", "you take the most likely level")
def draw_likely(*given):
    return drawing(lambda logits, u: logits.argmax(1))(*given)


@wrong("draw", "levels come in the opposite order")
def draw_reversed(*given):
    return drawing(lambda logits, u: (u[:, None] < logits.softmax(1).cumsum(1)[:, :-1]).sum(1))(*given)


@wrong("draw", "only probabilities can be laid end to end")
def draw_raw(*given):
    return drawing(lambda logits, u: (u[:, None] >= logits.cumsum(1)[:, :-1]).sum(1))(*given)


@wrong("draw", "the same u gives other images")
def draw_multinomial(*given):
    return drawing(lambda logits, u: torch.multinomial(logits.softmax(1), 1)[:, 0])(*given)


@wrong("draw", "with the numbers of the first")
def draw_one_u(*given):
    return drawing(reached, number=lambda u, i, kept: u.flatten(1)[:1, i].expand(len(u)))(*given)


@wrong("draw", "from the number of its own place")
def draw_from_the_first(*given):
    return drawing(reached, number=lambda u, i, kept: u.flatten(1)[:, i - kept])(*given)


@wrong("draw", "an earlier one is not written yet")
def draw_backwards(*given):
    return drawing(reached, order=lambda start, end: range(end - 1, start - 1, -1))(*given)


@wrong("draw", "all pixels are drawn in one pass")
def draw_at_once(network, u, given=None, kept=0):
    p = network(torch.zeros(len(u), 1, *u.shape[1:], dtype=torch.long)).softmax(1)
    return (u[:, None] >= p.cumsum(1)[:, :-1, 0]).sum(1, keepdim=True)


@wrong("draw", "they need no pass")
def draw_all_passes(network, u, given=None, kept=0):
    x = draw(network, u, given, kept)
    for _ in range(kept):
        network(x)
    return x


@wrong("draw", "are not those given")
def draw_without_given(network, u, given=None, kept=0):
    return draw(network, u, torch.zeros_like(given) if kept else None, kept)


@wrong("draw", "changes its input given")
def draw_in_place(network, u, given=None, kept=0):
    if given is None:
        return draw(network, u)
    given[:] = draw(network, u, given.clone(), kept)
    return given


@wrong("draw", "you return floating-point numbers")
def draw_floats(network, u, given=None, kept=0):
    return draw(network, u, given, kept).float()


@wrong("draw", "what you return is uint8")
def draw_bytes(network, u, given=None, kept=0):
    return draw(network, u, given, kept).to(torch.uint8)


@wrong("draw", "what you return is numpy int64")
def draw_numpy(network, u, given=None, kept=0):
    return draw(network, u, given, kept).numpy()


@wrong("draw", "expected images of shape")
def draw_without_channel(network, u, given=None, kept=0):
    return draw(network, u, given, kept)[:, 0]


@wrong("draw", "the network takes (B, 1, H, W) int64")
def draw_float_canvas(network, u, given=None, kept=0):
    return draw(lambda x: network(x.float()), u, given, kept)


@right("oddness")
def oddness(nats, typical):
    return (nats - typical.mean()).abs() / typical.std()


@right("oddness")
def odd_by_roots(nats, typical):
    centred = typical - typical.mean()
    return ((nats - typical.mean()) ** 2 / centred.square().mean()).sqrt()


@wrong("oddness", "too likely gets a negative oddness")
def odd_signed(nats, typical):
    return (nats - typical.mean()) / typical.std()


@wrong("oddness", "costs little gets none")
def odd_one_side(nats, typical):
    return (nats - typical.mean()).relu() / typical.std()


@wrong("oddness", "no square is taken")
def odd_squared(nats, typical):
    return oddness(nats, typical) ** 2


@wrong("oddness", "divided by the variance")
def odd_variance(nats, typical):
    return (nats - typical.mean()).abs() / typical.var()


@wrong("oddness", "in nats")
def odd_in_nats(nats, typical):
    return (nats - typical.mean()).abs()


@wrong("oddness", "relative to the mean")
def odd_relative(nats, typical):
    return (nats / typical.mean() - 1).abs()


@wrong("oddness", "depends on the other pictures of the batch")
def odd_in_the_batch(nats, typical):
    return (nats - nats.mean()).abs() / nats.std(correction=0)


@wrong("oddness", "the deviation is that of the batch")
def odd_mixed(nats, typical):
    return (nats - typical.mean()).abs() / nats.std(correction=0)


@wrong("oddness", "the error of the mean")
def odd_standard_error(nats, typical):
    return oddness(nats, typical) * len(typical) ** 0.5


@wrong("oddness", "one number for each picture")
def odd_all(nats, typical):
    return oddness(nats, typical).mean()


@right("conv_at")
def conv_at(x, weight, bias, r, c):
    m = weight.shape[2] // 2
    top, left = max(r - m, 0), max(c - m, 0)
    patch = x[:, :, top : r + m + 1, left : c + m + 1]
    inside = weight[:, :, top - r + m :, left - c + m :][:, :, : patch.shape[2], : patch.shape[3]]
    return torch.einsum("bcij,ocij->bo", patch, inside) + bias


@right("conv_at")
def place_padded(x, weight, bias, r, c):
    size = weight.shape[-1]
    patch = F.pad(x, (size // 2,) * 4)[:, :, r : r + size, c : c + size]
    return patch.flatten(1) @ weight.flatten(1).T + bias


@right("conv_at")
def place_by_torch(x, weight, bias, r, c):
    size = weight.shape[-1]
    return F.conv2d(F.pad(x, (size // 2,) * 4)[:, :, r : r + size, c : c + size], weight, bias)[:, :, 0, 0]


@wrong("conv_at", "the bias is missing")
def place_without_bias(x, weight, bias, r, c):
    return conv_at(x, weight, 0 * bias, r, c)


@wrong("conv_at", "the kernel is turned")
def place_turned(x, weight, bias, r, c):
    return conv_at(x, weight.flip(2, 3), bias, r, c)


@wrong("conv_at", "rows and columns of the kernel")
def place_transposed(x, weight, bias, r, c):
    return conv_at(x, weight.transpose(2, 3), bias, r, c)


@wrong("conv_at", "one pixel beside")
def place_beside(x, weight, bias, r, c):
    size = weight.shape[-1]
    patch = F.pad(x, (size // 2 - 1,) * 4 if size > 1 else (0,) * 4)
    patch = F.pad(patch, (0, 2, 0, 2))[:, :, r : r + size, c : c + size]
    return patch.flatten(1) @ weight.flatten(1).T + bias


@wrong("conv_at", "other places were computed too")
def place_whole(x, weight, bias, r, c):
    return F.conv2d(x, weight, bias, padding=weight.shape[2] // 2)[:, :, r, c]


@right("conv_at")
def place_by_products(x, weight, bias, r, c):
    size = weight.shape[2]
    patch = F.pad(x, (size // 2,) * 4)[:, None, :, r : r + size, c : c + size]
    return (patch * weight).sum((2, 3, 4)) + bias


@wrong("conv_at", "cut out the patch first")
def place_of_all_products(x, weight, bias, r, c):
    size = weight.shape[2]
    patches = F.pad(x, (size // 2,) * 4).unfold(2, size, 1).unfold(3, size, 1)
    return ((patches[:, None] * weight[:, :, None, None]).sum((2, 5, 6)) + bias[:, None, None])[:, :, r, c]


@wrong("conv_at", "which part of the kernel lies inside")
def place_cut_wrongly(x, weight, bias, r, c):
    m = weight.shape[2] // 2
    patch = x[:, :, max(r - m, 0) : r + m + 1, max(c - m, 0) : c + m + 1]
    inside = weight[:, :, : patch.shape[2], : patch.shape[3]]
    return torch.einsum("bcij,ocij->bo", patch, inside) + bias


@wrong("conv_at", "c the column")
def place_exchanged(x, weight, bias, r, c):
    return place_padded(F.pad(x, (0, 9, 0, 9)), weight, bias, c, r)


@wrong("conv_at", "one value for each image and output")
def place_one_image(x, weight, bias, r, c):
    return conv_at(x, weight, bias, r, c)[0]


@wrong("conv_at", "changes its input x")
def place_in_place(x, weight, bias, r, c):
    found = conv_at(x, weight, bias, r, c)
    x[:, :, r, c] = 0
    return found


@wrong("conv_at", "more than once")
def place_bias_twice(x, weight, bias, r, c):
    return conv_at(x, weight, bias, r, c) + bias


def completing(rule):
    """Particles with another rule: what known pixels do to the weights, and what is done at the end."""

    @torch.no_grad()
    def complete(network, x, known, count, generator=None):
        images = torch.zeros(count, *x.shape[1:], dtype=torch.long, device=x.device)
        weights = torch.ones(count, dtype=torch.double) / count
        for r, c in itertools.product(range(x.shape[2]), range(x.shape[3])):
            p = network(images)[:, :, 0, r, c].double().softmax(1).cpu()
            level = torch.multinomial(p, 1, generator=generator)[:, 0]
            if known[r, c] and rule != "late":
                level = x[0, 0, r, c].expand(count).cpu()
            images[:, 0, r, c] = level.to(x.device)
            if rule == "late" or not (known[r, c] or rule == "all"):
                continue
            weights = weights * p.gather(1, level[:, None])[:, 0] if rule != "last" else p[:, level[0]].clone()
            weights = weights / weights.sum()
            few = 1 / weights.square().sum() < count / 2
            if few and rule not in ("last", "all", "unweighed"):
                chosen = torch.multinomial(weights, count, replacement=rule != "once", generator=generator)
                images, weights = images[chosen], weights[chosen]
                if rule != "never equal":
                    weights = torch.ones(count, dtype=torch.double) / count
        if rule == "late":
            images[:, 0, known] = x[0, 0, known]
        if rule in ("late", "unweighed"):
            return images
        if rule == "best":
            return images[weights.argmax()].expand(count, *x.shape[1:])
        again = rule not in ("once", "once at the end")
        return images[torch.multinomial(weights, count, replacement=again, generator=generator)]

    return complete


@right("complete")
def complete(network, x, known, count, generator=None):
    return completing("")(network, x, known, count, generator)


@right("complete")
def complete_by_logarithms(network, x, known, count, generator=None):
    """Chosen anew at every known pixel, so that all weights are equal at any time."""
    images = x.repeat(count, 1, 1, 1)
    for i in range(known.numel()):
        logp = network(images).flatten(2).log_softmax(1)[:, :, i]
        if known.flatten()[i]:
            chosen = torch.multinomial(logp[:, x.flatten()[i]].exp(), count, replacement=True, generator=generator)
            images = images[chosen]
        else:
            images.view(count, -1)[:, i] = torch.multinomial(logp.exp(), 1, generator=generator)[:, 0]
    return images


@wrong("complete", "weigh each image by what it had expected")
def complete_unweighed(*given):
    return completing("unweighed")(*given)


@wrong("complete", "written in too late")
def complete_late(*given):
    return completing("late")(*given)


@wrong("complete", "drawn pixels change the weights")
def complete_all_pixels(*given):
    return completing("all")(*given)


@wrong("complete", "last known pixel alone")
def complete_last(*given):
    return completing("last")(*given)


@wrong("complete", "all images are the same")
def complete_best(*given):
    return completing("best")(*given)


@wrong("complete", "what was expected counts twice")
def complete_never_equal(*given):
    return completing("never equal")(*given)


@wrong("complete", "chosen without replacement")
def complete_without_replacement(network, x, known, count, generator=None):
    return completing("once")(network, x, known, count, generator)


@wrong("complete", "each image comes once, whatever its weight")
def complete_without_replacement_at_the_end(network, x, known, count, generator=None):
    return completing("once at the end")(network, x, known, count, generator)


@wrong("complete", "what you return is int32")
def complete_in_short(network, x, known, count, generator=None):
    return complete(network, x, known, count, generator).int()


@wrong("complete", "hand it on to all that is drawn")
def complete_own_dice(network, x, known, count, generator=None):
    return complete(network, x, known, count)


@wrong("complete", "a known pixel was drawn over")
def complete_from_nothing(network, x, known, count, generator=None):
    return complete(network, x, torch.zeros_like(known), count, generator)


@wrong("complete", "a pixel is a level")
def complete_floats(network, x, known, count, generator=None):
    return complete(network, x, known, count, generator).float()


@wrong("complete", "images, shape")
def complete_one(network, x, known, count, generator=None):
    return complete(network, x, known, count, generator)[0]
