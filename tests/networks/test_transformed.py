"""Scripted, frozen, exported and wrapped networks are counted as what they are, or a line says what is not known."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import benchcli
from benchcli.errors import UserError
from benchcli.schema.protocol import SURVEY, Conversation, Started, Task
from benchcli.workers.tools import Tools
from tests.conftest import Outcome, inline
from tests.networks import transformed

Cli = Callable[..., Outcome]
OWN = "tests.networks.transformed:"
SIZE = ("--input", "1x3x8x8")
FAKE = ("--device", "fake", "--launches", "1", "--output", "run")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
FLOPS = 3 * 4 * 9 * 36 + 4 * 5
PARAMS = 3 * 4 * 9 + 4 + 4 * 2 + 4 * 5 + 5
"""The convolution, the normalisation's scale and shift, and the linear layer."""
FOLDED = 3 * 4 * 9 + 4 + 4 * 5 + 5
"""Without the normalisation, which `freeze` folds into the convolution."""


def counted(cli: Cli, name: str, *words: str) -> dict[str, Any]:
    found = cli("costs", OWN + name, *words, "--format", "json")
    assert found.code == 0, found.err
    page: dict[str, Any] = json.loads(found.out)
    kinds = [each["kind"] for several in page["warnings"].values() for each in several]
    return {**page["networks"][0], "kinds": kinds}


@pytest.mark.parametrize(
    ("name", "params", "kinds"),
    [
        ("plain", PARAMS, []),
        ("scripted", PARAMS, []),
        ("traced", PARAMS, []),
        ("frozen", FOLDED, ["frozen"]),
        ("exported", PARAMS, []),
        ("parallel", PARAMS, []),
        ("normed", PARAMS + 4, []),
        ("holder", PARAMS, []),
    ],
)
def test_the_parameters_of_every_form_are_counted(cli: Cli, name: str, params: int, kinds: list[str]) -> None:
    row = counted(cli, name, *SIZE)
    assert (row["params"], row["kinds"]) == (params, kinds)
    own = 3 * 4 * 9 if name == "normed" else 0  # the squares of the weight's norm
    assert FLOPS <= row["flops"] <= FLOPS + own


def test_what_holds_a_frozen_network_has_its_parameters_too(cli: Cli) -> None:
    row = counted(cli, "frozen_inside", *SIZE)
    assert (row["params"], row["kinds"]) == (FOLDED + 5 * 2 + 2, ["frozen"])


def test_a_constant_is_no_parameter(cli: Cli) -> None:
    assert counted(cli, "constant", "--input", "1x8")["params"] == 8 * 8 + 8


def test_parameters_that_an_operator_may_hold_are_unknown(cli: Cli) -> None:
    found = cli("costs", f"{OWN}opaque", "--input", "1x8")
    assert "no rule for the multiply-adds of" in found.out
    (row,) = (line.split() for line in found.out.splitlines() if line.startswith(f"{OWN}opaque "))
    assert row[:5] == [f"{OWN}opaque", "1×8", "≥", "0", "?"]
    found = cli("network", f"{OWN}opaque", "--input", "1x8", *FAKE)
    (row,) = (line.split() for line in found.out.splitlines() if line.startswith(f"{OWN}opaque "))
    assert "?" in row


@pytest.mark.parametrize("name", ["scripted", "frozen"])
def test_a_network_that_runs_as_a_whole_has_one_line_instead_of_an_empty_table_of_layers(cli: Cli, name: str) -> None:
    found = cli("network", OWN + name, *SIZE, "--layers", *FAKE)
    assert found.code == 0
    assert "Time by layer" not in found.out
    (line,) = (line for line in found.out.splitlines() if "has no layers" in line)
    assert "--breakdown shows its time by operator" in line
    beside = cli("network", OWN + name, f"{OWN}plain", *SIZE, "--layers", *FAKE[:-1], "beside")
    assert "Time by layer" in beside.out
    assert "has no layers" in beside.out


@pytest.mark.parametrize(("name", "params"), [("scripted", PARAMS), ("frozen", FOLDED), ("frozen_inside", FOLDED + 12)])
def test_torchscript_is_sent_by_value(name: str, params: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    network = getattr(transformed, name)()
    run = benchcli.measure({"mine": network}, inputs=(1, 3, 8, 8), device="fake", launches=1)
    (record,) = run.details.records
    assert record.failure is None
    assert record.costs
    assert record.costs.params == params


def test_what_cannot_be_sent_is_one_line() -> None:
    with pytest.raises(UserError) as raised:
        benchcli.measure({"mine": transformed.normed()}, inputs=(1, 3, 8, 8), device="fake", launches=1)
    assert "give a function of a module that makes it" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_an_exported_network_is_measured_and_is_not_trained(cli: Cli) -> None:
    assert cli("network", f"{OWN}exported", *SIZE, *FAKE).code == 0
    found = cli("network", f"{OWN}exported", *SIZE, "--step", "train", *FAKE[:-1], "trained")
    assert found.code == 4
    assert "it is an exported network, which has no training mode: give --step inference" in found.err
    assert not Path("trained").exists()


def test_the_compiler_is_shown_while_it_works(tools: Callable[..., Tools]) -> None:
    def compiling(task: Task, silence_s: float) -> Conversation:
        for event in inline(task, silence_s):
            yield event
            if task.kind == SURVEY and isinstance(event, Started):
                yield Started(event.family, event.variant, compiles=True)
        return True

    seen: list[str] = []
    watched = replace(tools(compiling), observe=lambda now: seen.append(now.doing))
    benchcli.network(f"{OWN}plain", inputs=["1x3x8x8"], device="fake", launches=1, tools=watched)
    assert seen[0] == "counting costs"
    assert f"counting costs: torch.compile works on {OWN}plain" in seen
