"""`benchcli block` and `benchcli network` on the fake device, with networks that go wrong beside good ones."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Outcome

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
FAKE = ("--device", "fake", "--launches", "6", "--output", "run")
OWN = """
import torch
from torch import nn

class Wrong(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind, self.first = kind, nn.Conv2d(3, 4, 3)

    def forward(self, images, mask=None):
        output = self.first(images)
        if self.kind == "dictionary":
            return {"out": output}
        if self.kind == "random":
            return output + torch.rand(())
        if self.kind == "two":
            return self.first(images) + mask
        return output

def colours(): raise RuntimeError("\x1b[31mred\x1b[0m")
def fine(): return Wrong("fine")
def dictionary(): return Wrong("dictionary")
def random(): return Wrong("random")
def two(): return Wrong("two")
def raises(): raise RuntimeError("no weights here")
def function(): return lambda images: images
def needs(width): return Wrong("fine")
def channels(): return nn.Conv2d(4, 4, 3)
"""


def test_blocks_at_equal_flops(cli: Cli, golden: Golden) -> None:
    found = cli("block", "shufflenet-v2", "shufflenet-v1-g3", "mobilenet-v2", "resnext", "--width", "64", *FAKE)
    assert found.code == 0
    golden("block.table.txt", found.out)


def test_blocks_of_stride_two_in_several_batches(cli: Cli, golden: Golden) -> None:
    names = ("shufflenet-v2", "mobilenet-v1")
    found = cli("block", *names, "--width", "32", "--size", "8", "--stride", "2", "--batch", "1,2", *FAKE)
    assert found.code == 0
    golden("block-stride-2.table.txt", found.out)


def test_every_block_is_measured_where_none_is_named(cli: Cli) -> None:
    found = cli("block", "--width", "32", "--size", "4", "--units", "1", *FAKE, "--format", "csv")
    assert found.code == 0
    assert [line.split(",")[15] for line in found.out.splitlines()[1:]] == ["ok"] * 15


def test_networks_of_a_group_beside_their_published_error(cli: Cli, golden: Golden) -> None:
    found = cli("network", "--group", "40", *FAKE)
    assert found.code == 0
    golden("network.table.txt", found.out)
    data = json.loads(cli("network", "--group", "40", "--resume", "run", *FAKE[:4], "--format", "json").out)
    assert data["records"][0]["top1_error_percent"] == 39.7


def test_an_error_is_not_shown_beside_an_input_that_it_was_not_published_for(cli: Cli) -> None:
    found = cli("network", "shufflenet-v2-0.5x", "mobilenet-v1-0.25", "--size", "64", *FAKE)
    assert "39.7" not in found.out
    assert "frontier," not in found.out


@pytest.fixture
def own(tmp_path: Path) -> None:
    (tmp_path / "mynet.py").write_text(OWN, encoding="utf-8")
    (tmp_path / "unfinished.py").write_text("def build(:", encoding="utf-8")


@pytest.mark.usefixtures("own")
def test_networks_of_ones_own_that_go_wrong_are_rows_and_the_others_are_measured(cli: Cli) -> None:
    wrong = {
        "mynet:random": ("wrong-output", "its output differs from call to call"),
        "mynet:two": ("failed", "NoneType"),
        "mynet:raises": ("failed", "RuntimeError: no weights here"),
        "mynet:needs": ("failed", "missing 1 required positional argument: 'width'"),
        "mynet:channels": ("failed", "to have 4 channels, but got 3 channels instead"),
        "mynet:colours": ("failed", "RuntimeError: [31mred [0m"),
    }
    found = cli("network", "mynet:fine", "mynet:dictionary", *wrong, "--size", "16", *FAKE, "--format", "json")
    assert found.code == 4
    rows = {row["variant"]: row for row in json.loads(found.out)["records"]}
    assert rows["mynet:fine"]["status"] == rows["mynet:dictionary"]["status"] == "ok"
    for name, (status, error) in wrong.items():
        assert rows[name]["status"] == status
        assert error in rows[name]["error"]
        assert "\n" not in rows[name]["error"]


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("mynet:function", "returned function, not a torch.nn.Module"),
        ("unfinished:build", "unfinished cannot be imported from"),
        ("mynet:gone", "unknown callable 'gone'"),
        ("nowhere.at_all:build", "nowhere.at_all:build: no module nowhere in "),
    ],
)
def test_what_is_not_there_ends_the_run_before_anything_is_created(
    cli: Cli, tmp_path: Path, name: str, error: str
) -> None:
    found = cli("network", "mynet:fine", name, "--size", "16", *FAKE)
    assert found.code == 2
    assert error in found.err
    assert not (tmp_path / "run").exists()
    assert cli("costs", name).code == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("network", "shufflenet-v2-3x"), "did you mean shufflenet-v2-2x"),
        (("network", "--group", "150"), "no networks of about 150 MFLOPs: known: 40, 140, 300, 500"),
        (("network", "--group", "many"), "a group must be a whole number"),
        (("network", "resnet-50", "--group", "40"), "give networks or a --group of them, not both"),
        (("network", "resnet-50", "resnet-50"), "a network is named twice"),
        (("network", "shufflenet-v1-1x-g3", "--size", "31"), "--size 31: shufflenet-v1-1x-g3 takes inputs from 32×32"),
        (("network", "torchvision:"), "names no network"),
        (("network", ":build"), "names no network"),
        (("network", "benchcli:build"), "names no network"),
        (("network", "mynet.py"), "'mynet.py' is a file: write mynet:callable"),
        (("network", "mynet.py:build"), "'mynet.py:build' names a file: write mynet:build"),
        (("network", "./models/mynet:build"), "write models.mynet:build, the module without .py and with dots"),
        (("network", "resnet-50", "--breakdown", "--cache", "cold"), "traces calls with warm caches"),
        (("block", "resnett"), "did you mean resnet"),
        (("block", "resnet", "resnet"), "a block is named twice"),
        (("block", "all", "resnet"), "a block is named twice"),
        (("block", "--width", "63"), "63 is odd: the nearest are 62 and 64"),
        (("block", "--stride", "3"), "a stride must be from 1 to 2"),
        (("block", "--stride", "2", "--size", "1"), "is too long for 1×1"),
        (("block", "--width", "2"), "already exceeds the FLOPs to match"),
    ],
)
def test_what_cannot_be_measured_is_said_in_one_line(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    found = cli(*arguments, *FAKE)
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert said in found.err
    assert not Path("run").exists()


def test_a_suite_takes_blocks_and_networks_by_name(cli: Cli) -> None:
    Path("mine.toml").write_text(
        "[[family]]\nblocks = ['shufflenet-v2', 'mobilenet-v1']\nwidth = 16\nsize = 8\nunits = 2\n"
        "[[family]]\nnetworks = ['shufflenet-v1-0.25x-g1']\nsize = 32\n",
        encoding="utf-8",
    )
    found = cli("run", "mine.toml", *FAKE, "--format", "csv")
    assert found.code == 0
    assert [line.split(",")[3] for line in found.out.splitlines()[1:]] == ["blocks", "blocks", "networks"]


@pytest.mark.parametrize(
    ("family", "said"),
    [
        ("group = 40\nblocks = 'all'", "blocks or a group of networks, not both"),
        ("group = 41", "no networks of about 41 MFLOPs"),
        ("blocks = ['resnet', 'resnet']", "has a value twice"),
        ("blocks = ['resnett']", "did you mean resnet"),
        ("blocks = 'all'\nscales = 2", "'scales' is a key of a family of a guideline, not of this one: known: "),
        ("networks = ['resnet-51']", "did you mean resnet-50"),
        ("networks = []", "empty list"),
        ("width = 3", "a family needs one of: a guideline, blocks"),
    ],
)
def test_what_a_suite_has_wrong_is_said_with_its_line(cli: Cli, family: str, said: str) -> None:
    Path("mine.toml").write_text(f"[[family]]\n{family}\n", encoding="utf-8")
    found = cli("run", "mine.toml", *FAKE)
    assert found.code == 2
    assert said in found.err
    assert found.err.startswith("benchcli: mine.toml:")


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "mobilenet-v2",
            "'mobilenet-v2' begins several names: did you mean mobilenet-v2-1.0? known: ",
        ),
        ("shufflenet-v2", "did you mean shufflenet-v2-1x? known: shufflenet-v2-0.5x,"),
        ("resnet", "did you mean resnet-50? known: resnet-50, resnet-50-2016\n"),
        ("nets", "'nets' names no network, but nets.py is here: write nets:gru, nets:Part\n"),
        ("broken", "'broken' names no network, but broken.py is here: write broken:callable\n"),
    ],
)
def test_a_part_of_a_name_gets_the_names_that_are_meant(cli: Cli, name: str, sentence: str) -> None:
    Path("nets.py").write_text("def gru(): ...\n\nclass Part: ...\n\ndef _part(): ...\n")
    Path("broken.py").write_text("def (")
    found = cli("network", name)
    assert found.code == 2
    assert sentence in found.err
