"""Blocks: their multiply-adds, their shapes, the guidelines that they break, and readings of their parts."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from benchcli.cost.count import count
from benchcli.cost.crosscheck import flops_by_torch
from benchcli.errors import UserError
from benchcli.schema import Variant
from benchcli.workloads.blocks.base import BLOCKS, STRIDES, Block
from benchcli.workloads.blocks.block_request import BlockRequest
from benchcli.workloads.blocks.shufflenet_v1 import unit as shufflenet_v1_unit
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.guidelines.base import RULES
from benchcli.workloads.modules import HalfThrough
from benchcli.workloads.overrides import Overrides

ALL = list(BLOCKS)


def made(variant: Variant) -> nn.Module:
    torch.manual_seed(0)
    network = find_built_in(variant.builder)(**variant.params)
    return network.eval().requires_grad_(False)


def chain(block: Block, channels: int, units: int, stride: int) -> nn.Module:
    params = {"channels": channels, "units": units, "stride": stride}
    return made(Variant(block.name, block.builder, params, (channels, 8, 8), ""))


@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize("block", ALL, ids=lambda block: block.name)
def test_a_unit_costs_what_its_formula_says_and_has_the_shape_it_should(block: Block, stride: int) -> None:
    channels = 2 * block.multiple + (2 * block.multiple) % 2
    unit, inputs = chain(block, channels, 1, stride), torch.randn(2, channels, 9, 9)
    assert flops_by_torch(unit, inputs) == 2 * block.multiply_adds(channels, 9, stride)  # two images
    assert unit(inputs).shape == (2, channels * stride, *[9 if stride == 1 else 5] * 2)


@pytest.mark.parametrize("block", ALL, ids=lambda block: block.name)
def test_the_guidelines_that_a_block_breaks_are_seen_in_it(block: Block) -> None:
    channels = 4 * block.multiple
    unit = chain(block, channels, 1, 1)
    layers = [each for each in unit.modules() if isinstance(each, nn.Conv2d)]
    unequal = any(each.kernel_size == (1, 1) and each.in_channels != each.out_channels for each in layers)
    grouped = any(1 < each.groups < each.in_channels for each in layers)
    assert ("g1" in block.breaks) == unequal
    assert ("g2" in block.breaks) == grouped
    assert "g3" not in block.breaks  # none has more than two branches
    assert ("g4" in block.breaks) == ("add" in dispatched(unit, torch.zeros(1, channels, 4, 4)))
    assert set(block.breaks) | set(block.follows) == {each.name for each in RULES}


def dispatched(network: nn.Module, inputs: torch.Tensor) -> set[str]:
    from torch.utils._python_dispatch import TorchDispatchMode

    class Names(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            names.add(str(func.overloadpacket.__name__))
            return func(*args, **(kwargs or {}))

    names: set[str] = set()
    with torch.no_grad(), Names():  # type: ignore[no-untyped-call]
        network(inputs)
    return names


def test_blocks_have_the_flops_of_the_reference() -> None:
    variants = list(BlockRequest(width=256, size=14).variants())
    target = BLOCKS["shufflenet-v2"].multiply_adds(256, 14, 1)
    assert variants[0].name == "shufflenet-v2"
    assert {variant.name for variant in variants} == {block.name for block in ALL}
    for variant in variants:
        block, channels = BLOCKS[variant.name], int(variant.params["channels"])  # type: ignore[arg-type]
        assert channels % block.multiple == 0
        here, below, above = (
            abs(block.multiply_adds(channels + step * block.multiple, 14, 1) - target) for step in (0, -1, 1)
        )
        assert here <= min(below, above), f"{variant.name}: other channels are nearer"


def test_a_chain_of_blocks_is_counted_for_certain_and_neither_fades_nor_explodes() -> None:
    for variant in BlockRequest(width=32, size=8).variants():
        inputs = torch.randn(1, *variant.shape)
        network = made(variant)
        assert count(network, inputs).unknown == (), variant.name
        assert 0.05 < float(network(inputs).std()) < 20, variant.name


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (BlockRequest(width=63), "the nearest are 62 and 64"),
        (BlockRequest(stride=2, size=4, units=3), "is too long for 4×4"),
        (BlockRequest(blocks=("resnext",), width=2), "resnext of 32 channels already exceeds"),
        (BlockRequest(blocks=("resnetx",)), "did you mean resnet"),
    ],
)
def test_what_cannot_be_a_family_of_blocks_is_said(request_: BlockRequest, said: str) -> None:
    with pytest.raises(UserError, match=said):
        list(request_.families(Overrides()))


@pytest.mark.parametrize("groups", [2, 3, 4, 8])
def test_channel_shuffle_is_what_the_paper_defines(groups: int) -> None:
    """Section 3.1: reshape g x n, transpose, flatten: channel j of group i becomes channel i of group j."""
    each = 5
    inputs = torch.arange(groups * each).float().view(1, -1, 1, 1)
    shuffled = nn.ChannelShuffle(groups)(inputs).flatten().tolist()
    assert shuffled == [float(group * each + channel) for channel in range(each) for group in range(groups)]


def test_half_of_the_channels_pass_untouched() -> None:
    inputs = torch.randn(2, 6, 3, 3)
    output = HalfThrough(nn.Conv2d(3, 3, 1))(inputs)
    assert torch.equal(output[:, :3], inputs[:, :3])
    assert not torch.equal(output[:, 3:], inputs[:, 3:])


@pytest.mark.parametrize("groups", [2, 3, 8])
def test_a_grouped_unit_is_the_dense_one_with_blocks_of_zeros(groups: int) -> None:
    channels = 8 * groups
    grouped = shufflenet_v1_unit(channels, channels, 1, groups).eval()
    dense = shufflenet_v1_unit(channels, channels, 1, groups).eval()
    dense.load_state_dict(grouped.state_dict())
    replace_grouped(dense)
    inputs = torch.randn(2, channels, 5, 5)
    with torch.no_grad():
        assert torch.allclose(dense(inputs), grouped(inputs), atol=1e-5)


def replace_grouped(module: nn.Module) -> None:
    """Put a dense convolution in the place of every grouped one, its weight zero outside of the groups."""
    for name, child in module.named_children():
        if isinstance(child, nn.Conv2d) and child.groups > 1:
            setattr(module, name, dense_twin(child))
        replace_grouped(child)


def dense_twin(layer: nn.Conv2d) -> nn.Conv2d:
    ins, outs = layer.in_channels // layer.groups, layer.out_channels // layer.groups
    assert isinstance(layer.padding, tuple)
    (height, width), (above, beside) = layer.kernel_size, layer.padding
    twin = nn.Conv2d(layer.in_channels, layer.out_channels, (height, width), padding=(above, beside), bias=False)
    with torch.no_grad():
        twin.weight.zero_()
        for group in range(layer.groups):
            rows = slice(group * outs, (group + 1) * outs)
            twin.weight[rows, group * ins : (group + 1) * ins] = layer.weight[rows]
    return twin


def test_groups_that_do_not_divide_are_named() -> None:
    with pytest.raises(ValueError, match="5 groups do not divide 24 and"):
        shufflenet_v1_unit(24, 24, 1, 5)


def test_published_speeds_are_found_for_the_papers_chains_only() -> None:
    published: Callable[..., float | None] = BLOCKS["mobilenet-v2"].paper_relative_speed
    assert published(128, 28, "shufflenet-v2") == pytest.approx(46.2 / 53.4)
    assert published(100, 28, "shufflenet-v2") is None
    assert BLOCKS["resnet"].paper_relative_speed(128, 28, "shufflenet-v2") is None
