"""The times of layers: what each module does itself, from stamps around its calls."""

import itertools
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from benchcli.analysis.layer_rows import OWN, accounted, layer_rows
from benchcli.analysis.roofline import Placement
from benchcli.backends.devices.base import DEVICES, Elapsed, Stamps
from benchcli.cost.inputs import Inputs
from benchcli.reports.views import module_tables
from benchcli.reports.views.layer_table import above_roof, table
from benchcli.runs.rows import LAYER_COLUMNS, layers_of
from benchcli.runs.rows import layer_rows as rows_of
from benchcli.sampling import layer_times
from benchcli.sampling.bench import Bench
from benchcli.sampling.layer_times import ASIDE, _calls_of_sample, _layers, calm, left_over_s, own_seconds
from benchcli.schema import Failure, Layer, Layers, Target
from benchcli.schema.protocol import LAYERS, Task
from tests.cost.networks import Apply

FAKE = DEVICES["fake"]


class Block(nn.Module):
    """Calls a layer twice, and adds."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(self.layer(x)) + x
        return out


def measured(network: nn.Module, inputs: torch.Tensor) -> tuple[float, tuple[Layer, ...]]:
    given = Inputs((inputs,))
    bench = Bench(given.bound_to(network), lambda calls: Elapsed(calls * 1e-3), network=network, inputs=given)
    task = Task(LAYERS, Target("fake"), (), {}, rounds=2, seconds=0.0)
    with torch.inference_mode():
        return _layers(bench, FAKE, 0, task, lambda: None)


def test_each_module_has_what_it_does_itself() -> None:
    """The fake device's stamps are a microsecond apart."""
    call_s, layers = measured(nn.Sequential(Block(), nn.ReLU()), torch.ones(2, 4))
    assert call_s == pytest.approx(1e-3)
    by_path = {layer.path: layer for layer in layers}
    assert list(by_path) == ["", "0", "0.layer", "1"]
    assert {path: round(layer.seconds * 1e6, 6) for path, layer in by_path.items()} == {
        "": 3,  # between its own stamps and those of its children
        "0": 3,
        "0.layer": 2,  # two calls of one microsecond
        "1": 1,
    }
    assert (by_path["0.layer"].calls, by_path["0.layer"].kind) == (2, "Linear")
    assert (by_path["0.layer"].inputs, by_path["0.layer"].outputs) == ("2x4", "2x4")
    assert by_path["0.layer"].flops == 2 * 2 * 4 * 4
    assert by_path["0"].flops == 0
    assert by_path["0"].mac_bytes == 3 * 2 * 4 * 4  # the addition
    assert torch.nn.Module.__call__.__module__ == "torch.nn.modules.module"


def test_what_stamping_adds_is_half_a_modules_and_half_its_callers() -> None:
    """The network takes 10 s, with 6 s in a module that is called twice, and 1 s aside."""
    marks = ["", 0, "a", 1, None, 4, ASIDE, 4, None, 5, "a", 5, None, 8, None, 10]
    plain = own_seconds(marks, lambda start, end: float(end - start))
    assert plain == {"": 3.0, "a": 6.0, ASIDE: 1.0}
    without = own_seconds(marks, lambda start, end: float(end - start), 0.2)
    assert without == pytest.approx({"": 3.0 - 0.1 - 2 * 0.1, "a": 6.0 - 2 * 0.1, ASIDE: 1.0})


