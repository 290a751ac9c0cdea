"""Chapter 01c, fast style transfer: what its functions are asked, and what is judged by hand."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from numpy.random import Generator

from gencourse.homework.ch01c import calls as ch01c
from gencourse.homework.ch01c import reference
from gencourse.homework.ch01c.mistakes import MISTAKES
from gencourse.homework.checking.calls import Case, Outputs
from gencourse.homework.checking.check import Check
from gencourse.homework.checking.compare import demand, normal, refuse, uniform
from gencourse.methods import fast_style, many_styles
from gencourse.networks.stylenet import conditional_instance_norm


def norm_cases(g: Generator) -> Iterator[Case]:
    """The second batch is nearly flat, so that what is added to the variance counts; in the third a channel is flat."""
    for i, (shape, styles) in enumerate([((3, 4, 5, 6), 4), ((3, 2, 4, 4), 4), ((5, 4, 3, 7), 4), ((1, 5, 6, 2), 2)]):
        b, c = shape[:2]
        x = normal(g, *shape) * np.float32(0.002 if i == 1 else 1.5) + np.float32(0.5)
        if i == 2:
            x[0, 1] = 0.5
        drawn = g.integers(styles, size=b)
        drawn[0], drawn[-1] = styles - 1, 0  # the first picture has another style than the last
        tables = {name: normal(g, styles, c) + np.float32(0.3) for name in ("gamma", "beta")}
        yield {"x": x, **tables, "styles": drawn.astype(np.int64), "weight": normal(g, *shape)}


def objective_cases(g: Generator) -> Iterator[Case]:
    for shape, alpha in [((3, 3, 8, 10), 0.5), ((2, 3, 12, 6), 2.0), ((1, 3, 6, 8), 0.1)]:
        pictures = {name: 2 * uniform(g, *shape) - 1 for name in ("y", "x")}
        weights = {"shallow": uniform(g, 4, 3), "middle": uniform(g, 5, 4) / 2, "deep": uniform(g, 6, 5) / 2}
        grams = {}
        for name, n in (("shallow", 4), ("deep", 6)):
            a = 2 * uniform(g, shape[0], n, n + 2)
            grams[f"gram_{name}"] = a @ a.transpose(0, 2, 1)
        yield pictures | weights | grams | {"alpha": alpha}


def objective_judge(case: Case, outputs: Outputs) -> None:
    names = outputs["names"].split(",")
    wanted = ["content", "style", "total"]
    demand(names == wanted, f"expected the losses {', '.join(wanted)}, got {', '.join(names)}")


def styles_cases(g: Generator) -> Iterator[Case]:
    for widths, styles, k, frozen in [((3, 4, 5), 3, 1, False), ((2, 6), 2, 0, True), ((3, 2, 2, 4), 4, 3, False)]:
        sizes = {"widths": np.array(widths), "styles": styles, "k": k, "frozen": frozen}
        yield sizes | {"seed": int(g.integers(1_000_000))}


def styles_judge(case: Case, outputs: Outputs) -> None:
    """Judge what is in the list first, then what still learns, and last what training did."""
    k, layers = case["k"], len(case["widths"]) - 1
    own = {f"layers.{i}.norm.{kind}.{k}" for i in range(layers) for kind in ("gamma", "beta")}
    listed = outputs["returned"].split(",") if outputs["returned"] else []
    found, learning = set(listed), set(outputs["learning"].split(","))
    refuse(not listed, "the list is empty: gamma and beta of style k are asked for, of every normalisation")
    refuse("?" in found and outputs["equal"], "you return copies: training them would leave the network as it is")
    refuse("?" in found, "there is something in the list that is no parameter of the network")
    shared = sorted(name for name in found if "conv" in name or "last" in name)
    refuse(shared, f"{shared[0] if shared else ''} is in the list: convolutions are shared by all styles")
    others = found - own
    refuse(others, "rows of other styles are in the list: an optimiser's momentum would move them as well")
    refuse(len(listed) > len(found), "a parameter is in the list twice")
    for kind, other in (("gamma", "beta"), ("beta", "gamma")):
        refuse(found == {name for name in own if kind in name}, f"{other} is missing: a style is gamma and beta")
    refuse(found != own, f"the list has {len(found)} parameters of style {k}, the network has {len(own)}")
    refuse(own - learning, "what you return does not learn: its requires_grad is off")
    refuse(learning - own, "the rest of the network still learns: turn off its requires_grad")
    demand(outputs["moved"] == ",".join(sorted(own)), "training what you return moves something else")


def morph_cases(g: Generator) -> Iterator[Case]:
    for widths, share in [((3, 5), 0.25), ((4, 2), 0.8), ((2, 6), 0.6)]:
        rows = {f"{style}_{kind}_{i}": normal(g, n) + np.float32(0.7)
                for style in "ab" for i, n in enumerate(widths) for kind in ("gamma", "beta")}  # fmt: skip
        yield rows | {"share": share}


def worth_cases(g: Generator) -> Iterator[Case]:
    """Losses that fall, with a rise or two; the value is between two of them, one of them, or below them all."""
    for n, kind in [(12, "between"), (9, "one of them"), (7, "never"), (15, "between"), (8, "at once")]:
        losses = np.sort(uniform(g, n))[::-1] + np.float32(0.2)
        losses = losses - np.arange(n, dtype=np.float32) / 10  # no two are alike
        at = int(g.integers(4, n - 2)) if kind != "at once" else 0
        value = {"between": (losses[at - 1] + 3 * losses[at]) / 4, "never": losses.min() - 0.1}.get(kind, losses[at])
        if kind == "between":
            losses[[at + 1, at - 2]] = losses[[at - 2, at + 1]]  # as low once before, and worse again afterwards
        if kind == "one of them":
            losses[at + 1] += 1  # worse again
        yield {"losses": losses.astype(np.float32), "value": float(np.float32(value))}


def worth_judge(case: Case, outputs: Outputs) -> None:
    reached = (case["losses"] <= case["value"]).any()
    nothing = "your function returned nothing (None), where the optimisation gets so far: is there a return?"
    refuse(outputs["never"] and reached, nothing)


def field_cases(g: Generator) -> Iterator[Case]:
    """A transformer network, convolutions alone, and one that enlarges first."""
    middle = [(1, 3, 1)] * int(g.integers(1, 5))
    up = [(2, 1, 2), (0, 3, 1)]
    for layers in (
        [(0, 9, 1), (0, 3, 2), (0, 3, 2), *middle, *up, *up, (0, 9, 1)],
        [(0, int(2 * g.integers(1, 5) + 1), int(g.integers(1, 4))) for _ in range(int(g.integers(2, 6)))],
        [(2, 1, 2), (0, 5, 1), (1, 3, 1), (0, 3, 2), (0, 7, 1)],
    ):
        columns = zip(*layers, strict=True)
        yield dict(zip(("kinds", "kernels", "factors"), map(np.array, columns), strict=True))


FORMS = [partial(reference.perceptual_objective, form) for form in reference.FORMS]
OBJECTIVE = {
    "value content": "the content is content_loss over network.content_layers, a mean over the batch",
    "value style": "the style is the mean of style_loss over network.style_layers and over the batch",
    "value total": "the total is alpha * content + style",
    "graph": "memory is spent on a graph for x: nobody will ask for its gradient",
    "by y": "the total's gradient does not reach y as it should: is one of its parts detached?",
}
CHECKS = {
    "conditional_instance_norm": Check(
        "task-norm",
        norm_cases,
        conditional_instance_norm,
        MISTAKES["conditional_instance_norm"],
        call=ch01c.normalised,
    ),
    "perceptual_objective": Check(
        "task-objective",
        objective_cases,
        FORMS,
        MISTAKES["perceptual_objective"],
        call=ch01c.objective,
        judge=objective_judge,
        no_gradient="no gradient reaches y through the total: a detach or no_grad too many",
        sentences=OBJECTIVE,
    ),
    "style_parameters": Check("task-styles", styles_cases, judge=styles_judge, call=ch01c.parameters_of_style),
    "morph": Check("task-morph", morph_cases, many_styles.morph, MISTAKES["morph"], call=ch01c.between),
    "steps_worth": Check(
        "task-worth",
        worth_cases,
        fast_style.steps_worth,
        MISTAKES["steps_worth"],
        call=ch01c.worth,
        judge=worth_judge,
    ),
    "receptive_field": Check(
        "task-field", field_cases, fast_style.receptive_field, MISTAKES["receptive_field"], call=ch01c.field
    ),
}
