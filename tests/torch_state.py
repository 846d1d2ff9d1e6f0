"""The settings and hooks of torch that a test must leave as they were: more than `guards.switches` knows.

Later parts are put back after earlier ones, which they override.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from typing import Any

import torch

from benchcli.guards import global_state
from tests.process_state import Part

PRECISIONS = (
    ("generic", "all"),
    *(("cuda", operator) for operator in ("all", "conv", "rnn", "matmul")),
    *(("mkldnn", operator) for operator in ("all", "conv", "rnn", "matmul")),
)
"""Backends and operators with a float32 precision each, the general ones first."""
PAIRS = (
    "warnAlways",
    "qengine",
    "autograd_fallback_mode",
    "deterministic_fill_uninitialized_memory",
    "mkldnn_enabled",
    "mkldnn_deterministic",
    "nnpack_enabled",
    "cudnn_enabled",
    "cudnn_benchmark",
    "cudnn_deterministic",
    "cudnn_allow_tf32",
    "cublas_allow_tf32",
    "onednn_allow_tf32",
    "float32_matmul_precision",
)
"""What `torch._C` has a function each for that reads and sets it: _get_... and _set_..."""


SDP = ("flash", "mem_efficient", "math", "cudnn")
"""The implementations of attention that can be switched off each."""


def _pair(name: str) -> Part:
    return Part(f"torch: {name}", _read(f"_get_{name}"), _setter(f"_set_{name}"))


def _read(name: str, *arguments: Any) -> Callable[[], Any]:
    """Return a function that reads a setting; None is what torch does not have or refuses to say."""

    def read() -> Any:
        with suppress(RuntimeError):  # an older setting, once a newer one contradicts it
            return getattr(torch._C, name, lambda *_arguments: None)(*arguments)
        return None

    return read


def _setter(name: str, *arguments: Any) -> Callable[[Any], None]:
    def put_back(before: Any) -> None:
        if before is not None and hasattr(torch._C, name):
            getattr(torch._C, name)(*arguments, before)

    return put_back


def _precisions() -> Iterator[Part]:
    for backend, operator in PRECISIONS:
        yield Part(
            f"torch: float32 precision of {backend} {operator}",
            _read("_get_fp32_precision_getter", backend, operator),
            _setter("_set_fp32_precision_setter", backend, operator),
        )


def _intrusions() -> dict[str, object]:
    """Return the hooks, modes and replaced functions that benchcli itself watches; `process_state` has the rest."""
    elsewhere = ("Python threads", "timers", "priority", "garbage collection", "builtins", "profiler")
    return {name: value for name, value in global_state.intrusions().items() if name not in elsewhere}


Operators = tuple[set[str], int]


def _operators() -> Operators:
    """Return the operators that were defined and loaded, and how many modules of torch there are."""
    names = {*torch.library._defs, *torch.library._impls, *torch.ops.loaded_libraries}
    return names, _modules_of_torch(len(sys.modules), next(reversed(sys.modules)))


@cache
def _modules_of_torch(_number: int, _last: str) -> int:
    """Return how many modules of torch are loaded, where so many modules are, of which this is the last."""
    return sum(name.startswith("torch.") for name in sys.modules)


def _more_operators(before: Operators, after: Operators) -> str:
    """Return which operators were defined, unless modules of torch were imported, which define theirs."""
    return ", ".join(sorted(before[0] ^ after[0])[:9]) if before[1] == after[1] else ""


def _set_default_device(before: torch.device) -> None:
    torch.set_default_device(None if before.type == "cpu" else before)


def _autocast() -> tuple[Any, ...]:
    return torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu"), torch.is_autocast_cache_enabled()


def _set_autocast(before: tuple[Any, ...]) -> None:
    torch.set_autocast_enabled("cpu", before[0])
    torch.set_autocast_dtype("cpu", before[1])
    torch.set_autocast_cache_enabled(before[2])


TORCH: tuple[Part, ...] = (
    Part("torch: default dtype", torch.get_default_dtype, torch.set_default_dtype),
    Part("torch: default device", torch.get_default_device, _set_default_device),
    Part("torch: threads", torch.get_num_threads, torch.set_num_threads),
    Part("torch: grad mode", torch.is_grad_enabled, torch._C._set_grad_enabled),
    Part("torch: inference mode", torch.is_inference_mode_enabled),
    Part("torch: anomaly detection", torch.is_anomaly_enabled, torch.set_anomaly_enabled),
    Part("torch: deterministic algorithms", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    Part("torch: autocast", _autocast, _set_autocast),
    Part("torch: profiler", torch._C._autograd._profiler_enabled),
    Part("torch: operators", _operators, None, _more_operators),
    Part("torch: fast path", torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled),
    Part("torch: intrusions", _intrusions, None, lambda before, after: global_state.changed(before, after) or ""),
    *(
        Part(f"torch: {name} attention", _read(f"_get_{name}_sdp_enabled"), _setter(f"_set_sdp_use_{name}"))
        for name in SDP
    ),
    *map(_pair, PAIRS),
    *_precisions(),
)
