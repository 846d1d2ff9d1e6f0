import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchcli.backends.devices.base import DEVICES, Elapsed
from benchcli.sampling import rounds
from benchcli.sampling.bench import Bench
from benchcli.sampling.rounds import orders
from benchcli.schema import Key, Sample, Target
from benchcli.schema.protocol import LAUNCH, Task
from benchcli.system.counters import Usage

FAKE = DEVICES["fake"]
A, B, C = (("f", name) for name in "abc")
ONE_CALL = {A: 1, B: 1}


def task(**changes: float) -> Task:
    settings = {"seconds": 0.0, "rounds": 4, "most_seconds": 60.0, **changes}
    return Task(LAUNCH, Target(), (), {}, launch=2, **settings)  # type: ignore[arg-type]


def bench(seconds: float, asked: list[int] | None = None) -> Bench:
    def timer(calls: int) -> Elapsed:
        if asked is not None:
            asked.append(calls)
        return Elapsed(calls * seconds)

    return Bench(call=lambda: None, timer=timer, lead=lambda: timer(1))


def sampled(taken: Iterator[tuple[Key, Sample]]) -> list[Sample]:
    return [sample for _, sample in taken]


def test_each_square_gives_every_variant_every_place_once() -> None:
    names = ["a", "b", "c", "d"]
    rounds = list(itertools.islice(orders(names, random.Random(3)), 8))
    for square in (rounds[:4], rounds[4:]):
        for place in range(4):
            assert {order[place] for order in square} == set(names)
    assert rounds[:4] != rounds[4:]


def test_a_round_samples_every_variant_and_rounds_are_counted_from_zero() -> None:
    benches = {A: bench(0.01), B: bench(0.02)}
    samples = sampled(rounds.sample_rounds(benches, ONE_CALL, task(), random.Random(0), lambda _name: None))
    assert [sample.round for sample in samples] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert {sample.variant: sample.seconds for sample in samples} == {"a": 0.01, "b": 0.02}
    assert {sample.launch for sample in samples} == {2}


def test_a_launch_that_takes_too_long_ends_with_its_round() -> None:
    benches = {A: bench(1.0)}
    assert list(rounds.sample_rounds(benches, ONE_CALL, task(most_seconds=0.0), random.Random(0), lambda _: None)) == []


def test_sampling_ends_with_a_whole_square() -> None:
    benches = {key: bench(0.01) for key in (A, B, C)}
    calls = dict.fromkeys(benches, 1)
    samples = sampled(rounds.sample_rounds(benches, calls, task(rounds=4), random.Random(0), lambda _name: None))
    assert max(sample.round for sample in samples) + 1 == 6


def test_many_variants_need_no_square() -> None:
    benches = {("f", str(number)): bench(1.5 if number else 0.01) for number in range(rounds.MOST_IN_SQUARE + 1)}
    calls = dict.fromkeys(benches, 1)
    samples = sampled(rounds.sample_rounds(benches, calls, task(rounds=4), random.Random(0), lambda _name: None))
    assert len(samples) == 4 * len(benches)


def test_calls_per_sample_come_from_the_sample_length_and_the_clock() -> None:
    assert rounds.calls_per_sample(0.05, 1e-7) == 1
    assert rounds.calls_per_sample(0.003, 1e-7) == 2
    assert rounds.calls_per_sample(1e-6, 1e-7) == 5000
    assert rounds.calls_per_sample(0.01, 1e-3) == 100  # a clock of 1 ms asks for samples of 1 s
    assert rounds.calls_per_sample(0.0, 1e-7) == rounds.MOST_CALLS
    # A flush of 20 ms goes before each call of 5 us: 1,000 of them would take 20 s.
    assert rounds.calls_per_sample(5e-6, 1e-7, wall_s=0.02) == 15
    assert rounds.calls_per_sample(5e-6, 1e-7, wall_s=1.0) == 1
    assert rounds.calls_per_sample(0.01, 1e-3, wall_s=0.011) == 100  # long calls, and nothing that is not timed


def test_a_clock_that_stands_still_is_an_error_and_no_time() -> None:
    with pytest.raises(RuntimeError, match="the clock did not move during 5 calls"):
        rounds.take_sample(bench(0.0), "a", 5, 0, 0)


def test_an_untimed_call_goes_before_each_sample() -> None:
    asked: list[int] = []
    sample = rounds.take_sample(bench(0.001, asked), "a", 5, 0, 0)
    assert asked == [1, 5]
    assert sample.seconds == pytest.approx(0.001)


