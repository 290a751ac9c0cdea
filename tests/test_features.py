"""The extractors: names, shapes, depth, scale, weights in two conventions, and what happens offline."""

import os
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
import torch.nn.functional as F
import torchvision
from mnist import SHARED
from safetensors.torch import load_file

from gencourse import checkpoints, data
from gencourse.methods.style import gram_matrix, stylize
from gencourse.networks import features
from gencourse.networks.features import extractor, from_caffe
from gencourse.networks.vgg import VGG


@pytest.fixture
def judge_weights():
    """An ImageNet-trained SqueezeNet in Caffe's convention (BSD 2-clause, not shipped)."""
    path = Path(SHARED or os.devnull) / "data" / "weights" / "squeezenet1_0_imagenet.safetensors"
    if not path.is_file():
        pytest.skip("needs an ImageNet-trained SqueezeNet in $GENCOURSE_SHARED/data/weights")
    return path


@pytest.fixture
def vgg19():
    torch.manual_seed(0)
    return extractor("vgg19", weights=None)


def test_the_layers_asked_for_come_back_in_the_order_of_the_network(vgg19):
    torch.manual_seed(0)
    network = extractor("vgg19", weights=None, layers=("conv3_1", "conv1_1"))
    x = torch.rand(2, 3, 32, 48)
    out = network(x)
    assert list(out) == ["conv1_1", "conv3_1"]
    assert out["conv1_1"].shape == (2, 64, 32, 48) and out["conv3_1"].shape == (2, 256, 8, 12)
    assert list(network.stages)[-1] == "conv3_1", "deeper layers than asked for are computed"


def test_vgg19_is_torchvisions_with_average_pooling():
    reference = torchvision.models.vgg19(weights=None).features.eval()
    state = {f"features.{key}": value for key, value in reference.state_dict().items()}
    for i, part in enumerate(reference):
        if isinstance(part, torch.nn.MaxPool2d):
            reference[i] = torch.nn.AvgPool2d(2)
    network = extractor("vgg19", weights=state, layers=("conv2_2", "conv5_1"))
    x = torch.rand(1, 3, 64, 64)
    normal = (x - network.mean) / network.std
    with torch.no_grad():
        expected = {"conv2_2": reference[:9](normal), "conv5_1": reference[:30](normal)}
        found = network(x)
    for layer, value in expected.items():
        torch.testing.assert_close(found[layer] * network.scale[layer], value, rtol=1e-3, atol=1e-4)


def test_squeezenet_is_torchvisions():
    torch.manual_seed(0)
    model = torchvision.models.squeezenet1_0(weights=None).eval()
    network = extractor("squeezenet", weights=model.state_dict(), layers=("conv1", "fire5", "fire9"))
    x = torch.rand(1, 3, 64, 80)
    normal = (x - network.mean) / network.std
    with torch.no_grad():
        expected = {"conv1": model.features[:2](normal), "fire5": model.features[:8](normal)}
        expected["fire9"] = model.features(normal)
        found = network(x)
    for layer, value in expected.items():
        torch.testing.assert_close(found[layer] * network.scale[layer], value, rtol=1e-3, atol=1e-5)


def test_layers_have_a_mean_activation_of_one_on_the_shipped_photographs(vgg19):
    means = {layer: [] for layer in vgg19.layers}
    for name in data.photos():
        for layer, value in vgg19(data.photo(name, size=128)).items():
            means[layer].append(value.mean())
    for values in means.values():
        assert torch.stack(values).mean().item() == pytest.approx(1, rel=1e-4)


def test_stored_scales_are_those_that_the_photographs_give():
    network = extractor("embedded", layers=checkpoints.load("embedded").stages)
    stored = network.scale
    computed = network.normalise(data.photo(name, size=128) for name in data.photos()).scale
    assert (
        stored == pytest.approx(computed, rel=1e-4)
        and len(stored) == 9
        and stored == checkpoints.record("embedded")["scales"]
    )


def test_no_photograph_is_looked_at_where_scales_are_stored(monkeypatch, tmp_path):
    monkeypatch.setattr(data, "photo", lambda *_, **__: pytest.fail("a photograph was looked at"))
    assert extractor("embedded", layers=("conv2_2",)).scale == {
        "conv2_2": checkpoints.record("embedded")["scales"]["conv2_2"]
    }
    record = {key: value for key, value in checkpoints.record("embedded").items() if key != "scales"}
    without = checkpoints.save(tmp_path / "own.safetensors", checkpoints.load("embedded"), record)
    partly = checkpoints.save(
        tmp_path / "part.safetensors", checkpoints.load("embedded"), record | {"scales": {"conv1_1": 5.0}}
    )
    assert extractor("embedded", weights=partly, layers=("conv1_1",)).scale == {"conv1_1": 5.0}
    monkeypatch.setattr(data, "photo", lambda name, size: torch.full((1, 3, 32, 32), 0.5))
    for file in (without, partly):
        assert extractor("embedded", weights=file).scale != {"conv1_1": 5.0}, "not all that are needed are there"


