"""The program: its verbs, and what exit code each end gets.

A verb's module is imported when the verb is called: `--help` loads nothing but click.
"""

import contextlib
import errno
import importlib
import os
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn

import click

from benchcli import __version__
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED, UNEXPECTED, USAGE, NothingMeasuredError, UserError, unknown

if TYPE_CHECKING:
    from benchcli.api.settings import Tools

VERBS: Final = {
    "guideline": "Measure a guideline here and say whether it holds.",
    "block": "Compare the units of networks at equal FLOPs.",
    "network": "Compare whole networks, and show which are worth their time.",
    "claims": "Test what the ShuffleNet papers claim on this machine.",
    "run": "Measure a suite: one that ships, or your own.",
    "check": "Say what a change made slower, and fail where it did.",
    "compare": "Hold recorded runs side by side.",
    "selftest": "Show how far this machine's figures can be trusted.",
    "list": "List guidelines, suites, widths, devices and more.",
    "device": "Show what would be measured on.",
}
"""Each verb's module in this package, which defines `command`, and its line in the help."""


ENDINGS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class OutputEndedError(Exception):
    """Stdout takes no more; `reason` says why, and is None where its reader went away, which is no error."""

    def __init__(self, reason: str | None) -> None:
        super().__init__(reason)
        self.reason = reason


class Verbs(click.Group):
    """A group that imports a verb's module when it is called by name."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a verb's command. Raises UserError with the nearest name."""
        if cmd_name not in VERBS:
            raise unknown("verb", cmd_name, VERBS)
        command: click.Command = importlib.import_module(f"benchcli.cli.{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the verb. Raises OutputEndedError where stdout takes no more."""
        try:
            result = super().invoke(ctx)
            if sys.stdout:  # None where the shell has closed it
                sys.stdout.flush()  # a full device is found out here, and not after this program's last line
            return result
        except BrokenPipeError:
            raise OutputEndedError(None) from None
        except OSError as error:
            if error.errno == errno.ENOSPC and error.filename is None:
                raise OutputEndedError(error.strerror) from None
            raise

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the verbs' lines without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="benchcli")
def benchcli() -> None:
    """How fast do efficient networks run here, and do ShuffleNet V2's guidelines hold?

    \b
    Example: benchcli guideline g2
    """


def main(arguments: list[str] | None = None, tools: "Tools | None" = None) -> NoReturn:
    """Run the command line and exit, with a code of `benchcli.errors`."""
    _heed_signals()
    try:
        code = benchcli.main(arguments, prog_name="benchcli", standalone_mode=False, obj=tools)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        sys.exit(USAGE)
    except click.ClickException as error:
        _end(error.format_message(), USAGE)
    except (UserError, NothingMeasuredError) as error:
        _end(str(error), USAGE if isinstance(error, UserError) else NOT_MEASURED)
    except (KeyboardInterrupt, click.Abort):
        _end("interrupted", INTERRUPTED)
    except OutputEndedError as ended:
        _without_output(ended.reason)
    except Exception:
        import traceback

        traceback.print_exc()
        _end("an unexpected error, which is a bug of benchcli: please report the lines above", UNEXPECTED)
    sys.exit(code if isinstance(code, int) else FINE)


def _without_output(reason: str | None) -> NoReturn:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the last flush would complain
    if reason:
        _end(f"stdout cannot be written: {reason}; what was measured is in its folder", USAGE)
    sys.exit(FINE)


def _end(text: str, code: int) -> NoReturn:
    with contextlib.suppress(OSError):  # a stderr that takes no more must not change how this ended
        click.echo(f"benchcli: {' '.join(text.split())}", err=True)
    sys.exit(code)


def _heed_signals() -> None:
    for number in ENDINGS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it
            signal.signal(number, _as_interrupt)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    for number in ENDINGS:  # one is enough: a second must not cut the clean-up short
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
