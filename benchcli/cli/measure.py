"""What the verbs that measure share: run a suite, show the report, and say how it ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from benchcli.cli.main import INTERRUPTED, NOT_MEASURED
from benchcli.cli.options import plan_of, target_of
from benchcli.cli.progress import progress
from benchcli.cli.session import Session
from benchcli.errors import UserError
from benchcli.measure.advice import sentence
from benchcli.report.formats.base import REPORTERS
from benchcli.report.page import Page
from benchcli.report.views.run import page
from benchcli.runs.environment import Request
from benchcli.runs.run import Report, Tools, UnfinishedRunError, preflight, run_suite
from benchcli.schema import Suite

Layout = Callable[[Report], Page]


def measure_and_show(session: Session, suite: Suite, options: dict[str, Any]) -> int:
    """Measure a suite, print the report and return the exit code."""
    traced = tuple(family.name for family in suite.families) if options["breakdown"] else ()
    return measure_as(page, session, suite, traced, options)


def measure_as(layout: Layout, session: Session, suite: Suite, traced: tuple[str, ...], options: dict[str, Any]) -> int:
    """Measure a suite, trace some of its families, print the report as `layout` has it, and return the exit code."""
    output: Path | None = options["output"]
    resume: Path | None = options["resume"]
    if output and resume:
        raise UserError("--output and --resume exclude each other: a resumed run stays in its folder")
    request = Request(suite, target_of(options), plan_of(options), output, resume, traced)
    if traced and request.target.cache == "cold":
        raise UserError("--breakdown traces calls with warm caches: leave --cache cold out")
    noticed = preflight(request.target, session.busy_cores)
    for code in noticed:
        click.echo(f"benchcli: {sentence(code)}", err=True)
    try:
        with progress() as observer, session.workers() as launcher:
            report = run_suite(request, Tools(launcher, observer, session.clock), noticed)
    except UnfinishedRunError as unfinished:
        _show(layout, unfinished.report, options["format_"])
        _say_what_is_left(unfinished)
        return INTERRUPTED if unfinished.reason is None else NOT_MEASURED
    _show(layout, report, options["format_"])
    return 0


def _show(layout: Layout, report: Report, format_: str) -> None:
    if report.results:
        click.echo(REPORTERS[format_].render(layout(report)), nl=False)


def _say_what_is_left(run: UnfinishedRunError) -> None:
    if run.unfinished == 0:
        click.echo(
            f"benchcli: {run.reason or 'interrupted'} while tracing: all families are finished; "
            f"--resume {run.report.folder} traces the rest",
            err=True,
        )
        return
    finished, folder = len(run.report.results), run.report.folder
    families = "1 family is" if finished == 1 else f"{finished} families are"
    click.echo(
        f"benchcli: {run.reason or 'interrupted'}: {families} finished, {run.unfinished} "
        f"{'is' if run.unfinished == 1 else 'are'} not; --resume {folder} measures the rest",
        err=True,
    )
