"""Settings compared: each network with itself in the first setting, and where a ranking changes."""

from dataclasses import replace

import pytest

from benchcli.analysis.setting_effects import flips, setting_effects
from benchcli.schema import Failure, FamilyResult, Interval
from benchcli.schema.warnings import RunWarning
from tests.values import family, record, variant


@pytest.mark.parametrize(
    ("low", "middle", "high", "outcome"),
    [
        (1.03, 1.04, 1.05, "faster"),
        (0.95, 0.96, 0.97, "slower"),
        (0.99, 1.0, 1.01, "no effect"),
        (1.01, 1.03, 1.05, "inconclusive"),
        (0.9, 1.0, 1.1, "inconclusive"),
    ],
)
def test_a_difference_within_two_per_cent_is_none(low: float, middle: float, high: float, outcome: str) -> None:
    _, effect = setting_effects([result(2, ABOVE, Interval(middle, low, high))])
    assert effect.outcome == outcome


def result(
    batch: int, relative: Interval, setting: Interval | None, warnings: tuple[RunWarning, ...] = ()
) -> FamilyResult:
    of = family(variant("one"), variant("other"), name=f"n-b{batch}", guideline="")
    of = replace(of, batch=batch, first="n-b1")
    one, other = (record(of, name, speed, warnings=warnings) for name, speed in (("one", None), ("other", relative)))
    assert other.timing
    return FamilyResult(of, (one, replace(other, timing=replace(other.timing, setting=setting))), ())


ABOVE, BELOW, AROUND = Interval(1.1, 1.05, 1.15), Interval(0.9, 0.85, 0.95), Interval(1.0, 0.95, 1.05)


def test_the_first_setting_is_compared_with_nothing() -> None:
    found = list(setting_effects([result(1, ABOVE, None), result(2, ABOVE, ABOVE)]))
    assert [(each.record.family.batch, each.outcome) for each in found] == [(2, "not judged"), (2, "faster")]
    assert "no time in the first" in found[0].why


def test_times_of_the_host_and_without_an_interval_are_not_judged() -> None:
    (_, of_host) = setting_effects(
        [result(2, ABOVE, ABOVE, warnings=(RunWarning("host-bound", text="--runtime graph"),))]
    )
    without = result(2, ABOVE, Interval(1.1))
    (_, unpaired) = setting_effects([without])
    one, other = without.records
    assert other.timing
    few = replace(without, records=(one, replace(other, timing=replace(other.timing, launches=5))))
    (_, alone) = setting_effects([few])
    assert [of_host.outcome, unpaired.outcome, alone.outcome] == ["not judged"] * 3
    assert "--launches 6 or more" in alone.why
    assert "in too few launches was the core of one pace in both settings" in unpaired.why


def test_a_disturbed_first_setting_leaves_the_others_not_judged() -> None:
    first, second = result(1, ABOVE, None), result(2, ABOVE, ABOVE)
    timing = first.records[1].timing
    assert timing
    noisy = replace(timing, samples=10, excluded=6)
    first = replace(first, records=(first.records[0], replace(first.records[1], timing=noisy)))
    _, effect = setting_effects([first, second])
    assert (effect.outcome, effect.why) == ("not judged", "too many of its samples in the first setting were disturbed")


def test_a_failure_is_not_judged() -> None:
    given = result(2, ABOVE, ABOVE)
    failed = replace(given.records[1], timing=None, failure=Failure("failed", "no"))
    (found,) = setting_effects([replace(given, records=(failed,))])
    assert (found.outcome, found.why) == ("not judged", "no")


def test_a_ranking_changes_between_settings_that_tell() -> None:
    speeds = {1: ABOVE, 2: AROUND, 4: BELOW, 8: BELOW, 16: ABOVE}
    found = list(flips([result(batch, speed, AROUND) for batch, speed in speeds.items()]))
    assert [(each.before.family.batch, each.after.family.batch, each.gets_faster) for each in found] == [
        (1, 4, False),
        (8, 16, True),
    ]


def test_one_setting_has_no_ranking_that_changes() -> None:
    assert list(flips([result(1, ABOVE, None)])) == []
