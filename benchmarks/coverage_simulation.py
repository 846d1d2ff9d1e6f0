"""Simulate the coverage of the whole stopping rule.  python benchmarks/coverage_simulation.py [--rows 1000]

Launches come from 8 distributions of a ratio's logarithm at 3 spreads (standard deviations), and go
through the engine that measures runs: `benchcli.sampling.engine.measure`, with workers that are
simulated. A row stops when its interval is narrow enough, or when the budget ends, which marks it.
The truth is the pseudo-median, which the estimate converges to. The rule before, the plain 95 %
interval looked at after every launch from the eighth on, is applied to the same launches.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from benchcli.sampling.engine import Session, measure
from benchcli.sampling.supervise import Survey
from benchcli.schema import Costs, Family, Plan, Sample, Target, Variant
from benchcli.schema.protocol import Conversation, Done, Sampled, Task
from benchcli.statistics import LEAST_LAUNCHES, Count, interval_over_launches

Array = NDArray[np.float64]
Shape = tuple[int, int]
"""Rows and launches."""
SPREADS = (0.01, 0.02, 0.03)
ROWS = 200
"""Rows that share a family, and so its simulated launches."""
LARGE = (4000, 64)
PRECISION = 0.01


def modes(share: float) -> Callable[[np.random.Generator, Shape], Array]:
    """Return two modes, the upper one of this share, five standard deviations of either apart."""
    return lambda rng, shape: 5.0 * (rng.random(shape) < share) + rng.standard_normal(shape)


def bursts(rng: np.random.Generator, shape: Shape) -> Array:
    """One launch in ten spreads six times as far."""
    return rng.standard_normal(shape) * np.where(rng.random(shape) < 0.1, 6.0, 1.0)


def neighbours(correlation: float) -> Callable[[np.random.Generator, Shape], Array]:
    """Return launches that are correlated with their neighbours: a first-order autoregression."""

    def draw(rng: np.random.Generator, shape: Shape) -> Array:
        values = rng.standard_normal(shape)
        for launch in range(1, shape[1]):
            values[:, launch] *= math.sqrt(1 - correlation**2)
            values[:, launch] += correlation * values[:, launch - 1]
        return values

    return draw


DISTRIBUTIONS: dict[str, Callable[[np.random.Generator, Shape], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "two modes, 50:50": modes(0.5),
    "two modes, 70:30": modes(0.3),
    "two modes, 90:10": modes(0.1),
    "skewed (gamma, shape 2)": lambda rng, shape: rng.gamma(2.0, 1.0, shape),
    "heavy tails (Student, 3)": lambda rng, shape: rng.standard_t(3, shape),
    "bursts": bursts,
    "correlated (0.1)": neighbours(0.1),
}
BEYOND = {"correlated (0.3)": neighbours(0.3)}
"""Distributions for which the rule is not made, to see what happens. They are not among the 24 cells."""


@dataclass(frozen=True)
class Row:
    """A row's launches, whether its interval holds the truth, and whether it is marked."""

    launches: int
    covers: bool
    marked: bool


def logs(name: str, shape: Shape, rng: np.random.Generator) -> Array:
    """Return launches of a distribution with pseudo-median 0 and standard deviation 1."""
    draw = (DISTRIBUTIONS | BEYOND)[name]
    one, other = draw(rng, LARGE).ravel(), draw(rng, LARGE).ravel()
    centre = np.median((rng.permutation(one) + other) / 2)
    return np.asarray((draw(rng, shape) - centre) / one.std())


