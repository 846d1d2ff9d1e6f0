"""`benchcli run`: the families of a suite."""

from collections.abc import Iterator
from typing import Any

import click

from benchcli.cli.measuring import measure_and_show
from benchcli.cli.options import families_of, measuring_options
from benchcli.cli.session import Session
from benchcli.errors import UserError
from benchcli.schema import Family, Suite
from benchcli.suites import SuiteFile, find_suite


@click.command("run")
@click.argument("suite")
@measuring_options
def command(session: Session, /, suite: str, **options: Any) -> int:
    """Measure a suite: one that ships (see `benchcli list`), or a TOML file of your own.

    \b
    Example: benchcli run suites/quick.toml --threads 2
    """
    file = find_suite(suite)
    return measure_and_show(session, Suite(file.name, file.description, tuple(_families(file, options))), options)


def _families(file: SuiteFile, options: dict[str, Any]) -> Iterator[Family]:
    for index, request in enumerate(file.requests()):
        try:
            yield from families_of(request, options)
        except UserError as error:
            raise file.family_error(index, error) from None
