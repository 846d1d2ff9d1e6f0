"""Import networks in a worker from the folders of different versions of the user's code.

Two versions have modules of the same names. `sys.modules` holds the modules of the version that was
used last. The modules of the other version stay alive in the networks that were built from them.
They return to `sys.modules` when that version is used again.
"""

import builtins
import copy
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from benchcli.errors import unknown
from benchcli.guards import read_files, sources
from benchcli.guards.read_files import is_within, resolved
from benchcli.schema import BUILT_IN, LIVE, Source, Variant
from benchcli.spelling import given
from benchcli.workloads import live_networks as live
from benchcli.workloads.built_in import find_built_in

LAYOUTS = ("", "src")
"""The subfolders of a version's folder that may hold its packages."""
OURS = frozenset({"benchcli", "__main__", "torch"})
"""Packages that never belong to a version, in whatever folder they are."""

_inactive_modules: dict[str, dict[str, ModuleType]] = {}
"""Version folder to the modules that were taken out of `sys.modules`."""
_elsewhere: dict[str, dict[str, ModuleType]] = {}
"""Version folder to the modules that are of neither version: thousands, which are looked at once."""
_active: list[str] = []
"""The folder of the version in `sys.modules`; empty or one item."""
_paths: dict[str, list[str]] = {}
"""Version folder to `sys.path` as the version left it; the key "" has the path without any version."""
_previous_folder: list[str] = []
"""The working folder before the first version was used; empty or one item."""
_DONT_WRITE_BYTECODE = sys.dont_write_bytecode


class SourceError(Exception):
    """The user's code cannot be loaded from its source."""


class RefusedError(SourceError):
    """What was asked for is not there, or cannot be called as asked: the request is wrong, and not the network."""


def build(variant: Variant) -> torch.nn.Module:
    """Return a variant's network. Raises SourceError if its code cannot be loaded or is wrong."""
    make = find(variant.builder, variant.source)
    network = _copy(make, variant) if isinstance(make, torch.nn.Module) else _made(make, variant)
    refuse_other_files(variant.source)
    if not isinstance(network, torch.nn.Module):
        raise RefusedError(f"{variant.builder} returned {type(network).__name__}, not a torch.nn.Module")
    return network


def _made(make: Callable[..., Any], variant: Variant) -> object:
    """Return what a callable makes. Raises SourceError if it takes other arguments than the variant has."""
    try:
        return make(**variant.params)
    except TypeError as error:
        if _takes(make, variant.params):
            raise
        _refuse_unknown(make, variant)
        given_ones = f"other arguments than {', '.join(variant.params)}" if variant.params else "`arguments`"
        raise SourceError(
            f"{error}: give a callable without arguments, such as a function that calls it, or {given_ones} in a suite"
        ) from None


def _refuse_unknown(make: Callable[..., Any], variant: Variant) -> None:
    """Raise SourceError with the nearest name if a callable has no parameter of an argument's name."""
    with suppress(ValueError):
        known = inspect.signature(make).parameters
        if any(each.kind is each.VAR_KEYWORD for each in known.values()):
            return
        for name in variant.params:
            if known and name not in known:
                raise SourceError(f"{variant.builder}: {unknown('parameter', name, known)}") from None


def _takes(make: Callable[..., Any], arguments: Mapping[str, object]) -> bool:
    """Return whether a callable may be called with these arguments; not all callables say so."""
    with suppress(ValueError):
        signature = inspect.signature(make)
        try:
            signature.bind(**arguments)
        except TypeError:
            return False
    return True


def _copy(network: torch.nn.Module, variant: Variant) -> torch.nn.Module:
    """Return a copy of a module's own network, so that no other one, and no later launch, sees what this one changes.

    Raises RefusedError if it cannot be copied, or was given arguments.
    """
    if variant.params:
        raise RefusedError(f"{variant.builder} is a network and no function: it takes no arguments")
    try:
        with torch.no_grad():  # TorchScript copies by an operator, whose results would have a history
            return copy.deepcopy(network)
    except Exception as error:  # a network may hold anything
        raise RefusedError(
            f"{variant.builder} is a network that cannot be copied ({type(error).__name__}: {error}): give a function "
            "that makes it"
        ) from None


