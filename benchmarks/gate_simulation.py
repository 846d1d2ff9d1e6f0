"""Simulate the gate's error rates and power, beside the rule before.  python benchmarks/gate_simulation.py

Launches are simulated: base, its control and head each vary by launch and by fork server. The
spread is the standard deviation of ln(head / base) in a launch; the correlation is the share of a
version's variance that launches of one fork server have in common. Decisions are those of
`benchcli.checks.rules.judge`, launch by launch, as in a check of at most MOST launches. Launches at
which it can decide nothing are skipped: those whose evidence is too small, which is computed here
for many networks at once, and at which it does not look for *same*.
"""

import argparse
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from benchcli.checks import alone, rules
from benchcli.checks.versions import HEAD
from benchcli.sampling.evidence import Evidence
from benchcli.sampling.worker_reports import Failures
from benchcli.schema import Family, Plan, Sample, Target, Variant
from benchcli.statistics import PRIOR, Count, interval_over_launches, log_evidence, student_t_quantile

Array = NDArray[np.float64]
THRESHOLD = rules.THRESHOLD_TOGETHER
MOST = 40
"""Launches of a check at most: about 80 s."""
NEVER = 10**6
OLD_RENEW = 4
"""Launches of a fork server before."""
SHAPES: dict[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "normal": lambda rng, shape: rng.standard_normal(shape),
    "two modes, 70:30": lambda rng, shape: np.where(rng.random(shape) < 0.3, 0.7, -0.3) / math.sqrt(0.21),
    "heavy tails": lambda rng, shape: np.asarray(rng.standard_t(3, shape) / math.sqrt(3), np.float64),
}


@dataclass(frozen=True)
class Launches:
    """ln(head / base) and ln(control / base): a row for each network, a column for each launch."""

    changes: Array
    controls: Array


