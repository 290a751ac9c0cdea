"""Data sets by name: embedded in the project, or downloaded once and verified.

Example::

    digits = data.digits("train")           # ImageSet: .images uint8 (N, C, H, W), .labels, .names
    batches = data.Batches(digits.signed(), 128, seed=run.seed)
    cat = data.photo("chelsea")             # (1, 3, H, W) in [0, 1]

`CATALOGUE` says what there is; data/README.md where it comes from.
"""

from gencourse.batches import Batches, UnpairedBatches
from gencourse.data.cache import DownloadError, cache_dir
from gencourse.data.catalogue import CATALOGUE, fetch, load, translation_sets
from gencourse.data.drawings import drawing
from gencourse.data.entry import Entry
from gencourse.data.folders import folder
from gencourse.data.gcompris import photograph, photographs, texture, textures
from gencourse.data.imageset import ImageSet
from gencourse.data.landscapes import seasons
from gencourse.data.mnist import digits
from gencourse.data.openmoji import emoji
from gencourse.data.paired import PairedSets, paired_sets
from gencourse.data.pairs import TranslationSets, unpaired
from gencourse.data.pictures import painting, paintings, photo, photos
from gencourse.expect import UnknownName
from gencourse.paths import root

__all__ = ["CATALOGUE", "Batches", "DownloadError", "Entry", "ImageSet", "TranslationSets", "UnknownName"]
__all__ += ["UnpairedBatches", "cache_dir", "digits", "emoji", "fetch", "folder", "load", "painting", "paintings"]
__all__ += ["photo", "photograph", "photographs", "photos", "root", "seasons", "texture", "textures"]
__all__ += ["translation_sets", "unpaired", "PairedSets", "drawing", "paired_sets"]
