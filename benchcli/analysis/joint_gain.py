"""What several repairs of a network win together."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.audit_findings import AuditFinding
from benchcli.schema import Interval


def together(found: Sequence[AuditFinding]) -> tuple[Interval | None, list[AuditFinding]]:
    """Return the gain of several findings at once, and which they are; None if no gain is certain.

    No operator call is counted twice, and two repairs that share a tensor agree on its channels. Of those that a
    network cannot have at once, the ones that win most together are taken, as far as taking the largest gains
    after any first one finds them.
    """
    certain = sorted((each for each in found if each.judgement == "gain"), key=lambda each: -_won(each))
    taken = max(_ways(certain), key=lambda each: sum(map(_won, each)), default=[])
    gains = [each.gain for each in taken if each.gain]
    if not gains:
        return None, []
    ends = [sum(getattr(each, end) or each.estimate for each in gains) for end in ("low", "high")]
    return Interval(sum(each.estimate for each in gains), *ends), taken


def _ways(certain: Sequence[AuditFinding]) -> Iterator[list[AuditFinding]]:
    """Yield, for each repair, it and the largest of the others that fit it and each other, the largest first."""
    places = range(len(certain))
    clashing = {place: {each for each in places if not _fit(certain[place], certain[each])} for place in places}
    for first in places:
        taken, refused = [first], set(clashing[first])
        for place in places:
            if place != first and place not in refused:
                taken.append(place)
                refused |= clashing[place]
        yield [certain[place] for place in sorted(taken)]


def _won(each: AuditFinding) -> float:
    return each.gain.estimate if each.gain else 0.0


def _fit(one: AuditFinding, other: AuditFinding) -> bool:
    """Return whether a network can have both repairs."""
    channels = dict(one.edges)
    agree = all(channels.get(each.call, each.channels) == each.channels for each in other.edges)
    return agree and not set(one.rebuilt) & set(other.rebuilt)
