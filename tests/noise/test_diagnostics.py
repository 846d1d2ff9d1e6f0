from collections.abc import Sequence
from typing import Any

import pytest

from benchcli.noise import diagnosis
from benchcli.noise.diagnosis import before_launches, host_bound, launch_spread, of_launches, way_out
from benchcli.reports.advice import sentence
from benchcli.schema import Conditions, Sample, Target
from benchcli.schema.warnings import RunWarning, merged
from tests.values import conditions, sample

LAUNCHES = 6


def kinds(threads: int = 1, **changes: Any) -> list[str]:
    return [each.kind for each in of_launches([conditions(n, **changes) for n in range(LAUNCHES)], threads)]


def of_samples(samples: Sequence[Sample], seen: Sequence[Conditions]) -> list[RunWarning]:
    return list(diagnosis.of_samples(samples, seen, Target()))


def test_nothing_is_said_of_a_quiet_run() -> None:
    assert kinds() == []
    assert kinds(threads=2) == []


def test_what_disturbs_the_host_does_not_disturb_a_device_that_works_on() -> None:
    busy = [conditions(n, busy_cores=1.5, steal_cores=0.5, clock_hz=1e9) for n in range(LAUNCHES)]
    assert of_launches(busy, 1) != []
    assert of_launches(busy, 1, of_host=False) == []


def test_nothing_is_said_of_what_could_not_be_seen() -> None:
    unseen = dict.fromkeys(("busy_cores", "steal_cores", "pressure", "throttled_s", "frequency_hz", "major_faults"))
    assert kinds(threads=8, **unseen) == []
    assert of_launches([], 1) == []


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"busy_cores": 1.02}, RunWarning("busy", 1.0, launches=6, of_launches=6)),
        ({"steal_cores": 0.2}, RunWarning("steal", 0.2)),
        ({"throttled_s": 0.4}, RunWarning("quota", 0.4)),
        ({"major_faults": 12}, RunWarning("paging", 12)),
        ({"throttle_reasons": ("power brake", "heat")}, RunWarning("held-down", text="heat, power brake")),
        ({"clock_share": 0.6}, RunWarning("slow-clock", 0.6)),
        ({"clock_share": 0.8}, None),
        ({"power_capped": 0.5}, RunWarning("power-cap", 0.5)),
        ({"power_capped": 0.0}, None),
        ({"other_processes": 2, "utilisation": 0.97}, RunWarning("shared-device", 2, other=0.97)),
        ({"other_processes": 2, "utilisation": 0.0}, None),
        ({"other_processes": 0, "utilisation": 0.97}, None),
    ],
)
def test_each_disturbance_has_a_warning_of_its_own(changes: dict[str, Any], warning: RunWarning | None) -> None:
    warnings = [] if warning is None else [warning]
    assert of_launches([conditions(n, **changes) for n in range(LAUNCHES)], 1) == warnings


def test_a_power_cap_is_a_note_and_no_disturbance() -> None:
    assert not RunWarning("power-cap", 0.5).is_disturbance
    assert RunWarning("slow-clock", 0.6).is_disturbance


def test_two_ways_to_compute_explain_two_modes_of_the_time() -> None:
    seen = [conditions(n, kernels={"a": "f00" if n % 2 else "ba2"}) for n in range(LAUNCHES)]
    apart = [sample("a", n, 0, 0.00104 if n % 2 else 0.001) for n in range(LAUNCHES)]
    alike = [sample("a", n, 0, 0.001) for n in range(LAUNCHES)]
    assert (of_samples(apart, seen)) == [RunWarning("kernels", 2, other=0.04)]
    assert (of_samples(alike, seen)) == []
    assert (of_samples(apart, [conditions(n) for n in range(LAUNCHES)])) == []


def test_the_seconds_of_the_compiler_are_a_note_of_the_networks_that_it_compiled() -> None:
    seen = [conditions(n, compile_s={"a": 2.04 + n}) for n in range(LAUNCHES)]
    for name, found in (("a", [RunWarning("compiles", 2.0, 7.0)]), ("b", [])):
        assert list(of_samples([sample(name, n, 0, 0.001) for n in range(LAUNCHES)], seen)) == found
    assert not RunWarning("compiles", 2.0).is_disturbance
    (before,) = before_launches({("f", "a"): 2.04, ("g", "b"): 31.0})
    assert "works in the first call of a, b, for 2.0 to 31.0 s, which the budget does not count" in sentence(before)
    assert list(before_launches({})) == []


