"""The program: its commands, and the exit code of each ending.

A command's module is imported when the command is called: `--help` loads nothing but click.
"""

import contextlib
import errno
import importlib
import io
import os
import signal
import sys
import sysconfig
from collections import Counter
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

import click

from benchcli import __version__, formatting
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED, UNEXPECTED, USAGE, NothingMeasuredError, UserError, unknown
from benchcli.spelling import messages_for

if TYPE_CHECKING:
    from benchcli.api.keywords import Tools

COMMANDS: Final = {
    "guideline": "Measure a guideline on this machine, and say whether it holds.",
    "block": "Compare the building blocks of networks at equal FLOPs.",
    "network": "Compare whole networks, and show the Pareto front of time and error.",
    "costs": "Count the FLOPs and memory of networks, by operator, without measuring time.",
    "audit": "Say what makes a network slow, and measure what would help.",
    "sweep": "Measure a layer at many widths, and say which to choose here.",
    "predict": "Predict how long networks take here, from the times of their operators.",
    "claims": "Test the claims of the ShuffleNet papers on this machine.",
    "run": "Measure a suite: a built-in one, or your own.",
    "check": "Compare two versions of your networks; fail if one became slower or costlier.",
    "fleet": "Measure a suite on many machines, with Dask.",
    "compare": "Show recorded runs side by side.",
    "show": "Print stored runs and checks again, in any format.",
    "explain": "Say why the networks of a run are as fast as they are.",
    "report": "Write one HTML page of recorded runs or checks, with charts.",
    "plot": "Draw a chart of recorded runs as SVG, PNG or PDF.",
    "store": "Keep many runs in one folder, and query them with SQL.",
    "history": "Find when networks became faster or slower, in a store of runs.",
    "selftest": "Test this machine with equal networks (A/A test) and known slowdowns.",
    "list": "List guidelines, suites, devices, networks and more.",
    "device": "Show the machine, and how fit it is for measuring now.",
}
"""Each module of this package that defines a `command`, and its line in the help."""


