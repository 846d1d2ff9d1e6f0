"""Replace `nn.Module.__call__` during a block, and name the calls of modules by their paths.

Hooks would do too, but torch takes other paths through modules that have hooks.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from inspect import isfunction
from typing import Any

import torch

ModuleCall = Callable[..., Any]
"""Calls a module, its first argument, with the others."""


@contextmanager
def module_calls(wrapper: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Set `nn.Module.__call__` to `wrapper(original)` during the block."""
    original = torch.nn.Module.__call__
    torch.nn.Module.__call__ = wrapper(original)  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.__call__ = original  # type: ignore[method-assign]


@contextmanager
def forwards_noted(network: torch.nn.Module, note: Callable[[torch.nn.Module], object]) -> Iterator[None]:
    """Call `note` with each module of the network's classes whose `forward` begins during the block."""
    kinds: set[type[Any]] = {kind for each in network.modules() for kind in type(each).__mro__}
    originals = {kind: vars(kind)["forward"] for kind in kinds if _has_forward(kind)}
    replaced = {kind: _noting(original, note) for kind, original in originals.items()}
    for kind, noting in replaced.items():
        kind.forward = noting
    try:
        yield
    finally:
        for kind, noting in replaced.items():
            if vars(kind).get("forward") is noting:  # the network may have replaced it
                kind.forward = originals[kind]


def _has_forward(kind: type[Any]) -> bool:
    """Return whether a class has a `forward` of its own in Python, which no compiler looks at."""
    scripted = issubclass(kind, torch.jit.ScriptModule)
    return kind is not torch.nn.Module and not scripted and isfunction(vars(kind).get("forward"))


def _noting(original: Callable[..., Any], note: Callable[[torch.nn.Module], object]) -> Callable[..., Any]:
    @wraps(original)
    def forward(self: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        note(self)
        return original(self, *args, **kwargs)

    return forward


def is_compiled(module: torch.nn.Module) -> bool:
    """Return whether a call of the module runs what `torch.compile` makes of it."""
    forward = getattr(module, "forward", None)  # a scripted module may have none
    return module._compiled_call_impl is not None or hasattr(forward, "_torchdynamo_orig_callable")


@dataclass(eq=False)
class Scope:
    """A module at one of the paths by which calls reach it."""

    module: torch.nn.Module
    path: str
    caller: "Scope | None" = None
    """The module that holds it; None for the network itself."""
    known: dict[int, "tuple[Scope, ...]"] = field(default_factory=dict)
    """The scopes of the modules that it calls, by their `id`."""
    is_compiled: bool = False


class CallStack:
    """The calls of a network's modules that are running, each by the path that leads to it.

    A path is that of the caller and the name under which the caller holds the module, so that a
    module which several callers share has a path in each. Of several names in one caller, the
    modules between them counted, the shortest are taken; calls get those in turn, as `Sequential`
    and loops over a `ModuleList` make them. A module that its caller does not hold is looked for in
    the caller's caller, and so on. One that calls itself, through others too, keeps its path.
    """

    def __init__(self, network: torch.nn.Module) -> None:
        self.paths: list[str] = []
        """Of the running calls, the innermost last. A module outside of the network has its caller's."""
        self._root = Scope(network, "", is_compiled=is_compiled(network))
        self._running: list[tuple[Scope, dict[int, int]]] = []
        """Each with how often it has called the modules that it holds under several names, by their `id`."""
        self._scopes = {"": self._root}
        self._held: dict[int, dict[int, tuple[torch.nn.Module, list[str]]]] = {}

    def enter(self, module: torch.nn.Module) -> Scope | None:
        """Note that a call of a module begins. Return its scope; None if it is outside of the network."""
        caller, turns = self._running[-1] if self._running else (self._root, {})
        key = id(module)
        scopes = caller.known.get(key)
        if scopes is None:
            scopes = caller.known[key] = self._scopes_of(module, caller)
        if not scopes:
            self._running.append((caller, turns))
            self.paths.append(caller.path)
            return None
        scope = scopes[0]
        if len(scopes) > 1:
            turns[key] = turn = turns.get(key, -1) + 1
            scope = scopes[turn % len(scopes)]
        self._running.append((scope, {}))
        self.paths.append(scope.path)
        return scope

    def leave(self) -> None:
        """Note that the innermost call ends."""
        self._running.pop()
        self.paths.pop()

    def uncalled(self, module: torch.nn.Module) -> str | None:
        """Return the path of a module whose `forward` runs without a call of it; None if it is called.

        None too if it is outside of the network.
        """
        caller = self._running[-1][0] if self._running else self._root
        if caller.module is module:
            return None
        return next((scope.path for scope in self._scopes_of(module, caller)), None)

    def _scopes_of(self, module: torch.nn.Module, caller: Scope) -> tuple[Scope, ...]:
        """Return the scopes of a module that `caller` calls; empty if it is outside of the network."""
        callers = list(_upwards(caller))
        for each in callers:
            if each.module is module:
                return (each,)
        for each in callers:
            _, names = self._held_by(each.module).get(id(module), (module, []))
            if names:
                return tuple(self._scope(module, each, name) for name in names)
        return ()

    def _scope(self, module: torch.nn.Module, caller: Scope, name: str) -> Scope:
        path = f"{caller.path}.{name}" if caller.path else name
        return self._scopes.setdefault(path, Scope(module, path, caller, is_compiled=is_compiled(module)))

    def _held_by(self, holder: torch.nn.Module) -> dict[int, tuple[torch.nn.Module, list[str]]]:
        """Return the modules below one, by `id`, each with its shortest paths from there.

        They are kept: another module could get the `id` of one that is gone.
        """
        if id(holder) not in self._held:
            self._held[id(holder)] = _shortest_names(holder)
        return self._held[id(holder)]


def _upwards(scope: Scope | None) -> Iterator[Scope]:
    while scope is not None:
        yield scope
        scope = scope.caller


def _shortest_names(holder: torch.nn.Module) -> dict[int, tuple[torch.nn.Module, list[str]]]:
    """Return the modules below `holder` by `id`, level by level, each with its paths on the first level that has it.

    What a module holds is looked at once: shared modules make more paths than can be listed.
    """
    found: dict[int, tuple[torch.nn.Module, list[str]]] = {}
    level: Sequence[tuple[str, torch.nn.Module]] = [("", holder)]
    while level:
        here: dict[int, tuple[torch.nn.Module, list[str]]] = {}
        for path, module in level:
            for name, child in module._modules.items():
                if child is not None and child is not holder and id(child) not in found:
                    here.setdefault(id(child), (child, []))[1].append(f"{path}.{name}" if path else name)
        found |= here
        level = [(names[0], child) for child, names in here.values()]
    return found
