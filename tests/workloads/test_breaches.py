"""What audits find in networks that break one guideline, and none."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import nn

from benchcli.cost.count import walk
from benchcli.schema import OperatorCall
from benchcli.schema.environment import Machine
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.guidelines.base import AUDITS, Breach
from benchcli.workloads.layer_chain import BUILDER, text_of
from benchcli.workloads.networks.base import NETWORKS
from benchcli.workloads.operator_graph import OperatorGraph
from benchcli.workloads.other_audits.base import OTHER_AUDITS
from tests.cost.networks import Apply


def conv(c_in: int, c_out: int, kernel: int = 1, groups: int = 1, stride: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(c_out))


def branches(count: int) -> nn.Module:
    return Apply(
        lambda s, x: sum((each(x) for each in s.b[1:]), s.b[0](x)), b=nn.ModuleList(conv(32, 32) for _ in range(count))
    )


def concatenated() -> nn.Module:
    two = {
        "a": conv(32, 16),
        "b": nn.Sequential(conv(32, 16), conv(16, 16, 3)),
        "c": nn.Sequential(nn.MaxPool2d(1), conv(32, 32)),
    }
    return Apply(lambda s, x: torch.cat([s.a(x), s.b(x), s.c(x)], 1), **two)


def residual() -> nn.Module:
    return Apply(lambda s, x: torch.relu(s.c(x) + x), c=conv(32, 32))


BREAKING: dict[str, tuple[nn.Module, set[str]]] = {
    "none": (
        nn.Sequential(conv(3, 32), conv(32, 32, 3), conv(32, 48), conv(48, 48, 3, 48), nn.AdaptiveAvgPool2d(1)),
        set(),
    ),
    "g1": (nn.Sequential(conv(3, 16), conv(16, 128), conv(128, 16)), {"g1"}),
    "g2": (nn.Sequential(conv(3, 32), conv(32, 32, 1, 4), conv(32, 32, 3, 8)), {"g2"}),
    "g3, a sum": (nn.Sequential(conv(3, 32), branches(4)), {"g3"}),
    "g3, a concatenation": (nn.Sequential(conv(3, 32), concatenated()), {"g3"}),
    "g3, a series": (nn.Sequential(conv(3, 32), *(conv(32, 32) for _ in range(4)), nn.AdaptiveAvgPool2d(1)), {"g3"}),
    "g4": (nn.Sequential(conv(3, 32), residual(), nn.ReLU6()), {"g4"}),
}


def calls_of(network: nn.Module, size: int = 32, channels: int = 3) -> list[OperatorCall]:
    return walk(network.eval(), torch.zeros(1, channels, size, size)).calls


def broken(calls: Sequence[OperatorCall]) -> dict[str, list[Breach]]:
    return {audit.name: found for audit in AUDITS if (found := list(audit.breaches(calls)))}


@pytest.mark.parametrize("name", BREAKING)
def test_a_network_that_breaks_one_guideline_has_that_one_alone(name: str) -> None:
    network, expected = BREAKING[name]
    assert set(broken(calls_of(network))) == expected


@pytest.mark.parametrize("name", [name for name, (_, expected) in BREAKING.items() if expected])
def test_repairs_have_the_multiply_adds_of_what_they_replace(name: str) -> None:
    for breaches in broken(calls_of(BREAKING[name][0])).values():
        for repair in filter(None, (each.repair for each in breaches)):
            before, after = (
                sum(
                    call.flops or 0
                    for call in walk(find_built_in(BUILDER)(text_of(chain)).eval(), torch.zeros(1, *image)).calls
                )
                for chain, image in ((repair.before, repair.image), (repair.after, repair.image_after))
            )
            assert after == pytest.approx(before, rel=0.1)


def repairs(audit: str, network: nn.Module) -> list[str]:
    found = (each.repair for each in AUDITS[audit].breaches(calls_of(network)))
    return [f"{text_of(each.before)} -> {text_of(each.after)}" for each in found if each]


def test_repairs_follow_the_guideline() -> None:
    assert repairs("g1", BREAKING["g1"][0]) == [
        "conv 16>128 k1x1; bn; conv 128>16 k1x1; bn -> conv 40>48 k1x1; bn; conv 48>48 k1x1; bn",
    ]
    assert repairs("g2", BREAKING["g2"][0])[0] == "conv 32>32 k1x1 g4; bn -> conv 16>16 k1x1; bn"
    assert repairs("g3", BREAKING["g3, a sum"][0]) == [
        f"({' | '.join(['conv 32>32 k1x1; bn'] * 4)}) sum -> conv 64>64 k1x1; bn"
    ]
    series = "; ".join(["conv 32>32 k1x1; bn"] * 4)
    assert repairs("g3", BREAKING["g3, a series"][0]) == [f"{series} -> conv 64>64 k1x1; bn"]
    assert repairs("g4", BREAKING["g4"][0]) == ["conv 32>32 k1x1; bn; add; relu; relu6 -> conv 32>32 k1x1; bn"]


def test_branches_with_one_of_a_normalisation_are_branches() -> None:
    """As in blocks that are trained with an identity, and folded later (Ding et al., 2021)."""
    block = Apply(lambda s, x: s.a(x) + s.b(x) + s.n(x), a=conv(32, 32, 3), b=conv(32, 32), n=nn.BatchNorm2d(32))
    (found,) = AUDITS["g3"].breaches(calls_of(nn.Sequential(conv(3, 32), block)))
    assert found.reason == "3 parallel branches that fold into one convolution"
    assert found.repair
    assert found.repair.is_exact
    assert repairs("g3", nn.Sequential(conv(3, 32), block)) == [
        "(conv 32>32 k3x3 p1x1; bn | conv 32>32 k1x1; bn) sum -> conv 32>32 k3x3 p1x1 bias"
    ]
    short = Apply(lambda s, x: s.a(x) + s.n(x), a=conv(32, 32, 3), n=nn.BatchNorm2d(32))
    assert "g3" not in broken(calls_of(nn.Sequential(conv(3, 32), short)))


@pytest.mark.parametrize(
    "branches",
    [
        (conv(32, 32, 3), conv(32, 32, 5), nn.Sequential(conv(32, 32), nn.ReLU())),
        (conv(32, 32, 3, stride=2), nn.Conv2d(32, 32, 2, 2), conv(32, 32, 1, stride=2)),
        (nn.Conv2d(32, 32, 3, padding=2, dilation=2), conv(32, 32), conv(32, 32)),
        (conv(32, 32, 3), conv(32, 32, 3), conv(32, 32, 3)),
    ],
    ids=["an activation", "other pixels", "a dilated one", "equal ones"],
)
def test_branches_that_do_not_fold_exactly_are_repaired_at_equal_flops(branches: tuple[nn.Module, ...]) -> None:
    a, b, c = branches
    block = Apply(lambda s, x: s.a(x) + s.b(x) + s.c(x), a=a, b=b, c=c)
    found = list(AUDITS["g3"].breaches(calls_of(nn.Sequential(conv(3, 32), block))))
    assert [each.reason for each in found] == ["3 parallel branches"]
    assert all(each.repair is None or not each.repair.is_exact for each in found)


def test_branches_of_the_networks_input_are_those_of_any_tensor() -> None:
    """A pooling and a normalisation of it are branches too."""
    pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv(32, 16))
    block = Apply(lambda s, x: torch.cat([s.a(x), s.b(x), s.c(x)], 1), a=conv(32, 16), b=conv(32, 16, 3), c=pooled)
    (found,) = AUDITS["g3"].breaches(calls_of(block, channels=32))
    assert found.reason == "3 parallel branches"
    again = Apply(lambda s, x: s.a(x) + s.b(x) + s.n(x), a=conv(32, 32, 3), b=conv(32, 32), n=nn.BatchNorm2d(32))
    (found,) = AUDITS["g3"].breaches(calls_of(again, channels=32))
    assert found.reason == "3 parallel branches that fold into one convolution"


def test_depthwise_branches_are_repaired_by_a_depthwise_convolution() -> None:
    """A dense one would be another layer, with fewer channels and less to read."""
    depthwise = nn.ModuleList([conv(32, 32, 3, 32), conv(32, 32, 3, 32), conv(32, 32, 1, 32)])
    block = Apply(lambda s, x: s.b[0](x) + s.b[1](x) + torch.relu(s.b[2](x)), b=depthwise)
    (found,) = repairs("g3", nn.Sequential(conv(3, 32), block))
    assert found.endswith(" -> conv 64>64 k3x3 p1x1 g64; bn")
    linear = Apply(lambda s, x: s.b[0](x) + s.b[1](x) + s.b[2](x), b=depthwise)
    (found,) = repairs("g3", nn.Sequential(conv(3, 32), linear))
    assert found.endswith(" -> conv 32>32 k3x3 p1x1 g32 bias")


def test_what_is_left_out_is_named_though_its_like_stays() -> None:
    """Python's sum begins with 0, and adds it."""
    summed = Apply(lambda s, x: s.c(sum(each(x) for each in s.b)), b=nn.ModuleList([conv(32, 32)] * 2), c=conv(32, 32))
    found = list(AUDITS["g4"].breaches(calls_of(nn.Sequential(conv(3, 32), summed))))
    assert [each.reason for each in found] == ["add after a convolution"]


