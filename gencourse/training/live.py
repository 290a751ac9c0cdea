"""What `fit` shows while it runs: a progress bar, and in a notebook one picture of preview and curves.

The half of `fit` that touches the screen.
"""

import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor
from tqdm.auto import tqdm

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 9  # inches


def in_notebook() -> bool:
    """Whether a Jupyter or Colab kernel is running this."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and getattr(shell, "kernel", None) is not None


def smooth(values: list[float], beta: float) -> list[float]:
    """Return the exponential moving average of `values`, unbiased at the start.

    Args:
        beta: How much of the old average stays at each value, in [0, 1).

    Source: Kingma and Ba 2015, sec. 3.
    """
    out, mean = [], 0.0
    for i, value in enumerate(values, start=1):
        mean = beta * mean + (1 - beta) * value
        out.append(mean / (1 - beta**i))
    return out


def smoothed(losses: dict[str, list[float]]) -> dict[str, float]:
    """Return the newest value of each loss, smoothed."""
    return {name: smooth(values[-100:], 0.9)[-1] for name, values in losses.items()}


class Live:
    """The bar, and what comes with it: in a notebook a picture that is redrawn in place, elsewhere lines on stderr.

    Where stderr is no terminal, in a log file or a pipe, there is no bar: each of its movements would stay there.

    Args:
        steps: How many there will be.
        done: How many there were before.
        title: What stands beside the bar and over the picture; None for "training".
        show: False keeps the screen still.
    """

    def __init__(self, steps: int, done: int, title: str | None, show: bool = True):
        self.steps, self.title, self.show = steps, title or "training", show
        self.notebook = in_notebook()
        bar = show and (self.notebook or sys.stderr.isatty())
        self.bar = tqdm(
            total=steps, initial=done, desc=self.title, leave=not self.notebook, dynamic_ncols=True, disable=not bar
        )
        self.handle = None

    def advance(self, done: int, latest: dict[str, float]) -> None:
        """Move the bar to step `done` and write the smoothed losses beside it."""
        self.bar.set_postfix({name: f"{value:.4g}" for name, value in latest.items()}, refresh=False)
        self.bar.update(done - self.bar.n)

    def draw(self, done: int, losses: dict[str, list[float]], preview: Callable[[], Tensor] | None) -> None:
        """Redraw the picture in a notebook; elsewhere write a line, of which a page keeps the last."""
        if not self.show:
            return
        if not self.notebook:
            latest = "  ".join(f"{name} {value:.4g}" for name, value in smoothed(losses).items())
            self.bar.write(f"{self.title}: step {done}/{self.steps}  {latest}", file=sys.stderr)
            return
        from IPython.display import Image, display

        figure = curves_and_preview(
            losses, preview() if preview else None, f"{self.title}, step {done} of {self.steps}"
        )
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=80)
        picture = Image(data=buffer.getvalue())
        if self.handle is None:
            self.handle = display(picture, display_id=True)
        else:
            self.handle.update(picture)

    def close(self) -> None:
        """Let the bar go; the last picture stays."""
        self.bar.close()


def curves_and_preview(losses: dict[str, list[float]], preview: Tensor | None, title: str) -> "Figure":
    """Draw smoothed loss curves and, where there is one, a grid of preview images.

    Args:
        losses: Name -> one value a step.
        preview: (B, C, H, W) in [0, 1], or None.

    Raises:
        ValueError: The preview has another shape or type.
    """
    from matplotlib.figure import Figure  # here: `import gencourse` need not wait for it

    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    figure.suptitle(title)  # over both: it says of which step the preview is
    axes = figure.subplots(1, 2 if preview is not None else 1, squeeze=False)[0]
    for i, (name, values) in enumerate(losses.items()):
        colour = f"C{i}"
        axes[0].plot(range(1, len(values) + 1), values, color=colour, alpha=0.2, linewidth=0.8)
        axes[0].plot(range(1, len(values) + 1), smooth(values, 0.95), color=colour, label=name)
    axes[0].set(xlabel="step", ylabel="loss")
    if losses and all(min(values) >= 0 < max(values) for values in losses.values()):
        axes[0].set_yscale("log")
    if losses:
        axes[0].legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))  # beside the curves
    if preview is not None:
        axes[1].imshow(_preview_grid(preview), interpolation="nearest")
        axes[1].set_axis_off()
    return figure


def _preview_grid(preview: Tensor) -> np.ndarray:
    """Return (rows, columns, 3) in [0, 1]. What leaves the range is cut off: a preview stops no training."""
    if preview.ndim != 4 or not preview.is_floating_point():
        raise ValueError(f"preview must return (B, C, H, W) in [0, 1], got {tuple(preview.shape)} {preview.dtype}")
    from gencourse import images  # here: a submission's process needs no pictures

    sheet = images.grid(preview.detach().float().cpu().nan_to_num().clamp(0, 1), pad=1)  # (C, rows, columns)
    return sheet.expand(max(3, len(sheet)), -1, -1).permute(1, 2, 0).numpy()
