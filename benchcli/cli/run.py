"""`benchcli run`: the families of a suite."""

from typing import Any

import click

from benchcli.cli.measure import measure_and_show, request_of
from benchcli.cli.options import channel_options, measuring_options, overrides_of
from benchcli.measure.tools import Tools
from benchcli.workloads.overrides import families_of_suite
from benchcli.workloads.suites import find_suite


@click.command("run")
@click.argument("suite")
@channel_options
@measuring_options()
def command(tools: Tools, /, suite: str, format_: str, **options: Any) -> int:
    """Measure a suite: one that ships (see `benchcli list`), or a TOML file of your own.

    \b
    Example: benchcli run suites/quick.toml --threads 2
    """
    file = find_suite(suite)
    families = families_of_suite(file, overrides_of(options))
    return measure_and_show(tools, request_of(file.name, file.description, families, options), format_)
