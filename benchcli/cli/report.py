"""`benchcli report`: one HTML page of recorded runs or checks."""

from pathlib import Path

import click

from benchcli import files
from benchcli.api.recorded import together
from benchcli.cli.options import Parameter, argument
from benchcli.cli.output import say
from benchcli.errors import FINE
from benchcli.settings import REPORT
from benchcli.validation import FolderPath


@click.command("report")
@argument("runs", FolderPath(), nargs=-1, required=True, metavar="RUN...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=Parameter(REPORT),
    help="The HTML file to write.",
)
def command(runs: tuple[Path, ...], output: Path) -> int:
    """Write one HTML page of recorded runs or checks: tables, charts and their numbers. It loads nothing.

    Several runs of one suite stand side by side, and three or more have a history. A pattern such as 'results/*g2*'
    stands for several.

    \b
    Example: benchcli report results/monday -o report.html
    """
    files.replace(output, together(*runs).written("html"), follow=True)
    say(f"wrote {output}")
    return FINE
