"""What the verbs that measure share: run, show, and say how it ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from benchcli.cli.main import INTERRUPTED
from benchcli.cli.session import Session
from benchcli.errors import UserError
from benchcli.families import Request as FamilyRequest
from benchcli.measure.engine import Observer, Progress
from benchcli.schema import Family, Plan, Suite


def measure_and_show(session: Session, suite: Suite, options: dict[str, Any]) -> int:
    """Measure a suite, print the report and return the exit code."""
    from benchcli.cli.options import target_of
    from benchcli.running import InterruptedRunError, Request, run_suite

    plan = Plan(options["precision"], options["budget"], options["launches"])
    target = target_of(options["device"], options["threads"], options["allocator"])
    output: Path | None = options["output"]
    if output and options["resume"]:
        raise UserError("--output and --resume exclude each other: a resumed run stays in its folder")
    request = Request(suite, target, plan, output, options["resume"])
    try:
        with progress() as observer:
            report = run_suite(request, session.launcher, observer, session.clock)
    except InterruptedRunError as interrupted:
        report = interrupted.report
        if report.results:
            _show(report, options["format_"])
        click.echo(
            f"benchcli: interrupted: {len(report.results)} families are finished, {interrupted.unfinished} are not; "
            f"--resume {report.folder} measures the rest",
            err=True,
        )
        return INTERRUPTED
    _show(report, options["format_"])
    return 0


def expanded(name: str, description: str, families: Iterator[Family]) -> Suite:
    """Return a suite of these families."""
    return Suite(name, description, tuple(families))


def request_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that change networks."""
    return {key: options[key] for key in ("width", "widths", "scales", "batches", "dtypes", "layouts")}


def families_of(requests: Iterator[FamilyRequest], device: str) -> Iterator[Family]:
    """Yield the families of several requests."""
    from benchcli.cli.options import paper_column
    from benchcli.families import expand

    for request in requests:
        yield from expand(request, paper_column(device))


@contextmanager
def progress() -> Iterator[Observer]:
    """Show on stderr what is done and how long it may still take; nothing where that is no terminal."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _progress: None
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    # Two refreshes a second: what draws runs beside what is timed.
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("at most {task.fields[left]} s left"),
    )
    with Bar(*columns, console=console, transient=True, refresh_per_second=2) as bar:
        task = bar.add_task("starting", total=None, left="?")

        def observe(now: Progress) -> None:
            left = f"{max(0.0, now.most_s - now.spent_s):.0f}"
            bar.update(task, description=now.doing, completed=now.spent_s, total=now.most_s, left=left)

        yield observe


def _show(report: Any, format_: str) -> None:
    from benchcli.reporters.base import REPORTERS

    click.echo(REPORTERS[format_].render(report), nl=False)
