"""Predicted times: from the command line and from Python, and what is said of what they lack."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from torch import nn

import benchcli
from benchcli.api import time_prediction
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.runs import own_files
from benchcli.sampling import operator_table
from benchcli.sampling.artifact_cache import FOLDER
from benchcli.workers.tools import Tools
from tests.conftest import Outcome
from tests.small_calibration import SMALL, calibrate_with_few

Cli = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Calibrate with few small networks, once for all tests here."""
    calibrate_with_few(monkeypatch)
    monkeypatch.setenv(FOLDER, str(tmp_path_factory.getbasetemp() / "operators"))


def test_a_network_is_predicted_beside_simpler_models(cli: Cli) -> None:
    found = cli("predict", "shufflenet-v2-0.5x", "--device", "fake", "--format", "json")
    assert found.code == 0, found.err
    (row,) = json.loads(found.out)["predictions"]
    assert row["network"] == "shufflenet-v2-0.5x"
    assert row["low_s"] < row["predicted_s"] < row["high_s"]
    assert min(row["by_flops_s"], row["by_bytes_s"], row["additive_s"]) > 0
    assert (row["lacking"], row["failure"]) == ("", "")


def test_a_known_network_is_predicted_without_measuring(cli: Cli) -> None:
    assert cli("predict", "shufflenet-v2-0.5x", "--device", "fake").code == 0
    again = cli("predict", "shufflenet-v2-0.5x", "--device", "fake", "--known")
    assert again.code == 0
    assert "shufflenet-v2-0.5x" in again.out
    assert "+ ?" not in again.out


def test_what_is_not_known_is_named_and_ends_with_4(cli: Cli) -> None:
    found = cli("predict", "xception-0.5x", "--device", "fake", "--known")
    assert found.code == 4
    assert "+ ?" in found.out
    assert "xception-0.5x: + ? is aten." in found.out
    assert "0.00" not in found.out


def test_a_list_of_operators_is_written_and_predicted_alike(cli: Cli) -> None:
    named = cli("predict", "shufflenet-v2-0.5x", "--device", "fake", "--write", "mine.json", "--format", "json")
    assert named.code == 0, named.err
    assert own_files.is_own(Path("mine.json"))
    listed = cli("predict", "mine.json", "--device", "fake", "--format", "json")
    one, other = (json.loads(each.out)["predictions"][0] for each in (named, listed))
    assert other["network"] == "mine.json"
    assert {**one, "network": ""} == {**other, "network": ""}
    assert cli("predict", "shufflenet-v2-0.5x", "--device", "fake", "--write", "mine.json").err.endswith(
        "mine.json is there: remove it, or name another file\n"
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1", "bad.json is no JSON"),
        ("3", "bad.json is no list of operators: "),
        (
            '[{"recipe": {"operator": 3}}]',
            "bad.json is no list of operators: operators: 0: recipe: operator: 3 is no str",
        ),
        ('[{"recipe": {"operator": "aten.relu.default"}, "times": 0}]', "times: 0 is not from 1"),
    ],
)
def test_a_file_that_is_no_list_is_named(cli: Cli, content: str, says: str) -> None:
    Path("bad.json").write_text(content)
    found = cli("predict", "bad.json", "--device", "fake")
    assert found.code == 2
    assert says in found.err
    assert found.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("resnet-50", "alexnet", "--write", "a.json"), "--write writes the operators of one network: give one"),
        (("resnet-50", "--write", "a.txt"), "a.txt does not end in .json"),
        (("moon",), "unknown network 'moon'"),
        (("resnet-50", "--device", "cuda"), "predictions are of a CPU"),
        (("not-there.json",), "not-there.json"),
    ],
)
def test_a_mistake_is_one_line(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    found = cli("predict", *arguments, *(() if "--device" in arguments else ("--device", "fake")))
    assert found.code == 2
    assert says in found.err
    assert found.err.count("\n") == 1


def test_control_flow_that_depends_on_values_is_said(cli: Cli) -> None:
    Path("branching.py").write_text(
        "from torch import nn\n\nclass Net(nn.Module):\n    def forward(self, x):\n"
        "        return x * 2 if x.sum() > 0 else x\n"
    )
    found = cli("predict", "branching:Net", "--device", "fake")
    assert found.code == 4
    assert "depends on the values of tensors" in found.err + found.out


def test_a_network_of_several_inputs_is_told_how_they_are_given(cli: Cli) -> None:
    Path("two.py").write_text(
        "from torch import nn\n\nclass Net(nn.Module):\n    def forward(self, a, b):\n        return a + b\n"
    )
    for verb in ("predict", "costs"):
        found = cli(verb, "two:Net", *(("--meta",) if verb == "costs" else ("--device", "fake")))
        assert found.code == 4
        assert "its forward takes a, b: give each its shape, such as --input a=1x3x224x224 --input b=SIZES" in found.err


def test_a_predictor_is_made_once_and_asked_often(tools: Callable[[], Tools]) -> None:
    predictor = benchcli.TimePredictor(device="fake", tools=tools())
    unit = predictor.operators(nn.Sequential(nn.Conv2d(8, 8, 1), nn.ReLU()), inputs=(1, 8, 14, 14))
    unknown = predictor.predict(unit, "unit")
    assert len(unknown.lacking) == 2
    predictor.measure([unit])
    one, two = predictor.predict(unit), predictor.predict(unit + unit)
    assert one.lacking == ()
    assert two.seconds.estimate == pytest.approx(2 * one.seconds.estimate)


def test_a_calibration_that_does_not_know_its_operators_learns_them_from_its_times(
    tools: Callable[[], Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = benchcli.TimePredictor(device="fake", tools=tools())._table
    assert table.calibration
    whole = table.calibration
    table.calibration = replace(whole, operators=())
    operator_table.keep(table)

    def refused(*_: object) -> NoReturn:
        raise AssertionError("its networks were timed again")

    monkeypatch.setattr(time_prediction, "_network_seconds", refused)
    again = benchcli.TimePredictor(device="fake", tools=tools())
    assert again._table.calibration == whole


def test_a_predictor_that_cannot_be_calibrated_says_so(
    tools: Callable[[], Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_prediction, "CALIBRATING", SMALL)
    with pytest.raises(NothingMeasuredError, match="not calibrated: 4 networks are too few"):
        benchcli.TimePredictor(device="fake", fresh=True, tools=tools())


def test_a_module_with_control_flow_has_no_list(tools: Callable[[], Tools]) -> None:
    class Branching(nn.Module):
        def forward(self, inputs):  # type: ignore[no-untyped-def]
            return inputs * 2 if inputs.sum() > 0 else inputs

    predictor = benchcli.TimePredictor(device="fake", tools=tools())
    with pytest.raises(UserError, match="depends on the values of tensors"):
        predictor.operators(Branching(), inputs=(1, 3))
