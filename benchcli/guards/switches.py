"""Torch's settings for the process: read them, and put back what the code of one network changed."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import torch

PRECISIONS = (
    ("generic", "all"),
    ("cuda", "all"),
    ("cuda", "conv"),
    ("cuda", "rnn"),
    ("cuda", "matmul"),
    ("mkldnn", "all"),
    ("mkldnn", "conv"),
    ("mkldnn", "rnn"),
    ("mkldnn", "matmul"),
)
"""The backends and operators for which torch 2.9 and newer keep a float32 precision each."""
THREADS = "threads"
"""The number of threads, which a run decides."""


@dataclass(frozen=True)
class Switch:
    """A setting, with what reads it and what sets it; None for one that only is watched."""

    read: Callable[[], Any]
    set: Callable[[Any], object] | None


def state() -> dict[str, object]:
    """Return the settings by name. One that torch refuses to read, or does not have, is None.

    It refuses to read an older setting once a newer one contradicts it.
    """
    return {name: _read(switch) for name, switch in _switches().items()}


def settable(settings: Mapping[str, object]) -> dict[str, object]:
    """Return the settings that `restore` can put back."""
    return {name: value for name, value in settings.items() if _switches()[name].set}


def restore(before: Mapping[str, object], threads_alone: bool = False) -> None:
    """Set what is not as it was in `before`, or the threads alone. Later settings override earlier ones."""
    for name, switch in _switches().items():
        if threads_alone and name != THREADS:
            continue
        if switch.set and _read(switch) != before[name] and before[name] is not None:
            switch.set(before[name])


@contextmanager
def kept(threads_alone: bool = False) -> Iterator[Mapping[str, object]]:
    """Yield the settings, and put them back at the end of the block, or the threads alone."""
    before = state()
    try:
        yield before
    finally:
        restore(before, threads_alone)


@cache
def _switches() -> dict[str, Switch]:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    return {
        THREADS: Switch(torch.get_num_threads, torch.set_num_threads),
        "default dtype": Switch(torch.get_default_dtype, torch.set_default_dtype),
        "deterministic algorithms": Switch(
            torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms
        ),
        "denormal numbers": Switch(_flushes_denormals, torch.set_flush_denormal),
        "mkldnn": Switch(torch._C._get_mkldnn_enabled, torch._C._set_mkldnn_enabled),
        **{f"cudnn.{name}": _attribute(cudnn, name) for name in ("enabled", "benchmark", "deterministic")},
        "float32 matmul precision": Switch(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        "cudnn.allow_tf32": _attribute(cudnn, "allow_tf32"),
        "cuda.matmul.allow_tf32": _attribute(matmul, "allow_tf32"),
        **{
            f"{backend}.{operator}.fp32_precision": _precision(backend, operator) for backend, operator in _precisions()
        },
        "attention's fast path": Switch(
            torch.backends.mha.get_fastpath_enabled, torch.backends.mha.set_fastpath_enabled
        ),
        "operators": Switch(_operators, None),
    }


def _flushes_denormals() -> bool:
    """Return whether the processor takes denormal numbers for zero, which torch sets and does not tell."""
    return sys.float_info.min / 2 == 0.0


def _attribute(owner: object, name: str) -> Switch:
    return Switch(partial(getattr, owner, name), partial(setattr, owner, name))


def _precision(backend: str, operator: str) -> Switch:
    return Switch(
        partial(torch._C._get_fp32_precision_getter, backend, operator),
        partial(torch._C._set_fp32_precision_setter, backend, operator),
    )


def _precisions() -> tuple[tuple[str, str], ...]:
    return PRECISIONS if hasattr(torch._C, "_get_fp32_precision_getter") else ()


def _operators() -> tuple[int, ...]:
    """Return how many operators and kernels the process has defined, and libraries of them loaded."""
    return len(torch.library._defs), len(torch.library._impls), len(torch.ops.loaded_libraries)


def _read(switch: Switch) -> object:
    try:
        return switch.read()
    except RuntimeError:
        return None