def test_a_sample_during_which_the_core_was_taken_away_is_excluded(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = itertools.count()
    monkeypatch.setattr(rounds, "usage", lambda: Usage(0, next(counter)))
    assert rounds.take_sample(bench(0.001), "a", 1, 0, 0).excluded == "preempted"
    monkeypatch.setattr(rounds, "usage", lambda: Usage(0, 7))
    assert rounds.take_sample(bench(0.001), "a", 1, 0, 0).excluded is None


def test_a_sample_under_a_clock_that_was_held_down_is_excluded() -> None:
    held = replace(bench(0.001), throttled=lambda: True)
    assert rounds.take_sample(held, "a", 1, 0, 0).excluded == "throttled"


def test_a_clock_that_jumps_back_costs_a_sample_and_not_the_run() -> None:
    readings = iter([-3.0, 0.004])
    jumping = Bench(call=lambda: None, timer=lambda _calls: Elapsed(next(readings)))
    sample = rounds.take_sample(jumping, "a", 2, 0, 0)
    assert sample.seconds == pytest.approx(0.002)
    assert sample.excluded == "clock"


def test_a_preempted_host_does_not_disturb_a_device_that_works_on(monkeypatch: pytest.MonkeyPatch) -> None:
    switches = itertools.count()
    monkeypatch.setattr(rounds, "usage", lambda: Usage(0, next(switches)))

    def excluded(host_s: float | None) -> str | None:
        queued = Bench(call=lambda: None, timer=lambda calls: Elapsed(0.01 * calls, host_s and host_s * calls))
        return rounds.take_sample(queued, "a", 4, 0, 0).excluded

    assert [excluded(host_s) for host_s in (None, 0.002, 0.0099)] == ["preempted", None, "preempted"]


def test_the_hosts_time_is_told_per_call() -> None:
    queued = Bench(call=lambda: None, timer=lambda calls: Elapsed(calls * 0.01, calls * 0.002))
    assert rounds.take_sample(queued, "a", 4, 0, 0).host_seconds == pytest.approx(0.002)


def test_faults_are_counted_per_call(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = itertools.count(step=300)
    monkeypatch.setattr(rounds, "usage", lambda: Usage(next(counter), 0))
    assert rounds.take_sample(bench(0.001), "a", 3, 0, 0).faults == 100


def test_a_system_that_counts_no_faults_leaves_them_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "usage", lambda: None)
    assert rounds.take_sample(bench(0.001), "a", 3, 0, 0).faults is None


def test_warm_up_goes_on_while_calls_get_faster() -> None:
    speeds = itertools.chain([1.0, 0.5, 0.25, 0.125], itertools.repeat(0.1))
    taken: list[float] = []

    def timer(calls: int) -> Elapsed:
        if calls == 1:
            taken.append(next(speeds))
        return Elapsed(taken[-1] * calls)

    warming = Bench(call=lambda: None, timer=timer)
    rounds.warm_up({A: warming}, task(), FAKE, random.Random(0), lambda _name: None)
    assert taken[-1] == 0.1


def test_warm_up_goes_on_while_calls_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    faults = itertools.chain([0, 50, 50, 90, 90, 95], itertools.repeat(95))
    announced: list[Key] = []
    monkeypatch.setattr(rounds, "usage", lambda: Usage(next(faults), 0))
    rounds.warm_up({A: bench(0.01)}, task(), FAKE, random.Random(0), announced.append)
    assert len(announced) == 4  # the first that neither faults nor is the first is the fourth


def test_warm_up_ends_even_where_nothing_settles(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = itertools.count()
    monkeypatch.setattr(rounds, "usage", lambda: Usage(next(counter), 0))
    announced: list[Key] = []
    rounds.warm_up({A: bench(0.01)}, task(), FAKE, random.Random(0), announced.append)
    assert len(announced) == rounds.WARM_UP_ROUNDS[1]


def test_the_collector_is_off_while_sampling_and_on_after() -> None:
    import gc

    during: list[bool] = []
    with rounds.no_collection():
        during.append(gc.isenabled())
    assert not any(during)
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_what_a_call_forks_ends_with_the_call() -> None:
    """A fork at each call: what forked would sample and fork on and on."""
    out, into = os.pipe()

    def timer(calls: int) -> Elapsed:
        if os.fork() == 0:
            os.write(into, b"f")
        return Elapsed(calls * 0.001)

    forking = Bench(call=lambda: None, timer=timer)
    for number in range(3):
        rounds.take_sample(forking, "a", 1, 0, number)
    codes = [os.waitstatus_to_exitcode(os.wait()[1]) for _ in range(3)]
    os.close(into)
    assert codes == [1, 1, 1]
    assert os.read(out, 100) == b"fff"
    os.close(out)
