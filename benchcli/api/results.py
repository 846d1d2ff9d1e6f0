"""The values that the API returns. Each can be shown, tabulated, and read field by field."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from benchcli.api import plotting
from benchcli.backends.devices.base import device_named
from benchcli.errors import UserError
from benchcli.formatting import clean
from benchcli.reports import output_files
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Figure, Page, Table, cleaned
from benchcli.runs.rows import Cell
from benchcli.runs.run_folder import SAMPLES
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import CATEGORIES, Family, Record
from benchcli.schema.environment import Environment, Machine
from benchcli.spelling import given
from benchcli.store.stored_runs import folder_of
from benchcli.workloads.overrides import Overrides

if TYPE_CHECKING:
    import pandas

    from benchcli.analysis.breakdown_rows import BreakdownRow
    from benchcli.analysis.claims.base import Judged
    from benchcli.analysis.comparison import Comparison
    from benchcli.analysis.layer_rows import LayerRow
    from benchcli.analysis.pairwise import Ranking
    from benchcli.analysis.verdicts import Verdict
    from benchcli.checks.findings import Finding
    from benchcli.checks.headline import Headline
    from benchcli.checks.session import CheckReport

MACHINE = ("host", "cpu", "architecture", "cores", "system")
"""Facts of the machine in every row of a frame, as `machine_<name>`."""
MOST = 26
"""Runs in a comparison: each has a letter."""
HISTORY = 3
"""The fewest runs that have a history: they are in the order of time."""
LEAST_SHARE = 0.01
"""The least share of a call with which a module stands in the tree of a report."""
MOST_DRAWN = 8
"""The most runs whose own charts stand in the page of several; beyond, only their tables do."""


class Result:
    """A result that has a page."""

    @cached_property
    def page(self) -> Page:
        """The tables, rows and annotations that the formats show, every text printable."""
        return cleaned(self._laid_out())

    @cached_property
    def drawn(self) -> Page:
        """The page with its charts and the facts about the machine, and without the object for JSON."""
        return self._drawn()

    def _laid_out(self) -> Page:
        raise NotImplementedError

    def _drawn(self) -> Page:
        page = replace(self._laid_out(), answers=self._answers(), badge=self._badge())
        return _with_charts(page, self._facts(), self._figures())

    def _answers(self) -> tuple[str, ...]:
        return ()

    def _badge(self) -> str:
        return ""

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return ()

    def _figures(self) -> Iterable[Figure]:
        return ()

    def show(self, format_: str = "table") -> str:
        """Return the result as text in a format of the command line: table, markdown, csv, json, html."""
        chosen = FORMATS[format_]
        return chosen.on_screen(self._page_for(chosen))

    def written(self, format_: str) -> str:
        """Return the result as a file holds it: neither as wide nor as colourful as a terminal."""
        chosen = FORMATS[format_]
        return chosen.render(self._page_for(chosen))

    def _page_for(self, chosen: Format) -> Page:
        if chosen.for_checks and not self.page.summary:
            raise UserError(f"{chosen.name} shows the findings of checks: give another format")
        return self.drawn if chosen.draws else self.page

    def report(self, path: Path | str, force: bool = False) -> None:
        """Write the result as one HTML page that loads nothing: tables, charts and their numbers.

        Raises UserError as `write` does.
        """
        self.write("html", path, force)

    def plot(self, kind: str, path: Path | str, theme: str = "light", force: bool = False) -> None:
        """Draw the charts of one kind into a file: .svg, .png, .pdf, or .json for their specification.

        Raises UserError as `write` does, if there is no such chart, or if the extra `plot` is not
        installed.
        """
        plotting.draw(self.drawn, kind, output_files.writable(path, force), theme, force)

    def write(self, format_: str, path: Path | str, force: bool = False) -> None:
        """Write the result to a file in a format of the command line, completely or not at all.

        Raises UserError if the file cannot be written, or if a file is there that benchcli did not
        write, unless `force` is true; what it held before is then unchanged.
        """
        output_files.write(path, FORMATS[format_].mark + self.written(format_), force)

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each record, indexed by what identifies it: the columns that matter most, in SI units.

        `wide` has all columns.
        """
        frame = self.wide()
        return frame[[*self.page.leading]] if self.page.leading else frame[[*_others(self.page)]]

    def wide(self) -> "pandas.DataFrame":
        """Return the rows of `to_frame` with all columns: after its own the others of the CSV, and the machine's."""
        import pandas

        page, rows = self.page, self._rows()
        first = (*page.identity, *page.leading, *_others(page))
        frame = pandas.DataFrame(rows, columns=list(dict.fromkeys((*first, *(name for row in rows for name in row)))))
        return frame.set_index([*page.identity]) if page.identity else frame

    def _rows(self) -> list[dict[str, Cell]]:
        """Return the rows of a frame, with the machine's columns in each."""
        return [{**row, **self._machine()} for row in self.page.rows]

    def _machine(self) -> Mapping[str, Cell]:
        """Return the machine's columns, which every row of the frame has."""
        return {}

    def __repr__(self) -> str:
        return self.show()

    def _repr_html_(self) -> str:
        """Return the tables for a notebook; every text in them is escaped."""
        return _html(self.page)


