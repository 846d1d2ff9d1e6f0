from typing import Any

import pytest

from benchcli.noise.diagnostics import host_bound_way_out, is_disturbance, launch_spread, merged, of_samples
from benchcli.noise.disturbances import disturbances
from benchcli.schema import Target
from tests.values import conditions, sample

LAUNCHES = 6


def kinds(threads: int = 1, **changes: Any) -> list[str]:
    return [
        code.partition(":")[0] for code in disturbances([conditions(n, **changes) for n in range(LAUNCHES)], threads)
    ]


def test_nothing_is_said_of_a_quiet_run() -> None:
    assert kinds() == []
    assert kinds(threads=2) == []


def test_what_disturbs_the_host_does_not_disturb_a_device_that_works_on() -> None:
    busy = [conditions(n, busy_cores=1.5, steal_cores=0.5, clock_hz=1e9) for n in range(LAUNCHES)]
    assert disturbances(busy, 1) != []
    assert disturbances(busy, 1, of_host=False) == []


def test_nothing_is_said_of_what_could_not_be_seen() -> None:
    unseen = dict.fromkeys(("busy_cores", "steal_cores", "pressure", "throttled_s", "frequency_hz", "major_faults"))
    assert kinds(threads=8, **unseen) == []
    assert disturbances([], 1) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"busy_cores": 1.02}, "busy:1.0 cores in 6 of 6 launches"),
        ({"steal_cores": 0.2}, "steal:0.20"),
        ({"throttled_s": 0.4}, "quota:40%"),
        ({"major_faults": 12}, "paging:12"),
        ({"throttle_reasons": ("power brake", "heat")}, "held-down:heat, power brake"),
        ({"clock_share": 0.6}, "slow-clock:60%"),
        ({"clock_share": 0.8}, None),
        ({"power_capped": 0.5}, "power-cap:50% of the samples"),
        ({"power_capped": 0.0}, None),
        ({"other_processes": 2, "utilisation": 0.97}, "shared-device:2 of them, 97% of the time before the run"),
        ({"other_processes": 2, "utilisation": 0.0}, None),
        ({"other_processes": 0, "utilisation": 0.97}, None),
    ],
)
def test_each_disturbance_has_its_own_code(changes: dict[str, Any], code: str | None) -> None:
    codes = [] if code is None else [code]
    assert disturbances([conditions(n, **changes) for n in range(LAUNCHES)], 1) == codes


def test_a_power_cap_is_a_note_and_no_disturbance() -> None:
    assert not is_disturbance("power-cap:50% of the samples")
    assert is_disturbance("slow-clock:60%")


def test_two_ways_to_compute_explain_two_modes_of_the_time() -> None:
    seen = [conditions(n, kernels={"a": "f00" if n % 2 else "ba2"}) for n in range(LAUNCHES)]
    apart = [sample("a", n, 0, 0.00104 if n % 2 else 0.001) for n in range(LAUNCHES)]
    alike = [sample("a", n, 0, 0.001) for n in range(LAUNCHES)]
    assert list(of_samples(apart, seen)) == ["kernels:2 ways, whose times differ by 4%"]
    assert list(of_samples(alike, seen)) == []
    assert list(of_samples(apart, [conditions(n) for n in range(LAUNCHES)])) == []


def test_on_many_cores_others_may_do_more() -> None:
    assert kinds(busy_cores=1.0, cores=64) == []
    assert kinds(busy_cores=9.0, cores=64) == ["busy"]
    assert kinds(busy_cores=1.0, cores=None) == ["busy"]


def test_other_work_during_some_launches_is_told_with_their_number() -> None:
    some = [conditions(n, busy_cores=1.0 if n < 2 else 0.0) for n in range(8)]
    assert disturbances(some, 1) == ["busy:1.0 cores in 2 of 8 launches"]
    assert disturbances(some[1:], 1) == []  # one of seven


def test_a_quota_holds_back_for_no_more_than_all_of_the_time() -> None:
    assert disturbances([conditions(throttled_s=3.5)], 1) == ["quota:100%"]


def test_threads_that_outnumber_free_cores_are_named_first() -> None:
    found = disturbances([conditions(busy_cores=1.0, pressure=0.8)], 2)
    assert found == ["threads:2 threads, with 1.0 cores busy with other work", "busy:1.0 cores in 1 of 1 launches"]
    # Where nothing had to wait, there were cores enough.
    assert disturbances([conditions(busy_cores=1.0, pressure=0.02)], 2) == ["busy:1.0 cores in 1 of 1 launches"]
    assert disturbances([conditions(busy_cores=1.0, pressure=None)], 2)[0].startswith("threads:")


