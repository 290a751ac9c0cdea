"""What the catalogue says of a data set, and whether it is here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from gencourse import paths
from gencourse.data.cache import DownloadError, cache_dir
from gencourse.data.file import File
from gencourse.data.imageset import ImageSet
from gencourse.data.pairs import TranslationSets


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue: what it is, its files, and the functions that read them once they are here.

    Args:
        name: what it is asked for by.
        about: what it is, in a line.
        files: below the folder of embedded data, or below the cache; none for what is drawn.
        read: pictures of one kind, called as read(split=...).
        pairs: pictures of two kinds, called as pairs(size=..., n=..., tests=...).
        picture: one picture by name, for pictures that differ in size, called as picture(name, size).
        licence: of what is not embedded; embedded files have their origin.
        source: who made what is not embedded.
    """

    name: str
    about: str
    files: tuple[File, ...]
    read: Callable[..., ImageSet] | None = None
    pairs: Callable[..., TranslationSets] | None = None
    picture: Callable[..., Tensor] | None = None
    licence: str = ""
    source: str = ""

    @property
    def embedded(self) -> bool:
        """Whether nothing of it has to be downloaded."""
        return not any(file.mirrors for file in self.files)

    @property
    def only_pairs(self) -> bool:
        """Whether it can be read as two kinds of pictures alone."""
        return self.pairs is not None and self.read is None

    @property
    def licences(self) -> tuple[str, ...]:
        """The licences' names, each once."""
        found = [self.licence, *(file.origin.licence for file in self.files if file.origin)]
        return tuple(dict.fromkeys(name for name in found if name))

    def names(self) -> list[str]:
        """Return the names of its pictures, where each is read by name."""
        return [file.stem for file in self.files] if self.picture else []

    def size(self) -> int:
        """Return the bytes of all its files, as stored or as downloaded."""
        return sum((paths.root() / file.name).stat().st_size if self.embedded else file.size for file in self.files)

    def status(self) -> str:
        """Return "embedded", "drawn", "cached" or "not downloaded"; "missing" where embedded files should be."""
        if not self.files:
            return "drawn"
        if self.embedded:
            return "embedded" if all((paths.root() / file.name).is_file() for file in self.files) else "missing"
        try:
            folder = cache_dir()
        except DownloadError:
            return "not downloaded"
        return "cached" if all(_in_cache(file, folder) for file in self.files) else "not downloaded"

    def __str__(self) -> str:
        status = self.status()
        size = "" if status in ("missing", "drawn") else f"{self.size() / 1e6:6.1f} MB"
        return f"{self.name:<22} {status:<15} {size:>9}  {self.about} ({', '.join(self.licences)})"


def _in_cache(file: File, folder: Path) -> bool:
    """A quick look, without hashing: the content unpacked, or the file in full size."""
    path = folder / file.name
    return path.with_suffix("").is_file() or (path.is_file() and path.stat().st_size == file.size)
