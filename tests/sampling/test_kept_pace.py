"""A run that is slow throughout is known by the runs before it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import benchcli
from benchcli.api.run_result import Run
from benchcli.noise.diagnosis import of_pace
from benchcli.sampling import kept_pace
from benchcli.sampling.artifact_cache import FOLDER
from benchcli.schema import Sample
from benchcli.schema.environment import Environment, Machine
from benchcli.schema.protocol import Conversation, Sampled, Task
from benchcli.schema.warnings import RunWarning
from tests.conftest import Outcome, inline

HERE = Environment("run", "2026-01-01T00:00:00Z", machine=Machine(cpu="one", cores=2), software={"torch": "2"})


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


def sample(pace_s: float | None) -> Sample:
    return Sample("net", 0, 0, 1, 1e-3, None, pace_s=pace_s)


def test_the_fastest_of_the_last_runs_counts(cache: Path) -> None:
    assert kept_pace.of_earlier_runs(HERE) is None
    kept_pace.keep(HERE, None)
    for seconds in (1e-5, *[2e-5] * 19):
        kept_pace.keep(HERE, seconds)
    assert kept_pace.of_earlier_runs(HERE) == 1e-5
    kept_pace.keep(HERE, 3e-5)
    assert kept_pace.of_earlier_runs(HERE) == 2e-5
    for other in ({"machine": Machine(cpu="two", cores=2)}, {"software": {"torch": "3"}}, {"machine": None}):
        assert kept_pace.of_earlier_runs(replace(HERE, **other)) is None


@pytest.mark.parametrize("content", ["", "{}", "[", '["a", -1.0, true]', "[" * 100_000])
def test_what_is_damaged_is_nothing_and_is_written_anew(cache: Path, content: str) -> None:
    kept_pace.keep(HERE, 1e-5)
    (file,) = (cache / "pace").iterdir()
    file.write_text(content)
    assert kept_pace.of_earlier_runs(HERE) is None
    kept_pace.keep(HERE, 2e-5)
    assert kept_pace.of_earlier_runs(HERE) == 2e-5


def test_a_folder_that_cannot_be_written_costs_nothing(cache: Path) -> None:
    cache.write_text("a file")
    kept_pace.keep(HERE, 1e-5)
    assert kept_pace.of_earlier_runs(HERE) is None


def test_a_slow_run_is_named_with_its_factor() -> None:
    slow = [sample(1.44e-5)] * 9
    assert list(of_pace(slow, 1e-5)) == [RunWarning("slow-run", 1.44)]
    assert list(of_pace(slow, 1.3e-5)) == list(of_pace(slow, None)) == list(of_pace([sample(None)], 1e-5)) == []


def test_a_run_that_is_slow_throughout_says_so(cache: Path, cli: Callable[..., Outcome]) -> None:
    def at(pace_s: float) -> Callable[[Task, float], Conversation]:
        def paced(task: Task, silence_s: float) -> Conversation:
            for event in inline(task, silence_s):
                yield (
                    Sampled(event.family, replace(event.sample, pace_s=pace_s)) if isinstance(event, Sampled) else event
                )
            return True

        return paced

    words = ("guideline", "g2", "--width", "16", "--device", "fake", "--launches", "6")
    first = cli(*words, "--output", "first", launcher=at(1e-5))
    second = cli(*words, "--output", "second", launcher=at(1.5e-5))
    assert (first.code, second.code) == (0, 0)
    said = "the core took 1.50 times as long for a fixed piece of work as in an earlier run here"
    assert (said in first.out, said in second.out) == (False, True)
    run = benchcli.load("second")
    assert isinstance(run, Run)
    (warning,) = {each for record in run.records for each in record.warnings}
    assert (warning.kind, warning.amount) == ("slow-run", 1.5)
