"""`benchcli guideline`: one of the four guidelines, or all, on this machine."""

from typing import Any

import click

from benchcli.cli import parameters
from benchcli.cli.measure import measure_and_show, request_of
from benchcli.cli.options import channel_options, measuring_options, overrides_of
from benchcli.measure.tools import Tools
from benchcli.workloads.guidelines.base import GUIDELINES
from benchcli.workloads.guidelines.family import GuidelineRequest

ALL = "all"


@click.command("guideline")
@click.argument("name", type=parameters.plugin(GUIDELINES, ALL), metavar="g1|g2|g3|g4|all")
@channel_options
@measuring_options()
def command(tools: Tools, /, name: str, format_: str, **options: Any) -> int:
    """Measure a guideline on this machine and say whether it holds.

    \b
    Example: benchcli guideline g2 --device cuda
    """
    names = [known.name for known in GUIDELINES] if name == ALL else [name]
    overrides = overrides_of(options)
    families = [family for each in names for family in GuidelineRequest(guideline=each).families(overrides)]
    return measure_and_show(tools, request_of(f"guideline-{name}", "", families, options), format_)
