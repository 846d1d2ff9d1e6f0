"""`benchcli run`: measure a suite."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.measurement import measure_suite
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import measure_and_show
from benchcli.settings import RUN, SUITE


@click.command("run")
@argument("suite", SUITE)
@options(RUN)
@run_format_option
@tools_option
def command(tools: Tools, /, suite: str, format_: str, **options: Any) -> int:
    """Measure a suite: a built-in one (`benchcli list suites`), or your own TOML file.

    \b
    Example: benchcli run suites/quick.toml --threads 2
    """
    return measure_and_show(tools, format_, measure_suite, suite, **options)
