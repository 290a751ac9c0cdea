"""Where the files of the course lie: in a checkout, or inside the installed package."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
CHECKOUT = PACKAGE.parent  # where the package is installed without a checkout, this is only the folder of all packages


def root() -> Path:
    """Folder of the embedded data: inside the installed package, or `data` of the checkout.

    Raises FileNotFoundError when neither is there.
    """
    for folder in (PACKAGE / "_data", CHECKOUT / "data"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the embedded data is missing from {PACKAGE}: install the package again")


def weights() -> Path:
    """Folder of the shipped weights. Raises as `root` does."""
    return root() / "checkpoints"
