"""Find out where a user's own network comes from."""

import ast
import hashlib
import inspect
import os
import sys
from functools import partial
from pathlib import Path

import torch

from benchcli.guards.code_versions import find
from benchcli.schema import Code, Variant


def code_of(variant: Variant) -> Code | None:
    """Return where a user's own network comes from; None if it ships, was given by value, or has no file."""
    if variant.is_built_in:
        return None
    make = find(variant.builder, variant.source)
    try:
        file, line = _place(make, *variant.builder.split(":", 1))
        text = Path(file).read_bytes()
    except (OSError, TypeError, ValueError):  # no file, or a wrapper of itself
        return None
    folder = variant.source.folder if variant.source else ""
    inside = os.path.relpath(file, folder) if folder else os.pardir
    return Code(file if inside.startswith(os.pardir) else inside, line, hashlib.sha256(text).hexdigest())


def _place(make: object, module: str, name: str) -> tuple[str, int]:
    """Return the file and the line of a callable, or of the assignment of what a module calls by this name."""
    if not isinstance(make, torch.nn.Module):
        make = inspect.unwrap(make.func if isinstance(make, partial) else make)  # type: ignore[arg-type]
        return inspect.getsourcefile(make) or "", inspect.getsourcelines(make)[1]  # type: ignore[arg-type]
    file = inspect.getsourcefile(sys.modules[module]) or ""
    statements = ast.parse(Path(file).read_bytes()).body
    lines = [each.lineno for each in statements if name in _assigned(each)]
    return file, lines[-1] if lines else 1


def _assigned(statement: ast.stmt) -> list[str]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return [each.id for each in targets if isinstance(each, ast.Name)]
