import pytest

from benchcli import formatting
from benchcli.schema import Interval


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.00259, "2.59"), (0.0131, "13.1"), (0.1042, "104"), (8.534e-4, "0.853"), (3e-8, "0.0000"), (4e-5, "0.0400")],
)
def test_milliseconds(seconds: float, text: str) -> None:
    assert formatting.milliseconds(seconds) == text


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (Interval(0.00259), "2.59 ± ?"),
        (Interval(0.00259, 0.00254, 0.00264), "2.59 ± 2 %"),
        (Interval(0.00259, 0.002581, 0.002599), "2.59 ± 0.3 %"),
        (Interval(0.00259, 0.00259, 0.00259), "2.59 ± 0 %"),
        (Interval(0.00259, 0.00259 - 1e-12, 0.00259 + 1e-12), "2.59 ± 0 %"),
        (Interval(0.1, 0.08, 0.12), "100 ± 20 %"),
        (Interval(0.00259, 0.0024, 0.00381), "2.59 (2.40 to 3.81)"),
    ],
)
def test_a_time_has_its_interval(interval: Interval, text: str) -> None:
    assert formatting.time(interval) == text


@pytest.mark.parametrize(
    ("fraction", "text"), [(0.0332, "+3.3 %"), (-0.011, "-1.1 %"), (0.0, "0.0 %"), (-0.0001, "0.0 %")]
)
def test_percent(fraction: float, text: str) -> None:
    assert formatting.percent(fraction, signed=True) == text


def test_a_speed_has_its_half_width() -> None:
    assert formatting.speed(Interval(0.683, 0.673, 0.693)) == "0.683 ± 0.010"
    assert formatting.speed(Interval(0.683)) == "0.683 ± ?"


@pytest.mark.parametrize(("count", "text"), [(24e9, "24.0 GB"), (2.5e6, "2.5 MB"), (1500, "1.5 kB"), (12, "12 B")])
def test_prefixes(count: float, text: str) -> None:
    assert formatting.prefixed(count, "B") == text


@pytest.mark.parametrize(("count", "text"), [(0, "never"), (1, "once"), (12, "12 times")])
def test_how_often(count: int, text: str) -> None:
    assert formatting.often(count) == text


@pytest.mark.parametrize(("seconds", "text"), [(14.2, "14 s"), (125, "2 min 5 s")])
def test_durations(seconds: float, text: str) -> None:
    assert formatting.seconds(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (513_800_000, "513.8"),
        (1_000_000, "1.0"),
        (996_000, "1.00"),
        (120_000, "0.12"),
        (3_100, "0.0031"),
        (7, "0.0000070"),
        (0, "0"),
    ],
)
def test_small_counts_in_millions_show_digits(count: int, text: str) -> None:
    assert formatting.mega(count) == text


def test_percentages_are_written_one_way() -> None:
    assert formatting.percent(0.05, decimals=0) == "5 %"
    assert formatting.percent(0.0123, decimals=2) == "1.23 %"
    assert formatting.span(0.2, 0.35) == "20 to 35 %"
    assert formatting.span(0.2, 0.2) == "20 %"


def test_of_many_names_the_first_four_are_listed() -> None:
    assert formatting.named(["a", "b", "c", "d"]) == "a, b, c, d"
    assert formatting.named(["a", "b", "c", "d", "e", "f"]) == "a, b, c, d and 2 more"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1x3x224x224", "1×3×224×224"),
        ("pixel_values=1x3x8x8, context=1x4", "pixel_values=1×3×8×8, context=1×4"),
        ("a1x2=1x2:int64:0..9", "a1x2=1×2:int64:0..9"),
        ("1x2=1x2", "1x2=1×2"),
        ("x=3, max.0x1.x=2x2:bool", "x=3, max.0x1.x=2×2:bool"),
        ("1x4x8x8 1x2x8x8 a number", "1×4×8×8 1×2×8×8 a number"),
        ("", ""),
    ],
)
def test_only_shapes_have_a_sign_of_times(text: str, shown: str) -> None:
    assert formatting.shaped(text) == shown
