"""One way to name networks: what the command line takes, Python takes, alone, several, or in a mapping."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.network_costs import Counts
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.workers.tools import Tools

NETS = """import torch
from torch import nn


def tiny():
    return nn.Conv2d(3, 8, 1)


def tokens():
    return nn.Embedding(100, 4)


tiny.example_inputs = (torch.zeros(1, 3, 16, 16),)
"""


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of one's own in the current folder."""
    (tmp_path / "own_nets.py").write_text(NETS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "own_nets", raising=False)
    return "own_nets"


@pytest.fixture
def measured(tools: Callable[[], Tools]) -> Callable[..., Run]:
    def measured(what: object, **settings: object) -> Run:
        return benchcli.measure(what, device="fake", launches=2, tools=tools(), **settings)  # type: ignore[arg-type]

    return measured


@pytest.fixture
def counted(tools: Callable[[], Tools]) -> Callable[..., Counts]:
    def counted(*networks: object, **settings: object) -> Counts:
        return benchcli.costs(*networks, device="fake", tools=tools(), **settings)  # type: ignore[arg-type]

    return counted


def shown(run: Run) -> list[tuple[str, str | None]]:
    return [(each.variant.name, each.costs.inputs if each.costs else None) for each in run.records]


def test_a_module_alone_is_measured_and_counted(measured: Callable[..., Run], counted: Callable[..., Counts]) -> None:
    model = nn.Conv2d(3, 8, 1)
    assert shown(measured(model, inputs=(2, 3, 8, 8))) == [("Conv2d", "2x3x8x8")]
    assert shown(measured(model)) == [("Conv2d", "1x3x224x224")]
    costs = counted(model, inputs=(1, 3, 8, 8)).costs
    assert {name: each.flops for name, each in costs.items()} == {"Conv2d": 3 * 8 * 64}
    assert counted(model, nn.ReLU(), inputs=torch.zeros(1, 3, 8, 8)).costs["ReLU"].flops == 0


def test_a_name_is_one_of_the_command_line(
    nets: str, measured: Callable[..., Run], counted: Callable[..., Counts]
) -> None:
    assert shown(measured(f"{nets}:tiny")) == [(f"{nets}:tiny", "1x3x16x16")]
    assert shown(measured("shufflenet-v2-0.5x")) == [("shufflenet-v2-0.5x", "1x3x224x224")]
    ids = "1x5:int64:0..99"
    assert shown(measured(f"{nets}:tokens", inputs=ids)) == [(f"{nets}:tokens", "1x5:int64")]
    assert shown(measured(f"{nets}:tokens", inputs=torch.zeros(1, 7, dtype=torch.int64))) == [
        (f"{nets}:tokens", "1x7:int64")
    ]
    assert set(counted(f"{nets}:tiny", "shufflenet-v2-0.5x").costs) == {f"{nets}:tiny", "shufflenet-v2-0.5x"}


def test_a_mapping_takes_every_kind_of_network(nets: str, measured: Callable[..., Run]) -> None:
    networks = {"mine": nn.Conv2d(3, 4, 1), "theirs": "shufflenet-v2-0.5x", "named": f"{nets}:tiny"}
    assert shown(measured(networks)) == [
        ("mine", "1x3x224x224"),
        ("theirs", "1x3x224x224"),
        ("named", "1x3x16x16"),  # its own example inputs
    ]
    assert shown(measured(networks, inputs=(2, 3, 64, 64))) == [(name, "2x3x64x64") for name in networks]
    with pytest.raises(UserError, match="unknown network 'resnet-5': did you mean"):
        measured({"x": "resnet-5"})


def test_a_module_takes_the_texts_of_the_command_line(measured: Callable[..., Run]) -> None:
    run = measured(nn.Embedding(100, 4), inputs="2x5:int64:0..99")
    assert shown(run) == [("Embedding", "2x5:int64")]
    assert run.records[0].family.batch == 2
    with pytest.raises(UserError, match=r"an input is \[NAME=\]SIZES"):
        measured(nn.ReLU(), inputs=["1x3x8x8", "?"])


def test_guidelines_and_suites_come_before_networks(measured: Callable[..., Run]) -> None:
    assert {each.family.guideline for each in measured("G2", width=16).records} == {"g2"}
    with pytest.raises(UserError, match="unknown guideline, suite or network 'shufflenet-v2-1': did you mean"):
        measured("shufflenet-v2-1")
    with pytest.raises(UserError, match="unknown setting 'width'"):
        measured("shufflenet-v2-0.5x", width=16)


def test_what_has_no_name_of_its_own_says_what_to_give(counted: Callable[..., Counts]) -> None:
    with pytest.raises(UserError, match="two networks are named ReLU: give a mapping from names to networks"):
        counted(nn.ReLU(), nn.ReLU())
    with pytest.raises(UserError, match="there is no network: give"):
        counted()
    with pytest.raises(UserError, match="int is no network but of type int: give a torch"):
        counted(3)
