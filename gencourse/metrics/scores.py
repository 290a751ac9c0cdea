"""What the harness measures, in one record, and how it is written: as a table, as JSON."""

from collections.abc import Mapping
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