def new_rule(values: Array) -> Iterator[Row]:
    """Yield the rows that the engine makes of these logarithms, one row of launches each."""
    variants = tuple(Variant(f"v{number}", "", {}, (1,), "") for number in range(len(values) + 1))
    family = Family("rows", "g2", 1, "variant", 1, "float32", "nchw", variants)
    now = [0.0]

    def launch(task: Task, _silence_s: float) -> Conversation:
        now[0] += 1.0
        for variant in task.families[0].variants:
            number = int(variant.name[1:])
            seconds = 1e-3 * (math.exp(-values[number - 1, task.launch]) if number else 1.0)
            yield Sampled(family.name, Sample(variant.name, task.launch, 0, 1, seconds, 0.0))
        yield Done()
        return True

    costs = {(family.name, variant.name): Costs(1, 1, 1, 1, 1, 1, 1) for variant in variants}
    plan = Plan(precision=PRECISION, budget_s=float(values.shape[1]))
    session = Session("r", "s", Target(), plan, Survey(costs=costs), launch, lambda _: None, lambda: now[0])
    *_, result = measure([family], session)
    for record in result.records[1:]:
        assert record.timing is not None
        assert record.timing.relative is not None
        marked = any(warning.kind == "imprecise" for warning in record.warnings)
        yield Row(record.timing.launches, record.timing.relative.holds(1.0), marked)


def old_rule(values: Sequence[float]) -> Row:
    """Return the row that the rule before makes."""
    for launches in range(LEAST_LAUNCHES, len(values) + 1):
        interval = interval_over_launches(dict(enumerate(values[:launches])))
        if (interval.relative_half_width or 0.0) <= PRECISION:
            return Row(launches, interval.holds(1.0), marked=False)
    return Row(len(values), interval.holds(1.0), marked=True)


def share(rows: Sequence[Row]) -> str:
    """Return how many rows cover the truth, with Wilson's interval."""
    if not rows:
        return "no rows"
    rate = Count(sum(row.covers for row in rows), len(rows)).interval
    return f"{100 * rate.estimate:.1f} % ({100 * (rate.low or 0):.1f} to {100 * (rate.high or 0):.1f})"


def line(name: str, spread: float, rule: str, rows: Sequence[Row]) -> str:
    """Return one row of the table in Markdown."""
    unmarked = [row for row in rows if not row.marked]
    launches = sum(row.launches for row in rows) / len(rows)
    of_unmarked = f"{share(unmarked)} | {100 * len(unmarked) / len(rows):.0f} %"
    return f"| {name} | {100 * spread:.0f} % | {rule} | {share(rows)} | {of_unmarked} | {launches:.1f} |"


def main() -> None:
    """Print both rules' coverage in every cell, and the cells within 93 to 97 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--launches", type=int, default=60, help="launches that the budget allows")
    parser.add_argument("--only", choices=[*DISTRIBUTIONS, *BEYOND], action="append")
    options = parser.parse_args()
    names = options.only or [*DISTRIBUTIONS, *BEYOND]
    good = {"before": 0, "now": 0}
    cost = {"before": 0, "now": 0}
    print("| distribution | spread | rule | covers | of unmarked rows | unmarked | launches |")
    print("|---|---|---|---|---|---|---|")
    for name in names:
        for spread in SPREADS:
            rng = np.random.default_rng(crc32(name.encode()))  # the same launches at every spread
            values = spread * logs(name, (options.rows, options.launches), rng)
            parts = range(0, options.rows, ROWS)
            rows = {
                "before": [old_rule(row) for row in values.tolist()],
                "now": [row for first in parts for row in new_rule(values[first : first + ROWS])],
            }
            for rule, of_rule in rows.items():
                rate = sum(row.covers for row in of_rule) / len(of_rule)
                good[rule] += 0.93 <= rate <= 0.97 and name in DISTRIBUTIONS
                cost[rule] += sum(row.launches for row in of_rule)
                print(line(name, spread, rule, of_rule), flush=True)
    cells = len(SPREADS) * sum(name in DISTRIBUTIONS for name in names)
    for rule in good:
        each = cost[rule] / len(SPREADS) / len(names) / options.rows
        print(f"{rule}: {good[rule]} of {cells} cells cover 93 to 97 %; {each:.1f} launches a row")


if __name__ == "__main__":
    main()
