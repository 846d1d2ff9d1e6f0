"""Group values by a key."""

from collections.abc import Callable, Iterable
from typing import TypeVar

Value = TypeVar("Value")
Key = TypeVar("Key")


def groups(values: Iterable[Value], key: Callable[[Value], Key]) -> dict[Key, list[Value]]:
    """Return the values of each key, the keys in the order in which they first appear."""
    by_key: dict[Key, list[Value]] = {}
    for value in values:
        by_key.setdefault(key(value), []).append(value)
    return by_key
