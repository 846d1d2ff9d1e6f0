"""Error classes, whose text is the one line that is shown, and the exit codes of the program."""

from collections.abc import Iterable
from typing import Final

FINE: Final = 0
UNEXPECTED: Final = 1
USAGE: Final = 2
REGRESSION: Final = 3
"""A regression, and nothing else."""
NOT_MEASURED: Final = 4
"""Something could not be measured, or nothing was compared."""
INTERRUPTED: Final = 130


class UserError(Exception):
    """Bad input or a bad environment. Its text is the one line shown; the exit code is 2."""


class NothingMeasuredError(Exception):
    """No variant could be measured. Its text is the one line shown; the exit code is 4."""


MANY = 24
"""Of more names than these only the nearest are listed."""
LISTED = 10


def unknown(kind: str, name: object, known: Iterable[str]) -> UserError:
    """Say that `name` is not one of the `known` names of this kind, and which names are nearest."""
    from difflib import get_close_matches

    choices = list(known)
    text = str(name)[:100].lower()
    near = get_close_matches(text, choices, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    if len(choices) <= MANY:
        return UserError(f"unknown {kind} {str(name)[:100]!r}: {hint}known: {', '.join(choices)}")
    listed = get_close_matches(text, choices, n=LISTED, cutoff=0.0)
    return UserError(
        f"unknown {kind} {str(name)[:100]!r}: {hint}the nearest of {len(choices)} known: {', '.join(listed)}"
    )