def test_on_many_cores_others_may_do_more() -> None:
    assert kinds(busy_cores=1.0, cores=64) == []
    assert kinds(busy_cores=9.0, cores=64) == ["busy"]
    assert kinds(busy_cores=1.0, cores=None) == ["busy"]


def test_other_work_during_some_launches_is_told_with_their_number() -> None:
    some = [conditions(n, busy_cores=1.0 if n < 2 else 0.0) for n in range(8)]
    assert of_launches(some, 1) == [RunWarning("busy", 1.0, launches=2, of_launches=8)]
    assert of_launches(some[1:], 1) == []  # one of seven


def test_a_quota_holds_back_for_no_more_than_all_of_the_time() -> None:
    assert of_launches([conditions(throttled_s=3.5)], 1) == [RunWarning("quota", 1.0)]


def test_threads_that_outnumber_free_cores_are_named_first() -> None:
    found = of_launches([conditions(busy_cores=1.0, pressure=0.8)], 2)
    busy = RunWarning("busy", 1.0, launches=1, of_launches=1)
    assert found == [RunWarning("threads", 2, other=1.0), busy]
    # Where nothing had to wait, there were cores enough.
    assert of_launches([conditions(busy_cores=1.0, pressure=0.02)], 2) == [busy]
    assert of_launches([conditions(busy_cores=1.0, pressure=None)], 2)[0].kind == "threads"


def test_a_clock_that_moves_is_told_with_its_range() -> None:
    falling = [conditions(n, frequency_hz=f) for n, f in enumerate((3e9, 2.4e9, 2.4e9, 2.3e9))]
    assert of_launches(falling, 1) == [RunWarning("frequency", 2.3e9, 3e9)]
    assert of_launches([conditions(n, frequency_hz=f) for n, f in enumerate((3e9, 2.95e9, 3e9, 2.6e9))], 1) == []
    assert of_launches([conditions(n, clock_hz=f) for n, f in enumerate((1.4e9, 1.0e9, 1.0e9))], 1) == [
        RunWarning("frequency", 1e9, 1.4e9)
    ]


def test_a_long_launch_weighs_more_than_a_short_one() -> None:
    assert of_launches([conditions(0, wall_s=0.1, steal_cores=2.0), conditions(1, wall_s=10.0)], 1) == []
    assert of_launches([conditions(0, wall_s=9.0, steal_cores=2.0), conditions(1)], 1) == [RunWarning("steal", 1.8)]


def test_samples_say_what_is_wrong_with_them() -> None:
    quiet = [sample("a", 0, r, 0.001) for r in range(20)]
    assert (of_samples(quiet, [conditions()])) == []
    faulting = [sample("a", 0, r, 0.001, faults=432.6) for r in range(20)]
    assert (of_samples(faulting, [conditions()])) == [RunWarning("page-faults", 433)]
    held_up = [sample("a", 0, r, 0.001, excluded="preempted" if r < 6 else None) for r in range(20)]
    assert (of_samples(held_up, [conditions()])) == [RunWarning("preempted", 0.3)]
    a_little = [sample("a", 0, r, 0.001, excluded="preempted" if r < 2 else None) for r in range(20)]
    assert (of_samples(a_little, [conditions()])) == []
    hot = [sample("a", 0, r, 0.001, excluded="throttled" if r < 1 else None) for r in range(20)]
    assert (of_samples(hot, [conditions()])) == [RunWarning("throttled", 0.05)]


