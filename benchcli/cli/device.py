"""`benchcli device`: the machine, and how fit it is for measuring."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.this_machine import device
from benchcli.cli.options import format_option, options, tools_option
from benchcli.cli.output import show_sections
from benchcli.reports.views import device_page as view
from benchcli.settings import QUICK, TARGET


@click.command("device")
@options((*TARGET, QUICK))
@format_option("table", "json")
@tools_option
def command(tools: Tools, /, format_: str, **options: Any) -> None:
    """Show the machine, a hash that identifies it, and how fit it is for measuring now.

    \b
    Example: benchcli device --device cuda
    """
    seen = device(tools=tools, **options)
    sections = seen.sections()
    if format_ != "json":
        sections["fitness"] = view.fitness(seen.grade)
        if seen.resolution:
            sections["resolution"] = view.resolution(seen.resolution)
    show_sections(sections, format_, view.line)