@dataclass(frozen=True)
class Simulation:
    """How launches are drawn."""

    spread: float = 0.015
    correlation: float = 0.0
    change: float = 0.0
    """The true change of time, as a fraction."""
    renew: int = rules.RENEW
    shape: str = "normal"

    def draw(self, rng: np.random.Generator, networks: int, launches: int = MOST) -> Launches:
        """Return launches of this many networks."""
        base, control, head = (self._version(rng, networks, launches) for _ in range(3))
        return Launches(head - base + math.log1p(self.change), control - base)

    def _version(self, rng: np.random.Generator, networks: int, launches: int) -> Array:
        draw = SHAPES[self.shape]
        of_server = draw(rng, (networks, -(-launches // self.renew))).repeat(self.renew, axis=1)[:, :launches]
        own = math.sqrt(1 - self.correlation) * draw(rng, (networks, launches))
        return self.spread / math.sqrt(2) * (math.sqrt(self.correlation) * of_server + own)


def evidence(values: Array) -> Array:
    """Return `log_evidence` of the first 1, 2, 3 ... values of each row."""
    n = np.arange(1, values.shape[1] + 1)
    middle = values.cumsum(1) / n
    signal, prior = n * middle**2, 1 + n * PRIOR
    residual = np.maximum(0.0, (values**2).cumsum(1) - signal) * (1 + (rules.RENEW - 1) * rules.SHARED)
    logs: Array = n / 2 * np.log((residual + signal) / (residual + signal / prior)) - np.log(prior) / 2
    logs[:, 0] = -math.inf
    return logs


def decisions(drawn: Launches, networks: int, only_changes: bool = False) -> Iterator[tuple[str, int]]:
    """Yield each network's outcome and after how many launches it was found.

    With `only_changes`, networks that no launch can call slower or faster are inconclusive unseen.
    """
    certain = evidence(drawn.changes - drawn.controls / 2) >= math.log(networks / rules.ERROR) - 1e-9
    for row, seen in enumerate(certain):
        looks = {int(place) + 1 for place in seen.nonzero()[0]} if seen.any() or not only_changes else set()
        if looks or not only_changes:
            looks |= {look for look in rules.SAME_LOOKS if look <= drawn.changes.shape[1]}
        yield decision(drawn, row, sorted(looks), networks)


def decision(drawn: Launches, row: int, looks: Sequence[int], networks: int) -> tuple[str, int]:
    """Return the first outcome of a network that is not inconclusive."""
    for launches in looks:
        if launches >= rules.SCREEN_LAUNCHES:
            outcome = judged(drawn, row, launches, networks).outcome
            if outcome != "inconclusive":
                return outcome, launches
    return "inconclusive", NEVER


def judged(drawn: Launches, row: int, launches: int, networks: int) -> rules.Judgement:
    """Return the judgement of one network after so many launches."""
    changes, controls = (dict(enumerate(each[row, :launches].tolist())) for each in (drawn.changes, drawn.controls))
    return rules.judge(changes, controls, THRESHOLD, networks)


def old_needed(launches: int, suspects: int) -> int:
    """Return the fresh launches that confirmed this many suspects before."""
    needed = launches
    while suspects * (needed + 1) / 2**needed > (launches + 1) / 2**launches:
        needed += 1
    return needed


def old_decisions(
    drawn: Launches, networks: int, launches: int = 7, only_changes: bool = False
) -> Iterator[tuple[str, int]]:
    """Yield each network's outcome by the rule before: three launches screen, then fresh ones judge once.

    The number of suspects of a check is the expected one.
    """
    first = rules.SCREEN_LAUNCHES
    screen = drawn.changes[:, :first]
    half = student_t_quantile(0.975, first - 1) * screen.std(axis=1, ddof=1) / math.sqrt(first)
    screened = np.abs(screen.mean(axis=1)) + half < math.log1p(THRESHOLD)
    needed = old_needed(launches, max(1, round(networks * (1 - float(screened.mean())))))
    fresh, controls = (each[:, first : first + needed] for each in (drawn.changes, drawn.controls))
    middle = np.median(fresh, axis=1)
    noise = np.median(np.abs(controls), axis=1)
    agreeing = (fresh * middle[:, None] > 0).sum(1)
    found = (np.abs(middle) > np.maximum(math.log1p(THRESHOLD), 2 * noise)) & (agreeing >= needed - 1)
    for row, values in enumerate(drawn.changes):
        if only_changes and not found[row]:
            yield "inconclusive", NEVER
        elif screened[row] or any(old_is_same(values, n) for n in range(6, first + needed + 1)):
            yield "same", first
        elif found[row]:
            yield ("slower" if middle[row] > 0 else "faster"), first + needed
        else:
            same = any(old_is_same(values, n) for n in range(first + needed + 1, len(values) + 1))
            yield ("same" if same else "inconclusive"), NEVER


def old_is_same(values: Array, launches: int) -> bool:
    """Return whether the plain interval of the first launches lies within the threshold."""
    logs = values[:launches].tolist()
    return min(logs) < THRESHOLD and interval_over_launches(dict(enumerate(logs))).is_within(THRESHOLD)


def percent(found: int, of: int, power: int = 1) -> str:
    """Return a rate with Wilson's interval, as that of any of `power` independent networks."""
    rate = Count(found, of).interval
    ends = (100 * (1 - (1 - (end or 0.0)) ** power) for end in (rate.estimate, rate.low, rate.high))
    return "{:.2f} % ({:.2f} to {:.2f})".format(*ends)


def false_slower(rng: np.random.Generator, trials: int) -> None:
    """Print how often a suite of equal networks has one that is called slower."""
    print("\n## A suite of equal networks with one called slower\n")
    print("| launches | networks | spread | correlation | before | now |\n|---|---|---|---|---|---|")
    cells = [
        ("normal", networks, spread, correlation)
        for networks in (1, 12, 36, 200)
        for correlation in (0.0, 0.1, 0.5)
        for spread in (0.005, 0.01, 0.02, 0.03)
    ]
    cells += [(shape, 12, spread, 0.0) for shape in tuple(SHAPES)[1:] for spread in (0.01, 0.03)]
    for shape, networks, spread, correlation in cells:
        count = trials * (networks + 40) // 240  # rarer findings in larger suites
        one = Simulation(spread, correlation, shape=shape)
        new = sum(each == "slower" for each, _ in decisions(one.draw(rng, count), networks, only_changes=True))
        before = Simulation(spread, correlation, renew=OLD_RENEW, shape=shape).draw(rng, count)
        old = sum(each == "slower" for each, _ in old_decisions(before, networks, only_changes=True))
        rates = f"{percent(old, count, networks)} | {percent(new, count, networks)}"
        print(f"| {shape} | {networks} | {100 * spread:.1f} % | {correlation:.1f} | {rates} |", flush=True)


def power(rng: np.random.Generator, trials: int) -> None:
    """Print how often +2 % is found, by the number of launches."""
    print("\n## +2 % at a spread of 1.5 %, found after at most so many launches\n")
    print("| networks | launches | before | now |\n|---|---|---|---|")
    simulation = Simulation(change=0.02)
    for networks in (1, 12):
        drawn = simulation.draw(rng, trials)
        found = [launches for outcome, launches in decisions(drawn, networks) if outcome == "slower"]
        for launches in (7, 10, 13, 16, 20, 30):
            fresh = max(5, launches - rules.SCREEN_LAUNCHES)
            old = sum(outcome == "slower" for outcome, _ in old_decisions(drawn, networks, fresh))
            new = sum(each <= launches for each in found)
            print(f"| {networks} | {launches} | {percent(old, trials)} | {percent(new, trials)} |", flush=True)


def clear_change(rng: np.random.Generator, trials: int) -> None:
    """Print after how many launches a clear +10 % is found, in one of twelve networks and in all of them."""
    print("\n## +10 % in a suite of twelve: launches until it is found (median, 90th percentile)\n")
    print("| spread | in one, before | now | in all, before | now |\n|---|---|---|---|---|")
    for spread in (0.005, 0.01, 0.015, 0.02, 0.03):
        drawn = Simulation(spread, change=0.1).draw(rng, 12 * trials)
        found = [launches if outcome == "slower" else NEVER for outcome, launches in decisions(drawn, 12)]
        of_all = [max(found[first : first + 12]) for first in range(0, len(found), 12)]
        old = [rules.SCREEN_LAUNCHES + old_needed(7, suspects) for suspects in (1, 12)]
        one, every = (f"{median(each):.0f}, {np.percentile(each, 90):.0f}" for each in (found, of_all))
        print(f"| {100 * spread:.1f} % | {old[0]} | {one} | {old[1]} | {every} |", flush=True)


def detectable(rng: np.random.Generator, trials: int) -> None:
    """Print how often the printed minimum detectable effect is found by another check of as many launches."""
    print("\n## The printed minimum detectable effect: found by another check of as many launches\n")
    print("| networks | spread | launches | printed, median | before | now |\n|---|---|---|---|---|---|")
    for networks in (1, 12):
        for spread in (0.005, 0.015, 0.03):
            for launches in (10, 16, 30):
                first, second = (Simulation(spread).draw(rng, trials, launches) for _ in range(2))
                printed = [judged(first, row, launches, networks).detectable for row in range(trials)]
                slowed = Launches(second.changes + np.log(printed)[:, None], second.controls)
                new = sum(outcome == "slower" for outcome, _ in decisions(slowed, networks))
                old_printed = old_detectable(first.changes[:, rules.SCREEN_LAUNCHES :], first.controls)
                slowed = Launches(second.changes + old_printed[:, None], second.controls)
                old = sum(
                    outcome == "slower" for outcome, _ in old_decisions(slowed, 1, launches - rules.SCREEN_LAUNCHES)
                )
                rates = f"{percent(old, trials)} | {percent(new, trials)}"
                size = 100 * (median(printed) - 1)
                print(f"| {networks} | {100 * spread:.1f} % | {launches} | {size:.1f} % | {rates} |", flush=True)


def old_detectable(fresh: Array, controls: Array) -> Array:
    """Return what was printed before, as logarithms."""
    noise = np.median(np.abs(controls[:, rules.SCREEN_LAUNCHES :]), axis=1)
    middle = np.median(fresh, axis=1, keepdims=True)
    error = 1.25 * 1.4826 * np.median(np.abs(fresh - middle), axis=1) / math.sqrt(fresh.shape[1])
    bound: Array = np.maximum(math.log1p(THRESHOLD), 2 * noise) + 0.84 * error
    return bound


def called_same(rng: np.random.Generator, trials: int) -> None:
    """Print how often a change of exactly the threshold, and none, are called the same."""
    print("\n## Called the same\n\n| true change | spread | before | now |\n|---|---|---|---|")
    for change in (THRESHOLD, 0.0):
        for spread in (0.003, 0.005, 0.01, 0.015, 0.03):
            drawn = Simulation(spread, change=change).draw(rng, trials)
            old, new = (sum(outcome == "same" for outcome, _ in rule(drawn, 1)) for rule in (old_decisions, decisions))
            print(f"| {100 * change:.0f} % | {100 * spread:.1f} % | {percent(old, trials)} | {percent(new, trials)} |")


def slow_states(rng: np.random.Generator, trials: int) -> None:
    """Print how often versions get separate processes: equal ones, and ones that differ in processes of their own."""
    print("\n## A machine that is 1.3 times slower in half of the launches: versions get separate processes\n")
    print("| a launch has the state of the one before with | equal versions | head alone takes 1.3 times as long |")
    print("|---|---|---|")
    for lasting in (0.5, 0.8, 0.95):
        equal, other = (sum(said(rng, lasting, factor) for _ in range(trials)) for factor in (1.0, 1.3))
        print(f"| {100 * lasting:.0f} % | {percent(equal, trials)} | {percent(other, trials)} |", flush=True)


def said(rng: np.random.Generator, lasting: float, factor: float) -> bool:
    """Return whether versions get separate processes, where head takes `factor` times as long as base there alone."""
    sides = tuple(Variant(side, "", {}, (1,), "") for side in alone.SIDES)
    families = [Family(name, "", 1, "variant", 1, "float32", "nchw", sides) for name in "abcd"]
    together = Evidence(Target(), Plan(), {}, Failures())
    apart = {side: Evidence(Target(), Plan(), {}, Failures()) for side in alone.SIDES}
    slow = bool(rng.random() < 0.5)

    def launch(into: Evidence, of: Sequence[str]) -> None:
        nonlocal slow
        slow = slow if rng.random() < lasting else bool(rng.random() < 0.5)
        for family in families:
            for side in of:
                seconds = (1.3 if slow else 1.0) * math.exp(rng.normal(0.0, 0.01))
                seconds *= factor if list(of) == [HEAD] else 1.0
                sample = Sample(side, into.launches, 0, 1, seconds, None)
                into.samples.setdefault((family.name, side), []).append(sample)
        into.launches += 1

    for _ in range(rules.SCREEN_LAUNCHES):
        launch(together, alone.SIDES)
    for _ in range(alone.LAUNCHES):
        for side, lone in apart.items():
            launch(lone, [side])
        found = alone.compared(families, [together], apart)
        assert found
        if found.agrees:
            return False
        launch(together, alone.SIDES)
    return True


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--networks", type=int, default=60_000, help="simulated networks of a rate of false findings")
    parser.add_argument("--only", choices=list(TABLES))
    options = parser.parse_args()
    for name, table in TABLES.items():
        if options.only in {None, name}:
            table(generator(), options.networks if table is false_slower else options.trials)


def generator() -> np.random.Generator:
    """Return a table's own generator, after a check that the evidence computed here is the package's."""
    rng = np.random.default_rng(27)
    sample = Simulation().draw(rng, 20).changes
    for row, logs in zip(sample.tolist(), evidence(sample), strict=True):
        assert math.isclose(log_evidence(row, 1 + (rules.RENEW - 1) * rules.SHARED), logs[-1], rel_tol=1e-9)
    return rng


TABLES: dict[str, Callable[[np.random.Generator, int], None]] = {
    "power": power,
    "clear": clear_change,
    "same": called_same,
    "states": slow_states,
    "detectable": detectable,
    "false": false_slower,
}

if __name__ == "__main__":
    main()