def test_a_shortcut_with_a_projection_is_no_fragment() -> None:
    block = Apply(
        lambda s, x: s.body(x) + s.short(x),
        body=nn.Sequential(conv(3, 16, 3, stride=2), conv(16, 16, 3)),
        short=conv(3, 16, stride=2),
    )
    assert "g3" not in broken(calls_of(block))


def test_the_first_layer_has_the_width_of_the_image() -> None:
    assert broken(calls_of(conv(3, 64))) == {}
    (grouped,) = AUDITS["g2"].breaches(walk(conv(8, 8, 1, 4).eval(), torch.zeros(1, 8, 4, 4)).calls)
    assert grouped.repair is None


def test_networks_that_ship_break_what_their_papers_say() -> None:
    v1 = broken(calls_of(NETWORKS["shufflenet-v1-1x-g3"].build(), 224))
    v2 = broken(calls_of(NETWORKS["shufflenet-v2-1x"].build(), 224))
    assert set(v1) == {"g2", "g4"}
    assert set(v2) == {"g4"}
    assert Counter(each.reason for each in v1["g2"])["3 groups, 480 to 120 channels"] == 7
    assert set(broken(calls_of(NETWORKS["mobilenet-v2-1.0"].build(), 224))) == {"g1", "g4"}
    assert {"g2"} < set(broken(calls_of(NETWORKS["resnext-50-32x4d"].build(), 64)))


