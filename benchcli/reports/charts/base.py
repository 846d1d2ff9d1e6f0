"""Define a kind of chart, and draw the figures of all kinds in their order."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from benchcli import files
from benchcli.grouping import groups
from benchcli.registry import Registry
from benchcli.reports.charts import grammar
from benchcli.reports.page import Figure
from benchcli.runs.run_folder import SAMPLES, RunFolder
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import FamilyResult, Sample
from benchcli.store.stored_runs import folder_of

if TYPE_CHECKING:
    from benchcli.analysis.audit_findings import AuditFinding
    from benchcli.checks.findings import Finding
    from benchcli.checks.session import CheckReport
    from benchcli.runs.audit_file import AuditedCalls

MOST_FIGURES = 60
"""The most figures of a kind on a page."""
OF_JAVASCRIPT = frozenset(
    [
        *("constructor", "hasOwnProperty", "isPrototypeOf", "propertyIsEnumerable", "toLocaleString", "toString"),
        *("valueOf", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__"),
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


@dataclass(frozen=True)
class DrawnCheck:
    """A check, and what several charts draw of it."""

    report: "CheckReport"

    @cached_property
    def timed(self) -> list["Finding"]:
        """The findings on time that have a change."""
        return [finding for finding in self.report.findings if finding.subject == "time" and finding.change]

    @cached_property
    def samples(self) -> dict[str, list[Sample]]:
        """The raw samples of these networks; none against a recorded run, or if there are too many to draw."""
        check = self.report.environment.check
        if not self.timed or not self.report.folder or check is None or check.baseline:
            return {}
        observed = samples_in(self.report.folder)
        return {finding.where: observed[finding.where] for finding in self.timed if finding.where in observed}


@dataclass(frozen=True)
class DrawnAudit:
    """An audit, and its findings."""

    run: SuiteRun
    audited: "AuditedCalls"
    findings: Sequence["AuditFinding"]


class Chart:
    """One kind of chart, of runs, checks or audits. Subclass it in a file here and register an instance."""

    name: ClassVar[str]
    shows: ClassVar[str]
    """What it draws, in a few words."""
    after: ClassVar[str] = ""
    """The kind of chart that it follows on a page; empty for the last place."""
    heading: ClassVar[str] = ""
    """The heading of its section, if its figures stand beside no table."""
    is_folded: ClassVar[bool] = False
    """Whether its section is shown after a click."""
    is_overview: ClassVar[bool] = False
    """Whether its figures stand above all sections."""

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:  # noqa: ARG002
        """Yield the figures of runs of one suite; none where they have nothing of this kind."""
        return iter(())

    def of_check(self, check: DrawnCheck) -> Iterator[Figure]:  # noqa: ARG002
        """Yield the figures of a check; none where it has nothing of this kind."""
        return iter(())

    def of_audit(self, audit: DrawnAudit) -> Iterator[Figure]:  # noqa: ARG002
        """Yield the figures of an audit; none where it has nothing of this kind."""
        return iter(())


class SampleChart(Chart):
    """A chart of the samples of each family of one run, and of each network of a check."""

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the families; none of several runs, which have charts of their own."""
        for run in runs if len(runs) == 1 else ():
            for family in (result.family for result in run.report.results):
                if samples := run.samples.get(family.name):
                    yield self.figure(family.name, [variant.name for variant in family.variants], samples)

    def of_check(self, check: DrawnCheck) -> Iterator[Figure]:
        """Yield a figure of base, its control and head for each network."""
        for network, samples in check.samples.items():
            yield self.figure(network, sorted({sample.variant for sample in samples}), samples)

    def figure(self, name: str, networks: Sequence[str], samples: Sequence[Sample]) -> Figure:
        """Return the figure of the samples of some networks, under a name for them all."""
        raise NotImplementedError


CHARTS: Registry[Chart] = Registry("kind of chart", "benchcli.reports.charts")


def in_order() -> list[Chart]:
    """Return all kinds of charts in the order in which a page has them.

    A chart comes after the one in its `after`; of several, those without followers come first. A
    chart without `after` comes last, unless others follow it.
    """
    followed = {chart.after for chart in CHARTS}
    ordered: list[Chart] = []

    def place(chart: Chart) -> None:
        ordered.append(chart)
        for other in sorted(CHARTS, key=lambda each: each.name in followed):
            if other.after == chart.name:
                place(other)

    for chart in sorted(CHARTS, key=lambda each: each.name not in followed):
        if CHARTS.get(chart.after) is None:
            place(chart)
    return ordered


def figures_of(runs: Sequence[LabelledRun]) -> Iterator[Figure]:
    """Yield the figures of runs of one suite, in the order in which a page has them."""
    for chart in in_order():
        yield from _limited(chart, list(chart.figures(runs)))


def figures_of_check(report: "CheckReport") -> Iterator[Figure]:
    """Yield the figures of a check, in the order in which a page has them."""
    check = DrawnCheck(report)
    for chart in in_order():
        yield from _limited(chart, list(chart.of_check(check)))


def figures_of_audit(audit: DrawnAudit) -> Iterator[Figure]:
    """Yield the figures of an audit, in the order in which a page has them."""
    for chart in in_order():
        yield from _limited(chart, list(chart.of_audit(audit)))


def _limited(chart: Chart, figures: Sequence[Figure]) -> Iterator[Figure]:
    """Yield the figures of one kind with what the chart says of them all, and of many only the first ones."""
    left_out = len(figures) - MOST_FIGURES
    for number, figure in enumerate(figures[:MOST_FIGURES]):
        is_cut = left_out > 0 and number == MOST_FIGURES - 1
        yield replace(
            figure,
            kind=chart.name,
            key=figure.key or chart.name,
            heading=chart.heading,
            is_folded=chart.is_folded,
            is_overview=chart.is_overview or figure.is_overview,
            note=grammar.pale(figure.rows).strip() if grammar.JUDGED in figure.columns else "",
            text=f"{figure.text} {left_out} more charts of this kind are left out." if is_cut else figure.text,
        )


def with_safe_names(figure: Figure) -> Figure:
    """Rename what clashes with a name of JavaScript's objects, or is longer than `LONGEST_NAME`."""
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
    folder = folder_of(folder)
    path = folder / SAMPLES
    is_drawn = files.is_file(path) and path.stat().st_size <= MOST_BYTES
    return RunFolder(folder).samples() if is_drawn else {}


def families_of(runs: Sequence[LabelledRun]) -> Iterable[list[tuple[str, FamilyResult]]]:
    """Return each family as the runs have it, with their labels, in the order of the first run that has it."""
    results = [(run.label, result) for run in runs for result in run.report.results]
    return groups(results, lambda labelled: labelled[1].family.name).values()
