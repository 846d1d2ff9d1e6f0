"""Detect what a stream can show: its width, colours, signs and bars."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

from benchcli.reports.outcomes import ASCII

BLOCKS = "█░"
"""The characters of bars: solid and light."""
NARROWEST = 20
"""The least width that is believed; a terminal that reports less is assumed to have `USUAL` columns."""
USUAL = 80


@dataclass(frozen=True)
class Screen:
    """What a stream can show. The default is a file or a pipe, which shows text without limits."""

    width: int | None = None
    """Columns of a terminal; None for no limit."""
    colours: bool = False
    signs: bool = True
    """Whether it shows the signs of outcomes that are not ASCII."""
    bars: bool = False


def screen_of(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> Screen:
    """Return what a stream can show.

    NO_COLOR takes the colours from a terminal, and FORCE_COLOR gives them to a pipe. A terminal
    that calls itself dumb has neither colours nor bars.
    """
    terminal, dumb = is_terminal(stream), is_dumb(environment)
    wanted = terminal or environment.get("FORCE_COLOR", "") not in {"", "0", "false"}
    return Screen(
        width=_width(stream, environment) if terminal and stream else None,
        colours=wanted and not dumb and not environment.get("NO_COLOR"),
        signs=not dumb and _writes(stream, "".join(ASCII)),
        bars=terminal and not dumb and _writes(stream, BLOCKS),
    )


def is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal. No variable changes that."""
    try:
        return stream is not None and stream.isatty()
    except (AttributeError, ValueError):  # it is closed, or no file
        return False


def is_dumb(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the terminal says that it can only show text, line by line."""
    return environment.get("TERM", "") in {"dumb", "unknown"}


def _width(stream: TextIO, environment: Mapping[str, str]) -> int:
    """Return the columns of a terminal; the variable COLUMNS decides if it is set."""
    variable = environment.get("COLUMNS", "")
    if variable.isascii() and variable.isdigit() and len(variable) < 6 and int(variable) >= NARROWEST:
        return int(variable)
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (AttributeError, OSError, ValueError):
        return USUAL
    return width if width >= NARROWEST else USUAL


def _writes(stream: TextIO | None, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
