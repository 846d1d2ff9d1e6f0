"""Modes that see each operator as torch dispatches it, with torch's compiler loaded or not."""

import sys
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any, TypeVar

import torch
from torch.utils._python_dispatch import TorchDispatchMode

COMPILER = "torch._dynamo"
"""The module of torch's compiler, which takes a second to load."""


def is_compiler_loaded() -> bool:
    """Return whether torch's compiler is loaded."""
    return COMPILER in sys.modules


def forget_compiled() -> None:
    """Let torch's compiler, which is loaded, forget what it has compiled, and what it could not."""
    torch.compiler.reset()


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode for whose definition torch does not import its compiler."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Let torch not import its compiler to keep it off this mode."""
        return False


Kind = TypeVar("Kind", bound=Watch)


def beside_compiler(watch: type[Kind]) -> type[Kind]:
    """Return the class of a mode: where the compiler is loaded, one of which the compiler compiles nothing."""
    if not is_compiler_loaded():
        return watch
    made: type[Kind] = _uncompiled(watch)  # type: ignore[arg-type]  # a class is hashable
    return made


@cache
def _uncompiled(watch: Any) -> Any:
    keeps_off = classmethod(lambda _cls: True)
    own = {"_should_skip_dynamo": keeps_off, "__torch_dispatch__": watch.__torch_dispatch__}
    return type(watch.__name__, (watch,), own)


def eager() -> AbstractContextManager[object]:
    """Return a context in which compiled functions run as they were written."""
    return torch.compiler.set_stance("force_eager") if is_compiler_loaded() else nullcontext()
