import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from benchcli.backends.devices.base import DEVICES, Elapsed
from benchcli.noise.pace import PATIENCE_S, Cores, Pace, marked, usual
from benchcli.sampling import rounds
from benchcli.sampling.bench import Bench
from benchcli.sampling.timings import timing
from benchcli.schema import Sample
from benchcli.statistics import launch_log_ratios, launch_log_seconds
from benchcli.system.counters import Usage
from tests import values

USUAL_S, SLOW_S = 2e-5, 3.2e-5


def paced(*readings: float, then: float = USUAL_S) -> Pace:
    """Return a pace whose readings are these, and after them another one again and again."""
    ahead = iter(readings)
    return Pace(lambda: next(ahead, then), usual_s=USUAL_S)


def sample(variant: str, launch: int, number: int, seconds: float, pace_s: float | None = USUAL_S) -> Sample:
    return replace(values.sample(variant, launch, number, seconds), pace_s=pace_s)


def bench(of: Pace, seconds: Callable[[], float]) -> Bench:
    return Bench(call=lambda: None, timer=lambda calls: Elapsed(calls * seconds()), pace=of)


def test_a_slow_core_is_left_for_another_one_until_one_is_at_its_usual_pace() -> None:
    moves: list[int] = []
    looking = paced(SLOW_S, SLOW_S, USUAL_S)
    looking.move = lambda: moves.append(1)
    assert looking.look_for_usual() == USUAL_S
    assert len(moves) == 2
    assert looking.waited_s >= 2 * SLOW_S


def test_patience_ends_where_no_core_is_at_its_usual_pace() -> None:
    hopeless = Pace(lambda: 0.4, usual_s=USUAL_S)
    assert hopeless.look_for_usual() == 0.4
    assert PATIENCE_S <= hopeless.waited_s < PATIENCE_S + 1
    assert not hopeless.is_patient


def test_a_faster_reading_becomes_the_usual_pace() -> None:
    first = Pace(lambda: SLOW_S)
    assert not first.is_slow(first.read())
    assert first.usual_s == SLOW_S


def test_an_accelerator_has_no_pace() -> None:
    assert DEVICES["cuda"].pace() is None
    assert Pace().look_for_usual() is None
    assert rounds.take_sample(bench(Pace(), lambda: 0.01), "a", 1, 0, 0).pace_s is None


def test_the_processor_does_its_piece_of_work_in_one_thread_of_the_core() -> None:
    work = DEVICES["cpu"].pace()
    assert work is not None
    assert 0 < min(work() for _ in range(20)) < 0.01


@pytest.mark.measured
def test_the_piece_of_work_is_the_same_with_several_threads() -> None:
    """A library that divides it among torch's threads takes another time with each number of them."""
    program = (
        "import psutil, torch\nfrom benchcli.backends.devices.base import DEVICES\ntorch.set_num_threads(2)\n"
        "work, process = DEVICES['cpu'].pace(), psutil.Process()\nbefore = process.num_threads()\nwork()\n"
        "after_pace = process.num_threads()\ntorch.ones(2**22).exp()\nprint(before, after_pace, process.num_threads())"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    before, after_pace, with_threads = map(int, found.stdout.split())
    assert before == after_pace
    assert with_threads > before  # else the test could not fail


def test_a_sample_at_whose_end_the_core_was_slow_is_repeated() -> None:
    seconds = iter([0.016, 0.01])
    of = paced(USUAL_S, SLOW_S, USUAL_S, USUAL_S)  # before and after each of two samples
    taken = rounds.take_sample(bench(of, lambda: next(seconds)), "a", 1, 0, 0)
    assert taken.seconds == 0.01
    assert taken.pace_s == USUAL_S


def test_a_sample_stays_as_it_is_once_patience_has_ended() -> None:
    of = paced(then=SLOW_S)
    of.waited_s = PATIENCE_S
    taken = rounds.take_sample(bench(of, lambda: 0.016), "a", 1, 0, 0)
    assert taken.pace_s == SLOW_S


def test_cores_take_turns_and_the_process_may_use_all_of_them_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, cores: asked.append(set(cores)), raising=False)
    cores = Cores(turn=4)
    cores.move()
    cores.move()
    assert asked == [{5}, {3, 5}, {3}, {3, 5}]


