"""`benchcli block`: the units of networks, at equal FLOPs."""

from typing import Any

import click

from benchcli import validation
from benchcli.cli import parameters
from benchcli.cli.measure import measure_and_show, request_of
from benchcli.cli.options import measuring_options, overrides_of
from benchcli.errors import UserError
from benchcli.measure.tools import Tools
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.blocks.family import ALL, BlockRequest

DEFAULT = BlockRequest()
BUDGET_S = 40.0
"""There are many blocks, and one launch of all takes four seconds."""


@click.command("block")
@click.argument("names", nargs=-1, type=parameters.plugin(BLOCKS, ALL))
@click.option(
    "--width",
    type=parameters.whole("a width", validation.WIDTHS),
    default=DEFAULT.width,
    show_default=True,
    help="Channels of ShuffleNet V2's unit; the others get those of equal FLOPs.",
)
@click.option(
    "--size",
    type=parameters.whole("a size", validation.SIZES),
    default=DEFAULT.size,
    show_default=True,
    help="Height and width of the feature map that goes in.",
)
@click.option(
    "--units",
    type=parameters.whole("the number of units", validation.UNITS),
    help="Units in a chain.  [default: 10, or 1 of stride 2]",
)
@click.option(
    "--stride",
    type=parameters.whole("a stride", validation.STRIDES),
    default=DEFAULT.stride,
    show_default=True,
    help="2 takes the units that double the channels and halve the plane.",
)
@measuring_options(BUDGET_S)
def command(tools: Tools, /, names: tuple[str, ...], format_: str, **options: Any) -> int:
    """Measure the units of networks at equal FLOPs: ShuffleNet's, MobileNet's, ResNet's and more, or all.

    \b
    Example: benchcli block shufflenet-v2 shufflenet-v1-g3 mobilenet-v2 --width 64 --size 56
    """
    if len(set(names)) < len(names) or (ALL in names and len(names) > 1):
        raise UserError(f"a block is named twice: {' '.join(names)}")
    own = {name: options.pop(name) for name in ("width", "size", "units", "stride")}
    request = BlockRequest(blocks=names or (ALL,), **own)
    families = request.families(overrides_of(options))
    return measure_and_show(tools, request_of("block", "", families, options), format_)
