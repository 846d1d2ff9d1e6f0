"""What a check says: a finding for each variant and subject, and the exit code that all of them make."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from benchcli.check.rules import Judgement
from benchcli.schema import Interval

FINE, REGRESSION, NOT_MEASURED = 0, 3, 4

Subject = Literal["network", "output", "costs", "time"]
Outcome = Literal[
    "slower", "costlier", "changed", "gone", "failed", "unmeasured", "inconclusive", "new", "faster", "cheaper", "same"
]
REGRESSIONS: tuple[Outcome, ...] = ("slower", "costlier", "changed", "gone", "failed")
OPEN: tuple[Outcome, ...] = ("unmeasured", "inconclusive")
ORDER: tuple[Outcome, ...] = (*REGRESSIONS, *OPEN, "new", "faster", "cheaper", "same")
"""What matters most comes first."""
ALLOWABLE = ("costs", "output", "gone", "new")
"""Changes that may be meant; a slowdown is not one of them."""


@dataclass(frozen=True)
class Finding:
    """What is so, where, how much, and how sure."""

    family: str
    variant: str
    subject: Subject
    outcome: Outcome
    text: str
    """How much and how sure, in words."""
    builder: str
    """Where the network is made."""
    change: Interval | None = None
    """Of time, as a factor: 1.05 is 5 % slower."""
    judgement: Judgement | None = None
    base_s: float | None = None
    head_s: float | None = None
    allowed: bool = False
    """Whether the person said that this is meant."""
    again: str = ""
    """The command that looks at this variant again."""

    @property
    def where(self) -> str:
        """The variant as `--only` takes it."""
        return f"{self.family}/{self.variant}"

    @property
    def fails(self) -> bool:
        """Whether it is a regression."""
        return self.outcome in REGRESSIONS and not self.allowed


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings, what matters most first, and the largest change first within each outcome."""
    return tuple(sorted(findings, key=lambda f: (not f.fails, ORDER.index(f.outcome), -_size(f))))


def exit_code(findings: Iterable[Finding], strict: bool) -> int:
    """Return the code: a regression; else not measured, where something is open; else fine.

    An inconclusive time is open only where the check is strict; no time at all always is. Where nothing was held
    against anything, nothing is fine: networks that are all new, say, unless the person said so.
    """
    known = list(findings)
    if any(finding.fails for finding in known):
        return REGRESSION
    is_open = any(f.outcome == "unmeasured" or (strict and f.outcome == "inconclusive") for f in known)
    compared = any(finding.subject != "network" or finding.allowed for finding in known)
    return NOT_MEASURED if is_open or not compared else FINE


def _size(finding: Finding) -> float:
    """Return how large its change is, to a hundredth of a per cent: what is smaller makes no order."""
    return round(abs(finding.change.estimate - 1), 4) if finding.change else 0.0
