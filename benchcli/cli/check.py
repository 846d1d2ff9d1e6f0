"""`benchcli check`: is head slower, or costlier, than base?"""

from pathlib import Path
from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.result import UnfinishedError
from benchcli.api.version_check import check
from benchcli.cli.options import check_format_option, options, suite_argument, tools_option
from benchcli.cli.output import destinations, reporting, say, show
from benchcli.errors import INTERRUPTED, NOT_MEASURED
from benchcli.settings import CHECK


@click.command("check")
@suite_argument()
@options(CHECK)
@check_format_option
@tools_option
def command(
    tools: Tools,
    /,
    strict: bool,
    write: tuple[str, ...],
    report: Path | None,
    force: bool,
    format_: str,
    **options: Any,
) -> int:
    """Compare two versions of your networks, and exit with code 3 if the new one is slower or costlier.

    Other outputs, a network that fails and one that is gone fail the check as well. SUITE is a TOML file that names
    the networks to compare. If a version has a copy of this file, that copy says which networks the version has.

    \b
    Example: benchcli check suites/mine.toml --base main
    """
    files = destinations(write, report, force)
    try:
        with reporting(tools) as reporter:
            result = check(tools=reporter, **options)
    except UnfinishedError as unfinished:
        code = int(unfinished.result.exit_code(strict)) or NOT_MEASURED
        show(unfinished.result, format_, files, code)
        say(str(unfinished))
        return INTERRUPTED if unfinished.reason is None else code
    return show(result, format_, files, result.exit_code(strict))
