"""Walk through one call of a network, operator by operator, and note the costs of each."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from benchcli.costs.arithmetic import Arguments, elementwise, is_pointwise, multiply_adds
from benchcli.costs.memory import Traffic, tensors, traffic
from benchcli.costs.operators import CONVOLUTIONS, NORMALISATIONS, QUANTISED, twin
from benchcli.costs.storages import Storages, storage_of
from benchcli.schema import OperatorCall

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
"""The key under which torch keeps the kernels that are made of other operators."""


@dataclass
class Walk:
    """What one call of a network does."""

    calls: list[OperatorCall] = field(default_factory=list)
    weight_bytes: dict[int, int] = field(default_factory=dict)
    """Bytes that the operators read of each weight, by storage, each part of it once."""
    packed: dict[int, tuple[object, list[torch.Tensor]]] = field(default_factory=dict)
    """Packed weights, which a quantised layer keeps from torch, and what they hold, by identity."""
    peak_bytes: int = 0
    output: object = None


def walk_once(network: torch.nn.Module, inputs: torch.Tensor) -> Walk:
    """Call the network once and return what it does. Raises the network's errors."""
    walked = Walk()
    storages = Storages([*network.parameters(), *network.buffers()])
    storages.meet([inputs])
    # no_grad, not inference_mode: the network may itself use either, and both are walked alike.
    with torch.no_grad(), _calling(network) as path, _Dispatch(walked, storages, path):
        walked.output = network(inputs)
    walked.peak_bytes = storages.peak_bytes
    return walked


class _Dispatch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes each operator as torch dispatches it."""

    def __init__(self, walked: Walk, storages: Storages, path: Sequence[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._walked, self._storages, self._path = walked, storages, path
        self._read: dict[int, set[object]] = {}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if _is_composite(func):  # inference mode dispatches it whole
            with self:
                return func._op_dk(COMPOSITE, *args, **kwargs)
        result = func(*args, **kwargs)
        self._storages.meet(tensors((args, kwargs, result)))
        name, arguments = _named(func, args, kwargs)
        moved = traffic(name, func, arguments, result)
        if moved:
            self._note(name, func, arguments, moved)
            self._storages.write(moved.written)
        return result

    def _note(self, name: str, func: Any, arguments: Arguments, moved: Traffic) -> None:
        output, tags = moved.written[0], func.tags
        fuses = is_pointwise(name, tags) or (name in NORMALISATIONS and not arguments.get("training"))
        unfused_bytes = moved.unfused_bytes
        for tensor, size in moved.read:
            self._note_weight(tensor, size)
        if name == QUANTISED:
            packed, held = arguments["packed"], tensors((arguments["weight"], arguments["bias"]))
            self._walked.packed[id(packed)] = (packed, held)
        self._walked.calls.append(
            OperatorCall(
                operator=str(func),
                module=self._path[-1] if self._path else "",
                dtype=str(output.dtype).removeprefix("torch."),
                inputs=tuple(tuple(each.shape) for each, _ in moved.read),
                outputs=tuple(tuple(each.shape) for each in moved.written),
                flops=multiply_adds(name, tags, arguments, output),
                elementwise=elementwise(name, tags, arguments, output),
                mac_elements=_formula_elements(arguments, output) if name in CONVOLUTIONS else 0,
                mac_bytes=unfused_bytes,
                mac_fused_bytes=moved.fused_bytes(self._storages) if fuses else unfused_bytes,
            )
        )

    def _note_weight(self, tensor: torch.Tensor, size: int) -> None:
        """Add the bytes read of a weight, each part of it once and no more than it has."""
        storage = storage_of(tensor)
        part = (tensor.storage_offset(), tensor.shape, tensor.stride(), size)
        if self._storages.is_weight(tensor) and part not in self._read.setdefault(storage, set()):
            self._read[storage].add(part)
            read = self._walked.weight_bytes.get(storage, 0) + size
            self._walked.weight_bytes[storage] = min(read, tensor.untyped_storage().nbytes())


@cache
def _is_composite(func: Any) -> bool:
    """Return whether an operator's kernel calls others. What torch decomposes only for compilers is none."""
    try:
        return bool(torch._C._dispatch_has_kernel_for_dispatch_key(func.name(), COMPOSITE))
    except RuntimeError:  # it is one of Python's own
        return False


def _formula_elements(arguments: Arguments, output: torch.Tensor) -> int:
    """Return the elements of a convolution's image, weight and output: the paper's memory access cost."""
    image = arguments["input" if "input" in arguments else "self"]
    return int(image.numel() + arguments["weight"].numel() + output.numel())


def _named(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the name by which the rules know an operator, and its arguments by name.

    A quantised layer's packed weight and bias are unpacked.
    """
    name, schema = twin(func.overloadpacket.__name__), func._schema
    defaults = {each.name: each.default_value for each in schema.arguments if each.has_default_value()}
    arguments = {**defaults, **dict(zip((each.name for each in schema.arguments), args, strict=False)), **kwargs}
    if func.namespace == "aten":
        return name, arguments
    packed = next((each for each in args if hasattr(each, "unpack")), None)
    if func.namespace == "quantized" and packed is not None:
        weight, bias = packed.unpack()[:2]
        return QUANTISED, {**arguments, "packed": packed, "weight": weight, "bias": bias}
    return f"{func.namespace}.{name}", arguments


@contextmanager
def _calling(network: torch.nn.Module) -> Iterator[list[str]]:
    """Yield the paths of the modules that are being called, the innermost last, during the block.

    A hook would tell too, but torch takes other paths through modules that have hooks.
    """
    names = {id(module): name for name, module in network.named_modules()}
    path: list[str] = []
    original = torch.nn.Module.__call__

    def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        path.append(names.get(id(module), path[-1] if path else ""))
        try:
            return original(module, *args, **kwargs)
        finally:
            path.pop()

    torch.nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield path
    finally:
        torch.nn.Module.__call__ = original  # type: ignore[method-assign]
