"""`benchcli show`: a stored run or check again, without measuring."""

from pathlib import Path

import click

from benchcli.api.recorded import load_all
from benchcli.cli.options import check_format_option, option, runs_argument
from benchcli.cli.output import show
from benchcli.settings import SHOWN_BASELINE, SHOWN_DEPTH, SHOWN_TREE, VERBOSE


@click.command("show")
@runs_argument
@option(SHOWN_BASELINE)
@option(SHOWN_DEPTH)
@option(SHOWN_TREE)
@option(VERBOSE)
@check_format_option
def command(
    runs: tuple[Path, ...], baseline: str | None, depth: int | None, tree: bool, verbose: bool, format_: str
) -> int:
    """Print stored runs and checks again, without measuring; a pattern such as 'results/*g2*' stands for several.

    \b
    Example: benchcli show results/monday --format markdown
    """
    return show(load_all(runs, depth, verbose, baseline, tree), format_)
