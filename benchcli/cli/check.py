"""`benchcli check`: is head slower, or costlier, than base?"""

from pathlib import Path
from typing import Any

import click

from benchcli import validation
from benchcli.check import rules
from benchcli.check.findings import ALLOWABLE
from benchcli.cli import parameters
from benchcli.cli.baseline import check_baseline
from benchcli.cli.checking import check_versions
from benchcli.cli.options import check_format_option, session_option, target_options
from benchcli.cli.session import Session
from benchcli.errors import UserError

BUDGET_S = 300.0


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
    type=parameters.duration(),
    default=BUDGET_S,
    help="Time for the whole check; what is not measured by then is inconclusive.  [default: 5m]",
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
@session_option
def command(session: Session, /, suite: str, base: str | None, baseline: Path | None, **options: Any) -> int:
    """Say what head made slower or costlier than base; exit with 3 where it did.

    \b
    Example: benchcli check suites/ci.toml --base main
    """
    if (base is None) == (baseline is None):
        raise UserError("give what to compare with: --base (a git ref, a folder or an interpreter) or --baseline")
    if baseline is not None:
        return check_baseline(session, suite, baseline, options)
    return check_versions(session, suite, str(base), options)
