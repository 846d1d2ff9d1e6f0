"""A check of what its host limits never says that the device is as fast as before."""

from pathlib import Path

import pytest

from tests.cli.test_check import Cli
from tests.conftest import Outcome

NET = """from torch import nn
def build(width=4): return nn.Conv2d(3, width, 1)
"""
SUITE = """[[family]]
name = "mine"
network = "net:build"
shape = [3, {size}, {size}]
"""


def checked(cli: Cli, size: int, *options: str) -> Outcome:
    for side in ("base", "head"):
        Path(side).mkdir(exist_ok=True)
        (Path(side) / "net.py").write_text(NET)
    Path("mine.toml").write_text(SUITE.format(size=size))
    arguments = ("check", "mine.toml", "--base", "base", "--head", "head", "--device", "fake", *options)
    return cli(*arguments, "--output", f"out{size}{len(options)}")


@pytest.mark.usefixtures("tmp_path")
def test_host_bound_is_never_the_same(cli: Cli) -> None:
    bound = checked(cli, 8)
    assert bound.code == 4
    assert "the host was timed, and not the device, which may be slower in head: give --runtime graph" in bound.out
    assert checked(cli, 1024).code == 0
    assert checked(cli, 64, "--runtime", "graph").code == 0
