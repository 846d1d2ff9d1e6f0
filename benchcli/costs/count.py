"""Count the costs of one call of a network: sums over the operators that torch dispatches."""

from collections.abc import Iterable

import torch

from benchcli.costs.memory import bytes_of, distinct, tensors
from benchcli.costs.storages import storage_of
from benchcli.costs.walk import Walk, walk_once
from benchcli.schema import Costs, OperatorCall


def count(network: torch.nn.Module, inputs: torch.Tensor) -> Costs:
    """Return the costs of `network(inputs)`. Calls it once. Raises the network's errors."""
    return total(walk(network, inputs), network, inputs)


def walk(network: torch.nn.Module, inputs: torch.Tensor) -> Walk:
    """Walk through a call of the network. Raises the network's errors.

    Attention's fast path may make nested tensors of padded sequences, which have no strides to count;
    then the call is walked without it.
    """
    mha = torch.backends.mha
    try:
        return walk_once(network, inputs)
    except (RuntimeError, NotImplementedError):
        if not mha.get_fastpath_enabled():
            raise
        mha.set_fastpath_enabled(False)
        try:
            return walk_once(network, inputs)
        finally:
            mha.set_fastpath_enabled(True)


def total(walked: Walk, network: torch.nn.Module, inputs: torch.Tensor) -> Costs:
    """Return the sums over the operators of a walk through `network(inputs)`."""
    calls, parameters = walked.calls, list(network.parameters())
    packed = [each for _, held in walked.packed.values() for each in held]
    ends = distinct([inputs, *tensors(walked.output)])
    read = [walked.weight_bytes.get(each, 0) for each in {storage_of(parameter) for parameter in parameters}]
    return Costs(
        flops=sum(call.flops or 0 for call in calls),
        params=sum(each.numel() for each in [*parameters, *packed]),
        elementwise=sum(call.elementwise for call in calls),
        mac_elements=sum(call.mac_elements for call in calls),
        mac_bytes=sum(call.mac_bytes for call in calls),
        mac_fused_bytes=sum(call.mac_fused_bytes for call in calls),
        mac_compulsory_bytes=sum(map(bytes_of, [*ends, *packed])) + sum(read),
        peak_activation_bytes=walked.peak_bytes,
        weight_bytes=sum(map(bytes_of, [*distinct([*parameters, *network.buffers()]), *packed])),
        unknown=unknown(calls),
    )


def unknown(calls: Iterable[OperatorCall]) -> tuple[str, ...]:
    """Return the operators without a rule for their multiply-adds, sorted."""
    return tuple(sorted({call.operator for call in calls if call.flops is None}))
