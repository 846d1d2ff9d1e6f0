"""Trace the requested families of a run, by category and by layer, that its folder does not hold yet."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial

from benchcli.runs.run_folder import RunFolder
from benchcli.sampling.engine import Session
from benchcli.sampling.traces import LAUNCHES, Kind, Tracing
from benchcli.sampling.worker_reports import collect
from benchcli.schema import Failure, FamilyResult, Key
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import LAYERS, PROFILE
from benchcli.workers.tools import Tools


def lacking(
    results: Collection[FamilyResult], broken_down: Collection[str], layered: Collection[str], folder: RunFolder
) -> list[tuple[FamilyResult, Kind]]:
    """Return the families in which a timed variant lacks launches of a kind that is wanted for them, by name."""
    breakdowns = Counter(each.key for each in folder.breakdowns())
    layers = Counter(each.key for each in folder.layers())
    return [
        *((each, PROFILE) for each in _short(results, broken_down, breakdowns, LAUNCHES[PROFILE])),
        *((each, LAYERS) for each in _short(results, layered, layers, LAUNCHES[LAYERS])),
    ]


def _short(
    results: Iterable[FamilyResult], wanted: Collection[str], rows: Counter[Key], launches: int
) -> Iterator[FamilyResult]:
    for result in results:
        if result.family.name in wanted and any(rows[r.key] < launches for r in result.records if r.timing):
            yield result


def trace(
    families: Sequence[tuple[FamilyResult, Kind]], session: Session, folder: RunFolder, tools: Tools
) -> Iterator[tuple[Kind, dict[Key, Failure]]]:
    """Trace families and store the traces, each when it is done; yield the failures of the untraced variants."""
    begun_s = tools.clock()
    tracing = Tracing(
        session.target, session.plan, partial(collect, session.launcher), session.live, session.survey.artifacts
    )
    for number, (result, kind) in enumerate(families):
        spent_s = tools.clock() - begun_s
        end_s = spent_s / number * len(families) if number else math.inf
        doing = f"tracing {result.family.name}, {number + 1} of {len(families)}"
        tools.observe(Progress(doing, spent_s, end_s, is_estimate=True))
        traces = tracing.trace(kind, result.family, {r.key: r.costs for r in result.records if r.timing and r.costs})
        if kind == LAYERS:
            folder.put_layers(result.family.name, traces.layers)
        else:
            folder.put_breakdowns(result.family.name, traces.breakdowns)
        yield kind, traces.failures
