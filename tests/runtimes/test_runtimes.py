"""The runtimes that ship, with their real packages: a target of its own, because it installs them."""

import csv
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.backends.devices.base import DEVICES
from benchcli.backends.quantisation import inputs_like
from benchcli.backends.runtimes.base import RUNTIMES, Place, runtime_named
from benchcli.cost.count import count, walk
from benchcli.cost.inputs import Inputs, tensors
from benchcli.guards import outputs
from benchcli.sampling import layer_times
from benchcli.sampling.artifact_cache import FOLDER
from benchcli.sampling.artifact_facts import facts_of
from benchcli.sampling.bench import Bench
from benchcli.sampling.node_owners import NodeOwners
from benchcli.schema import Target
from benchcli.schema.protocol import LAYERS, Task
from tests.conftest import in_process
from tests.exporting import Attention, Sorted, prepared, profiled

pytestmark = [
    pytest.mark.measured,
    pytest.mark.filterwarnings("ignore"),  # those of torch's exporters
    pytest.mark.keeps("open files", "threads", "recursion limit", "sys.path"),
]
EXPORTING = (
    *("compile", "compile:nolayout"),
    *("onnxruntime", "onnxruntime:extended", "openvino", "openvino:bf16"),
)
QUANTISING = ("onnxruntime:int8", "openvino:int8")
CPU = DEVICES["cpu"]


@pytest.fixture(autouse=True)
def installed(request: pytest.FixtureRequest) -> None:
    """Fail in CI, and skip elsewhere, if what the target installs is not there."""
    for name in ("compile", "ncnn", "onnxruntime", "openvino"):
        why = RUNTIMES[name].missing(CPU)
        if why and os.environ.get("BENCHCLI_RUNTIMES"):
            pytest.fail(why)
        if why:
            pytest.skip(why)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


