"""`benchcli audit`: what makes a network slow, and what following the guidelines would win."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.network_audit import audit
from benchcli.cli.options import argument, check_format_option, options, tools_option
from benchcli.cli.output import measure_and_show
from benchcli.settings import AUDIT, NETWORK_NAME


@click.command("audit")
@argument("name", NETWORK_NAME)
@options(AUDIT)
@check_format_option
@tools_option
def command(tools: Tools, /, name: str, format_: str, **options: Any) -> int:
    """Say which guidelines a network breaks, and what following them would win: its layers are rebuilt and measured.

    NAME is as for `benchcli network`. Gains are shares of the network's time on this machine. What a change costs in
    accuracy is not known.

    \b
    Example: benchcli audit shufflenet-v1-1x-g3
    """
    return measure_and_show(tools, format_, audit, name, **options)
