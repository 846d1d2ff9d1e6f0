"""What a person did that cannot work, said in one line with the way out."""

from collections.abc import Iterable


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
