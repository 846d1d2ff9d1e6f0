"""Find where an error comes from: the layer that raised it, and the line of the user's own code."""

import linecache
import os
import re
import sysconfig
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import torch

import benchcli
from benchcli.guards.read_files import is_within, resolved

MOST_LETTERS = 80
"""The most letters of a line of code, and of a layer's arguments."""
_OURS = tuple(resolved(str(Path(str(package.__file__)).parent)) for package in (benchcli, torch))
_PYTHON = tuple(resolved(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
_INSTALLED = ("site-packages", "dist-packages")
_TYPED = ("<stdin>", "<ipython", "<dynamic-code>")
"""How the names of what a user typed begin, or sent by value; other names that are no files are of libraries."""
_SCRIPTED = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
"""How TorchScript names a line in its messages."""


class _Line(NamedTuple):
    """A line that was running."""

    file: str
    number: int
    function: str


def origin_of(error: BaseException) -> str:
    """Return where an error comes from, as "in layer fc, Linear(...), at nets.py:16 in Net.forward: ...".

    It is that of the error before, where an error has none and followed another. Empty if no layer
    of torch and no line of a user's code was running.
    """
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        steps = list(_steps(following.__traceback__))
        lines = [_Line(step.tb_frame.f_code.co_filename, step.tb_lineno, _function(step)) for step in steps]
        lines += [_Line(file, int(number), name) for file, number, name in _SCRIPTED.findall(str(following))]
        if found := ", ".join(filter(None, (_layer(steps), _place(lines)))):
            return found
        seen.add(id(following))
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return ""


def _steps(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _function(step: TracebackType) -> str:
    return step.tb_frame.f_code.co_qualname.replace(".<locals>", "")


def modules_of(error: BaseException) -> list[torch.nn.Module]:
    """Return the modules that were being called when an error was raised, the outermost first."""
    return _modules(list(_steps(error.__traceback__)))


def innermost(error: BaseException) -> torch.nn.Module | None:
    """Return the module that was being called when an error was raised, the innermost one; None if none was."""
    return next(reversed(modules_of(error)), None)


def argument_of(layer: torch.nn.Module | None, error: BaseException) -> object:
    """Return what the innermost call of a layer of torch was given as its `input`; None if that is not known."""
    frames = [step.tb_frame.f_locals for step in _steps(error.__traceback__)]
    given = [each["input"] for each in frames if layer is not None and each.get("self") is layer and "input" in each]
    return given[-1] if given else None


def _modules(steps: Sequence[TracebackType]) -> list[torch.nn.Module]:
    running = (step.tb_frame.f_locals.get("self") for step in steps)
    return [each for each in running if isinstance(each, torch.nn.Module)]


def _layer(steps: Sequence[TracebackType]) -> str:
    """Return the innermost layer of torch that was being called, by its path from the network."""
    modules = _modules(steps)
    names = filter(None, (_name(held, holder) for holder, held in pairwise(modules)))
    path = ".".join(names)
    if not path or not type(modules[-1]).__module__.startswith("torch.nn."):
        return ""
    return f"in layer {path}, {type(modules[-1]).__name__}({modules[-1].extra_repr()[:MOST_LETTERS]})"


def _name(held: torch.nn.Module, holder: torch.nn.Module) -> str:
    """Return the name of a module in the one that calls it; empty if it is that one, or is not held by it."""
    return next((name for name, each in holder.named_modules() if each is held), "")


def _place(lines: Sequence[_Line]) -> str:
    """Return the innermost line of the user's code; of a package that is installed, where there is none."""
    others = [each for each in lines if not _is_of_a_library(each.file)]
    own = [each for each in others if not _is_installed(each.file)]
    if not others:
        return ""
    file, number, function = (own or others)[-1]
    code = linecache.getline(file, number).strip()
    shown = f": {code[:MOST_LETTERS]}" if code else ""
    named = "" if function == "<module>" else f" in {function}"
    where = f"line {number}" if file.startswith("<") else f"{_short(file)}:{number}"
    return f"at {where}{named}{shown}"


def _is_of_a_library(file: str) -> bool:
    """Return whether a file is torch's, Python's or benchcli's own; packages are installed below Python's folder."""
    if file.startswith("<"):
        return not file.startswith(_TYPED)
    return any(is_within(resolved(file), folder) for folder in (_OURS if _is_installed(file) else _OURS + _PYTHON))


def _is_installed(file: str) -> bool:
    return bool(set(_INSTALLED) & set(Path(file).parts))


def _short(file: str) -> str:
    """Return a file as seen from the current folder, if it lies in it."""
    folder = resolved(str(Path.cwd()))
    return os.path.relpath(resolved(file), folder) if is_within(resolved(file), folder) else file
