"""Options and arguments made from settings, and the options that only the command line has."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar, cast

import click
from click.shell_completion import CompletionItem

from benchcli import formatting
from benchcli.api.keywords import Tools
from benchcli.errors import MANY, UserError, unknown
from benchcli.reports.formats.base import FORMATS
from benchcli.settings import SUITE, Setting
from benchcli.spelling import messages_for
from benchcli.validation import Choice, Flag, FolderPath, Plugin, ValueKind

Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_FORMAT = "table"


class Parameter(click.ParamType[Any]):
    """The type of a setting's value. Its errors say in one line what would be valid."""

    def __init__(self, setting: Setting) -> None:
        self.name = setting.kind.metavar + ("S" if setting.several else "")
        self._setting = setting

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value of a text."""
        if not isinstance(value, str):
            return value
        try:
            return self._setting.parse(value)
        except UserError as error:
            option = f"{param.opts[0]}: " if isinstance(param, click.Option) else ""
            raise click.UsageError(f"{option}{error}", ctx) from None

    def get_missing_message(self, param: click.Parameter, ctx: click.Context | None) -> str | None:  # noqa: ARG002
        """Return the names that could have been given; None where there are none to list."""
        names = list(self._setting.kind.names())
        if not names:
            return f"Give {self._setting.such}" if self._setting.such else None
        shown = formatting.named(names) if len(names) > MANY else ", ".join(names)
        return f"Give {shown}{', or a path' if self._setting.kind.paths else ''}"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return the names that begin with `incomplete`, of several its last one; the shell adds paths."""
        kind = self._setting.kind
        before, comma, last = incomplete.rpartition(",") if self._setting.several else ("", "", incomplete)
        items = [CompletionItem(f"{before}{comma}{name}") for name in kind.names() if name.startswith(last)]
        return [*items, *([CompletionItem(incomplete, type=kind.paths)] if kind.paths else [])]


def option(setting: Setting, kind: type[click.Option] = click.Option) -> Callable[[Command], Command]:
    """Add the option of a setting."""
    is_flag = isinstance(setting.kind, Flag)
    return click.option(
        *filter(None, (setting.option, setting.short)),
        setting.name,
        cls=kind,
        type=None if is_flag else Parameter(setting),
        is_flag=is_flag,
        default=setting.default,
        multiple=setting.repeated,
        metavar=setting.metavar or None,
        help=setting.explained,
    )


def options(settings: Iterable[Setting]) -> Callable[[Command], Command]:
    """Add the options of settings, in the order in which the help lists them."""

    def add(command: Command) -> Command:
        for setting in reversed([each for each in settings if each.only != "Python"]):
            command = option(setting)(command)
        return command

    return add


def argument(
    name: str, kind: ValueKind[Any], what: str = "", such: str = "", **attributes: Any
) -> Callable[[Command], Command]:
    """Add an argument of a kind, with click's other attributes of it; `such` says what to give where it is missing."""
    return click.argument(name, type=Parameter(Setting(name, kind, "", what or name, such=such)), **attributes)


def suite_argument(kind: type[click.Argument] = click.Argument) -> Callable[[Command], Command]:
    """Add the suite of a command, whose messages name the suite's keys in place of options that it lacks."""

    def add(command: Command) -> Command:
        @wraps(command)
        def with_keys(*args: Any, **options: Any) -> Any:
            with messages_for("suite"):
                return command(*args, **options)

        return cast("Command", argument("suite", SUITE, cls=kind)(with_keys))

    return add


def runs_argument(command: Command) -> Command:
    """Add the folders of recorded runs or checks, one or more."""
    such = "the folder of a run or check, such as results/<time>-<suite>-<host>, or a pattern such as 'results/*g2*'"
    return argument("runs", FolderPath(), such=such, nargs=-1, required=True, metavar="RUN...")(command)


def tools_option(command: Callable[..., Result]) -> Callable[..., Result]:
    """Pass the tools that the program was started with, or tools with real processes."""

    @click.pass_obj
    @wraps(command)
    def with_tools(tools: Tools | None, /, *args: object, **options: object) -> Result:
        return command(tools or Tools(), *args, **options)

    return with_tools


def format_option(*known: str) -> Callable[[Command], Command]:
    """Add --format with these formats, the first by default."""
    return option(_format(Choice(lambda: known), f"Format of the output: {', '.join(known)}.", known[0]))


def run_format_option(command: Command) -> Command:
    """Add --format with the formats for every page."""
    return _page_format_option(PageFormat(lambda: FORMATS))(command)


def check_format_option(command: Command) -> Command:
    """Add --format with all formats, including those for CI."""
    return _page_format_option(PageFormat(lambda: FORMATS, for_checks=True))(command)


@dataclass(frozen=True)
class PageFormat(Plugin):
    """The name of a format for pages, for those of checks too or not."""

    for_checks: bool = False

    def check(self, what: str, value: object) -> str:
        """Return the format's name."""
        format_ = FORMATS.get(str(value))
        if format_ is None or (format_.for_checks and not self.for_checks):
            raise unknown(what, value, self.names())
        return format_.name

    def names(self) -> list[str]:
        """Return the names, the default first."""
        known = (each.name for each in FORMATS if self.for_checks or not each.for_checks)
        return sorted(known, key=lambda name: name != DEFAULT_FORMAT)


def _page_format_option(kind: PageFormat) -> Callable[[Command], Command]:
    """Add --format. A format is imported only if it is used, or if the help lists it."""

    class Listing(click.Option):
        def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
            self.help = _format(kind, f"Format of the output: {', '.join(kind.names())}.", DEFAULT_FORMAT).explained
            return super().get_help_record(ctx)

    return option(_format(kind, "Format of the output.", DEFAULT_FORMAT), Listing)


def _format(kind: ValueKind[str], help_: str, default: str) -> Setting:
    return Setting("format_", kind, help_, "format", default)