def test_a_channel_shuffle_belongs_to_its_line_however_it_is_written() -> None:
    def by_hand(s: Any, x: torch.Tensor) -> Any:
        y = s.a(x)
        return s.b(y.view(1, 2, 8, 32, 32).transpose(1, 2).reshape(1, 16, 32, 32))

    parts = {"a": nn.Conv2d(3, 16, 1, bias=False), "b": nn.Conv2d(16, 16, 1, bias=False)}
    operator = Apply(lambda s, x: s.b(torch.channel_shuffle(s.a(x), 2)), **parts)
    for network in (operator, Apply(by_hand, **parts)):
        line = OperatorGraph(calls_of(network)).line(0)
        assert line
        assert (line.calls, text_of(line.chain)) == ((0, 1), "conv 3>16 k1x1; shuffle 2")


def test_channels_are_filled_up_to_the_machines_vectors() -> None:
    audit = OTHER_AUDITS["alignment"]
    calls = calls_of(nn.Sequential(conv(3, 24), conv(24, 40), conv(40, 64, 3)))
    by_simd = {
        simd: [each.repair for each in audit.on(Machine(simd=simd)).breaches(calls)]
        for simd in (("avx512f",), ("avx2",))
    }
    assert [text_of(each.after) for each in by_simd["avx512f",] if each] == [
        "conv 32>48 k1x1; bn",
        "conv 48>64 k3x3 p1x1; bn",
    ]
    assert by_simd["avx2",] == []
    reasons = [each.reason for each in audit.on(Machine(simd=("avx512f",))).breaches(calls)]
    assert reasons == ["24 to 40 channels, no multiples of 16", "40 to 64 channels, 40 is no multiple of 16"]