def test_what_stamping_adds_is_seen_at_modules_that_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a clock that moves by a second when it is read: a second in each of 50 modules, and 51 between them."""
    clock = itertools.count()
    monkeypatch.setattr(layer_times, "perf_counter", lambda: next(clock))
    stamps = Stamps(lambda: next(clock), lambda start, end: float(end - start))
    assert left_over_s(stamps) == pytest.approx((50 + 51 - 1) / 51)
    assert left_over_s(replace(stamps, is_of_host=False)) == left_over_s(FAKE.stamps(0)) == 0.0


def test_a_shared_module_has_a_row_in_each_of_its_callers() -> None:
    encoder = nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU())
    left, right = nn.Sequential(encoder, nn.Linear(4, 2, bias=False)), nn.Sequential(encoder, nn.ReLU())
    network = Apply(lambda self, x: (self.left(x), self.right(x)), left=left, right=right)
    call_s, layers = measured(network, torch.ones(2, 4))
    rows = {row.path: row for row in layer_rows([Layers("f", "a", 0, call_s, layers)], 1)}
    assert {path: row.flops for path, row in rows.items()} == {"left": 32 + 16, "right": 32, "": 0}
    assert rows["left"].seconds.estimate == pytest.approx(rows["right"].seconds.estimate) == pytest.approx(9e-6)
    assert {layer.path: layer.calls for layer in layers if layer.kind == "Linear"} == {
        "left.0.0": 1,
        "left.1": 1,
        "right.0.0": 1,
    }


def test_a_compiled_child_is_one_row_with_the_costs_of_what_it_was_made_from() -> None:
    body: Any = torch.compile(nn.Sequential(nn.Linear(4, 4, bias=False), nn.ReLU()), backend="eager")
    _, layers = measured(nn.Sequential(nn.ReLU(), body), torch.ones(2, 4))
    by_path = {layer.path: layer for layer in layers}
    assert list(by_path) == ["", "0", "1"]
    assert (by_path["1"].flops, by_path["1"].outputs) == (32, "2x4")
    assert {path: round(layer.seconds * 1e6, 6) for path, layer in by_path.items()} == {"": 5, "0": 1, "1": 1}


def test_a_layer_that_torch_runs_as_a_whole_says_why_its_modules_have_no_times() -> None:
    network = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.ReLU()).eval()
    call_s, layers = measured(network, torch.ones(2, 3, 8))
    by_path = {layer.path: layer for layer in layers}
    assert {path: layer.is_whole for path, layer in by_path.items()} == {"": False, "0": True, "1": False}
    linear = 2 * 3 * (8 * 16 * 2 + 4 * 8 * 8)
    assert by_path["0"].flops == linear + 2 * 2 * 3 * 3 * 8
    traced = [Layers("f", "a", number, call_s, layers) for number in range(6)]
    for shown in (table(traced, {}), module_tables.tables(traced)[1]):
        assert "0: torch ran it as a whole, fused or compiled: the modules in it were not called" in "\n".join(
            shown.lines
        )
    assert layers_of([dict(zip(LAYER_COLUMNS, map(str, row), strict=True)) for row in rows_of(traced[0])]) == traced[:1]


def test_calls_that_were_interrupted_do_not_count_while_there_are_others() -> None:
    calm_calls = [(float(number), False) for number in range(5)]
    assert calm([(99.0, True), *calm_calls, (98.0, True)]) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert calm([(99.0, True), *calm_calls[:4]]) == [99.0, 0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(("call_s", "calls"), [(0.02, 1), (1e-4, 1), (1e-5, 10), (0.0, 100_000)])
def test_a_sample_is_as_short_as_the_clock_lets_it_be(call_s: float, calls: int) -> None:
    assert _calls_of_sample(call_s, 1e-7) == calls


def test_layers_that_do_not_add_up_to_the_call_are_not_judged() -> None:
    apart = [launch(number, SECONDS, call_s=40.0) for number in range(6)]
    lines = "\n".join(table(apart, {}).lines)
    assert "– not judged: the layers of a take 25.0 % of a call in which nothing is timed" in lines
    assert "not judged" in "\n".join(module_tables.tables(apart)[1].lines)
    assert "not judged" not in "\n".join(table([launch(number, SECONDS) for number in range(6)], {}).lines)
    slow = [launch(number, SECONDS, call_s=8.0) for number in range(6)]
    assert "timing the parts of so fast a network takes time too" in "\n".join(table(slow, {}).lines)


def test_what_another_thread_calls_is_part_of_the_call_that_waits_for_it() -> None:
    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        def work() -> None:
            with torch.inference_mode():
                self.layer(x)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        out: torch.Tensor = self.layer(x)
        return out

    _, layers = measured(Apply(forward, layer=nn.Linear(4, 4)), torch.ones(2, 4))
    assert {layer.path: layer.calls for layer in layers} == {"": 1, "layer": 1}


def test_a_module_that_raises_leaves_torch_as_it_was() -> None:
    class Wrong(nn.Module):
        def forward(self, _x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no")

    original = nn.Module.__call__
    with pytest.raises(RuntimeError, match="no"):
        measured(nn.Sequential(Wrong()), torch.ones(2, 4))
    assert nn.Module.__call__ is original


def launch(number: int, seconds: dict[str, float], call_s: float = 10.0) -> Layers:
    layers = tuple(Layer(path, "Conv2d", 1, each, "1x3", "1x4", 5, 6) for path, each in seconds.items())
    return Layers("f", "a", number, call_s, layers)


SECONDS = {"": 0.5, "stem": 2.0, "body": 0.5, "body.0": 3.0, "body.1": 4.0}


def test_modules_are_rolled_up_to_a_depth() -> None:
    launches = [launch(number, SECONDS) for number in range(6)]
    assert {row.path: round(row.seconds.estimate, 9) for row in layer_rows(launches)} == SECONDS
    rolled = layer_rows(launches, 1)
    assert {row.path: round(row.seconds.estimate, 9) for row in rolled} == {"stem": 2.0, "body": 7.5, "": 0.5}
    assert [row.path for row in rolled][-1] == ""
    body = next(row for row in rolled if row.path == "body")
    assert (body.share, body.flops, body.mac_bytes) == (0.75, 15, 18)
    assert body.seconds.low == pytest.approx(7.5)
    assert accounted(launches) == 1.0


def test_few_launches_have_no_interval_and_an_unknown_operator_no_flops() -> None:
    layer = Layer("stem", "Odd", 1, 1.0, "", "", None, 0)
    (row,) = layer_rows([Layers("f", "a", 0, 2.0, (layer,))])
    assert (row.seconds.low, row.flops, row.share) == (None, None, 0.5)


def test_layers_above_the_roof_are_told_why() -> None:
    rows = layer_rows([launch(number, SECONDS) for number in range(6)])
    above, below = Placement(30.0, 1.2, "compute", 1.0), Placement(30.0, 1.01, "compute", 1.0)
    placed = [replace(row, place=above if row.path == "stem" else below) for row in rows]
    assert list(above_roof(rows)) == list(above_roof([replace(row, place=below) for row in rows])) == []
    (line,) = above_roof(placed)
    assert line.startswith("stem: above the roof, where less is computed or moved than is counted")


def test_the_table_has_the_slowest_layers_and_says_what_it_leaves_out() -> None:
    many = {"": 0.1, **{f"layer{number}": 0.1 * (number + 1) for number in range(25)}}
    launches = [launch(number, many, call_s=sum(many.values())) for number in range(6)]
    shown = table(launches, {("f", "b"): Failure("failed", "no")})
    assert shown.rows[0][0] == "layer24"
    assert shown.rows[-1][0] == OWN
    assert len(shown.rows) == 21
    assert "5 more layers take" in "\n".join(shown.lines)
    assert "100.0 % of a call" in "\n".join(shown.lines)
    assert "✗ failed: b has no layers: no" in shown.lines
    assert len(table(launches, {}, depth=1).rows) == 26


def test_rows_come_back_as_they_were() -> None:
    launches = [launch(number, SECONDS) for number in range(2)]
    cells = [
        dict(zip(LAYER_COLUMNS, ("" if cell is None else str(cell) for cell in row), strict=True))
        for each in launches
        for row in rows_of(each)
    ]
    assert layers_of(cells) == launches
    with pytest.raises(ValueError, match=r"call_s: 0\.0 is not from"):
        layers_of([{**cells[0], "call_s": "0"}])


def test_layers_of_a_run_are_stored_and_shown_again(cli: Callable[..., Any]) -> None:
    words = ("network", "mobilenet-v1-0.25", "--size", "32", "--device", "fake", "--launches", "1", "--layers")
    found = cli(*words, "--output", "run")
    assert found.code == 0
    assert "Time by layer" in found.out
    again = cli(*words[:-1], "--depth", "1", "--resume", "run")
    assert "rolled up to depth 1" in again.out
    assert "19.linear" not in again.out


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        (("--runtime", "graph"), "leave --runtime graph out"),
        (("--cache", "cold"), "leave --cache cold out"),
        (("--depth", "0"), "a depth"),
    ],
)
def test_what_has_no_layers_says_so(cli: Callable[..., Any], words: tuple[str, ...], way_out: str) -> None:
    found = cli("network", "mobilenet-v1-0.25", "--device", "fake", "--launches", "1", "--layers", *words)
    assert found.code == 2
    assert way_out in found.err


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_network_that_runs_as_a_whole_has_no_layers() -> None:
    with pytest.raises(NotImplementedError, match="runs it as a whole"):
        measured(torch.jit.script(nn.Linear(4, 4)), torch.ones(1, 4))


def test_a_module_that_only_holds_others_is_several() -> None:
    launches = [launch(number, {"": 0.5, "blocks.0": 2.0, "blocks.1": 3.0}) for number in range(6)]
    (blocks, _) = layer_rows(launches, 1)
    assert (blocks.path, blocks.kind, round(blocks.seconds.estimate, 9)) == ("blocks", "several", 5.0)


def test_damaged_layers_are_named(cli: Callable[..., Any]) -> None:
    words = ("network", "mobilenet-v1-0.25", "--size", "32", "--device", "fake", "--launches", "1", "--layers")
    assert cli(*words, "--output", "run").code == 0
    path = Path("run/layers.csv")
    path.write_text(path.read_text().replace(",Conv2d,", ",Conv2d,many", 1))
    found = cli(*words, "--resume", "run")
    assert found.code == 2
    assert "layers.csv is damaged" in found.err
