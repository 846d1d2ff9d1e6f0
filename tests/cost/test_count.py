"""Costs against integers worked by hand, and against the published golden numbers."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from benchcli.cost.count import count
from benchcli.cost.crosscheck import flops_by_fvcore, flops_by_torch
from benchcli.schema import Costs
from benchcli.workloads.guidelines.base import EXPERIMENTS
from tests.cost.networks import Apply, unruled
from tests.workloads.test_guidelines import build, published


def convolution_mac(area: int, c_in: int, c_out: int, kernel: int = 1, groups: int = 1) -> int:
    """Return hw(c1 + c2) + k k c1 c2 / g, in elements, of a convolution that keeps its plane (Equations 1 and 2)."""
    return area * (c_in + c_out) + kernel * kernel * c_in * c_out // groups


def pointwise_mac_bound(area: int, flops_: int) -> float:
    """Return the least memory access cost of a 1x1 convolution of so many multiply-adds (Equation 1)."""
    return 2 * math.sqrt(area * flops_) + flops_ / area


IMAGE = torch.zeros(1, 4, 6, 6)
AREA = 36


def test_a_convolution_reads_its_input_and_weight_and_writes_its_output() -> None:
    costs = count(nn.Conv2d(4, 8, 3, padding=1, bias=False), IMAGE)
    weight = 9 * 4 * 8
    assert costs.flops == AREA * weight
    assert costs.params == weight
    assert costs.mac_elements == convolution_mac(AREA, 4, 8, kernel=3) == AREA * 12 + weight
    assert costs.mac_bytes == costs.mac_fused_bytes == costs.mac_compulsory_bytes == 4 * costs.mac_elements
    assert costs.elementwise == 0
    assert costs.unknown == ()


def test_a_bias_is_read_and_is_one_addition_an_element() -> None:
    costs = count(nn.Conv2d(4, 8, 1, bias=True), IMAGE)
    assert costs.elementwise == 8 * AREA
    assert costs.mac_bytes == 4 * (12 * AREA + 32 + 8)
    assert costs.flops == 32 * AREA


def test_a_relu_reads_and_writes_unless_it_rides_on_a_convolution() -> None:
    costs = count(nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), nn.ReLU()), IMAGE)
    convolution = 4 * (12 * AREA + 32)
    assert costs.elementwise == 8 * AREA
    assert costs.mac_bytes == convolution + 4 * 16 * AREA
    assert costs.mac_fused_bytes == convolution


def test_in_place_is_a_read_and_a_write_too() -> None:
    layers = [nn.Sequential(nn.Conv2d(4, 8, 1), nn.ReLU(inplace=inplace)) for inplace in (False, True)]
    new, in_place = (count(each, IMAGE) for each in layers)
    plane = 4 * 8 * AREA
    assert (new.peak_activation_bytes, in_place.peak_activation_bytes) == (
        2 * plane + 4 * 4 * AREA,
        plane + 4 * 4 * AREA,
    )
    assert replace(new, peak_activation_bytes=None) == replace(in_place, peak_activation_bytes=None)


def test_the_first_operator_has_nothing_to_ride_on() -> None:
    assert count(nn.ReLU(), IMAGE).mac_fused_bytes == 4 * 2 * 4 * AREA


def test_a_shortcut_costs_its_other_operand() -> None:
    network = Apply(lambda self, x: self.c(x) + x, c=nn.Conv2d(4, 4, 1, bias=False))
    costs = count(network, IMAGE)
    convolution, plane = 4 * (8 * AREA + 16), 4 * 4 * AREA
    assert costs.mac_bytes == convolution + 3 * plane
    assert costs.mac_fused_bytes == convolution + plane


def test_the_same_tensor_twice_is_read_once() -> None:
    assert count(Apply(lambda _self, x: x + x), IMAGE).mac_bytes == 4 * 2 * 4 * AREA


def test_a_repeated_dimension_counts_once() -> None:
    network = Apply(lambda _self, x: x * x[:, :1, :1, :1].expand_as(x))
    assert count(network, IMAGE).mac_bytes == 4 * (4 * AREA + 1 + 4 * AREA)


def test_batch_normalisation_is_one_multiply_add_an_element_and_no_flops() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 1, bias=False), nn.BatchNorm2d(8)).eval()
    costs = count(network, IMAGE)
    assert costs.flops == 32 * AREA
    assert costs.elementwise == 8 * AREA
    assert costs.mac_fused_bytes == 4 * (12 * AREA + 32) + 4 * 4 * 8
    assert costs.unknown == ()


def test_a_view_is_free_and_a_copy_is_not() -> None:
    viewed = Apply(lambda _self, x: x.view(1, 2, 2, 6, 6).transpose(1, 2))
    shuffled = Apply(lambda _self, x: x.view(1, 2, 2, 6, 6).transpose(1, 2).contiguous().view(1, 4, 6, 6))
    assert count(viewed, IMAGE).mac_bytes == 0
    assert count(shuffled, IMAGE).mac_bytes == 4 * 2 * 4 * AREA


def test_concatenation_reads_and_writes_everything() -> None:
    costs = count(Apply(lambda _self, x: torch.cat([x[:, :2], x[:, 2:]], 1)), IMAGE)
    assert costs.mac_bytes == costs.mac_fused_bytes == 4 * 2 * 4 * AREA
    assert costs.elementwise == 0


def test_bytes_follow_the_dtype() -> None:
    network = nn.Conv2d(4, 8, 1, bias=False)
    single, half = count(network, IMAGE), count(network.bfloat16(), IMAGE.bfloat16())
    assert half.mac_bytes * 2 == single.mac_bytes
    assert half.flops == single.flops


def test_costs_grow_with_the_batch_but_weights_are_read_once() -> None:
    network = nn.Conv2d(4, 8, 1, bias=False)
    assert count(network, torch.zeros(3, 4, 6, 6)).mac_elements == 3 * 12 * AREA + 32


def test_a_linear_layer() -> None:
    costs = count(nn.Linear(10, 5), torch.zeros(2, 10))
    assert costs.flops == 2 * 10 * 5
    assert costs.elementwise == 10
    assert costs.mac_bytes == 4 * (20 + 50 + 5 + 10)


def test_an_operator_without_a_rule_is_named() -> None:
    assert count(Apply(lambda _self, x: unruled(x)), IMAGE).unknown == ("benchcli_tests.unruled.default of 1x4x6x6",)


def test_both_counters_agree_on_groups_strides_and_padding() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=4), nn.Conv2d(8, 8, 3, groups=8))
    assert flops_by_fvcore(network, IMAGE) == flops_by_torch(network, IMAGE) == 9 * (9 * 8) + 9 * 8


def test_counting_says_nothing(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """The suite turns warnings into errors, so TorchScript's would fail this test too."""
    count(Apply(lambda _self, x: unruled(x)), IMAGE)
    captured = capfd.readouterr()
    assert (captured.out, captured.err, caplog.records) == ("", "", [])


