"""ONNX files as networks: what they cost, what runs them, and what is said where one cannot be measured."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import benchcli
from benchcli.cost.count import count, total
from benchcli.cost.inputs import Inputs
from benchcli.cost.onnx_graph import walk_of
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.networks.onnx_files import hash_of
from benchcli.workloads.onnx_network import OnnxNetwork

pytestmark = [
    pytest.mark.measured,
    pytest.mark.filterwarnings("ignore"),  # those of torch's exporters
    pytest.mark.keeps("open files", "threads", "recursion limit", "sys.path"),
]
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")
FLOAT, INT64 = 1, 7


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def exported(network: nn.Module, *inputs: torch.Tensor, path: str = "model.onnx", **settings: Any) -> Path:
    """Write a network of torch's into an ONNX file."""
    with torch.no_grad():
        torch.onnx.export(network.eval(), inputs, path, dynamo=True, verbose=False, **settings)
    return Path(path)


def made(nodes: list[Any], inputs: dict[str, Any], weights: dict[str, Any], path: str = "model.onnx") -> Any:
    """Write a graph whose last node's first output is its output."""
    values = [onnx.helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in inputs.items()]
    kept = [onnx.numpy_helper.from_array(tensor.numpy(), name) for name, tensor in weights.items()]
    output = onnx.helper.make_tensor_value_info(nodes[-1].output[0], FLOAT, None)
    graph = onnx.helper.make_graph(nodes, "graph", values, [output], kept)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, path)
    return model


def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
    return onnx.helper.make_node(kind, inputs.split(), [output], **attributes)


def classifier() -> Any:
    """Write a graph of a convolution, an activation and a product."""
    return made(
        [
            node("Conv", "x w b", "y", group=2, pads=[1, 1, 1, 1]),
            node("Relu", "y", "z"),
            node("Flatten", "z", "f"),
            node("Gemm", "f m c", "o", transB=1),
        ],
        {"x": (FLOAT, ["n", 4, 5, 5])},
        {"w": torch.ones(6, 2, 3, 3), "b": torch.ones(6), "m": torch.ones(7, 150), "c": torch.ones(7)},
    )


def test_a_graph_is_counted_as_by_hand() -> None:
    model = classifier()
    walked = walk_of(model, {"x": (2, 4, 5, 5)})
    costs = total(walked)
    convolution, relu, gemm = walked.calls  # a flatten is a view
    assert convolution.flops == 2 * 6 * 25 * 2 * 9
    assert gemm.flops == 2 * 7 * 150
    assert (convolution.elementwise, relu.elementwise, gemm.elementwise) == (300, 300, 14)
    assert convolution.mac_elements == 200 + 108 + 300
    assert convolution.mac_bytes == 4 * (200 + 108 + 6 + 300)
    assert (relu.mac_bytes, relu.mac_fused_bytes) == (4 * 600, 0)
    assert gemm.mac_bytes == 4 * (300 + 1050 + 7 + 14)
    assert gemm.producers == (1, None, None)  # through the view
    assert (convolution.window, gemm.window) == (9, 1)
    assert costs.params == 108 + 6 + 1050 + 7
    assert costs.weight_bytes == 4 * costs.params
    assert costs.mac_compulsory_bytes == 4 * (200 + 14 + costs.params)
    assert costs.peak_activation_bytes == 4 * (200 + 300 + 300)  # the input lives as long as the call
    assert costs.flops_complete


@pytest.mark.parametrize("name", ["shufflenet-v2-0.5x", "mobilenet-v2-0.6", "shufflenet-v1-0.5x-g3", "resnet-50"])
def test_networks_cost_in_onnx_what_they_cost_in_torch(name: str) -> None:
    try:
        network = find_built_in(f"benchcli:network/{name}")()
    except UserError:
        pytest.skip(f"no {name}")
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = count(network.eval(), image)
    costs = total(walk_of(onnx.load(exported(network, image)), {}))
    assert costs.flops == expected.flops
    assert costs.least_flops == expected.least_flops
    assert costs.mac_elements == expected.mac_elements
    assert costs.unknown == ()


def test_matrix_products_and_attention_cost_what_they_cost_in_torch() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.layer(x)
            return found

    x = torch.randn(2, 10, 16)
    with torch.no_grad():
        expected = count(Attention().eval(), x)
    costs = total(walk_of(onnx.load(exported(Attention(), x)), {}))
    assert costs.flops == expected.flops


def test_what_has_no_rule_is_named_and_never_zero() -> None:
    model = made(
        [onnx.helper.make_node("Strange", ["x"], ["y"], domain="mine"), node("Relu", "y", "z"), node("Det", "x", "d")],
        {"x": (FLOAT, [1, 3, 3])},
        {},
    )
    model.opset_import.append(onnx.helper.make_opsetid("mine", 1))
    costs = total(walk_of(model, {}))
    assert not costs.flops_complete
    assert [each.partition(" of ")[0] for each in costs.unknown] == [
        *("mine.Strange.default", "onnx.Det.default", "onnx.Relu.default")  # the shape of y is not known
    ]


