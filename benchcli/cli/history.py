"""`benchcli history`: since when is it slower?"""

from pathlib import Path

import click

from benchcli.api.results_store import Store
from benchcli.cli.options import argument, options, run_format_option
from benchcli.cli.output import show
from benchcli.settings import IN_HISTORY
from benchcli.validation import FolderPath


@click.command("history")
@argument("store", FolderPath())
@options(IN_HISTORY)
@run_format_option
def command(store: Path, network: str | None, host: str | None, format_: str) -> int:
    """Find when networks became faster or slower in the runs of a store, and between which commits.

    Speeds are relative to the reference networks that each run measured besides, on one machine, with one set of
    versions and settings. Slow drifts, of which each single step is too small to be found, are found too.

    \b
    Example: benchcli history store --network 'shufflenet*'
    """
    return show(Store(store).history(network, host), format_)
