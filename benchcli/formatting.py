"""Format numbers as text. No other module writes SI prefixes."""

import math
import re
from collections.abc import Sequence

from benchcli.schema import Interval

MARK = "<!-- written by benchcli -->\n"
"""What Markdown and GitHub's commands begin with in a file, by which benchcli knows its own; no renderer shows it."""
UNKNOWN = "–"
"""The text for a missing number."""
TENTHS = 0.01
"""The least half-width of a time, as a fraction, that is written in whole per cent."""
LEAST_HALF = 0.0005
"""The least half-width that is not written as 0."""
WIDE, LOPSIDED = 0.1, 0.1
"""The least relative width and asymmetry of an interval that is written with both ends.

The width is relative to the estimate. The asymmetry is the difference of the two half-widths,
relative to the width.
"""
MOST_NAMES = 4
"""The most names that a sentence lists; it counts the others."""
_SHAPE = re.compile(r"(?<![^\s=])\d+(?:x\d+)+(?=[\s,:]|$)")
"""Sizes at the beginning, or after a space or the sign between a name and its shape; a dtype may follow."""
_PREFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def clean(text: str) -> str:
    """Return the text with every character that cannot be printed as its escape sequence.

    Names and errors come from suites, networks and recorded runs. Control characters in them would
    take effect in terminals and logs, and a new line could begin a command of a CI server.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape", "surrogatepass").decode("ascii")
        for letter in text
    )


def shaped(text: str) -> str:
    """Return a text with × in the shapes in it, and not in names: "max_x1=1x3:int64" as "max_x1=1×3:int64"."""
    return _SHAPE.sub(lambda shape: shape[0].replace("x", "×"), text)


def milliseconds(seconds: float) -> str:
    """Return seconds as milliseconds with three significant digits: "0.853", "2.59", "104"; below 0.01 with fewer."""
    return f"{1e3 * seconds:.3f}" if 1e-4 <= seconds < 1e-3 else significant(1e3 * seconds)


def time(interval: Interval) -> str:
    """Return seconds as milliseconds with the half-width in per cent: "2.59 ± 2 %".

    A wide and asymmetric interval has both ends instead: "2.59 (2.40 to 3.81)". Without ends it is "2.59 ± ?".
    """
    middle, half = milliseconds(interval.estimate), interval.relative_half_width
    if interval.low is None or interval.high is None or half is None:
        return f"{middle} ± ?"
    if _is_lopsided(interval.estimate, interval.low, interval.high):
        return f"{middle} ({milliseconds(interval.low)} to {milliseconds(interval.high)})"
    return f"{middle} ± {percent(half, decimals=1 if LEAST_HALF <= half < TENTHS else 0)}"


def timed(interval: Interval) -> str:
    """Return seconds with their unit and interval: "2.59 ms ± 2 %", "2.59 ms (2.40 to 3.81)"."""
    number, _, certainty = time(interval).partition(" ")
    return f"{number} ms {certainty}"


def short(duration: float) -> str:
    """Return a duration of any size: "12 ns", "0.13 µs", "2.1 ms", "3 s"."""
    for size, unit in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if duration >= size or duration == 0:
            return f"{duration / size:.3g} {unit}"
    return f"{duration * 1e9:.3g} ns"


def significant(number: float) -> str:
    """Return a number with three digits, of which a zero before the point is one: "0.94", "2.59", "104"."""
    size = abs(number)
    decimals = 2 if size < 10 else 1 if size < 100 else 0
    return f"{number:.{decimals}f}" if size >= 0.1 or size == 0 else f"{number:.4f}"


def mega(count: int) -> str:
    """Return a count in millions: "513.8", "0.12", "0.0031"; small ones have two significant digits."""
    number = count / 1e6
    if number == 0 or number >= 1:
        return f"{number:.1f}" if number else "0"
    return f"{number:.{1 - math.floor(math.log10(number))}f}"


def prefixed(count: float, unit: str) -> str:
    """Return a count with its prefix: "24.0 GB", or "24.0 G" without a unit."""
    for size, prefix in _PREFIXES:
        if count >= size:
            return f"{count / size:.1f} {prefix}{unit}"
    return f"{count:.0f} {unit}".rstrip()


def percent(fraction: float, signed: bool = False, decimals: int = 1) -> str:
    """Return a fraction in per cent: "+3.3 %"."""
    text = f"{fraction * 100:{'+' if signed else ''}.{decimals}f}"
    return f"{0:.{decimals}f} %" if float(text) == 0 else f"{text} %"


def speed(interval: Interval) -> str:
    """Return a relative speed with its half-width, "0.683 ± 0.010".

    A wide and asymmetric interval has both ends instead: "0.683 (0.600 to 0.700)".
    """
    if interval.low is None or interval.high is None:
        return f"{interval.estimate:.3f} ± ?"
    if _is_lopsided(interval.estimate, interval.low, interval.high):
        return f"{interval.estimate:.3f} ({interval.low:.3f} to {interval.high:.3f})"
    return f"{interval.estimate:.3f} ± {(interval.high - interval.low) / 2:.3f}"


def _is_lopsided(estimate: float, low: float, high: float) -> bool:
    """Return whether an interval is so wide and asymmetric that both ends are written."""
    return high - low > WIDE * estimate and abs(high + low - 2 * estimate) > LOPSIDED * (high - low)


def commits(text: str, letters: int) -> str:
    """Return commits, each with its first letters, and with its + if it has one."""
    return ", ".join(each[:letters] + ("+" if each[letters:].endswith("+") else "") for each in text.split(", "))


def counted(number: int, word: str, plural: str | None = None) -> str:
    """Return a number with its noun: "1 thread", "2 threads"."""
    return f"{number} {word if number == 1 else plural or word + 's'}"


def span(low: float, high: float) -> str:
    """Return two fractions as whole percentages: "20 to 35 %", "20 %" if they are the same."""
    ends = [percent(end, decimals=0) for end in (low, high)]
    return ends[1] if ends[0] == ends[1] else f"{ends[0].removesuffix(' %')} to {ends[1]}"


def named(names: Sequence[str]) -> str:
    """Return names as a list; of many only the first ones, and a count: "a, b, c, d and 3 more"."""
    rest = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")


def change(interval: Interval) -> str:
    """Return a factor as a change: "+5.1 % (+4.7 to +5.6 %)". Without ends, only the estimate."""
    middle = percent(interval.estimate - 1, signed=True)
    if interval.low is None or interval.high is None:
        return middle
    return f"{middle} ({changes(interval.low, interval.high)})"


def changes(low: float, high: float) -> str:
    """Return two factors as a range of changes: "+4.7 to +5.6 %"."""
    return f"{percent(low - 1, signed=True).removesuffix(' %')} to {percent(high - 1, signed=True)}"


def often(count: int) -> str:
    """Return how often something happens: "never", "once", "2 times"."""
    return {0: "never", 1: "once"}.get(count, f"{count} times")


def times(factor: Interval) -> str:
    """Return a factor with both ends: "12.9 (12.4 to 13.5)"."""
    if factor.low is None or factor.high is None:
        return f"{significant(factor.estimate)} ± ?"
    return f"{significant(factor.estimate)} ({significant(factor.low)} to {significant(factor.high)})"


def seconds(duration: float) -> str:
    """Return a duration in whole seconds: "14 s", "2 min 5 s"."""
    minutes, rest = divmod(round(duration), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
