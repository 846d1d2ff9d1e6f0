"""Write pages and facts to stdout and files, and notices and progress to stderr."""

import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from benchcli import files
from benchcli.api.result import Result, UnfinishedError
from benchcli.api.run_result import Run
from benchcli.cli.main import abandon_stdout, why_unwritten
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED, USAGE, UserError
from benchcli.formatting import clean
from benchcli.reports.output_files import writable

if TYPE_CHECKING:
    from benchcli.api.audit_result import NetworkAudit
    from benchcli.api.keywords import Observer, Progress, Tools

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable with the file from which GitHub Actions reads a step's Markdown."""
REFRESHES_A_SECOND = 2
"""It is low, because drawing takes CPU time beside the measurement."""
LONGEST_LEFT = len("at most 59 min 59 s left")

Sections = Mapping[str, Mapping[str, object]]


def say(text: str) -> None:
    """Write a line to stderr. A stderr that cannot be written changes nothing."""
    with contextlib.suppress(OSError):
        click.echo(f"benchcli: {clean(' '.join(text.split()))}", err=True)


@dataclass(frozen=True)
class Destination:
    """A file to write a result to."""

    format_: str
    path: Path
    force: bool
    """Whether a file that benchcli did not write is replaced too."""


def destinations(texts: Sequence[str], report: Path | None, force: bool) -> list[Destination]:
    """Return the files of --write and --report. Raises UserError if one cannot be written."""
    from benchcli.reports.formats.base import FORMATS

    chosen: list[Destination] = []
    for text in texts:
        format_, equals, file = text.partition("=")
        if not equals or not file:
            known = ", ".join(each.name for each in FORMATS)
            raise UserError(f"--write takes FORMAT=FILE, such as junit=report.xml, not {text!r}; formats: {known}")
        name, path = FORMATS[format_].name, writable(file, force)
        if any(path.absolute() == other.path.absolute() for other in chosen):
            raise UserError(f"--write names {path} twice: name a file for each format")
        chosen.append(Destination(name, path, force))
    return [*chosen, *([Destination("html", writable(report, force), force)] if report else [])]


def show(result: Result, format_: str, destinations: Sequence[Destination] = (), code: int = FINE) -> int:
    """Write the files, print the result, and return the exit code.

    A file or a stdout that cannot be written is reported. It makes FINE a USAGE, and changes no
    other code: the result matters more than whether it could be shown.
    """
    problems = []
    for each in destinations:
        try:
            result.write(each.format_, each.path, each.force)
        except UserError as error:
            problems.append(str(error))
    try:
        _print(result, format_)
    except BrokenPipeError:
        abandon_stdout()  # its reader has closed it, which is no error
    except OSError as error:
        abandon_stdout()
        problems.append(f"stdout cannot be written: {why_unwritten(error)}")
    for problem in problems:
        say(problem)
    return USAGE if problems and code == FINE else code


def _print(result: Result, format_: str) -> None:
    """Print the result. For GitHub Actions, append its Markdown to the step's summary."""
    summary = os.environ.get(SUMMARY)
    if format_ == "github" and summary:
        from benchcli.reports.formats.github import annotations

        click.echo(annotations(result.page), nl=False)
        _append(Path(summary), result.written("markdown"))
        format_ = "table"
    click.echo(result.show(format_), nl=False, color=True)  # click takes colours from pipes
    sys.stdout.flush()  # a full device is noticed now, and not while Python ends


def _append(path: Path, text: str) -> None:
    try:
        if files.mode_of(path, follow=False) is None:
            files.create(path, "")
        files.append(path, text)
    except OSError as error:
        say(f"{path} cannot be written: {error.strerror}")
    except UserError as error:
        say(f"{path} cannot be written: {error}")


def show_sections(sections: Sections, format_: str, line: Callable[[str, Any], str]) -> None:
    """Print sections as JSON, or as headings with a `line` for every entry."""
    if format_ == "json":
        click.echo(json.dumps(sections, indent=2, ensure_ascii=False))
        return
    for number, (name, entries) in enumerate(sections.items()):
        click.echo(("\n" if number else "") + name)
        for entry, value in entries.items():
            click.echo(f"  {line(entry, value)}".rstrip())


def measure_and_show(
    tools: "Tools",
    format_: str,
    measure: Callable[..., "Run | NetworkAudit"],
    /,
    *names: str,
    report: Path | None = None,
    force: bool = False,
    **options: object,
) -> int:
    """Call a function of the API with the options, show its result, and return the exit code."""
    pages = destinations((), report, force)
    try:
        with reporting(tools) as reporter:
            result = measure(*names, tools=reporter, **options)
    except UnfinishedError as unfinished:
        if unfinished.result.records:
            show(unfinished.result, format_, pages, NOT_MEASURED)
        say(str(unfinished))
        return INTERRUPTED if unfinished.reason is None else NOT_MEASURED
    return show(result, format_, pages, NOT_MEASURED if result.failed else FINE)


@contextmanager
def reporting(tools: "Tools") -> Iterator["Tools"]:
    """Yield the tools with progress, notices and warnings written to stderr."""
    from benchcli.reports.advice import sentence

    with _progress() as observe:
        yield replace(tools, observe=observe, notify=say, warn=lambda warning: say(sentence(warning)))


@contextmanager
def _progress() -> Iterator["Observer"]:
    """Yield a function that shows each step; it draws nothing where a line cannot be replaced."""
    from benchcli.reports.terminal import is_dumb, is_terminal

    if not is_terminal(sys.stderr) or is_dumb():
        yield lambda _progress: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    # Where there is no room the description is cut, never the time that is left.
    doing = TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis"))
    left = TextColumn("{task.fields[left]}", markup=False, table_column=Column(no_wrap=True, min_width=LONGEST_LEFT))
    console = Console(stderr=True, emoji=False, force_terminal=True)
    columns = (doing, BarColumn(bar_width=20), left)
    bar = Bar(*columns, console=console, transient=True, refresh_per_second=REFRESHES_A_SECOND)
    task = bar.add_task("starting", total=None, left="")

    def observe(now: "Progress") -> None:
        bar.start()  # not before the first step: until then there are notices to be read
        total = now.most_s if math.isfinite(now.most_s) else None
        bar.update(task, description=clean(now.doing), completed=now.spent_s, total=total, left=time_left(now))

    try:
        yield observe
    finally:
        bar.stop()


def time_left(now: "Progress") -> str:
    """Return how long the whole run still takes: "at most 42 s left", "about 2 min 5 s left".

    It is empty if that is not known.
    """
    from benchcli import formatting

    if not math.isfinite(now.most_s):
        return ""
    left = formatting.seconds(max(0.0, now.most_s - now.spent_s))
    return f"{'about' if now.is_estimate else 'at most'} {left} left"
