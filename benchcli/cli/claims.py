"""`benchcli claims`: what the papers say, tested on this machine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from benchcli.analysis.claims.base import traced
from benchcli.cli import parameters
from benchcli.cli.measure import measure_and_show, request_of
from benchcli.cli.options import output_options, overrides_of, plan_options, target_options, tools_option
from benchcli.cli.output import show
from benchcli.errors import FINE, UserError
from benchcli.measure.tools import Tools
from benchcli.report.views.claims import page
from benchcli.runs.read import report_of
from benchcli.workloads.overrides import families_of_suite
from benchcli.workloads.suites import find_suite

SUITE = "claims"
HEEDED = ("folder", "format_")
BUDGET_S = 17.0
PRECISION = 0.02
"""Claims are of effects of two per cent and more."""


@click.command("claims")
@click.argument("folder", type=parameters.folder(), required=False)
@target_options
@plan_options(BUDGET_S, PRECISION)
@output_options
@tools_option
@click.pass_context
def command(context: click.Context, tools: Tools, /, folder: Path | None, format_: str, **options: Any) -> int:
    """Test what the two ShuffleNet papers claim on this machine, or on a run of it in FOLDER.

    Each sentence that a machine can test gets a verdict with its evidence: the guidelines, which network is faster,
    where the time goes, and how well FLOPs explain it.

    \b
    Example: benchcli claims
    """
    file = find_suite(SUITE)
    if folder:
        _refuse_options(context)
        report = report_of(folder)
        measured_on = overrides_of(report.environment["target"])
        show(page(report, families_of_suite(file, measured_on)), format_)
        return FINE
    families = families_of_suite(file, overrides_of(options))
    request = replace(request_of(file.name, file.description, families, options), traced=traced())
    return measure_and_show(tools, request, format_, lambda report: page(report, families))


def _refuse_options(context: click.Context) -> None:
    """Raise UserError where an option is given that a run which was measured already cannot heed."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
        if given and parameter.name not in HEEDED:
            raise UserError(f"{parameter.opts[0]} has no effect on the run in a FOLDER: leave one of them out")