def find(builder: str, source: Source | None) -> Callable[..., Any]:
    """Return the builder of a built-in name, or import `package.module:callable` from its source.

    The callable may be a `torch.nn.Module`: the network itself. Raises SourceError if the module
    cannot be imported, comes from another place, or lacks the callable.
    """
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
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise RefusedError(_no_module(str(error.name), source)) from error
        where = f" from {source.folder}" if source else ""
        raise RefusedError(f"{name} cannot be imported{where}: {' '.join(str(error).split())}") from error
    if source and source.place == "only":
        _refuse_other_code(module, source)
    make = getattr(module, attribute, None)
    if not callable(make):
        raise _no_callable(module, attribute)
    return make  # type: ignore[no-any-return]


def _no_module(name: str, source: Source | None) -> str:
    """Return that there is no module of a name, and one that has nearly the same beside where it would be."""
    folder = Path(source.folder if source else ".")
    beside = [each.stem for each in folder.glob("*.py")] + [each.parent.name for each in folder.glob("*/__init__.py")]
    near = get_close_matches(name, beside, n=1)
    hint = f": did you mean {near[0]}?" if near else ""
    return f"no module {name} in {source.folder if source else 'the path'}, and none is installed{hint}"


def _no_callable(module: ModuleType, attribute: str) -> RefusedError:
    """Return the error for a name that a module does not have; one without any is perhaps a package beside the file."""
    callables = {each: of for each, of in vars(module).items() if callable(of) and not each.startswith("_")}
    own = [each for each, of in callables.items() if getattr(of, "__module__", None) == module.__name__]
    if callables:
        return RefusedError(f"{module.__name__}: {unknown('callable', attribute, own or [*callables])}")
    place = module.__file__ or f"the folder {', '.join(module.__path__)}"
    return RefusedError(f"{module.__name__}: unknown callable {attribute!r}: {place} has nothing to call")


def hide() -> None:
    """Remove the active version from `sys.modules` and `sys.path`.

    A network that imports its own modules while it runs then raises an error.
    """
    read_files.turn_to(None)
    if not _active:
        return
    folder = _active.pop()
    modules = {name: module for name, module in _perhaps_of(folder) if _lies_in(module, folder)}
    for name in modules:
        del sys.modules[name]
    _inactive_modules[folder] = modules
    # What a version adds to the path must not be found by the other one.
    _paths[folder] = list(sys.path)
    sys.path[:] = [entry for entry in sys.path if entry in _paths[""]]


def _refuse_other_code(module: ModuleType, source: Source) -> None:
    """Raise SourceError if a module, or a module that it imported, is not of this version."""
    folder = resolved(source.folder)
    if not any(is_within(place, folder) for place in _places(module)):
        raise SourceError(
            f"{module.__name__} is not in {source.folder}, but installed ({module.__file__}): that is the same code "
            f"for base and head; run where its source is, or give {given('base')} and {given('head')} environments"
        )
    if not source.trees:
        return
    elsewhere = _elsewhere.setdefault(source.folder, {})
    for name, other in _perhaps_of(source.folder):
        if not _lies_in(other, source.folder):
            elsewhere[name] = other
        place = next(filter(partial(_is_of_other, source), _places(other)), None)
        if place:
            raise SourceError(
                f"{name} is imported from {place}, which belongs to the other version, and not from "
                f"{source.folder}: it would be the same code in both; give two folders, or environments, that each "
                "have it"
            )


def _is_of_other(source: Source, place: str) -> bool:
    """Return whether a module's place belongs to the other version; most lie in no folder of it, which is quick."""
    return (
        any(is_within(place, tree) for tree in source.trees)
        and read_files.tree_of_other(place, source) is not None
        and "site-packages" not in Path(place).parts
    )


