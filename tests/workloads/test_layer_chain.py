"""The text of a chain of layers, and the micro-network that is made of it."""

import pytest
import torch

from benchcli.errors import UserError
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.layer_chain import (
    BUILDER,
    Branches,
    Convolution,
    Layerwise,
    Shuffle,
    chain_of,
    difference,
    text_of,
    variant,
    width_of,
    with_widths,
)

UNIT = "conv 24>144 k1x1 bias; bn; relu6; conv 144>144 k3x3 s2x2 p1x1 g144; shuffle 3; add"
BRANCHES = "(conv 8>4 k1x1; relu | conv 8>6 k3x3 p1x1 d1x1) cat; sigmoid"


def test_a_text_and_its_layers_say_the_same() -> None:
    chain = chain_of(UNIT)
    assert chain == (
        Convolution(24, 144, bias=True),
        Layerwise("bn"),
        Layerwise("relu6"),
        Convolution(144, 144, (3, 3), (2, 2), (1, 1), groups=144),
        Shuffle(3),
        Layerwise("add"),
    )
    assert text_of(chain) == UNIT
    joined, last = chain_of(BRANCHES)
    assert isinstance(joined, Branches)
    assert [width_of(each) for each in joined.chains] == [4, 6]
    assert (width_of((joined, last)), joined.join) == (10, "cat")
    assert chain_of(text_of((joined, last))) == (joined, last)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("conv 8>16 k1x1; bn; relu", "conv 8>16 k1x1; bn", "without relu"),
        ("conv 8>16 k1x1; add; add; relu", "conv 8>16 k1x1; add", "without add, relu"),
        ("conv 8>16 k1x1; bn; shuffle 2", "conv 12>12 k1x1; bn", "conv 8>16 k1x1 → conv 12>12 k1x1"),
        (
            "conv 8>16 k1x1; bn; conv 16>16 k3x3 g16",
            "conv 12>12 k1x1; bn; conv 12>12 k3x3 g12",
            "conv 8>16 k1x1; conv 16>16 k3x3 g16 → conv 12>12 k1x1; conv 12>12 k3x3 g12",
        ),
        (BRANCHES, "conv 8>9 k3x3; sigmoid", "2 branches, cat → conv 8>9 k3x3"),
    ],
)
def test_what_a_repair_changes_is_said_shortly(before: str, after: str, said: str) -> None:
    assert difference(chain_of(before), chain_of(after)) == said


@pytest.mark.parametrize("text", ["", "conv 3>x k1x1", "relu7", "(relu | relu) max", "conv 3>4", "bn;", "shuffle"])
def test_what_is_no_layer_is_named(text: str) -> None:
    with pytest.raises(UserError, match="no layer of a chain"):
        chain_of(text)


def test_depthwise_layers_follow_the_width() -> None:
    assert text_of(with_widths(chain_of(UNIT), 56, 64)) == (
        "conv 56>64 k1x1 bias; bn; relu6; conv 64>64 k3x3 s2x2 p1x1 g64; shuffle 3; add"
    )
    with pytest.raises(ValueError, match="3 groups do not divide 4"):
        with_widths(chain_of("conv 6>6 k1x1 g3"), 4, 6)
    with pytest.raises(ValueError, match="two dense"):
        with_widths(chain_of("conv 6>6 k1x1; conv 6>6 k1x1"), 4, 6)
    with pytest.raises(ValueError, match="does not begin"):
        with_widths(chain_of("relu"), 4, 6)


@pytest.mark.parametrize(
    ("text", "image", "output"),
    [
        (UNIT, (24, 8, 8), (144, 4, 4)),
        (BRANCHES, (8, 6, 6), (10, 6, 6)),
        ("(conv 4>4 k1x1 | conv 4>4 k1x1 | conv 4>4 k1x1) sum", (4, 5, 5), (4, 5, 5)),
        ("conv 3>6 k3 p1; bn; gelu", (3, 9), (6, 9)),
        ("conv 3>6 k1x3x3 s1x2x2; bn; silu", (3, 4, 9, 9), (6, 4, 4, 4)),
    ],
)
def test_the_network_of_a_chain_has_its_shapes(text: str, image: tuple[int, ...], output: tuple[int, ...]) -> None:
    made = variant("layers", chain_of(text), image)
    assert made.builder == BUILDER
    network = find_built_in(BUILDER)(**made.params).eval()
    with torch.no_grad():
        assert network(torch.randn(2, *image)).shape == (2, *output)


def test_an_addition_and_a_shuffle_compute_what_they_are_named_for() -> None:
    inputs = torch.arange(6.0).view(1, 6, 1, 1)
    shuffled = find_built_in(BUILDER)("shuffle 3")(inputs)
    assert shuffled.flatten().tolist() == [0, 2, 4, 1, 3, 5]
    assert torch.equal(shuffled, torch.nn.functional.channel_shuffle(inputs, 3))
    assert find_built_in(BUILDER)("add")(inputs).flatten().tolist() == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_another_kind_of_layers_is_unknown() -> None:
    with pytest.raises(UserError, match="unknown kind of layers 'chian'"):
        find_built_in("benchcli:layers/chian")
