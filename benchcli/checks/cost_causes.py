"""Find the modules and operators to which a difference of costs between base and head is due."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchcli.grouping import groups
from benchcli.schema import CostDetail, OperatorCall

LISTED = 4
"""The most modules, and the most operators, that a text names: those that differ most."""
COUNTS: Mapping[str, str] = {
    "flops": "FLOPs",
    "mac_bytes": "bytes",
    "elementwise": "elements written",
    "calls": "calls",
}
"""What is compared of a module or an operator; the last two are told where the others are equal."""
TOLD = ("flops", "mac_bytes")
"""The counts that are told, if one of them differs."""


@dataclass(frozen=True)
class PartChange:
    """A module or an operator that costs something else in head than in base."""

    name: str
    """The path of a module, empty for the network itself, or the name of an operator."""
    base: Mapping[str, int] | None
    """Its own counts, without those of the modules that it calls; None if base does not call it."""
    head: Mapping[str, int] | None

    def difference(self, count: str) -> int:
        """Return head's count minus base's."""
        base, head = (counts[count] if counts else 0 for counts in (self.base, self.head))
        return head - base

    @property
    def text(self) -> str:
        """The change as text: "features.3 new +1,024 FLOPs, +512 bytes"."""
        state = " new" if self.base is None else " gone" if self.head is None else ""
        differing = [count for count in COUNTS if self.difference(count)]
        told = [count for count in differing if count in TOLD] or differing[:1]
        return f"{self.name or 'the network itself'}{state} " + ", ".join(
            f"{self.difference(count):+,} {COUNTS[count]}" for count in told
        )


def by_module(base: CostDetail, head: CostDetail) -> list[PartChange]:
    """Return the modules that differ in what they do themselves, the largest difference first.

    Their differences add up to that of the whole network.
    """
    return _changes(base, head, lambda call: call.module)


def by_operator(base: CostDetail, head: CostDetail) -> list[PartChange]:
    """Return the operators that differ, the largest difference first. Their differences add up to the network's."""
    return _changes(base, head, lambda call: call.name)


def described(base: CostDetail | None, head: CostDetail | None) -> str:
    """Return what modules and operators do something else in head, as text; empty if none does."""
    if base is None or head is None:
        return ""
    kinds = {"by module": by_module(base, head), "by operator": by_operator(base, head)}
    return "; ".join(f"{kind}: {_listed(changes)}" for kind, changes in kinds.items() if changes)


def _listed(changes: Sequence[PartChange]) -> str:
    more = [f"and {len(changes) - LISTED} more"] if len(changes) > LISTED else []
    return ", ".join([*(change.text for change in changes[:LISTED]), *more])


def _changes(base: CostDetail, head: CostDetail, key: Callable[[OperatorCall], str]) -> list[PartChange]:
    then, now = ({name: _sums(calls) for name, calls in groups(each.calls, key).items()} for each in (base, head))
    changes = [PartChange(name, then.get(name), now.get(name)) for name in dict.fromkeys([*then, *now])]
    return sorted((each for each in changes if each.base != each.head), key=lambda each: [*_sizes(each)])


def _sums(calls: Sequence[OperatorCall]) -> Mapping[str, int]:
    return {
        "flops": sum(call.flops or 0 for call in calls),
        "mac_bytes": sum(call.mac_bytes for call in calls),
        "elementwise": sum(call.elementwise for call in calls),
        "calls": len(calls),
    }


def _sizes(change: PartChange) -> Iterator[int]:
    """Yield what sorts changes, the largest first."""
    return (-abs(change.difference(count)) for count in COUNTS)
