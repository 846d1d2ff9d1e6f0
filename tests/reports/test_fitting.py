"""What is wrapped and what is left out at which width, and the bars beside it."""

import random

import pytest
from rich.cells import cell_len

from benchcli.reports.fitting import LONGEST_BAR, bars_of, fit, wrapped
from benchcli.reports.page import Column, Interval, Table, numbers, words
from tests.hostile import STRINGS

TABLE = Table(
    "a table",
    (
        words("network", ["a" * 12]),
        words("says", ["one two three four five six seven eight"]),
        numbers("MFLOPs (mult-adds)", ["513.8"], 2),
        numbers("relative speed", ["0.683 ± 0.010"]),
        numbers("paper", ["0.700"], 1),
    ),
)
HEADINGS = [column.heading for column in TABLE.columns]


def of(*intervals: Interval | None) -> Column:
    return numbers("relative speed", ["1"] * len(intervals), bars=intervals)


def test_a_bar_is_solid_up_to_the_low_end_and_light_up_to_the_high_one() -> None:
    bars = bars_of(of(Interval(1.0, 1.0, 1.0), Interval(0.75, 0.5, 1.0), Interval(1.8, 1.5, 2.0)))
    assert bars
    assert bars.heading == "0 to 2.00"
    assert bars.cells == ("█" * 10, "█" * 5 + "░" * 5, "█" * 15 + "░" * 5)
    assert max(map(len, bars.cells)) == LONGEST_BAR


def test_what_has_no_interval_has_no_bar() -> None:
    bars = bars_of(of(Interval(0.7), None, Interval(1.0, 0.9, 1.0)))
    assert bars
    assert bars.cells[:2] == ("", "")
    assert bars_of(of(Interval(0.7), None, Interval(1.0, 1.0, 1.0))) is None
    assert bars_of(of()) is None


def headings(width: int | None) -> list[str]:
    return [each.heading for each in fit(TABLE, width).columns]


def test_without_a_width_nothing_is_left_out_or_wrapped() -> None:
    fitted = fit(TABLE, None, with_bars=True)
    assert headings(None) == HEADINGS
    assert fitted.widths == (12, 39, 18, 14, 5)


def test_headings_and_sentences_are_wrapped_before_a_column_goes() -> None:
    assert headings(90) == HEADINGS
    assert fit(TABLE, 90).left_out == ()
    assert sum(fit(TABLE, 90).widths) + 8 <= 90


def test_the_least_important_column_goes_first() -> None:
    assert fit(TABLE, 78).left_out == ("paper",)
    assert fit(TABLE, 70).left_out == ("paper", "MFLOPs (mult-adds)")
    assert fit(TABLE, 30).left_out == ("paper", "MFLOPs (mult-adds)")


@pytest.mark.parametrize("width", [40, 20, 5])
def test_at_last_names_are_broken_and_numbers_never(width: int) -> None:
    name, _says, speed = fit(TABLE, width).widths
    assert name >= 8
    assert speed >= len("relative")


def test_a_wide_letter_takes_two_columns() -> None:
    assert wrapped("日本語日本語", 4) == ["日本", "語日", "本語"]
    assert max(map(cell_len, wrapped("größer 日本語 é" * 5, 9))) <= 9


def test_later_lines_are_indented_and_nothing_is_lost() -> None:
    text = "one two  three " + "x" * 30 + " four"
    lines = wrapped(text, 12, "  ")
    assert all(len(line) <= 12 for line in lines)
    assert all(line.startswith("  ") for line in lines[1:])
    assert "".join("".join(lines).split()) == "".join(text.split())


@pytest.mark.parametrize("width", [20, 33, 80])
def test_no_text_is_lost_whatever_it_is(width: int) -> None:
    chooser = random.Random(0)
    for text in chooser.sample([each for each in STRINGS if each.isprintable()], 40):
        lines = wrapped(text, width, "  ")
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert max(map(cell_len, lines)) <= width


def test_a_column_of_numbers_without_one_is_empty() -> None:
    assert numbers("paper", ["–", ""]).is_empty
    assert not numbers("paper", ["–", "1"]).is_empty
    assert not numbers("paper", []).is_empty
    assert not words("family", ["–"]).is_empty
