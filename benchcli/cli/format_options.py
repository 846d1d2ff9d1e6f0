"""The options that say how results are shown, and where they are written besides."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from benchcli.cli import parameters
from benchcli.errors import unknown
from benchcli.reports.formats.base import FORMATS

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_FORMAT = "table"


def report_option(command: Command) -> Command:
    """Add --report, for a page of the results beside what is printed."""
    return click.option(
        "--report",
        type=parameters.file(),
        metavar="FILE",
        help="Also write one HTML page with charts, such as report.html.",
    )(command)


def format_option(*known: str) -> Callable[[Command], Command]:
    """Add --format with these formats, the first by default."""
    return click.option(
        "--format",
        "format_",
        type=parameters.name("format", lambda: known),
        default=known[0],
        show_default=True,
        help=f"Format of the output: {', '.join(known)}.",
    )


def run_format_option(command: Command) -> Command:
    """Add --format with the formats for every page."""
    return _page_format(command, for_checks=False)


def check_format_option(command: Command) -> Command:
    """Add --format with all formats, including those for CI."""
    return _page_format(command, for_checks=True)


def _page_format(command: Command, for_checks: bool) -> Command:
    """Add --format. A format is imported only if it is used, or if the help lists it."""

    def names() -> list[str]:
        known = (each.name for each in FORMATS if for_checks or not each.for_checks)
        return sorted(known, key=lambda name: name != DEFAULT_FORMAT)

    def read(text: str) -> str:
        format_ = FORMATS.get(text)
        if format_ is None or (format_.for_checks and not for_checks):
            raise unknown("format", text, names())
        return format_.name

    class Listing(click.Option):
        def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
            self.help = f"Format of the output: {', '.join(names())}."
            return super().get_help_record(ctx)

    return click.option(
        "--format",
        "format_",
        cls=Listing,
        type=parameters.Parameter("name", read, names),
        default=DEFAULT_FORMAT,
        show_default=True,
        help="Format of the output.",
    )(command)
