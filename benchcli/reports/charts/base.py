"""Define the interface of a kind of chart."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from benchcli import files
from benchcli.registry import Registry
from benchcli.reports.page import Figure
from benchcli.runs.run_folder import SAMPLES, RunFolder
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Family, FamilyResult, Sample

MOST_FIGURES = 60
"""The most figures of a kind on a page."""
OF_JAVASCRIPT = frozenset(
    [
        "constructor",
        "hasOwnProperty",
        "isPrototypeOf",
        "propertyIsEnumerable",
        "toLocaleString",
        "toString",
        "valueOf",
        "__proto__",
        "__defineGetter__",
        "__defineSetter__",
        "__lookupGetter__",
        "__lookupSetter__",
    ]
)
"""Names that every object of JavaScript has."""
LONGEST_NAME = 100
"""Letters of a name in a chart."""
MOST_BYTES = 16_000_000
"""The largest file of samples that is read for a chart."""


@dataclass(frozen=True)
class LabelledRun:
    """A run, and the name of its series in a chart of several runs."""

    label: str
    report: SuiteRun

    @cached_property
    def samples(self) -> dict[str, list[Sample]]:
        """The raw samples by family; none if there are too many to draw."""
        return samples_in(self.report.folder)


class Chart(ABC):
    """One kind of chart of runs. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    place: ClassVar[int]
    """Where it stands on a page: the lower, the earlier."""

    @abstractmethod
    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures of runs of one suite; none where they have nothing of this kind."""


CHARTS: Registry[Chart] = Registry("kind of chart", "benchcli.reports.charts")


def figures_of(runs: Sequence[LabelledRun]) -> Iterator[Figure]:
    """Yield the figures of all kinds, in the order in which a page has them, and of each kind not too many."""
    for chart in sorted(CHARTS, key=lambda chart: chart.place):
        figures = list(chart.figures(runs))
        yield from figures[: MOST_FIGURES - 1]
        for last in figures[MOST_FIGURES - 1 : MOST_FIGURES]:
            left_out = len(figures) - MOST_FIGURES
            more = f" {left_out} more charts of this kind are left out." if left_out > 0 else ""
            yield replace(last, text=last.text + more)


def with_safe_names(figure: Figure) -> Figure:
    """Return a figure whose names Vega can look up: some are every JavaScript object's own, and some are endless."""
    names = {cell for row in figure.rows for cell in row if isinstance(cell, str)}
    others = {name: _safe(name) for name in names if name in OF_JAVASCRIPT or len(name) > LONGEST_NAME}
    return replace(figure, rows=_renamed(figure.rows, others), spec=_renamed(figure.spec, others)) if others else figure


def _safe(name: str) -> str:
    return f"{name} " if name in OF_JAVASCRIPT else f"{name[:LONGEST_NAME]}…"


def _renamed(part: Any, others: Mapping[str, str]) -> Any:
    if isinstance(part, str):
        return others.get(part, part)
    if isinstance(part, Mapping):
        return {key: _renamed(value, others) for key, value in part.items()}
    return type(part)(_renamed(each, others) for each in part) if isinstance(part, list | tuple) else part


def samples_in(folder: Path) -> dict[str, list[Sample]]:
    """Return the raw samples in the folder of a run or a check, by family; none if there are too many to draw."""
    path = folder / SAMPLES
    is_drawn = files.is_file(path) and path.stat().st_size <= MOST_BYTES
    return RunFolder(folder).samples() if is_drawn else {}


def families_of(runs: Sequence[LabelledRun]) -> Iterator[list[tuple[str, FamilyResult]]]:
    """Yield each family as the runs have it, with their labels, in the order of the first run that has it."""
    found: dict[str, list[tuple[str, FamilyResult]]] = {}
    for run in runs:
        for result in run.report.results:
            found.setdefault(result.family.name, []).append((run.label, result))
    yield from found.values()


def only_run(runs: Sequence[LabelledRun]) -> Iterator[tuple[Family, list[Sample]]]:
    """Yield each family of the only run with its samples; nothing of several runs, which have charts of their own."""
    for run in runs if len(runs) == 1 else ():
        for result in run.report.results:
            if run.samples.get(result.family.name):
                yield result.family, run.samples[result.family.name]
