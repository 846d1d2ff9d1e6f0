from benchcli.reports.bars import CELLS, bars, heading
from benchcli.reports.page import Table
from benchcli.schema import Interval


def of(*intervals: Interval | None) -> Table:
    rows = tuple(("a", "1") for _ in intervals)
    return Table("t", ("name", "relative speed"), 1, rows, (), bars=intervals)


def test_a_bar_is_solid_up_to_the_low_end_and_light_up_to_the_high_one() -> None:
    table = of(Interval(1.0, 1.0, 1.0), Interval(0.75, 0.5, 1.0), Interval(1.8, 1.5, 2.0))
    assert heading(table) == "0 to 2.00"
    assert bars(table) == ("█" * 10, "█" * 5 + "░" * 5, "█" * 15 + "░" * 5)
    assert max(map(len, bars(table))) == CELLS


def test_what_has_no_interval_has_no_bar() -> None:
    table = of(Interval(0.7), None, Interval(1.0, 1.0, 1.0))
    assert bars(table)[:2] == ("", "")
    assert heading(of(Interval(0.7), None)) == ""
    assert heading(of()) == ""