@pytest.mark.parametrize(("ratio", "over"), [("1:1", 1.000), ("1:2", 1.059), ("1:6", 1.420), ("1:12", 1.859)])
def test_g1_over_its_lower_bound_is_the_golden_number(ratio: str, over: float) -> None:
    variant = next(v for v in published("g1", "gpu").variants if v.name == ratio)
    costs = count(build(variant), torch.zeros(1, *variant.shape))
    area = 56 * 56
    assert costs.mac_elements / (20 * pointwise_mac_bound(area, costs.flops // 20)) == pytest.approx(over, abs=5e-4)


@pytest.mark.parametrize(
    ("guideline", "value", "expected"),
    [
        # flops, params, elementwise, mac_elements, mac_bytes, mac_fused_bytes, mac_compulsory_bytes
        ("g1", "1:12", (60963840, 19440, 0, 7357680, 29430720, 29430720, 303552)),
        ("g2", "g=1", (128450560, 40960, 0, 4055040, 16220160, 16220160, 1769472)),
        ("g2", "g=8", (132715520, 42320, 0, 11582800, 46331200, 46331200, 4785472)),
        ("g3", "4-fragment-parallel", (128450560, 40960, 3010560, 8069120, 68403200, 44318720, 966656)),
        ("g4", "relu+shortcut", (34119680, 10880, 2508800, 3021440, 36170240, 16099840, 846336)),
    ],
)
def test_integers_of_the_micro_networks_by_hand(guideline: str, value: str, expected: tuple[int, ...]) -> None:
    variant = next(v for v in published(guideline, "arm").variants if v.name == value)
    costs = count(build(variant), torch.zeros(1, *variant.shape))
    assert (
        costs.flops, costs.params, costs.elementwise, costs.mac_elements,
        costs.mac_bytes, costs.mac_fused_bytes, costs.mac_compulsory_bytes,
    ) == expected  # fmt: skip


def test_the_parallel_fragments_by_the_formula() -> None:
    """Worked out: 4 branches of 32 channels, 3 additions a block, 10 blocks."""
    variant = next(v for v in published("g3", "arm").variants if v.name == "4-fragment-parallel")
    costs = count(build(variant), torch.zeros(1, *variant.shape))
    plane, weight = 56 * 56 * 32, 32 * 32
    convolutions = 10 * 4 * (2 * plane + weight)
    assert convolutions == 8069120 == costs.mac_elements
    assert 4 * (convolutions + 10 * 3 * 3 * plane) == 68403200 == costs.mac_bytes
    assert 4 * (convolutions + 10 * 3 * plane) == 44318720 == costs.mac_fused_bytes


def test_pointwise_share_of_a_resnext_unit_is_the_published_one() -> None:
    """ShuffleNet V1 says 93.4 % of the multiply-adds of a ResNeXt unit of cardinality 32 are point-wise."""
    group_width, channels = 128, 256
    unit = nn.Sequential(
        nn.Conv2d(channels, group_width, 1), nn.Conv2d(group_width, group_width, 3, padding=1, groups=32),
        nn.Conv2d(group_width, channels, 1),
    )  # fmt: skip
    inputs = torch.zeros(1, channels, 7, 7)
    whole, spatial = flops_by_fvcore(unit, inputs), flops_by_fvcore(unit[1], torch.zeros(1, group_width, 7, 7))
    assert (whole - spatial) / whole == pytest.approx(0.934, abs=5e-4)


def test_grouped_costs_of_g2_follow_equation_2() -> None:
    for variant in published("g2", "arm").variants:
        channels, groups = variant.params["channels"], variant.params["groups"]
        assert isinstance(channels, int)
        assert isinstance(groups, int)
        costs = count(build(variant), torch.zeros(1, *variant.shape))
        assert costs.mac_elements == 10 * convolution_mac(56 * 56, channels, channels, groups=groups)


def test_the_formulas_need_no_torch_layers() -> None:
    assert convolution_mac(1, 2, 4, kernel=3, groups=2) == 6 + 36
    assert EXPERIMENTS["g2"].multiply_adds({"channels": 4, "groups": 2}, 1) == 80


def test_the_operators_of_a_call_are_those_that_move_memory() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 1), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 2)).eval()
    assert count(network, IMAGE).operators == 4  # flattening makes a view


@pytest.mark.parametrize(
    ("inputs", "shape"),
    [
        ("1x3x224x224", (1, 3, 224, 224)),
        ("ids=1x16:int64, 4x5", (1, 16)),
        ("factor=2.0", ()),
        ("flag=True", ()),
        ("1e300", ()),
        ("1xx2", ()),
        ("٣x٤", ()),
        ("9" * 5000, ()),
        ("", ()),
    ],
)
def test_the_first_shape_is_read_from_the_inputs_or_unknown(inputs: str, shape: tuple[int, ...]) -> None:
    assert replace(Costs.uncounted("unread"), inputs=inputs).first_shape == shape
