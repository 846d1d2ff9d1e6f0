"""In a worker: import networks from the folder of one version of somebody's code, and keep two versions apart.

Two versions have modules of the same names. The one that is used last is in `sys.modules`; the other one's modules
live on in the networks that were built of them, and come back when it is used again.
"""

import builtins
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from benchcli.errors import unknown
from benchcli.measure.worker import live
from benchcli.schema import BUILT_IN, LIVE, Source, Variant
from benchcli.workloads.built_in import find_built_in

LAYOUTS = ("", "src")
"""Where in a folder its packages may lie."""
OURS = frozenset({"benchcli", "__main__", "torch"})
"""Never of a version, wherever they lie."""

PATCHED = (torch, torch.nn.functional, torch.Tensor, torch.nn.Module, torch.nn.Conv2d, torch.nn.Linear)
"""Where code that changes torch for everybody is likely to put its own."""

_kept: dict[str, dict[str, ModuleType]] = {}
_active: list[str] = []
_left: list[str] = []
"""The folder that this process was in."""
_WRITES_NOT = sys.dont_write_bytecode


class SourceError(Exception):
    """Code that cannot be had from where it should come from."""


def build(variant: Variant) -> torch.nn.Module:
    """Return a variant's network. Raises SourceError where its code is not what was asked for."""
    make = find(variant.builder, variant.source)
    network = make(**variant.params)
    if not isinstance(network, torch.nn.Module):
        raise SourceError(f"{variant.builder} returned a {type(network).__name__}, not a torch.nn.Module")
    return network


def find(builder: str, source: Source | None) -> Callable[..., Any]:
    """Return what a built-in name means, or import `package.module:callable` from its source."""
    if builder.startswith(LIVE):
        return partial(live.network, builder)
    if builder.startswith(BUILT_IN):
        return find_built_in(builder)
    name, _, attribute = builder.partition(":")
    if source:
        _activate(source)
    try:
        module = importlib.import_module(name)
    except (ImportError, SyntaxError) as error:
        where = f" from {source.folder}" if source else ""
        raise SourceError(f"{name} cannot be imported{where}: {' '.join(str(error).split())}") from None
    if source and source.place == "only":
        _refuse_other_code(module, source)
    found = getattr(module, attribute, None)
    if not callable(found):
        callables = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        raise SourceError(f"{name}: {unknown('callable', attribute, callables)}")
    return found  # type: ignore[no-any-return]


def hide() -> None:
    """Take the version that was used last out of reach: what is imported while a network runs is then an error."""
    if not _active:
        return
    folder = _active.pop()
    mine = {name: module for name, module in sys.modules.items() if _lies_in(module, folder)}
    for name in mine:
        del sys.modules[name]
    _kept[folder] = mine
    gone = {str(Path(folder) / layout) for layout in LAYOUTS}
    sys.path[:] = [entry for entry in sys.path if entry not in gone]


def _refuse_other_code(module: ModuleType, source: Source) -> None:
    """Raise SourceError where a module, or what it imported, is not of this version."""
    folder = _resolved(source.folder)
    if not any(_is_within(place, folder) for place in _places(module)):
        raise SourceError(
            f"{module.__name__} is not in {source.folder}, but installed ({module.__file__}): that is the same code "
            "for base and head; run where its source is, or give --base and --head environments"
        )
    if source.tree is None:
        return
    for name, other in list(sys.modules.items()):
        for place in _places(other):
            in_tree = _is_within(place, source.tree) and not _is_within(place, folder)
            if in_tree and "site-packages" not in Path(place).parts:
                raise SourceError(
                    f"{name} is imported from the working tree ({place}), not from {source.folder}: it would be head's "
                    "code in both; give two folders, or environments, that each have it"
                )


def _places(module: ModuleType) -> list[str]:
    """Return where a module lies, links followed."""
    return [_resolved(place) for place in _named_places(module)]


@cache
def _resolved(place: str) -> str:
    """Return a path with its links followed. There are thousands of modules, and they do not move."""
    return os.path.realpath(place)


def _is_within(place: str, folder: str) -> bool:
    """Return whether a path is a folder, or lies in it."""
    return place == folder or place.startswith(folder.rstrip(os.sep) + os.sep)


def imports_while(call: Callable[[], object], source: Source) -> list[str]:
    """Return the modules of this source that `call` imports while it runs: those would be another version's later."""
    names: list[str] = []
    original, dynamic = builtins.__import__, importlib.import_module

    def noting(importing: Callable[..., ModuleType]) -> Callable[..., ModuleType]:
        def noted(*given: Any, **named: Any) -> ModuleType:
            module = importing(*given, **named)
            if _lies_in(module, source.folder):
                names.append(module.__name__)
            return module

        return noted

    builtins.__import__, importlib.import_module = noting(original), noting(dynamic)
    try:
        call()
    finally:
        builtins.__import__, importlib.import_module = original, dynamic
    return names


def settings() -> dict[str, object]:
    """Return what of torch one version's code may set for the other's too."""
    return {
        "threads": torch.get_num_threads(),
        "default dtype": torch.get_default_dtype(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
        "cudnn.benchmark": torch.backends.cudnn.benchmark,
        "cudnn.allow_tf32": torch.backends.cudnn.allow_tf32,
        "mkldnn": torch.backends.mkldnn.enabled,
        "float32 matmul precision": torch.get_float32_matmul_precision(),
        "operators": len(torch._C._dispatch_get_all_op_names()),
        **{
            f"{namespace.__name__}.{name}": id(value)
            for namespace in PATCHED
            for name, value in list(vars(namespace).items())
            if callable(value)
        },
    }


def release() -> None:
    """Take all sources out of this process."""
    sys.dont_write_bytecode = _WRITES_NOT
    if _left:
        os.chdir(_left.pop())
    hide()
    _kept.clear()


@contextmanager
def released() -> Iterator[None]:
    """Take all sources out of this process at the end of the block."""
    try:
        yield
    finally:
        release()


def _activate(source: Source) -> None:
    if _active == [source.folder]:
        return
    hide()
    entries = [str(Path(source.folder) / layout) for layout in LAYOUTS if (Path(source.folder) / layout).is_dir()]
    sys.path[:] = [*sys.path, *entries] if source.place == "last" else [*entries, *sys.path]
    if source.place == "only":  # a version that reads files reads its own
        _left[:] = _left or [str(Path.cwd())]
        os.chdir(source.folder)
    # Nothing is to be written into somebody's working tree.
    sys.dont_write_bytecode = source.place == "only" or _WRITES_NOT
    sys.modules.update(_kept.pop(source.folder, {}))
    importlib.invalidate_caches()
    _active[:] = [source.folder]


def _lies_in(module: ModuleType, folder: str) -> bool:
    """Return whether a module's file, or one of a namespace's folders, lies in a folder."""
    return any(_is_within(place, folder) for place in _named_places(module))


def _named_places(module: ModuleType) -> list[str]:
    """Return a module's file, or a namespace's folders; none of what is of no version."""
    if module.__name__.partition(".")[0] in OURS:
        return []
    named = [getattr(module, "__file__", None), *list(getattr(module, "__path__", ()))]
    return [place for place in named if isinstance(place, str)]
