"""What the numbers a person gives may be, with what is said where they are not."""

from typing import Final

from benchcli.errors import UserError

SCALES: Final = (1, 64)
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

DTYPES: Final = ("float32", "float16", "bfloat16", "float64")
LAYOUTS: Final = ("nchw", "nhwc")
"""nhwc is torch's channels_last memory format."""


def whole(kind: str, value: object, least_most: tuple[int, int]) -> int:
    """Return `value` where it is a whole number within the limits. Raises UserError."""
    least, most = least_most
    if isinstance(value, bool) or not isinstance(value, int):
        raise UserError(f"{kind} must be a whole number from {least} to {most}, not {value!r}")
    if not least <= value <= most:
        raise UserError(f"{kind} must be from {least} to {most}, not {value}")
    return value
