"""What the verbs that measure share: run a suite, show the report, and say how it ended."""

from pathlib import Path
from typing import Any

import click

from benchcli.cli.main import INTERRUPTED
from benchcli.cli.options import target_of
from benchcli.cli.progress import progress
from benchcli.cli.session import Session
from benchcli.errors import UserError
from benchcli.reporters.base import REPORTERS
from benchcli.running import InterruptedRunError, Report, Request, run_suite
from benchcli.schema import Plan, Suite


def measure_and_show(session: Session, suite: Suite, options: dict[str, Any]) -> int:
    """Measure a suite, print the report and return the exit code."""
    target = target_of(options["device"], options["threads"], options["allocator"])
    plan = Plan(options["precision"], options["budget"], options["launches"])
    output: Path | None = options["output"]
    resume: Path | None = options["resume"]
    if output and resume:
        raise UserError("--output and --resume exclude each other: a resumed run stays in its folder")
    try:
        with progress() as observer:
            report = run_suite(Request(suite, target, plan, output, resume), session.launcher, observer, session.clock)
    except InterruptedRunError as interrupted:
        _show(interrupted.report, options["format_"])
        _say_what_is_left(interrupted)
        return INTERRUPTED
    _show(report, options["format_"])
    return 0


def _show(report: Report, format_: str) -> None:
    if report.results:
        click.echo(REPORTERS[format_].render(report), nl=False)


def _say_what_is_left(interrupted: InterruptedRunError) -> None:
    finished, folder = len(interrupted.report.results), interrupted.report.folder
    click.echo(
        f"benchcli: interrupted: {finished} families are finished, {interrupted.unfinished} are not; "
        f"--resume {folder} measures the rest",
        err=True,
    )
