"""`benchcli selftest`: do the intervals mean here what they say?"""

import json
from typing import Any

import click

from benchcli import validation
from benchcli.analysis.selftest import Comparison, compare, families, summary
from benchcli.cli import parameters
from benchcli.cli.options import format_option, plan_of, plan_options, target_of, target_options, tools_option
from benchcli.cli.output import reporting, say
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED, NothingMeasuredError, UserError
from benchcli.measure.tools import Tools
from benchcli.report.views import selftest
from benchcli.schema import Family, Plan, Target

BUDGET_S = 4.0


@click.command("selftest")
@click.option(
    "--comparisons",
    "number",
    type=parameters.whole("the number of comparisons", validation.COMPARISONS),
    default=40,
    show_default=True,
    help="Comparisons of two equal networks; a quarter as many with a slower one come on top.",
)
@target_options
@plan_options(BUDGET_S)
@format_option("table", "json")
@tools_option
def command(tools: Tools, /, number: int, format_: str, **options: Any) -> int:
    """Compare equal networks, and slower ones by a known amount: do the intervals mean here what they say?

    \b
    Example: benchcli selftest --comparisons 100 --budget 6s
    """
    target, plan = target_of(options), plan_of(options)
    if plan.launches == 1:
        raise UserError("one launch has no interval: give --launches 2 or more")
    done: dict[str, Comparison] = {}
    code = _compare(families(number, max(1, number // 4)), target, plan, tools, done)
    shown = list(done.values())
    result = summary(shown)
    if result is None and code == FINE:
        errors = [each.error for each in shown if each.error]
        raise NothingMeasuredError(f"no two equal networks could be compared: {errors[0] if errors else 'none was'}")
    if result:
        as_json = format_ == "json"
        click.echo(
            json.dumps(selftest.data(shown, result), indent=2, ensure_ascii=False)
            if as_json
            else "\n".join(selftest.lines(shown, result))
        )
    return code


def _compare(asked: list[Family], target: Target, plan: Plan, tools: Tools, done: dict[str, Comparison]) -> int:
    """Fill `done`, by name, and return the exit code; however it ends, what is done is kept."""
    try:
        with reporting(tools) as told:
            for comparison in compare(asked, target, plan, told):
                done[comparison.name] = comparison
    except KeyboardInterrupt:
        return INTERRUPTED
    except NothingMeasuredError as error:
        if not done:
            raise
        say(f"{error}; what was compared before is shown")
        return NOT_MEASURED
    return FINE