def test_caffe_weights_say_the_same_of_a_picture():
    torch.manual_seed(0)
    conv = torch.nn.Conv2d(3, 5, 7, stride=2)
    x = torch.rand(1, 3, 32, 40)
    bgr = x.flip(1) * 255 - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    expected = conv(bgr)
    new = from_caffe({"features.0.weight": conv.weight, "features.0.bias": conv.bias})
    mean, std = torch.tensor(features.IMAGENET_MEAN).view(1, 3, 1, 1), torch.tensor(features.IMAGENET_STD)
    found = F.conv2d((x - mean) / std.view(1, 3, 1, 1), new["features.0.weight"], new["features.0.bias"], stride=2)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-2)


def test_no_weight_gets_a_gradient_but_the_picture_does(vgg19):
    x = torch.rand(1, 3, 32, 32, requires_grad=True)
    sum(value.sum() for value in vgg19(x).values()).backward()
    assert x.grad is not None and all(p.grad is None and not p.requires_grad for p in vgg19.parameters())
    assert not vgg19.training


@pytest.mark.parametrize("shape", [(3, 32, 32), (1, 1, 32, 32), (1, 4, 32, 32), (1, 3, 31, 64), (1, 3, 1, 1)])
def test_other_shapes_are_refused(vgg19, shape):
    with pytest.raises(ValueError, match="expected"):
        vgg19(torch.rand(shape))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="vgg19"):
        extractor("resnet")
    with pytest.raises(ValueError, match="conv5_1"):
        extractor("vgg19", weights=None, layers=("relu9",))
    with pytest.raises(ValueError, match="at least one"):
        extractor("vgg19", weights=None, layers=())


def test_auto_takes_the_embedded_network_without_asking_for_550_megabytes(monkeypatch):
    monkeypatch.setenv("GENCOURSE_PROFILE", "cpu")
    monkeypatch.setattr(features, "vgg19_is_cached", lambda: False)
    monkeypatch.setattr(features, "_vgg19", lambda *_: pytest.fail("it tried to download VGG19"))
    assert extractor("auto").name == "embedded"


def test_auto_goes_on_with_embedded_when_the_download_fails(monkeypatch, capsys):
    def refuse(*_, **__):
        raise URLError("no route to host")

    monkeypatch.setenv("GENCOURSE_PROFILE", "gpu")
    monkeypatch.setattr(torchvision.models.VGG19_Weights, "get_state_dict", refuse)
    assert extractor("auto").name == "embedded"
    assert len(capsys.readouterr().out.strip().splitlines()) == 1
    with pytest.raises(URLError):
        extractor("vgg19")


def test_the_shipped_network_is_small_and_loads_with_its_record():
    assert (checkpoints.folder() / "embedded.safetensors").stat().st_size <= 3_000_000
    record = checkpoints.record("embedded")
    assert record["steps"] > 0 and record["minutes"] > 0 and "squeezenet" in record["data"]
    network = checkpoints.load("embedded")
    assert isinstance(network, VGG) and not network.training


def own_over_other(network) -> float:
    """How far apart the halves of a painting are, over how far apart halves of different ones are, at a deep layer."""
    halves = []
    for name in data.paintings():
        x = data.painting(name, size=256)
        middle = x.shape[3] // 2
        halves.append([gram_matrix(network(half)["conv4_1"]) for half in (x[..., :middle], x[..., middle:])])

    def far(a, b):
        return ((a - b).square().sum() / (a.norm() * b.norm())).item()

    own = [far(left, right) for left, right in halves]
    other = [far(a[0], b[1]) for a in halves for b in halves if a is not b]
    return (sum(own) / len(own)) / (sum(other) / len(other))


def test_the_shipped_network_recognises_a_style():
    """A painting's halves resemble each other more than halves of different paintings do."""
    assert own_over_other(extractor("embedded", layers=("conv4_1",))) < 0.6


def test_it_stands_in_for_the_imagenet_network_it_was_distilled_from(judge_weights):
    """A transfer on it closes most of the style gap that the same effort on the SqueezeNet itself closes."""
    state = from_caffe(load_file(judge_weights))
    judge, network = extractor("squeezenet", weights=state), extractor("embedded")
    p, a = data.photo("chelsea", size=128), data.painting("auvers", size=128)
    target = {k: gram_matrix(v) for k, v in judge(a).items() if k in judge.style_layers}

    def error(x):
        now = judge(x)
        return sum(((gram_matrix(now[k]) - g).square().sum() / g.square().sum()).item() for k, g in target.items())

    closed = [1 - error(stylize(p, a, n, alpha=0.1, steps=60, show=False).image) / error(p) for n in (network, judge)]
    assert closed[0] > 0.7 * closed[1] > 0.5
