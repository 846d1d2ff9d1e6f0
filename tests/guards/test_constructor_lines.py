"""Where the modules of a network are made."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchcli.guards.code_versions import find, release
from benchcli.guards.constructor_lines import constructor_lines
from benchcli.schema import Source, Variant

CODE = """
from torch import nn

class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)  # line 7

class Block(Base):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(8, 8, 1),  # line 13
            nn.ReLU(),
        )
        self.many = nn.Sequential(*[nn.Conv2d(8, 8, 1) for _ in range(2)])  # line 16
        self.listed = nn.ModuleList([
            nn.Conv2d(8, 8, 1),
            nn.Conv2d(8, 4, 1),  # line 19
        ])
        self.add_module("added", nn.Conv2d(8, 8, 1))  # line 21
        for name in ("one", "two"):
            setattr(self, name, nn.Conv2d(8, 8, 1))

class Whole(nn.Module):  # line 25
    def __init__(self):
        super().__init__()
        self.block: nn.Module = Block()  # line 28

def build(): return Whole()
def bare(): return nn.Sequential(nn.Conv2d(3, 8, 1), Block())
"""


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    (tmp_path / "making.py").write_text(CODE)
    yield Source(str(tmp_path), "first")
    release()
    sys.modules.pop("making", None)


def lines(source: Source, name: str, *paths: str) -> dict[str, int]:
    network: torch.nn.Module = find(f"making:{name}", source)()
    found = constructor_lines(network, paths, Variant("v", f"making:{name}", {}, (1,), "1", source))
    assert {file for file, _ in found.values()} <= {"making.py"}
    return {path: line for path, (_, line) in found.items()}


def test_a_module_is_made_where_init_assigns_it(source: Source) -> None:
    assert lines(
        source, "build", "block", "block.stem", "block.body.0", "block.many.1", "block.listed.1", "block.added"
    ) == {
        "block": 28,
        "block.stem": 7,
        "block.body.0": 13,
        "block.many.1": 16,
        "block.listed.1": 19,
        "block.added": 21,
    }


def test_what_no_line_assigns_goes_by_the_class_or_the_module_that_holds_it(source: Source) -> None:
    assert lines(source, "build", "block.one", "", "block.gone.at_all") == {"block.one": 9}
    assert lines(source, "bare", "0", "1", "1.two") == {"1": 9, "1.two": 9}


def test_what_ships_has_no_lines() -> None:
    network = torch.nn.Sequential(torch.nn.ReLU())
    assert constructor_lines(network, ["0"], Variant("v", "benchcli:network/x", {}, (1,), "1")) == {}
