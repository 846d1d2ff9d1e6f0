"""`benchcli claims`: the papers' claims, tested on this machine."""

from pathlib import Path

import click

from benchcli.api.keywords import Tools
from benchcli.api.measurement import claims
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import destinations, measure_and_show, show
from benchcli.errors import UserError
from benchcli.settings import CLAIMS
from benchcli.validation import FolderPath

OF_RECORDED_RUNS = ("folder", "format_", "report", "force")
"""The parameters that have an effect on a recorded run."""


@click.command("claims")
@argument("folder", FolderPath(), required=False)
@options(CLAIMS)
@run_format_option
@tools_option
@click.pass_context
def command(
    context: click.Context,
    tools: Tools,
    /,
    folder: Path | None,
    format_: str,
    report: Path | None,
    force: bool,
    **options: object,
) -> int:
    """Test the claims of the two ShuffleNet papers on this machine, or on the recorded run in FOLDER.

    Every claim that can be measured gets a verdict with its evidence: the guidelines, which network is faster, where
    the time goes, and how well FLOPs predict the time.

    \b
    Example: benchcli claims
    """
    if folder is None:
        return measure_and_show(tools, format_, claims, report=report, force=force, **options)
    _refuse_options(context)
    return show(claims(folder), format_, destinations((), report, force))


def _refuse_options(context: click.Context) -> None:
    """Raise UserError if an option is given that has no effect on a recorded run."""
    for parameter in context.command.params:
        is_given = context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
        if is_given and parameter.name not in OF_RECORDED_RUNS:
            raise UserError(
                f"{parameter.opts[0]} cannot be combined with FOLDER, whose run is already measured: leave one out"
            )
