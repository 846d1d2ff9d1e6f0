"""Spell settings in messages as the reader gives them: options on the command line, keyword arguments in Python."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, Literal

Interface = Literal["command line", "suite", "Python"]
"""Who reads a message: a user of the command line, of one whose networks and inputs are in a suite, or of Python."""
FLAGS: Final[Mapping[str, str]] = {
    "inputs": "--input",
    "errors": "--error",
    "params": "--param",
    "format_": "--format",
    "in_": "--in",
}
"""The options that are not the name of the keyword argument with two dashes."""
_interface: Interface = "Python"


def interface() -> Interface:
    """Return which interface the messages of this process are for."""
    return _interface


def is_command_line() -> bool:
    """Return whether messages are for the command line."""
    return _interface != "Python"


@contextmanager
def messages_for(reader: Interface) -> Iterator[None]:
    """Spell settings for this interface during the block."""
    global _interface  # a process serves one reader, and its threads the same
    before, _interface = _interface, reader
    try:
        yield
    finally:
        _interface = before


def flag(name: str) -> str:
    """Return the option of the setting whose keyword argument has this name."""
    return FLAGS.get(name, f"--{name.replace('_', '-')}")


def given(name: str, *values: object) -> str:
    """Return a setting, with the values that it is given if there are some: "--launches 6", or "launches=6"."""
    if _interface == "suite" and name == "inputs":
        return f"inputs = {json.dumps([*map(str, values)])}" if values else "inputs in the suite"
    if is_command_line():
        return " ".join(f"{flag(name)} {each}" for each in values) or flag(name)
    if not values:
        return name
    value = values[0] if len(values) == 1 else list(values)
    return f"{name}={json.dumps(value, ensure_ascii=False, default=str)}"
