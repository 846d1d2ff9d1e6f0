"""`costs --meta`: networks are counted from shapes, without memory."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.workers.tools import Tools
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
MODULE = """
import torch
from torch import nn
from tests.cost.networks import Apply

class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.rates = [float(rate) for rate in torch.linspace(0, 1, 4)]  # a list of numbers, not of tensors
        self.positions = nn.Parameter(torch.randn(1, 4, 8))
        nn.init.trunc_normal_(self.positions)
        self.first, self.tied = nn.Linear(8, 8), nn.Linear(8, 8)
        self.tied.weight = self.first.weight
        self.register_buffer("scale", torch.ones(4, 8))
        self.constant = torch.ones(8)

    def forward(self, x):
        return self.tied(self.first(x + self.positions) * self.scale) + torch.arange(8) + self.constant

def positions(): return Positions()
def convolutions(): return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(True), nn.MaxPool2d(2))
def lstm(): return nn.LSTM(8, 16, 2, bidirectional=True)
def encoder(): return nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 32, batch_first=True), 2)
def embedding(): return nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 4))
def layer(): return nn.Sequential(nn.Flatten(), nn.Linear(150528, 400000))
def lifted(): return Apply(lambda s, x: x @ x * torch.tensor(2.0))
def ragged(): return nn.Linear(8, 4)
ragged.example_inputs = lambda: torch.nested.nested_tensor([torch.ones(2, 8), torch.ones(3, 8)], layout=torch.jagged)
def shared():
    layer = nn.Linear(8, 8)
    return nn.Sequential(layer, nn.ReLU(), layer)
def data():
    layer = nn.Linear(8, 8)
    layer.bias.data = torch.arange(8.0)  # as the networks of spatial transformers do
    return layer
def complex(): return nn.Conv2d(3, 2, 3, dtype=torch.complex64)
def on_meta():
    with torch.device("meta"):
        return nn.Linear(8, 8)
