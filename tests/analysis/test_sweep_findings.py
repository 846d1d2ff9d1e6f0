"""What a sweep says: widths to choose and to avoid, steps of alignment, cliffs of caches."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from benchcli.analysis.sweep_findings import SweptPoint, alignment, alone, cliffs, every_third, points_of, to_measure
from benchcli.schema import Failure, Family, Interval, Record, Timing, Variant
from tests import values

WIDTHS = tuple(range(32, 161, 8))


def records(rate: Callable[[int], float], spread: float = 0.005, widths: tuple[int, ...] = WIDTHS) -> list[Record]:
    """Return records of squared widths whose multiply-adds have these rates, relative to the first one's."""
    variants = tuple(Variant(str(width), "b", {}, (width, 28, 28), str(width)) for width in widths)
    family = replace(values.family(*variants, name="conv", guideline=""), widths="swept in")
    return [_record(family, width, rate, spread, widths[0]) for width in widths]


def _record(family: Family, width: int, rate: Callable[[int], float], spread: float, first: int) -> Record:
    seconds = width**2 / rate(width) * 1e-9
    speed = first**2 / rate(first) / (width**2 / rate(width))
    half = 0.0 if width == first else spread
    relative = Interval(speed, speed * (1 - half), speed * (1 + half))
    timing = Timing(Interval(seconds, seconds * 0.99, seconds * 1.01), relative, 6, 60, 0.0)
    costs = replace(values.COSTS, flops=width**2, mac_bytes=width * 10_000)
    return replace(values.record(family, str(width), None), timing=timing, costs=costs)


def advice(points: list[SweptPoint]) -> Mapping[int, str]:
    return {each.value: each.advice for each in points}


def test_multiples_that_are_faster_are_chosen_and_the_others_avoided() -> None:
    points = points_of("conv", "in", records(lambda width: 1.3 if width % 16 == 0 else 1.0))
    assert all(each.advice == ("choose" if each.value % 16 == 0 else "avoid") for each in points if each.value > 32)
    found = next(each for each in points if each.value == 72)
    assert found.instead == 80  # as near as 64, and wider
    assert found.gain
    assert found.gain.estimate == pytest.approx(1.3)
    assert found.rate
    assert found.rate.estimate == pytest.approx(1 / 1.3)


def test_widths_that_nothing_is_near_have_no_sign_and_are_named() -> None:
    points = points_of("conv", "in", records(lambda _: 1.0, widths=(16, 24, 40, 48, 56)))
    assert [each.value for each in alone(points)] == [16, 24]
    assert [advice(points)[width] for width in (16, 24, 48)] == ["", "", "choose"]


def test_what_is_not_certain_is_neither_chosen_nor_avoided() -> None:
    points = points_of("conv", "in", records(lambda width: 1.08 if width % 16 == 0 else 1.0, spread=0.05))
    assert {each.advice for each in points if each.value % 16 == 8} == {""}


def test_a_width_is_not_chosen_beside_a_faster_one_though_a_nearer_one_is_nearly_as_fast() -> None:
    """60 beside 72, which is 6.6 % faster, and 64, which is 2 % faster than 60 and within 5 % of 72."""
    rates = {60: 0.91, 64: 0.935, 68: 0.9, 72: 0.96}
    points = points_of("conv", "in", records(rates.__getitem__, widths=(60, 64, 68, 72)))
    assert advice(points)[60] == ""
    assert advice(points)[72] == "choose"


def test_no_width_is_avoided_because_wider_layers_do_more_work_better() -> None:
    points = points_of("conv", "in", records(lambda width: float(width)))  # each takes longer than the one before
    assert set(advice(points).values()) == {"", "choose"}
    assert {each.instead for each in points} == {None}
    faster = points_of("conv", "in", records(lambda width: 2.0 * width if width == 80 else float(width)))
    assert {each.value: each.instead for each in faster if each.instead} == {64: 80, 72: 80, 88: 80, 96: 80}


def test_what_is_taken_instead_is_not_to_be_avoided_itself() -> None:
    rates = {32: 1.0, 40: 1.7, 48: 2.7}
    points = points_of("conv", "in", records(lambda width: rates[width], widths=(32, 40, 48)))
    assert [(each.value, each.advice, each.instead) for each in points] == [
        (32, "avoid", 48),
        (40, "avoid", 48),
        (48, "choose", None),
    ]
    gain = points[0].gain
    assert gain
    assert gain.estimate == pytest.approx(2.7)


def test_widths_of_equal_speed_may_all_be_chosen() -> None:
    assert set(advice(points_of("conv", "in", records(lambda _: 1.0))).values()) == {"choose"}


def test_a_width_that_failed_says_why_and_takes_part_in_nothing() -> None:
    found = records(lambda _: 1.0)
    found[3] = replace(found[3], timing=None, failure=Failure("failed", "no memory"))
    point = points_of("conv", "in", found)[3]
    assert (point.failure, point.seconds, point.rate, point.advice) == ("no memory", None, None, "")


@pytest.mark.parametrize("multiple", [8, 16, 32])
def test_the_step_of_alignment_is_the_multiple_that_is_faster(multiple: int) -> None:
    widths = tuple(range(32, 193, 4))
    points = points_of("conv", "in", records(lambda width: 1.2 if width % multiple == 0 else 1.0, widths=widths))
    step = alignment("conv", points)
    assert step
    assert step.multiple == multiple
    assert step.factor == pytest.approx(1.2)


def test_there_is_no_step_where_a_speed_only_rises() -> None:
    assert alignment("conv", points_of("conv", "in", records(lambda width: width**0.5))) is None


def test_a_lasting_fall_is_a_cliff_and_names_the_cache_that_is_left() -> None:
    points = points_of("conv", "in", records(lambda width: 1.0 if width < 104 else 0.75))
    (cliff,) = cliffs("conv", points, {"L1d": 48_000, "L2": 1_000_000})
    assert (cliff.value, cliff.level) == (104, "L2")
    assert cliff.factor == pytest.approx(1 / 0.75)
    assert cliff.working_set == 1_040_000


def test_a_single_slow_width_is_no_cliff() -> None:
    points = points_of("conv", "in", records(lambda width: 0.5 if width == 104 else 1.0))
    assert cliffs("conv", points, {"L2": 1_000_000}) == []


def test_a_fall_far_from_the_size_of_any_cache_has_no_name() -> None:
    points = points_of("conv", "in", records(lambda width: 1.0 if width < 104 else 0.75))
    assert cliffs("conv", points, {"L2": 64_000_000})[0].level == ""


def test_a_first_look_takes_every_third_width_and_the_last() -> None:
    assert list(every_third(range(32, 65, 8))) == [32, 56, 64]
    assert list(every_third(range(32, 57, 8))) == [32, 56]


def test_only_what_lies_between_different_widths_is_measured() -> None:
    found = to_measure(range(10, 101, 10), {10: 1.0, 40: 1.01, 70: 1.2, 100: 1.21}, 0.05)
    assert found == [10, 40, 50, 60, 70, 100]
