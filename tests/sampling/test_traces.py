"""Where the time goes: what an operator's time is spent on, tracing, and the table."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from benchcli.analysis.breakdown_rows import breakdown_rows
from benchcli.backends.devices import cpu_profiler, verbose_lines
from benchcli.backends.devices.base import DEVICES, Elapsed, RanKernel, Trace
from benchcli.backends.devices.gpu_profiler import ran, summed
from benchcli.cost.operators import category
from benchcli.reports.views.breakdown_table import HEADINGS, table
from benchcli.runs.rows import BREAKDOWN_COLUMNS, breakdown_of, breakdown_row
from benchcli.sampling import profile
from benchcli.sampling.bench import Bench
from benchcli.sampling.traces import LAUNCHES, Tracing
from benchcli.sampling.worker_reports import collect
from benchcli.schema import CATEGORIES, Breakdown, Category, Failure, Plan, Target
from benchcli.schema.protocol import (
    PROFILE,
    Conversation,
    Described,
    Done,
    Started,
    Task,
    Traced,
    WorkerDied,
    decode_event,
    encode_event,
)
from tests import values
from tests.conftest import Outcome, inline

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
PARTS: dict[Category, float] = {
    "convolution": 0.5,
    "depthwise": 0.1,
    "product": 0.05,
    "elementwise": 0.15,
    "pooling": 0.03,
    "data": 0.1,
    "framework": 0.05,
    "other": 0.02,
}
WHOLE = Breakdown("g2-x1", "g=1", 0, 1.0, 1.2, PARTS, 0.05)


@pytest.mark.parametrize(
    ("name", "shapes", "pointwise", "spent_on"),
    [
        ("conv2d", [(1, 8, 4, 4), (16, 8, 1, 1)], False, "convolution"),
        ("convolution", [(1, 8, 4, 4), (16, 2, 3, 3)], False, "convolution"),
        ("mkldnn_convolution", [(1, 8, 4, 4), (8, 1, 3, 3)], False, "depthwise"),
        ("cudnn_convolution", [(1, 1, 4, 4), (8, 1, 3, 3)], False, "convolution"),
        ("_conv_depthwise2d", [(1, 8, 4, 4), (8, 1, 3, 3)], False, "depthwise"),
        ("batch_norm", [(1, 8, 4, 4)], False, "elementwise"),
        ("relu", [(1, 8, 4, 4)], True, "elementwise"),
        ("relu6", [(1, 8, 4, 4)], False, "elementwise"),
        ("cat", [], False, "data"),
        ("chunk", [(1, 8, 4, 4)], False, "data"),
        ("channel_shuffle", [(1, 8, 4, 4)], False, "data"),
        ("max_pool2d", [(1, 8, 4, 4)], False, "pooling"),
        ("mean", [(1, 8, 4, 4)], False, "pooling"),
        ("linear", [(1, 8), (8, 8)], False, "product"),
        ("scaled_dot_product_attention", [(1, 8, 8)], False, "product"),
        ("lstm", [(1, 8, 8)], False, "product"),
        ("softmax", [(1, 8)], False, "elementwise"),
        ("layer_norm", [(1, 8)], False, "elementwise"),
        ("miopen_depthwise_convolution", [(1, 8, 4, 4), (8, 1, 3, 3)], False, "depthwise"),
        ("miopen_convolution", [(1, 8, 4, 4), (8, 8, 3, 3)], False, "convolution"),
        ("conv2d_relu", [(1, 8, 4, 4)], False, "convolution"),  # quantised: its weight has no shape
        ("fft_rfft", [(1, 8)], False, "other"),
        ("convolution_backward", [(1, 16, 4, 4), (1, 8, 4, 4), (16, 8, 1, 1)], False, "convolution"),
        ("convolution_backward", [(1, 8, 4, 4), (1, 8, 4, 4), (8, 1, 3, 3)], False, "depthwise"),
        ("native_batch_norm_backward", [(1, 8, 4, 4)], False, "elementwise"),
        ("threshold_backward", [(1, 8, 4, 4)], True, "elementwise"),
        ("_softmax_backward_data", [(1, 8)], False, "elementwise"),
        ("max_pool2d_with_indices_backward", [(1, 8, 2, 2)], False, "pooling"),
        ("upsample_bilinear2d_backward", [(1, 8, 2, 2)], False, "data"),
        ("embedding_dense_backward", [(1, 8)], False, "data"),
        ("_scaled_dot_product_efficient_attention_backward", [(1, 2, 8, 8)], False, "product"),
        ("_cudnn_rnn_backward", [(1, 2, 8)], False, "product"),
        ("nll_loss_forward", [(1, 8)], False, "pooling"),
        ("_foreach_add", [], False, "elementwise"),
        ("_fused_adamw", [], False, "elementwise"),
    ],
)
def test_what_an_operators_time_is_spent_on(
    name: str, shapes: list[tuple[int, ...]], pointwise: bool, spent_on: str
) -> None:
    assert category(name, shapes, pointwise) == spent_on


def test_a_unit_of_shufflenet_has_all_kinds_of_parts() -> None:
    from benchcli.workloads.blocks.shufflenet_v2 import unit

    network, inputs = nn.Sequential(unit(8, 8, 1), nn.MaxPool2d(2)).eval(), torch.randn(1, 8, 8, 8)
    with torch.inference_mode():
        trace = cpu_profiler.tracer(lambda: network(inputs))()
    assert {each for each in CATEGORIES if trace.parts[each] == 0} == {"product", "framework", "other"}
    assert sum(trace.parts.values()) < trace.traced_s
    assert trace.reorder_s is not None
    assert 0 <= trace.reorder_s <= trace.parts["data"]


@pytest.mark.parametrize("name", ["alexnet", "resnet-50", "shufflenet-v1-1x-g3", "shufflenet-v2-1x", "xception-1x"])
def test_networks_that_ship_spend_nothing_on_operators_of_no_category(name: str) -> None:
    from benchcli.workloads.networks.base import NETWORKS

    network, inputs = NETWORKS[name].build().eval(), torch.randn(1, 3, 96, 96)
    with torch.inference_mode(), cpu_profiler.recording() as spans:
        network(inputs)
    assert spans
    assert "other" not in {span.category for span in spans}


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True, activation="gelu")
    return nn.Sequential(nn.Embedding(50, 32), nn.TransformerEncoder(layer, 2), nn.Linear(32, 50))


@pytest.mark.parametrize("kind", ["foreach", "fused"])
@pytest.mark.parametrize("name", ["shufflenet-v2-1x", "transformer"])
def test_training_steps_spend_nothing_on_operators_of_no_category(name: str, kind: str) -> None:
    from benchcli.cost.inputs import as_inputs
    from benchcli.cost.training import TrainingStep
    from benchcli.workloads.networks.base import NETWORKS

    network = (transformer() if name == "transformer" else NETWORKS[name].build()).train()
    inputs = torch.randint(50, (2, 7)) if name == "transformer" else torch.randn(2, 3, 64, 64)
    optimizer = torch.optim.AdamW(network.parameters(), foreach=kind == "foreach", fused=kind == "fused")
    step = TrainingStep(network, as_inputs(inputs), optimizer=optimizer)
    step()
    with cpu_profiler.recording() as spans:
        step()
    marks = 2  # optimisers mark for torch's profiler where they begin and end
    assert [span.category for span in spans].count("other") == marks


@pytest.mark.skipif(
    not torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
    reason="this torch has no oneDNN",
)
def test_what_onednn_says_of_reorders_is_heard_and_is_taken_from_the_convolution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verbose_lines, "_number", lambda text: 1e9)  # reorders that take more than everything
    network, inputs = nn.Conv2d(16, 16, 3, groups=16, bias=False), torch.randn(1, 16, 32, 32)
    with torch.inference_mode():
        trace = cpu_profiler.tracer(lambda: network(inputs))()
    assert trace.parts["depthwise"] == 0
    assert trace.reorder_s is not None
    assert trace.parts["data"] == trace.reorder_s > 0


def test_what_c_code_prints_is_read_piece_by_piece_and_stdout_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    library = ctypes.CDLL(None)
    with cpu_profiler._stdout_of_libraries() as read:
        library.puts(b"one")
        assert read() == "one\n"
        library.puts(b"two")
        assert read() == "two\n"
    library.puts(b"three")
    library.fflush(None)
    assert capfd.readouterr().out == "three\n"


@dataclass
class ProfiledEvent:
    """What torch's profiler tells of an operator, times in microseconds."""

    name: str
    self_device_time_total: float
    input_shapes: list[list[int]] = field(default_factory=list)
    kernels: list[SimpleNamespace] = field(default_factory=list)


