"""Bring a network and its inputs into a dtype and a memory layout, as far as their tensors have those."""

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

import torch

from benchcli.cost.inputs import Inputs
from benchcli.cost.watching import Watch
from benchcli.guards.code_versions import SourceError
from benchcli.settings import DTYPES
from benchcli.spelling import given

FLOATING = frozenset(each for each in vars(torch).values() if isinstance(each, torch.dtype) and each.is_floating_point)


def weight_dtypes(network: torch.nn.Module) -> list[str]:
    """Return the names of the real floating dtypes of the parameters, or of the buffers where it has no parameter."""
    weights: list[torch.Tensor] = [*network.parameters()] or [*network.buffers()]
    return sorted({_name(each.dtype) for each in weights if each.is_floating_point()})


def is_mixed(network: torch.nn.Module) -> bool:
    """Return whether its weights are of several floating dtypes."""
    return len(weight_dtypes(network)) > 1


def complex_dtypes(network: torch.nn.Module, inputs: Inputs) -> list[str]:
    """Return the names of the complex dtypes of its weights, buffers and inputs."""
    return sorted({_name(each.dtype) for each in [*_held(network), *inputs.tensors()] if each.is_complex()})


def in_mode(network: torch.nn.Module, trains: bool) -> torch.nn.Module:
    """Return the network in training or evaluation mode. One that was exported has the mode that it was exported in.

    Raises SourceError for an exported one that should train.
    """
    try:
        return network.train(trains)
    except NotImplementedError:  # what torch.export's modules raise
        if trains:
            raise SourceError(
                f"it is an exported network, which has no training mode: give {given('step', 'inference')}"
            ) from None
        return network


def refuse_valueless(tensors: Iterable[torch.Tensor], what: str) -> None:
    """Raise SourceError if tensors have shapes and no values."""
    for each in tensors:
        if each.is_meta or type(each).__name__ == "FakeTensor":
            kind = "on the meta device" if each.is_meta else "fake tensors"
            raise SourceError(
                f"its {what} are {kind}, without values to compute with: build it on the CPU; `benchcli costs --meta` "
                "counts it as it is"
            )


def in_float32(network: torch.nn.Module, dtype: str) -> torch.nn.Module:
    """Return the network with its weights in float32, to be measured in `dtype`; one of mixed precision as it is.

    A network of mixed precision stays so where `dtype` is float32, which is the default: it is then
    measured as its author made it. Raises SourceError if all its weights are of another dtype than
    float32, and `dtype` does not say which dtype is meant.
    """
    dtypes = weight_dtypes(network)
    if set(dtypes) <= {"float32"} or (len(dtypes) > 1 and dtype == "float32"):
        return network
    if dtype == "float32":
        (own,) = dtypes
        way_out = f"give {given('dtype', own)}" if own in DTYPES else "make it in float32"
        raise SourceError(f"its weights are {own}: {way_out}")
    return converted(network, torch.float32)


def converted(network: torch.nn.Module, dtype: torch.dtype) -> torch.nn.Module:
    """Return the network with its real floating tensors in `dtype`, as `torch.nn.Module.half` does it."""
    network._apply(lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)  # type: ignore[no-untyped-call]
    return network


def in_dtype(network: torch.nn.Module, inputs: Inputs, dtype: torch.dtype) -> tuple[torch.nn.Module, Inputs]:
    """Return a network and its inputs in a dtype. Mixed precision, and complex numbers, stay as they are."""
    inputs = inputs.floating(lambda tensor: tensor.to(dtype))
    return network if is_mixed(network) else converted(network, dtype), inputs


def in_layout(network: torch.nn.Module, inputs: Inputs, layout: str) -> tuple[torch.nn.Module, Inputs]:
    """Return a network and its inputs in a layout, which tensors of four dimensions have, and of five in volumes."""
    has_volumes = any(each.dim() == 5 for each in inputs.tensors())
    formats = {"nchw": dict.fromkeys((4, 5), torch.contiguous_format), "nhwc": _channels_last(has_volumes)}[layout]

    def has_layout(tensor: torch.Tensor) -> bool:
        return tensor.dim() in formats and (tensor.is_floating_point() or tensor.is_complex())

    network._apply(  # type: ignore[no-untyped-call]
        lambda tensor: tensor.to(memory_format=formats[tensor.dim()]) if has_layout(tensor) else tensor
    )
    return network, inputs.mapped(
        lambda tensor: tensor.contiguous(memory_format=formats[tensor.dim()]) if has_layout(tensor) else tensor
    )


def _channels_last(has_volumes: bool) -> dict[int, torch.memory_format]:
    """Return the layout by number of dimensions: without volumes, a weight of five is no convolution's of volumes."""
    return {4: torch.channels_last, **({5: torch.channels_last_3d} if has_volumes else {})}


def float32_call(network: torch.nn.Module, inputs: Inputs) -> Callable[[], Any]:
    """Return a call of the network in float32: of a copy, where it is of mixed precision.

    The call raises SourceError if that copy cannot be called.
    """
    if not is_mixed(network):
        return inputs.bound_to(network)
    twin = inputs.bound_to(converted(copy.deepcopy(network), torch.float32))

    def call() -> Any:
        try:
            with _Float32():  # type: ignore[no-untyped-call]
                return twin()
        except RuntimeError as error:
            raise SourceError(
                f"its weights are {' and '.join(weight_dtypes(network))}, and its copy in float32, with which it is "
                f"compared, cannot be called ({error}): give {given('dtype')} for one dtype of all weights"
            ) from None

    return call


class _Float32(Watch):  # type: ignore[no-untyped-call]
    """Lets operators that would make tensors of other floating dtypes make them in float32.

    A network of mixed precision casts between its layers, and its copy in float32 must not.
    """

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return func(*map(_wider, args), **{name: _wider(each) for name, each in (kwargs or {}).items()})


def _wider(argument: Any) -> Any:
    return torch.float32 if isinstance(argument, torch.dtype) and argument in FLOATING else argument


def _held(network: torch.nn.Module) -> Iterator[torch.Tensor]:
    return chain(network.parameters(), network.buffers())


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
