"""`benchcli selftest`: are the intervals right on this machine?"""

import json
from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.result import UnfinishedError
from benchcli.api.this_machine import SelfTest, selftest
from benchcli.cli.options import format_option, options, tools_option
from benchcli.cli.output import reporting, say
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED
from benchcli.reports.views import selftest_page as view
from benchcli.settings import SELFTEST


@click.command("selftest")
@options(SELFTEST)
@format_option("table", "json")
@tools_option
def command(tools: Tools, /, format_: str, **options: Any) -> int:
    """Test the method on this machine: compare equal networks (A/A test), and networks of known slowdown.

    \b
    Example: benchcli selftest --comparisons 100 --budget 6s
    """
    try:
        with reporting(tools) as reporter:
            result = selftest(tools=reporter, **options)
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
