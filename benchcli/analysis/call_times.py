"""Seconds of each operator call of a network: its modules' own times, shared out over what they call."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from benchcli.analysis.layer_rows import over_launches
from benchcli.analysis.roofline import place
from benchcli.grouping import groups
from benchcli.schema import Interval, Layers, OperatorCall
from benchcli.schema.roofs import Roofs

OTHERS = 0.05
"""The largest part of a module that is ignored where the rest of it stands for the whole."""


@dataclass(frozen=True)
class CallTimes:
    """What each operator call takes in a call of the network, in each of several launches."""

    seconds: Mapping[int, Sequence[float]]
    """By launch: of each operator call, in their order."""
    call_s: Mapping[int, float]
    """By launch: seconds of a call of the network in which nothing is timed."""
    weights: Sequence[float]
    """Of each operator call: its part of the time of its module, in no particular unit."""
    by_module: Sequence[Sequence[int]]
    """The operator calls of each module that was timed."""

    def time_of(self, calls: Iterable[int]) -> Interval:
        """Return the seconds that some operator calls take together."""
        return over_launches({launch: sum(each[call] for call in calls) for launch, each in self.seconds.items()})

    def share_of(self, calls: Iterable[int]) -> Interval:
        """Return the same as a share of the network's time."""
        return over_launches(
            {launch: sum(each[call] for call in calls) / self.call_s[launch] for launch, each in self.seconds.items()}
        )

    def is_modelled(self, calls: Iterable[int]) -> bool:
        """Return whether they share a module with others, so that their weights give them a part of what was timed."""
        own: dict[int, float] = {}
        for call in calls:
            own[self._module_of[call]] = own.get(self._module_of[call], 0.0) + self.weights[call]
        return any(part < (1 - OTHERS) * self._totals[module] for module, part in own.items())

    def beside(self, calls: Iterable[int]) -> list[int]:
        """Return the other operator calls of the modules that some calls share with others."""
        chosen = set(calls)
        modules = {self._module_of[call] for call in chosen if self.is_modelled([call])}
        return [call for module in sorted(modules) for call in self.by_module[module] if call not in chosen]

    @cached_property
    def _module_of(self) -> Mapping[int, int]:
        return {call: module for module, several in enumerate(self.by_module) for call in several}

    @cached_property
    def _totals(self) -> Sequence[float]:
        return [sum(self.weights[call] for call in several) for several in self.by_module]


def call_times(
    launches: Sequence[Layers], calls: Sequence[OperatorCall], roofs: Roofs | None, watched_s: Sequence[float] = ()
) -> CallTimes:
    """Return the times of operator calls.

    A module that makes several gives each a share by the times `watched_s` that they took while operators were
    watched; if these are not known, by the additive model of the roofline, and without roofs by memory access.
    """
    is_known = len(watched_s) == len(calls)
    weights = watched_s if is_known else [_weight(call, roofs) for call in calls]
    seconds = {each.launch: _shared_out(each, calls, weights) for each in launches}
    call_s = {each.launch: each.call_s for each in launches}
    by_module = list(_by_module(launches[0], calls).values()) if launches else []
    return CallTimes(seconds, call_s, weights, by_module)


def _by_module(launch: Layers, calls: Sequence[OperatorCall]) -> dict[str, list[int]]:
    timed = {layer.path for layer in launch.layers}
    return groups(range(len(calls)), lambda number: _timed(calls[number].module, timed))


def _shared_out(launch: Layers, calls: Sequence[OperatorCall], weights: Sequence[float]) -> list[float]:
    own = {layer.path: layer.seconds for layer in launch.layers}
    by_module = _by_module(launch, calls)
    found = [0.0] * len(calls)
    for path, numbers in by_module.items():
        total = sum(weights[number] for number in numbers)
        for number in numbers:
            found[number] = own.get(path, 0.0) * weights[number] / total
    return found


def _timed(path: str, own: Collection[str]) -> str:
    """Return the path of the innermost module that was timed: a compiled one shows none of those in it."""
    while path and path not in own:
        path = path.rpartition(".")[0]
    return path


def _weight(call: OperatorCall, roofs: Roofs | None) -> float:
    placed = place(call.flops or 0, call.mac_bytes, 1, 1.0, roofs, call.dtype) if roofs else None
    return placed.model_s if placed else max(1.0, call.mac_bytes)
