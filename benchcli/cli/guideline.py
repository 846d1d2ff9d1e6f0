"""`benchcli guideline`: one of the four guidelines, or all, on this machine."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.measurement import measure
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import measure_and_show
from benchcli.settings import MEASURE
from benchcli.validation import Plugin
from benchcli.workloads.guidelines.base import EXPERIMENTS
from benchcli.workloads.guidelines.guideline_request import ALL


@click.command("guideline")
@argument("name", Plugin(lambda: EXPERIMENTS, (ALL,)), metavar="g1|g2|g3|g4|all")
@options(MEASURE)
@run_format_option
@tools_option
def command(tools: Tools, /, name: str, format_: str, **options: Any) -> int:
    """Measure a guideline on this machine and say whether it holds.

    \b
    Example: benchcli guideline g2 --device cuda
    """
    return measure_and_show(tools, format_, measure, name, **options)
