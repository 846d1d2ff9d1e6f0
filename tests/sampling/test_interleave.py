"""Workers that are sampled in turn: real processes, what becomes of one that dies, and what a check leaves behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from benchcli.errors import NothingMeasuredError
from benchcli.sampling.evidence import Evidence
from benchcli.sampling.interleave import Interleaving
from benchcli.sampling.launch import questions
from benchcli.sampling.worker_reports import Collect, Failures
from benchcli.schema import Failure, Family, Plan, Target
from benchcli.schema.protocol import Conversation, Launcher, Question, Task, WorkerDied, decode_question, encode
from benchcli.workers.process import Workers
from tests.values import COSTS, family, variant

pytestmark = pytest.mark.measured
SIDES = ("base", "control", "head")
ROUNDS = 3


@pytest.fixture
def launchers(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Launcher]]:
    """A fork server for each side; faulty networks can be imported in them."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with ExitStack() as stack:
        yield {side: stack.enter_context(Workers()) for side in SIDES}


def pair(name: str, head: str) -> Family:
    kinds = {"base": "fine", "control": "fine", "head": head}
    return family(*(variant(side, kind) for side, kind in kinds.items()), name=name)


def evidence(*families: Family) -> Evidence:
    costs = {(each.name, side): COSTS for each in families for side in SIDES}
    return Evidence(Target(), Plan(silence_s=60, budget_s=20), costs, Failures(), 0, 0.0, ROUNDS)


def test_three_processes_take_turns_and_take_samples_of_one_length(launchers: dict[str, Launcher]) -> None:
    both = pair("a", "fine"), pair("b", "prints")
    take = Interleaving(launchers).collect
    found = evidence(*both)
    found.launch(both, take)
    counts = Counter({key: len(samples) for key, samples in found.samples.items()})
    assert counts == {(name, side): ROUNDS for name in ("a", "b") for side in SIDES}
    for name in ("a", "b"):
        assert len({s.calls for side in SIDES for s in found.samples[name, side]}) == 1
    (conditions,) = found.conditions["a"]
    assert conditions.cpu_s
    assert conditions.memory_bytes
    check_that_it_costs_the_others_nothing("raises_late", take)


@pytest.mark.parametrize("kind", ["exits", "raises", "dies_late", "raises_late"])
@pytest.mark.usefixtures("standing_in")
def test_what_goes_wrong_with_one_costs_the_others_nothing(kind: str, launchers: dict[str, Launcher]) -> None:
    check_that_it_costs_the_others_nothing(kind, Interleaving(launchers).collect)


def check_that_it_costs_the_others_nothing(kind: str, take: Collect) -> None:
    both = pair("a", "fine"), pair("b", kind)
    found = evidence(*both)
    found.launch(both, take)
    assert set(found.failures.by_key) == {("b", "head")}
    assert len(found.samples["a", "head"]) == ROUNDS


def test_workers_that_die_before_they_say_what_of_end_the_check() -> None:
    def dying(_task: Task, _silence_s: float) -> Conversation:
        yield WorkerDied(Failure("crashed", "no torch today"))
        return False

    one = pair("a", "fine")
    with pytest.raises(NothingMeasuredError, match="workers keep dying: no torch today"):
        evidence(one).launch([one], Interleaving(dict.fromkeys(SIDES, dying)).collect)


def test_questions_end_with_the_last_one_or_with_who_asks() -> None:
    asked = Question("family", "head", 3, 7)
    assert decode_question(encode(asked)) == asked
    lines = [encode(asked), encode(None), encode(asked)]
    assert list(questions(iter(lines).__next__)) == [asked]
    assert list(questions(lambda: "")) == []


@pytest.mark.skipif(os.name == "nt", reason="there is no sh on Windows")
def test_another_interpreter_runs_this_benchcli(tmp_path: Path) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    other.chmod(0o755)
    (tmp_path / "ours.toml").write_text('[[family]]\nguideline = "g2"\nvalues = [1, 2]\nwidths = 64\nsize = 16\n')
    command = ["-m", "benchcli", "check", "ours.toml", "--base", str(other), "--launches", "5", "--format", "json"]
    command += ["--device", "fake", "--only", "g2-x1/g=2"]
    root = str(Path(__file__).parents[2])
    found = subprocess.run(
        [sys.executable, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    data = json.loads(found.stdout)
    assert not data["environment"]["check"]["together"]
    assert data["environment"]["check"]["base"]["python"] == str(other)
    outcomes = {(each["variant"], each["subject"]): each["outcome"] for each in data["findings"]}
    assert outcomes["g=2", "costs"] == outcomes["g=2", "output"] == outcomes["g=2", "time"] == "same"


@pytest.mark.skipif(os.name == "nt", reason="signals are sent otherwise on Windows")
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_check_that_is_ended_leaves_no_process_and_no_folder(tmp_path: Path, number: int) -> None:
    for side in ("old", "new"):
        (tmp_path / side).mkdir()
        (tmp_path / side / "theirs.py").write_text("from torch import nn\ndef tower(): return nn.Conv2d(4, 4, 1)\n")
    suite = '[[family]]\nname = "a"\nnetwork = "theirs:tower"\nshape = [4, 8, 8]\n'
    (tmp_path / "ours.toml").write_text(suite)
    place = tmp_path / "temporary"
    place.mkdir()
    command = [sys.executable, "-m", "benchcli", "check", "ours.toml", "--base", "old", "--head", "new", "--separate"]
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 600
    while time.monotonic() < until and len(psutil.Process(process.pid).children(recursive=True)) < 3:
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert list(place.glob("benchcli-*"))
    process.send_signal(number)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "interrupted" in err
    assert not list(place.glob("benchcli-*"))
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []
