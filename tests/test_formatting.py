import pytest

from benchcli import formatting
from benchcli.schema import Interval


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.00259, "2.59"), (0.0131, "13.1"), (0.1042, "104"), (3e-8, "0.0000"), (4e-5, "0.0400")]
)
def test_milliseconds(seconds: float, text: str) -> None:
    assert formatting.milliseconds(seconds) == text


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


@pytest.mark.parametrize(("seconds", "text"), [(14.2, "14 s"), (125, "2 min 5 s")])
def test_durations(seconds: float, text: str) -> None:
    assert formatting.seconds(seconds) == text