@dataclass(repr=False)
class Run(Result):
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

    def _facts(self) -> tuple[tuple[str, str], ...]:
        from benchcli.reports.views import fact_list

        return fact_list.of_run(self.details)

    def _badge(self) -> str:
        from benchcli.reports.views import fact_list

        return fact_list.badge_of_run(self.details)

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

    def _machine(self) -> Mapping[str, Cell]:
        return _machine_cells(self.environment)

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
        return _machine_cells(self.details.environment)


LAYER_COLUMNS = [
    *("family", "variant", "layer", "type", "calls", "seconds", "seconds_low", "seconds_high", "share"),
    *("flops", "mac_bytes", "inputs", "outputs", "operators"),
]
"""The columns of a frame of layers, of which the first three identify a row; those of their places follow."""


class LayerRows(list["LayerRow"]):
    """A list of the modules of a run's networks. A Python prompt shows the table of the slowest ones."""

    def __init__(self, rows: "Iterable[LayerRow]" = (), depth: int | None = None) -> None:
        super().__init__(rows)
        self.depth = depth
        """The depth to which the modules are rolled up; None if each has only what it does itself."""

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each module, indexed by family, network and layer, in SI units."""
        import pandas

        from benchcli.analysis.places import PLACE_COLUMNS, place_cells

        rows = [
            {
                "family": each.family,
                "variant": each.variant,
                "layer": each.path,
                "type": each.kind,
                "calls": each.calls,
                "seconds": each.seconds.estimate,
                "seconds_low": each.seconds.low,
                "seconds_high": each.seconds.high,
                **{
                    name: getattr(each, name)
                    for name in ("share", "flops", "mac_bytes", "inputs", "outputs", "operators")
                },
                **place_cells(each.place),
            }
            for each in self
        ]
        return pandas.DataFrame(rows, columns=[*LAYER_COLUMNS, *PLACE_COLUMNS]).set_index(LAYER_COLUMNS[:3])

    def __repr__(self) -> str:
        from benchcli.reports.views.layer_table import table_of

        if not self:
            return "[]"
        return _on_screen(table_of(self, self.depth), f"{len(self)} modules; to_frame() has all their fields")


class BreakdownRows(list["BreakdownRow"]):
    """A list of a run's networks with the shares of their time. A Python prompt shows it as a table."""

    def __init__(self, rows: "Iterable[BreakdownRow]", run: SuiteRun) -> None:
        super().__init__(rows)
        self._run = run

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each network, indexed by family and network: seconds, and the shares by category.

        A share is empty if it is not judged: profiled calls were faster than others.
        """
        import pandas

        rows = [
            {
                "family": each.family,
                "variant": each.variant,
                "call_s": each.call_s,
                **each.shares,
                "reorder": each.reorder,
            }
            for each in self
        ]
        columns = ["family", "variant", "call_s", *CATEGORIES, "reorder"]
        return pandas.DataFrame(rows, columns=columns).set_index(columns[:2])

    def __repr__(self) -> str:
        from benchcli.reports.views.breakdown_table import table

        if not self:
            return "[]"
        return _on_screen(table(self._run.records, self._run.breakdowns, self._run.untraced), "")


@dataclass(repr=False)
class Check(Result):
    """The result of a check."""

    details: "CheckReport"
    """The report that the properties below read."""

    def _laid_out(self) -> Page:
        from benchcli.reports.views.check_page import page

        return page(self.details)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        from benchcli.reports.views import fact_list

        return fact_list.of_check(self.details.environment, self.folder)

    def _badge(self) -> str:
        from benchcli.reports.views import fact_list

        return fact_list.badge_of_check(self.details.environment)

    def _answers(self) -> tuple[str, ...]:
        from benchcli.reports.views import answers

        return answers.of_check(self.findings)

    def _figures(self) -> Iterable[Figure]:
        from benchcli.reports.charts.base import figures_of_check

        return figures_of_check(self.details)

    @property
    def findings(self) -> "tuple[Finding, ...]":
        """The findings for each network, the most important first."""
        return self.details.findings

    @property
    def headline(self) -> "Headline":
        """How many networks have each outcome; its `text` is the line that every format shows."""
        from benchcli.checks.headline import headline_of

        return headline_of(self.findings, self._most_detectable)

    @property
    def failed(self) -> bool:
        """Whether there is a regression."""
        return any(finding.fails for finding in self.findings)

    @property
    def folder(self) -> Path | None:
        """The folder of the check's files; None if nothing was timed against a recorded run."""
        return self.details.folder

    def exit_code(self, strict: bool = False) -> int:
        """Return the command line's exit code: 3 a regression, 4 not measured, 0 fine.

        With `strict` an inconclusive time counts as not measured. So does a time that passed, if the check was
        asked to fail above a minimum detectable effect, and that of the network is larger.
        """
        from benchcli.checks.findings import exit_code

        return exit_code(self.findings, strict, self._most_detectable)

    @property
    def _most_detectable(self) -> float | None:
        check = self.details.environment.check
        return check.fail_if_mde_above if check else None

    def _machine(self) -> Mapping[str, Cell]:
        return _machine_cells(self.details.environment)


