"""Find out where a user's own network comes from."""

import hashlib
import inspect
import os
from functools import partial
from pathlib import Path

from benchcli.guards.code_versions import find
from benchcli.schema import Code, Variant


def code_of(variant: Variant) -> Code | None:
    """Return where a user's own network comes from; None if it ships, was given by value, or has no file."""
    if variant.is_built_in:
        return None
    make = find(variant.builder, variant.source)
    try:
        make = inspect.unwrap(make.func if isinstance(make, partial) else make)
        file, line = inspect.getsourcefile(make), inspect.getsourcelines(make)[1]
        text = Path(file or "").read_bytes()
    except (OSError, TypeError, ValueError):  # no file, or a wrapper of itself
        return None
    folder = variant.source.folder if variant.source else ""
    inside = os.path.relpath(file or "", folder) if folder else os.pardir
    return Code(file if inside.startswith(os.pardir) else inside, line, hashlib.sha256(text).hexdigest())  # type: ignore[arg-type]
