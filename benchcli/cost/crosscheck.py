"""Count multiply-adds by other tools, to compare with this package's."""

import logging
import warnings
from collections import Counter as Counts
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch

from benchcli.cost.inputs import as_inputs
from benchcli.cost.training import TrainingStep

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


def flops_by_fvcore(network: torch.nn.Module, inputs: object, step: TrainingStep | None = None) -> int:
    """Return fvcore's multiply-adds of convolutions and matrix products. Raises what its tracing raises."""
    given = as_inputs(inputs)
    if step:
        raise NotImplementedError("fvcore counts no backward pass")
    if given.kwargs:
        raise NotImplementedError("fvcore takes no keyword arguments")
    with torch.no_grad(), _silence():
        from fvcore.nn import FlopCountAnalysis  # The import compiles TorchScript, which warns.

        analysis = FlopCountAnalysis(network, given.args).unsupported_ops_warnings(False).tracer_warnings("none")
        analysis.set_op_handle(**dict.fromkeys(NOT_MULTIPLY_ADDS, _no_flops))
        return int(analysis.total())


def flops_by_torch(network: torch.nn.Module, inputs: object, step: TrainingStep | None = None) -> int:
    """Return the multiply-adds by `torch.utils.flop_counter`, which counts each as two."""
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        (step or as_inputs(inputs).bound_to(network))()
    return int(counter.get_total_flops()) // 2


Counter = Callable[[torch.nn.Module, object, TrainingStep | None], int]
UNTRACED: Mapping[str, Counter] = {"torch": flops_by_torch}
"""Those that call a network, and need no values for it."""
COUNTERS: Mapping[str, Counter] = {"fvcore": flops_by_fvcore, **UNTRACED}
"""The other tools, by name. Each counts a call, or a training step."""


def _no_flops(_inputs: object, _outputs: object) -> Counts[str]:
    return Counts()


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
