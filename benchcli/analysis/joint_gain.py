"""What several repairs of a network win together."""

from collections.abc import Sequence

from benchcli.analysis.audit_findings import AuditFinding
from benchcli.schema import Interval


def together(found: Sequence[AuditFinding]) -> tuple[Interval | None, list[AuditFinding]]:
    """Return the gain of several findings at once, and which they are; None if no gain is certain.

    Those of the largest gain are taken first. No operator call is counted twice, and two repairs that share
    a tensor agree on its channels.
    """
    taken: list[AuditFinding] = []
    for each in sorted(found, key=lambda each: -(each.gain.estimate if each.gain else 0.0)):
        if each.judgement == "gain" and all(_fit(each, other) for other in taken):
            taken.append(each)
    gains = [each.gain for each in taken if each.gain]
    if not gains:
        return None, []
    ends = [sum(getattr(each, end) or each.estimate for each in gains) for end in ("low", "high")]
    return Interval(sum(each.estimate for each in gains), *ends), taken


def _fit(one: AuditFinding, other: AuditFinding) -> bool:
    """Return whether a network can have both repairs."""
    channels = dict(one.edges)
    agree = all(channels.get(each.call, each.channels) == each.channels for each in other.edges)
    return agree and not set(one.rebuilt) & set(other.rebuilt)