def test_kernels_are_summed_by_what_their_operators_do() -> None:
    layout = [SimpleNamespace(name="nchwToNhwcKernel", duration=3.0), SimpleNamespace(name="gemm", duration=7.0)]
    events = [
        ProfiledEvent("aten::cudnn_convolution", 10.0, [[1, 8, 4, 4], [8, 8, 3, 3]], layout),
        ProfiledEvent("aten::_conv_depthwise2d", 4.0, [[1, 8, 4, 4], [8, 1, 3, 3]]),
        ProfiledEvent("aten::clamp_min_", 2.0, [[1, 8, 4, 4], []]),
        ProfiledEvent("aten::cat", 1.0),
        ProfiledEvent("aten::addmm", 5.0),
        ProfiledEvent("cudaLaunchKernel", 100.0),
    ]
    trace = summed(events, 1.0)
    parts = {name: round(seconds * 1e6, 9) for name, seconds in trace.parts.items()}
    spent = {"convolution": 7, "depthwise": 4, "elementwise": 2, "data": 4, "product": 5}
    assert {name: number for name, number in parts.items() if number} == spent
    assert trace.reorder_s == pytest.approx(3e-6)


def test_kernels_of_a_card_are_named_with_their_operators() -> None:
    names = [
        "void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>>(int, float)",
        "void cudnn::ops::nchwToNhwcKernel<float, float, float, false>(...)",
        "sm90_xmma_fprop_implicit_gemm_f32f32",
    ]
    kernels = [
        SimpleNamespace(name=name, duration=duration) for name, duration in zip(names, (2.0, 3.0, 7.0), strict=True)
    ]
    events = [
        ProfiledEvent("aten::add_", 2.0, kernels=kernels[:1]),
        ProfiledEvent("aten::cudnn_convolution", 10.0, kernels=kernels[1:]),
        ProfiledEvent("cudaLaunchKernel", 100.0),
    ]
    assert ran(events) == [
        RanKernel("add", "at::native::vectorized_elementwise_kernel", 2e-6),
        RanKernel("reorder", "cudnn::ops::nchwToNhwcKernel", 3e-6),
        RanKernel("cudnn_convolution", "sm90_xmma_fprop_implicit_gemm_f32f32", 7e-6),
    ]


