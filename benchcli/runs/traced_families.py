"""Trace the requested families of a run, by category and by layer, that its folder does not hold yet."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchcli.runs.run_folder import RunFolder
from benchcli.sampling.traces import LAUNCHES, LAYER_LAUNCHES, break_down, time_layers
from benchcli.schema import Failure, FamilyResult, Key, Plan, Target
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import Launcher
from benchcli.workers.tools import Tools


@dataclass(frozen=True)
class Tracing:
    """What is to be traced, and where."""

    broken_down: Collection[str]
    """Names of the families whose time is wanted by category."""
    layered: Collection[str]
    """Names of the families whose time is wanted by layer."""
    folder: RunFolder

    def lacking(self, results: Iterable[FamilyResult]) -> list[tuple[FamilyResult, bool]]:
        """Return the families in which a timed variant lacks launches, and whether by layer."""
        results = list(results)
        broken_down = Counter((each.family, each.variant) for each in self.folder.breakdowns())
        layered = Counter((each.family, each.variant) for each in self.folder.layers())
        return [
            *((each, False) for each in _short(results, self.broken_down, broken_down, LAUNCHES)),
            *((each, True) for each in _short(results, self.layered, layered, LAYER_LAUNCHES)),
        ]

    def told(self, lacking: Sequence[tuple[FamilyResult, bool]], tools: Tools) -> Iterator[tuple[FamilyResult, bool]]:
        """Yield the families to trace, and report the progress before each."""
        begun_s = tools.clock()
        for number, (result, by_layer) in enumerate(lacking):
            spent_s = tools.clock() - begun_s
            end_s = spent_s / number * len(lacking) if number else math.inf
            doing = f"tracing {result.family.name}, {number + 1} of {len(lacking)}"
            tools.observe(Progress(doing, spent_s, end_s, is_estimate=True))
            yield result, by_layer

    def trace(
        self, result: FamilyResult, by_layer: bool, target: Target, plan: Plan, launcher: Launcher
    ) -> dict[Key, Failure]:
        """Trace a family and store what is found; return the failures of the untraced variants."""
        name = result.family.name
        costs = {r.key: r.costs for r in result.records if r.timing and r.costs}
        traces = (time_layers if by_layer else break_down)(result.family, target, plan, costs, launcher)
        if by_layer:
            self.folder.put_layers(name, traces.layers)
        else:
            self.folder.put_breakdowns(name, traces.breakdowns)
        return traces.failures


def _short(
    results: Iterable[FamilyResult], wanted: Collection[str], rows: Counter[Key], launches: int
) -> Iterator[FamilyResult]:
    for result in results:
        if result.family.name in wanted and any(rows[r.key] < launches for r in result.records if r.timing):
            yield result
