"""`benchcli network`: whole networks, at equal FLOPs or by name."""

from typing import Any

import click

from benchcli import validation
from benchcli.api.keywords import Tools
from benchcli.api.whole_networks import NETWORK_BUDGET_S, network
from benchcli.cli import parameters
from benchcli.cli.measuring_options import measuring_options
from benchcli.cli.options import own_inputs_option
from benchcli.cli.output import measure_and_show
from benchcli.workloads.networks.base import GROUPS


@click.command("network")
@click.argument("names", nargs=-1, type=parameters.network())
@click.option(
    "--group",
    type=parameters.wholes("a group", validation.GROUPS),
    help="Groups of networks by complexity in MFLOPs, as in ShuffleNet V2's Table 8.  "
    f"[default, without NAMES: {','.join(map(str, GROUPS))}]",
)
@click.option(
    "--size",
    type=parameters.wholes("a size", validation.SIZES),
    help="Height and width of every input image; several are compared.  [default: each network's own]",
)
@own_inputs_option
@click.option(
    "--error",
    "errors",
    multiple=True,
    type=parameters.error(),
    help="The top-1 error of a network in per cent, once for each, such as mine:build=28.1, for the Pareto front.",
)
@measuring_options(NETWORK_BUDGET_S)
def command(
    tools: Tools, /, names: tuple[str, ...], format_: str, errors: tuple[tuple[str, float], ...], **options: Any
) -> int:
    """Measure whole networks, and show the Pareto front of time and published error.

    NAMES are built-in networks (`benchcli list networks`); torchvision:NAME, timm:NAME or pytorchcv:NAME if those
    are installed; all of either that a pattern such as 'mobilenet-v2*' matches; or your own module:function, whose
    attribute `example_inputs` may hold its inputs.

    \b
    Example: benchcli network --group 140
    """
    validation.distinct("--error", [name for name, _ in errors])
    return measure_and_show(tools, format_, network, *names, errors=dict(errors), **options)
