"""`benchcli sweep`: which widths to choose on this machine."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.width_sweep import sweep
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import measure_and_show
from benchcli.settings import SWEEP, SWEPT_NAME


@click.command("sweep")
@argument("what", SWEPT_NAME, nargs=-1, required=True)
@options(SWEEP)
@run_format_option
@tools_option
def command(tools: Tools, /, what: tuple[str, ...], format_: str, params: tuple[Any, ...], **options: Any) -> int:
    """Measure a layer at many widths, and say which to choose and which to avoid here.

    WHAT is conv, depthwise, linear, block NAME, or package.module:callable with --param.

    \b
    Example: benchcli sweep conv --in 32..256:8 --groups 1,2,4
    """
    return measure_and_show(
        tools, format_, sweep, *what, params={name: values for each in params for name, values in each}, **options
    )
