"""`benchcli show`: a stored run or check again, without measuring."""

from typing import Any

import click

from benchcli import validation
from benchcli.api.recorded import load_all
from benchcli.cli import parameters
from benchcli.cli.format_options import check_format_option
from benchcli.cli.output import show


@click.command("show")
@click.argument("runs", nargs=-1, required=True, type=parameters.recorded(), metavar="RUN...")
@click.option(
    "--depth",
    type=parameters.whole("a depth", validation.DEPTHS),
    help="Roll the layers up to this depth, such as 1 for a network's own children.",
)
@check_format_option
def command(runs: tuple[str, ...], depth: int | None, format_: str) -> Any:
    """Print stored runs and checks again, without measuring; a pattern such as 'results/*g2*' stands for several.

    \b
    Example: benchcli show results/monday --format markdown
    """
    return show(load_all(runs, depth), format_)
