"""`benchcli report`: one HTML page of recorded runs or checks."""

from pathlib import Path

import click

from benchcli.api.recorded import report
from benchcli.cli.options import Parameter, option, runs_argument
from benchcli.cli.output import say
from benchcli.errors import FINE
from benchcli.settings import FORCE, REPORT


@click.command("report")
@runs_argument
@click.option(
    "-o",
    "--output",
    required=True,
    type=Parameter(REPORT),
    help="The HTML file to write.",
)
@option(FORCE)
def command(runs: tuple[Path, ...], output: Path, force: bool) -> int:
    """Write one HTML page of recorded runs or checks: tables, charts and their numbers. It loads nothing.

    Several runs of one suite stand side by side, and three or more have a history. A pattern such as 'results/*g2*'
    stands for several.

    \b
    Example: benchcli report results/monday -o report.html
    """
    report(*runs, path=output, force=force)
    say(f"wrote {output}")
    return FINE
