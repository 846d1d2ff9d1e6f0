"""`benchcli check`: is head slower, or costlier, than base?"""

from dataclasses import fields
from typing import Any

import click

from benchcli import validation
from benchcli.check import rules
from benchcli.check.findings import ALLOWABLE, exit_code
from benchcli.check.run import run_check
from benchcli.check.session import BUDGET_S, CheckRequest, UnfinishedCheckError
from benchcli.cli import parameters
from benchcli.cli.options import check_format_option, overrides_of, target_of, target_options, tools_option
from benchcli.cli.output import destinations, reporting, say, show
from benchcli.errors import INTERRUPTED, NOT_MEASURED
from benchcli.measure.tools import Tools
from benchcli.report.views.check import page


@click.command("check")
@click.argument("suite")
@click.option("--base", help="What to compare with: a git ref, a folder, or a Python interpreter.")
@click.option("--head", help="What to check, the same three.  [default: the working tree as it is]")
@click.option(
    "--baseline",
    type=parameters.folder(),
    help="Compare with a recorded run instead: costs exactly, relative speeds where the machine is the same.",
)
@click.option("--only", multiple=True, help="Only this family, or this family/variant; may be given again.")
@click.option(
    "--theta",
    "threshold",
    type=parameters.precision(),
    help="The least change that counts.  [default: 1% where one process holds both, 3% otherwise, 5% for a baseline]",
)
@click.option(
    "--launches",
    type=parameters.whole("the number of launches", validation.CONFIRMATIONS),
    default=rules.LAUNCHES,
    show_default=True,
    help="Fresh launches that confirm a suspect; several suspects get more.",
)
@click.option(
    "--budget",
    "budget_s",
    type=parameters.duration(),
    default=BUDGET_S,
    help="Time for the whole check; what is not measured by then is inconclusive.  [default: 5m]",
)
@click.option("--strict", is_flag=True, help="Exit with 4 where anything is inconclusive.")
@click.option("--separate", is_flag=True, help="A process for each version, even where one could hold both.")
@click.option("--costs-only", is_flag=True, help="FLOPs, parameters, memory access cost and outputs; no clock.")
@click.option(
    "--allow",
    "allowed",
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
    request, files = _request_of(options), destinations(write)
    try:
        with reporting(tools) as told:
            report = run_check(request, told)
    except UnfinishedCheckError as unfinished:
        show(page(unfinished.report), format_, files)
        return _code_of(unfinished, strict)
    show(page(report), format_, files)
    return exit_code(report.findings, strict)


def _request_of(options: dict[str, Any]) -> CheckRequest:
    given = {field.name for field in fields(CheckRequest)} & set(options)
    request = CheckRequest(
        target=target_of(options), overrides=overrides_of(options), **{name: options[name] for name in given}
    )
    request.check()
    return request


def _code_of(unfinished: UnfinishedCheckError, strict: bool) -> int:
    """Say how a check was cut short, and return its exit code."""
    if unfinished.reason is None:
        say("interrupted: what was found before is shown")
        return INTERRUPTED
    say(f"{unfinished.reason}; what was checked before is shown")
    return exit_code(unfinished.report.findings, strict) or NOT_MEASURED
