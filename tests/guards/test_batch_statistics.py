"""Batch-normalisations on the statistics of their inputs, for as long as a block lasts."""

import pytest
import torch
from torch import nn

from benchcli.guards.batch_statistics import normalisations, of_each_input


def deep() -> nn.Sequential:
    torch.manual_seed(0)
    layers = [part for _ in range(20) for part in (nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.SiLU())]
    return nn.Sequential(*layers).eval()


def spread(network: nn.Module) -> float:
    """Return how far the outputs for two inputs are apart, relative to their norm."""
    with torch.no_grad():
        one, two = (network(torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(n))) for n in (1, 2))
    return float((one - two).norm() / one.norm())


def test_the_signal_is_kept_in_the_block_and_the_network_is_as_it_was_afterwards() -> None:
    network = deep()
    before, statistics = spread(network), {key: value.clone() for key, value in network.state_dict().items()}
    with of_each_input(network) as sizes:
        within = spread(network)
    assert sizes == [64] * 40
    assert before < 1e-3 < 0.1 < within
    assert spread(network) == before
    assert all(torch.equal(value, statistics[key]) for key, value in network.state_dict().items())
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in network)


def test_one_call_for_two_images_has_statistics_of_another_number_of_values() -> None:
    """So that a check does not take them for a change of what the network computes."""
    network, given = deep()[:2], torch.randn(2, 4, 8, 8)
    with torch.no_grad(), of_each_input(network) as apart:
        network(given[:1]), network(given[1:])
    with torch.no_grad(), of_each_input(network) as together:
        network(given)
    assert (apart, together) == ([64, 64], [128])


def test_they_are_put_back_after_an_error_too() -> None:
    network = deep()
    with pytest.raises(RuntimeError), of_each_input(network):
        network(torch.zeros(1, 5, 8, 8))
    assert len(normalisations(network)) == 20


def test_a_single_value_for_each_channel_has_no_statistics() -> None:
    network = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4)).eval()
    given = torch.randn(1, 4, 8, 8)
    with torch.no_grad(), of_each_input(network):
        assert torch.equal(network(given), network[1](network[0](given)))


def test_those_in_training_or_without_running_statistics_are_left_alone() -> None:
    assert normalisations(nn.BatchNorm2d(4)) == []
    assert normalisations(nn.BatchNorm2d(4, track_running_stats=False).eval()) == []
    assert normalisations(nn.LayerNorm(4).eval()) == []