def test_a_device_that_waits_for_its_host_is_host_bound() -> None:
    waiting = [sample("a", 0, r, 0.001, host_seconds=0.00099) for r in range(5)]
    assert of_samples(waiting, []) == [RunWarning("host-bound")]
    assert (
        way_out(host_bound(Target(device="cuda", runtime="eager")))
        == "--runtime graph, or a larger --batch or larger networks"
    )
    for target in (Target(device="cuda", runtime="graph"), Target(device="mps")):
        assert way_out(host_bound(target)) == "a larger --batch or larger networks"
    working = [sample("a", 0, r, 0.001, host_seconds=0.0003) for r in range(5)]
    assert (of_samples(working, [])) == []


def test_a_call_too_short_for_the_harness_is_named() -> None:
    short = [sample("a", 0, r, 1e-5) for r in range(5)]
    assert (of_samples(short, [conditions(call_overhead_s=1e-7)])) == [RunWarning("overhead", 0.01)]
    queued = [sample("a", 0, r, 1e-5, host_seconds=1e-6) for r in range(5)]
    assert (of_samples(queued, [conditions(call_overhead_s=1e-7)])) == []


def busy(cores: float, launches: int, of_launches: int) -> RunWarning:
    return RunWarning("busy", cores, launches=launches, of_launches=of_launches)


@pytest.mark.parametrize(
    ("warnings", "expected"),
    [
        ([busy(0.8, 2, 4), busy(1.1, 6, 6)], RunWarning("busy", 0.8, 1.1, shares=(0.5, 1.0))),
        ([busy(1.0, 3, 3), busy(1.0, 1, 2)], RunWarning("busy", 1.0, shares=(0.5, 1.0))),
        ([RunWarning("preempted", 0.2), RunWarning("preempted", 0.35)], RunWarning("preempted", 0.2, 0.35)),
        ([RunWarning("frequency", 8e8, 24e8), RunWarning("frequency", 9e8, 3e9)], RunWarning("frequency", 8e8, 3e9)),
        ([RunWarning("page-faults", 9), RunWarning("page-faults", 433)], RunWarning("page-faults", 9, 433)),
        ([RunWarning("unsteady", 0.12)], RunWarning("unsteady", 0.12)),
    ],
)
def test_warnings_of_one_cause_are_merged(warnings: list[RunWarning], expected: RunWarning) -> None:
    assert merged(warnings) == {expected: warnings}


def test_equal_warnings_are_one() -> None:
    assert merged([busy(1.0, 3, 4)] * 3) == {busy(1.0, 3, 4): [busy(1.0, 3, 4)]}


def test_warnings_of_several_causes_are_not_merged() -> None:
    several = [busy(1.0, 3, 3), RunWarning("costs", text="aten.foo"), RunWarning("costs", text="aten.bar")]
    several += [RunWarning("imprecise", text="budget"), RunWarning("threads", 2), RunWarning("threads", 4)]
    assert list(merged(several)) == several


def test_forty_warnings_of_a_busy_machine_are_one() -> None:
    several = [busy(round(0.5 + number / 100, 1), number % 5 + 1, 9) for number in range(40)]
    assert list(merged(several)) == [RunWarning("busy", 0.5, 0.9, shares=(1 / 9, 5 / 9))]


def test_launches_whose_times_spread_are_said_where_nothing_else_was_seen() -> None:
    steady = [sample("a", launch, 0, 1.0 + launch / 1000) for launch in range(10)]
    moving = [sample("a", launch, 0, 1.0 + launch / 50) for launch in range(10)]
    assert (of_samples(steady, [conditions()])) == []
    assert (of_samples(moving, [conditions()])) == [RunWarning("unsteady", 0.14)]
    assert launch_spread(moving[:5]) is None  # an interval needs six launches as well


def test_a_process_with_a_thread_pool_of_its_own_is_named() -> None:
    assert of_launches([conditions(cpu_s=1.9)], 1) == [RunWarning("own-threads", 1.9, other=1)]
    assert of_launches([conditions(cpu_s=1.9)], 2) == []
    assert of_launches([conditions(cpu_s=1.15)], 1) == []
    assert of_launches([conditions(cpu_s=None)], 1) == []
    assert of_launches([conditions(cpu_s=1.9)], 1, of_host=False) == []
    text = sentence(RunWarning("own-threads", 1.9, other=1))
    assert text.startswith("its process used 1.9 cores, and was given 1 thread: ")
