"""A step downhill, a moving average of weights, evaluation for a while."""

import copy
import io

import pytest
import torch
from torch import nn

from gencourse import Average, descend, eval_mode


def test_descend_takes_one_step_and_returns_the_loss():
    w = nn.Parameter(torch.tensor([3.0, -1.0]))
    optimizer = torch.optim.SGD([w], lr=0.1)
    loss = descend(optimizer, (w**2).sum())
    assert loss.item() == 10 and not loss.requires_grad
    assert torch.allclose(w, torch.tensor([2.4, -0.8]))


def test_descend_forgets_earlier_gradients():
    w = nn.Parameter(torch.tensor([3.0]))
    w.grad = torch.tensor([100.0])  # what another loss left
    optimizer = torch.optim.SGD([w], lr=0.1)
    descend(optimizer, w.sum())
    descend(optimizer, w.sum())
    assert w.item() == pytest.approx(2.8)


def test_descend_moves_only_what_its_optimizer_holds():
    ours, theirs = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    descend(torch.optim.SGD([ours], lr=0.5), (ours * theirs).sum())
    assert (ours.item(), theirs.item()) == (0.5, 1.0)


def test_clipping_is_over_all_parameters_of_all_groups():
    a, b, frozen = (nn.Parameter(torch.zeros(1)) for _ in range(3))
    optimizer = torch.optim.SGD([{"params": [a, frozen]}, {"params": [b]}], lr=1.0)
    descend(optimizer, 3 * a.sum() + 4 * b.sum(), clip=1.0)  # a norm of 5 together
    assert torch.allclose(torch.stack([a, b, frozen]).flatten(), torch.tensor([-0.6, -0.8, 0]), atol=1e-5)
    descend(optimizer, 0.3 * a.sum(), clip=1.0)
    assert a.item() == pytest.approx(-0.9, abs=1e-5)  # a small one is left as it is


def test_average_follows_the_formula():
    net = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        net.weight.fill_(0.0)
    average, mean = Average(net, decay=0.5), 0.0
    for n in range(20):
        with torch.no_grad():
            net.weight.fill_(n + 1.0)
        average.update(net)
        decay = min(0.5, (1 + n) / (10 + n))
        mean = decay * mean + (1 - decay) * (n + 1)
        assert average.module.weight.item() == pytest.approx(mean)
    assert net.weight.item() == 20  # the network itself is not touched


def test_average_copies_buffers():
    net = nn.BatchNorm1d(2)
    average = Average(net, decay=0.9)
    for _ in range(3):
        net(torch.randn(8, 2) + 5)
        average.update(net)
    assert torch.equal(average.module.running_mean, net.running_mean)
    assert average.module.num_batches_tracked == 3


def test_average_is_ready_for_evaluation_and_independent():
    net = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)).train()
    average = Average(net)
    assert net.training and all(p.requires_grad for p in net.parameters())
    assert not any(part.training for part in average.module.modules())
    assert not any(p.requires_grad for p in average.module.parameters())
    before = copy.deepcopy(average.module.state_dict())
    descend(torch.optim.SGD(net.parameters(), lr=1.0), net(torch.ones(1, 3)).sum())
    assert all(torch.equal(before[k], v) for k, v in average.module.state_dict().items())


def test_average_takes_no_part_in_gradients():
    net = nn.Linear(2, 1)
    average = Average(net)
    average.update(net)
    assert not any(p.requires_grad or p.grad_fn for p in average.module.parameters())


def test_average_goes_on_after_being_saved():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))

    def go_on(average: Average, steps: int) -> None:
        for _ in range(steps):
            with torch.no_grad():
                net[0].weight.add_(1)
            average.update(net)

    average = Average(net, decay=0.99)
    go_on(average, 4)
    buffer = io.BytesIO()
    torch.save(average.state_dict(), buffer)
    kept = copy.deepcopy(net.state_dict())
    go_on(average, 4)
    buffer.seek(0)
    net.load_state_dict(kept)
    other = Average(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), decay=0.99)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    go_on(other, 4)  # the number of updates belongs to the state: it decides the decay
    assert all(torch.equal(v, other.module.state_dict()[k]) for k, v in average.module.state_dict().items())


@pytest.mark.parametrize("decay", [1.0, -0.1, 999])
def test_a_decay_that_makes_no_sense(decay):
    with pytest.raises(ValueError, match="decay"):
        Average(nn.Linear(1, 1), decay)


def test_average_of_another_network():
    with pytest.raises(ValueError):
        Average(nn.Linear(1, 1)).update(nn.Linear(1, 1, bias=False))


def test_eval_mode_puts_every_part_back():
    net = nn.Sequential(nn.Dropout(), nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2)))
    net.train()
    net[1][0].eval()  # a part that its owner has frozen
    other = nn.Dropout().eval()
    with eval_mode(net, other):
        assert not any(part.training for part in (*net.modules(), *other.modules()))
    assert [part.training for part in net.modules()] == [True, True, True, False, True]
    assert not other.training


def test_eval_mode_puts_back_after_an_error():
    net = nn.Dropout().train()
    with pytest.raises(KeyError), eval_mode(net):
        raise KeyError
    assert net.training
