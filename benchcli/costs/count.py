"""Count everything that one call of a network costs. Multiply-adds are fvcore's, checked against torch's counter."""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.utils.flop_counter import FlopCounterMode

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


NOT_MULTIPLY_ADDS = (
    "aten::adaptive_avg_pool2d",
    "aten::batch_norm",
    "aten::grid_sampler",
    "aten::group_norm",
    "aten::instance_norm",
    "aten::layer_norm",
    "aten::upsample_bilinear2d",
    "aten::upsample_nearest2d",
)
"""fvcore adds these, at 1 to 5 an element, into a total of multiply-adds; they are element-wise work."""


def flops(network: torch.nn.Module, inputs: torch.Tensor) -> int:
    """Return the multiply-adds of convolutions and matrix products in one call, by fvcore."""
    with torch.no_grad(), _silence():
        from fvcore.nn import FlopCountAnalysis  # importing it compiles TorchScript, which warns

        analysis = FlopCountAnalysis(network, inputs).unsupported_ops_warnings(False).tracer_warnings("none")
        analysis.set_op_handle(**dict.fromkeys(NOT_MULTIPLY_ADDS, _nothing))
        return int(analysis.total())


def flops_by_torch(network: torch.nn.Module, inputs: torch.Tensor) -> int:
    """Return the same by `torch.utils.flop_counter`, which counts two for a multiply-add."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(inputs)
    return int(counter.get_total_flops()) // 2


def _nothing(_inputs: object, _outputs: object) -> Counter[str]:
    return Counter()


@contextmanager
def _silence() -> Iterator[None]:
    """Keep TorchScript's deprecation and fvcore's logging from the user: neither is about their network."""
    logger = logging.getLogger("fvcore.nn.jit_analysis")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
