"""The Python API: networks of the caller's own, errors, results in notebooks, and what an import costs."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.result import Result
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.schema.progress import Progress
from benchcli.workers.tools import Tools
from tests.conftest import in_process, interrupting


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs whose folder nobody names leave it there."""
    monkeypatch.chdir(tmp_path)


class Scaled(nn.Module):
    """A network that only this process has."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor
        self.layer = nn.Conv2d(3, 4, 1)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.layer(inputs)
        return output * self.factor


def factory() -> nn.Module:
    return nn.Conv2d(3, 8, 1)


def test_live_modules_travel_by_value_and_leave_nothing_in_the_folder(tools: Callable[[], Tools]) -> None:
    inputs = torch.randn(2, 3, 8, 8)
    networks = {"mine": Scaled(2.0), "other": nn.Conv2d(3, 4, 3)}
    run = benchcli.measure(networks, inputs=inputs, device="fake", launches=2, tools=tools())
    assert [record.variant.name for record in run.records] == ["mine", "other"]
    assert [record.variant.builder for record in run.records] == ["benchcli:live/mine", "benchcli:live/other"]
    assert all(record.timing for record in run.records)
    assert run.records[0].costs
    assert run.records[0].costs.flops == 2 * 3 * 4 * 64
    loaded = benchcli.load(run.folder)
    assert isinstance(loaded, Run)
    assert loaded.records[0].variant.shape == (3, 8, 8)
    assert max(path.stat().st_size for path in run.folder.iterdir()) < 1_000_000
    assert not any("mine" in path.read_text() and "gASV" in path.read_text() for path in run.folder.iterdir())


def test_networks_in_a_list_have_their_own_names(tools: Callable[[], Tools]) -> None:
    several = ["shufflenet-v2-0.5x", Scaled(2.0)]
    run = benchcli.measure(several, inputs=torch.randn(1, 3, 64, 64), device="fake", launches=2, tools=tools())
    assert [record.variant.name for record in run.records] == ["shufflenet-v2-0.5x", "Scaled"]
    with pytest.raises(UserError, match=r"two networks are named Scaled: give a mapping"):
        benchcli.measure([Scaled(2.0), Scaled(3.0)], device="fake", tools=tools())


@pytest.mark.measured
class Both(nn.Module):
    """Takes two inputs."""

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.relu(left), torch.relu(right)


def test_shapes_are_inputs_in_a_list_and_by_keyword(tools: Callable[[], Tools]) -> None:
    shapes = {"left": (1, 3, 4, 4), "right": (1, 5)}
    for inputs in (shapes, list(shapes.values())):
        frame = benchcli.costs({"both": Both()}, inputs=inputs, device="fake", tools=tools()).to_frame()
        assert list(frame["elementwise"]) == [3 * 4 * 4 + 5]
    with pytest.raises(UserError, match="a dict of these by keyword; not dict of int, tuple"):
        benchcli.costs({"both": Both()}, inputs={"left": 3, "right": (1, 5)}, device="fake", tools=tools())


def test_a_live_module_is_measured_in_a_process_of_its_own() -> None:
    run = benchcli.measure(
        {"mine": Scaled(2.0), "made": factory, "named": "tests.api.test_api:factory"},
        inputs=(1, 3, 8, 8),
        launches=1,
    )
    assert {record.variant.name: record.failure for record in run.records} == dict.fromkeys(("mine", "made", "named"))


@pytest.mark.parametrize(
    ("networks", "inputs", "says"),
    [
        (
            {"x": lambda: nn.ReLU()},
            None,
            "x: .*lambda.* cannot be imported by name in the measured process: define the",
        ),
        ({"x": 3}, None, "x is no network but of type int: give a torch.nn.Module, a function that makes one"),
        ({"x": "mynet"}, None, "unknown network 'mynet'"),
        ({"x": "benchcli:network/resnet-1"}, None, "unknown network 'resnet-1': did you mean"),
        ({}, None, "there is no network: give a torch.nn.Module, a function"),
        ({"x": nn.ReLU()}, "image", r"an input is \[NAME=\]SIZES"),
        ({"x": nn.ReLU()}, 3.0, "inputs must be a tensor"),
        ({"x": nn.ReLU()}, (3,), "the shape of an input has the batch first"),
    ],
)
def test_what_cannot_be_measured_is_a_user_error(
    networks: dict[str, object], inputs: torch.Tensor | tuple[int, ...] | None, says: str
) -> None:
    with pytest.raises(benchcli.UserError, match=says):
        benchcli.measure(networks, inputs=inputs)


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_module_is_refused() -> None:
    with pytest.raises(benchcli.UserError, match="x is a compiled module, which cannot be serialised: give a function"):
        benchcli.measure({"x": torch.compile(nn.ReLU())})


def test_what_cannot_be_serialised_says_what_to_give_instead() -> None:
    network = nn.ReLU()
    network.stream = (number for number in range(3))  # type: ignore[assignment]
    with pytest.raises(benchcli.UserError, match=r"x cannot be serialised \(TypeError: .*\): give a function"):
        benchcli.measure({"x": network})


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"device": "gpux"}, "unknown device 'gpux'"),
        ({"devise": "cpu"}, "unknown setting 'devise': did you mean device"),
        ({"launches": 0}, "the number of launches must be from 1 to 1000, not 0"),
        ({"precision": 3.0}, "a precision is from 0.05% to 50%"),
        ({"budget": 0.1}, "a budget is from 1 s to 7 days"),
        ({"dtype": "int3"}, "unknown dtype 'int3'"),
        ({"scale": (1, 1)}, "has a value twice"),
        ({"width": 8, "channels": "aligned"}, "--width and --channels cannot be used together"),
        ({"runtime": "graph"}, "a CPU has no graphs to capture"),
        ({"inputs": (1, 3, 8, 8)}, "inputs belong to networks: a guideline"),
        ({"output": "a", "resume": "b"}, "--output and --resume cannot be used together"),
    ],
)
def test_a_wrong_setting_is_a_user_error_in_the_words_of_the_command_line(
    settings: dict[str, Any], says: str, tools: Callable[[], Tools], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(benchcli.UserError, match=says):
        benchcli.measure("g2", **{"tools": tools(), **settings})
    assert list(tmp_path.iterdir()) == []


def test_other_functions_refuse_what_is_wrong_too() -> None:
    for call, says in (
        (lambda: benchcli.block("resnett"), "did you mean resnet"),
        (lambda: benchcli.block(None), "a block must be a text, not None"),  # type: ignore[arg-type]
        (lambda: benchcli.network((1, 2)), "a network must be a text, not"),  # type: ignore[arg-type]
        (lambda: benchcli.claims(3), "the folder of a run must be a text, not 3"),  # type: ignore[arg-type]
        (lambda: benchcli.network("resnet-50", group=40), "give networks or a --group of them, not both"),
        (lambda: benchcli.check("ci"), "there is nothing to compare with"),
        (lambda: benchcli.check("ci", base="x", threshold=7.0), "a threshold is from"),
        (lambda: benchcli.compare("a"), "give two runs or more"),
        (lambda: benchcli.compare(1, 2), "no results at 1"),  # type: ignore[call-overload]
        (lambda: benchcli.load("no/such/*"), "no results at no/such"),
        (lambda: benchcli.load("nowhere"), "no results at nowhere"),
        (lambda: benchcli.selftest(1), "the number of comparisons must be from 2"),
        (lambda: benchcli.device(thread=2), "unknown setting 'thread': did you mean threads"),  # type: ignore[call-arg]
    ):
        with pytest.raises(benchcli.UserError, match=says):
            call()


def test_what_is_finished_survives_an_interruption(tools: Callable[..., Tools]) -> None:
    with pytest.raises(benchcli.UnfinishedError, match="interrupted: 4 families are finished, 4 are not") as ended:
        benchcli.measure("all", width=16, batch=(1, 2), device="fake", launches=2, tools=tools(interrupting(4)))
    assert ended.value.reason is None
    assert len(ended.value.result.records) == 16


def test_progress_is_told(tools: Callable[[], Tools]) -> None:
    steps: list[Progress] = []
    benchcli.measure("g2", width=16, device="fake", launches=2, tools=tools(), progress=steps.append)
    assert [step.doing for step in steps] == ["counting costs", "g2: launch 1 of 2", "g2: launch 2 of 2"]


def test_a_result_in_a_notebook_shows_tables_and_runs_nothing(tools: Callable[[], Tools]) -> None:
    name = "<script>alert(1)</script>"
    run = benchcli.measure({name: nn.ReLU()}, inputs=(1, 3, 4, 4), device="fake", launches=2, tools=tools())
    html = run._repr_html_()
    assert "<table>" in html
    assert "<script>" not in html
    assert repr(run) == run.show()


def test_a_frame_is_tidy_and_samples_are_there(tools: Callable[[], Tools]) -> None:
    run = benchcli.measure("g2", width=16, device="fake", launches=2, tools=tools())
    frame = run.to_frame()
    assert frame["median_s"].dtype == float
    assert set(run.wide()["machine_cores"]) == {run.environment.machine and run.environment.machine.cores}
    assert isinstance(run.samples(), pandas.DataFrame)
    references = {"benchcli:reference/arithmetic", "benchcli:reference/chain"}
    assert set(run.samples()["variant"]) == {"g=1", "g=2", "g=4", "g=8", *references}


def test_importing_benchcli_loads_nothing_heavy() -> None:
    program = (
        "import sys, benchcli\n"
        "heavy = {'torch', 'pandas', 'numpy', 'click', 'rich', 'psutil', 'benchcli.api'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert 'measure' in dir(benchcli)\n"
        "import benchcli.sampling.engine, benchcli.checks.rules\n"  # packages of the names of functions
        "assert callable(benchcli.measure) and callable(benchcli.check)\n"
        "try: benchcli.nothing\n"
        "except AttributeError: pass\n"
        "else: raise SystemExit('a name that is not there')"
    )
    found = in_process("-c", program)
    assert found.returncode == 0, found.stderr


def test_every_public_name_is_there_and_documented() -> None:
    for name in benchcli.__all__:
        assert getattr(benchcli, name).__doc__, name
    assert "benchcli" in sys.modules


def test_every_result_is_shown_written_and_tabulated_by_the_same_methods(
    tools: Callable[[], Tools], tmp_path: Path
) -> None:
    small: dict[str, Any] = {"device": "fake", "launches": 6}
    run = benchcli.measure("g2", width=16, **small, tools=tools())
    for result in (
        run,
        benchcli.compare(run, run),
        benchcli.costs({"mine": nn.Conv2d(3, 4, 1)}, inputs=(1, 3, 8, 8), device="fake", tools=tools()),
        benchcli.device(device="fake", tools=tools()),
        benchcli.selftest(2, **small, tools=tools()),
    ):
        assert isinstance(result, Result)
        assert len(result.to_frame()) >= 1
        assert "<table>" in result._repr_html_()
        assert repr(result)
        for format_ in ("table", "markdown", "csv", "json", "html"):
            assert result.show(format_)
        result.report(tmp_path / "page.html")
        result.write("csv", tmp_path / "rows.csv")
        assert (tmp_path / "rows.csv").read_text().count("\n") == 1 + len(result.page.rows)


def endless(kind: type) -> Any:
    tree: Any = kind()
    tree.append(tree) if kind is list else tree.update(a=tree)
    return tree


def deep() -> Any:
    tree: list[Any] = []
    for _ in range(5000):
        tree = [tree]
    return tree


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: benchcli.block(None), "a block must be a text, not None"),  # type: ignore[arg-type]
        (lambda: benchcli.network(3), "a network must be a text, not 3"),  # type: ignore[arg-type]
        (lambda: benchcli.claims(7), "the folder of a run must be a text, not 7"),  # type: ignore[arg-type]
        (lambda: benchcli.report(endless(list), path="x.html"), "in a list that holds itself"),
        (lambda: benchcli.report(deep(), path="x.html"), "in over 20 lists"),
        (lambda: benchcli.plot(endless(list), kind="axis", path="x.json"), "in a list that holds itself"),
        (lambda: benchcli.measure({"a": nn.ReLU()}, inputs=endless(list)), "the inputs hold themselves"),
        (lambda: benchcli.measure({"a": nn.ReLU()}, inputs=endless(dict)), "the inputs hold themselves"),
        (lambda: benchcli.costs({"a": nn.ReLU()}, inputs=deep()), "in over 100 lists"),
        (lambda: benchcli.costs({"a": nn.ReLU()}, inputs={"x": endless(list)}), "the inputs hold themselves"),
        (lambda: benchcli.measure("g2", batch=endless(list)), "a batch size must be a whole number"),
        (lambda: benchcli.measure(endless(dict)), "a is no network but of type dict"),
        (lambda: benchcli.load(endless(list)), "no results at"),
        (lambda: benchcli.compare(endless(list), endless(list)), "no results at"),
    ],
)
def test_what_is_no_request_is_said_in_a_line(
    call: Callable[[], object], says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())
