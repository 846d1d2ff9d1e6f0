"""`benchcli compare`: recorded runs side by side."""

from pathlib import Path

import click

from benchcli.analysis.comparison import compare
from benchcli.cli.options import run_format_option
from benchcli.cli.output import show
from benchcli.errors import UserError
from benchcli.report.views.comparison import page
from benchcli.runs.read import read

MOST = 26


@click.command("compare")
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path), metavar="A B [C ...]")
@run_format_option
def command(runs: tuple[Path, ...], format_: str) -> None:
    """Show how recorded runs differ from the first: in time, across machines, runtimes, dtypes or weeks.

    \b
    Example: benchcli compare results/monday results/tuesday
    """
    if len(runs) < 2:
        raise UserError("give two runs or more: the folders that `benchcli run` and `benchcli guideline` write")
    if len(runs) > MOST:
        raise UserError(f"{len(runs)} runs are too many for one table: give {MOST} or fewer")
    show(page(compare([read(path) for path in runs])), format_)
