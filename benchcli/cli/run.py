"""`benchcli run`: measure a suite."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.measuring import measure_suite
from benchcli.cli import parameters
from benchcli.cli.measuring_options import measuring_options
from benchcli.cli.options import IN_SUITE, channel_options
from benchcli.cli.output import measure_and_show


@click.command("run")
@click.argument("suite", type=parameters.suite())
@channel_options(IN_SUITE)
@measuring_options(otherwise=IN_SUITE)
def command(tools: Tools, /, suite: str, format_: str, **options: Any) -> int:
    """Measure a suite: a built-in one (`benchcli list suites`), or your own TOML file.

    \b
    Example: benchcli run suites/quick.toml --threads 2
    """
    return measure_and_show(tools, format_, measure_suite, suite, **options)
