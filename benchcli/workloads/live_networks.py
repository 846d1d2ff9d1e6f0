"""In a measured process: networks and inputs that came by value with the task."""

import base64
import io
import pickle
from collections.abc import Mapping
from typing import Any

import cloudpickle
import torch
from torch.nn.parameter import is_lazy

from benchcli.schema import Variant

_payloads: dict[str, str] = {}


def receive(payloads: Mapping[str, str]) -> None:
    """Keep what came with a task, in place of what came before."""
    _payloads.clear()
    _payloads.update(payloads)


def network(builder: str) -> torch.nn.Module:
    """Return a fresh copy of a network. Raises LookupError where it did not come with the task."""
    if builder not in _payloads:
        raise LookupError(f"{builder} was a live module: it can be measured only by the process that had it")
    stream = _stream(builder)
    pickle.load(stream)  # noqa: S301  the input
    module: torch.nn.Module = pickle.load(stream)  # noqa: S301
    return module


def inputs(variant: Variant) -> object:
    """Return the inputs that came with a network, or None where they are to be drawn."""
    if variant.builder not in _payloads:
        return None
    given: object = pickle.load(_stream(variant.builder))  # noqa: S301
    return given


def pickled(network: torch.nn.Module | None, meta: bool) -> bytes:
    """Return a network, serialised; for `meta` with tensors of the meta device in the place of its own."""
    stream = io.BytesIO()
    (_WithoutValues if meta else _Pickler)(stream).dump(network)
    return stream.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    def reducer_override(self, obj: Any) -> Any:
        """Refer to the operators of torch, which no import by name finds, and save TorchScript in its own format."""
        if obj is torch.ops:
            return getattr, (torch, "ops")
        if isinstance(obj, torch.jit.ScriptModule):
            saved = io.BytesIO()
            torch.jit.save(obj, saved)
            return _script, (saved.getvalue(),)
        return super().reducer_override(obj)


class _WithoutValues(_Pickler):
    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, torch.Tensor) and not is_lazy(obj):
            return _empty, (tuple(obj.shape), obj.stride(), obj.dtype, isinstance(obj, torch.nn.Parameter))
        return super().reducer_override(obj)


def _script(saved: bytes) -> torch.nn.Module:
    module: torch.nn.Module = torch.jit.load(io.BytesIO(saved))  # type: ignore[no-untyped-call]
    return module


def _empty(shape: tuple[int, ...], strides: tuple[int, ...], dtype: torch.dtype, is_parameter: bool) -> torch.Tensor:
    made = torch.empty_strided(shape, strides, dtype=dtype, device="meta")
    return torch.nn.Parameter(made, requires_grad=False) if is_parameter else made


def _stream(builder: str) -> io.BytesIO:
    """Return the pickles of the input and, after it, the network.

    The pipe is private: what comes through it was written by the process that started this one.
    """
    return io.BytesIO(base64.b64decode(_payloads[builder]))
