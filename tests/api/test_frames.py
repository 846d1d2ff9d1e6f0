"""Frames: an index of what identifies a row, the columns that matter first, and all of them on request."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.compared_runs import Compared
from benchcli.api.result import Result
from benchcli.api.run_result import Run
from benchcli.workers.tools import Tools

KEPT = Path(__file__).parents[2] / "results" / "reference"


def run_of(name: str) -> Run:
    run = benchcli.load(KEPT / name)
    assert isinstance(run, Run)
    return run


def test_a_run_is_indexed_by_family_and_variant() -> None:
    run = run_of("g2-epyc")
    frame = run.to_frame()
    assert frame.index.names == ["family", "variant"]
    assert frame.loc[("g2-x1", "g=8"), "relative_speed"] == pytest.approx(0.622, abs=0.0005)
    assert list(frame)[:3] == ["status", "median_s", "ci_low_s"]
    assert "machine_cpu" not in frame
    wide = run.wide()
    assert list(wide)[: len(frame.columns)] == list(frame)
    assert wide.index.equals(frame.index)
    assert {"machine_cpu", "torch", "digest", "warnings", "code_file", "reference_speed"} <= set(wide)
    header = (KEPT / "g2-epyc" / "measurements.csv").read_text().splitlines()[0].split(",")
    assert set(header) <= {*wide, *wide.index.names}


def test_several_runs_are_indexed_by_run_too() -> None:
    runs = benchcli.load(str(KEPT / "[bs]*-epyc"))
    assert isinstance(runs, Compared)
    frame = runs.to_frame()
    assert frame.index.names == ["run", "family", "variant"]
    assert frame.index.is_unique
    assert len(frame) == sum(len(each.records) for each in runs if isinstance(each, Run))
    assert runs.wide()["machine_cpu"].eq("AMD EPYC").all()


def test_a_comparison_pairs_and_claims_have_an_index(tmp_path: Path) -> None:
    shutil.copytree(KEPT / "g2-epyc", tmp_path / "again")
    compared = benchcli.compare(KEPT / "g2-epyc", tmp_path / "again").to_frame()
    assert compared.index.names == ["family", "variant", "run"]
    assert compared.index.is_unique
    assert compared["change"].tolist() == pytest.approx([1.0] * 8)
    pairs = run_of("g2-epyc").pairwise().to_frame()
    assert pairs.loc[("g2-x1", "g=1", "g=8"), "speed"] == pytest.approx(1.607, abs=0.0005)
    claims = benchcli.claims(KEPT / "claims-epyc").to_frame()
    assert claims.index.names == ["claim"]
    assert set(claims) == {"verdict", "says", "source", "evidence"}


def test_costs_are_indexed_by_network_and_part(tools: Callable[[], Tools]) -> None:
    def counted(by: str) -> pandas.DataFrame:
        model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
        return benchcli.costs(model, inputs=torch.zeros(1, 3, 8, 8), by=by, device="fake", tools=tools()).to_frame()

    assert counted("network").loc["Sequential", "flops"] == 3 * 4 * 64
    modules = counted("module")
    assert modules.index.names == ["network", "module"]
    assert modules.loc[("Sequential", "0"), "flops"] == 3 * 4 * 64
    assert modules.loc[("Sequential", "1"), "elementwise"] == 4 * 64
    assert counted("operator").index.names == ["network", "operator"]
    assert counted("call")["module"].tolist() == ["0", "1"]


def test_the_layers_of_a_run_are_a_frame() -> None:
    frame = run_of("layers-epyc").layers.to_frame()
    assert frame.index.names == ["family", "variant", "layer"]
    assert frame.index.is_unique
    assert (frame["seconds_low"] <= frame["seconds"]).all()
    assert (frame["seconds"] <= frame["seconds_high"]).all()
    rolled = run_of("layers-epyc").layers_at(1).to_frame()
    own = rolled.xs("shufflenet-v2-1x", level="variant")
    assert own["share"].sum() == pytest.approx(1.0, abs=0.1)
    costs = next(each.costs for each in run_of("layers-epyc").records if each.variant.name == "shufflenet-v2-1x")
    assert costs
    assert own["flops"].sum() == costs.flops
    assert run_of("g2-epyc").layers.to_frame().empty


def test_the_breakdown_of_a_run_is_a_list_and_a_frame() -> None:
    run = run_of("networks-epyc")
    rows = run.breakdown
    assert rows[0].variant == "shufflenet-v2-0.5x"
    assert len(rows[0].launches) == 3
    assert repr(rows).startswith("Where the time goes\n")
    frame = rows.to_frame()
    assert frame.index.names == ["family", "variant"]
    shares = frame.drop(columns=["call_s", "reorder"])
    judged = shares.dropna()
    assert len(judged) > len(shares) / 2
    assert judged.sum(axis=1).between(0.97, 1.03).all()
    assert run_of("g2-epyc").breakdown.to_frame().empty
    assert repr(run_of("g2-epyc").breakdown) == "[]"


def test_every_result_has_both_frames(tools: Callable[[], Tools]) -> None:
    results: tuple[Result, ...] = (
        benchcli.device(device="fake", tools=tools()),
        benchcli.selftest(2, device="fake", launches=6, tools=tools()),
    )
    for result in results:
        assert list(result.wide())[: len(list(result.to_frame()))] == list(result.to_frame())
        assert len(result.wide()) == len(result.to_frame()) == len(result.page.rows)
