"""Count the costs of one call of a network, with fvcore's multiply-adds checked against torch's."""

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
    """Return the costs of `network(inputs)`. Calls it three times. Raises the network's errors."""
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
"""Element-wise operators that fvcore adds to its total, at 1 to 5 multiply-adds per element."""


def flops(network: torch.nn.Module, inputs: torch.Tensor) -> int:
    """Return fvcore's count of multiply-adds in convolutions and matrix products of one call."""
    with torch.no_grad(), _silence():
        from fvcore.nn import FlopCountAnalysis  # The import compiles TorchScript, which warns.

        analysis = FlopCountAnalysis(network, inputs).unsupported_ops_warnings(False).tracer_warnings("none")
        analysis.set_op_handle(**dict.fromkeys(NOT_MULTIPLY_ADDS, _no_flops))
        return int(analysis.total())


def flops_by_torch(network: torch.nn.Module, inputs: torch.Tensor) -> int:
    """Return the multiply-adds by `torch.utils.flop_counter`, which counts each as two."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(inputs)
    return int(counter.get_total_flops()) // 2


def _no_flops(_inputs: object, _outputs: object) -> Counter[str]:
    return Counter()


@contextmanager
def _silence() -> Iterator[None]:
    """Hide TorchScript's deprecation warnings and fvcore's logs.

    Neither concerns the user's network.
    """
    logger = logging.getLogger("fvcore.nn.jit_analysis")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
