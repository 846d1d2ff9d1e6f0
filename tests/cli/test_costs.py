"""`benchcli costs`, and what every command does with networks that cannot be counted, or only in part."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.schema.records import Preparation
from benchcli.workers.tools import Tools
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
OWN = """
import torch
from torch import nn
from tests.cost.networks import Apply, unruled

def conv(): return nn.Conv2d(3, 4, 1, bias=False)
def partly(): return Apply(lambda s, x: unruled(s.c(x)), c=conv())
def sparse(): return Apply(lambda s, x: s.c(x) + x.mean().to_sparse().to_dense(), c=conv())
def attention(): return Apply(lambda s, x: nn.functional.scaled_dot_product_attention(x, x, x))
def pool(): return nn.MaxPool2d(2)
def fails(): raise RuntimeError("no weights here")
def scripted(): return torch.jit.script(conv())
def traced(): return torch.jit.trace(conv(), torch.zeros(1, 3, 8, 8))
def frozen(): return torch.jit.freeze(torch.jit.script(conv().eval()))
def flexible():
    from torch.nn.attention.flex_attention import flex_attention
    return Apply(lambda s, x: flex_attention(x, x, x))

def ragged(): return nn.Linear(8, 6)
ragged.example_inputs = lambda: torch.nested.nested_tensor([torch.ones(3, 8), torch.ones(5, 8)], layout=torch.jagged)

def compiled(): return torch.compile(conv(), backend="eager")
def half(): return conv().half()
def shared():
    encoder = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
    left, right = (nn.Sequential(encoder, nn.Conv2d(8, width, 1)) for width in (4, 2))
    return Apply(lambda s, x: (s.left(x), s.right(x)), left=left, right=right)
def direct(): return Apply(lambda s, x: s.c.forward(x), c=conv())
def direct_inside():
    return nn.Sequential(Apply(lambda s, x: s.act.forward(s.c.forward(x)), c=nn.Sequential(conv()), act=nn.ReLU()))
def through_super():
    class Scaled(nn.Conv2d):
        def forward(self, x): return 2 * super().forward(x)
    return nn.Sequential(Scaled(3, 4, 1))
def twice_direct(): return Apply(lambda s, x: s.c.forward(x) + s.c.forward(x) + s.c(x), c=conv())
class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.text = nn.Conv2d(3, 4, 3), nn.Linear(4, 4)
    def forward(self, pixel_values, context, a1x2=None):
        return self.image(pixel_values).mean((2, 3)) + self.text(context)
def pair(): return Pair()

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
def test_rows_of_a_step_say_of_which_part(cli: Cli) -> None:
    step = ("costs", "mine:conv", "--size", "8", "--step", "train")
    calls, operators, modules = (
        rows(cli(*step, "--by", kind, "--format", "csv")) for kind in ("call", "operator", "module")
    )
    assert [row["part"] for row in calls] == ["forward"] * 2 + ["backward"] * 3 + ["update"]
    assert {(row["operator"], row["part"], row["flops"]) for row in operators if row["flops"] != "0"} == {
        ("aten.convolution", "forward", str(FLOPS)),
        ("aten.convolution_backward", "backward", str(FLOPS)),  # of the weight; the input needs none
    }
    parts = ("forward", "backward", "update")
    assert [(row["module"], row["part"]) for row in modules] == [("", part) for part in parts]
    assert "part" not in rows(cli("costs", "mine:conv", "--size", "8", "--by", "call", "--format", "csv"))[0]
    assert set(parts) <= set(cli(*step, "--by", "module").out.split())


@pytest.mark.usefixtures("own")
def test_other_tools_count_steps_or_say_that_they_do_not(cli: Cli) -> None:
    (network,) = json.loads(cli("costs", "mine:conv", "--size", "8", "--step", "train", "--format", "json").out)[
        "networks"
    ]
    assert network["flops"] == network["flops_torch"] == 2 * FLOPS
    assert (network["flops_fvcore"], network["fvcore_error"]) == (None, "fvcore counts no backward pass")


