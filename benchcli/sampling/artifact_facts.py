"""Learn of the file that a runtime has prepared how it converts layouts, and how well it computes."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import mean
from typing import TypeVar

import torch

from benchcli.backends.quantisation import inputs_like
from benchcli.backends.runtimes.base import Place, Runtime
from benchcli.cost.inputs import Inputs
from benchcli.guards import outputs
from benchcli.schema import REORDER
from benchcli.schema.protocol import ArtifactFacts
from benchcli.schema.recipes import FLOAT32

Value = TypeVar("Value")
INPUTS = 16
"""The inputs over which largest values are compared."""


def facts_of(
    artifact: Path, dtype: str, runtime: Runtime, place: Place, network: torch.nn.Module, inputs: Inputs
) -> ArtifactFacts:
    """Return what calls of a file show, before anything is timed. A network of a dtype stands beside it, in eager mode.

    What cannot be called has no facts: the launch that loads it says why.
    """
    is_exact = runtime.computes_in(dtype) == FLOAT32
    return ArtifactFacts(
        reorders=_known(partial(_reorders, artifact, runtime, place, network, inputs)),
        argmax_agreement=None
        if is_exact or dtype != FLOAT32
        else _known(partial(_agreement, artifact, runtime, place, network, inputs)),
    )


def _known(ask: Callable[[], Value]) -> Value | None:
    try:
        return ask()
    except MemoryError:
        raise
    except Exception:  # runtimes raise anything
        return None


def _reorders(artifact: Path, runtime: Runtime, place: Place, network: torch.nn.Module, inputs: Inputs) -> int | None:
    """Return how often a runtime converts a layout in a call, by its own profile; None if it does not tell."""
    profiler = runtime.profiler(network, inputs, place, artifact)
    if profiler is None or not profiler.tells_reorders:
        return None
    profiler.call()
    *_, nodes = profiler.finish()
    return sum(node.kernel.work == REORDER for node in nodes)


def _agreement(
    artifact: Path, runtime: Runtime, place: Place, network: torch.nn.Module, inputs: Inputs
) -> float | None:
    """Return the share of items whose largest value is where eager mode's is, over inputs like a network's own.

    None if no output has scores.
    """
    call, eager = runtime.prepare(network, inputs, place, artifact), inputs.bound_to(network)
    tensors = inputs.tensors()
    own = outputs.kept(tuple(tensors))
    shares: list[float | None] = []
    try:
        for values in inputs_like(own, INPUTS, seed=1):  # others than those of a calibration
            for tensor, each in zip(tensors, values, strict=True):
                tensor.copy_(each)  # the runtime reads them where they are
            with torch.inference_mode():
                expected = outputs.References(outputs.kept(outputs.outputs_of(eager())))
            shares.append(outputs.argmax_agreement(call(), expected))
            place.alive()
    finally:
        for tensor, each in zip(tensors, own, strict=True):
            tensor.copy_(each)
    known = [each for each in shares if each is not None]
    return mean(known) if known else None
