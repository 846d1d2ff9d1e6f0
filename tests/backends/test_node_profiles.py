"""What ONNX Runtime's profile says of each call, and which module each node is of; no runtime is needed."""

from typing import Any

import torch
from torch import nn

from benchcli.backends.devices.base import RanKernel
from benchcli.backends.runtimes.base import RanNode
from benchcli.backends.runtimes.onnxruntime import nodes_of_calls
from benchcli.cost.count import walk
from benchcli.sampling.node_owners import NodeOwners
from benchcli.schema import REORDER, Category

IMAGE, DEPTHWISE = {"float": [1, 16, 8, 8]}, {"float": [16, 1, 3, 3]}


def event(name: str, operator: str = "", *shapes: dict[str, list[int]], kind: str = "Node") -> dict[str, Any]:
    facts = {"op_name": operator, "provider": "CPUExecutionProvider", "input_type_shape": list(shapes)}
    return {"cat": kind, "name": name, "dur": 5, "args": facts if operator else {}}


CALL = [
    event("relu_nchwc_kernel_time", "Conv", IMAGE, DEPTHWISE),
    event("ReorderOutput_token_7_kernel_time", "ReorderOutput", IMAGE),
    event("node_linear_kernel_time", "Gemm", {"float": [1, 16]}),
    event("SequentialExecutor::Execute", kind="Session"),
    event("model_run", kind="Session"),
]
MODULES = {"relu": "stem.1", "node_linear": "head"}


def test_the_events_of_a_session_are_those_of_its_calls() -> None:
    loading = [event("model_loading_uri", kind="Session"), event("session_initialization", kind="Session")]
    calls = nodes_of_calls([*loading, *CALL, *CALL, event("node_linear_kernel_time", "Gemm")], MODULES)
    assert len(calls) == 2
    assert (
        calls[0]
        == calls[1]
        == [
            RanNode(RanKernel("Conv", "CPU NCHWc", 5e-6), "depthwise", "stem.1"),
            RanNode(RanKernel(REORDER, "ReorderOutput", 5e-6), "data"),
            RanNode(RanKernel("Gemm", "CPU", 5e-6), "product", "head"),
        ]
    )


class Staged(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(8, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(self.stem(x).mean((2, 3)))
        return found


def node(category: Category, module: str | None) -> RanNode:
    return RanNode(RanKernel("any", "CPU", 1.0), category, module)


def test_a_fused_node_is_of_the_module_whose_multiply_adds_it_computes() -> None:
    network = Staged().eval()
    owners = NodeOwners([path for path, _ in network.named_modules()], walk(network, torch.zeros(1, 3, 8, 8)).calls)
    nodes = [
        node("convolution", "stem.2"),  # named after the activation that is fused into it
        node("convolution", "stem.1"),
        node("elementwise", "stem.2"),  # an activation of its own
        node("product", "head.unseen"),
        node("data", None),
        node("pooling", ""),
    ]
    assert owners.seconds(nodes) == {"stem.0": 2.0, "stem.2": 1.0, "head": 1.0, "": 2.0}


def test_a_node_without_multiply_adds_before_it_stays_where_its_name_says() -> None:
    network = nn.Sequential(nn.ReLU(), nn.Sigmoid()).eval()
    owners = NodeOwners(["", "0", "1"], walk(network, torch.zeros(1, 3, 8, 8)).calls)
    assert owners.seconds([node("convolution", "1")]) == {"1": 1.0}
