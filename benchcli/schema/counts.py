"""The values that describe the costs of one call of a network."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from benchcli.schema.request import PARTS, Part

SHAPES: Final = "shapes"
FORMULA: Final = "formula"
OWN: Final = "own rule"
Basis = Literal["shapes", "formula", "own rule"]
"""What multiply-adds are: a count from shapes, a textbook's formula, or what a rule of the user says."""


@dataclass(frozen=True)
class Geometry:
    """How a convolution's window moves over its input, one number for each dimension of the image."""

    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int
    is_transposed: bool = False


@dataclass(frozen=True)
class OperatorCall:
    """The costs of one call of an operator; `Costs` are sums of them."""

    operator: str
    """The name of the operator that torch dispatched, such as "aten.convolution.default"."""
    module: str
    """The path of the innermost module that was being called; empty for the network itself."""
    dtype: str
    """The dtype of the first output, such as "float32"."""
    inputs: tuple[tuple[int, ...], ...]
    """The shapes of the tensors that it reads."""
    outputs: tuple[tuple[int, ...], ...]
    """The shapes of the tensors that it writes."""
    flops: int | None
    """Multiply-adds; None if there is no rule for the operator."""
    elementwise: int
    """Elements written by element-wise work."""
    mac_elements: int
    """Memory access cost by the paper's formula, in elements; 0 for what is neither a convolution nor its gradient."""
    mac_bytes: int
    """Memory access cost in bytes, unfused."""
    mac_fused_bytes: int
    """The same, if point-wise operators are fused into the producer of an operand."""
    producers: tuple[int | None, ...] = ()
    """Of each tensor that it reads: the place in the walk of the call that last wrote its memory.

    None for inputs and weights, unless a call wrote them.
    """
    window: int = 1
    """The size of a convolution's window, which minimal filtering may save (Winograd, 1980); 1 for others."""
    part: Part = PARTS[0]
    """The part of a training step; everything else is forward."""
    basis: Basis = SHAPES
    """What the multiply-adds are: shapes (a count), formula (of a textbook), own rule (of the user)."""
    geometry: Geometry | None = None
    """Of a convolution; None of others."""
    reordered: tuple[int, ...] = ()
    """Of a copy: where in memory each dimension that it writes, outermost first, was in what it reads.

    Dimensions of size 1 are none. Empty if the order is kept, and of what is no copy.
    """

    @property
    def name(self) -> str:
        """The operator without its overload, such as "aten.convolution"."""
        return self.operator.rpartition(".")[0]


@dataclass(frozen=True)
class CostDetail:
    """What the costs of one call of a network are made of, and what other tools count."""

    calls: tuple[OperatorCall, ...]
    """In the order in which torch dispatched them."""
    others: Mapping[str, int | str]
    """Multiply-adds by the name of the tool that counted them, or why it could not."""
    uncalled: tuple[str, ...] = ()
    """The paths of modules whose `forward` ran without a call of them: their own work counts for the caller."""
    branching: tuple[str, ...] = ()
    """The paths of modules whose code reads values of tensors, as a branch does; empty for the network itself."""
    made: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Of modules by path: the file and the line of the user's code that make them."""
    seconds: tuple[float, ...] = ()
    """Of each operator call while operators are watched, the least of several; empty if they were not timed."""


@dataclass(frozen=True)
class Costs:
    """The costs of one call of a network; `docs/methodology.md` defines each of them."""

    flops: int
    """Multiply-adds: a lower bound unless `flops_complete`."""
    params: int
    """Scalar parameters."""
    elementwise: int
    """Elements written by element-wise work."""
    mac_elements: int
    """Memory access cost of the convolutions by the paper's formula, in elements."""
    mac_bytes: int
    """Memory access cost in bytes, unfused."""
    mac_fused_bytes: int
    """The same, if point-wise operators are fused into the producer of an operand."""
    mac_compulsory_bytes: int
    """Input, output and the parameters that are read, once each, in bytes; of a training step, what it must move."""
    peak_activation_bytes: int | None = None
    """The most bytes of tensors, the input among them and weights apart, that are alive at once."""
    weight_bytes: int | None = None
    """Bytes of the parameters, buffers and packed weights, and of the optimiser's state where weights are updated."""
    device_peak_bytes: int | None = None
    """The most bytes that the device's allocator gave out during a call; None if it does not say."""
    least_flops: int | None = None
    """Multiply-adds that no algorithm for convolutions saves: those with a window count as with a window of one."""
    inputs: str = ""
    """What the call was given: names, shapes and dtypes, such as "1x3x224x224" or "ids=1x16:int64"."""
    items: int | None = None
    """The batch of the call: the first size of its first input."""
    tokens: int | None = None
    """The elements of the first input, where it holds sequences of whole numbers."""
    operators: int | None = None
    """Calls of operators that read or write memory, each of which torch dispatches; None if they were not counted."""
    unknown: tuple[str, ...] = ()
    """Operators without a rule for their multiply-adds, so that none counts as zero silently."""
    formulas: tuple[str, ...] = ()
    """Operators whose multiply-adds are those of a textbook's formula."""
    error: str | None = None
    """Why nothing was counted; None if it was."""

    @classmethod
    def uncounted(cls, error: str) -> "Costs":
        """Return the costs of a network that could not be counted. They never reach a row."""
        return cls(0, 0, 0, 0, 0, 0, 0, error=error)

    @property
    def flops_complete(self) -> bool:
        """Whether every operator has a rule for its multiply-adds."""
        return not self.unknown and self.error is None

    @property
    def first_shape(self) -> tuple[int, ...]:
        """The shape of the first input, with its batch; empty if it is not known, or a number."""
        text = self.inputs.partition(", ")[0].rpartition("=")[2].partition(":")[0]
        return tuple(map(int, text.split("x"))) if re.fullmatch("[0-9]{1,9}(x[0-9]{1,9})*", text) else ()

    @property
    def params_known(self) -> bool:
        """Whether the parameters are known: what is not seen may hold those of a network that has none itself."""
        return self.params > 0 or self.flops_complete

    @property
    def log_intensity(self) -> float:
        """The logarithm of the arithmetic intensity: multiply-adds per byte of unfused access."""
        return math.log(max(self.flops, 1) / max(self.mac_bytes, 1))
