"""Count the costs of one call of a network: sums over the operators that torch dispatches."""

from collections import Counter
from collections.abc import Iterable, Iterator

import torch

from benchcli.cost.inputs import as_inputs
from benchcli.cost.training import TrainingStep
from benchcli.cost.walk import Walk, walk_once
from benchcli.schema import Costs, OperatorCall, sizes

MOST_SHAPES = 6
"""The most shapes of inputs in the name of an operator without a rule."""


def count(network: torch.nn.Module, inputs: object) -> Costs:
    """Return the costs of a call with `inputs`, as `as_inputs` reads them. Raises the network's errors."""
    return total(walk(network, inputs))


def walk(network: torch.nn.Module, inputs: object, step: TrainingStep | None = None) -> Walk:
    """Walk through a call of the network, or through a training step of it. Raises the network's errors.

    Attention's fast path may make nested tensors of padded sequences, which have no strides to count;
    then the call is walked without it.
    """
    mha, given = torch.backends.mha, as_inputs(inputs)
    try:
        return walk_once(network, given, step)
    except (RuntimeError, NotImplementedError):
        if not mha.get_fastpath_enabled():
            raise
        mha.set_fastpath_enabled(False)
        try:
            return walk_once(network, given, step)
        finally:
            mha.set_fastpath_enabled(True)


def total(walked: Walk) -> Costs:
    """Return the sums over the operators of a walk."""
    calls = walked.calls
    return Costs(
        flops=sum(call.flops or 0 for call in calls),
        params=walked.params,
        elementwise=sum(call.elementwise for call in calls),
        mac_elements=sum(call.mac_elements for call in calls),
        mac_bytes=sum(call.mac_bytes for call in calls),
        mac_fused_bytes=sum(call.mac_fused_bytes for call in calls),
        mac_compulsory_bytes=walked.end_bytes + walked.read_bytes + walked.updated_bytes,
        peak_activation_bytes=walked.peak_bytes,
        weight_bytes=walked.weight_bytes,
        least_flops=sum((call.flops or 0) // call.window for call in calls),
        unknown=(*sorted(unknown(calls)), *sorted(walked.unseen)),
    )


def unknown(calls: Iterable[OperatorCall]) -> Iterator[str]:
    """Yield the operators without a rule for their multiply-adds, each with its calls by shape.

    Two networks with other calls of one such operator have other names here.
    """
    by_operator: dict[str, Counter[str]] = {}
    for call in calls:
        if call.flops is None:
            shapes = " and ".join(map(sizes, call.inputs))
            by_operator.setdefault(call.operator, Counter())[shapes] += 1
    for operator, counted in by_operator.items():
        named = [f"{shapes}{f' {times} times' if times > 1 else ''}" for shapes, times in counted.items()]
        more = [f"{len(named) - MOST_SHAPES} other shapes"] if len(named) > MOST_SHAPES else []
        yield f"{operator} of {', '.join([*named[:MOST_SHAPES], *more])}"
