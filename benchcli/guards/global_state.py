"""Watch the state of the process that the code of one network can change for the others."""

import builtins
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from operator import is_

import torch

NAMESPACES = (torch, torch.nn.functional, builtins)
"""The modules that code is likely to monkeypatch when it changes how everything runs."""
METHODS = ("forward", "__call__", "_call_impl", "_wrapped_call_impl")
"""The methods of every layer's class that a call of the layer runs; it may inherit them."""
TENSORS = (torch._C.TensorBase, torch.Tensor)
"""A tensor's classes, the base first."""
BYSTANDERS = frozenset({"_", "manual_seed"})
"""Names that may change: the interpreter's last result, and a function that torch.compile wraps."""
HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks", "_global_backward_pre_hooks")
"""Hooks of `torch.nn.modules.module` that run at each call of any layer."""


def intrusions() -> dict[str, object]:
    """Return the state of the process that affects every network; its mappings are compared by identity."""
    return {
        "modes": (torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()),
        "profiler": (id(sys.getprofile()), id(sys.gettrace()), torch._C._autograd._profiler_enabled()),
        "Python threads": tuple(sorted(each.ident or 0 for each in set(threading.enumerate()) - _compilers())),
        "garbage collection": (gc.isenabled(), gc.get_threshold(), tuple(map(id, gc.callbacks))),
        "timers": (signal.getitimer(signal.ITIMER_REAL)[1], signal.getitimer(signal.ITIMER_PROF)[1])
        if hasattr(signal, "getitimer")
        else (),
        "priority": (os.getpriority(os.PRIO_PROCESS, 0), *_affinity()) if hasattr(os, "getpriority") else (),
        **{f"hooks {name}": _ids(getattr(torch.nn.modules.module, name, {})) for name in HOOKS},
        **{namespace.__name__: dict(vars(namespace)) for namespace in NAMESPACES},
        "torch.Tensor": {name: value for kind in TENSORS for name, value in vars(kind).items()},
        "torch.nn": {name: getattr(layer, method, None) for name, layer, method in _methods()},
    }


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> str | None:
    """Return the name of the first part of the state that changed; None if nothing did.

    What was added since is no change: a class may be imported later.
    """
    for name, value in before.items():
        now = after.get(name)
        if not isinstance(value, dict) or not isinstance(now, dict):
            if value != now:
                return name
        elif len(value) != len(now) or not all(map(is_, value.values(), now.values())):
            replaced = [each for each, held in value.items() if now.get(each) is not held and _runs(each, held)]
            if replaced:
                return f"{name}.{replaced[0]}"
    return None


def _runs(name: str, value: object) -> bool:
    """Return whether a namespace's value is a function or the like that a network may call."""
    return name not in BYSTANDERS and (callable(value) or hasattr(value, "__get__"))


def _compilers() -> set[threading.Thread]:
    """Return the threads that torch.compile has started, which sleep when it is done."""
    module = sys.modules.get("torch._inductor.async_compile")
    pool = getattr(getattr(module, "AsyncCompile", None), "pool", None)
    started = set(pool()._threads) if pool is not None and pool.cache_info().currsize else set()
    return started | {each for each in threading.enumerate() if each.name == "tqdm_monitor"}


def _affinity() -> Iterator[int]:
    if hasattr(os, "sched_getaffinity"):
        yield from sorted(os.sched_getaffinity(0))


def _ids(hooks: Mapping[object, object]) -> tuple[int, ...]:
    return tuple(map(id, hooks.values()))


@cache
def _methods() -> tuple[tuple[str, type[torch.nn.Module], str], ...]:
    """Return the methods of torch's own layers, inherited ones of METHODS too: full name, class, and name in it.

    Listed once: later classes belong to code that came later.
    """
    return tuple(
        (f"{layer.__module__}.{layer.__qualname__}.{name}".removeprefix("torch.nn."), layer, name)
        for layer in _layers(torch.nn.Module)
        for name in dict.fromkeys((*METHODS, *_own_methods(layer)))
    )


def _own_methods(layer: type[torch.nn.Module]) -> Iterator[str]:
    """Yield the methods that a layer's class defines, but for special ones, which torch.compile replaces too."""
    for name, value in vars(layer).items():
        if callable(value) and not name.startswith("__"):
            yield name


def _layers(base: type[torch.nn.Module]) -> Iterator[type[torch.nn.Module]]:
    if base.__module__.partition(".")[0] == "torch":
        yield base
        for layer in base.__subclasses__():
            yield from _layers(layer)
