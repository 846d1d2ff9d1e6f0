"""`benchcli check`: is head slower, or costlier, than base?"""

from pathlib import Path
from typing import Any

import click

from benchcli import validation
from benchcli.api.checking import check
from benchcli.api.keywords import Tools
from benchcli.api.results import UnfinishedError
from benchcli.checks import rules
from benchcli.checks.findings import ALLOWABLE
from benchcli.checks.session import BUDGET_S
from benchcli.cli import parameters
from benchcli.cli.format_options import check_format_option, report_option
from benchcli.cli.options import target_options, tools_option
from benchcli.cli.output import destinations, page_file, reporting, say, show
from benchcli.errors import INTERRUPTED, NOT_MEASURED


@click.command("check")
@click.argument("suite", type=parameters.suite())
@click.option(
    "--base",
    help="The version to compare with: a git ref, a folder of your code, or the Python of another environment.",
)
@click.option(
    "--head", help="The version to check: a git ref, a folder, or a Python interpreter.  [default: the working tree]"
)
@click.option(
    "--baseline",
    type=parameters.folder(),
    help="Folder of a recorded run to compare with instead: costs always, relative speeds only on the same machine.",
)
@click.option("--only", multiple=True, help="Check only this FAMILY or FAMILY/VARIANT; may be repeated.")
@click.option(
    "--threshold",
    type=parameters.precision("a threshold"),
    help="The smallest slowdown that fails, such as 2%.  [default: 1% if one process runs both versions, else 3%; 5% "
    "with --baseline]",
)
@click.option(
    "--launches",
    type=parameters.whole("the number of launches", validation.CONFIRMATIONS),
    default=rules.LAUNCHES,
    show_default=True,
    help="Fresh processes that judge a network which a screening by three did not find the same; more if several "
    "such networks are left, or to show that one is the same after all.",
)
@click.option(
    "--time-limit",
    type=parameters.duration("a time limit"),
    default=BUDGET_S,
    help="Time limit of the whole check; what is not measured by then is reported as unmeasured.  [default: 5m]",
)
@click.option("--strict", is_flag=True, help="Exit with code 4 if anything is inconclusive.")
@click.option(
    "--separate", is_flag=True, help="Run each version in its own process, even if one process could load both."
)
@click.option(
    "--costs-only",
    is_flag=True,
    help="Compare FLOPs, parameters and memory access cost, outputs too with --base, and measure no time.",
)
@click.option(
    "--allow",
    type=parameters.names("change", lambda: ALLOWABLE),
    default=(),
    help="Intended changes, which are reported but do not fail: costs, output, gone (a network was removed), new (a "
    "network was added).",
)
@click.option("--require-clean", is_flag=True, help="Fail if the working tree has uncommitted changes.")
@click.option(
    "--write",
    multiple=True,
    metavar="FORMAT=FILE",
    help="Also write a file, such as junit=report.xml; may be repeated.",
)
@target_options
@click.option(
    "--output",
    type=parameters.folder(),
    help="Folder to write this check's files to.  [default: results/<time>-check-<suite>-<host>]",
)
@report_option
@check_format_option
@tools_option
def command(
    tools: Tools, /, strict: bool, write: tuple[str, ...], report: Path | None, format_: str, **options: Any
) -> int:
    """Compare two versions of your networks, and exit with code 3 if the new one is slower or costlier.

    Other outputs, a network that fails and one that is gone fail the check as well. SUITE is a TOML file that names
    the networks to compare. If a version has a copy of this file, that copy says which networks the version has.

    \b
    Example: benchcli check suites/mine.toml --base main
    """
    files = [*destinations(write), *page_file(report)]
    try:
        with reporting(tools) as told:
            result = check(tools=told, **options)
    except UnfinishedError as unfinished:
        code = int(unfinished.result.exit_code(strict)) or NOT_MEASURED
        show(unfinished.result, format_, files, code)
        say(str(unfinished))
        return INTERRUPTED if unfinished.reason is None else code
    return show(result, format_, files, result.exit_code(strict))
