"""What a network is called with: positional and keyword arguments that hold tensors."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from types import ModuleType
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map_only

from benchcli.schema import sizes


@dataclass(frozen=True)
class Inputs:
    """The arguments of a call. Tensors may be nested in tuples, lists and mappings."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    items: int | None = None
    """How many images or other inputs a call takes; None: as many as the first dimension says."""
    instead: bool = False
    """Whether they were asked for although the network has inputs of its own."""

    def bound_to(self, network: Callable[..., Any]) -> Callable[[], Any]:
        """Return a function without arguments that calls `network` with these."""
        args, kwargs = self.args, dict(self.kwargs)
        if len(args) == 1 and not kwargs:
            only = args[0]
            return lambda: network(only)
        return lambda: network(*args, **kwargs)

    def tensors(self) -> list[torch.Tensor]:
        """Return the tensors, positional ones first."""
        return tensors((self.args, self.kwargs))

    def floating(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Inputs":
        """Return the inputs with their floating-point tensors changed, and the others as they are."""
        return self.mapped(lambda tensor: change(tensor) if tensor.is_floating_point() else tensor)

    def mapped(self, change: Callable[[torch.Tensor], torch.Tensor]) -> "Inputs":
        """Return the inputs with every tensor changed."""
        args, kwargs = tree_map_only(torch.Tensor, change, (self.args, dict(self.kwargs)))
        return replace(self, args=tuple(args), kwargs=kwargs)

    def described(self) -> str:
        """Return names, shapes and dtypes, such as "1x3x224x224" or "ids=1x16:int64"; no dtype for floating ones."""
        pairs = [pair for arg in self.args for pair in named(arg)]
        pairs += [pair for name, arg in self.kwargs.items() for pair in named(arg, name)]
        return ", ".join(f"{name}{'=' if name else ''}{_described(tensor)}" for name, tensor in pairs)


def as_inputs(value: object) -> Inputs:
    """Return the inputs that a value stands for: a mapping holds keyword arguments, a tuple or list positional ones."""
    if isinstance(value, Inputs):
        return value
    if isinstance(value, Mapping):
        return Inputs((), value)
    return Inputs(tuple(value)) if isinstance(value, tuple | list) else Inputs((value,))


def tensors(tree: object) -> list[torch.Tensor]:
    """Return the tensors in nested tuples, lists, mappings, dataclasses and objects.

    Those of a mapping come by its sorted keys.
    """
    collected: list[torch.Tensor] = []
    _collect(tree, collected, ())
    return collected


def _collect(tree: object, collected: list[torch.Tensor], holders: tuple[int, ...]) -> None:
    """Append the tensors of a tree. It runs for each operator of a walk, so that the commonest kinds come first.

    `holders` are the objects that hold this one: an object that holds itself is looked into once.
    """
    if isinstance(tree, torch.Tensor):
        collected.append(tree)
    elif isinstance(tree, tuple | list):
        for part in tree:
            _collect(part, collected, holders)
    elif tree is None or isinstance(tree, PLAIN) or id(tree) in holders:
        return
    else:
        for _, part in members(tree):
            _collect(part, collected, (*holders, id(tree)))


PLAIN = (bool, int, float, str, torch.dtype, torch.device, torch.memory_format, torch.layout)
"""The kinds of arguments that hold no tensor."""


def members(tree: object) -> list[tuple[str, object]]:
    """Return what a mapping, a dataclass, a node that torch knows or another object holds, by name or number."""
    if isinstance(tree, Mapping):
        return [(str(key), tree[key]) for key in sorted(tree, key=str)]
    if isinstance(tree, tuple | list):
        return [(str(number), part) for number, part in enumerate(tree)]
    if is_dataclass(tree) and not isinstance(tree, type):
        return [(each.name, getattr(tree, each.name)) for each in fields(tree)]
    leaves = [(str(number), leaf) for number, leaf in enumerate(tree_leaves(tree)) if leaf is not tree]
    return leaves or _attributes(tree)


def _attributes(tree: object) -> list[tuple[str, object]]:
    """Return what an object holds, such as a cache of keys and values or a distribution.

    A network that is returned is no value: its weights are not its output.
    """
    if isinstance(tree, torch.nn.Module | type | ModuleType):
        return []
    return list(getattr(tree, "__dict__", {}).items())


def nodes(tree: object, name: str = "", holders: tuple[int, ...] = ()) -> Iterator[tuple[str, object]]:
    """Yield a tree and all that it holds, each with its path: names and numbers with dots between them.

    What holds others comes before them.
    """
    yield name, tree
    is_leaf = tree is None or isinstance(tree, (torch.Tensor, *PLAIN)) or id(tree) in holders
    for key, part in () if is_leaf else members(tree):
        yield from nodes(part, f"{name}.{key}" if name else key, (*holders, id(tree)))


def named(tree: object, name: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors of a tree, as `tensors` does, each with its path."""
    return ((path, each) for path, each in nodes(tree, name) if isinstance(each, torch.Tensor))


def shape_of(tensor: torch.Tensor) -> tuple[int | str, ...]:
    """Return a tensor's shape, of a nested one with "*" where its sequences differ."""
    if not tensor.is_nested:
        return tuple(tensor.shape)
    shapes = [tuple(each.shape) for each in tensor.unbind()]
    sizes = (set(several) for several in zip(*shapes, strict=True))
    return (len(shapes), *(several.pop() if len(several) == 1 else "*" for several in sizes))


def _described(tensor: torch.Tensor) -> str:
    shape = sizes(shape_of(tensor))
    return shape if tensor.is_floating_point() else f"{shape}:{str(tensor.dtype).removeprefix('torch.')}"
