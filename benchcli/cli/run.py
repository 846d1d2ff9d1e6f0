"""`benchcli run`: the families of a suite."""

from typing import Any

import click

from benchcli.cli.measure import measure_and_show
from benchcli.cli.options import channel_options, measuring_options
from benchcli.cli.session import Session
from benchcli.schema import Suite
from benchcli.workloads.overrides import families_of_suite
from benchcli.workloads.suites import find_suite


@click.command("run")
@click.argument("suite")
@channel_options
@measuring_options()
def command(session: Session, /, suite: str, **options: Any) -> int:
    """Measure a suite: one that ships (see `benchcli list`), or a TOML file of your own.

    \b
    Example: benchcli run suites/quick.toml --threads 2
    """
    file = find_suite(suite)
    return measure_and_show(
        session, Suite(file.name, file.description, tuple(families_of_suite(file, options))), options
    )
