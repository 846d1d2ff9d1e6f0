"""`benchcli network`: whole networks, at equal FLOPs or by name."""

from typing import Any

import click

from benchcli import validation
from benchcli.cli import parameters
from benchcli.cli.measure import measure_and_show, request_of
from benchcli.cli.options import measuring_options, overrides_of
from benchcli.errors import UserError
from benchcli.measure.tools import Tools
from benchcli.workloads.networks.base import GROUPS
from benchcli.workloads.networks.family import NetworkRequest, family_name

BUDGET_S = 40.0
"""A call of a whole network is long, and one launch of a group takes three seconds."""


@click.command("network")
@click.argument("names", nargs=-1)
@click.option(
    "--group",
    "groups",
    type=parameters.wholes("a group", validation.GROUPS),
    help="Networks of about so many MFLOPs, as in ShuffleNet V2's Table 8.  "
    f"[default: without names, {','.join(map(str, GROUPS))}]",
)
@click.option(
    "--size",
    type=parameters.whole("a size", validation.SIZES),
    help="Height and width of every input.  [default: each network's own]",
)
@measuring_options(BUDGET_S)
def command(
    tools: Tools,
    /,
    names: tuple[str, ...],
    groups: tuple[int, ...] | None,
    size: int | None,
    format_: str,
    **options: Any,
) -> int:
    """Measure whole networks beside their published error, and show which of them are worth their time.

    NAMES are of networks that ship (`benchcli list networks`), torchvision:NAME or timm:NAME where those are
    installed, or package.module:callable of your own.

    \b
    Example: benchcli network --group 140
    """
    if names and groups:
        raise UserError("give networks or a --group of them, not both")
    if len(set(names)) < len(names):
        raise UserError(f"a network is named twice: {' '.join(names)}")
    overrides = overrides_of(options)
    families = [family for request in _requests(names, groups, size) for family in request.families(overrides)]
    return measure_and_show(tools, request_of("network", "", families, options), format_)


def _requests(names: tuple[str, ...], groups: tuple[int, ...] | None, size: int | None) -> list[NetworkRequest]:
    if names:
        return [NetworkRequest(name=family_name(None), networks=names, size=size)]
    return [NetworkRequest(name=family_name(group), group=group, size=size) for group in groups or GROUPS]