def test_batch_normalisations_after_convolutions_can_be_folded() -> None:
    network = nn.Sequential(conv(3, 16), nn.ReLU(), nn.BatchNorm2d(16), conv(16, 16))
    (found,) = OTHER_AUDITS["folding"].breaches(calls_of(network))
    assert (len(found.calls), found.runtime) == (2, "eager:fold")
    twice = Apply(lambda s, x: (lambda y: s.n(y) + y)(s.c(x)), c=nn.Conv2d(3, 4, 1), n=nn.BatchNorm2d(4))
    assert list(OTHER_AUDITS["folding"].breaches(calls_of(twice))) == []


def test_attention_and_recurrent_layers_break_nothing_but_for_what_they_move() -> None:
    layers = (
        (nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), torch.zeros(1, 4, 16)),
        (nn.LSTM(8, 8), torch.zeros(2, 1, 8)),
    )
    for layer, inputs in layers:
        assert set(broken(walk(layer.eval(), inputs).calls)) <= {"g4"}


def test_layouts_that_are_converted_back_and_forth_are_named_as_such() -> None:
    def permuted(s: Any, x: torch.Tensor) -> Any:
        y = s.a(x).permute(0, 2, 3, 1).contiguous()
        y = nn.functional.layer_norm(y, (32,))
        return s.b(y.permute(0, 3, 1, 2).contiguous())

    def formats(s: Any, x: torch.Tensor) -> Any:
        y = s.b(s.a(x).to(memory_format=torch.channels_last)).contiguous()
        return s.b(y.contiguous(memory_format=torch.channels_last)).contiguous()

    def once(s: Any, x: torch.Tensor) -> Any:
        return s.a(x).flatten(2).transpose(1, 2).contiguous()

    def shuffled(s: Any, x: torch.Tensor) -> Any:
        y = s.a(x).view(1, 4, 8, 32, 32).transpose(1, 2).reshape(1, 32, 32, 32)
        return y.view(1, 8, 4, 32, 32).transpose(1, 2).reshape(1, 32, 32, 32)

    parts = {"a": nn.Conv2d(3, 32, 1), "b": nn.Conv2d(32, 32, 1)}
    found = {
        function.__name__: (calls := calls_of(Apply(function, **parts)), list(OTHER_AUDITS["layout"].breaches(calls)))
        for function in (permuted, formats, once, shuffled)
    }
    assert {name: [each.reason for each in trips] for name, (_, trips) in found.items()} == {
        "permuted": ["channels to last, and back"],
        "formats": ["channels to last, and back"] * 2,
        "once": [],
        "shuffled": [],
    }
    assert set(broken(found["formats"][0])) == set()  # no guideline speaks of layouts
    assert set(broken(found["once"][0])) == {"g4"}


def test_the_papers_fragments_in_series_are_told_from_depth() -> None:
    def reasons(*layers: nn.Module) -> list[str]:
        return [each.reason for each in AUDITS["g3"].breaches(calls_of(nn.Sequential(conv(3, 32), *layers)))]

    pair = conv(32, 32), conv(32, 32)
    assert reasons(*pair) == ["2 fragments in series"]
    assert reasons(*pair, nn.ReLU(), *pair, nn.ReLU()) == ["2 fragments in series"] * 2
    assert reasons(conv(32, 32), nn.ReLU(), conv(32, 32)) == []  # depth
    assert reasons(conv(32, 32, 3), conv(32, 32, 3)) == []  # windows of two, of which one convolution has another
    assert reasons(conv(32, 64), conv(64, 32)) == []  # a bottleneck
    assert reasons(residual(), conv(32, 32), nn.ReLU()) == []
    network = nn.Sequential(*(nn.Conv2d(3, 3, 1) for _ in range(4)))
    (found,) = AUDITS["g3"].breaches(calls_of(network))
    assert (found.reason, found.repair) == ("4 fragments in series", None)  # the image's width is given
