"""Let activations write their result over what they read, where nothing else needs it."""

from typing import TYPE_CHECKING

from benchcli.backends.transforms.base import TRANSFORMS, Transform

if TYPE_CHECKING:
    import torch

    from benchcli.backends.dataflow import Dataflow, LayerCall
    from benchcli.cost.inputs import Inputs


class InPlace(Transform):
    """Activation modules with `inplace=True`."""

    name = "inplace"
    title = "activations in place, where nothing else needs what they read"
    suggestion = "give activations inplace=True, where nothing else needs what they read"
    nothing = "no activation module can begin to work in place: leave inplace out"
    order = 2

    def applies(self, network: "torch.nn.Module", inputs: "Inputs") -> int:
        """Return the number of activation modules that can work in place, and do not yet."""
        return len(_safe(network, inputs))

    def apply(self, network: "torch.nn.Module", inputs: "Inputs") -> "tuple[torch.nn.Module, Inputs]":
        """Return the network itself, with these activations in place."""
        safe = _safe(network, inputs)
        if not safe:
            raise NotImplementedError(self.nothing)
        for each in safe:
            each.inplace = True  # type: ignore[assignment]
        return network, inputs


def _safe(network: "torch.nn.Module", inputs: "Inputs") -> "list[torch.nn.Module]":
    """Return the activations of which no call overwrites what is still needed."""
    from benchcli.backends.dataflow import observe

    kinds = _activations()
    flow = observe(network, inputs, kinds)
    return [
        layer
        for layer, calls in flow.calls_of(kinds).items()
        if not layer.inplace and all(_may_overwrite(flow, call) for call in calls)
    ]


def _may_overwrite(flow: "Dataflow", call: "LayerCall") -> bool:
    """Return whether a call may overwrite what it reads: whatever reads it later would read the result instead."""
    read = call.read
    return read is not None and read.is_disjoint and flow.is_free(read, call.operators.stop)


def _activations() -> "frozenset[type[torch.nn.Module]]":
    from torch import nn

    return frozenset(
        {nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.RReLU, nn.ELU, nn.CELU, nn.SELU, nn.SiLU, nn.Mish}
        | {nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Threshold}
    )


TRANSFORMS.add(InPlace())
