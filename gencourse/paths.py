"""Where the files of the course lie: in a checkout, or inside the installed package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent  # where the package is installed without a checkout, this is only the folder of all packages


def root() -> Path:
    """Return the folder of the embedded data: inside the installed package, or `data` of the checkout.

    Raises:
        FileNotFoundError: Neither is there.
    """
    for folder in (PACKAGE / "_data", CHECKOUT / "data"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the embedded data is missing from {PACKAGE}: install the package again")


def weights() -> Path:
    """Return the folder of the shipped weights.

    Raises:
        FileNotFoundError: As in `root`.
    """
    return root() / "checkpoints"