@pytest.mark.usefixtures("own")
def test_a_lower_bound_is_marked_in_every_format(cli: Cli) -> None:
    table = cli("costs", "mine:partly", "--size", "8")
    assert table.code == 0
    assert "≥ 768" in table.out
    assert "lower bound (≥): no rule for the multiply-adds of benchcli_tests.unruled.default of 1x4x8x8" in table.out
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
    fails = 'no weights here; at mine.py:11 in fails: def fails(): raise RuntimeError("no weights here")'
    assert [row["error"] for row in found] == ["", f"failed: RuntimeError: {fails}"]
    for kind in ("module", "operator", "call"):
        parts = rows(cli("costs", "mine:conv", "mine:fails", "--size", "8", "--by", kind, "--format", "csv"))
        assert [row["error"] for row in parts if row["network"] == "mine:fails"] == [found[1]["error"]]
        assert any(row["network"] == "mine:conv" for row in parts)
    assert cli("costs", "mine:sparse", "--size", "8").code == 4
    nothing = cli("costs", "mine:fails")
    assert (nothing.code, nothing.out) == (4, "")
    assert "nothing was counted: RuntimeError: no weights here" in nothing.err


@pytest.mark.usefixtures("own")
def test_a_module_that_is_used_in_two_places_counts_in_both(cli: Cli) -> None:
    found = rows(cli("costs", "mine:shared", "--input", "1x3x8x8", "--by", "module", "--format", "csv"))
    flops = {row["module"]: int(row["flops"]) for row in found}
    assert {name: flops[name] for name in ("", "left", "right")} == {"": 30_720, "left": 15_872, "right": 14_848}
    assert flops["left.0"] == flops["right.0"] == 13_824


@pytest.mark.usefixtures("own")
def test_modules_are_shown_down_to_a_depth(cli: Cli) -> None:
    words = ("costs", "mine:shared", "--input", "1x3x8x8", "--depth")
    assert [row["module"] for row in rows(cli(*words, "1", "--format", "csv"))] == ["", "left", "right"]
    deeper = rows(cli(*words, "2", "--by", "module", "--format", "csv"))
    assert [row["module"] for row in deeper] == ["", "left", "left.0", "left.1", "right", "right.0", "right.1"]
    assert "Costs by module, down to depth 1" in cli(*words, "1").out
    refused = cli(*words, "1", "--by", "call")
    assert (refused.code, "--depth is about modules: leave --by call out" in refused.err) == (2, True)
    assert cli(*words, "0").code == 2
    assert len(cli("costs", "shufflenet-v2-0.5x", "--depth", "3").out.splitlines()) > 60


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("direct", "c: forward is called directly, and not the module: its own work"),
        ("direct_inside", "0.c, 0.act: forward is called directly, and not the modules: their own work"),
        ("twice_direct", "c: forward is called directly, and not the module: its own work"),
    ],
)
def test_children_whose_forward_is_called_directly_are_named_beside_the_totals(
    cli: Cli, tools: Callable[..., Tools], name: str, line: str
) -> None:
    for kind in ("module", "call"):
        assert (
            f"mine:{name}: {line} has no row and counts for the caller"
            in cli("costs", f"mine:{name}", "--input", "1x3x8x8", "--by", kind).out
        )
    assert "forward is called" not in cli("costs", f"mine:{name}", "--input", "1x3x8x8").out
    assert benchcli.costs(f"mine:{name}", inputs="1x3x8x8", tools=tools()).details[f"mine:{name}"].uncalled


@pytest.mark.usefixtures("own")
def test_memory_that_is_an_upper_bound_is_marked(cli: Cli) -> None:
    for words in ((), ("--by", "operator")):
        rows = [
            line
            for line in cli("costs", "mine:compiled", "--input", "1x3x8x8", *words).out.splitlines()
            if "B " in line
        ]
        assert rows
        assert all("≤ " in line for line in rows)
        assert "≤" not in cli("costs", "mine:conv", "--input", "1x3x8x8", *words).out


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("name", ["conv", "shared", "through_super", "scripted", "compiled"])
def test_modules_that_are_called_are_not_named(cli: Cli, name: str) -> None:
    assert "forward is called" not in cli("costs", f"mine:{name}", "--input", "1x3x8x8", "--by", "module").out


