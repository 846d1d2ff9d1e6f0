"""Give each outcome a sign and a tone, so that no result depends on colour alone.

Views put the sign before the outcome, and formats derive the colour from the sign. A machine reads
the outcome itself: rows, data and annotations have no signs.
"""

from collections.abc import Mapping
from typing import Literal

Tone = Literal["good", "bad", "unsure", "neutral", "warning"]

GOOD, BAD, UNSURE, NO_EFFECT, NOT_JUDGED = "✓", "✗", "?", "≈", "–"
WARNING = "!"
TONES: Mapping[str, Tone] = {
    BAD: "bad",
    UNSURE: "unsure",
    GOOD: "good",
    NO_EFFECT: "neutral",
    NOT_JUDGED: "neutral",
    WARNING: "warning",
}
"""The tone of each sign, the most important one first."""
ASCII: Mapping[str, str] = {GOOD: "+", BAD: "x", UNSURE: "?", NO_EFFECT: "=", NOT_JUDGED: "-", WARNING: "!"}
"""The signs for a screen that cannot show the others."""
OUTCOMES: Mapping[str, tuple[str, ...]] = {
    GOOD: ("holds", "for", "faster", "cheaper", "same", "same costs", "supported", "yes", "gain", "measured"),
    BAD: (
        *("reversed", "fails", "against", "refuted", "slower", "costlier", "changed", "gone", "failed"),
        *("crashed", "timeout", "out-of-memory", "wrong-output", "unsupported", "refused"),
    ),
    UNSURE: ("inconclusive", "partly", "undecided", "unmeasured"),
    NO_EFFECT: ("no effect", "no difference", "no gain"),
    NOT_JUDGED: ("not judged", "not measured", "new", "no", "loss"),
}
"""The outcomes of verdicts, claims, checks, comparisons and the Pareto front, by sign."""
ALLOWED = " (allowed)"
"""The end of an outcome that the user declared as intended."""
_SIGNS = {outcome: sign for sign, outcomes in OUTCOMES.items() for outcome in outcomes}


def signed(*outcomes: str) -> str:
    """Return outcomes after the most important of their signs: "✓ holds", "✗ SLOWER, cheaper".

    Without a known outcome there is no sign.
    """
    signs = set(map(sign_of, outcomes))
    first = [sign for sign in TONES if sign in signs][:1]
    return " ".join([*first, ", ".join(outcomes)])


def sign_of(outcome: str) -> str:
    """Return the sign of an outcome; empty if it is not known."""
    word = outcome.lower()
    return NOT_JUDGED if word.endswith(ALLOWED) else _SIGNS.get(word, "")


def tone(text: str) -> Tone | None:
    """Return the tone of a cell or a line by the sign that it begins with; None if there is none."""
    sign, _, rest = text.partition(" ")
    return TONES.get(sign) if rest else None


def ascii_signs(text: str) -> str:
    """Return a cell or a line whose sign, if it begins with one, is written in ASCII."""
    return ASCII[text[0]] + text[1:] if tone(text) else text
