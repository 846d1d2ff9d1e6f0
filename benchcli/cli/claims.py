"""`benchcli claims`: what the papers say, tested on this machine."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from benchcli.analysis.claims.base import Evidence, judged, traced
from benchcli.cli import parameters
from benchcli.cli.measure import measure_as
from benchcli.cli.options import output_options, plan_options, session_option, target_options
from benchcli.cli.session import Session
from benchcli.errors import UserError
from benchcli.report.formats.base import REPORTERS
from benchcli.report.page import Page
from benchcli.report.views import breakdowns
from benchcli.report.views.cells import records_of, warning_lines
from benchcli.report.views.claims import page
from benchcli.report.views.run import footer, heading
from benchcli.runs.read import report_of
from benchcli.runs.run import Report
from benchcli.schema import Family, Suite
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
@session_option
@click.pass_context
def command(context: click.Context, session: Session, /, folder: Path | None, **options: Any) -> int:
    """Test what the two ShuffleNet papers claim on this machine, or on a run of it in FOLDER.

    Each sentence that a machine can test gets a verdict with its evidence: the guidelines, which network is faster,
    where the time goes, and how well FLOPs explain it.

    \b
    Example: benchcli claims
    """
    if folder:
        _refuse_options(context)
        report = report_of(folder)
        laid_out = _page(report, families_of_suite(find_suite(SUITE), report.environment["target"]))
        click.echo(REPORTERS[options["format_"]].render(laid_out), nl=False)
        return 0
    file = find_suite(SUITE)
    families = families_of_suite(file, options)
    suite = Suite(file.name, file.description, tuple(families))
    return measure_as(lambda report: _page(report, families), session, suite, traced(), options)


def _page(report: Report, families: Iterable[Family]) -> Page:
    """Judge what of a run is as the claims' suite has it."""
    wanted = {family.name: family for family in families}
    results = {each.family.name: each for each in report.results if each.family == wanted.get(each.family.name)}
    records = records_of(tuple(results.values()))
    warnings = (*warning_lines(records), *breakdowns.lines(records, report.breakdowns, report.untraced))
    found = judged(Evidence(results, report.breakdowns))
    return page(heading(report), footer(report), found, warnings, report.environment)


def _refuse_options(context: click.Context) -> None:
    """Raise UserError where an option is given that a run which was measured already cannot heed."""
    for parameter in context.command.params:
        given = context.get_parameter_source(parameter.name or "") == click.core.ParameterSource.COMMANDLINE
        if given and parameter.name not in HEEDED:
            raise UserError(f"{parameter.opts[0]} has no effect on the run in a FOLDER: leave one of them out")
