"""`benchcli claims`: the papers' claims, tested on this machine."""

from pathlib import Path
from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.paper_claims import CLAIMS_BUDGET_S, CLAIMS_PRECISION, claims
from benchcli.cli import parameters
from benchcli.cli.options import output_options, plan_options, target_options, tools_option
from benchcli.cli.output import measure_and_show, page_file, show
from benchcli.errors import UserError

HEEDED = ("folder", "format_", "report")


@click.command("claims")
@click.argument("folder", type=parameters.folder(), required=False)
@target_options
@plan_options(CLAIMS_BUDGET_S, CLAIMS_PRECISION)
@output_options
@tools_option
@click.pass_context
def command(
    context: click.Context, tools: Tools, /, folder: Path | None, format_: str, report: Path | None, **options: Any
) -> int:
    """Test the claims of the two ShuffleNet papers on this machine, or on the recorded run in FOLDER.

    Every claim that can be measured gets a verdict with its evidence: the guidelines, which network is faster, where
    the time goes, and how well FLOPs predict the time.

    \b
    Example: benchcli claims
    """
    if folder is None:
        return measure_and_show(tools, format_, claims, report=report, **options)
    _refuse_options(context)
    return show(claims(folder), format_, page_file(report))


def _refuse_options(context: click.Context) -> None:
    """Raise UserError if an option is given that has no effect on a recorded run."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
        if given and parameter.name not in HEEDED:
            raise UserError(
                f"{parameter.opts[0]} cannot be combined with FOLDER, whose run is already measured: leave one out"
            )
