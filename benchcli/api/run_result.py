"""A measured or recorded run, and every two networks of it compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.api.result import Result, machine_cells
from benchcli.api.traced_rows import BreakdownRows, LayerRows
from benchcli.backends.devices.base import device_named
from benchcli.errors import UserError
from benchcli.reports.page import Figure, Page, cleaned
from benchcli.runs.rows import Cell
from benchcli.runs.run_folder import SAMPLES
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Family, Record
from benchcli.schema.environment import Environment
from benchcli.spelling import given
from benchcli.store.stored_runs import folder_of
from benchcli.workloads.overrides import Overrides

if TYPE_CHECKING:
    import pandas

    from benchcli.analysis.claims.base import Judged
    from benchcli.analysis.pairwise import Ranking
    from benchcli.analysis.verdicts import Verdict

LEAST_SHARE = 0.01
"""The least share of a call with which a module stands in the tree of a report."""


class OfRun(Result):
    """A result that is read from the run of a suite."""

    details: SuiteRun

    def _facts(self) -> tuple[tuple[str, str], ...]:
        from benchcli.reports.views import fact_list

        return fact_list.of_run(self.details)

    def _badge(self) -> str:
        from benchcli.reports.views import fact_list

        return fact_list.badge_of_run(self.details)

    def _machine(self) -> Mapping[str, Cell]:
        return machine_cells(self.details.environment)


@dataclass(repr=False)
class Run(OfRun):
    """The result of measuring a suite."""

    details: SuiteRun
    """The run that the properties below read."""
    depth: int | None = None
    """The depth to which the page rolls layers up; None for the slowest layers as they are."""
    shows_claims: bool = False
    """Whether the page has the verdicts on the papers' claims."""
    is_verbose: bool = False
    """Whether tables are shown with every warning."""
    is_tree: bool = False
    """Whether layers are shown as totals by type and as a tree of modules."""

    def _laid_out(self) -> Page:
        if self.shows_claims:
            from benchcli.reports.views import claims_page

            page = claims_page.page(self.details, self._families_of_claims())
        else:
            from benchcli.reports.views import run_page

            page = run_page.page(self.details, self.depth, self.is_tree)
        return replace(page, is_verbose=self.is_verbose)

    def _answers(self) -> tuple[str, ...]:
        from benchcli.reports.views import answers

        return answers.of_claims(self.judged) if self.shows_claims else answers.of_run(self.details)

    def _drawn(self) -> Page:
        page = super()._drawn()
        if not self.details.layers or self.shows_claims or self.is_tree:
            return page
        from benchcli.reports.views import module_tables

        trees = cleaned(module_tables.tables(self.details.layers, self.depth, least=LEAST_SHARE))
        return replace(page, tables=(*page.tables, *trees))

    def _figures(self) -> Iterable[Figure]:
        from benchcli.reports.charts.base import LabelledRun, figures_of

        return figures_of([LabelledRun("", self.details)])

    @property
    def records(self) -> tuple[Record, ...]:
        """One record for each variant: its identity, costs and time, or why it has none."""
        return self.details.records

    @property
    def verdicts(self) -> "tuple[Verdict, ...]":
        """One verdict for each family of a guideline; none with another baseline, of which it claims nothing."""
        from benchcli.analysis.verdicts import verdicts_of

        return tuple(verdicts_of(self.details))

    @property
    def judged(self) -> "tuple[Judged, ...]":
        """Each claim of the papers with its verdict and its evidence; empty for a run of no claims."""
        from benchcli.reports.views import claims_page
        from benchcli.workloads.suites import CLAIMS_SUITE

        if not self.shows_claims and self.details.suite_name != CLAIMS_SUITE:
            return ()
        return tuple(claims_page.judged_by(self.details, self._families_of_claims()))

    @property
    def folder(self) -> Path:
        """The folder of the run's files."""
        return self.details.folder

    def with_baseline(self, name: str) -> "Run":
        """Return the run with speeds relative to another of its networks, from the samples that were kept.

        `name` is a network, or FAMILY/NETWORK. Raises UserError if no family has it, if it has no time, if
        the samples are gone, or for a run of claims, which are about baselines of their own.
        """
        from benchcli.analysis.other_baseline import with_baseline

        if self.shows_claims:
            raise UserError(
                f"{self.folder} is a run of claims, which say what they compare: leave {given('baseline')} out"
            )
        return replace(self, details=with_baseline(self.details, name))

    def pairwise(self, baseline: str | None = None) -> "Pairwise":
        """Return each two networks of every family compared, and their ranking, from the samples that were kept.

        Raises UserError if there is no pair, if the samples are gone, or if a `baseline` is given, which a
        comparison of each two does not have.
        """
        from benchcli.analysis.pairwise import rankings

        if baseline is not None:
            raise UserError(
                f"pairwise compares each two networks, and has no baseline: leave it out, or use "
                f"with_baseline({baseline!r}) for speeds relative to one"
            )
        return Pairwise(self.details, tuple(rankings(self.details)))

    @property
    def failed(self) -> tuple[Record, ...]:
        """The records of the networks that could not be measured."""
        return tuple(each for each in self.records if each.failure)

    @property
    def environment(self) -> Environment:
        """The request, machine, software versions, device and settings."""
        return self.details.environment

    @property
    def layers(self) -> "LayerRows":
        """One row for each module of each network, with what it does itself; empty unless `layers` was asked for.

        It is a list, which a Python prompt shows as a table.
        """
        return self.layers_at(None)

    @property
    def breakdown(self) -> "BreakdownRows":
        """Where the time of each network goes, by category of operator; empty unless `breakdown` was asked for.

        It is a list, which a Python prompt shows as a table.
        """
        from benchcli.analysis.breakdown_rows import breakdown_rows

        return BreakdownRows(breakdown_rows(self.details.breakdowns), self.details)

    def layers_at(self, depth: int | None) -> "LayerRows":
        """Return the modules rolled up to a depth: each with all that it calls below."""
        from benchcli.analysis.layer_rows import layer_rows
        from benchcli.analysis.places import with_places

        return LayerRows(with_places(layer_rows(self.details.layers, depth), self.details), depth)

    def samples(self) -> "pandas.DataFrame":
        """Return every raw sample, in seconds per call. Raises UserError if they are unreadable."""
        import pandas

        try:
            return pandas.read_csv(folder_of(self.folder) / SAMPLES)
        except (OSError, ValueError) as error:
            raise UserError(f"{self.folder / SAMPLES} cannot be read: {error}") from None

    def _families_of_claims(self) -> list[Family]:
        from benchcli.workloads.suites import CLAIMS_SUITE, families_of_suite, find_suite

        column = device_named(self.environment.target.device).column
        return families_of_suite(find_suite(CLAIMS_SUITE), Overrides(column=column))


@dataclass(repr=False)
class Pairwise(Result):
    """Each two networks of a run compared, and their ranking."""

    details: SuiteRun
    """The run."""
    rankings: "tuple[Ranking, ...]"
    """Of each family: its networks, the fastest first, and its pairs, each with its interval."""

    def _laid_out(self) -> Page:
        from benchcli.reports.views import pairwise_page

        return pairwise_page.page(self.details, self.rankings)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        from benchcli.reports.views import fact_list

        return fact_list.of_run(self.details)

    def _machine(self) -> Mapping[str, Cell]:
        return machine_cells(self.details.environment)
