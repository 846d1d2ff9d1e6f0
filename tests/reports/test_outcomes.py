from typing import get_args

import pytest

from benchcli import schema
from benchcli.analysis import verdicts
from benchcli.analysis.claims import base as claims
from benchcli.checks.findings import ORDER
from benchcli.reports.outcomes import ASCII, OUTCOMES, TONES, ascii_signs, sign_of, signed, tone
from benchcli.schema.records import Status

WORDS = {
    *get_args(verdicts.VerdictOutcome),
    *get_args(schema.Outcome),
    "no difference",
    *get_args(claims.ClaimVerdict),
    *get_args(claims.Part),
    *ORDER,
    *get_args(Status),
} - {"ok"}


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_outcome_that_the_project_knows_has_a_sign_and_a_tone(word: str) -> None:
    assert sign_of(word) in OUTCOMES
    assert signed(word) == f"{sign_of(word)} {word}"
    assert tone(signed(word)) in {"good", "bad", "unsure", "neutral"}


@pytest.mark.parametrize(
    ("words", "text", "expected"),
    [
        (("holds",), "✓ holds", "good"),
        (("SLOWER", "cheaper"), "✗ SLOWER, cheaper", "bad"),
        (("cheaper", "inconclusive"), "? cheaper, inconclusive", "unsure"),
        (("costlier (allowed)",), "– costlier (allowed)", "neutral"),
        (("no effect",), "≈ no effect", "neutral"),
        (("the first",), "the first", None),
    ],
)
def test_the_most_important_sign_stands_first(words: tuple[str, ...], text: str, expected: str | None) -> None:
    assert signed(*words) == text
    assert tone(text) == expected


@pytest.mark.parametrize("text", ["", "–", "?", "!", "✓", "0.683 ± ? !", "name", "1 ✓ holds"])
def test_what_does_not_begin_with_a_sign_and_a_word_has_no_tone(text: str) -> None:
    assert tone(text) is None
    assert ascii_signs(text) == text


def test_a_warning_has_a_tone() -> None:
    assert tone("! resnext: its channels must be multiples of 32") == "warning"


def test_every_sign_has_one_in_ascii_and_no_two_tones_share_it() -> None:
    assert set(TONES) == set(ASCII)
    assert all(each.isascii() and len(each) == 1 for each in ASCII.values())
    assert len(set(ASCII.values())) == len(ASCII)
    assert ascii_signs("✓ ×1 holds: 1 – 2") == "+ ×1 holds: 1 – 2"
