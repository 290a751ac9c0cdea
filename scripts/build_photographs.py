"""Build the embedded photographs and textures; called by build_data.py.

The photographs lie in three files of Debian's `gcompris-qt-data`, containers of Qt's resource compiler: a header
(`qres`, version, where tree, data and names begin), a tree of folders and files, the contents, the names. Pictures are
stored as they are, READMEs compressed or not. What a README says of author and licence must be what the table in
gencourse/data/gcompris.py says.
"""

import io
import re
import struct
import zlib
from collections.abc import Iterable
from pathlib import Path

from PIL import Image
from torch import Tensor

from gencourse import images
from gencourse.data.gcompris import CC0, PHOTOGRAPHS, PUBLIC, TEXTURES

CONTAINERS = ("explore_farm_animals.rcc", "explore_monuments.rcc", "explore_world_animals.rcc")
SHORTER, SIDE, LIMIT = 288, 192, 2_000_000  # pixels of a photograph, of a texture; bytes of all photographs
LICENCES = {"Public Domain": PUBLIC, "CC0-1.0": CC0}
WRONG_NAMES = {"audaPalatina": "aulaPalatina"}  # in a README, and the file's
FOLDER, COMPRESSED = 2, 1  # flags of a node


def build(folder: Path, data: Path) -> None:
    """Write photographs and textures.

    Args:
        folder: Where the .rcc files are, `usr/share/gcompris-qt/rcc` of the unpacked Debian package.
        data: The folder of embedded data.

    Raises:
        SystemExit: A photograph is missing, its README disagrees with our table, or all are too large.
    """
    import skimage

    contents = read(folder)
    pictures = webps(contents)
    told = {}
    for name, part in contents.items():
        if name.endswith("README"):
            told |= facts(part.decode())
    for file in PHOTOGRAPHS:
        stem = key(file.stem)
        author, licence = told[stem]
        if not file.origin.work.startswith(f"{author}: ") or file.origin.licence != LICENCES[licence]:
            raise SystemExit(f"{file.name}: the package says {author}, {licence}; our table {file.origin}")
        save(pictures[stem], data / file.name)
    if (total := sum((data / file.name).stat().st_size for file in PHOTOGRAPHS)) > LIMIT:
        raise SystemExit(f"the photographs take {total:,} bytes, at most {LIMIT:,} are wanted")
    for file in TEXTURES:
        source = Path(skimage.__file__).parent / "data" / f"{file.stem}.png"
        small = Image.open(source).convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        (data / file.name).parent.mkdir(exist_ok=True)
        small.convert("RGB").save(data / file.name, "WEBP", lossless=True, method=6)


def read(folder: Path) -> dict[str, bytes]:
    """Return {path: content} of the three containers."""
    return {name: part for rcc in CONTAINERS for name, part in unpack((folder / rcc).read_bytes()).items()}


def webps(contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return {key of a photograph: its file}."""
    return {key(Path(name).stem): part for name, part in contents.items() if name.endswith(".webp")}


def originals(folder: Path, names: Iterable[str], shorter: Iterable[int]) -> list[Tensor]:
    """Return photographs as the package has them, at several sizes: each (1, 3, H, W) in [0, 1].

    Args:
        folder: As for `build`.
        names: Of embedded photographs.
        shorter: Pixels of the shorter side; sizes above the original's are left out.
    """
    pictures, sizes = webps(read(folder)), tuple(shorter)
    whole = [opened(pictures[key(name)]) for name in names]
    return [images.load(resized(x, size)) for x in whole for size in sizes if size <= min(x.size)]


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content)).convert("RGB")


def resized(picture: Image.Image, shorter: int) -> Image.Image:
    size = [round(side * shorter / min(picture.size)) for side in picture.size]
    return picture.resize(size, Image.Resampling.LANCZOS)


def save(content: bytes, target: Path) -> None:
    """Write a photograph with the shorter side of SHORTER pixels."""
    target.parent.mkdir(exist_ok=True)
    resized(opened(content), SHORTER).save(target, "WEBP", quality=80, method=6)


def key(stem: str) -> str:
    """Return a name without the marks that part its words: greatWallofChina, great_wall_of_china."""
    return stem.replace("_", "").lower()


def facts(readme: str) -> dict[str, tuple[str, str]]:
    """Return {key of a photograph: (author, licence)} of a README: paragraphs, each of several lines."""
    found = {}
    for paragraph in re.split(r"\n\s*\n", readme):
        lines = dict(re.findall(r"^(Copyright|License): (.*)$", paragraph, re.MULTILINE))
        for stem in re.findall(r"(\w+)\.webp$", paragraph, re.MULTILINE):
            found[key(WRONG_NAMES.get(stem, stem))] = lines["Copyright"].strip(), lines["License"].strip()
    return found


def unpack(content: bytes) -> dict[str, bytes]:
    """Return {path: content} of a container of Qt's resource compiler."""
    magic, version, tree, data, names = struct.unpack_from(">4s4I", content)
    if magic != b"qres":
        raise SystemExit("no container of Qt's resource compiler")
    size, found = (14 if version < 2 else 22), {}

    def walk(node: int, path: str) -> None:
        start = tree + node * size
        name, flags = struct.unpack_from(">IH", content, start)
        length = struct.unpack_from(">H", content, names + name)[0]
        begin = names + name + 6  # behind the length there is a hash
        path += "/" + content[begin : begin + 2 * length].decode("utf-16-be") if node else ""
        if flags & FOLDER:
            count, first = struct.unpack_from(">II", content, start + 6)
            for child in range(first, first + count):
                walk(child, path)
            return
        begin = data + struct.unpack_from(">I", content, start + 10)[0]
        part = content[begin + 4 : begin + 4 + struct.unpack_from(">I", content, begin)[0]]
        found[path] = zlib.decompress(part[4:]) if flags & COMPRESSED else part

    walk(0, "")
    return found
