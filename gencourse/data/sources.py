"""The picture sets of the CycleGAN paper: two kinds of pictures each, in one .zip with trainA, trainB, testA, testB.

Sizes and sha256 are those that TensorFlow Datasets recorded (url_checksums/cycle_gan.txt), as for MNIST. The first
address is the one the authors name today; users report the old one, kept last, as gone since 2023. horse2zebra also
lies on Hugging Face, put there from the first address. None of them could be tried where this was written: whatever
an address sends is held against size and sha256 before it is used.
"""

from gencourse.data.cache import cache_dir
from gencourse.data.file import File
from gencourse.data.folders import from_zip
from gencourse.data.pairs import TranslationSets

_TODAY = "https://efrosgans.eecs.berkeley.edu/cyclegan/datasets/"
_OLD = "https://people.eecs.berkeley.edu/~taesung_park/CycleGAN/datasets/"
_ELSEWHERE = {"horse2zebra": "https://huggingface.co/datasets/kerls/cyclegan-horse2zebra/resolve/main/"}

_FACTS = (  # name, what it holds, bytes, sha256
    (
        "horse2zebra",
        "1,187 horses and 1,474 zebras from ImageNet, 256 x 256",
        116_867_962,
        "a74d9d392eecca9966b51287a76ca126af473d9de4f3e8fc0e9cda08fa1730a1",
    ),
    (
        "apple2orange",
        "apples and oranges from ImageNet, 256 x 256",
        78_456_409,
        "845a191e9af8926408ea597001cd03a452e3300a1f44a79fe329b3d59f6e3eb8",
    ),
    (
        "summer2winter_yosemite",
        "photographs of Yosemite in summer and in winter, 256 x 256",
        132_640_856,
        "167fe1726807a9d22bd106b4a6c0bd7953b688af924ac1bf967439c4961e49f9",
    ),
    (
        "monet2photo",
        "paintings by Monet and landscape photographs, 256 x 256",
        305_231_073,
        "88f91b00fc228f97c9411fbf1880ec1d119c98f1722e4cfcfaa2fb35fac05b04",
    ),
    (
        "cezanne2photo",
        "paintings by Cezanne and landscape photographs, 256 x 256",
        279_885_071,
        "3a6c10ca21f9485862f1cbd707744b9dc258954a04631271d23a3605eeb63cff",
    ),
    (
        "ukiyoe2photo",
        "ukiyo-e prints and landscape photographs, 256 x 256",
        292_946_532,
        "02a2a2fb5ecf425ca1bf86aca7304377da64a2a1d3b86df54eb65e4068bf3b08",
    ),
    (
        "vangogh2photo",
        "paintings by Van Gogh and landscape photographs, 256 x 256",
        306_590_349,
        "362c3473e70be0944bda08d49d660eafdc2854df55d697835b8186d1d79caaff",
    ),
    (
        "facades",
        "photographs of facades and their label maps, 256 x 256",
        35_135_868,
        "9a31ebf3a31b9b5cd195dd5bf62e9308e00cb94604d1019e3889ac84248695c0",
    ),
    (
        "maps",
        "aerial photographs and maps, 600 x 600",
        1_476_754_427,
        "639534f69dbf9f36bef8d6292a7698006361221f83f0285d7c9ca78afe6e8a9e",
    ),
    (
        "iphone2dslr_flower",
        "flowers photographed with a telephone and with a large camera",
        339_964_458,
        "8fcb5e374d631b107e1d961b8c4cd0a186aa2a4ff3e279923f4c426128de7113",
    ),
)


def read(name: str, *, size: int = 64, n: int | None = None, tests: int | None = None) -> TranslationSets:
    """Return a set of the paper from the cache.

    Args:
        name: of the set.
        size: pixels a side.
        n: pictures a side to train with at most, None for all.
        tests: pictures a side to test with at most, None for all.

    Raises:
        DownloadError: when the file is damaged.
        ImageError: when a folder in it has no pictures or none can be read.

    Source: Zhu et al. 2017.
    """
    return from_zip(cache_dir() / _path(name), name, size=size, n=n, tests=tests)


def _path(name: str) -> str:
    return f"cyclegan/{name}.zip"


def _file(name: str, size: int, sha256: str) -> File:
    mirrors = (_TODAY, *([_ELSEWHERE[name]] if name in _ELSEWHERE else []), _OLD)
    return File(_path(name), size, sha256, tuple(f"{mirror}{name}.zip" for mirror in mirrors))


PAPER_SETS = tuple((name, about, _file(name, size, sha256)) for name, about, size, sha256 in _FACTS)
