"""Count everything that one call of a network costs."""

import torch

from benchcli.costs.flops import flops, flops_by_torch
from benchcli.costs.memory import memory_costs
from benchcli.schema import Costs


def count(network: torch.nn.Module, inputs: torch.Tensor) -> Costs:
    """Return the costs of `network(inputs)`; it is called three times. Raises what the network raises."""
    multiply_adds, check = flops(network, inputs), flops_by_torch(network, inputs)
    memory = memory_costs(network, inputs)
    disagreement = [] if multiply_adds == check else [f"flops: fvcore {multiply_adds}, torch {check}"]
    return Costs(
        flops=multiply_adds,
        params=sum(parameter.numel() for parameter in network.parameters()),
        elementwise=memory.elementwise,
        mac_elements=memory.mac_elements,
        mac_bytes=memory.mac_bytes,
        mac_fused_bytes=memory.mac_fused_bytes,
        mac_compulsory_bytes=memory.mac_compulsory_bytes,
        unknown=(*memory.unknown, *disagreement),
    )
