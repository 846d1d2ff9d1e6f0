"""`benchcli explain`: why the networks of a recorded run are as fast as they are."""

from pathlib import Path

import click

from benchcli.api.explanation import explain
from benchcli.api.keywords import Tools
from benchcli.cli.options import argument, run_format_option, tools_option
from benchcli.cli.output import reporting, show
from benchcli.errors import FINE, NOT_MEASURED
from benchcli.validation import FolderPath


@click.command("explain")
@argument("run", FolderPath(), metavar="RUN")
@run_format_option
@tools_option
def command(tools: Tools, /, run: Path, format_: str) -> int:
    """Say why each network of a recorded run is as fast as it is: its place on the roofline, and its kernels.

    The networks are called again, if the run is of this machine.

    \b
    Example: benchcli explain results/monday
    """
    with reporting(tools) as reporter:
        explained = explain(run, tools=reporter)
    failed = any(each.status != "unsupported" for each in explained.failures.values())
    return show(explained, format_, code=NOT_MEASURED if failed else FINE)
