"""What the commands that measure share: run a suite, show the report, and say how it ended."""

from collections.abc import Callable, Iterable
from typing import Any

from benchcli.cli.options import plan_of, target_of
from benchcli.cli.output import reporting, say, show
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED
from benchcli.measure.tools import Tools
from benchcli.report.page import Page
from benchcli.report.views.run import page
from benchcli.runs.run import RunReport, RunRequest, UnfinishedRunError, run_suite
from benchcli.schema import Family, Suite


def request_of(name: str, description: str, families: Iterable[Family], options: dict[str, Any]) -> RunRequest:
    """Return what the options ask to be measured."""
    suite = Suite(name, description, tuple(families))
    traced = tuple(family.name for family in suite.families) if options.get("breakdown") else ()
    return RunRequest(suite, target_of(options), plan_of(options), options["output"], options["resume"], traced)


def measure_and_show(
    tools: Tools, request: RunRequest, format_: str, layout: Callable[[RunReport], Page] = page
) -> int:
    """Measure, print the report as `layout` has it, and return the exit code."""
    try:
        with reporting(tools) as told:
            report = run_suite(request, told)
    except UnfinishedRunError as unfinished:
        if unfinished.report.results:
            show(layout(unfinished.report), format_)
        say(_what_is_left(unfinished))
        return INTERRUPTED if unfinished.reason is None else NOT_MEASURED
    show(layout(report), format_)
    return FINE


def _what_is_left(run: UnfinishedRunError) -> str:
    finished, folder = len(run.report.results), run.report.folder
    reason = run.reason or "interrupted"
    if run.unfinished == 0:
        return f"{reason} while tracing: all families are finished; --resume {folder} traces the rest"
    families = "1 family is" if finished == 1 else f"{finished} families are"
    are = "is" if run.unfinished == 1 else "are"
    return f"{reason}: {families} finished, {run.unfinished} {are} not; --resume {folder} measures the rest"
