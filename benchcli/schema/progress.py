"""How far a run has come."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """The progress of a run: its current step, and the seconds spent and expected."""

    doing: str
    spent_s: float
    most_s: float
    """Seconds at the end of the whole run: at most, unless it is an estimate. Infinite if not known."""
    is_estimate: bool = False
    """Whether `most_s` is estimated from the launches so far, and no bound."""


Observer = Callable[[Progress], None]