@dataclass(repr=False)
class Compared(Result, Sequence[Run | Check]):
    """Several runs or checks, compared with the first one or shown one below the other."""

    runs: tuple[Run | Check, ...]
    """The runs and checks; iterating and indexing give them too."""
    side_by_side: bool = False
    """Whether the tables compare the runs with the first one. A report of runs does that in any case."""

    @overload
    def __getitem__(self, place: int) -> Run | Check: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Run | Check]: ...
    def __getitem__(self, place: int | slice) -> Run | Check | Sequence[Run | Check]:
        return self.runs[place]

    def __len__(self) -> int:
        return len(self.runs)

    @cached_property
    def comparison(self) -> "Comparison":
        """A row for each network, the differences between the runs, and what each lacks."""
        from benchcli.analysis.comparison import compare

        return compare([run.details for run in self.runs if isinstance(run, Run)])

    def _laid_out(self) -> Page:
        if self.side_by_side:
            from benchcli.reports.views.comparison_page import page

            return page(self.comparison)
        return _below_each_other(self.runs)

    def _drawn(self) -> Page:
        if self.side_by_side:
            return super()._drawn()
        members = _in_order(self.runs)
        if len(members) == 1:
            return members[0].drawn
        runs = tuple(each for each in members if isinstance(each, Run))
        return _drawn_runs(runs) if runs else _drawn_checks(members)

    def show(self, format_: str = "table") -> str:
        """Return all as text: one table if compared, else one below the other; one page as HTML."""
        return self._joined(format_, Result.show)

    def written(self, format_: str) -> str:
        """Return all as a file holds them."""
        return self._joined(format_, Result.written)

    def _joined(self, format_: str, shown: Callable[[Result, str], str]) -> str:
        if self.side_by_side:
            return shown(self, format_)
        if format_ == "junit":
            raise UserError("junit shows one check: give one")
        together = format_ in {"csv", "json"} or FORMATS[format_].draws
        return shown(self, format_) if together else "\n".join(shown(run, format_) for run in self.runs)

    def _rows(self) -> list[dict[str, Cell]]:
        return super()._rows() if self.side_by_side else [row for run in self.runs for row in run._rows()]

    def _repr_html_(self) -> str:
        return super()._repr_html_() if self.side_by_side else "".join(run._repr_html_() for run in self.runs)


class UnfinishedError(Exception):
    """Measuring ended early.

    `result` holds what was finished. `reason` says why; None means an interrupt.
    """

    def __init__(self, result: Any, reason: str | None, left: str) -> None:
        super().__init__(left)
        self.result = result
        self.reason = reason


