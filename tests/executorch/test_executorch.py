"""ExecuTorch, with its real package: a target of its own, because with what it brings it takes 550 MB."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.backends.runtimes.base import runtime_named
from benchcli.cost.inputs import Inputs, tensors
from benchcli.guards import outputs
from benchcli.sampling.artifact_cache import FOLDER
from tests.exporting import Attention, Sorted, prepared

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


def test_a_guideline_in_real_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    benchcli.measure("g2", width=16, launches=1, runtime=["eager", "executorch"], output="run")
    rows = list(csv.DictReader((tmp_path / "run" / "measurements.csv").read_text().splitlines()))
    exported = [row for row in rows if row["runtime"] == "executorch"]
    assert len(exported) > 2
    assert {row["status"] for row in rows} == {"ok"}
    assert all(float(row["output_error"]) < 1e-5 and float(row["export_s"]) > 0 for row in exported)
