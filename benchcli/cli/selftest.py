"""`benchcli selftest`: are the intervals right on this machine?"""

import json
from typing import Any

import click

from benchcli import validation
from benchcli.api.keywords import Tools
from benchcli.api.results import UnfinishedError
from benchcli.api.this_machine import SELFTEST_BUDGET_S, SelfTest, selftest
from benchcli.cli import parameters
from benchcli.cli.format_options import format_option
from benchcli.cli.options import plan_options, target_options, tools_option
from benchcli.cli.output import reporting, say
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED
from benchcli.reports.views import selftest_page as view


@click.command("selftest")
@click.option(
    "--comparisons",
    type=parameters.whole("the number of comparisons", validation.COMPARISONS),
    default=40,
    show_default=True,
    help="Number of comparisons of two equal networks; a quarter as many with a slower network are added.",
)
@target_options
@plan_options(SELFTEST_BUDGET_S)
@format_option("table", "json")
@tools_option
def command(tools: Tools, /, format_: str, **options: Any) -> int:
    """Test the method on this machine: compare equal networks (A/A test), and networks of known slowdown.

    \b
    Example: benchcli selftest --comparisons 100 --budget 6s
    """
    try:
        with reporting(tools) as told:
            result = selftest(tools=told, **options)
    except UnfinishedError as unfinished:
        _show(unfinished.result, format_)
        say(str(unfinished))
        return INTERRUPTED if unfinished.reason is None else NOT_MEASURED
    _show(result, format_)
    return FINE


def _show(result: SelfTest, format_: str) -> None:
    if result.summary is None:
        return
    data = view.data(result.comparisons, result.summary)
    click.echo(json.dumps(data, indent=2, ensure_ascii=False) if format_ == "json" else "\n".join(result.lines()))
