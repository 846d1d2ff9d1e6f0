"""The program: its verbs, and what exit code each end gets."""

import signal
import sys
import traceback
from types import FrameType
from typing import NoReturn

import click

from benchcli import __version__
from benchcli.cli.device import device
from benchcli.cli.guideline import guideline
from benchcli.cli.list import list_
from benchcli.cli.run import run
from benchcli.errors import NothingMeasuredError, UserError

FINE, UNEXPECTED, USAGE, NOT_MEASURED, INTERRUPTED = 0, 1, 2, 4, 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="benchcli")
def benchcli() -> None:
    """How fast do efficient networks run here, and does ShuffleNet V2's guideline hold?

    \b
    Example: benchcli guideline g2
    """


for verb in (guideline, run, list_, device):
    benchcli.add_command(verb)


def main(arguments: list[str] | None = None, session: object = None) -> NoReturn:
    """Run the command line and exit: 0 fine, 1 unexpected, 2 bad input, 4 nothing measured, 130 interrupted."""
    signal.signal(signal.SIGTERM, _as_interrupt)
    try:
        code = benchcli.main(arguments, prog_name="benchcli", standalone_mode=False, obj=session)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(USAGE)
    except click.ClickException as error:
        _say(error.format_message())
        sys.exit(USAGE)
    except UserError as error:
        _say(str(error))
        sys.exit(USAGE)
    except NothingMeasuredError as error:
        _say(str(error))
        sys.exit(NOT_MEASURED)
    except (KeyboardInterrupt, click.Abort):
        _say("interrupted")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of stdout went away: nobody is left to tell
        sys.exit(FINE)
    except Exception:
        traceback.print_exc()
        _say("an unexpected error, which is a bug of benchcli: please report the lines above")
        sys.exit(UNEXPECTED)
    sys.exit(code if isinstance(code, int) else FINE)


def _say(text: str) -> None:
    click.echo(f"benchcli: {' '.join(text.split())}", err=True)


def _as_interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt
