"""`benchcli store`: many runs in one folder, to be queried and got back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchcli.api.results_store import Store
from benchcli.cli.main import Group
from benchcli.cli.options import Parameter, argument, run_format_option
from benchcli.cli.output import say, show
from benchcli.errors import FINE
from benchcli.formatting import counted
from benchcli.settings import KEPT_IN, OUTPUT
from benchcli.store.adding import NotAddedError
from benchcli.validation import FolderPath, Text


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --store, which every command here needs."""
    return click.option(KEPT_IN.option, KEPT_IN.name, required=True, type=Parameter(KEPT_IN), help=KEPT_IN.help)(
        command
    )


@click.group("store", cls=Group)
def command() -> None:
    """Keep runs in a store: a folder of Parquet files, on a shared disk or in a repository.

    Whatever takes the folder of a run takes STORE/ID too, or the beginning of the ID.

    \b
    Example: benchcli store add results/monday --store store
    """


@command.command("add", short_help="Add finished runs and checks.")
@argument("runs", FolderPath(), nargs=-1, required=True, metavar="RUN...")
@store_option
def add(runs: tuple[Path, ...], store: Path) -> int:
    """Add finished runs and checks, and print their places; what the store has already stays as it is.

    If some are not finished or damaged, the others are added, and the exit code is 2.

    \b
    Example: benchcli store add results/monday results/tuesday --store store
    """
    try:
        added, refused = Store(store).add(*runs), None
    except NotAddedError as error:
        added, refused = error.added, error
    for each in added:
        click.echo(each.path)
    if added or refused is None:
        say(f"{counted(sum(each.is_new for each in added), 'run')} added to {store}")
    if refused:
        raise refused
    return FINE


@command.command("ls", short_help="List the runs.")
@store_option
@run_format_option
def ls(store: Path, format_: str) -> int:
    """List the runs in the order of time.

    \b
    Example: benchcli store ls --store store
    """
    return show(Store(store).runs(), format_)


@command.command("query", short_help="Query the runs in SQL.")
@argument("sql", Text())
@store_option
@run_format_option
def query(sql: str, store: Path, format_: str) -> int:
    """Query the tables runs, networks, launches and samples in SQL, as DuckDB has it.

    \b
    Example: benchcli store query 'SELECT host, variant, relative_speed FROM networks' --store store
    """
    return show(Store(store).query(sql), format_)


@command.command("get", short_help="Write the folder that a run was.")
@argument("run", Text(), metavar="ID")
@store_option
@click.option("-o", "--output", required=True, type=Parameter(OUTPUT), help="The folder to write.")
def get(run: str, store: Path, output: Path) -> int:
    """Write the folder that a run was, with every file as it was.

    \b
    Example: benchcli store get 20261125T190420Z --store store -o monday
    """
    say(f"wrote {Store(store).get(run, output)}")
    return FINE


@command.command("outliers", short_help="Name machines that differ from equal ones.")
@store_option
@run_format_option
def outliers(store: Path, format_: str) -> int:
    """Name the machines that are slower or faster than those with the same digest.

    \b
    Example: benchcli store outliers --store store
    """
    return show(Store(store).outliers(), format_)
