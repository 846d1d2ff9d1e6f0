"""Check that the facts of a recorded environment are what a run or a check writes."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from benchcli.errors import UserError
from benchcli.runs.folder import ENVIRONMENT
from benchcli.schema.structure import MOST

PARTS = ("machine", "software", "device")
TEXTS = ("run", "started", "digest", "commit")
TEXTS_OF = {
    "machine": ("host", "cpu", "architecture", "system", "governor"),
    "device": ("card", "driver", "capability"),
}
"""The facts of an environment and of its parts that are texts. All of the software's are."""
NUMBERS_OF = {"machine": ("cores", "cpu_quota", "memory_bytes", "numa_nodes", "threads_per_core")}
PLAIN = (str, int, float, list, dict, NoneType)


def check_facts(folder: Path, environment: Mapping[str, Any], needed: tuple[str, ...]) -> None:
    """Raise UserError if a part or a fact of the environment has another type than what is written there."""
    wrong = next(_wrong(environment, needed), None)
    if wrong:
        raise UserError(f"{folder / ENVIRONMENT}: {wrong} is not what a run writes there: record it again")


def _wrong(environment: Mapping[str, Any], needed: tuple[str, ...]) -> Iterator[str]:
    """Yield the names of facts that are of a wrong type; `needed` are the parts that must be there."""
    yield from (part for part in needed if not isinstance(environment.get(part), dict))
    yield from (name for name in TEXTS if not isinstance(environment.get(name), str | None))
    yield from (part for part in (*PARTS, "plan") if not isinstance(environment.get(part, {}), dict))
    for part in PARTS:
        for name, value in environment.get(part, {}).items():
            if not _is_right(part, name, value):
                yield f"{part}: {name}"
    precision = environment.get("plan", {}).get("precision")
    if precision is not None and not is_number(precision):
        yield "plan: precision"
    unseen = environment.get("unseen", [])
    if not isinstance(unseen, list) or not all(isinstance(each, str) for each in unseen):
        yield "unseen"


def _is_right(part: str, name: str, value: object) -> bool:
    if part == "software" or name in TEXTS_OF.get(part, ()):
        return isinstance(value, str | None)
    if name in NUMBERS_OF.get(part, ()):
        return value is None or is_number(value)
    return isinstance(value, PLAIN) and (not isinstance(value, int) or abs(value) < MOST)


def is_number(value: object) -> bool:
    """Return whether a value is a number that a measurement gives: finite, and not endless."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < MOST and math.isfinite(value)
