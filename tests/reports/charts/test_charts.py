"""Every kind of chart, on the kept runs: what it draws, that its numbers are the run's, and that it can be drawn."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from benchcli.analysis.layer_rows import accounted
from benchcli.reports import drawing
from benchcli.reports.charts import base
from benchcli.reports.charts.base import CHARTS, LabelledRun, figures_of, in_order
from benchcli.reports.charts.samples import RawSamples
from benchcli.reports.charts.stacks import COLUMNS as STACK
from benchcli.reports.page import Figure
from benchcli.runs.read import read
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.timings import timing
from benchcli.schema import FamilyResult, Interval, Record
from tests.values import sample

KEPT = Path(__file__).parents[3] / "results" / "reference"
NAMES = [
    *("paper-epyc", "g2-epyc", "networks-epyc", "blocks-epyc", "layers-epyc", "settings-epyc", "claims-epyc"),
    "g1-six-runtimes-xeon",
]


@cache
def kept(name: str) -> SuiteRun:
    return read(KEPT / name)


def drawn(kind: str, *names: str, reports: Sequence[SuiteRun] = ()) -> list[Figure]:
    runs = reports or [kept(name) for name in names]
    labels = [""] if len(runs) == 1 else [f"run {number}" for number in range(len(runs))]
    return list(CHARTS[kind].figures([LabelledRun(*pair) for pair in zip(labels, runs, strict=True)]))


def column(figure: Figure, name: str) -> list[object]:
    return [row[figure.columns.index(name)] for row in figure.rows]


def with_times(report: SuiteRun, factor: float) -> SuiteRun:
    """Return a run all of whose networks take `factor` as long."""

    def slowed(record: Record) -> Record:
        assert record.timing
        seconds = record.timing.seconds.times(factor)
        return replace(record, timing=replace(record.timing, seconds=seconds))

    def result(each: FamilyResult) -> FamilyResult:
        return replace(each, records=tuple(map(slowed, each.records)))

    return replace(report, results=tuple(map(result, report.results)))


def with_disturbed(report: SuiteRun, name: str) -> SuiteRun:
    """Return a run in which over half of the samples of one network were disturbed."""

    def disturbed(record: Record) -> Record:
        assert record.timing
        is_named = record.variant.name == name
        return replace(record, timing=replace(record.timing, excluded=record.timing.samples)) if is_named else record

    results = (replace(each, records=tuple(map(disturbed, each.records))) for each in report.results)
    return replace(report, results=tuple(results))


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_of_every_figure_are_those_that_its_drawing_names(name: str) -> None:
    for figure in figures_of([LabelledRun("", kept(name))]):
        assert all(len(row) == len(figure.columns) for row in figure.rows)
        made = {"middle", "room", "label", "number", "high or time"}  # by transforms
        assert fields(figure.spec) <= {*figure.columns, *made}, figure.title
        assert not any(letter in column for column in figure.columns for letter in ".[]\\")


def fields(part: object) -> set[str]:
    if isinstance(part, dict):
        own = {part["field"]} if isinstance(part.get("field"), str) else set()
        return own.union(*map(fields, part.values()))
    return set().union(*map(fields, part)) if isinstance(part, list | tuple) else set()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.keeps("open files", "threads")  # vl_convert has a runtime of its own
def test_vega_lite_takes_every_specification(name: str) -> None:
    vl_convert = pytest.importorskip("vl_convert", reason="pip install vl-convert-python draws pictures")
    figures = list(figures_of([LabelledRun("", kept(name))]))
    kinds = {figure.kind: figure for figure in figures}
    for figure in kinds.values():
        svg = vl_convert.vegalite_to_svg(drawing.specification([figure]), vl_version=drawing.LITE)
        marks = svg.count("<path") + svg.count("<text")
        assert marks > len(figure.rows), figure.title


def test_a_chart_follows_the_one_that_it_names() -> None:
    names = [chart.name for chart in in_order()]
    assert sorted(names) == [chart.name for chart in CHARTS]
    for chart in CHARTS:
        assert not chart.after or names.index(chart.after) < names.index(chart.name)
    assert names.index("changes") < names.index("samples") < names.index("launches")


def test_of_many_figures_the_last_one_says_how_many_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_FIGURES", 3)
    figures = [each for each in figures_of([LabelledRun("", kept("paper-epyc"))]) if each.kind == "axis"]
    total = len(drawn("axis", "paper-epyc"))
    assert len(figures) == 3
    assert figures[-1].text.endswith(f" {total - 3} more charts of this kind are left out.")


def test_speeds_relative_to_what_has_no_time_are_no_empty_figure() -> None:
    report = kept("networks-epyc")

    def failed(each: FamilyResult) -> FamilyResult:
        compared = [
            replace(record, timing=replace(record.timing, relative=None)) if record.timing else record
            for record in each.records
        ]
        return replace(each, records=(replace(compared[0], timing=None), *compared[1:]))

    assert drawn("intervals", reports=[report])
    assert drawn("intervals", reports=[replace(report, results=tuple(map(failed, report.results)))]) == []


def test_a_guideline_is_drawn_with_its_intervals_and_the_papers_curve() -> None:
    (figure,) = drawn("axis", "g2-epyc")
    here = [row for row in figure.rows if row[1] == "this machine"]
    assert [row[0] for row in here] == ["g=1", "g=2", "g=4", "g=8"]
    assert here[0][2:] == (1.0, None, None, "")
    for row, record in zip(here[1:], kept("g2-epyc").records[1:], strict=True):
        relative = record.timing.relative if record.timing else None
        assert relative
        assert row[2:5] == pytest.approx((relative.estimate, relative.low, relative.high), rel=1e-4)
    paper = [row[2] for row in figure.rows if row[1] == "paper"]
    assert paper == pytest.approx([1.0, 0.875, 0.823, 0.695], abs=1e-3)


@pytest.mark.parametrize(
    ("kind", "run"),
    [("axis", "g2-epyc"), ("verdicts", "g2-epyc"), ("settings", "settings-epyc"), ("intervals", "networks-epyc")],
)
def test_what_is_not_judged_is_drawn_pale_and_the_text_says_why(kind: str, run: str) -> None:
    name = kept(run).records[-1].variant.name
    disturbed = drawn(kind, reports=[with_disturbed(kept(run), name)])
    assert {row[0] == name or row[1] == name for figure in disturbed for row in figure.rows if row[-1]} == {True}
    assert all("Pale points" in each.text for each in disturbed if any(column(each, "judged")))
    assert not any("Pale" in figure.text for figure in drawn(kind, run))


def test_a_picture_says_below_its_title_that_points_are_pale() -> None:
    run = kept("g2-epyc")

    def titles(report: SuiteRun) -> list[dict[str, str]]:
        figures = [each for each in figures_of([LabelledRun("", report)]) if each.kind == "axis"]
        return [drawing.specification([each])["title"] for each in figures]

    (pale,) = titles(with_disturbed(run, run.records[-1].variant.name))
    assert pale["subtitle"] == "Pale points are not judged: over half of their samples were disturbed."
    assert ["subtitle" in each for each in titles(run)] == [False]


def test_several_runs_are_series_of_one_figure() -> None:
    (figure,) = drawn("axis", "g2-epyc", "g2-epyc")
    assert set(column(figure, "series")) == {"run 0", "run 1", "paper"}


def test_costs_and_time_say_how_well_one_orders_the_other() -> None:
    flops, access = drawn("costs", "networks-epyc")
    assert len(flops.rows) == len([r for r in kept("networks-epyc").records if r.timing]) == len(access.rows)
    assert "rank correlation of FLOPs and time is 0." in flops.text
    assert flops.spec["encoding"]["x"]["field"] == "MFLOPs (mult-adds)"
    assert access.spec["encoding"]["x"]["field"] == "memory access MB"


def test_two_networks_say_nothing_about_costs_and_time() -> None:
    report = kept("g2-epyc")
    two = replace(report, results=tuple(replace(r, records=r.records[:2]) for r in report.results))
    assert drawn("costs", reports=[two]) == []


def test_the_front_of_the_figure_is_that_of_the_table() -> None:
    (figure,) = drawn("pareto", "networks-epyc")
    on = {row[0] for row in figure.rows if row[-1] == "on the front"}
    table = (KEPT / "networks-epyc" / "table.md").read_text()
    line = next(line for line in table.splitlines() if "Pareto front, from fastest" in line)
    assert on == set(line.partition(": ")[2].split(", "))


def test_parts_of_a_bar_follow_each_other_and_add_up() -> None:
    (figure,) = drawn("breakdown", "networks-epyc")
    for network in set(column(figure, "network")):
        rows = [dict(zip(STACK, row, strict=True)) for row in figure.rows if row[0] == network]
        assert rows[0]["from %"] == 0
        for one, other in pairwise(rows):
            assert one["to %"] == pytest.approx(other["from %"], abs=0.01)
        assert rows[-1]["to %"] == pytest.approx(100, abs=4)


def test_an_icicle_has_each_module_within_the_one_that_calls_it() -> None:
    icicles = [figure for figure in drawn("layers", "layers-epyc") if figure.title.endswith("by module")]
    assert len(icicles) == 2
    for figure in icicles:
        rows = [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]
        whole, *others = rows
        own = [each for each in kept("layers-epyc").layers if each.variant == whole["module"]]
        assert whole["to %"] == pytest.approx(100 * accounted(own), abs=0.1)
        for row in others:
            caller = str(row["module"]).rpartition(".")[0]
            above = next(each for each in rows if each["module"] == (caller or whole["module"]))
            assert row["level"] == int(str(above["level"])) + 1
            assert float(str(above["from %"])) - 0.01 <= float(str(row["from %"]))
            assert float(str(row["to %"])) <= float(str(above["to %"])) + 0.2  # medians of launches


def test_types_of_layers_are_sorted_bars_that_add_up() -> None:
    for figure in [each for each in drawn("layers", "layers-epyc") if each.title.endswith("by type of layer")]:
        shares = [float(str(share)) for share in column(figure, "share %")]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) == pytest.approx(100, abs=4)


def test_a_ranking_has_every_network_once_with_its_place_on_the_front() -> None:
    (figure,) = drawn("ranking", "networks-epyc")
    times = [float(str(time)) for time in column(figure, "time ms")]
    assert times == sorted(times)
    assert [str(name).split()[0] for name in column(figure, "rank and network")] == [str(n) for n in range(1, 23)]
    front = {str(row[0]).split()[1] for row in figure.rows if row[4] == "on the front"}
    (pareto,) = drawn("pareto", "networks-epyc")
    assert front == {row[0] for row in pareto.rows if row[-1] == "on the front"}


def test_blocks_of_several_widths_have_no_rank_among_each_other() -> None:
    assert drawn("ranking", "blocks-epyc") == []
    names = {str(row[0]).split()[1] for figure in drawn("ranking", "claims-epyc") for row in figure.rows}
    assert "shufflenet-v2-1x" in names
    assert "shufflenet-v1-g2" not in names  # a block of that run


def test_a_network_without_an_error_is_listed_and_not_drawn() -> None:
    report = kept("networks-epyc")
    result = report.results[0]
    unknown = replace(result.records[0], variant=replace(result.records[0].variant, name="mine", builder="mine:build"))
    records = (unknown, *result.records[1:])
    (figure,) = drawn("pareto", reports=[replace(report, results=(replace(result, records=records),))])
    assert "mine" not in column(figure, "network")
    assert figure.text.endswith("Not drawn, because their error is not known: mine.")
    (ranking,) = drawn("ranking", reports=[replace(report, results=(replace(result, records=records),))])
    assert [row[4] for row in ranking.rows if str(row[0]).endswith(" mine")] == ["no error value"]


def test_one_network_with_an_error_is_not_said_to_have_none() -> None:
    report = kept("networks-epyc")
    result = report.results[0]
    first, second = result.records[:2]
    unknown = replace(first, variant=replace(first.variant, name="mine", builder="mine:build"))
    (ranking,) = drawn("ranking", reports=[replace(report, results=(replace(result, records=(unknown, second)),))])
    assert {str(row[0]).split()[1]: row[4] for row in ranking.rows} == {
        "mine": "no error value",
        second.variant.name: "no other error value",
    }
    assert ranking.text.startswith("Time of a call with its 95 % interval, with the top-1 error where it is known.")


def test_panels_share_their_axis_and_have_all_scales() -> None:
    panels = drawn("verdicts", "paper-epyc")
    assert [figure.title[:4] for figure in panels] == ["G1 ✓", "G2 ✓", "G3 ✓", "G4 ✓"]
    scales = [figure.spec["layer"][-1]["encoding"]["y"]["scale"]["domain"] for figure in panels]
    assert scales == [scales[0]] * 4
    most = max(float(str(end)) for figure in panels for end in column(figure, "high") if end)
    assert scales[0][0] == 0 < most < scales[0][1]
    assert set(column(panels[0], "series")) == {"×1", "×2", "×4"}


def test_what_is_no_scale_is_not_joined_by_a_line() -> None:
    def is_joined(figure: Figure) -> bool:
        return any(
            layer["mark"] == {"type": "line", "strokeWidth": 1.5} for layer in figure.spec["layer"] if "mark" in layer
        )

    joined = {figure.title[:2]: is_joined(figure) for figure in drawn("axis", "paper-epyc")}
    assert joined == {"G1": True, "G2": True, "G3": False, "G4": False}
    assert [is_joined(figure) for figure in drawn("settings", "settings-epyc")] == [False]
    assert [is_joined(figure) for figure in drawn("settings", "batches-epyc")] == [True]


def test_a_guideline_in_several_runtimes_has_a_line_for_each() -> None:
    paper, aligned = drawn("runtimes", "g1-six-runtimes-xeon")
    names = ["eager", "compile", "onnxruntime", "openvino", "ncnn", "executorch"]
    assert list(dict.fromkeys(column(paper, "runtime"))) == [*names, "paper"]
    assert list(dict.fromkeys(column(aligned, "runtime"))) == names
    speeds = dict(zip(zip(column(paper, "network"), column(paper, "runtime"), strict=True), paper.rows, strict=True))
    assert speeds["1:1", "ncnn"][2] == 1.0
    assert 0.3 < float(str(speeds["1:12", "onnxruntime"][2])) < 0.4
    for other in ("paper-epyc", "settings-epyc", "training-xeon"):
        assert drawn("runtimes", other) == []


def test_runs_are_compared_with_the_first_one() -> None:
    run = kept("g2-epyc")
    (figure,) = drawn("runs", reports=[run, with_times(run, 1.2)])
    assert figure.rows[0][:2] == ("geometric mean", "run 1")
    assert column(figure, "change %") == pytest.approx([20.0] * 5)
    assert drawn("runs", "g2-epyc") == []


def test_raw_samples_are_thinned_evenly_and_say_so() -> None:
    for figure in drawn("samples", "paper-epyc"):
        assert 0 < len(figure.rows) <= 400
    (few,) = drawn("samples", "g2-epyc")
    assert "is drawn" in few.text or len(few.rows) == 4 * 8 * 12


@pytest.mark.parametrize(("usual", "state"), [(6, "excluded: slow-core"), (5, "counts: slow-core")])
def test_what_ran_on_a_slow_core_counts_where_too_few_launches_have_other_samples(usual: int, state: str) -> None:
    samples = [
        sample("a", launch, number, 0.01, excluded=None if launch < usual else "slow-core")
        for launch in range(8)
        for number in range(4)
    ]
    figure = RawSamples().figure("a", ["a"], samples)
    assert set(column(figure, "state")) == {"counts", state}
    assert column(figure, "state").count(state) == 4 * (8 - usual)
    found = timing(samples, samples, is_baseline=True)
    assert found is not None
    assert found.slow == (4 * (8 - usual) if state.startswith("excluded") else 0)


def test_launches_are_relative_to_their_median() -> None:
    (figure,) = drawn("launches", "g2-epyc")
    for network in ("g=1", "g=8"):
        relative = sorted(float(str(row[2])) for row in figure.rows if row[1] == network)
        assert relative[0] <= 1 <= relative[-1]


def test_a_large_file_of_samples_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "MOST_BYTES", 10)
    assert drawn("samples", "g2-epyc") == drawn("launches", "g2-epyc") == []


def test_a_history_marks_the_run_in_which_times_changed() -> None:
    run = kept("g2-epyc")
    (figure,) = drawn("history", reports=[run, run, with_times(run, 1.2), with_times(run, 1.2)])
    changed = [(row[0], row[6]) for row in figure.rows if row[6]]
    assert {run for run, _ in changed} == {"run 2"}
    assert all(str(text).startswith("+20.0 %") for _, text in changed)
    assert len(changed) == 4
    assert figure.text.endswith(": 4.")


def test_two_runs_have_no_history() -> None:
    assert drawn("history", "g2-epyc", "g2-epyc") == []


def test_a_network_that_fails_has_a_row_and_no_point() -> None:
    report = kept("g2-epyc")
    (result,) = report.results
    records = (*result.records[:3], replace(result.records[3], timing=None))
    (figure,) = drawn("axis", reports=[replace(report, results=(replace(result, records=records),))])
    assert figure.rows[3] == ("g=8", "this machine", None, None, None, "")


def test_an_infinite_number_is_absent() -> None:
    from benchcli.reports.charts.grammar import drawn as number
    from benchcli.reports.charts.grammar import ends

    assert number(float("nan")) is None
    assert ends(Interval(float("inf"), None, 2.0)) == (None, None, 2.0)
