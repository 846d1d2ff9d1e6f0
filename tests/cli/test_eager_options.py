"""`--runtime eager:fold` and the other options of eager: what is timed, what is recorded, and what is refused."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli.errors import UserError
from benchcli.workers.tools import Tools
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
FAKE = ("--device", "fake", "--launches", "2")
NETS = """
import torch
from torch import nn

class Dictionary(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.norm, self.act = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU()

    def forward(self, x, *, mask):
        y = self.act(self.norm(self.conv(x)))
        return {"b": y * mask, "a": y.mean((2, 3))}

made = Dictionary()

def dictionary():
    return made

def plain():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))

dictionary.example_inputs = {"x": torch.ones(1, 3, 8, 8), "mask": torch.ones(1, 8, 1, 1)}
plain.example_inputs = torch.ones(1, 3, 8, 8)
"""
BOTH = ("network", "of_mine:dictionary", "of_mine:plain")


@pytest.fixture(autouse=True)
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, measured_anew: None) -> None:
    (tmp_path / "of_mine.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)


def rows_of(found: Outcome) -> dict[tuple[str, str], dict[str, str]]:
    return {(row["runtime"], row["variant"]): row for row in csv.DictReader(io.StringIO(found.out))}


def test_a_network_with_nothing_to_change_is_not_timed_as_if_it_were_changed(cli: Cli) -> None:
    options = ("eager", "eager:inplace+fold", "eager:frozen", "eager:fold+frozen")
    found = cli(*BOTH, *FAKE, "--runtime", ",".join(options), "--format", "csv")
    rows = rows_of(found)
    assert found.code == 4
    assert len(rows) == 8
    failures = {key: row["error"] for key, row in rows.items() if row["status"] != "ok"}
    why = "no batch normalisation alone reads the output of a convolution or linear layer: leave fold out"
    assert failures == {(name, "of_mine:plain"): why for name in ("eager:fold+inplace", "eager:fold+frozen")}
    assert {row["status"] for key, row in rows.items() if key in failures} == {"unsupported"}
    timed = [row for key, row in rows.items() if key not in failures]
    assert {bool(row["output_error"]) for row in timed if row["runtime"] != "eager"} == {True}
    assert {row["output_error"] for row in timed if row["runtime"] == "eager"} == {""}
    assert all(float(row["output_error"] or 0) < 1e-5 for row in timed)


def test_one_network_that_a_function_returns_again_is_changed_in_each_family(cli: Cli) -> None:
    found = cli(
        BOTH[0],
        BOTH[1],
        *FAKE,
        "--runtime",
        "eager:fold",
        "--batch",
        "1,2",
        "--format",
        "csv",
        "--input",
        "x=1x3x8x8",
        "--input",
        "mask=1x8x1x1",
    )
    assert found.code == 0, found.err
    assert len(found.out.splitlines()) == 3


def test_a_wrong_output_is_no_time(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchcli.backends.transforms.fold.fold_into", lambda layer, norm: layer.weight.mul_(2))
    found = cli(BOTH[0], BOTH[1], *FAKE, "--runtime", "eager,eager:fold", "--format", "csv")
    row = rows_of(found)["eager:fold", BOTH[1]]
    assert (found.code, row["status"], row["median_s"]) == (4, "wrong-output", "")
    assert "from eager float32, where 1e-03 is allowed" in row["error"]


def test_the_name_is_one_whatever_the_order_of_the_options(cli: Cli) -> None:
    for number, name in enumerate(("eager:fold+inplace", "eager:inplace+fold", "EAGER:Inplace+FOLD")):
        found = cli(BOTH[0], BOTH[1], *FAKE, "--runtime", name, "--output", str(number))
        assert found.code == 0, found.err
    facts = [json.loads((Path(str(number)) / "environment.json").read_text()) for number in range(3)]
    assert {each["target"]["runtime"] for each in facts} == {"eager:fold+inplace"}
    assert len({each["digest"] for each in facts}) == 1
    cli(BOTH[0], BOTH[1], *FAKE, "--output", "plain")
    assert json.loads(Path("plain/environment.json").read_text())["digest"] != facts[0]["digest"]


def test_layers_and_breakdowns_are_those_of_the_changed_network(cli: Cli) -> None:
    found = cli(BOTH[0], BOTH[1], *FAKE, "--runtime", "eager:fold", "--layers", "--breakdown", "--output", "run")
    assert found.code == 0, found.err
    rows = csv.DictReader(Path("run/layers.csv").read_text().splitlines())
    layers = {row["path"]: row["kind"] for row in rows}
    assert layers["norm"] == "Identity"
    assert layers["conv"] == "Conv2d"


@pytest.mark.parametrize(
    ("option", "why"),
    [
        ("--breakdown", "--breakdown shows operators as the network calls them, and TorchScript runs others: leave"),
        ("--layers", "--layers calls the modules one by one, which TorchScript does not: leave it out, or leave"),
    ],
)
def test_what_a_frozen_network_does_not_show_is_refused(cli: Cli, option: str, why: str) -> None:
    found = cli(*BOTH, *FAKE, "--runtime", "eager:fold+frozen", option)
    assert found.code == 2
    assert why in found.err


def test_training_steps_are_refused(cli: Cli) -> None:
    found = cli(BOTH[0], BOTH[1], *FAKE, "--runtime", "eager,eager:fold", "--step", "train", "--format", "csv")
    rows = rows_of(found)
    assert rows["eager", BOTH[1]]["status"] == "ok"
    assert rows["eager:fold", BOTH[1]]["error"] == "eager:fold computes no gradients: give --runtime eager"


def test_modules_are_changed_in_copies_in_python(tools: Callable[[], Tools]) -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
    run = benchcli.measure(
        network,
        inputs=torch.ones(1, 3, 8, 8),
        runtime=["eager", "eager:fold"],
        device="fake",
        launches=2,
        tools=tools(),
    )
    assert [(each.target.runtime, each.failure) for each in run.records] == [("eager", None), ("eager:fold", None)]
    assert isinstance(network[1], nn.BatchNorm2d)
    with pytest.raises(UserError, match="unknown option of eager 'fuse': known: fold, inplace, frozen"):
        benchcli.measure(network, runtime="eager:fuse", device="fake")


def test_versions_are_compared_with_both_changed(cli: Cli) -> None:
    for folder, layers in (("old", 20), ("same", 20), ("new", 30)):
        Path(folder).mkdir()
        body = f"*[each for _ in range({layers}) for each in (nn.Conv2d(16, 16, 1), nn.BatchNorm2d(16))]"
        code = f"# {folder}\nfrom torch import nn\ndef net():\n    return nn.Sequential({body})\n"
        Path(folder, "theirs.py").write_text(code)
    Path("ours.toml").write_text('[[family]]\nname = "net"\nnetwork = "theirs:net"\nshape = [16, 28, 28]\n')
    arguments = ("--device", "fake", "--runtime", "eager:fold", "--allow", "costs,output")
    found = cli("check", "ours.toml", "--base", "old", "--head", "new", *arguments)
    assert found.code == 3, found.out + found.err
    assert found.out.startswith("base old · head new · fake · 1 thread · eager:fold")
    assert cli("check", "ours.toml", "--base", "old", "--head", "same", *arguments).code == 0


def test_options_are_listed_with_what_they_change(cli: Cli) -> None:
    found = cli("list", "runtimes", "eager*").out
    assert [line.split()[0] for line in found.splitlines()[1:] if line] == [
        "eager",
        "eager:fold",
        "eager:inplace",
        "eager:frozen",
    ]
