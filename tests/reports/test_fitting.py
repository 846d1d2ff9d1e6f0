"""What is wrapped and what is left out at which width."""

import random

import pytest
from rich.cells import cell_len

from benchcli.reports.fitting import fit, wrapped
from benchcli.reports.page import Table
from tests.hostile import STRINGS

TABLE = Table(
    "a table",
    ("network", "says", "MFLOPs (mult-adds)", "relative speed", "paper"),
    2,
    (("a" * 12, "one two three four five six seven eight", "513.8", "0.683 ± 0.010", "0.700"),),
    (),
    least=("paper", "MFLOPs (mult-adds)", "not there"),
)


def headings(width: int | None) -> list[str]:
    return [each.heading for each in fit(TABLE, width).columns]


def test_without_a_width_nothing_is_left_out_or_wrapped() -> None:
    fitted = fit(TABLE, None, with_bars=True)
    assert headings(None) == list(TABLE.columns)
    assert fitted.widths == (12, 39, 18, 14, 5)


def test_headings_and_sentences_are_wrapped_before_a_column_goes() -> None:
    assert headings(90) == list(TABLE.columns)
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
