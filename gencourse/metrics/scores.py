"""What the harness measures, in one record, and how it is written: as a table, as JSON."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

NAMES = {  # what the measures are called outside of Python; "frechet" is FID-<classifier>
    "inception": "inception score",
    "neighbours": "1-NN accuracy",
    "neighbours_real": "1-NN accuracy, reference",
    "neighbours_fake": "1-NN accuracy, samples",
    "entropy": "entropy, nats",
    "n_neighbours": "n for neighbours",
    "n_reference": "n of reference",
    "split": "reference",
}
COLUMNS = {  # of a table, after the distance and before the number of classes: the field, and how it is written
    "inception": ".2f",
    "neighbours": ".3f",
    "precision": ".3f",
    "recall": ".3f",
    "confidence": ".3f",
    "entropy": ".3f",
}


@dataclass(frozen=True)
class Scores:
    """How good samples are. `print` gives a table; `table` puts several into one.

    Attributes:
        frechet: Lower is better.
        inception: From 1 to the number of classes.
        neighbours: Leave-one-out 1-NN accuracy, ideal 0.5.
        neighbours_real: The same over the reference alone.
        neighbours_fake: The same over the samples alone.
        precision: A share.
        recall: A share.
        confidence: The mean of the largest probability.
        entropy: Of the samples' classes, in nats.
        classes: How many of them occur.
        n: Number of samples.
        n_reference: Number of pictures in the reference.
        n_neighbours: How many of each side the neighbours, precision and recall were asked for.
        split: What the reference is.
        classifier: Its name.
        spread: Standard deviations by field, empty unless asked for.
    """

    frechet: float
    inception: float
    neighbours: float
    neighbours_real: float
    neighbours_fake: float
    precision: float
    recall: float
    confidence: float
    entropy: float
    classes: int
    n: int
    n_reference: int
    n_neighbours: int
    split: str
    classifier: str
    spread: dict[str, float] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What the Frechet distance is called: FID-<classifier>."""
        return f"FID-{self.classifier}"

    def as_dict(self) -> dict[str, float | int | str | dict[str, float]]:
        """All of it under readable names, for JSON and for the record of a checkpoint."""
        names = NAMES | {"frechet": self.label}
        values = {names.get(name, name): value for name, value in vars(self).items() if name != "spread"}
        spread = {names.get(name, name): value for name, value in self.spread.items()}
        return values | ({"spread": spread} if spread else {})

    def __str__(self) -> str:
        return table({"": self})

    def _repr_markdown_(self) -> str:
        return str(self)


def table(rows: Mapping[str, Scores]) -> str:
    """Lay out scores as one Markdown table, a row each under its name.

    Raises:
        ValueError: They are of different classifiers.
    """
    labels = {scores.label for scores in rows.values()}
    if len(labels) != 1:
        raise ValueError(f"one table needs scores of one classifier, got {', '.join(sorted(labels)) or 'none'}")
    head = ["", "n", "against", *labels, *(NAMES.get(name, name) for name in COLUMNS), "classes"]
    lines = [head, *([name, *_cells(scores)] for name, scores in rows.items())]
    if not any(rows):
        lines = [line[1:] for line in lines]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    written = ["| " + " | ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)) + " |" for line in lines]
    return "\n".join([written[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *written[1:]])


def _cells(scores: Scores) -> list[str]:
    """What stands in a row after its name."""

    def cell(name: str, form: str) -> str:
        value = f"{getattr(scores, name):{form}}"
        return f"{value} ± {scores.spread[name]:{form}}" if name in scores.spread else value

    against = f"{scores.split} ({scores.n_reference:,})"
    measures = [cell("frechet", ".3f"), *(cell(name, form) for name, form in COLUMNS.items())]
    return [f"{scores.n:,}", against, *measures, f"{scores.classes}"]


BETTER = {  # of a comparison's columns: the arrow, and what is best of several
    "frechet": ("↓", min),
    "inception": ("↑", max),
    "neighbours": ("→ ½", lambda values: min(values, key=lambda value: abs(value - 0.5))),
    "precision": ("↑", max),
    "recall": ("↑", max),
    "confidence": ("↑", max),
    "entropy": ("↑", max),
}


def comparison(rows: Mapping[str, Scores]) -> str:
    """Lay out scores for a reader: an arrow shows which way is better, the best of several is bold.

    What all rows share, how many pictures and against which, stands once below the table.

    Raises:
        ValueError: They are of different classifiers, numbers or references.
    """
    facts = {(s.label, f"{s.n:,} pictures each, against {s.split} ({s.n_reference:,})") for s in rows.values()}
    if len(facts) != 1:
        raise ValueError(f"a comparison needs one classifier, number and reference, got {len(facts)} kinds")
    ((label, below),) = facts
    names = NAMES | {"frechet": label}
    head = ["", *(f"{names.get(name, name)} {arrow}" for name, (arrow, _) in BETTER.items())]
    lines = [[name, *_marked(scores, rows.values())] for name, scores in rows.items()]
    written = ["| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines)]
    return "\n".join([*written, "", below])


def _marked(scores: Scores, others: Collection[Scores]) -> list[str]:
    """What stands in a row after its name; the best of several that are not all equal as written is bold."""
    cells = []
    for name, (_, best) in BETTER.items():
        form = COLUMNS.get(name, ".3f")
        value = f"{getattr(scores, name):{form}}"
        written = {f"{getattr(other, name):{form}}" for other in others}
        top = f"{best([getattr(other, name) for other in others]):{form}}"
        cells.append(f"**{value}**" if value == top and len(written) > 1 else value)
    return cells
