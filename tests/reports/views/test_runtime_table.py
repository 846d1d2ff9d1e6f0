"""The table that compares runtimes, on the simulated device, whose graphs take the same time as eager mode."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import benchcli
from benchcli.analysis.verdicts import verdicts
from benchcli.api.run_result import Run
from benchcli.reports.views import guideline_table
from benchcli.reports.views.run_page import page
from benchcli.reports.views.runtime_table import table
from benchcli.schema import Failure, FamilyResult, Interval, Preparation
from tests.conftest import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def run(cli: Cli) -> Run:
    words = ("--device", "fake", "--runtime", "eager,graph", "--launches", "6", "--output", "run")
    found = cli("guideline", "g1", *words)
    assert found.code == 0
    loaded = benchcli.load("run")
    assert isinstance(loaded, Run)
    return loaded


def changed(result: FamilyResult, name: str, **fields: Any) -> FamilyResult:
    records = (replace(each, **fields) if each.variant.name == name else each for each in result.records)
    return replace(result, records=tuple(records))


def test_speeds_within_each_runtime_stand_beside_each_other(run: Run) -> None:
    results = run.details.results
    made = table(results, verdicts(results))
    assert [column.heading for column in made.columns] == [
        *("setting", "network", "channels", "eager", "graph", "eager ms", "graph ms")
    ]
    assert made.groups == (4, 5)
    for setting, network, channels, eager, graph, eager_ms, graph_ms in made.rows:
        assert setting in {"G1 ×1 paper-gpu", "G1 ×1 aligned"}
        assert (eager, eager_ms) == (graph, graph_ms)
        assert (eager == "1") is (network == "1:1")
        assert ":" in channels
    assert made.lines == (
        "G1 ×1 paper-gpu: 1:12 against 1:1: ✓ holds in eager, graph",
        "G1 ×1 aligned: 1:36 against 1:1: ✓ holds in eager, graph",
    )


def test_runtimes_that_disagree_and_what_preparing_took_are_said(run: Run) -> None:
    paper, in_graph = run.details.results[:2]
    speed = Interval(1.0, 0.999, 1.001)
    same = in_graph.records[-1]
    assert same.timing
    flat = changed(
        in_graph,
        "1:12",
        timing=replace(same.timing, relative=speed),
        flops_deviation=0.0,
        preparation=Preparation(2.5, 0.0125, 110_000, 3e-7),
    )
    made = table([paper, flat], verdicts([paper, flat]))
    assert made.lines == (
        "1:12 against 1:1: ✓ holds in eager; ≈ no effect in graph",
        "graph: prepared in 2.5 s, 110.0 kB, and loaded in 12.5 ms a network (medians); outputs differ by up to "
        "3e-07 from eager float32",
    )
    half = replace(flat, family=replace(flat.family, dtype="bfloat16"))
    half = replace(half, records=tuple(replace(each, family=half.family) for each in half.records))
    half = changed(half, "1:12", preparation=Preparation(2.5, 0.0125, 110_000, 4e-3))
    of_both = table([paper, flat, half], ()).lines[-1]
    assert (
        "float32: outputs differ by up to 3e-07 from eager float32; bfloat16: outputs differ by up to 0.004" in of_both
    )


def test_layouts_that_a_runtime_converts_for_some_networks_alone_are_said(run: Run) -> None:
    paper, in_graph = run.details.results[:2]
    counted = in_graph
    for name, count in {"1:1": 2, "1:2": 0, "1:6": 2, "1:12": 4}.items():
        counted = changed(counted, name, preparation=Preparation(reorders=count))
    judged = verdicts([paper, counted])
    says = "graph converts layouts in a call of 1:2 never; of 1:1, 1:6 2 times; of 1:12 4 times"
    assert says in table([paper, counted], judged).lines
    guideline = guideline_table.table("g1", [paper, counted], judged)
    own, other = (line for line in guideline.lines if line.startswith("✓"))
    assert "converts" not in own
    assert "; the runtime converts layouts 4 times in a call of 1:12, and 2 times of 1:1" in other
    alike = changed(counted, "1:12", preparation=Preparation(reorders=2))
    assert "converts" not in " ".join(guideline_table.table("g1", [alike], verdicts([alike])).lines)


def test_a_network_that_a_runtime_lacks_has_its_status_there(run: Run) -> None:
    paper, in_graph = run.details.results[:2]
    lacking = changed(in_graph, "1:2", timing=None, failure=Failure("unsupported", "no kernel"))
    made = table([paper, lacking], verdicts([paper, lacking]))
    row = {column.heading: column.cells[1] for column in made.columns}
    assert (row["graph"], row["graph ms"], row["eager"]) == ("✗ unsupported", "–", "0.996 ± 0.000")


def test_other_networks_in_equal_settings_are_not_mixed(cli: Cli) -> None:
    Path("suite.toml").write_text(
        '[[family]]\nnetworks = ["shufflenet-v2-0.5x", "mobilenet-v1-0.5"]\nname = "one"\nsize = 32\n'
        '[[family]]\nnetworks = ["mobilenet-v1-0.25", "mobilenet-v1-0.5"]\nname = "two"\nsize = 32\n'
    )
    options = ("--device", "fake", "--runtime", "graph,eager", "--launches", "2", "--output", "run")
    found = cli("run", "suite.toml", *options)
    assert found.code == 0
    text = found.out.partition("Settings compared")[0]
    assert "one-graph, 32×32  shufflenet-v2-0.5x" in text
    assert "two-graph, 32×32  mobilenet-v1-0.25" in text


def test_a_network_alone_needs_no_such_table_and_what_preparing_took_is_said_below_its_settings(run: Run) -> None:
    results = run.details.results[:2]
    alone = [replace(each, records=each.records[:1]) for each in results]
    prepared = Preparation(2.5, 0.0125, 110_000, 3e-7)
    alone[1] = changed(alone[1], alone[1].records[0].variant.name, preparation=prepared)
    tables = page(replace(run.details, results=tuple(alone))).tables
    assert [each.title for each in tables][:1] == ["Settings compared"]
    assert tables[0].lines[-1].startswith("graph: prepared in 2.5 s, 110.0 kB, and loaded in 12.5 ms a network")


def test_one_runtime_needs_no_such_table(cli: Cli) -> None:
    assert "Runtimes:" not in cli("guideline", "g1", "--device", "fake", "--launches", "2").out


def test_a_guideline_over_runtimes_has_both_sets_of_channels_unless_one_is_given(cli: Cli) -> None:
    options = ("--device", "fake", "--runtime", "eager,graph", "--launches", "1", "--format", "csv")
    both = cli("guideline", "g2", *options)
    assert {"g2-x1-paper-eager", "g2-x1-aligned-graph"} < {line.split(",")[3] for line in both.out.splitlines()}
    one = cli("guideline", "g2", *options, "--channels", "aligned")
    families = {line.split(",")[3] for line in one.out.splitlines()[1:]}
    assert families == {"g2-x1-eager", "g2-x1-graph"}
    width = cli("guideline", "g2", *options, "--width", "8")
    assert {line.split(",")[3] for line in width.out.splitlines()[1:]} == families
