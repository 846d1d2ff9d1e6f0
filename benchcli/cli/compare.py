"""`benchcli compare`: recorded runs side by side."""

from pathlib import Path

import click

from benchcli.api.compared_runs import Compared
from benchcli.api.recorded import compare
from benchcli.cli.options import argument, option, run_format_option
from benchcli.cli.output import show
from benchcli.errors import FINE, NOT_MEASURED
from benchcli.settings import PAIRWISE
from benchcli.validation import FolderPath


@click.command("compare")
@argument("runs", FolderPath(), nargs=-1, metavar="A B [C ...]")
@option(PAIRWISE)
@run_format_option
def command(runs: tuple[Path, ...], pairwise: bool, format_: str) -> int:
    """Show how recorded runs differ from the first one, across machines, runtimes, dtypes or dates.

    With --pairwise it ranks the networks of one run, and compares each two of them. Runs without a
    common network are shown, with exit code 4.

    \b
    Example: benchcli compare results/monday results/tuesday
    """
    found = compare(*runs, pairwise=pairwise)
    is_empty = isinstance(found, Compared) and not found.comparison.compared
    return show(found, format_, code=NOT_MEASURED if is_empty else FINE)
