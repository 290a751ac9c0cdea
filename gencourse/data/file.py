"""What a file of a data set is: its name, what it must hold, where it comes from."""

from dataclasses import dataclass
from pathlib import PurePosixPath


@dataclass(frozen=True)
class Origin:
    """Where an embedded file comes from, as data/README.md says it.

    Args:
        what: what the file holds, in a few words.
        work: the work and its authors.
        source: the package that it was taken from.
        licence: the licence's name, or "public domain".
    """

    what: str
    work: str
    source: str
    licence: str


@dataclass(frozen=True)
class File:
    """A file of a data set: embedded files have an origin, files to download all the rest.

    Args:
        name: path below the folder that the file belongs to.
        size: bytes.
        sha256: of the file.
        mirrors: addresses, the best first.
        unpacked: sha256 of what is inside a .gz.
        origin: where an embedded file comes from.
    """

    name: str
    size: int = 0
    sha256: str = ""
    mirrors: tuple[str, ...] = ()
    unpacked: str = ""
    origin: Origin | None = None

    @property
    def stem(self) -> str:
        """The file's name without folder and ending: what an embedded picture is asked for by."""
        return PurePosixPath(self.name).stem
