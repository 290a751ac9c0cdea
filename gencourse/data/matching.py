"""Which pictures of two folders belong together: those of one name."""

import re
import warnings
from pathlib import Path

from gencourse.data.folders import NAMED
from gencourse.data.imageset import ImageSet
from gencourse.expect import ImageError


def matched(a: ImageSet, b: ImageSet, least: int = 1) -> tuple[ImageSet, ImageSet]:
    """Bring two sets of files into one order, that of the names which both have; a final _A or _B does not count.

    What has no partner is left out, with a warning that counts and names.

    Args:
        a: each meta[i] with the name of its `file`.
        b: likewise.
        least: how many must have a partner.

    Raises:
        ImageError: when fewer have a partner, or two of one side have the same name.
    """
    places = [_places(side) for side in (a, b)]
    common = [name for name in places[0] if name in places[1]]
    if len(common) < least:
        example = ", ".join(side.meta[0]["file"] for side in (a, b))
        raise ImageError(
            f"these are no {least} pairs: {len(common)} of {len(a)} and {len(b)} pictures have the same name on both "
            f"sides (the first are {example}); a.png belongs to a.jpg, and a_A.png to a_B.png"
        )
    alone = sorted({*places[0], *places[1]} - set(common))
    if alone:
        listed = ", ".join(alone[:NAMED]) + (", ..." if len(alone) > NAMED else "")
        warnings.warn(f"{len(alone)} pictures have no partner and are left out: {listed}", stacklevel=3)
    x, y = (side.subset([place[name] for name in common]) for side, place in zip((a, b), places, strict=True))
    return x, y


def _places(side: ImageSet) -> dict[str, int]:
    """The place of each picture by its name without ending and without a final _A or _B."""
    places: dict[str, int] = {}
    for i, entry in enumerate(side.meta):
        name = re.sub(r"_[AB]$", "", Path(entry["file"]).stem)
        if name in places:
            raise ImageError(f"two pictures of {side.name} are called {name}: which one belongs to its partner?")
        places[name] = i
    return places
