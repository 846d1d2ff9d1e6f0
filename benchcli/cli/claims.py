"""`benchcli claims`: what the papers say, tested on this machine."""

from pathlib import Path
from typing import Any

import click

from benchcli.claims.base import Evidence, judged
from benchcli.claims_page import page
from benchcli.cli import parameters
from benchcli.cli.families import families_of_suite
from benchcli.cli.measuring import measure_as
from benchcli.cli.options import output_options, plan_options, session_option, target_options
from benchcli.cli.session import Session
from benchcli.pages import Page
from benchcli.recorded import report_of
from benchcli.reporters.base import REPORTERS
from benchcli.run_page import footer, heading
from benchcli.running import Report
from benchcli.schema import Suite
from benchcli.suites import find_suite

SUITE = "claims"
TRACED = ("figure-2",)
"""The families whose breakdown a claim is about."""
BUDGET_S = 17.0
PRECISION = 0.02
"""Claims are of effects of two per cent and more."""


@click.command("claims")
@click.argument("folder", type=parameters.folder(), required=False)
@target_options
@plan_options(BUDGET_S, PRECISION)
@output_options
@session_option
def command(session: Session, /, folder: Path | None, **options: Any) -> int:
    """Test what the two ShuffleNet papers claim on this machine, or on a run of it in FOLDER.

    Each sentence that a machine can test gets a verdict with its evidence: the guidelines, which network is faster,
    where the time goes, and how well FLOPs explain it.

    \b
    Example: benchcli claims
    """
    if folder:
        click.echo(REPORTERS[options["format_"]].render(_page(report_of(folder))), nl=False)
        return 0
    file = find_suite(SUITE)
    suite = Suite(file.name, file.description, tuple(families_of_suite(file, options)))
    return measure_as(_page, session, suite, TRACED, options)


def _page(report: Report) -> Page:
    evidence = Evidence({result.family.name: result for result in report.results}, report.breakdowns)
    return page(heading(report), footer(report), judged(evidence), report.environment)