def _below_each_other(runs: Sequence[Run | Check]) -> Page:
    """Return the rows and the data of all. Raises UserError for runs and checks, whose rows differ."""
    from benchcli.analysis.places import PLACE_COLUMNS

    pages = [run.page for run in runs]
    if len({tuple(name for name in page.columns if name not in PLACE_COLUMNS) for page in pages}) > 1:
        raise UserError("runs and checks have different columns: give one kind of them for this format")
    rows = tuple(row for page in pages for row in page.rows)
    data = [each for page in pages if isinstance(each := page.data, Mapping)]
    columns, first = tuple(dict.fromkeys(name for page in pages for name in page.columns)), pages[0]
    identity = (*(("run",) if "run" in columns else ()), *first.identity)
    return Page("runs", "", (), "", columns, rows, data, identity=identity, leading=first.leading)


def _others(page: Page) -> list[str]:
    """Return the columns of a page that neither identify a row nor come first."""
    return [name for name in page.columns if name not in {*page.identity, *page.leading}]


def _in_order(members: Sequence[Run | Check]) -> list[Run | Check]:
    """Return each folder's run or check once, three and more runs in the order of time.

    Raises UserError if they do not belong together.
    """
    from benchcli.analysis.run_history import started

    by_folder = {str(each.folder.resolve() if each.folder else id(each)): each for each in members}
    checks = [each for each in by_folder.values() if isinstance(each, Check)]
    runs = [each for each in by_folder.values() if isinstance(each, Run)]
    if checks and runs:
        raise UserError(f"{checks[0].folder} is a check and {runs[0].folder} is a run: report them one by one")
    names = {run.details.suite_name: run.folder for run in runs}
    if len(names) > 1:
        (one, folder), (other, folder_of_other) = list(names.items())[:2]
        raise UserError(
            f"{folder} is a run of {one} and {folder_of_other} of {other}: give runs of one suite, or report each"
        )
    return [*checks, *(sorted(runs, key=lambda run: started(run.details)) if len(runs) >= HISTORY else runs)]


def _drawn_runs(runs: Sequence[Run]) -> Page:
    """Return one page of several runs of a suite: side by side, as a history, and each by itself."""
    from benchcli.analysis.comparison import compare
    from benchcli.reports.charts.base import LabelledRun, figures_of
    from benchcli.reports.views import answers
    from benchcli.reports.views.comparison_page import series_page
    from benchcli.reports.views.labels import labels

    details = [run.details for run in runs]
    names = labels(details)
    comparison = compare(details) if len(runs) <= MOST else None
    page = series_page(details, names, comparison)
    page = replace(page, answers=answers.of_comparison(comparison, names) if comparison else ())
    figures = figures_of([LabelledRun(*each) for each in zip(names, details, strict=True)])
    few = len(runs) <= MOST_DRAWN
    parts = (replace(run.drawn if few else run.page, name=clean(name)) for name, run in zip(names, runs, strict=True))
    return replace(_with_charts(page, (), figures), parts=tuple(parts))


def _drawn_checks(checks: Sequence[Run | Check]) -> Page:
    """Return one page of several checks, one after the other."""
    page = replace(
        _below_each_other(checks),
        name=f"{len(checks)} checks",
        answers=tuple(f"{check.page.name}: {check.page.summary}" for check in checks),
    )
    return replace(_with_charts(page, (), ()), parts=tuple(check.drawn for check in checks))


def _with_charts(page: Page, facts: tuple[tuple[str, str], ...], figures: Iterable[Figure]) -> Page:
    """Return a page for formats that draw, every text printable."""
    from benchcli.reports.charts.base import with_safe_names

    return cleaned(replace(page, data={}, facts=facts, figures=tuple(map(with_safe_names, figures))))


def _machine_cells(environment: Environment) -> dict[str, Cell]:
    """Return the machine's columns of a frame, from the environment of a run or check."""
    machine = environment.machine or Machine()
    return {
        "digest": environment.digest,
        "commit": environment.commit,
        **{f"machine_{name}": getattr(machine, name) for name in MACHINE},
        "torch": environment.software.get("torch"),
    }


def _on_screen(table: Table, footer: str) -> str:
    """Return what a Python prompt shows of one table."""
    return FORMATS["table"].on_screen(cleaned(Page(table.key, "", (table,), footer, (), (), {}))).strip("\n")


def _html(page: Page) -> str:
    tables = []
    for table in page.tables:
        head = "".join(f"<th>{escape(column.heading)}</th>" for column in table.columns)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        lines = "".join(f"<p>{escape(line)}</p>" for line in table.all_lines)
        tables.append(f"<table><caption>{escape(table.title)}</caption><tr>{head}</tr>{rows}</table>{lines}")
    return f"<p>{escape(page.heading)}</p>{''.join(tables)}<p>{escape(page.footer)}</p>"
