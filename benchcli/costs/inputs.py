"""What a network is called with: positional and keyword arguments that hold tensors."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import torch
from torch.utils._pytree import tree_leaves, tree_map_only


@dataclass(frozen=True)
class Inputs:
    """The arguments of a call. Tensors may be nested in tuples, lists and mappings."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)

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
        return Inputs(tuple(args), kwargs)

    def described(self) -> str:
        """Return names, shapes and dtypes, such as "1x3x224x224" or "ids=1x16:int64"; no dtype for floating ones."""
        named = [pair for arg in self.args for pair in _named("", arg)]
        named += [pair for name, arg in self.kwargs.items() for pair in _named(name, arg)]
        return ", ".join(f"{name}{'=' if name else ''}{_described(tensor)}" for name, tensor in named)


def as_inputs(value: object) -> Inputs:
    """Return the inputs that a value stands for: a mapping holds keyword arguments, a tuple or list positional ones."""
    if isinstance(value, Inputs):
        return value
    if isinstance(value, Mapping):
        return Inputs((), value)
    return Inputs(tuple(value)) if isinstance(value, tuple | list) else Inputs((value,))


def tensors(tree: object) -> list[torch.Tensor]:
    """Return the tensors in nested tuples, lists, mappings and dataclasses, those of a mapping by its sorted keys."""
    if isinstance(tree, torch.Tensor):
        return [tree]
    parts: Iterable[object]
    if isinstance(tree, Mapping):
        parts = [tree[key] for key in sorted(tree, key=str)]
    elif isinstance(tree, tuple | list):
        parts = tree
    elif is_dataclass(tree) and not isinstance(tree, type):
        parts = [getattr(tree, each.name) for each in fields(tree)]
    else:
        parts = [leaf for leaf in tree_leaves(tree) if leaf is not tree]
    return [tensor for part in parts for tensor in tensors(part)]


def _named(name: str, tree: object) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors in a tree, each with its path: names and numbers with dots between them."""
    if isinstance(tree, Mapping):
        parts = list(tree.items())
    elif isinstance(tree, tuple | list):
        parts = list(enumerate(tree))
    else:
        yield from ((name, tensor) for tensor in tensors(tree))
        return
    for key, part in parts:
        yield from _named(f"{name}.{key}" if name else str(key), part)


def _described(tensor: torch.Tensor) -> str:
    sizes = "x".join(map(str, tensor.shape)) or "a number"
    return sizes if tensor.is_floating_point() else f"{sizes}:{str(tensor.dtype).removeprefix('torch.')}"
