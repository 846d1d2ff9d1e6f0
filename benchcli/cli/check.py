"""`benchcli check`: is head slower, or costlier, than base?"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchcli import validation
from benchcli.api.checking import Check, check
from benchcli.api.results import UnfinishedError
from benchcli.api.settings import Tools
from benchcli.check import rules
from benchcli.check.findings import ALLOWABLE
from benchcli.check.session import BUDGET_S
from benchcli.cli import parameters
from benchcli.cli.options import check_format_option, target_options, tools_option
from benchcli.cli.output import destinations, reporting, say, show
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED, UserError


@click.command("check")
@click.argument("suite", type=parameters.suite())
@click.option("--base", help="What to compare with: a git ref, a folder, or a Python interpreter.")
@click.option("--head", help="What to check, the same three.  [default: the working tree as it is]")
@click.option(
    "--baseline",
    type=parameters.folder(),
    help="Compare with a recorded run instead: costs exactly, relative speeds where the machine is the same.",
)
@click.option("--only", multiple=True, help="Only this family, or this family/variant; may be given again.")
@click.option(
    "--threshold",
    type=parameters.precision("a threshold"),
    help="The least change that counts, such as 2%.  [default: 1% where one process holds both, 3% otherwise, 5% for a "
    "baseline]",
)
@click.option(
    "--launches",
    type=parameters.whole("the number of launches", validation.CONFIRMATIONS),
    default=rules.LAUNCHES,
    show_default=True,
    help="Fresh launches that confirm a suspect; several suspects get more.",
)
@click.option(
    "--time-limit",
    type=parameters.duration("a time limit"),
    default=BUDGET_S,
    help="Time for the whole check; what is not measured by then is not judged.  [default: 5m]",
)
@click.option("--strict", is_flag=True, help="Exit with 4 where anything is inconclusive.")
@click.option("--separate", is_flag=True, help="A process for each version, even where one could hold both.")
@click.option("--costs-only", is_flag=True, help="FLOPs, parameters, memory access cost and outputs; no clock.")
@click.option(
    "--allow",
    type=parameters.names("change", lambda: ALLOWABLE),
    default=(),
    help=f"Changes that are meant, and told but do not fail: {', '.join(ALLOWABLE)}.",
)
@click.option("--require-clean", is_flag=True, help="Refuse a working tree with changes that are not committed.")
@click.option("--write", multiple=True, metavar="FORMAT=FILE", help="Write a file besides, such as junit=report.xml.")
@target_options
@click.option(
    "--output",
    type=parameters.folder(),
    help="Folder of this check's files.  [default: results/<time>-check-<suite>-<host>]",
)
@check_format_option
@tools_option
def command(tools: Tools, /, strict: bool, write: tuple[str, ...], format_: str, **options: Any) -> int:
    """Say what head made slower or costlier than base; exit with 3 where it did.

    \b
    Example: benchcli check suites/ci.toml --base main
    """
    files = destinations(write)
    try:
        with reporting(tools) as told:
            result = check(tools=told, **options)
    except UnfinishedError as unfinished:
        code = int(unfinished.result.exit_code(strict)) or NOT_MEASURED
        _show(unfinished.result, code, format_, files)
        say(str(unfinished))
        return INTERRUPTED if unfinished.reason is None else code
    _show(result, result.exit_code(strict), format_, files)
    return result.exit_code(strict)


def _show(result: Check, code: int, format_: str, files: Sequence[tuple[str, Path]]) -> None:
    """Show the result; a file that cannot be written must not hide a regression or what was not measured."""
    try:
        show(result.page, format_, files)
    except UserError as error:
        if code == FINE:
            raise
        say(str(error))
