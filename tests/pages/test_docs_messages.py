"""The messages that docs/troubleshooting.md quotes are those that the program prints."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from benchcli.reports.advice import sentence
from benchcli.schema.warnings import KINDS, RunWarning
from tests.documents import DOCS, ROOT, blocks

PAGE = DOCS / "troubleshooting.md"
LEAST = 12
"""The least number of characters of a message that must stand in the program."""
EVERYTHING = ".*"


@cache
def patterns() -> tuple[re.Pattern[str], ...]:
    """Return a pattern for each text of the program: what it puts in stands for anything."""
    found = set()
    for path in sorted((ROOT / "benchcli").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
                found |= {each for each in texts(node) if len(each.replace(EVERYTHING, "")) >= LEAST}
    return tuple(re.compile(each) for each in sorted(found))


def texts(node: ast.AST) -> Iterator[str]:
    """Yield what a text may be: a pattern for each way through its conditions."""
    match node:
        case ast.Constant(value=str(text)):
            yield re.escape(text)
        case ast.JoinedStr(values=parts):
            yield "".join(next(texts(part)) if isinstance(part, ast.Constant) else EVERYTHING for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            yield from (one + other for one in texts(left) for other in texts(right))
        case ast.IfExp(body=body, orelse=orelse):
            yield from texts(body)
            yield from texts(orelse)
        case _:
            yield EVERYTHING


def quoted() -> list[str]:
    """Return the messages on the page."""
    return [line for code in blocks(PAGE) if not code.language for line in code.text.splitlines() if line]


def is_printed(message: str) -> bool:
    return any(each.fullmatch(message) for each in patterns())


@pytest.mark.parametrize("message", quoted())
def test_messages_are_those_of_the_program(message: str) -> None:
    assert is_printed(message)


@pytest.mark.parametrize("message", ["an interval from few launches: give --rounds 6", "the disk is full"])
def test_a_message_that_nothing_prints_is_found(message: str) -> None:
    assert not is_printed(message)


def test_every_warning_is_explained() -> None:
    text = PAGE.read_text(encoding="utf-8")
    made = {kind: sentence(RunWarning(kind, 7, 7.0, other=7, of_cores=7, text="graph")) for kind in KINDS}
    left_out = [
        kind for kind, each in made.items() if max(re.split("[07.%;]+|graph", each), key=len).strip() not in text
    ]
    assert left_out == []
