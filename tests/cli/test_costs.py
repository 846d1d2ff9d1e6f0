"""`benchcli costs`, and what every command does with networks that cannot be counted, or only in part."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.results import Run
from benchcli.errors import UserError
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
OWN = """
import torch
from torch import nn
from tests.cost.networks import Apply

def conv(): return nn.Conv2d(3, 4, 1, bias=False)
def partly(): return Apply(lambda s, x: torch.fft.fft(s.c(x)).real, c=conv())
def sparse(): return Apply(lambda s, x: s.c(x) + x.mean().to_sparse().to_dense(), c=conv())
def attention(): return Apply(lambda s, x: nn.functional.scaled_dot_product_attention(x, x, x))
def pool(): return nn.MaxPool2d(2)
def fails(): raise RuntimeError("no weights here")
def scripted(): return torch.jit.script(conv())
def traced(): return torch.jit.trace(conv(), torch.zeros(1, 3, 8, 8))
def frozen(): return torch.jit.freeze(torch.jit.script(conv().eval()))
def compiled(): return torch.compile(conv(), backend="eager")
def half(): return conv().half()

def int8():
    from torch.ao.quantization import quantize_dynamic
    return quantize_dynamic(nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), {nn.Linear}, dtype=torch.qint8)
"""
FLOPS = 64 * 12
"""Multiply-adds of `conv` on 8x8."""


@pytest.fixture
def own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)


def rows(outcome: Outcome) -> list[dict[str, str]]:
    assert outcome.code in (0, 4), outcome.err
    return list(csv.DictReader(io.StringIO(outcome.out)))


@pytest.mark.usefixtures("own")
def test_rows_of_calls_operators_and_modules_sum_to_the_network(cli: Cli) -> None:
    columns = ("flops", "elementwise", "mac_elements", "mac_bytes", "mac_fused_bytes")
    by = {
        kind: rows(cli("costs", "shufflenet-v2-0.5x", "--by", kind, "--format", "csv"))
        for kind in ("network", "module", "operator", "call")
    }
    (network,) = by["network"]
    for column in columns:
        whole = int(network[column])
        assert sum(int(row[column]) for row in by["call"]) == whole
        assert sum(int(row[column]) for row in by["operator"]) == whole
        assert next(int(row[column]) for row in by["module"] if row["module"] == "") == whole
    assert network["flops"] == network["flops_fvcore"] == network["flops_torch"] == "40476448"
    first = by["call"][0]
    assert (first["operator"], first["outputs"]) == ("aten.convolution.default", "1x24x112x112")


@pytest.mark.usefixtures("own")
def test_a_lower_bound_is_marked_in_every_format(cli: Cli) -> None:
    table = cli("costs", "mine:partly", "--size", "8")
    assert table.code == 0
    assert "≥ 768" in table.out
    assert "lower bound (≥): no rule for the multiply-adds of aten._fft_r2c.default of 1x4x8x8" in table.out
    assert "fvcore counts" not in table.out
    (row,) = rows(cli("costs", "mine:partly", "--size", "8", "--format", "csv"))
    assert (row["flops"], row["flops_complete"]) == (str(FLOPS), "False")
    (found,) = json.loads(cli("costs", "mine:partly", "--size", "8", "--format", "json").out)["networks"]
    assert found["flops_complete"] is False
    assert cli("costs", "mine:partly", "--size", "8", "--strict").code == 4
    assert cli("costs", "mine:conv", "--size", "8", "--strict").code == 0


@pytest.mark.usefixtures("own")
def test_other_tools_are_named_where_they_differ(cli: Cli) -> None:
    outcome = cli("costs", "mine:attention", "mine:conv", "--size", "8")
    expected = 2 * 3 * 8 * 8 * 8
    assert f"mine:attention: fvcore counts 0 multiply-adds, and benchcli {expected:,}" in outcome.out
    assert "mine:conv:" not in outcome.out


@pytest.mark.usefixtures("own")
def test_what_fails_leaves_the_others(cli: Cli) -> None:
    outcome = cli("costs", "mine:conv", "mine:fails", "mine:sparse", "--size", "8")
    assert outcome.code == 4
    assert "failed: mine:fails: RuntimeError: no weights here" in outcome.out
    assert "mine:sparse cannot be counted: " in outcome.out
    assert "mine:conv " in outcome.out
    found = rows(cli("costs", "mine:conv", "mine:fails", "--size", "8", "--format", "csv"))
    assert [row["error"] for row in found] == ["", "failed: RuntimeError: no weights here"]
    for kind in ("module", "operator", "call"):
        parts = rows(cli("costs", "mine:conv", "mine:fails", "--size", "8", "--by", kind, "--format", "csv"))
        assert [row["error"] for row in parts if row["network"] == "mine:fails"] == [found[1]["error"]]
        assert any(row["network"] == "mine:conv" for row in parts)
    assert cli("costs", "mine:sparse", "--size", "8").code == 4
    nothing = cli("costs", "mine:fails")
    assert (nothing.code, nothing.out) == (4, "")
    assert "nothing was counted: RuntimeError: no weights here" in nothing.err


def test_wrong_words_are_one_line(cli: Cli) -> None:
    for arguments in (
        ["--by", "layer", "resnet-50"],
        ["resnet-5"],
        [],
        ["resnet-50", "resnet-50"],
        ["a:b", "--size", "0"],
    ):
        outcome = cli("costs", *arguments)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.count("\n") <= 5
    assert "network, module, operator, call" in cli("costs", "--by", "layer", "resnet-50").err


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.keeps("environment variables", "recursion limit", "sys.modules", "threads")  # torch.compile
@pytest.mark.usefixtures("own")
def test_networks_that_cannot_be_counted_are_timed_and_say_why(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["mine:conv", "mine:sparse", "mine:partly", "mine:scripted", "mine:traced", "mine:frozen", "mine:compiled"]
    outcome = cli("network", *names, "--size", "8", "--device", "fake", "--launches", "2", "--output", "run")
    assert outcome.code == 0, outcome.err
    found = {row["variant"]: row for row in csv.DictReader((Path("run") / "measurements.csv").read_text().splitlines())}
    assert [row["error"] for row in found.values() if row["status"] != "ok"] == []
    assert all(row["median_s"] for row in found.values())
    sparse, partly = found["mine:sparse"], found["mine:partly"]
    assert (sparse["flops"], sparse["flops_complete"], sparse["flops_deviation"]) == ("", "", "")
    assert json.loads(sparse["warnings"])[0]["kind"] == "uncounted"
    assert (partly["flops"], partly["flops_complete"], partly["flops_deviation"]) == (str(FLOPS), "False", "")
    for name in {*names} - {"mine:sparse", "mine:partly"}:
        assert (found[name]["flops"], found[name]["flops_complete"]) == (str(FLOPS), "True")
    assert "mine:sparse: timed, but its costs could not be counted" in outcome.out
    assert "≥ 0.0" in outcome.out
    loaded = benchcli.load("run")
    assert isinstance(loaded, Run)
    costs = {record.variant.name: record.costs for record in loaded.records}
    assert costs["mine:sparse"] is None
    assert costs["mine:partly"] is not None
    assert not costs["mine:partly"].flops_complete
    assert costs["mine:conv"] is not None
    assert costs["mine:conv"].peak_activation_bytes == 4 * 64 * 7


@pytest.mark.usefixtures("own")
def test_a_baseline_without_multiply_adds_ends_nothing(cli: Cli) -> None:
    outcome = cli("network", "mine:pool", "mine:conv", "--size", "8", "--device", "fake", "--launches", "6")
    assert outcome.code == 0, outcome.err
    assert "mine:conv" in outcome.out
    (table,) = Path("results").glob("*/measurements.csv")
    found = list(csv.DictReader(table.read_text().splitlines()))
    assert [(row["flops"], row["flops_deviation"], row["status"]) for row in found] == [
        ("0", "", "ok"), (str(FLOPS), "", "ok"),
    ]  # fmt: skip


def test_python_counts_a_module_of_its_own() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU())
    counted = benchcli.costs({"mine": network}, inputs=torch.zeros(2, 3, 8, 8))
    assert counted.costs["mine"].flops == 2 * FLOPS
    calls = counted.calls()
    assert list(calls["module"]) == ["0", "1"]
    assert calls["flops"].sum() == 2 * FLOPS
    assert "mine" in repr(counted)
    assert counted.to_frame()["flops"].tolist() == [2 * FLOPS]


def test_python_names_what_is_wrong() -> None:
    for arguments, settings in (
        ((), {}),
        (("resnet-50", {"a": nn.ReLU()}), {}),
        (("resnet-50",), {"inputs": (1, 3, 8, 8)}),
        (("resnet-50",), {"by": "layer"}),
        (({"a": nn.ReLU()},), {"batch": 2}),
        (({"a": nn.ReLU()},), {"size": 8}),
        (("resnet-50",), {"dtype": "float31"}),
        (("resnet-50",), {"batch": 0}),
        ((3,), {}),
    ):
        with pytest.raises(UserError):
            benchcli.costs(*arguments, **settings)
