"""`benchcli device`: the machine, and how fit it is for measuring."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.this_machine import device, peaks
from benchcli.cli.options import format_option, options, tools_option
from benchcli.cli.output import reporting, show, show_sections
from benchcli.errors import FINE, UserError
from benchcli.reports.views import device_page as view
from benchcli.settings import FRESH, OF_ROOFS, PEAKS, QUICK, TARGET


@click.command("device")
@options((*TARGET, QUICK, PEAKS, FRESH))
@format_option("table", "json")
@tools_option
def command(tools: Tools, /, format_: str, quick: bool, fresh: bool, **options: Any) -> int:
    """Show the machine, a hash that identifies it, and how fit it is for measuring now.

    \b
    Example: benchcli device --device cuda
    """
    if options.pop(PEAKS.name):
        return _show_peaks(tools, format_, fresh, options)
    if fresh:
        raise UserError(f"{FRESH.option} measures the peaks anew: give {PEAKS.option} too")
    seen = device(tools=tools, quick=quick, **options)
    sections = seen.sections()
    if format_ != "json":
        sections["fitness"] = view.fitness(seen.grade)
        if seen.resolution:
            sections["resolution"] = view.resolution(seen.resolution)
    show_sections(sections, format_, view.line)
    return FINE


def _show_peaks(tools: Tools, format_: str, fresh: bool, options: dict[str, Any]) -> int:
    for each in TARGET:
        if each not in OF_ROOFS and options.pop(each.name) != each.default:
            raise UserError(f"{PEAKS.option} is about torch's operators in warm caches: leave {each.option} out")
    with reporting(tools) as reporter:
        found = peaks(tools=reporter, fresh=fresh, **options)
    return show(found, format_)
