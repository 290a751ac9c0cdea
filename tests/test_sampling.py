"""One seed a picture: it is the same alone, in batches of any size, in any order, its class asked for or drawn."""

import pytest
import torch
from torch.testing import assert_close

from gencourse.methods import denoising, gan, pixelcnn
from gencourse.methods.sampling import any_class, generators, in_batches, normal, picture_seeds, uniform
from gencourse.networks.dcgan import Generator
from gencourse.networks.pixelcnn import PixelCNN


def a_gan(classes: int | None):
    """Batch statistics that tell pictures apart, and in train mode: it must be put in eval mode."""
    return Generator(size=8, latent=5, width=4, classes=classes), gan.sample_images, {}


def a_pixelcnn(classes: int | None):
    network = PixelCNN(levels=4, width=4, layers=2, first_kernel=3, side=5, classes=classes or 0)
    return network, pixelcnn.sample_images, {}


def a_diffusion(classes: int | None):
    network = {"widths": [8], "attention": 0, "classes": classes or 0}
    return denoising.Diffusion(network=network, shape=[1, 6, 6]), denoising.sample_images, {"steps": 4}


MAKERS = [a_gan, a_pixelcnn, a_diffusion]


def made(maker, classes: int | None):
    torch.manual_seed(0)
    network, draw, options = maker(classes)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return lambda n, **others: draw(network, n, **options, **others)


def close(a: torch.Tensor, b: torch.Tensor) -> None:
    """Levels are equal or differ by a third."""
    assert_close(a, b, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("classes", [None, 3])
def test_a_picture_depends_on_its_own_seed_alone(maker, classes):
    """None of the pictures has a multiple of 16 numbers, which torch draws at once."""
    draw = made(maker, classes)
    whole = draw(21, generator=torch.Generator().manual_seed(3))
    seeds = picture_seeds(21, torch.Generator().manual_seed(3))
    assert whole.device.type == "cpu" and whole.min() >= 0 and whole.max() <= 1 and len(whole.unique(dim=0)) == 21
    for batch_size in (1, 4, 21):
        close(draw(21, seeds=seeds, batch_size=batch_size), whole)
    close(draw(5, generator=torch.Generator().manual_seed(3)), whole[:5])
    order = torch.randperm(21, generator=torch.Generator().manual_seed(0))
    close(draw(21, seeds=torch.tensor(seeds)[order], batch_size=8), whole[order])
    close(draw(1, seeds=[seeds[7]]), whole[7:8])
    assert not torch.equal(draw(21, generator=torch.Generator().manual_seed(4)), whole)


@pytest.mark.parametrize("maker", MAKERS)
def test_labels_go_with_their_pictures(maker):
    draw, labels, seeds = made(maker, 3), torch.arange(10) % 3, list(range(10))
    whole = draw(10, labels=labels, seeds=seeds)
    close(draw(10, labels=labels, seeds=seeds, batch_size=3), whole)
    close(draw(2, labels=labels[[8, 1]], seeds=[8, 1]), whole[[8, 1]])
    other = draw(10, labels=(labels + 1) % 3, seeds=seeds)
    assert (other - whole).flatten(1).abs().amax(1).gt(1e-3).sum() > 3


@pytest.mark.parametrize("maker", [a_gan, a_pixelcnn])
def test_without_labels_each_picture_draws_its_class(maker):
    draw, seeds = made(maker, 3), list(range(30))
    classes = any_class(3, seeds)
    assert classes.bincount(minlength=3).min() > 4
    close(draw(30, seeds=seeds), draw(30, seeds=seeds, labels=classes))


def test_without_labels_diffusion_takes_its_null_label():
    torch.manual_seed(0)
    diffusion, draw, options = a_diffusion(3)
    asked = []
    diffusion.network.forward = lambda x_t, t, labels=None: asked.append(labels) or x_t
    draw(diffusion, 2, seeds=[1, 2], **options)
    assert asked == [None] * 4


@pytest.mark.parametrize("maker", MAKERS)
def test_a_network_is_left_in_its_mode(maker):
    torch.manual_seed(0)
    network, draw, options = maker(None)
    draw(network.train(), 2, **options)
    assert all(part.training for part in network.modules())


@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize(
    "n, options, message",
    [
        (0, {}, "pictures must be a whole number of at least 1, got 0"),
        (2, {"seeds": [1]}, "2 pictures need as many seeds, got 1"),
        (2, {"labels": torch.tensor([0])}, r"labels must be \(2,\) int64"),
        (2, {"labels": torch.tensor([0, 3])}, r"labels must lie in \[0, 3\), got 0 to 3"),
        (2, {"labels": torch.tensor([0.0, 1.0])}, "int64"),
    ],
)
def test_bad_input(maker, n, options, message):
    with pytest.raises(ValueError, match=message):
        made(maker, 3)(n, **options)


@pytest.mark.parametrize("maker", MAKERS)
def test_labels_without_classes(maker):
    with pytest.raises(ValueError, match="has no classes"):
        made(maker, None)(2, labels=torch.tensor([0, 1]))


def test_batches_tell_how_far_they_are():
    told = []
    found = in_batches(lambda seeds, labels: torch.tensor(seeds), list(range(7)), batch_size=3, progress=told.append)
    assert told == [3, 3, 1] and torch.equal(found, torch.arange(7))


@pytest.mark.parametrize("draw", [normal, uniform])
def test_a_generator_for_each_picture(draw):
    x = draw((3, 1, 5, 5), generators([4, 5, 4]), torch.float64)
    assert x.shape == (3, 1, 5, 5) and x.dtype == torch.float64
    assert torch.equal(x[0], x[2]) and not torch.equal(x[0], x[1])
    assert torch.equal(x[1:2], draw((1, 1, 5, 5), torch.Generator().manual_seed(5), torch.float64))
    with pytest.raises(ValueError, match="2 pictures need as many generators, got 3"):
        draw((2, 1, 5, 5), generators([4, 5, 4]))


@pytest.mark.parametrize("draw, torchs", [(normal, torch.randn), (uniform, torch.rand)])
@pytest.mark.parametrize("shape", [(), (7,), (3, 1, 5, 5)])
def test_draws_are_torchs_own_numbers(draw, torchs, shape):
    """Also for shapes below 16 numbers, which torch draws otherwise, and none at all."""
    assert torch.equal(draw(shape, torch.Generator().manual_seed(5)), torchs(shape, generator=generators([5])[0]))


def test_seeds_are_many_and_the_first_do_not_depend_on_how_many():
    seeds = picture_seeds(1000, torch.Generator().manual_seed(0))
    assert len(set(seeds)) == 1000 and max(seeds) > 2**60
    assert picture_seeds(5, torch.Generator().manual_seed(0)) == seeds[:5]
