"""Trace a network into TorchScript, freeze it, and let torch optimise what is frozen.

Freezing folds batch normalisation. The optimisation lets convolutions keep oneDNN's own layout of
their weights and maps, and joins activations with them.
"""

import warnings
from typing import TYPE_CHECKING

from benchcli.backends.transforms.base import TRANSFORMS, Transform

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

COMPILING_CALLS = 3
"""The calls in which TorchScript notes what it is given, and compiles for it."""


class Frozen(Transform):
    """TorchScript's graph of one call, with the weights as constants."""

    name = "frozen"
    title = "traced into TorchScript, frozen and optimised for inference"
    suggestion = "freeze a trace: torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.trace(network, inputs)))"
    nothing = "it is frozen already: leave frozen out"
    order = 3
    keeps_modules = False
    untraceable = {
        "breakdown": "shows operators as the network calls them, and TorchScript runs others",
        "layers": "calls the modules one by one, which TorchScript does not",
    }

    def applies(self, network: "torch.nn.Module", inputs: "Inputs") -> int:  # noqa: ARG002
        """Return 1, for the network as a whole, unless it is frozen already."""
        return int(not _is_frozen(network))

    def apply(self, network: "torch.nn.Module", inputs: "Inputs") -> "tuple[torch.nn.Module, Inputs]":
        """Return the frozen graph, from tensors to tensors."""
        import torch

        from benchcli.backends.flat_call import FlatCall
        from benchcli.cost.inputs import Inputs

        if _is_frozen(network):
            raise NotImplementedError(self.nothing)
        flat = FlatCall(network, inputs)
        flat.training = False  # an exported network in it has no `eval`
        try:
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                traced = torch.jit.trace(flat, flat.given, check_trace=False)  # type: ignore[no-untyped-call]
                graph = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
                for _ in range(COMPILING_CALLS):
                    graph(*flat.given)
        except MemoryError:
            raise
        except Exception as error:  # the tracer may raise anything
            raise NotImplementedError(f"TorchScript cannot take it: {error}") from error
        return graph, Inputs(flat.given)


def _is_frozen(network: "torch.nn.Module") -> bool:
    """Return whether it is a frozen graph, which has no mode of training left."""
    import torch

    return isinstance(network, torch.jit.ScriptModule) and not hasattr(network, "training")


TRANSFORMS.add(Frozen())
