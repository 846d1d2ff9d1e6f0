"""Find the lines of a user's code that make the modules of a network."""

import ast
import inspect
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

import torch

from benchcli.guards.read_files import is_within, resolved
from benchcli.schema import Variant

Place = tuple[str, int]
"""A file, relative to the folder that the network is imported from, and a line."""
LIBRARIES = "site-packages"


def constructor_lines(network: torch.nn.Module, paths: Iterable[str], variant: Variant) -> dict[str, Place]:
    """Return, by path, where modules are made: the line in an `__init__` that assigns them, or else their class.

    What code elsewhere makes, as in libraries, goes by the module that holds it. Paths without a place are
    left out, and so is all of a network that ships.
    """
    if variant.source is None:
        return {}
    folder = variant.source.folder
    found = {path: _place_of(network, path, folder) for path in dict.fromkeys(paths)}
    return {path: (os.path.relpath(place[0], folder), place[1]) for path, place in found.items() if place}


def _place_of(network: torch.nn.Module, path: str, folder: str) -> Place | None:
    """Return where the module at a path is made, or the innermost one that holds it and has a place."""
    names = path.split(".") if path else []
    holders = list(_holders(network, names))
    if len(holders) <= len(names):  # a path of a call that no attribute leads to
        return None
    for depth in range(len(names) - 1, -1, -1):
        if place := _assigned(type(holders[depth]), names[depth], names[depth + 1 :], folder):
            return place
        classes = (_class_place(type(each), folder) for each in (holders[depth + 1], holders[depth]))
        if place := next(filter(None, classes), None):
            return place
    return None


def _holders(network: torch.nn.Module, names: Sequence[str]) -> Iterator[torch.nn.Module]:
    """Yield a network and the modules on the way to one in it, as far as there are some."""
    module = network
    yield network
    for name in names:
        child = module._modules.get(name)
        if child is None:
            return
        yield (module := child)


def _assigned(holder: type, name: str, inside: Sequence[str], folder: str) -> Place | None:
    """Return the line where an `__init__` of a class or of its bases makes `self.name`, or what is `inside` of it."""
    for each in holder.__mro__:
        parsed = _parsed(each, folder)
        if parsed is None:
            continue
        file, statements = parsed
        for statement in ast.walk(statements):
            made = _made(statement, name)
            if made is not None:
                return file, _line_inside(made, inside)
    return None


def _made(statement: ast.AST, name: str) -> ast.expr | None:
    """Return the expression that a statement assigns to `self.name`, or adds to `self` as a module of that name."""
    if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if any(isinstance(each, ast.Attribute) and _is_self(each.value) and each.attr == name for each in targets):
            return statement.value
    if isinstance(statement, ast.Call) and isinstance(statement.func, ast.Attribute) and len(statement.args) > 1:
        adds = statement.func.attr in ("add_module", "register_module") and _is_self(statement.func.value)
        first = statement.args[0]
        if adds and isinstance(first, ast.Constant) and first.value == name:
            return statement.args[1]
    return None


def _is_self(expression: ast.expr) -> bool:
    return isinstance(expression, ast.Name) and expression.id == "self"


def _line_inside(made: ast.expr, inside: Sequence[str]) -> int:
    """Return the line of an expression, or of the argument of nested calls such as `Sequential` that stands inside."""
    for name in inside:
        arguments: Sequence[ast.expr] = made.args if isinstance(made, ast.Call) else []
        if isinstance(made, ast.Call) and len(arguments) == 1 and isinstance(arguments[0], ast.List):
            arguments = arguments[0].elts
        is_container = isinstance(made, ast.Call) and _name_of(made.func) in ("Sequential", "ModuleList")
        if not (is_container and name.isdecimal() and int(name) < len(arguments)):
            break
        if any(isinstance(each, ast.Starred) for each in arguments[: int(name) + 1]):
            break
        made = arguments[int(name)]
    return made.lineno


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


@cache
def _parsed(of: type, folder: str) -> tuple[str, ast.AST] | None:
    """Return the file of a class of the user's, and its own `__init__`; None without one, or without its source."""
    file, code = _own_file(of, folder), getattr(vars(of).get("__init__"), "__code__", None)
    if file is None or code is None:
        return None
    try:
        statements = ast.walk(ast.parse(Path(file).read_bytes()))
    except (OSError, ValueError, SyntaxError):
        return None
    functions = (each for each in statements if isinstance(each, ast.FunctionDef) and each.name == "__init__")
    found = next((each for each in functions if each.lineno == code.co_firstlineno), None)
    return (file, found) if found else None


def _class_place(of: type, folder: str) -> Place | None:
    file = _own_file(of, folder)
    try:
        return (file, inspect.getsourcelines(of)[1]) if file else None
    except (OSError, TypeError):
        return None


def _own_file(of: type, folder: str) -> str | None:
    """Return the file of a class if it is in a folder, and of no library that is installed in there."""
    try:
        file = inspect.getsourcefile(of)
    except (OSError, TypeError):
        return None
    if file is None or LIBRARIES in Path(file).parts:
        return None
    return file if is_within(file, resolved(folder)) else None
