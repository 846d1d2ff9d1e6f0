"""`benchcli block`: the units of networks, at equal FLOPs."""

from typing import Any

import click

from benchcli import validation
from benchcli.api.keywords import Tools
from benchcli.api.whole_networks import NETWORK_BUDGET_S, block
from benchcli.cli import parameters
from benchcli.cli.measuring_options import measuring_options
from benchcli.cli.output import measure_and_show
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.blocks.block_request import ALL, BlockRequest

DEFAULT = BlockRequest()


@click.command("block")
@click.argument("names", nargs=-1, type=parameters.plugin(BLOCKS, ALL))
@click.option(
    "--width",
    type=parameters.whole("a width", validation.WIDTHS),
    default=DEFAULT.width,
    show_default=True,
    help="Channels of ShuffleNet V2's unit; the other units get the channels that give equal FLOPs.",
)
@click.option(
    "--size",
    type=parameters.wholes("a size", validation.SIZES),
    default=str(DEFAULT.size),
    show_default=True,
    help="Height and width of the input feature map.",
)
@click.option(
    "--units",
    type=parameters.whole("the number of units", validation.UNITS),
    help="Number of units in sequence.  [default: 10, or 1 with --stride 2]",
)
@click.option(
    "--stride",
    type=parameters.whole("a stride", validation.STRIDES),
    default=DEFAULT.stride,
    show_default=True,
    help="1, or 2 for the downsampling units, which double the channels and halve height and width.",
)
@measuring_options(NETWORK_BUDGET_S)
def command(tools: Tools, /, names: tuple[str, ...], format_: str, **options: Any) -> int:
    """Measure the building blocks of networks (ShuffleNet, MobileNet, ResNet and more) at equal FLOPs.

    NAMES are of blocks (`benchcli list blocks`).  [default: all]

    \b
    Example: benchcli block shufflenet-v2 shufflenet-v1-g3 mobilenet-v2 --width 64 --size 56
    """
    return measure_and_show(tools, format_, block, *names, **options)
