"""Observe one call of a network: the tensors that its layers read and write, and what else uses their memory.

What is observed holds for networks whose calls take the same way each time, as calls on equal inputs
do. Other than a symbolic trace, it needs no network that can be traced, and leaves its code as it is.
"""

import gc
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from threading import get_ident
from typing import Any

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from benchcli.cost.calls import ModuleCall, is_compiled, module_calls
from benchcli.cost.inputs import Inputs
from benchcli.cost.nested import dense, is_jagged
from benchcli.cost.storages import storage_of
from benchcli.cost.watching import Watch, beside_compiler


@dataclass(frozen=True)
class View:
    """Where a tensor lies."""

    storage: int
    """The number of its storage, which no other one gets while the call is observed."""
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    @property
    def is_disjoint(self) -> bool:
        """Whether each element has a place of its own, as far as strides show it; an expanded tensor's have not."""
        end = 1
        for stride, size in sorted(zip(self.strides, self.shape, strict=True)):
            if size > 1 and stride < end:
                return False
            end = max(end, stride * size)
        return True


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer."""

    layer: torch.nn.Module
    operators: range
    """The numbers of the operators that ran in it."""
    read: View | None
    """The one tensor that it was given; None if it was given something else."""
    written: View | None
    """The one tensor that it returned; None if it returned something else."""


@dataclass
class Dataflow:
    """What one call of a network does."""

    calls: list[LayerCall] = field(default_factory=list)
    """Those of the layers that were asked for, in their order."""
    users: dict[int, list[int]] = field(default_factory=dict)
    """The numbers of the operators that read or write a storage, by the storage's number."""
    kept: frozenset[int] = frozenset()
    """The storages that are there after the call: of inputs, weights, outputs and what the network holds."""

    def calls_of(self, layers: Collection[type]) -> dict[torch.nn.Module, list[LayerCall]]:
        """Return the calls of the layers of these classes, by layer."""
        found: dict[torch.nn.Module, list[LayerCall]] = {}
        for call in self.calls:
            if type(call.layer) in layers:
                found.setdefault(call.layer, []).append(call)
        return found

    def is_free(self, view: View, since: int, but: Collection[int] = ()) -> bool:
        """Return whether nothing needs a tensor's memory from operator `since` on, apart from the operators `but`."""
        later = (number for number in self.users.get(view.storage, ()) if number >= since)
        return view.storage not in self.kept and all(number in but for number in later)

    def used_only_by(self, calls: Collection[LayerCall], tensors: Iterable[torch.Tensor]) -> bool:
        """Return whether these calls alone use the memory of these tensors."""
        used = {number for each in tensors for number in self.users.get(storage_of(each), ())}
        return all(any(number in call.operators for call in calls) for number in used)


def observe(network: torch.nn.Module, inputs: Inputs, layers: Collection[type]) -> Dataflow:
    """Call a network once, if it has layers of exactly these classes, and return what happens around them.

    Layers with hooks, or with a `forward` of their own, are left out: what they do is not known.
    Raises NotImplementedError if the call cannot be observed.
    """
    if any(map(is_compiled, network.modules())):
        raise NotImplementedError("torch.compile runs it as a whole: its layers cannot be changed one by one")
    if not any(type(each) in layers for each in network.modules()):
        return Dataflow()
    try:
        with torch.no_grad():
            return _observed(network, inputs, layers)
    except (MemoryError, NotImplementedError):
        raise
    except Exception as error:  # a network may raise anything under a mode that it does not know
        raise NotImplementedError(f"its operators cannot be observed while it runs: {error}") from error


def _observed(network: torch.nn.Module, inputs: Inputs, layers: Collection[type]) -> Dataflow:
    flow, elsewhere = Dataflow(), set[int]()
    mode = beside_compiler(_Uses)
    with mode(flow.users) as uses, module_calls(_noting(flow, layers, uses, elsewhere)):
        result = inputs.bound_to(network)()
    if elsewhere:
        raise NotImplementedError("it works in threads of its own, whose operators cannot be observed")
    held = [*network.parameters(), *network.buffers(), *dense((inputs.args, inputs.kwargs, result))]
    if uses.alive() - set(map(storage_of, held)):
        gc.collect()  # what nothing but cycles holds is not kept
    flow.kept = uses.alive()
    return flow


class _Uses(Watch):
    """Notes which operators use which storage."""

    def __init__(self, users: dict[int, list[int]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.number = 0
        """Of the next operator."""
        self._users = users
        self._met: dict[int, StorageWeakRef] = {}
        """Held, so that no later storage gets the number of one that is gone."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        given = dense((args, kwargs))
        if is_jagged(given):
            return NotImplemented  # its class takes the operator apart
        for storage in {self._storage(each) for each in given}:
            self._users.setdefault(storage, []).append(self.number)
        self.number += 1
        result = func(*args, **kwargs)
        for each in dense(result):
            self._storage(each)
        return result

    def view(self, value: object) -> View | None:
        """Return where a value lies; None if it is no dense tensor."""
        if not isinstance(value, torch.Tensor) or value.layout is not torch.strided or value.is_nested:
            return None
        return View(self._storage(value), int(value.storage_offset()), tuple(value.shape), value.stride())

    def alive(self) -> frozenset[int]:
        """Return the storages that something holds now."""
        return frozenset(number for number, each in self._met.items() if not each.expired())  # type: ignore[no-untyped-call]

    def _storage(self, tensor: torch.Tensor) -> int:
        number = storage_of(tensor)
        if number not in self._met:
            self._met[number] = StorageWeakRef(tensor.untyped_storage())  # type: ignore[no-untyped-call]
        return number


def _noting(flow: Dataflow, layers: Collection[type], uses: _Uses, elsewhere: set[int]) -> Any:
    """Return a wrapper of `nn.Module.__call__` that notes the calls of layers, and the threads of other calls."""
    thread = get_ident()

    def wrapper(original: ModuleCall) -> ModuleCall:
        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread:
                elsewhere.add(get_ident())
                return original(module, *args, **kwargs)
            if not _is_plain(module, layers):
                return original(module, *args, **kwargs)
            first, read = uses.number, uses.view(args[0]) if len(args) == 1 and not kwargs else None
            result = original(module, *args, **kwargs)
            flow.calls.append(LayerCall(module, range(first, uses.number), read, uses.view(result)))
            return result

        return call

    return wrapper


def _is_plain(module: torch.nn.Module, layers: Collection[type]) -> bool:
    return (
        type(module) in layers
        and not module._forward_hooks
        and not module._forward_pre_hooks
        and "forward" not in vars(module)
    )
