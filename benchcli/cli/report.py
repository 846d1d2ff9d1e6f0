"""`benchcli report`: one HTML page of recorded runs or checks."""

from pathlib import Path

import click

from benchcli.api.reporting import report
from benchcli.cli import parameters
from benchcli.cli.output import say
from benchcli.errors import FINE


@click.command("report")
@click.argument("runs", nargs=-1, required=True, type=parameters.recorded(), metavar="RUN...")
@click.option(
    "-o",
    "--output",
    required=True,
    type=parameters.file(),
    help="The HTML file to write.",
)
def command(runs: tuple[str, ...], output: Path) -> int:
    """Write one HTML page of recorded runs or checks: tables, charts and their numbers. It loads nothing.

    Several runs of one suite stand side by side, and three or more have a history. A pattern such as 'results/*g2*'
    stands for several.

    \b
    Example: benchcli report results/monday -o report.html
    """
    report(*runs, path=output)
    say(f"wrote {output}")
    return FINE
