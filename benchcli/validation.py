"""Bounds on user input (options and TOML keys), with their error messages."""

from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Final

from benchcli.errors import UserError, unknown

SCALES: Final = (1, 64)
DEPTHS: Final = (1, 100)
BATCHES: Final = (1, 65536)
SIZES: Final = (1, 4096)
WIDTHS: Final = (1, 16384)
UNITS: Final = (1, 100)
STRIDES: Final = (1, 2)
GROUPS: Final = (1, 100_000)
THREADS: Final = (1, 1024)
COMPARISONS: Final = (2, 10000)
LAUNCHES: Final = (1, 1000)
CONFIRMATIONS: Final = (5, 100)
PRECISION: Final = (0.0005, 0.5)
"""As fractions."""
BUDGET_S: Final = (1.0, 7 * 24 * 3600.0)

DTYPES: Final = ("float32", "float16", "bfloat16", "float64")
LAYOUTS: Final = ("nchw", "nhwc")
"""nhwc is torch's channels_last memory format."""
OTHER_NAMES: Final = {
    "gpu": "cuda",
    "channels_last": "nhwc",
    "channels-last": "nhwc",
    "contiguous": "nchw",
    "fp32": "float32",
    "float": "float32",
    "fp16": "float16",
    "half": "float16",
    "bf16": "bfloat16",
    "fp64": "float64",
    "double": "float64",
}
"""What people write for names of devices, layouts and dtypes."""


def whole(kind: str, value: object, least_most: tuple[int, int]) -> int:
    """Return `value` if it is a whole number within the bounds. Raises UserError otherwise."""
    least, most = least_most
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{kind} must be a whole number from {least} to {most}, not {value!r}")
    if not least <= value <= most:
        raise UserError(f"{kind} must be from {least} to {most}, not {value}")
    return value


def precision(fraction: float | None, given: object, kind: str = "a precision") -> float:
    """Return `fraction` if it is within the bounds of a precision. Raises UserError otherwise.

    The error quotes `given`, the user's input.
    """
    least, most = PRECISION
    if not isinstance(fraction, int | float) or not least <= fraction <= most:
        raise UserError(f"{kind} is from {least:.2%} to {most:.0%}, written 1%, not {given!r}")
    return fraction


def budget_s(seconds: float | None, given: object, kind: str = "a budget") -> float:
    """Return `seconds` if they are within the bounds of a budget. Raises UserError otherwise.

    The error quotes `given`, the user's input.
    """
    least, most = BUDGET_S
    if not isinstance(seconds, int | float) or not least <= seconds <= most:
        raise UserError(f"{kind} is from 1 s to 7 days, written 30, 30s, 5m or 2h, not {given!r}")
    return seconds


def top1_error(key: str, value: object) -> float:
    """Return an error in per cent. Raises UserError if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise UserError(f"{key} is a percentage from 0 to 100, such as 28.1, not {value!r}")
    return float(value)


def one_of(kind: str, value: object, known: Iterable[str]) -> str:
    """Return the known name that `value` is, in any case of letters, or by another name for it.

    Raises UserError with the nearest name.
    """
    choices = list(known)
    text = str(value)
    for name in (text, text.lower(), OTHER_NAMES.get(text.lower())):
        if name in choices:
            return str(name)
    raise unknown(kind, value, choices)


def text(kind: str, value: object) -> str:
    """Return `value` if it is a text that says something. Raises UserError otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{kind} must be a text, not {value!r}")
    return value


def path(kind: str, value: object) -> Path:
    """Return the path that `value` is or names. Raises UserError if it is none."""
    return value if isinstance(value, Path) else Path(text(kind, value))


def distinct(what: str, values: Sequence[Hashable]) -> None:
    """Raise UserError if a value occurs twice."""
    if len(set(values)) < len(values):
        raise UserError(f"{what} has a value twice")
