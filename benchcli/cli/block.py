"""`benchcli block`: the units of networks, at equal FLOPs."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.measurement import block
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import measure_and_show
from benchcli.settings import BLOCK
from benchcli.validation import Plugin
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.blocks.block_request import ALL


@click.command("block")
@argument("names", Plugin(lambda: BLOCKS, (ALL,)), nargs=-1)
@options(BLOCK)
@run_format_option
@tools_option
def command(tools: Tools, /, names: tuple[str, ...], format_: str, **options: Any) -> int:
    """Measure the building blocks of networks (ShuffleNet, MobileNet, ResNet and more) at equal FLOPs.

    NAMES are of blocks (`benchcli list blocks`).  [default: all]

    \b
    Example: benchcli block shufflenet-v2 shufflenet-v1-g3 mobilenet-v2 --width 64 --size 56
    """
    return measure_and_show(tools, format_, block, *names, **options)