def test_a_file_runs_where_files_run_and_is_unsupported_elsewhere() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 14 * 14, 5))
    file = exported(network, torch.randn(1, 3, 16, 16))
    runtimes = ["onnxruntime", "openvino", "eager"]
    run = benchcli.network(str(file), runtime=runtimes, launches=1, output="run")
    by_runtime = {each.target.runtime: each for each in run.records}
    for name in runtimes[:2]:
        record = by_runtime[name]
        assert record.failure is None
        assert record.costs
        assert record.costs.flops == 8 * 14 * 14 * 27 + 8 * 14 * 14 * 5
        assert record.costs.inputs == "1x3x16x16"
        assert (record.preparation.output_error or 0) < 1e-5
    failure = by_runtime["eager"].failure
    assert failure
    assert failure.status == "unsupported"
    assert failure.error == "eager runs torch's modules, and no ONNX files: give --runtime onnxruntime, openvino"
    loaded = benchcli.load("run")
    assert "model.onnx" in loaded.show()


def test_a_free_batch_is_the_one_that_is_asked_for_and_other_free_sizes_need_an_input() -> None:
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length")
    shapes = {"input": {0: batch}}
    exported(nn.Linear(4, 2), torch.randn(2, 4), dynamic_shapes=shapes)
    run = benchcli.network("model.onnx", runtime="onnxruntime", batch=3, launches=1)
    (record,) = run.records
    assert record.costs
    assert (record.costs.inputs, record.costs.flops) == ("3x4", 24)
    exported(nn.Linear(4, 2), torch.randn(2, 5, 4), path="free.onnx", dynamic_shapes={"input": {0: batch, 1: length}})
    with pytest.raises((UserError, NothingMeasuredError), match="has free sizes: give --input input=SIZES"):
        benchcli.costs("free.onnx")
    run = benchcli.network("free.onnx", runtime="onnxruntime", inputs="2x7x4", launches=1)
    assert run.records[0].costs
    assert run.records[0].costs.flops == 2 * 7 * 8


def test_inputs_by_name_come_in_the_graphs_order() -> None:
    weights = {"w": torch.ones(4, 3)}
    nodes = [node("MatMul", "a w", "p"), node("Gather", "t ids", "g", axis=0), node("Add", "p g", "y")]
    made(nodes, {"a": (FLOAT, [2, 4]), "ids": (INT64, [2])}, {**weights, "t": torch.randn(9, 3)})
    run = benchcli.network(
        "model.onnx", runtime="onnxruntime,openvino", inputs=["ids=2:int64:0..8", "a=2x4"], launches=1
    )
    assert [each.failure for each in run.records] == [None, None]
    wrong = ["b=2x4", "ids=2:int64:0..8"]
    with pytest.raises((UserError, NothingMeasuredError), match="its graph takes a \\(2x4\\), ids \\(2\\)"):
        benchcli.network("model.onnx", runtime="onnxruntime", inputs=wrong, launches=1)


@pytest.mark.parametrize(
    ("name", "settings", "error"),
    [
        ("gone.onnx", {}, "no ONNX file at gone.onnx"),
        ("text.onnx", {}, "text.onnx is no ONNX file"),
        ("model.onnx", {"size": 32}, "--size is for networks that take any"),
        ("empty.onnx", {}, "empty.onnx cannot be loaded as ONNX"),
        ("model.onnx", {"dtype": "float16"}, "an ONNX file has dtypes of its own: leave --dtype float16 out"),
        ("model.onnx", {"step": "train"}, "computes no gradients|gradient"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(name: str, settings: dict[str, Any], error: str) -> None:
    made([node("Relu", "x", "y")], {"x": (FLOAT, [1, 3])}, {})
    Path("text.onnx").write_text("this is no protobuf at all")
    Path("empty.onnx").write_bytes(b"")
    with pytest.raises((UserError, NothingMeasuredError), match=error):
        benchcli.network(name, runtime="onnxruntime", launches=1, **settings)


def test_the_hash_covers_weights_in_files_of_their_own() -> None:
    file = exported(nn.Linear(64, 64), torch.randn(1, 64), external_data=True)
    before, data = hash_of(file), Path("model.onnx.data")
    data.write_bytes(bytes(len(data.read_bytes())))
    assert hash_of(file) != before
    data.unlink()
    with pytest.raises(UserError, match="cannot be read: No such file"):
        hash_of(file)


def test_a_file_that_changes_during_a_run_is_refused() -> None:
    from benchcli.workloads.networks.onnx_files import build

    made([node("Relu", "x", "y")], {"x": (FLOAT, [1, 3])}, {})
    before = hash_of(Path("model.onnx"))
    network = build("model.onnx", before)
    (output,) = Inputs((torch.tensor([[-1.0, 0.0, 2.0]]),)).bound_to(network)()
    assert output.tolist() == [[0.0, 0.0, 2.0]]
    made([node("Neg", "x", "y")], {"x": (FLOAT, [1, 3])}, {})
    with pytest.raises(UserError, match="is not what it was when this run began"):
        build("model.onnx", before)


def test_a_graph_is_listed_as_operators_of_torch() -> None:
    classifier()
    network = find_built_in("benchcli:onnx/file")("model.onnx", hash_of(Path("model.onnx")))
    assert isinstance(network, OnnxNetwork)
    inputs = Inputs((torch.ones(2, 4, 5, 5),), {})
    listed = network.operator_list(inputs, total(network.walk(inputs)))
    names = [each.recipe.operator for each in listed.operators]
    assert names == ["aten.conv2d.default", "aten.relu.default", "aten.linear.default"]
    assert (listed.calls, listed.flops, listed.lacking) == (3, 2 * 6 * 25 * 2 * 9 + 2 * 7 * 150, ())
