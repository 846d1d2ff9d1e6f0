"""Find the changed line of a network's file that concerns the network, without running the file."""

import ast
from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher

MOST_LINES = 5000
"""The most lines of a file that is compared: the time grows with their square."""


def changed_line(base: str, head: str, name: str) -> int | None:
    """Return the first line of `head` that differs from `base` in a definition that `name` uses.

    These are its own statement of the file, those of the names in it, and so on: classes, functions
    and constants. None if there is no such line, or if the file cannot be parsed.
    """
    then, now = base.splitlines(), head.splitlines()
    if then == now or max(len(then), len(now)) > MOST_LINES:
        return None
    try:
        used = _used(name, ast.parse(head))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return next((line for line in _changed(then, now) if any(_holds(each, line) for each in used)), None)


def _changed(then: list[str], now: list[str]) -> Iterator[int]:
    """Yield the numbers of head's lines that are new or other ones, and of those before which lines are gone."""
    for kind, _, _, first, last in SequenceMatcher(None, then, now, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from range(first + 1, max(last, first + 1) + 1)


def _used(name: str, tree: ast.Module) -> list[ast.stmt]:
    """Return the statements of a file that define `name` and what it uses, its own first."""
    defined = _definitions(tree)
    found: dict[str, None] = {}
    left = [name]
    while left:
        each = left.pop()
        if each in defined and each not in found:
            found[each] = None
            left += [node.id for own in defined[each] for node in ast.walk(own) if isinstance(node, ast.Name)]
    return [statement for each in found for statement in defined[each]]


def _definitions(tree: ast.Module) -> Mapping[str, list[ast.stmt]]:
    defined: dict[str, list[ast.stmt]] = {}
    for statement in tree.body:
        for name in _names(statement):
            defined.setdefault(name, []).append(statement)
    return defined


def _names(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [node.id for target in targets if target for node in ast.walk(target) if isinstance(node, ast.Name)]


def _holds(statement: ast.stmt, line: int) -> bool:
    return statement.lineno <= line <= (statement.end_lineno or statement.lineno)
