"""Count the costs of one call of a network: sums over the operators that torch dispatches."""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator

import torch

from benchcli.cost import fast_path
from benchcli.cost.inputs import Inputs, as_inputs
from benchcli.cost.training import TrainingStep
from benchcli.cost.use_of_rules import check_rules
from benchcli.cost.walk import Walk, walk_once
from benchcli.cost.watching import COMPILER
from benchcli.schema import FORMULA, Costs, OperatorCall, sizes

MOST_SHAPES = 6
"""The most shapes of inputs in the name of an operator without a rule."""


def count(network: torch.nn.Module, inputs: object) -> Costs:
    """Return the costs of a call with `inputs`, as `as_inputs` reads them. Raises the network's errors."""
    return total(walk(network, inputs))


def walk(network: torch.nn.Module, inputs: object, step: TrainingStep | None = None) -> Walk:
    """Walk through a call of the network, or through a training step of it.

    Raises the network's errors, and CostRuleError.

    A call that loads the compiler is walked again, as it may have compiled what watches it.
    """
    check_rules()
    is_first = COMPILER not in sys.modules
    try:
        walked = _walk(network, as_inputs(inputs), step)
    except Exception:
        if not is_first or COMPILER not in sys.modules:
            raise
    else:
        if not is_first or COMPILER not in sys.modules:
            return walked
    return _walk(network, as_inputs(inputs), step)


def _walk(network: torch.nn.Module, given: Inputs, step: TrainingStep | None) -> Walk:
    """Walk through a call without attention's fast path.

    That runs a whole layer as one operator, whose arguments and outputs are not all that it moves, and
    leaves out what a mask hides, which counts. What cannot be called without it is walked with it.
    """
    try:
        with fast_path.left():
            return walk_once(network, given, step)
    except (RuntimeError, NotImplementedError):
        if not torch.backends.mha.get_fastpath_enabled():
            raise
    return walk_once(network, given, step)


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
        operators=len(calls),
        unknown=(*sorted(unknown(calls)), *sorted(walked.unseen)),
        formulas=tuple(sorted({call.operator for call in calls if call.basis == FORMULA})),
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
