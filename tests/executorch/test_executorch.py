"""ExecuTorch, with its real package: a target of its own, because with what it brings it takes 550 MB."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.backends.devices.base import DEVICES
from benchcli.backends.runtimes.base import Place, runtime_named
from benchcli.cost.inputs import Inputs, tensors
from benchcli.guards import outputs
from benchcli.sampling.artifact_cache import FOLDER
from benchcli.sampling.artifact_facts import facts_of
from tests.exporting import Attention, Sorted, prepared, profiled

pytestmark = [
    pytest.mark.measured,
    pytest.mark.filterwarnings("ignore"),  # those of what it imports
    pytest.mark.keeps("open files", "threads", "recursion limit", "sys.path", "environment", "sys.meta_path"),
]
EXECUTORCH = runtime_named("executorch")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Several(nn.Module):
    """A keyword input, and outputs in a mapping; one holds whole numbers."""

    def forward(self, x: torch.Tensor, *, more: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"b": x + more, "a": x.flatten(1).argmax(1)}


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (nn.Sequential(nn.Conv2d(4, 8, 3, groups=2), nn.BatchNorm2d(8), nn.ReLU()), Inputs((torch.randn(2, 4, 9, 9),))),
        (nn.Conv2d(3, 4, 3).half(), Inputs((torch.randn(1, 3, 8, 8).half(),))),
        (nn.Sequential(nn.Embedding(20, 8), nn.LayerNorm(8)), Inputs((torch.randint(0, 20, (2, 5)),))),
        (Attention(), Inputs((torch.randn(2, 10, 16),))),
        (Several(), Inputs((torch.randn(2, 3, 4),), {"more": torch.randn(2, 3, 4)})),
    ],
)
def test_executorch_computes_what_eager_does(network: nn.Module, inputs: Inputs, tmp_path: Path) -> None:
    network.eval().requires_grad_(False)
    with torch.inference_mode():
        expected = outputs.kept(tuple(tensors(inputs.bound_to(network)())))
    call = prepared(EXECUTORCH, network, inputs, tmp_path)
    dtypes = [str(each.dtype).removeprefix("torch.") for each in expected if each.is_floating_point()]
    with torch.inference_mode():
        for _ in range(3):
            assert outputs.check(call(), outputs.References(expected, outputs.tolerance_of(dtypes))) < 1e-2


def test_an_operator_without_a_kernel_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="ExecuTorch has no kernel for it"):
        prepared(EXECUTORCH, Sorted().eval(), Inputs((torch.randn(1, 4),)), tmp_path)


class Blocks(nn.Module):
    """Convolutions, plain and depthwise, what XNNPACK does not take, and what is quantised."""

    def __init__(self) -> None:
        super().__init__()
        self.plain, self.depthwise = nn.Conv2d(3, 16, 3), nn.Conv2d(16, 16, 3, groups=16)
        self.norm, self.head = nn.LayerNorm(144), nn.Linear(16 * 144, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        features = self.norm(torch.relu(self.depthwise(self.plain(x))).flatten(2))
        scores: torch.Tensor = self.head(features.flatten(1))
        return scores


def blocks() -> tuple[nn.Module, Inputs]:
    torch.manual_seed(0)
    return Blocks().eval().requires_grad_(False), Inputs((torch.randn(2, 3, 16, 16),))


def test_quantised_networks_compute_nearly_what_eager_does(tmp_path: Path) -> None:
    network, inputs = blocks()
    quantised = runtime_named("executorch:int8")
    assert quantised.computes_in("float32") == "int8"
    call = prepared(quantised, network, inputs, tmp_path)
    with torch.inference_mode():
        references = outputs.References(outputs.kept((network(*inputs.args),)), outputs.tolerance_of(["int8"]))
        for _ in range(3):
            assert 1e-4 < outputs.check(call(), references) < 0.1  # as far off as whole numbers of 8 bits are
    facts = facts_of(tmp_path / "artifact", "float32", quantised, Place(DEVICES["cpu"]), network, inputs)
    assert facts.reorders is None  # ExecuTorch does not tell them from a network's own transpositions
    assert facts.argmax_agreement
    assert 0.8 < facts.argmax_agreement <= 1.0


@pytest.mark.parametrize(
    ("network", "given", "reason"),
    [
        (nn.Conv2d(3, 4, 3).half(), torch.randn(1, 3, 8, 8).half(), "networks of float32, and this one is of float16"),
        (nn.Softmax(-1), torch.randn(1, 4), "it has no operator that XNNPACK quantises"),
    ],
)
def test_what_is_not_quantised_is_said(network: nn.Module, given: torch.Tensor, reason: str, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match=reason):
        prepared(runtime_named("executorch:int8"), network.eval().requires_grad_(False), Inputs((given,)), tmp_path)


@pytest.mark.parametrize("name", ["executorch", "executorch:int8"])
def test_it_tells_what_xnnpack_took_and_what_not(name: str, tmp_path: Path) -> None:
    for nodes in profiled(runtime_named(name), *blocks(), tmp_path):
        categories = [each.category for each in nodes]
        assert [categories.count(each) for each in ("convolution", "depthwise", "product")] == [1, 1, 1]
        assert "other" not in categories
        apart = {each.kernel.work for each in nodes if each.kernel.implementation == "not in XNNPACK"}
        assert "native_layer_norm" in apart
        assert "Convolution" not in apart


def test_a_guideline_in_real_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    benchcli.measure("g2", width=16, launches=1, runtime=["eager", "executorch"], output="run")
    rows = list(csv.DictReader((tmp_path / "run" / "measurements.csv").read_text().splitlines()))
    exported = [row for row in rows if row["runtime"] == "executorch"]
    assert len(exported) > 2
    assert {row["status"] for row in rows} == {"ok"}
    assert all(float(row["output_error"]) < 1e-5 and float(row["export_s"]) > 0 for row in exported)