def _perhaps_of(folder: str) -> list[tuple[str, ModuleType]]:
    """Return the modules that are not known to be of neither version."""
    elsewhere = _elsewhere.get(folder, {})
    return [(name, module) for name, module in sys.modules.items() if elsewhere.get(name) is not module]


def refuse_other_files(source: Source | None) -> None:
    """Raise SourceError if the version read code or data of the other version's tree."""
    place = read_files.of_other_version(source)
    if place:
        raise SourceError(
            f"it reads {place}, which belongs to the other version: use paths relative to the file that reads"
        )


def enter(source: Source) -> None:
    """Let the calls that follow be those of this version: in its folder, and its files are noted."""
    if source.place == "only":
        os.chdir(source.folder)
    read_files.turn_to(source)


def _places(module: ModuleType) -> list[str]:
    """Return a module's file or folders, with symbolic links resolved."""
    return [resolved(place) for place in _named_places(module)]


def imports_while(call: Callable[[], object], source: Source) -> list[str]:
    """Return the modules of this source that `call` imports while it runs.

    Beside a second version, such an import could load the other version's module.
    """
    names: list[str] = []
    original, dynamic = builtins.__import__, importlib.import_module

    def recording(importer: Callable[..., ModuleType]) -> Callable[..., ModuleType]:
        def recording_import(*args: Any, **kwargs: Any) -> ModuleType:
            module = importer(*args, **kwargs)
            if _lies_in(module, source.folder):
                names.append(module.__name__)
            return module

        return recording_import

    builtins.__import__, importlib.import_module = recording(original), recording(dynamic)
    try:
        call()
    finally:
        builtins.__import__, importlib.import_module = original, dynamic
    return names


def release() -> None:
    """Remove all versions from this process and return to the previous working folder."""
    sys.dont_write_bytecode = _DONT_WRITE_BYTECODE
    if _previous_folder:
        os.chdir(_previous_folder.pop())
    hide()
    sources.forget()
    _inactive_modules.clear()
    _elsewhere.clear()
    _paths.clear()


@contextmanager
def released() -> Iterator[None]:
    """Remove all versions from this process at the end of the block."""
    try:
        yield
    finally:
        release()


def _activate(source: Source) -> None:
    if _active == [source.folder]:
        enter(source)
        return
    hide()
    _paths[""] = list(sys.path)
    folders = [Path(source.folder) / source.beside, Path(source.folder)] if source.beside else [Path(source.folder)]
    entries = [str(folder / layout) for folder in folders for layout in LAYOUTS if (folder / layout).is_dir()]
    fresh = [*sys.path, *entries] if source.place == "last" else [*entries, *sys.path]
    sys.path[:] = _paths.get(source.folder, fresh)
    # benchcli must not write into the user's working tree.
    sys.dont_write_bytecode = source.place == "only" or _DONT_WRITE_BYTECODE
    if source.place == "only":
        _previous_folder[:] = _previous_folder or [str(Path.cwd())]
        sources.read_afresh(source.folder)
    sys.modules.update(_inactive_modules.pop(source.folder, {}))
    importlib.invalidate_caches()
    _active[:] = [source.folder]
    enter(source)


def _lies_in(module: ModuleType, folder: str) -> bool:
    """Return whether a module's file, or a folder of its package, is in a folder."""
    beginning = folder.rstrip(os.sep) + os.sep
    return any(place == folder or place.startswith(beginning) for place in _named_places(module))


def _named_places(module: ModuleType) -> list[str]:
    """Return a module's file and its package's folders; an empty list for the packages in OURS."""
    if module.__name__.partition(".")[0] in OURS:
        return []
    known = module.__dict__ if type(module) is ModuleType else None
    if known is not None and "__path__" not in known and isinstance(known.get("__file__"), str):
        return [known["__file__"]]  # most are such, and thousands are looked at
    places = [getattr(module, "__file__", None), *list(getattr(module, "__path__", ()))]
    return [place for place in places if isinstance(place, str)]
