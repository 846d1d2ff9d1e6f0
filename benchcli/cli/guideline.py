"""`benchcli guideline`: one of the four guidelines, or all, on this machine."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.measuring import ALL, measure
from benchcli.cli import parameters
from benchcli.cli.measuring_options import measuring_options
from benchcli.cli.options import channel_options
from benchcli.cli.output import measure_and_show
from benchcli.workloads.guidelines.base import GUIDELINES


@click.command("guideline")
@click.argument("name", type=parameters.plugin(GUIDELINES, ALL), metavar="g1|g2|g3|g4|all")
@channel_options()
@measuring_options()
def command(tools: Tools, /, name: str, format_: str, **options: Any) -> int:
    """Measure a guideline on this machine and say whether it holds.

    \b
    Example: benchcli guideline g2 --device cuda
    """
    return measure_and_show(tools, format_, measure, name, **options)
