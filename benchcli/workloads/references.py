"""Reference networks: simple networks, and parts of published ones, that others are compared with.

Suites and `selftest` use them. Every run measures `arithmetic` besides each family, so that the
speed of every network can be compared with that of another run of the same machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from benchcli.registry import Registry
from benchcli.schema import BUILT_IN, Family, Variant

if TYPE_CHECKING:
    from torch import nn


WIDTH, GROUPED_WIDTH, SIZE = 64, 128, 28
MEASURED_BESIDES: Mapping[str, int] = {"arithmetic": WIDTH, "chain": GROUPED_WIDTH}
"""The reference networks that every run adds to its families, with their channels.

One is bound by arithmetic, the other by memory; both are convolutions, as most of the time of the
networks is.
"""


@dataclass(frozen=True)
class Reference:
    """One reference network and its builder."""

    name: str
    title: str
    build: "Callable[..., nn.Module]"


def with_references(family: Family) -> Family:
    """Return the family with the reference networks that its launches measure besides, one image at a time.

    They tell the machine's speed, and with a large batch they would take longer than a small network.
    """
    references = tuple(_variant(name, width) for name, width in MEASURED_BESIDES.items())
    return replace(family, references=references, references_batch=1)


def _variant(name: str, width: int) -> Variant:
    builder = f"{BUILT_IN}reference/{name}"
    return Variant(builder, builder, {}, (width, SIZE, SIZE), str(width))


REFERENCES: Registry[Reference] = Registry("reference network", __name__)


def chain(channels: int = GROUPED_WIDTH, groups: int = 4, blocks: int = 10) -> "nn.Module":
    """Return a chain of grouped 1x1 convolutions. Shapes: (N, channels, H, W) to the same."""
    from benchcli.workloads.modules import pointwise, stack

    return stack(blocks, lambda: [pointwise(channels, channels, groups)])


def arithmetic(width: int = WIDTH, blocks: int = 10) -> "nn.Module":
    """Return a chain of dense 1x1 convolutions. Shapes: (N, width, H, W) to the same."""
    return chain(width, 1, blocks)


def memory(blocks: int = 10) -> "nn.Module":
    """Return a chain of element-wise operations. Shapes: any, to the same."""
    from torch import nn

    return nn.Sequential(*(nn.Hardtanh(-1.0 - block, 1.0 + block) for block in range(blocks)))


def conv_bn_act(**arguments: Any) -> "nn.Module":
    """Return a convolution, batch normalisation and activation (`benchcli.workloads.modules`)."""
    from benchcli.workloads.modules import conv_bn_act

    return conv_bn_act(**arguments)


def _resnet_unit(**arguments: Any) -> "nn.Module":
    from benchcli.workloads.blocks.resnet import unit

    return unit(**arguments)


def _shufflenet_v1_unit(**arguments: Any) -> "nn.Module":
    from benchcli.workloads.blocks.shufflenet_v1 import unit

    return unit(**arguments)


for _reference in (
    Reference(
        "arithmetic",
        "a compute-bound baseline for your own networks: dense 1×1 convolutions (arguments: width, blocks)",
        arithmetic,
    ),
    Reference(
        "memory", "a memory-bound baseline for your own networks: element-wise operations (arguments: blocks)", memory
    ),
    Reference(
        "chain", "1×1 convolutions in groups, which the self-test compares (arguments: channels, groups, blocks)", chain
    ),
    Reference(
        "conv-bn-act",
        "a convolution, batch normalisation and activation (arguments: c_in, c_out, kernel, ...)",
        conv_bn_act,
    ),
    Reference(
        "resnet-unit",
        "one bottleneck of ResNet or ResNeXt (arguments: c_in, c_out, stride, middle, groups)",
        _resnet_unit,
    ),
    Reference(
        "shufflenet-v1-unit",
        "one unit of ShuffleNet V1 (arguments: c_in, c_out, stride, groups, shuffle)",
        _shufflenet_v1_unit,
    ),
):
    REFERENCES.add(_reference)
