"""Seconds of each operator call of a network: its modules' own times, shared out over what they call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchcli.analysis.layer_rows import over_launches
from benchcli.analysis.roofline import place
from benchcli.grouping import groups
from benchcli.schema import Interval, Layers, OperatorCall
from benchcli.schema.roofs import Roofs


@dataclass(frozen=True)
class CallTimes:
    """What each operator call takes in a call of the network, in each of several launches."""

    seconds: Mapping[int, Sequence[float]]
    """By launch: of each operator call, in their order."""
    call_s: Mapping[int, float]
    """By launch: seconds of a call of the network in which nothing is timed."""

    def time_of(self, calls: Iterable[int]) -> Interval:
        """Return the seconds that some operator calls take together."""
        return over_launches({launch: sum(each[call] for call in calls) for launch, each in self.seconds.items()})

    def share_of(self, calls: Iterable[int]) -> Interval:
        """Return the same as a share of the network's time."""
        return over_launches(
            {launch: sum(each[call] for call in calls) / self.call_s[launch] for launch, each in self.seconds.items()}
        )


def call_times(launches: Sequence[Layers], calls: Sequence[OperatorCall], roofs: Roofs | None) -> CallTimes:
    """Return the times of operator calls.

    A module that makes several gives each the share that the additive model of the roofline gives it;
    without roofs, that of its memory access.
    """
    weights = [_weight(call, roofs) for call in calls]
    seconds = {each.launch: _shared_out(each, calls, weights) for each in launches}
    return CallTimes(seconds, {each.launch: each.call_s for each in launches})


def _shared_out(launch: Layers, calls: Sequence[OperatorCall], weights: Sequence[float]) -> list[float]:
    own = {layer.path: layer.seconds for layer in launch.layers}
    by_module = groups(range(len(calls)), lambda number: _timed(calls[number].module, own))
    found = [0.0] * len(calls)
    for path, numbers in by_module.items():
        total = sum(weights[number] for number in numbers)
        for number in numbers:
            found[number] = own.get(path, 0.0) * weights[number] / total
    return found


def _timed(path: str, own: Mapping[str, float]) -> str:
    """Return the path of the innermost module that was timed: a compiled one shows none of those in it."""
    while path and path not in own:
        path = path.rpartition(".")[0]
    return path


def _weight(call: OperatorCall, roofs: Roofs | None) -> float:
    placed = place(call.flops or 0, call.mac_bytes, 1, 1.0, roofs, call.dtype) if roofs else None
    return placed.model_s if placed else max(1.0, call.mac_bytes)
