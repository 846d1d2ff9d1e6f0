"""`benchcli selftest`: do the intervals mean here what they say?"""

import json
from dataclasses import asdict
from typing import Any

import click

from benchcli import formatting, validation
from benchcli.analysis.selftest import EFFECT, Comparison, Count, Summary, comparisons, families, summary
from benchcli.cli import parameters
from benchcli.cli.main import INTERRUPTED, NOT_MEASURED
from benchcli.cli.options import format_option, plan_of, plan_options, session_option, target_of, target_options
from benchcli.cli.progress import progress
from benchcli.cli.session import Session
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.measure.advice import sentence
from benchcli.measure.engine import Run
from benchcli.measure.survey import survey
from benchcli.runs.run import preflight
from benchcli.schema import Family, Plan, Target

BUDGET_S = 4.0
SLOWDOWN = 0.05
ENOUGH = 20
"""Of fewer comparisons even none that misses says little."""


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
@session_option
def command(session: Session, /, number: int, format_: str, **options: Any) -> int:
    """Compare equal networks, and slower ones by a known amount: do the intervals mean here what they say?

    \b
    Example: benchcli selftest --comparisons 100 --budget 6s
    """
    target, plan = target_of(options), plan_of(options)
    if plan.launches == 1:
        raise UserError("one launch has no interval: give --launches 2 or more")
    for warning in preflight(target, session.busy_cores):
        click.echo(f"benchcli: {sentence(warning)}", err=True)
    done: dict[str, Comparison] = {}
    code = _compare(families(number, max(1, number // 4)), target, plan, session, done)
    result = summary(list(done.values()))
    if result is None and code == 0:
        errors = [each.error for each in done.values() if each.error]
        raise NothingMeasuredError(f"no two equal networks could be compared: {errors[0] if errors else 'none was'}")
    if result:
        shown = list(done.values())
        click.echo(_json(shown, result) if format_ == "json" else "\n".join(_lines(shown, result)))
    return code


def _compare(asked: list[Family], target: Target, plan: Plan, session: Session, done: dict[str, Comparison]) -> int:
    """Fill `done`, by name, and return the exit code; however it ends, what is done is kept."""
    try:
        with progress() as observer, session.workers() as launcher:
            known = survey(asked, target, plan, launcher)
            run = Run("selftest", "selftest", target, plan, known, launcher, observer, session.clock)
            for comparison in comparisons(asked, run):
                done[comparison.name] = comparison
    except KeyboardInterrupt:
        return INTERRUPTED
    except NothingMeasuredError as error:
        if not done:
            raise
        click.echo(f"benchcli: {error}; what was compared before is shown", err=True)
        return NOT_MEASURED
    return 0


def _json(done: list[Comparison], result: Summary) -> str:
    whole = {"comparisons": [asdict(each) for each in done], "summary": asdict(result)}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def _lines(done: list[Comparison], result: Summary) -> list[str]:
    found = _share(result.found) if result.found else "none was measured"
    effect = formatting.percent(EFFECT)
    return [
        f"coverage             {_share(result.covered)} of the 95 % intervals of equal networks hold 1",
        f"false alarms         {_share(result.false_alarms)} of equal networks were called different by over {effect}",
        f"slowdowns of 5 %     {found} were found",
        f"half-width           {formatting.percent(result.half_width)} in the median",
        f"detectable slowdown  {formatting.percent(result.detectable)} in four of five comparisons",
        *(f"{name}: {sentence(code)}" for code, name in _warnings(done).items()),
        _meaning(result),
    ]


def _share(count: Count) -> str:
    interval = count.interval
    return f"{count.found} of {count.of} ({interval.low:.0%} to {interval.high:.0%})"


def _warnings(done: list[Comparison]) -> dict[str, str]:
    """Return each kind of warning once, its first detail, and how many comparisons had it."""
    found: dict[str, list[str]] = {}
    for comparison in done:
        for kind in {code.partition(":")[0]: code for code in comparison.warnings}.values():
            found.setdefault(kind.partition(":")[0], []).append(kind)
    return {codes[0]: f"{len(codes)} of {len(done)}" for codes in found.values()}


def _meaning(result: Summary) -> str:
    interval = result.covered.interval
    if result.covered.of < ENOUGH:
        return f"too few comparisons to say whether the intervals mean what they say: give {ENOUGH} or more"
    low, high = interval.low or 0.0, interval.high or 1.0
    if high < 0.95:
        return (
            "the intervals are too narrow here: see the warnings, and `benchcli device` for what disturbs this machine"
        )
    if low > 0.95:
        return "the intervals are wider here than they need be, and can be trusted"
    if result.detectable > SLOWDOWN:
        return "the intervals mean here what they say, and are wide: most slowdowns of 5 % would be missed"
    return "the intervals mean here what they say"
