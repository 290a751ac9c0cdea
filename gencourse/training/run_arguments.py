"""What a training was started with, kept in its save."""

from argparse import Namespace
from typing import Any

ELSEWHERE = ("out", "save_to", "device")  # where a script runs and what it writes: its results do not depend on them


class RunArguments:
    """What a training was started with, for the `state` of `fit`: a save made with other values is refused.

    Args:
        values: Numbers, texts, truth values or None, by name; anything else is kept as the text that it prints as.
    """

    def __init__(self, **values: Any):
        plain = (int, float, str, bool, type(None))
        self.values = {name: value if isinstance(value, plain) else str(value) for name, value in values.items()}

    @classmethod
    def of(cls, arguments: Namespace) -> "RunArguments":
        """Return the arguments of a script, but for those that say where it runs and what it writes."""
        return cls(**{name: value for name, value in vars(arguments).items() if name not in ELSEWHERE})

    def state_dict(self) -> dict[str, Any]:
        return dict(self.values)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Compare with what a save was made with.

        Raises:
            ValueError: Something differs; the message names it.
        """
        names = sorted(self.values.keys() | state.keys())
        if differing := [name for name in names if self.values.get(name) != state.get(name)]:
            told = ", ".join(f"{name} {state.get(name)}, now {self.values.get(name)}" for name in differing)
            raise ValueError(f"it was saved with {told}")
