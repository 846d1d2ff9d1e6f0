"""`benchcli costs`: the costs of networks, without their time."""

from typing import Any

import click

from benchcli import validation
from benchcli.api.counting import costs
from benchcli.api.keywords import Tools
from benchcli.cli import parameters
from benchcli.cli.format_options import run_format_option
from benchcli.cli.options import own_inputs_option, tools_option
from benchcli.cli.output import show
from benchcli.errors import FINE, NOT_MEASURED
from benchcli.reports.views.costs_page import NETWORK, ROWS


@click.command("costs")
@click.argument("names", nargs=-1, required=True, type=parameters.network())
@click.option(
    "--by",
    type=parameters.name("kind of row", lambda: ROWS),
    default=NETWORK,
    show_default=True,
    help="network: totals; module: each module with all that it calls; operator: sums by operator; call: each call of "
    "an operator.",
)
@click.option(
    "--size",
    type=parameters.whole("a size", validation.SIZES),
    help="Height and width of every input image.  [default: each network's own]",
)
@own_inputs_option
@click.option(
    "--batch",
    type=parameters.whole("a batch size", validation.BATCHES),
    help="Number of images in a call.  [default: that of --input, or 1]",
)
@click.option(
    "--dtype",
    type=parameters.name("dtype", lambda: validation.DTYPES),
    default="float32",
    show_default=True,
    help=f"Data type: {', '.join(validation.DTYPES)}.",
)
@click.option(
    "--device",
    type=parameters.device(),
    default="cpu",
    show_default=True,
    help="Where to call the networks: other devices dispatch other operators, and report their own peak memory.",
)
@click.option("--strict", is_flag=True, help="End with exit code 4 if a count is incomplete.")
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
