"""What a designer reads: rates, percentiles, an error of one's own, a sentence to quote, and where the code is from."""

import csv
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

import benchcli
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.sampling.timings import percentiles
from benchcli.system import git
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
MINE = """
from torch import nn

def build():
    return nn.Conv2d(3, 8, 3)
"""
FAKE = ("--size", "32", "--device", "fake", "--runtime", "graph", "--launches", "6", "--output", "run")


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_net.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)


def test_an_error_of_ones_own_stands_on_the_front(cli: Cli) -> None:
    found = cli("network", "mobilenet-v1-0.25", "my_net:build", "--error", "my_net:build=28.1", "--error",
                "mobilenet-v1-0.25=50%", *FAKE)  # fmt: skip
    assert found.code == 0
    assert "Pareto front, from fastest to most accurate: my_net:build" in found.out
    assert "my_net:build is" in found.out
    assert "times as fast as mobilenet-v1-0.25" in found.out
    assert "images/s" in found.out
    assert "GFLOP/s" in found.out
    run = benchcli.load("run")
    assert isinstance(run, Run)
    assert [record.variant.top1_error for record in run.records] == [50.0, 28.1]


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        ("28.1", "NAME=PERCENT, such as mine:build=28.1"),
        ("my_net:build=", "a percentage from 0 to 100"),
        ("my_net:build=281", "a percentage from 0 to 100"),
        ("my_net:build=-1", "a percentage from 0 to 100"),
        ("my_net:build=nan", "a percentage from 0 to 100"),
        ("my_net:biuld=28", "did you mean my_net:build"),
    ],
)
def test_an_error_that_is_none_is_answered(cli: Cli, error: str, way_out: str) -> None:
    found = cli("network", "my_net:build", "--error", error, *FAKE)
    assert found.code == 2
    assert way_out in found.err


def test_python_takes_errors_too(tools: Callable[[], object]) -> None:
    with pytest.raises(UserError, match="a percentage"):
        benchcli.network("my_net:build", errors={"my_net:build": 101.0})


def test_a_suite_takes_an_error(cli: Cli) -> None:
    Path("s.toml").write_text(
        '[[family]]\nname = "f"\nshape = [3, 32, 32]\nnetwork = "my_net:build"\n'
        'variant = [{name = "a", top1_error = 20}, {name = "b", top1_error = 30.5}]\n'
    )
    assert "30.5" in cli("run", "s.toml", *FAKE[2:]).out
    Path("s.toml").write_text(Path("s.toml").read_text().replace("30.5", '"many"'))
    found = cli("run", "s.toml", *FAKE[2:])
    assert found.code == 2
    assert "a percentage from 0 to 100" in found.err


def test_percentiles_need_a_thousand_calls() -> None:
    assert percentiles([0.001] * 999) is None
    found = percentiles([number / 1000 for number in range(1, 1001)])
    assert found
    assert (found.p50, found.p95, found.p99) == pytest.approx((0.5005, 0.95005, 0.99001))


def test_calls_are_timed_singly_where_it_is_asked_for(cli: Cli) -> None:
    found = cli("network", "my_net:build", "--percentiles", *FAKE)
    assert found.code == 0
    assert "p99 ms" in found.out
    run = benchcli.load("run")
    assert isinstance(run, Run)
    (record,) = run.records
    assert record.timing
    assert record.timing.percentiles
    assert record.timing.percentiles.p50 == pytest.approx(record.timing.seconds.estimate, rel=0.01)
    assert "p99" not in cli("network", "my_net:build", *FAKE[:-1], "other").out


def test_a_network_is_traced_back_to_its_commit(cli: Cli, tmp_path: Path) -> None:
    def run_git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)

    Path(".gitignore").write_text("__pycache__/\n")
    run_git("init", "--quiet")
    run_git("add", "my_net.py", ".gitignore")
    run_git("commit", "--quiet", "--message", "one")
    assert cli("network", "mobilenet-v1-0.25", "my_net:build", *FAKE).code == 0
    (code,) = json.loads((tmp_path / "run" / "environment.json").read_text())["code"]
    assert (code["file"], code["line"]) == ("my_net.py", 4)
    assert code["commit"] == git.commit_of(tmp_path, "HEAD")
    assert code["dirty"] is False  # what is untracked is the folder of the run
    shipped, own = csv.DictReader((tmp_path / "run" / "measurements.csv").read_text().splitlines())
    assert (shipped["code_file"], own["code_file"], own["code_line"]) == ("", "my_net.py", "4")
    assert own["code_sha256"] == code["sha256"]
    run = benchcli.load("run")
    assert isinstance(run, Run)
    assert run.records[1].code
    assert run.records[1].code.dirty is False
    assert run.records[0].code is None


def test_a_network_outside_of_a_repository_has_its_hash(cli: Cli, tmp_path: Path) -> None:
    assert cli("network", "my_net:build", *FAKE).code == 0
    (code,) = json.loads((tmp_path / "run" / "environment.json").read_text())["code"]
    assert (code["commit"], code["dirty"]) == (None, None)
    assert len(code["sha256"]) == 64