def test_a_single_core_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0}, raising=False)
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: pytest.fail("moved"), raising=False)
    Cores().move()


def test_the_usual_pace_is_that_of_the_faster_samples_though_most_are_slow() -> None:
    samples = [sample("a", 0, n, 0.01, SLOW_S if n < 80 else USUAL_S) for n in range(100)]
    assert usual(samples) == USUAL_S
    assert usual([]) is None
    assert usual([sample("a", 0, 0, 0.01, None)]) is None
    assert usual([sample("a", 0, 0, 0.01)]) == USUAL_S


def test_what_was_sampled_on_a_slow_core_is_marked_and_keeps_an_earlier_reason() -> None:
    preempted = replace(sample("a", 0, 0, 0.01, SLOW_S), excluded="preempted")
    found = marked([sample("a", 0, 1, 0.01), sample("a", 0, 2, 0.01, SLOW_S), preempted], USUAL_S)
    assert [each.excluded for each in found] == [None, "slow-core", "preempted"]
    assert [each.excluded for each in marked([sample("a", 0, 0, 1.0, SLOW_S)], None)] == [None]


def shared(launches: int, slow: int) -> dict[str, list[Sample]]:
    """Return samples of two networks: 2 times as fast, but equally fast on a slow core, as in the first launches."""
    of = {"a": (0.02, 0.02), "b": (0.01, 0.02)}
    return {
        name: marked(
            [
                sample(name, n, r, seconds[n < slow], SLOW_S if n < slow else USUAL_S)
                for n in range(launches)
                for r in range(4)
            ],
            USUAL_S,
        )
        for name, seconds in of.items()
    }


def test_launches_on_a_slow_core_do_not_count_where_six_others_do() -> None:
    samples = shared(launches=10, slow=4)
    assert set(launch_log_ratios(samples["a"], samples["b"])) == set(range(4, 10))
    assert set(launch_log_seconds(samples["b"])) == set(range(4, 10))
    found = timing(samples["b"], samples["a"], is_baseline=False)
    assert found is not None
    assert found.relative is not None
    assert found.relative.estimate == pytest.approx(2.0)
    assert (found.launches, found.samples, found.slow, found.excluded) == (6, 24, 16, 0)
    assert not found.is_disturbed


def test_launches_on_a_slow_core_count_where_hardly_any_other_was_made() -> None:
    samples = shared(launches=10, slow=7)
    found = timing(samples["b"], samples["a"], is_baseline=False)
    assert found is not None
    assert found.relative is not None
    assert found.relative.estimate < 1.5
    assert (found.launches, found.samples, found.slow, found.excluded) == (10, 40, 0, 28)
    assert found.is_disturbed


def test_times_of_a_slow_core_are_taken_again() -> None:
    """The first reading before a time is usual, the second of the first time is slow."""
    looking = paced(USUAL_S, SLOW_S, USUAL_S, USUAL_S, USUAL_S, USUAL_S)
    times = iter((9.0, 1.0, 2.0))
    assert looking.usual_seconds(2, lambda: next(times)) == [1.0, 2.0]
    assert looking.waited_s > 0


def test_times_during_which_other_work_took_the_core_are_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([Usage(0, 0), Usage(0, 1), Usage(0, 1), Usage(0, 1)])
    monkeypatch.setattr("benchcli.noise.pace.usage", lambda: next(readings))
    looking = Pace(patience_s=1.0)
    times = iter((9.0, 1.0))
    assert looking.usual_seconds(1, lambda: next(times)) == [1.0]
    assert looking.gave_up == 0


def test_times_of_a_core_that_stays_slow_are_better_than_none() -> None:
    hopeless = Pace(lambda: 0.4, usual_s=USUAL_S, patience_s=0.0)
    assert hopeless.usual_seconds(3, lambda: 1.0) == [1.0, 1.0, 1.0]
    assert hopeless.gave_up == 1
