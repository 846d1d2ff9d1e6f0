"""`benchcli fleet`: a suite on many machines."""

import shlex
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchcli.api.many_machines import Hosts, fleet
from benchcli.api.result import UnfinishedError
from benchcli.cli.main import Group
from benchcli.cli.options import Parameter, argument, options, run_format_option, suite_argument
from benchcli.cli.output import destinations, say, show
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED
from benchcli.fleets import dask_engine, on_host, scheduler_address, started_workers
from benchcli.settings import FLEET, TLS
from benchcli.validation import Text

labels_option = click.option(
    "--label", "labels", multiple=True, metavar="LABEL", help="A label of this host, such as gpu=h100; may be repeated."
)


def tls_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --tls."""
    return click.option(TLS.option, TLS.name, type=Parameter(TLS), help=TLS.help)(command)


@click.group("fleet", cls=Group)
def command() -> None:
    """Measure a suite on many machines: one job for each, in a fresh process, one at a time on a machine.

    \b
    Example: benchcli fleet run quick --local 2
    """


@command.command("run", short_help="Measure a suite on each host.")
@suite_argument()
@options(FLEET)
@run_format_option
def run(suite: str, format_: str, report: Path | None, force: bool, **options: Any) -> int:
    """Measure a suite on each host, and show the runs side by side.

    Rows are on this machine's disk as soon as a host has finished them; --resume asks for the rest.

    \b
    Example: benchcli fleet run suites/quick.toml --scheduler tcp://10.0.0.1:8786 --store store
    """
    pages = destinations((), report, force)
    try:
        with _table() as observe:
            result = fleet(suite, observe=observe, **options)
    except UnfinishedError as unfinished:
        show(unfinished.result, format_, pages, NOT_MEASURED)
        say(str(unfinished))
        return INTERRUPTED if unfinished.reason is None else NOT_MEASURED
    return show(result, format_, pages, FINE)


@contextmanager
def _table() -> Iterator[Callable[[Hosts], None]]:
    """Yield a function that shows what each host does: a table that lives, or a line for each change."""
    from benchcli.reports.terminal import is_dumb, is_terminal

    if not is_terminal(sys.stderr) or is_dumb():
        before: dict[str, str] = {}

        def tell(now: Mapping[str, str]) -> None:
            for name, doing in now.items():
                if before.get(name) != doing:
                    say(f"{name}: {doing}")
            before.update(now)

        yield tell
        return
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

    with Live(console=Console(stderr=True), transient=True, auto_refresh=False) as live:

        def draw(now: Mapping[str, str]) -> None:
            table = Table("host", "now", box=None)
            for name, doing in now.items():
                table.add_row(name, doing)
            live.update(table, refresh=True)

        yield draw


@command.command("worker", short_help="Take jobs on this host.")
@argument("address", Text(), metavar="ADDRESS")
@click.option("--name", metavar="NAME", help="The name of this host.  [default: its own]")
@labels_option
@tls_option
@click.option("--end-with-stdin", is_flag=True, help="End when stdin does, as behind ssh.")
def worker(address: str, name: str | None, labels: tuple[str, ...], tls: Path | None, end_with_stdin: bool) -> int:
    """Take jobs from the scheduler at ADDRESS until interrupted, also from one that comes back.

    \b
    Example: benchcli fleet worker tcp://10.0.0.1:8786 --label gpu=h100
    """
    if end_with_stdin:
        on_host.end_with_stdin()
    with dask_engine.imported():
        dask_engine.serve_worker(scheduler_address.address_of(address), name or socket.gethostname(), labels, tls, say)
    return FINE


@command.command("scheduler", short_help="Hand jobs out from this machine.")
@click.option(
    "--listen", default=scheduler_address.LOOPBACK, metavar="HOST", help="Where to listen.", show_default=True
)
@click.option(
    "--port", default=scheduler_address.PORT, type=click.IntRange(0, 65535), help="The port.", show_default=True
)
@tls_option
def scheduler(listen: str, port: int, tls: Path | None) -> int:
    """Run a scheduler until interrupted. It listens on this machine alone unless told otherwise.

    \b
    Example: benchcli fleet scheduler --listen 10.0.0.1 --tls certificates
    """
    with dask_engine.imported():
        dask_engine.serve_scheduler(listen, port, tls, say)
    return FINE


@command.command("sbatch", short_help="Print a script for SLURM.")
@argument("address", Text(), metavar="ADDRESS")
@labels_option
@tls_option
def sbatch(address: str, labels: tuple[str, ...], tls: Path | None) -> int:
    """Print a script that starts a worker on a node of its own, for a pipe to SLURM's sbatch.

    \b
    Example: benchcli fleet sbatch tcp://10.0.0.1:8786 --label gpu=h100
    """
    where = scheduler_address.address_for(address, tls)
    words = [sys.executable, *started_workers.worker_words(where, labels, tls and tls.absolute())]
    click.echo(
        "#!/bin/sh\n#SBATCH --job-name=benchcli\n#SBATCH --nodes=1\n#SBATCH --ntasks=1\n#SBATCH --exclusive\n"
        f"exec {shlex.join(words)}"
    )
    return FINE
