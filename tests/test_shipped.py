"""The weights in data/checkpoints still load, and are still as good as their records say."""

import pytest
import torch
from mnist import images_of, needs_mnist

from gencourse import checkpoints, data
from gencourse.methods.cyclegan import translate
from gencourse.methods.pixelcnn import bits_per_dim, evaluate, quantise, static_digits
from gencourse.methods.probe import error_count
from gencourse.metrics import features, frechet_distance, psnr

LARGEST = 6e6  # bytes of one file: everybody who clones the course takes all of them along
SMALLER = {  # what is held to less
    "digits": 3e6,
    "dcgan_digits": 3e6,
    "cyclegan_summer2winter": 3e6,
    "cyclegan_winter2summer": 3e6,
    "pix2pix_emoji": 4e6,
    "pixelcnn_digits": 3e6,
    "pixelcnn_emoji": 1e6,
    "sgan_digits": 1.5e6,
    "superres_adversarial": 350e3,
    "superres_pixel": 350e3,
}


@pytest.fixture(scope="module")
def classifier():
    return checkpoints.load("digits").to(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def real(classifier):
    """What the classifier makes of the 10,000 embedded digits, which neither it nor the GAN was trained on."""
    return features(data.digits().unit(), classifier)


@pytest.mark.parametrize("name", sorted(checkpoints.MODELS))
def test_it_is_small_and_says_how_it_was_made(name):
    assert (checkpoints.folder() / f"{name}.safetensors").stat().st_size <= SMALLER.get(name, LARGEST)
    record = checkpoints.record(name)
    assert record["steps"] > 1000 and record["minutes"] > 1, "a trial run, not what ships: train it in full"
    assert record["scores"] and record["data"]


@pytest.mark.parametrize("name", sorted(checkpoints.MODELS))
def test_it_is_built_again_from_its_record(name):
    network = checkpoints.load(name)
    assert isinstance(network, checkpoints.MODELS[name].network) and not network.training
    assert all(weight.dtype == torch.float32 and weight.isfinite().all() for weight in network.parameters())


def test_the_classifier_reads_digits_it_has_never_seen(real):
    right = (real.probabilities.argmax(1) == data.digits().labels).double().mean().item()
    assert right >= 0.993
    assert right == pytest.approx(checkpoints.record("digits")["scores"]["accuracy on MNIST test"], abs=0.004)


def test_the_generator_reaches_its_recorded_scores(real, classifier):
    draw, network = checkpoints.sampler("dcgan_digits"), checkpoints.load("dcgan_digits")
    generator = torch.Generator().manual_seed(1)  # not the seed of the record
    samples = torch.cat([draw(network, 500, generator=generator) for _ in range(20)])
    found, recorded = features(samples, classifier), checkpoints.record("dcgan_digits")["scores"]
    assert frechet_distance(real.features, found.features) <= 1.1 * recorded["FID-digits"]
    confidence = found.probabilities.max(1).values.mean().item()
    assert confidence >= 0.96 and confidence == pytest.approx(recorded["confidence"], rel=0.1)
    assert found.probabilities.argmax(1).bincount(minlength=10).min() > 800


def test_the_generator_draws_the_digit_it_is_asked_for(classifier):
    labels = torch.arange(10).repeat(30)
    draw, network = checkpoints.sampler("dcgan_digits"), checkpoints.load("dcgan_digits")
    samples = draw(network, 300, labels=labels, generator=torch.Generator().manual_seed(2))
    read = features(samples, classifier).probabilities.argmax(1)
    assert (read == labels).double().mean() > 0.97


def test_the_diffusion_draws_the_digit_it_is_asked_for_in_twenty_steps(classifier, real):
    """500 digits: the recorded distance is of 10,000, and falls as 1 / n; 1,000 real ones get 0.6, so 500 get 1.2."""
    labels = torch.arange(500) % 10
    draw, network = checkpoints.sampler("ddpm_digits"), checkpoints.load("ddpm_digits")
    samples = draw(network, 500, labels=labels, generator=torch.Generator().manual_seed(2), steps=20)
    found, recorded = features(samples, classifier), checkpoints.record("ddpm_digits")["scores"]
    assert (found.probabilities.argmax(1) == labels).double().mean() > 0.97
    assert found.probabilities.max(1).values.mean().item() == pytest.approx(recorded["confidence"], abs=0.01)
    assert frechet_distance(real.features, found.features) <= recorded["FID-digits"] + 1.4


def test_the_classifier_from_a_hundred_labels_misreads_as_few_as_recorded():
    recorded, digits = checkpoints.record("sgan_digits"), data.digits()
    errors = error_count(checkpoints.load("sgan_digits"), digits.unit(), digits.labels)
    assert recorded["labels"] == 100
    assert errors == pytest.approx(recorded["scores"]["errors of 10,000 embedded digits"], abs=3)
    assert errors <= 150


@pytest.mark.parametrize("way", ["summer2winter", "winter2summer"])
def test_the_translations_are_as_near_to_the_truth_as_recorded(way):
    pair = {season: data.seasons(season, "test", 60).unit() for season in ("summer", "winter")}
    given, truth = (pair[season] for season in way.split("2"))
    network, recorded = checkpoints.load(f"cyclegan_{way}"), checkpoints.record(f"cyclegan_{way}")["scores"]
    found, copied = psnr(translate(network, given), truth).mean().item(), psnr(given, truth).mean().item()
    assert found == pytest.approx(recorded["PSNR on 200 test pairs"], abs=0.6)
    assert found > copied + 4


def nats_recorded(part: str) -> float:
    """The recorded nats an image on one of the two sets that the PixelCNN was scored on."""
    (found,) = (v for name, v in checkpoints.record("pixelcnn_digits")["scores"].items() if part in name)
    return found


def test_the_pixelcnn_finds_digits_as_likely_as_recorded():
    digits = static_digits(data.digits("test").unit()[:500])
    found = evaluate(checkpoints.load("pixelcnn_digits"), digits).mean().item()
    assert found == pytest.approx(nats_recorded("the first 500 of the embedded"), abs=0.02)
    assert nats_recorded("10,000 digits") <= 81.3  # van den Oord et al. 2016, table 4


@pytest.mark.parametrize(("split", "part"), [("test", "has not seen"), ("train", "trained on")])
def test_the_pixelcnn_in_colour_finds_emoji_as_likely_as_recorded(split, part):
    network = checkpoints.load("pixelcnn_emoji")
    x = quantise(data.emoji(32, groups="smileys-emotion", split=split).unit(), network.levels)
    (recorded,) = (v for name, v in checkpoints.record("pixelcnn_emoji")["scores"].items() if part in name)
    found = bits_per_dim(evaluate(network, x, batch_size=32).mean().item(), 3 * 32 * 32)
    assert found == pytest.approx(recorded, abs=0.002)
    assert recorded < 0.5  # four levels, each as likely, cost two bits


@pytest.mark.slow
@needs_mnist
def test_the_pixelcnn_finds_digits_it_has_never_seen_as_likely_as_recorded():
    digits = static_digits(torch.from_numpy(images_of("t10k").copy()).float() / 255)
    found = evaluate(checkpoints.load("pixelcnn_digits"), digits).mean().item()
    assert found == pytest.approx(nats_recorded("10,000 digits"), abs=0.02)
