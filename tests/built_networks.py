"""Networks that the launches of one test share, where each launch would build the same ones anew.

A launch on the simulated device builds its networks, compares their outputs with eager float32's,
and then only moves a clock. The first launch of a test does all of that. Later ones of networks
that ship take the networks from it: these differ in their random weights alone, and are not
checked again. Tests of what a launch does besides use the fixture `measured_anew`.
"""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from benchcli.schema import INFERENCE, LIVE, Costs, Family, Key, Variant
from benchcli.schema.protocol import LAUNCH, Send, Task

if TYPE_CHECKING:
    from benchcli.backends.devices.base import Device
    from benchcli.sampling.bench import Bench, Setup

RUNTIMES = ("eager", "graph")
"""Those that write no file and change no network."""


class BuiltNetworks:
    """Benches of networks that ship, by all that decides what they are but for the seed."""

    def __init__(self) -> None:
        self._benches: dict[Hashable, Bench] = {}

    def forget(self) -> None:
        """Let the next launch build its networks anew."""
        self._benches.clear()

    @contextmanager
    def reused_by(self, task: Task) -> Iterator[None]:
        """Let a launch take its networks from an earlier one if it has them all, and else note those that it builds.

        A function of the tests between the launch and its networks would be in the traces of their errors.
        """
        import pytest

        from benchcli.sampling import launch

        keys = _keys(task)
        known = {key: self._benches[what] for key, what in keys.items() if what in self._benches}
        still_right = launch._still_right

        def taken(variant: Variant, family: Family, _costs: Costs, setup: "Setup") -> "Bench":
            return replace(known[family.name, variant.name], throttled=setup.throttled, pace=setup.pace)

        def noting(benches: "Mapping[Key, Bench]", device: "Device", send: Send) -> "dict[Key, Bench]":
            right = still_right(benches, device, send)
            self._benches.update({keys[key]: replace(bench, check=lambda: None) for key, bench in right.items()})
            return right

        with pytest.MonkeyPatch.context() as patch:
            if keys and len(known) == len(keys):
                patch.setattr("benchcli.sampling.launch.prepare", taken)
            elif keys:
                patch.setattr(launch, "_still_right", noting)
            yield


BUILT = BuiltNetworks()


def _keys(task: Task) -> dict[Key, Hashable]:
    """Return what is equal for networks of equal events; nothing for a task with others than those that ship."""
    of = [(family, variant) for family in task.families for variant in family.launched]
    if task.kind != LAUNCH or task.target.runtime not in RUNTIMES or not all(_ships(*each) for each in of):
        return {}
    return {
        (family.name, variant.name): repr(
            (
                (family.name, family.batch, family.dtype, family.layout, task.target),
                (variant, task.costs[family.name][variant.name]),
            )
        )
        for family, variant in of
    }


def _ships(family: Family, variant: Variant) -> bool:
    """Return whether a network ships, and is not trained."""
    return variant.is_built_in and not variant.builder.startswith(LIVE) and family.step_of(variant) == INFERENCE
