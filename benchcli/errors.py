"""What a person did that cannot work, said in one line with the way out."""

from collections.abc import Iterable


class UserError(Exception):
    """Bad input or a bad environment. Its text is the one line shown; the exit code is 2."""


class NothingMeasuredError(Exception):
    """No variant could be measured. Its text is the one line shown; the exit code is 4."""


def unknown(kind: str, name: object, known: Iterable[str]) -> UserError:
    """Say that `name` is not one of the `known` names of this kind, and which name is nearest."""
    from difflib import get_close_matches

    choices = list(known)
    near = get_close_matches(str(name).lower(), choices, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    return UserError(f"unknown {kind} {str(name)!r}: {hint}known: {', '.join(choices)}")
