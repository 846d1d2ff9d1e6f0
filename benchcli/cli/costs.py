"""`benchcli costs`: the costs of networks, without their time."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.network_costs import costs
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import show
from benchcli.errors import FINE, NOT_MEASURED
from benchcli.settings import COSTS, NETWORK_NAME


@click.command("costs")
@argument("names", NETWORK_NAME, nargs=-1, required=True)
@options(COSTS)
@run_format_option
@tools_option
def command(tools: Tools, /, names: tuple[str, ...], format_: str, strict: bool, **options: Any) -> int:
    """Count multiply-adds, memory access and peak memory of networks, by operator, without measuring time.

    NAMES are as for `benchcli network`. What fvcore and torch count is shown where it differs.

    \b
    Example: benchcli costs shufflenet-v2-1x --by operator
    """
    counted = costs(*names, tools=tools, **options)
    lacking = counted.failures or any(each.error for each in counted.costs.values())
    incomplete = any(not each.flops_complete for each in counted.costs.values())
    return show(counted, format_, code=NOT_MEASURED if lacking or (strict and incomplete) else FINE)
