"""The error classes and exit codes of the command line."""

from collections.abc import Iterable
from typing import Final

FINE: Final = 0
UNEXPECTED: Final = 1
USAGE: Final = 2
REGRESSION: Final = 3
"""Only for a regression."""
NOT_MEASURED: Final = 4
"""A network could not be measured, or nothing was compared."""
INTERRUPTED: Final = 130


class UserError(Exception):
    """Invalid input or environment. The command line prints the text and exits with 2."""


class DamagedRunError(UserError):
    """A file of a recorded run is damaged or missing. An audit, which nothing resumes, has another way out."""

    def __init__(self, fault: str, way_out: str) -> None:
        super().__init__(f"{fault}: {way_out}")
        self.fault = fault


class CostRuleError(UserError):
    """A cost rule of the user's own is wrong, or its operator is."""


class NothingMeasuredError(Exception):
    """No variant could be measured. The command line prints the text and exits with 4."""


class ChangedError(NothingMeasuredError):
    """Code or data that is measured changed meanwhile. What was measured before it stands."""


MANY = 24
"""The largest number of names that are all listed."""
LISTED = 10
"""The number of nearest names that are listed if there are more than `MANY`."""


def unknown(kind: str, name: object, valid_names: Iterable[str]) -> UserError:
    """Return the error for an unknown `name` of this kind, with the nearest valid names."""
    from difflib import get_close_matches

    choices = list(valid_names)
    text = str(name)[:100].lower()
    near = get_close_matches(text, choices, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    if len(choices) <= MANY:
        return UserError(f"unknown {kind} {str(name)[:100]!r}: {hint}known: {', '.join(choices)}")
    listed = get_close_matches(text, choices, n=LISTED, cutoff=0.0)
    return UserError(
        f"unknown {kind} {str(name)[:100]!r}: {hint}the nearest of {len(choices)} known: {', '.join(listed)}"
    )