MEANT: Final = {"--budget": "--time-limit"}
"""Options that have another name, with a meaning of its own, in commands that lack them."""
OF_THE_SYSTEM = (
    *("EACCES", "EPERM", "EROFS", "ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM"),
    *("ENAMETOOLONG", "EIO", "EFBIG", "ELOOP", "ESTALE", "EBUSY"),
)
"""Errors of the system that are no fault of the program: it says which, and no traceback."""
OF_STDOUT = (errno.ENOSPC, errno.EBADF)
"""Errors of a stdout that is a full device, or that is closed."""
ENDINGS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class OutputEndedError(Exception):
    """Stdout cannot be written. `reason` is None if its reader has closed it, which is no error."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


class Group(click.Group):
    """A group of commands whose errors say in one line what would be valid."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command. Raises UserError with the nearest name."""
        command = super().get_command(ctx, cmd_name)
        if command is None:
            raise unknown("command", cmd_name, self.commands)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command and its arguments. Raises UserError if an option is given twice."""
        name, command, rest = super().resolve_command(ctx, args)
        if command and not ctx.resilient_parsing:  # as it is while a shell completes
            _refuse_repeated(command, ctx, rest)
        return name, command, rest


class Commands(Group):
    """A group that imports a command's module when it is called by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the commands in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command. Raises UserError with the nearest name."""
        if cmd_name not in COMMANDS:
            raise unknown("command", cmd_name, COMMANDS)
        command: click.Command = importlib.import_module(f"benchcli.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command. Raises OutputEndedError if stdout cannot be written."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # a full device is noticed here, and not after this program's last line
            return result
        except BrokenPipeError:
            raise OutputEndedError(None) from None
        except OSError as error:
            if error.errno in OF_STDOUT and error.filename is None:
                raise OutputEndedError(why_unwritten(error)) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands' lines without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


def _refuse_repeated(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    """Raise UserError if an option that takes one value is given twice."""
    try:
        _, _, parameters = command.make_parser(
            command.make_context(command.name, [], ctx, resilient_parsing=True)
        ).parse_args(list(args))
    except click.UsageError:
        return  # the command itself says what is wrong
    for parameter, count in Counter(parameters).items():
        if count > 1 and isinstance(parameter, click.Option) and not parameter.multiple:
            raise UserError(
                f"{parameter.opts[0]} is given twice: give it once, several values with commas between them"
            )


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="benchcli")
def benchcli() -> None:
    """How fast do efficient networks run here, and do ShuffleNet V2's guidelines hold?

    \b
    Example: benchcli guideline g2
    """


def main(arguments: list[str] | None = None, tools: "Tools | None" = None) -> NoReturn:
    """Run the command line and exit, with a code of `benchcli.errors`."""
    _fill_closed_streams()
    _end_on_signals()
    _replace_unknown_letters()
    try:
        with messages_for("command line"):
            code = benchcli.main(arguments, prog_name="benchcli", standalone_mode=False, obj=tools)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        where = _where_it_is(error)
        _end(f"{error.message.rstrip('.')}: {where}" if where else error.format_message(), USAGE)
    except (UserError, NothingMeasuredError) as error:
        _end(str(error), USAGE if isinstance(error, UserError) else NOT_MEASURED)
    except (KeyboardInterrupt, click.Abort):
        _end("interrupted", INTERRUPTED)
    except (OutputEndedError, OSError) as error:
        _output_ended(error)
    except MemoryError:
        _end("there is no more memory: end other programs, or ask for less at once", USAGE)
    except Exception:
        _unexpected()
    sys.exit(code if isinstance(code, int) else FINE)


def _where_it_is(error: click.ClickException) -> str:
    """Return how an unknown option that other commands have is written here, or which commands have it."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return ""
    spellings = {name: _spellings(importlib.import_module(f"benchcli.cli.{name}").command) for name in COMMANDS}
    alike = {name: found for name, of in spellings.items() if (found := of.get(error.option_name))}
    here = set(_spellings(error.ctx.command)) & {each for found in alike.values() for each in found}
    meant = MEANT.get(error.option_name)
    if meant in _spellings(error.ctx.command):
        return f"here it is {meant}"
    if here:
        return f"here it is {max(here, key=len)}"
    return f"benchcli {formatting.named([*alike])} {'have' if len(alike) > 1 else 'has'} it" if alike else ""


def _spellings(command: click.Command) -> dict[str, list[str]]:
    """Return by each spelling of an option all spellings of it."""
    return {spelling: each.opts for each in command.params for spelling in each.opts}


def _fill_closed_streams() -> None:
    """Open the null device in place of standard streams that the shell has closed.

    Else the next file that is opened takes their place, and what is printed goes into it. Stdout is
    opened for reading: writing to it is an error, as on a full device.
    """
    for number, flags in enumerate((os.O_RDONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)  # it takes the lowest number that is free, which is this one
            if number == 1:
                sys.stdout = open(number, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def _replace_unknown_letters() -> None:
    """Replace characters that the encoding of a terminal or a log lacks."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _output_ended(error: OutputEndedError | OSError) -> NoReturn:
    if isinstance(error, OutputEndedError):
        _end_without_output(error.reason)
    if error.errno in OF_STDOUT and error.filename is None:  # the help is written before a command runs
        _end_without_output(why_unwritten(error))
    if errno.errorcode.get(error.errno or 0) in OF_THE_SYSTEM:
        _end(f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror), USAGE)
    _unexpected()


def _unexpected() -> NoReturn:
    import traceback

    stand_in = _stand_in()
    if stand_in:
        _end(f"{stand_in} is loaded in place of Python's own module: rename it, or run elsewhere", USAGE)
    traceback.print_exc()
    _end("an unexpected error, which is a bug of benchcli: please report the lines above", UNEXPECTED)


def _stand_in() -> str | None:
    """Return the file of a module that hides one of Python's own; None if there is none."""
    own = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    files = (getattr(sys.modules.get(name), "__file__", None) for name in sys.stdlib_module_names)
    return next((file for file in files if file and not file.startswith(tuple(own))), None)


def why_unwritten(error: OSError) -> str:
    """Return why stdout cannot be written."""
    return "it is closed" if error.errno == errno.EBADF else str(error.strerror)


def abandon_stdout() -> None:
    """Send what is left of stdout to nowhere, so that Python's last flush does not complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end_without_output(reason: str | None) -> NoReturn:
    abandon_stdout()
    if reason:
        _end(f"stdout cannot be written: {reason}", USAGE)
    sys.exit(FINE)


def _end(text: str, code: int) -> NoReturn:
    from benchcli.formatting import clean

    with contextlib.suppress(OSError):  # a stderr that takes no more must not change how this ended
        click.echo(f"benchcli: {clean(' '.join(text.split()))}", err=True)
    sys.exit(code)


def _end_on_signals() -> None:
    for number in ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _as_interrupt)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    for number in ENDINGS:  # one is enough: a second must not cut the clean-up short
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
