"""Order the findings of a check by importance, and say how it ends."""

from collections.abc import Iterable

from benchcli.checks.findings import ORDER, Finding
from benchcli.errors import FINE, NOT_MEASURED, REGRESSION


def ordered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings by importance; within one outcome, the largest change first."""
    return tuple(sorted(findings, key=lambda f: (not f.fails, _rank(f), -_size(f))))


def _rank(finding: Finding) -> int:
    """Return the position of an outcome in `ORDER`; an allowed change ranks with what is new."""
    return ORDER.index("new" if finding.allowed else finding.outcome)


def exit_code(findings: Iterable[Finding], strict: bool) -> int:
    """Return REGRESSION if a finding fails; else NOT_MEASURED if one is open; else FINE.

    An unmeasured subject is always open, an inconclusive time only if `strict`. A check that
    compared nothing is NOT_MEASURED too: for example if all networks are new, even if that is
    allowed.
    """
    all_findings = list(findings)
    if any(finding.fails for finding in all_findings):
        return REGRESSION
    is_open = any(f.outcome == "unmeasured" or (strict and f.outcome == "inconclusive") for f in all_findings)
    compared = any(finding.subject != "network" for finding in all_findings)
    return NOT_MEASURED if is_open or not compared else FINE


def _size(finding: Finding) -> float:
    """Return the size of the change, rounded to 0.01 % so that noise does not order findings."""
    return round(abs(finding.change.estimate - 1), 4) if finding.change else 0.0
