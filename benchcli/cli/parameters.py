"""Define the types of option values. Their errors say in one line what would be valid."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from benchcli import validation
from benchcli.api.keywords import device_name
from benchcli.backends.devices.base import DEVICES
from benchcli.errors import UserError, unknown
from benchcli.registry import Registry

UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


class Parameter(click.ParamType[Any]):
    """A click type made of a function from text to value that raises UserError.

    `names` are what a shell completes, each of several with commas between them; `kind` is "file" or
    "dir" where the shell completes paths.
    """

    def __init__(
        self, name: str, read: Callable[[str], Any], names: Callable[[], Iterable[str]] = tuple, kind: str = ""
    ) -> None:
        self.name = name
        self._read = read
        self._names = names
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the value of the given text."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except UserError as error:
            option = f"{param.opts[0]}: " if isinstance(param, click.Option) else ""
            raise click.UsageError(f"{option}{error}", ctx) from None

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Return the names that begin with `incomplete`; the shell adds paths."""
        before, comma, last = incomplete.rpartition(",") if self.name == "names" else ("", "", incomplete)
        items = [CompletionItem(f"{before}{comma}{name}") for name in self._names() if name.startswith(last)]
        return [*items, *([CompletionItem(incomplete, type=self._kind)] if self._kind else [])]


def whole(kind: str, least_most: tuple[int, int]) -> Parameter:
    """Take a whole number within limits."""
    return Parameter("number", lambda text: _whole(kind, text, least_most))


def wholes(kind: str, least_most: tuple[int, int]) -> Parameter:
    """Take whole numbers with commas between them, and ranges such as 128..224:32 and 1..32:x2."""
    return Parameter("numbers", lambda text: _several(_spelled_out(text), lambda part: _whole(kind, part, least_most)))


def names(kind: str, known: Callable[[], Iterable[str]]) -> Parameter:
    """Take known names with commas between them."""
    return Parameter("names", lambda text: _several(text, lambda part: validation.one_of(kind, part, known())), known)


def error() -> Parameter:
    """Take the name of a network and its error in per cent."""
    return Parameter("name=percent", _error)


def name(kind: str, known: Callable[[], Iterable[str]]) -> Parameter:
    """Take one known name."""
    return Parameter("name", lambda text: validation.one_of(kind, text, known()), known)


def device() -> Parameter:
    """Return the type of a device's name."""
    return Parameter("name", device_name, lambda: [each.name for each in DEVICES if not each.hidden])


def network() -> Parameter:
    """Return the type of a network's name, of which a shell completes those that ship."""
    from benchcli.workloads.networks.base import NETWORKS  # most commands need none of them

    return Parameter("name", str, lambda: [each.name for each in NETWORKS])


def plugin(registry: Registry[Any], *others: str) -> Parameter:
    """Take the name of a plug-in, or one of `others`."""
    return Parameter(
        "name",
        lambda text: text if text in others else _plugin(registry, text, others),
        lambda: [*(each.name for each in registry), *others],
    )


def suite() -> Parameter:
    """Take the name of a built-in suite, or a path."""

    def names() -> list[str]:
        from benchcli.workloads.suites import shipped_suites

        return [path.stem for path in shipped_suites()]

    return Parameter("suite", str, names, "file")


def folder() -> Parameter:
    """Take a folder's path."""
    return Parameter("path", _folder, kind="dir")


def file() -> Parameter:
    """Take the path of a file that can be written."""
    return Parameter("path", _file, kind="file")


def recorded() -> Parameter:
    """Take the folder of a run or a check, or a pattern for several."""
    return Parameter("path", lambda text: str(_folder(text)), kind="dir")


def precision(kind: str = "a precision") -> Parameter:
    """Take a fraction, written with its unit: "1%"."""
    return Parameter("percent", lambda text: _precision(text, kind))


def duration(kind: str = "a budget") -> Parameter:
    """Take seconds, as "90", "90s", "1.5m" or "1h"."""
    return Parameter("seconds", lambda text: _duration(text, kind))


def _file(text: str) -> Path:
    from benchcli.api.writing import check_writable

    path = Path(validation.text("a file", text))
    check_writable(path)
    return path


def _whole(kind: str, text: str, least_most: tuple[int, int]) -> int:
    digits = text.strip()
    if not re.fullmatch(r"[+-]?\d{1,18}", digits):
        raise UserError(f"{kind} must be a whole number from {least_most[0]} to {least_most[1]}, not {text!r}")
    return validation.whole(kind, int(digits), least_most)


MOST_STEPS = 100
"""The most numbers that a range stands for."""
_RANGE = re.compile(r"(?P<least>\d{1,9})\.\.(?P<most>\d{1,9})(?::(?P<times>x?)(?P<step>\d{1,9}))?", re.ASCII)


def _spelled_out(text: str) -> str:
    """Return a text of numbers with commas between them, its ranges spelled out."""
    return ",".join(each for part in text.split(",") for each in _steps(part.strip()))


def _steps(part: str) -> list[str]:
    match = _RANGE.fullmatch(part)
    if match is None:
        if ".." in part:
            raise UserError(f"{part!r} is no range: write 128..224:32 for steps of 32, or 1..32:x2 for doubling")
        return [part]
    number, most, step = int(match["least"]), int(match["most"]), int(match["step"] or 1)
    if number > most or step < 1 or (match["times"] and (step < 2 or number < 1)):
        raise UserError(f"{part!r} goes nowhere: write the smaller end first, and a step that reaches the other")
    numbers: list[str] = []
    while number <= most:
        numbers.append(str(number))
        number = number * step if match["times"] else number + step
        if len(numbers) > MOST_STEPS:
            raise UserError(f"{part!r} stands for more than {MOST_STEPS} numbers: give a larger step")
    return numbers


def _error(text: str) -> tuple[str, float]:
    name, equals, percent = text.rpartition("=")
    if not equals or not name:
        raise UserError(f"an error is NAME=PERCENT, such as mine:build=28.1, not {text[:80]!r}")
    number = _number(percent.strip().removesuffix("%"))
    return name.strip(), validation.top1_error(f"the error of {name}", percent if number is None else number)


def _several(text: str, read: Callable[[str], Any]) -> tuple[Any, ...]:
    values = tuple(read(part) for part in text.split(","))
    validation.distinct(repr(text), values)
    return values


def _plugin(registry: Registry[Any], text: str, others: tuple[str, ...]) -> str:
    plugin = registry.get(text) or registry.get(text.lower()) or registry.get(text.lower().replace("_", "-"))
    if plugin is None:
        raise unknown(registry.kind, text, [*(each.name for each in registry), *others])
    return str(plugin.name)


def _folder(text: str) -> Path:
    if not text.strip():
        raise UserError("an empty path names no folder: write . for this one")
    return Path(text)


def _precision(text: str, kind: str) -> float:
    number = _number(text.strip().removesuffix("%"))
    if (
        number is not None and 0 < number < 100 and not text.strip().endswith("%")
    ):  # 0.5 is a half to some, half a per cent to others
        raise UserError(f"{kind} needs its unit: write {text.strip()}%, not {text!r}")
    return validation.precision(None if number is None else number / 100, text, kind)


def _duration(text: str, kind: str) -> float:
    match = re.fullmatch(r"\s*([\d.]+)\s*([a-z]*)\s*", text)
    number = _number(match[1]) if match else None
    factor = UNITS.get(match[2]) if match else None
    return validation.budget_s(None if number is None or factor is None else number * factor, text, kind)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