def test_kernels_of_a_graph_belong_to_no_operator() -> None:
    with pytest.raises(NotImplementedError, match="leave --runtime graph out"):
        summed([ProfiledEvent("cudaGraphLaunch", 100.0)], 1.0)
    with pytest.raises(NotImplementedError, match="belong to no operator"):
        ran([ProfiledEvent("cudaGraphLaunch", 100.0)])


def test_a_device_that_does_not_tell_operators_apart_says_so() -> None:
    with pytest.raises(NotImplementedError, match="does not tell here where its time goes"):
        DEVICES["mps"].tracer(lambda: torch.zeros(1), values.COSTS, 0)


def test_rows_and_events_come_back_as_they_were() -> None:
    cells = dict(zip(BREAKDOWN_COLUMNS, map(str, breakdown_row(WHOLE)), strict=True))
    assert breakdown_of(cells) == WHOLE
    assert decode_event(encode_event(Traced(WHOLE))) == Traced(WHOLE)
    assert WHOLE.sum_s == pytest.approx(1.0)


def test_plain_calls_come_before_all_traced_ones_and_the_first_trace_is_dropped() -> None:
    log: list[str] = []

    def timer(calls: int) -> Elapsed:
        log.append(f"{calls} plain")
        return Elapsed(calls * 1e-3)

    def traced() -> Trace:
        log.append("traced")
        parts: dict[Category, float] = dict.fromkeys(CATEGORIES, 0.0)
        parts["convolution"] = 1e9 if log.count("traced") == 1 else 8e-4
        return Trace(2e-3, parts)

    task = Task(PROFILE, Target("fake"), (), {}, rounds=4, seconds=0.0)
    found = profile._break_down(Bench(lambda: torch.zeros(1), timer), lambda: traced, 1e-7, task, lambda: None)
    assert log == ["1 plain", *["5 plain"] * 4, *["traced"] * 4]
    assert found["call_s"] == pytest.approx(1e-3)
    assert found["parts"]["convolution"] == 8e-4
    assert found["parts"]["framework"] == pytest.approx(2e-4)


