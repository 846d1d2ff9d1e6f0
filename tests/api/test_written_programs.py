"""Networks that are written with transforms applied: what the file holds, and what is said where there is none."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from benchcli.api.transformed import WrittenProgram, write_transformed
from benchcli.errors import UserError
from benchcli.runs import own_files
from benchcli.workers.tools import Tools

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

class Branching(Dictionary):
    def forward(self, x, *, mask):
        return super().forward(x, mask=mask) if float(x.sum()) > 0 else {"a": x}

def dictionary():
    return Dictionary()

def branching():
    return Branching()

def plain():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True))

def random():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), Noise())

class Noise(nn.Module):
    def forward(self, x):
        return x + torch.rand_like(x)

dictionary.example_inputs = branching.example_inputs = {"x": torch.rand(1, 3, 8, 8), "mask": torch.ones(1, 8, 1, 1)}
plain.example_inputs = random.example_inputs = torch.ones(1, 3, 8, 8)
"""


@pytest.fixture
def write(tmp_path: Path, tools: Callable[[], Tools], monkeypatch: pytest.MonkeyPatch) -> Callable[..., WrittenProgram]:
    (tmp_path / "of_ours.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)

    def write(network: object, transforms: str = "fold", path: str = "net.pt2", **more: object) -> WrittenProgram:
        return write_transformed(network, transforms, path, tools=tools(), **more)

    return write


Write = Callable[..., WrittenProgram]


def operators(path: Path) -> list[str]:
    graph = torch.export.load(path).graph
    return [each.target._schema.name for each in graph.nodes if each.op == "call_function"]


def test_a_program_has_the_networks_signature_and_none_of_what_was_folded(write: Write) -> None:
    written = write("of_ours:dictionary", "inplace+fold")
    assert (written.path, written.places) == (Path("net.pt2"), {"fold": 1, "inplace": 1})
    assert own_files.is_own(written.path)
    assert not own_files.wrote(written.path)
    assert 0 < written.output_error < 1e-5
    assert operators(written.path) == ["aten::conv2d", "aten::relu_", "aten::mul", "aten::mean"]
    loaded = torch.export.load(written.path).module()
    found = loaded(x=torch.ones(1, 3, 8, 8), mask=torch.zeros(1, 8, 1, 1))
    assert {name: tuple(each.shape) for name, each in found.items()} == {"b": (1, 8, 6, 6), "a": (1, 8)}
    assert not found["b"].any()
    assert [each.name for each in Path().iterdir() if each.name.startswith(".")] == []


def test_networks_that_ship_and_modules_are_written(write: Write) -> None:
    assert write("shufflenet-v2-0.5x", path="named.pt2").places == {"fold": 56}
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
    network[1].running_mean.fill_(3)  # type: ignore[operator]
    written = write(network, inputs=torch.rand(2, 3, 9, 9))
    given = torch.rand(2, 3, 9, 9)
    torch.testing.assert_close(torch.export.load(written.path).module()(given), network(given))
    torch.export.save(torch.export.load(written.path), "mine.pt2")
    assert not own_files.is_own(Path("mine.pt2"))
    assert isinstance(network[1], nn.BatchNorm2d)


@pytest.mark.parametrize(
    ("network", "transforms", "path", "why"),
    [
        ("of_ours:plain", "fold", "net.pt2", "is not written with eager:fold: no batch normalisation alone reads"),
        ("of_ours:branching", "fold", "net.pt2", "torch.export cannot write it: Could not guard on data-dependent"),
        ("of_ours:random", "fold", "net.pt2", "it differs by .* from eager float32"),
        ("of_ours:gone", "fold", "net.pt2", "of_ours:gone"),
        ("of_ours:plain", "frozen", "net.pt2", "torch.export takes no network that is traced .*: leave frozen out"),
        ("of_ours:plain", "fuse", "net.pt2", "unknown transform 'fuse': known: fold, inplace, frozen"),
        ("of_ours:plain", "fold", "net.pt", "net.pt does not end in .pt2, .*: name it net.pt2"),
        ("of_ours:plain", "fold", "gone/net.pt2", "cannot be written: name one in a folder that is there"),
    ],
)
def test_what_is_not_written_is_said_and_leaves_no_file(
    write: Write, network: str, transforms: str, path: str, why: str
) -> None:
    with pytest.raises(UserError, match=why) as raised:
        write(network, transforms, path)
    assert "\n" not in str(raised.value)
    assert {each.name for each in Path().iterdir()} <= {"of_ours.py", "__pycache__"}


def test_a_file_that_is_there_stays(write: Write) -> None:
    Path("net.pt2").write_text("mine")
    with pytest.raises(UserError, match=r"net\.pt2 is there: remove it, or name another file"):
        write("of_ours:dictionary")
    assert Path("net.pt2").read_text() == "mine"


def test_a_program_with_other_outputs_is_not_kept(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchcli.backends.transforms.fold.fold_into", lambda layer, norm: layer.weight.mul_(2))
    with pytest.raises(UserError, match=r"it differs by .* from eager float32, where 1e-03 is allowed"):
        write("of_ours:dictionary")
    assert not Path("net.pt2").exists()
