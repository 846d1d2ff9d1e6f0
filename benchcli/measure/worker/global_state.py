"""Watch the state of the process that the code of one network can change for the others."""

import builtins
import gc
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping

import torch

NAMESPACES = (torch, torch.nn.functional, builtins)
"""The modules that code is likely to monkeypatch when it changes how everything runs."""
METHODS = ("forward", "__call__", "_call_impl", "_wrapped_call_impl")
"""The methods of a layer's class that a call of the layer runs."""
TENSORS = (torch._C.TensorBase, torch.Tensor)
"""A tensor's classes, the base first."""
HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks", "_global_backward_hooks", "_global_backward_pre_hooks")
"""Hooks of `torch.nn.modules.module` that run at each call of any layer."""


def switches() -> dict[str, object]:
    """Return torch's settings, which code may set for good reasons."""
    return {
        "threads": torch.get_num_threads(),
        "default dtype": torch.get_default_dtype(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
        "mkldnn": torch.backends.mkldnn.enabled,
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "operators": len(torch._C._dispatch_get_all_op_names()),
    }


def intrusions() -> dict[str, object]:
    """Return what runs besides every network, or in place of torch's own functions."""
    return {
        "modes": (torch._C._len_torch_function_stack(), torch._C._len_torch_dispatch_stack()),
        "profiler": (id(sys.getprofile()), id(sys.gettrace()), torch._C._autograd._profiler_enabled()),
        "Python threads": tuple(sorted(thread.ident or 0 for thread in threading.enumerate())),
        "garbage collection": (gc.isenabled(), gc.get_threshold(), tuple(map(id, gc.callbacks))),
        "timers": (signal.getitimer(signal.ITIMER_REAL)[1], signal.getitimer(signal.ITIMER_PROF)[1])
        if hasattr(signal, "getitimer")
        else (),
        "priority": (os.getpriority(os.PRIO_PROCESS, 0), *_affinity()) if hasattr(os, "getpriority") else (),
        **{f"hooks {name}": _ids(getattr(torch.nn.modules.module, name, {})) for name in HOOKS},
        **{
            f"{namespace.__name__}.{name}": id(value)
            for namespace in NAMESPACES
            for name, value in list(vars(namespace).items())
            if callable(value) and name != "_"
        },
        **{f"torch.Tensor.{name}": id(value) for kind in TENSORS for name, value in vars(kind).items()},
        **dict(_methods()),
    }


def changed(before: Mapping[str, object], after: Mapping[str, object]) -> str | None:
    """Return the name of the first part of the state that changed; None if nothing did.

    What was added since is no change: a class may be imported later.
    """
    return next((name for name, value in before.items() if after.get(name) != value), None)


def _affinity() -> Iterator[int]:
    if hasattr(os, "sched_getaffinity"):
        yield from sorted(os.sched_getaffinity(0))


def _ids(hooks: Mapping[object, object]) -> tuple[int, ...]:
    return tuple(map(id, hooks.values()))


def _methods() -> Iterator[tuple[str, int]]:
    """Yield the methods of torch's own layers, inherited ones too, by class and name."""
    for layer in _layers(torch.nn.Module):
        classes = [vars(each) for each in layer.__mro__]  # getattr_static takes seven times as long
        for name in METHODS:
            method = next((each[name] for each in classes if name in each), None)
            yield f"{layer.__module__}.{layer.__qualname__}.{name}", id(method)


def _layers(base: type[torch.nn.Module]) -> Iterable[type[torch.nn.Module]]:
    if base.__module__.partition(".")[0] == "torch":
        yield base
        for layer in base.__subclasses__():
            yield from _layers(layer)
