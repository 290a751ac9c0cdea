"""Two kinds of pictures to translate between, and pairs made unpaired."""

from dataclasses import dataclass

from gencourse.data.imageset import ImageSet
from gencourse.expect import ImageError


@dataclass(frozen=True, eq=False)
class TranslationSets:
    """Pictures of two kinds, A and B, of one size; the training sides are unpaired and may differ in length.

    Args:
        name: of the data set.
        train_a: pictures of kind A to train with.
        train_b: pictures of kind B to train with.
        test_a: pictures of kind A to test with.
        test_b: pictures of kind B to test with.
        paired: whether picture i of test_a and picture i of test_b show the same thing.
    """

    name: str
    train_a: ImageSet
    train_b: ImageSet
    test_a: ImageSet
    test_b: ImageSet
    paired: bool


def unpaired(a: ImageSet, b: ImageSet) -> tuple[ImageSet, ImageSet]:
    """Make two sets of pairs unpaired: of each two pictures the first stays in a, the second in b.

    Raises:
        ImageError: when the sets differ in length or hold fewer than two.
    """
    if len(a) != len(b) or len(a) < 2:
        raise ImageError(f"expected two sets of equal length, at least 2, got {len(a)} and {len(b)} pictures")
    return a.subset(slice(0, None, 2)), b.subset(slice(1, None, 2))