class Nested(nn.Module):
    """Keyword and nested inputs, one of them unused, and outputs in a mapping; one holds whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 16, 3, padding=1)
        self.linear = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor, *, mask: torch.Tensor, more: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            "b": torch.relu(self.convolution(x)),
            "a": self.linear(more["e"]) * mask,
            "n": x.flatten(1).argmax(1),
        }


def nested() -> tuple[nn.Module, Inputs]:
    more = {"e": torch.randn(2, 8)}
    mask = torch.tensor([True, False, True, True])
    return Nested(), Inputs((torch.randn(2, 3, 16, 16),), {"mask": mask, "more": more})


def attention() -> tuple[nn.Module, Inputs]:
    return Attention(), Inputs((torch.randn(2, 10, 16),))


def embedding() -> tuple[nn.Module, Inputs]:
    return nn.Sequential(nn.Embedding(20, 8), nn.LayerNorm(8)), Inputs((torch.randint(0, 20, (2, 5)),))


NETWORKS: tuple[Callable[[], tuple[nn.Module, Inputs]], ...] = (nested, attention, embedding)
COMPUTED = [(name, made) for name in EXPORTING for made in NETWORKS if name != "compile:nolayout" or made is nested]


@pytest.mark.parametrize(("name", "made"), COMPUTED)
def test_a_runtime_computes_what_eager_does(
    name: str, made: Callable[[], tuple[nn.Module, Inputs]], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network, inputs = made()
    network.eval().requires_grad_(False)
    runtime = runtime_named(name)
    with torch.inference_mode():
        expected = outputs.kept(tuple(tensors(inputs.bound_to(network)())))
    call = prepared(runtime, network, inputs, tmp_path)
    tolerance = outputs.tolerance_of([runtime.computes_in("float32")])
    with torch.inference_mode():
        for _ in range(3):
            error = outputs.check(call(), outputs.References(expected, tolerance))
    assert error < (1e-5 if runtime.computes_in("float32") == "float32" else 0.1)


class Several(nn.Module):
    """Keyword inputs, one of them unused, and two outputs of which one has no dimension but the batch's."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 16, 3, padding=1)

    def forward(self, x: torch.Tensor, *, more: torch.Tensor, unused: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = torch.relu(self.convolution(x))
        return found, found.mean((1, 2, 3)) * more


OF_NCNN = {
    "several": (Several(), Inputs((torch.randn(1, 3, 9, 9),), {"more": torch.randn(1), "unused": torch.randn(1, 4)})),
    "attention": (Attention(), Inputs((torch.randn(1, 10, 16),))),
    "embedding": (nn.Sequential(nn.Embedding(20, 8), nn.LayerNorm(8)), Inputs((torch.randint(0, 20, (1, 5)),))),
    "recurrent": (nn.GRU(8, 16, batch_first=True), Inputs((torch.randn(1, 12, 8),))),
}
"""Networks and inputs of one image: ncnn has no batches."""


@pytest.mark.parametrize("of", OF_NCNN)
@pytest.mark.parametrize("name", ["ncnn", "ncnn:unpacked", "ncnn:bf16"])
def test_ncnn_computes_what_eager_does(name: str, of: str, tmp_path: Path) -> None:
    network, inputs = OF_NCNN[of]
    network.eval().requires_grad_(False)
    runtime = runtime_named(name)
    call = prepared(runtime, network, inputs, tmp_path)
    is_exact = runtime.option != "bf16" or of == "recurrent"  # ncnn keeps those in float32
    with torch.inference_mode():
        expected = outputs.kept(tuple(tensors(inputs.bound_to(network)())))
        references = outputs.References(expected, outputs.tolerance_of([runtime.computes_in("float32")]))
        for _ in range(3):
            error = outputs.check(call(), references)
            assert error < 1e-5 if is_exact else 1e-4 < error < 0.05


class Chosen(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.argmax(-1)


@pytest.mark.parametrize(
    ("network", "given", "reason"),
    [
        (nn.Conv2d(3, 4, 3), torch.randn(2, 3, 8, 8), "ncnn takes one input at a time: give --batch 1"),
        (nn.Linear(4, 4).bfloat16(), torch.randn(1, 4).bfloat16(), "ncnn takes no inputs of bfloat16"),
        (nn.Embedding(4, 4).bfloat16(), torch.tensor([[1]]), "ncnn computes in float32 here, and not in bfloat16"),
        (Chosen(), torch.randn(1, 4), "ncnn has outputs in float32 here, and not in int64"),
        (Sorted(), torch.randn(1, 4), "ncnn has no layer for .*aten::sort"),
    ],
)
def test_what_ncnn_lacks_is_said(network: nn.Module, given: torch.Tensor, reason: str, tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match=reason):
        prepared(runtime_named("ncnn"), network.eval().requires_grad_(False), Inputs((given,)), tmp_path)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_bound_memory_is_read_at_each_call_and_outlives_its_makers(name: str, tmp_path: Path) -> None:
    network, inputs = nn.Conv2d(3, 4, 3).eval().requires_grad_(False), Inputs((torch.randn(1, 3, 8, 8),))
    call = prepared(runtime_named(name), network, inputs, tmp_path)
    (given,) = inputs.tensors()
    given.mul_(2)
    with torch.inference_mode():
        torch.testing.assert_close(tensors(call())[0], network(given))
    expected = network(given.clone())
    del inputs, given, network
    fill = [torch.full((1, 3, 8, 8), float(number)) for number in range(50)]
    torch.testing.assert_close(tensors(call())[0], expected)
    assert len(fill) == 50


def computes_in(capability: str) -> bool:
    """Return whether this processor has instructions by which OpenVINO computes in a format."""
    openvino = pytest.importorskip("openvino")
    return capability in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@pytest.mark.parametrize(
    ("name", "dtype", "capability", "why_not"),
    [
        ("onnxruntime", torch.float16, None, ""),
        ("onnxruntime", torch.bfloat16, "", "has no kernel for it"),
        ("openvino", torch.float16, "FP16", "OpenVINO computes in .* where it was told f16"),
        ("openvino", torch.bfloat16, "BF16", "OpenVINO computes in .* where it was told bf16"),
    ],
)
def test_formats_work_or_are_unsupported_with_the_reason(
    name: str, dtype: torch.dtype, capability: str | None, why_not: str, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network, given = nn.Conv2d(3, 8, 3).eval().requires_grad_(False), torch.randn(1, 3, 12, 12)
    expected = network(given)
    half, inputs = network.to(dtype), Inputs((given.to(dtype),))
    if capability is not None and not (capability and computes_in(capability)):
        with pytest.raises(NotImplementedError, match=why_not):
            prepared(runtime_named(name), half, inputs, tmp_path)
        return
    call = prepared(runtime_named(name), half, inputs, tmp_path)
    (output,) = tensors(call())
    assert output.dtype == dtype
    assert 0 < outputs.check(output, outputs.References((expected,))) < outputs.TOLERANCES[dtype]


def blocks() -> nn.Module:
    """Convolutions, plain and grouped, and a linear layer: what is quantised."""
    features = nn.Sequential(nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 32, 3, groups=4))
    return nn.Sequential(features, nn.ReLU(), nn.Flatten(), nn.Linear(32 * 12 * 12, 10)).eval().requires_grad_(False)


@pytest.mark.parametrize("name", QUANTISING)
def test_quantised_networks_compute_nearly_what_eager_does(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, inputs = blocks(), Inputs((torch.randn(2, 3, 16, 16),))
    runtime = runtime_named(name)
    assert runtime.computes_in("float32") == "int8"
    call = prepared(runtime, network, inputs, tmp_path)
    with torch.inference_mode():
        references = outputs.References(outputs.kept((network(*inputs.args),)), outputs.tolerance_of(["int8"]))
        for _ in range(3):
            assert 1e-4 < outputs.check(call(), references) < 0.1  # as far off as whole numbers of 8 bits are
    size = sum(each.stat().st_size for each in (tmp_path / "artifact").iterdir())
    assert size < 0.5 * sum(4 * each.numel() for each in network.parameters())


@pytest.mark.parametrize("name", [*QUANTISING, "openvino:bf16"])
def test_largest_scores_are_compared_over_several_inputs(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    network, inputs = blocks(), Inputs((torch.randn(2, 3, 16, 16),))
    runtime, place, own = runtime_named(name), Place(CPU), inputs.args[0].clone()
    prepared(runtime, network, inputs, tmp_path)
    artifact = tmp_path / "artifact"
    with torch.inference_mode():
        scores = {int(best) for each in inputs_like(inputs.args, 16, 1) for best in network(*each).argmax(1)}
    assert len(scores) > 4  # an input that is not read would agree by chance alone
    facts = facts_of(artifact, "float32", runtime, place, network, inputs)
    assert facts.argmax_agreement
    assert 0.8 < facts.argmax_agreement <= 1.0
    assert facts.reorders is not None
    assert torch.equal(inputs.args[0], own)
    if runtime.option == "bf16":
        plain = facts_of(artifact, "float32", runtime_named("openvino"), place, network, inputs)
        half = facts_of(artifact, "bfloat16", runtime, place, network, inputs)
        assert (plain.argmax_agreement, half.argmax_agreement) == (None, None)
    broken = facts_of(tmp_path / "nothing", "float32", runtime, place, network, inputs)
    assert (broken.reorders, broken.argmax_agreement) == (None, None)


@pytest.mark.parametrize("name", QUANTISING)
@pytest.mark.parametrize(
    ("network", "given", "reason"),
    [
        (nn.Conv2d(3, 4, 3).half(), torch.randn(1, 3, 8, 8).half(), "networks of float32, and this one is of float16"),
        (nn.ReLU(), torch.randn(1, 4), "it has no operator that .* quantises"),
    ],
)
def test_what_is_not_quantised_is_said(
    name: str, network: nn.Module, given: torch.Tensor, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(NotImplementedError, match=reason):
        prepared(runtime_named(name), network.eval().requires_grad_(False), Inputs((given,)), tmp_path)


def test_openvino_computes_in_float32_unless_it_is_told_otherwise(tmp_path: Path) -> None:
    from benchcli.backends.runtimes.openvino import compiled

    network, inputs = nn.Conv2d(3, 4, 3).eval().requires_grad_(False), Inputs((torch.randn(1, 3, 8, 8),))
    prepared(runtime_named("openvino"), network, inputs, tmp_path)
    model = tmp_path / "artifact" / "model.xml"
    for name in ("f32", "bf16"):
        assert compiled(model, 1, name).get_property("INFERENCE_PRECISION_HINT").to_string() == name
    assert compiled(model, 2, "f32").get_property("INFERENCE_NUM_THREADS") == 2
    with pytest.raises(NotImplementedError, match="threads where it was given"):
        compiled(model, 10_000, "f32")


@pytest.mark.parametrize("name", ["onnxruntime", "onnxruntime:extended", "onnxruntime:int8", "openvino"])
def test_a_runtime_tells_the_nodes_that_it_ran(name: str, tmp_path: Path) -> None:
    inputs = Inputs((torch.randn(1, 16, 24, 24),))
    convolutions = nn.Conv2d(16, 32, 1), nn.Conv2d(32, 32, 3, padding=1, groups=32)
    network = nn.Sequential(*convolutions, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 144, 10)).eval()
    for nodes in profiled(runtime_named(name), network, inputs, tmp_path):
        categories = [each.category for each in nodes]
        found = [categories.count(each) for each in ("convolution", "depthwise", "product", "pooling")]
        assert found == ([2, 0, 1, 1] if "int8" in name else [1, 1, 1, 1])
        assert all(each.kernel.work and each.kernel.implementation for each in nodes)


class Staged(nn.Module):
    """Convolutions into which a runtime fuses what follows, and an operator of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU())
        self.wide, self.head = nn.Conv2d(16, 32, 1), nn.Linear(32, 4000)  # no node takes less than a microsecond

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(nn.functional.max_pool2d(self.wide(self.stem(x)), 2).mean((2, 3)))
        return found


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_nodes_count_for_the_module_whose_work_they_do(name: str, tmp_path: Path) -> None:
    runtime, network, inputs = runtime_named(name), Staged().eval(), Inputs((torch.randn(1, 3, 32, 32),))
    (nodes,) = profiled(runtime, network, inputs, tmp_path, calls=1)
    operators = walk(network, inputs).calls
    seconds = NodeOwners({path for path, _ in network.named_modules()}, operators).seconds(nodes)
    assert {"stem.0", "wide", "head", ""} == set(seconds)  # the pooling is the network's own
    assert sum(seconds.values()) == pytest.approx(sum(each.kernel.seconds for each in nodes))


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_layers_are_timed_by_the_nodes_of_the_runtime(name: str, tmp_path: Path) -> None:
    runtime, network, inputs = runtime_named(name), Staged().eval(), Inputs((torch.randn(1, 3, 32, 32),))
    call = prepared(runtime, network, inputs, tmp_path)
    profiler = runtime.profiler(network, inputs, Place(CPU, 0, 1), tmp_path / "artifact")
    timer = CPU.timer(call, count(network, inputs), 0)
    bench = Bench(call, timer, network=network, inputs=inputs, profiler=profiler)
    task = Task(LAYERS, Target(runtime=name), (), {}, rounds=2, seconds=0.0)
    call_s, layers = layer_times._layers(bench, CPU, 0, task, lambda: None)
    seconds = {layer.path: layer.seconds for layer in layers}
    assert list(seconds) == ["", "stem", "stem.0", "stem.1", "stem.2", "wide", "head"]
    assert {path for path, spent in seconds.items() if spent} == {"", "stem.0", "wide", "head"}  # the others are fused
    assert call_s > 0


@pytest.mark.parametrize("name", ["openvino", "openvino:int8"])
def test_openvino_reports_nothing_to_its_makers(name: str, tmp_path: Path) -> None:
    """In fresh processes, of which one converts a network and one only loads it."""
    program = """
import sys, pathlib, torch
from benchcli.backends.devices.base import DEVICES
from benchcli.backends.runtimes.base import Place, runtime_named
from benchcli.cost.inputs import Inputs
network, inputs = torch.nn.Conv2d(3, 4, 3).eval().requires_grad_(False), Inputs((torch.randn(1, 3, 8, 8),))
of, artifact = (network, inputs, Place(DEVICES["cpu"])), pathlib.Path(sys.argv[1])
runtime = runtime_named(sys.argv[2])
if not artifact.exists():
    runtime.export(*of, artifact)
runtime.prepare(*of, artifact)()
sys.exit("openvino_telemetry" in sys.modules)
"""
    home = tmp_path / "home"
    home.mkdir()
    for _ in ("converts", "loads"):
        found = in_process("-c", program, str(tmp_path / "artifact"), name, HOME=str(home))
        assert found.returncode == 0, found.stderr
    assert list(home.iterdir()) == []


def test_a_loaded_package_leaves_no_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, inputs = nn.Linear(4, 4).eval().requires_grad_(False), Inputs((torch.randn(1, 4),))
    runtime = runtime_named("compile")
    prepared(runtime, network, inputs, tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    call = runtime.prepare(network, inputs, Place(CPU), tmp_path / "artifact")
    assert list((tmp_path / "temporary").iterdir()) == []
    torch.testing.assert_close(tensors(call())[0], network(*inputs.args))


def test_compile_asks_for_a_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CXX", raising=False)
    assert "g++" in RUNTIMES["compile"].versions()["c++"] or os.environ.get("CXX")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs a C++ compiler: install g++" in (RUNTIMES["compile"].missing(CPU) or "")


OWN = """
import torch
class Unexportable(torch.nn.Module):
    def forward(self, x):
        return x * 2 if float(x.sum()) > float(x.max()) else x
def unexportable(): return Unexportable()
def plain(): return torch.nn.Conv2d(3, 4, 3)
class Untraceable(torch.nn.Module):
    # OpenVINO has no rule for the operator when it traces, and has them for what torch.export makes of it
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3)
    def forward(self, x):
        return torch.cosine_similarity(self.conv(x), self.conv(x.flip(-1)))
class Lacking(torch.nn.Module):
    def forward(self, x):
        return torch.special.bessel_j0(x)
class Attending(torch.nn.Module):
    def forward(self, x):
        return torch.nn.functional.scaled_dot_product_attention(x, x, x)  # without heads
class Complex(torch.nn.Module):
    def forward(self, x):
        spectrum = torch.fft.rfft2(x)
        kept = torch.zeros_like(spectrum)
        kept[..., :4] = spectrum[..., :4]
        return torch.fft.irfft2(kept)
"""


def test_a_run_over_runtimes_in_real_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guideline, in workers: times for all, and what each runtime did before."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    names = ["eager", "ncnn", "onnxruntime", "openvino", "graph"]
    run = benchcli.measure("g2", width=16, launches=1, runtime=names, output="run")
    rows = list(csv.DictReader((tmp_path / "run" / "measurements.csv").read_text().splitlines()))
    by_runtime = {name: [row for row in rows if row["runtime"] == name] for name in names}
    assert all(len(each) == len(by_runtime["eager"]) > 2 for each in by_runtime.values())
    for name in names[:4]:
        assert {row["status"] for row in by_runtime[name]} == {"ok"}
        assert {bool(row["export_s"]) for row in by_runtime[name]} == {name != "eager"}
        assert {bool(row["load_s"]) for row in by_runtime[name]} == {name != "eager"}
        assert all(float(row["output_error"] or 0) < 1e-3 for row in by_runtime[name])
    assert {row["status"] for row in by_runtime["graph"]} == {"unsupported"}
    software = run.details.environment.software
    assert {"ncnn", "pnnx", "onnxruntime", "onnx", "openvino"} <= set(software)
    exported = {row["variant"]: row["export_s"] for row in by_runtime["onnxruntime"]}
    benchcli.measure("g2", width=16, launches=1, runtime="onnxruntime", output="again")
    again = list(csv.DictReader((tmp_path / "again" / "measurements.csv").read_text().splitlines()))
    assert {row["variant"]: row["export_s"] for row in again} == exported


def test_a_network_that_a_runtime_cannot_take_is_a_row_and_the_others_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "of_mine.py").write_text(OWN)
    run = benchcli.network(
        "of_mine:plain", "of_mine:unexportable", inputs="1x3x16x16", launches=1, runtime="eager,onnxruntime"
    )
    found = {(each.target.runtime, each.variant.name): each.failure for each in run.records}
    failure = found.pop(("onnxruntime", "of_mine:unexportable"))
    assert failure
    assert failure.status == "unsupported"
    assert failure.error.startswith("onnxruntime cannot export it: ")
    assert set(found.values()) == {None}


def test_what_openvino_cannot_trace_is_exported_and_what_it_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "of_mine.py").write_text(OWN)
    names = ("of_mine:Untraceable", "of_mine:Lacking")
    run = benchcli.network(*names, inputs="1x3x16x16", launches=1, runtime="openvino")
    exported, lacking = run.records
    assert exported.timing
    assert (exported.preparation.output_error or 0.0) < 1e-5
    assert lacking.failure
    assert lacking.failure.error == (
        "openvino cannot export it: No conversion rule found for operations: aten::special_bessel_j0"
    )


def test_what_cannot_be_exported_names_the_operator_or_the_kind_of_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "of_mine.py").write_text(OWN)
    run = benchcli.network("of_mine:Attending", inputs="1x8x16", launches=1, runtime="onnxruntime,eager")
    (failure,) = filter(None, (each.failure for each in run.records))
    assert failure.error.endswith(" (in aten.scaled_dot_product_attention.default)")
    run = benchcli.network("of_mine:Complex", inputs="1x4x8x8", launches=1, runtime="openvino,eager")
    (failure,) = filter(None, (each.failure for each in run.records))
    assert "complex numbers (ComplexTypeMark)" in failure.error
    assert "with a message" not in failure.error