def test_a_variant_that_fails_while_it_is_traced_is_named_and_the_others_are_traced() -> None:
    good, bad = (
        replace(values.variant(name, kind), builder="tests.faulty:build")
        for name, kind in (("good", "fine"), ("bad", "is_not_finite"))
    )
    family = values.family(good, bad)
    costs = {(family.name, name): values.COSTS for name in ("good", "bad")}
    found = Tracing(Target("fake"), Plan(), partial(collect, inline)).trace(PROFILE, family, costs)
    launches = range(LAUNCHES[PROFILE])
    assert [(each.variant, each.launch) for each in found.breakdowns] == [("good", each) for each in launches]
    assert found.failures["g2-x1", "bad"].status == "wrong-output"


def test_a_worker_that_dies_twice_of_a_variant_leaves_it_out() -> None:
    family = values.family(values.variant("good"), values.variant("kills"))
    costs = {(family.name, name): values.COSTS for name in ("good", "kills")}

    def dying(task: Task, silence_s: float) -> Conversation:
        yield Described({}, {}, None, {})
        for variant in task.families[0].variants:
            yield Started(family.name, variant.name)
            if variant.name == "kills":
                yield WorkerDied(Failure("crashed", "SIGSEGV"))
                return False
            yield Traced(WHOLE)
        yield Done()
        return True

    found = Tracing(Target("fake"), Plan(), partial(collect, dying)).trace(PROFILE, family, costs)
    assert found.failures[family.name, "kills"] == Failure("crashed", "SIGSEGV")
    assert len(found.breakdowns) == LAUNCHES[PROFILE]


def test_parts_and_times_that_do_not_agree_are_marked() -> None:
    family = values.family(values.variant("g=1"), values.variant("g=8"))
    records = [values.record(family, name, None) for name in ("g=1", "g=8")]
    assert records[0].timing
    measured_s = records[0].timing.seconds.estimate

    def lines(call_s: float, sum_s: float) -> str:
        parts = {name: part * sum_s for name, part in PARTS.items()}
        traced = Breakdown("g2-x1", "g=1", 0, call_s, 2 * call_s, parts, 0.0)
        return "\n".join(table(records, [traced], {("g2-x1", "g=8"): Failure("unsupported", "no")}).lines)

    assert "unsupported: g=8 was not traced: no" in lines(measured_s, measured_s)
    assert "moved" not in lines(measured_s, 1.04 * measured_s)
    assert "! g=1: profiling slowed these operators" in lines(measured_s, 1.06 * measured_s)
    slowed = Breakdown("g2-x1", "g=1", 0, 1.0, 2.0, {name: 1.1 * part for name, part in PARTS.items()}, 0.0)
    shares = {column.heading: column.cells for column in table(records, [slowed], {}).columns}
    assert (shares["framework"], shares["convolution"] == ("–",)) == (("–",), False)
    assert "the time changed between the measurement and the profile: g=1 +10.0 %" in lines(
        1.1 * measured_s, 1.1 * measured_s
    )