def test_a_clock_that_moves_is_told_with_its_range() -> None:
    falling = [conditions(n, frequency_hz=f) for n, f in enumerate((3e9, 2.4e9, 2.4e9, 2.3e9))]
    assert disturbances(falling, 1) == ["frequency:2300 to 3000 MHz"]
    assert disturbances([conditions(n, frequency_hz=f) for n, f in enumerate((3e9, 2.95e9, 3e9, 2.6e9))], 1) == []
    assert disturbances([conditions(n, clock_hz=f) for n, f in enumerate((1.4e9, 1.0e9, 1.0e9))], 1) == [
        "frequency:1000 to 1400 MHz"
    ]


def test_a_long_launch_weighs_more_than_a_short_one() -> None:
    assert disturbances([conditions(0, wall_s=0.1, steal_cores=2.0), conditions(1, wall_s=10.0)], 1) == []
    assert disturbances([conditions(0, wall_s=9.0, steal_cores=2.0), conditions(1)], 1) == ["steal:1.80"]


def test_samples_say_what_is_wrong_with_them() -> None:
    quiet = [sample("a", 0, r, 0.001) for r in range(20)]
    assert list(of_samples(quiet, [conditions()])) == []
    faulting = [sample("a", 0, r, 0.001, faults=432.6) for r in range(20)]
    assert list(of_samples(faulting, [conditions()])) == ["page-faults:433"]
    held_up = [sample("a", 0, r, 0.001, excluded="preempted" if r < 6 else None) for r in range(20)]
    assert list(of_samples(held_up, [conditions()])) == ["preempted:30% of the samples"]
    a_little = [sample("a", 0, r, 0.001, excluded="preempted" if r < 2 else None) for r in range(20)]
    assert list(of_samples(a_little, [conditions()])) == []
    hot = [sample("a", 0, r, 0.001, excluded="throttled" if r < 1 else None) for r in range(20)]
    assert list(of_samples(hot, [conditions()])) == ["throttled:5% of the samples"]


def test_a_device_that_waits_for_its_host_is_host_bound() -> None:
    waiting = [sample("a", 0, r, 0.001, host_seconds=0.00099) for r in range(5)]
    assert list(of_samples(waiting, [], "--runtime graph")) == ["host-bound:--runtime graph"]
    way_out = host_bound_way_out(Target(device="cuda", runtime="eager"))
    assert way_out == "--runtime graph, or a larger --batch or larger networks"
    for target in (Target(device="cuda", runtime="graph"), Target(device="mps")):
        assert host_bound_way_out(target) == "a larger --batch or larger networks"
    working = [sample("a", 0, r, 0.001, host_seconds=0.0003) for r in range(5)]
    assert list(of_samples(working, [])) == []


def test_a_call_too_short_for_the_harness_is_named() -> None:
    short = [sample("a", 0, r, 1e-5) for r in range(5)]
    assert list(of_samples(short, [conditions(call_overhead_s=1e-7)])) == ["overhead:1.0%"]
    queued = [sample("a", 0, r, 1e-5, host_seconds=1e-6) for r in range(5)]
    assert list(of_samples(queued, [conditions(call_overhead_s=1e-7)])) == []


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["busy:0.8 cores in 2 of 4 launches", "busy:1.1 cores in 6 of 6 launches"], "busy:0.8 to 1.1 cores"),
        (["busy:1.0 cores in 3 of 3 launches", "busy:1.0 cores in 1 of 2 launches"], "busy:1.0 cores"),
        (["preempted:20% of the samples", "preempted:35% of the samples"], "preempted:20% to 35% of the samples"),
        (["frequency:800 to 2400 MHz", "frequency:900 to 3000 MHz"], "frequency:800 to 3000 MHz"),
        (["page-faults:9", "page-faults:433"], "page-faults:9 to 433"),
        (["unsteady:12%", "unsteady:12%"], "unsteady:12%"),
    ],
)
def test_codes_of_one_cause_are_merged(codes: list[str], expected: str) -> None:
    ((code, parts),) = merged(codes).items()
    assert code.startswith(expected)
    assert parts == codes
    if "launches" in codes[0]:
        assert code.endswith(" of the launches")


def test_codes_of_several_causes_are_not_merged() -> None:
    codes = ["busy:1.0 cores in 3 of 3 launches", "costs:aten.foo", "costs:aten.bar", "imprecise:budget"]
    assert list(merged(codes)) == codes


def test_forty_warnings_of_a_busy_machine_are_one_line() -> None:
    codes = [f"busy:{0.5 + number / 100:.1f} cores in {number % 5 + 1} of 9 launches" for number in range(40)]
    (code,) = merged(codes)
    assert code == "busy:0.5 to 0.9 cores in 11% to 56% of the launches"


def test_launches_whose_times_spread_are_said_where_nothing_else_was_seen() -> None:
    steady = [sample("a", launch, 0, 1.0 + launch / 1000) for launch in range(10)]
    moving = [sample("a", launch, 0, 1.0 + launch / 50) for launch in range(10)]
    assert list(of_samples(steady, [conditions()])) == []
    assert list(of_samples(moving, [conditions()])) == ["unsteady:14%"]
    assert launch_spread(moving[:5]) is None  # an interval needs six launches as well