def lazy(): return nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(10))
def huge(): return nn.Sequential(*[nn.Linear(16384, 16384, bias=False) for _ in range(100)])  # 107 GB
def branching(): return Apply(lambda s, x: x if x.sum() > 0 else x @ x.t())
def selecting(): return Apply(lambda s, x: x[x > 0])
def reading(): return Apply(lambda s, x: x * float(s.l.weight.sum()), l=nn.Linear(2, 2))
"""
CASES = {
    "positions": "1x4x8",
    "convolutions": "2x3x12x12",
    "lstm": "7x2x8",
    "encoder": "2x7x8",
    "embedding": "2x7:int64:0..99",
    "shared": "2x8",
    "data": "2x8",
    "lifted": "4x4",
}


@pytest.fixture(autouse=True)
def mine(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)


def row(outcome: Outcome) -> dict[str, str]:
    assert outcome.code == 0, outcome.err + outcome.out
    (found,) = csv.DictReader(io.StringIO(outcome.out))
    return {name: value for name, value in found.items() if name != "flops_fvcore"}


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", CASES)
def test_a_network_without_memory_costs_what_it_costs_with_it(cli: Cli, name: str, dtype: str) -> None:
    arguments = ("costs", f"mine:{name}", "--input", CASES[name], "--dtype", dtype, "--format", "csv")
    assert row(cli(*arguments, "--meta")) == row(cli(*arguments))


def test_a_builder_that_computes_with_its_weights_has_them(cli: Cli) -> None:
    """As one that folds a batch normalisation does."""
    Path("folding.py").write_text(
        "import torch\nfrom torch import nn\n\ndef build():\n    conv, bn = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)\n"
        "    scale = bn.weight / (bn.running_var + bn.eps).sqrt()\n    with torch.no_grad():\n"
        "        conv.weight.mul_(scale[:, None, None, None])\n    return conv\n"
    )
    arguments = ("costs", "folding:build", "--input", "1x3x12x12", "--format", "csv")
    assert row(cli(*arguments, "--meta")) == row(cli(*arguments))


@pytest.mark.parametrize("name", ["shufflenet-v2-0.5x", "resnet-50", "alexnet"])
def test_networks_that_ship_cost_the_same(cli: Cli, name: str) -> None:
    assert row(cli("costs", name, "--format", "csv", "--meta")) == row(cli("costs", name, "--format", "csv"))


def test_a_network_that_does_not_fit_is_counted(cli: Cli) -> None:
    found = row(cli("costs", "mine:huge", "--input", "1x16384", "--format", "csv", "--meta"))
    assert (found["flops"], found["params"]) == (str(100 * 2**28), str(100 * 2**28))
    assert (found["weight_bytes"], found["peak_activation_bytes"]) == (str(100 * 2**30), str(3 * 65536))


def test_a_layer_that_alone_does_not_fit_is_counted(cli: Cli) -> None:
    found = row(cli("costs", "mine:layer", "--format", "csv", "--meta"))
    assert (found["flops"], found["weight_bytes"]) == (str(150528 * 400000), str(4 * (150528 + 1) * 400000))


def test_nested_tensors_need_memory(cli: Cli) -> None:
    outcome = cli("costs", "mine:ragged", "--meta")
    assert outcome.code == 4
    assert "--meta cannot count nested tensors, whose lengths are values: leave it out" in outcome.err
    assert row(cli("costs", "mine:ragged", "--format", "csv"))["flops"] == str(5 * 8 * 4)


@pytest.mark.parametrize(
    ("name", "shape", "flops"),
    [("on_meta", "2x8", 128), ("lazy", "1x3x8x8", 6 * 6 * 8 * 27 + 288 * 10)],
)
def test_modules_that_have_no_memory_are_counted(cli: Cli, name: str, shape: str, flops: int) -> None:
    assert row(cli("costs", f"mine:{name}", "--input", shape, "--format", "csv", "--meta"))["flops"] == str(flops)


@pytest.mark.parametrize(
    ("name", "operator"),
    [("branching", "_local_scalar_dense"), ("selecting", "nonzero"), ("reading", "_local_scalar_dense")],
)
def test_a_call_that_depends_on_values_is_one_line(cli: Cli, name: str, operator: str) -> None:
    outcome = cli("costs", f"mine:{name}", "--input", "4x4", "--meta")
    assert (outcome.code, outcome.out) == (4, "")
    assert f"its call depends on the values of tensors (aten.{operator}.default), which --meta does not" in outcome.err
    beside = cli("costs", "mine:shared", f"mine:{name}", "--input", "8x8", "--meta")
    assert (beside.code, "failed: mine:" in beside.out, "mine:shared " in beside.out) == (4, True, True)


def modules() -> dict[str, nn.Module]:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with torch.device("meta"):
        meta = nn.Linear(4096, 4096)
    with FakeTensorMode():
        fake = nn.Linear(4096, 4096)
    tied = nn.Linear(64, 64)
    return {"meta": meta, "fake": fake, "tied": nn.Sequential(tied, tied)}


@pytest.mark.parametrize(("name", "params"), [("meta", 4096 * 4097), ("fake", 4096 * 4097), ("tied", 64 * 65)])
def test_a_module_of_the_callers_travels_without_its_values(
    name: str, params: int, tools: Callable[..., Tools]
) -> None:
    network = modules()[name]
    width = next(network.parameters()).shape[1]
    costs = benchcli.costs({name: network}, inputs=(2, width), meta=True, tools=tools()).costs[name]
    assert (costs.params, costs.weight_bytes) == (params, 4 * params)
    assert costs.flops == 2 * width * width * (2 if name == "tied" else 1)


def test_decompositions_need_no_values(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "more.py").write_text(
        "import torch\nfrom tests.cost.networks import apply\n"
        "def inverse(): return apply(lambda x: torch.linalg.inv(x))\n"
    )
    found = row(cli("costs", "more:inverse", "--input", "6x6", "--format", "csv", "--meta"))
    assert (found["flops"], found["basis"]) == ("216", "formula")