MAIN: tuple[Category, ...] = ("convolution", "elementwise", "product")


def test_a_share_says_how_far_launches_are_from_it() -> None:
    family = values.family(values.variant("g=1"))
    records = [values.record(family, "g=1", None)]

    def cells(*convolution: float, traced_s: float = 1.2) -> dict[str, str]:
        parts = [{**dict.fromkeys(PARTS, 0.0), "convolution": share, "elementwise": 1 - share} for share in convolution]
        traced = [Breakdown("g2-x1", "g=1", n, 1.0, traced_s, each, 0.0) for n, each in enumerate(parts)]
        made = table(records, traced, {})
        return {column.heading: column.cells[0] for column in made.columns} | {"lines": "\n".join(made.lines)}

    assert cells(0.6, 0.61, 0.6)["convolution"] == "60.0 %"
    assert cells(0.55, 0.6, 0.61)["convolution"] == "60.0 ± 5.0 %"
    three = [(0.6, 0.3, 0.1), (0.5, 0.1, 0.4), (0.4, 0.35, 0.25)]
    traced = [
        Breakdown("g2-x1", "g=1", n, 1.0, 1.2, dict.fromkeys(PARTS, 0.0) | dict(zip(MAIN, each, strict=True)), 0.0)
        for n, each in enumerate(three)
    ]
    made = {column.heading: column.cells[0] for column in table(records, traced, {}).columns}
    shown = [float(made[HEADINGS[name]].split()[0]) for name in MAIN]
    assert sum(shown) == pytest.approx(100, abs=0.15)  # medians by themselves are 50, 30 and 25
    shares = breakdown_rows(traced)[0].shares
    assert shown == [round(100 * (shares[name] or 0.0), 1) for name in MAIN]
    faster = cells(0.55, 0.6, 0.61, traced_s=0.66)
    assert faster["convolution"] == faster["of which reorders"] == "–"
    assert "– g=1 -34.0 % not judged: calls with profiling were faster than without" in faster["lines"]
    assert "not judged" not in cells(0.6, traced_s=0.96)["lines"]


NETWORKS = ("network", "shufflenet-v2-0.5x", "mobilenet-v1-0.25", "--size", "32", "--device", "fake", "--launches", "6")


def test_the_breakdown_of_networks(cli: Cli, golden: Golden) -> None:
    found = cli(*NETWORKS, "--output", "run", "--breakdown")
    assert found.code == 0
    golden("breakdown.table.txt", found.out)


def test_a_finished_run_can_be_traced_later_and_is_not_measured_again(cli: Cli) -> None:
    first = cli(*NETWORKS, "--output", "run")
    assert "Where the time goes" not in first.out
    tasks: list[Task] = []

    def noting(task: Task, silence_s: float) -> Conversation:
        tasks.append(task)
        return (yield from inline(task, silence_s))

    traced = cli(*NETWORKS, "--resume", "run", "--breakdown", launcher=noting)
    assert {(task.kind, len(task.families)) for task in tasks} == {("survey", 0), ("profile", 1)}
    assert "Where the time goes" in traced.out
    again = cli(*NETWORKS, "--resume", "run", "--breakdown", launcher=never)
    assert (
        again.out.partition("Where the time goes")[2].splitlines()[:5]
        == (traced.out.partition("Where the time goes")[2].splitlines()[:5])
    )


def never(task: Task, silence_s: float) -> Conversation:
    raise AssertionError("nothing is left to do")