@pytest.mark.usefixtures("own")
def test_names_of_inputs_keep_their_letters(cli: Cli) -> None:
    inputs = ("--input", "pixel_values=1x3x8x8", "--input", "context=1x4", "--input", "a1x2=1x2:int64:0..9")
    shown = "pixel_values=1×3×8×8, context=1×4, a1x2=1×2:int64"
    assert shown in cli("costs", "mine:pair", *inputs).out
    timed = cli("network", "mine:pair", *inputs, "--device", "fake", "--launches", "1", "--layers")
    assert (timed.code, shown in timed.out) == (0, True)
    assert "1×3×8×8" in timed.out.partition("Time by layer")[2]


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
def test_what_was_neither_counted_nor_timed_is_not_said_to_be_timed(cli: Cli, tmp_path: Path) -> None:
    with (tmp_path / "mine.py").open("a") as module:
        module.write(
            "\ndef raising(): return Apply(lambda s, x: torch.linalg.cholesky(-s.l(x) ** 2), l=nn.Linear(8, 8))\n"
        )
    outcome = cli("network", "mine:conv", "mine:raising", "--size", "8", "--device", "fake", "--launches", "2")
    assert outcome.code == 4
    assert "failed: mine:raising: " in outcome.out
    assert "mine:raising: timed" not in outcome.out


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
        (("resnet-50",), {"inputs": 3.0}),
        (("resnet-50",), {"by": "layer"}),
        (({"a": nn.ReLU()},), {"batch": 2}),
        (({"a": nn.ReLU()},), {"size": 8}),
        (("resnet-50",), {"dtype": "float31"}),
        (("resnet-50",), {"batch": 0}),
        ((3,), {}),
    ):
        with pytest.raises(UserError):
            benchcli.costs(*arguments, **settings)


@pytest.mark.filterwarnings("ignore:.*flex_attention called without torch.compile", "ignore:The PyTorch API of nested")
@pytest.mark.keeps("environment variables", "recursion limit", "sys.modules", "threads", "torch: operators")
@pytest.mark.usefixtures("own")
def test_higher_order_operators_and_nested_tensors_are_counted(cli: Cli) -> None:
    (flexible,) = rows(cli("costs", "mine:flexible", "--input", "1x2x128x16", "--format", "csv"))
    assert (flexible["flops"], flexible["flops_complete"]) == ("1048576", "True")
    (ragged,) = rows(cli("costs", "mine:ragged", "--format", "csv"))
    assert (ragged["flops"], ragged["flops_complete"], ragged["input"]) == (str(8 * 8 * 6), "True", "2x*x8")


def test_recurrent_layers_that_torch_runs_whole_are_told_from_others(cli: Cli) -> None:
    Path("seq.py").write_text(
        "from torch import nn\ndef lstm(): return nn.LSTM(8, 8)\ndef gru(): return nn.GRU(8, 8)\n"
    )
    both = cli("costs", "seq:lstm", "seq:gru", "--input", "5x1x8")
    assert "seq:lstm: torch runs a recurrent layer as one operator, whose weights count once" in both.out
    assert "recurrent layer" not in cli("costs", "seq:lstm", "--input", "5x1x8").out


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_nothing_uses_is_named_and_counts_for_no_rate_of_a_runtime_that_leaves_it_out(
    cli: Cli, tmp_path: Path, dtype: str
) -> None:
    (tmp_path / "mine.py").write_text(
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 1000)\n"
        "    def forward(self, x):\n"
        "        self.b(x)\n"
        "        return self.a(x)\n"
        "def build(): return Net()\n"
    )
    text = "mine:build: nothing uses what b computes (8.0 k multiply-adds): leave it out"
    assert text in cli("costs", "mine:build", "--input", "1x8").out
    found = cli(
        "network", "mine:build", "--input", "1x8", "--dtype", dtype, "--device", "fake", "--launches", "2", "-o", "r"
    )
    assert text in found.out
    loaded = benchcli.load("r")
    assert isinstance(loaded, Run)
    (record,) = loaded.records
    assert record.costs
    assert record.done == record.costs
    exported = replace(record, preparation=Preparation(export_s=1.0)).done
    assert exported
    assert (record.costs.flops, exported.flops) == (8064, 64)
    assert 0 < exported.mac_bytes < record.costs.mac_bytes
