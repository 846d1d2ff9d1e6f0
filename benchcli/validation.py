"""The kinds of values that users give, as text or in Python, with the errors for what is not valid."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from benchcli import files
from benchcli.errors import UserError, unknown
from benchcli.registry import Registry

Value = TypeVar("Value")
UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
SHOWN = 60
"""The most letters of a value in a message."""
MOST_STEPS = 100
"""The most numbers that a range stands for."""
_RANGE = re.compile(r"(?P<least>\d{1,9})\.\.(?P<most>\d{1,9})(?::(?P<times>x?)(?P<step>\d{1,9}))?", re.ASCII)


class ValueKind(ABC, Generic[Value]):
    """What is valid as a value. `what` names the value in errors, such as "a batch size"."""

    metavar: ClassVar[str]
    """What stands for a value in the help."""
    paths: ClassVar[str] = ""
    """The paths that a shell completes: "file", "dir", or none."""
    gathers: ClassVar[bool] = False
    """Whether a Python caller gives all values in one object."""

    @abstractmethod
    def check(self, what: str, value: object) -> Value:
        """Return the value of a Python object, or of one from a TOML file. Raises UserError if it is not valid."""

    def parse(self, what: str, text: str) -> Value:
        """Return the value of a text on the command line. Raises UserError if it is not valid."""
        return self.check(what, text)

    def spell(self, value: Value) -> str:
        """Return the text of the command line for a value."""
        return str(value)

    def split(self, text: str) -> list[str]:
        """Return the texts of several values from one with commas between them."""
        return text.split(",")

    def names(self) -> Iterable[str]:
        """Return the names that a shell completes."""
        return ()


@dataclass(frozen=True)
class Integer(ValueKind[int]):
    """A whole number within bounds; several may be ranges, such as 128..224:32 and 1..32:x2."""

    least: int
    most: int
    metavar: ClassVar[str] = "NUMBER"

    def check(self, what: str, value: object) -> int:
        """Return a whole number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise UserError(f"{what} must be a whole number from {self.least} to {self.most}, not {value!r}")
        if not self.least <= value <= self.most:
            raise UserError(f"{what} must be from {self.least} to {self.most}, not {value}")
        return value

    def parse(self, what: str, text: str) -> int:
        """Return the number of some digits."""
        digits = text.strip()
        return self.check(what, int(digits) if re.fullmatch(r"[+-]?\d{1,18}", digits) else text)

    def split(self, text: str) -> list[str]:
        """Return the numbers, with ranges spelled out."""
        return [each for part in text.split(",") for each in _steps(part.strip())]


@dataclass(frozen=True)
class Fraction(ValueKind[float]):
    """A fraction within bounds, written with its unit on the command line: "1%"."""

    least: float
    most: float
    metavar: ClassVar[str] = "PERCENT"

    def check(self, what: str, value: object, text: str | None = None) -> float:
        """Return a fraction within the bounds. An error quotes the text, if there is one."""
        if not isinstance(value, int | float) or not self.least <= value <= self.most:
            written = value if text is None else text
            raise UserError(f"{what} is from {self.least:.2%} to {self.most:.0%}, written 1%, not {written!r}")
        return value

    def parse(self, what: str, text: str) -> float:
        """Return the fraction of a percentage."""
        number = number_of(text.strip().removesuffix("%"))
        if number and 0 < number < 100 and not text.strip().endswith("%"):  # 0.5 is a half, or half a per cent
            raise UserError(f"{what} needs its unit: write {text.strip()}%, not {text!r}")
        return self.check(what, None if number is None else number / 100, text)

    def spell(self, value: float) -> str:
        """Return the percentage."""
        return f"{value:.2%}"


@dataclass(frozen=True)
class Seconds(ValueKind[float]):
    """A duration of a second to a week, written "90", "90s", "1.5m" or "1h" on the command line."""

    metavar: ClassVar[str] = "SECONDS"

    def check(self, what: str, value: object, text: str | None = None) -> float:
        """Return seconds within the bounds. An error quotes the text, if there is one."""
        if isinstance(value, str):  # in Python, as on the command line
            return self.parse(what, value)
        if not isinstance(value, int | float) or not 1.0 <= value <= 7 * 24 * 3600.0:
            written = value if text is None else text
            raise UserError(f"{what} is from 1 s to 7 days, written 30, 30s, 5m or 2h, not {written!r}")
        return value

    def parse(self, what: str, text: str) -> float:
        """Return the seconds of a number with a unit."""
        match = re.fullmatch(r"\s*([\d.]+)\s*([a-z]*)\s*", text)
        number = number_of(match[1]) if match else None
        factor = UNITS.get(match[2]) if match else None
        return self.check(what, None if number is None or factor is None else number * factor, text)


@dataclass(frozen=True)
class Percentage(ValueKind[float]):
    """An error in per cent."""

    metavar: ClassVar[str] = "NAME=PERCENT"

    def check(self, what: str, value: object) -> float:
        """Return a number from 0 to 100."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
            raise UserError(f"{what} is a percentage from 0 to 100, such as 28.1, not {value!r}")
        return float(value)


@dataclass(frozen=True)
class NetworkErrors(ValueKind[tuple[tuple[str, float], ...]]):
    """The errors of networks in per cent, by name; one is written "mine:build=28.1" on the command line."""

    metavar: ClassVar[str] = "NAME=PERCENT"
    gathers: ClassVar[bool] = True

    def check(self, what: str, value: object) -> tuple[tuple[str, float], ...]:  # noqa: ARG002
        """Return the pairs of a mapping."""
        if not isinstance(value, Mapping):
            raise UserError(f"errors are a mapping from names of networks to per cent, not {value!r}")
        return tuple((name, Percentage().check(f"the error of {name}", error)) for name, error in value.items())

    def parse(self, what: str, text: str) -> tuple[tuple[str, float], ...]:
        """Return one pair."""
        name, equals, percent = text.rpartition("=")
        if not equals or not name:
            raise UserError(f"an error is NAME=PERCENT, such as mine:build=28.1, not {text[:80]!r}")
        number = number_of(percent.strip().removesuffix("%"))
        return self.check(what, {name.strip(): percent if number is None else number})


@dataclass(frozen=True)
class ParameterValues(ValueKind[tuple[tuple[str, tuple[int, ...]], ...]]):
    """The values of a callable's parameters, by name; one is written "width=32..256:8" on the command line."""

    metavar: ClassVar[str] = "NAME=NUMBERS"
    gathers: ClassVar[bool] = True

    def check(self, what: str, value: object) -> tuple[tuple[str, tuple[int, ...]], ...]:  # noqa: ARG002
        """Return the pairs of a mapping."""
        if not isinstance(value, Mapping):
            raise UserError(f"params are a mapping from names of parameters to whole numbers, not {value!r}")
        found = []
        for name, numbers in value.items():
            several = list(numbers) if isinstance(numbers, list | tuple | range) else [numbers]
            if not isinstance(name, str) or not name.isidentifier() or not several:
                raise UserError(f"{name!r} is no parameter with values: write such as width=32..256:8")
            checked = tuple(_PARAMETER.check(f"the value of {name}", each) for each in several)
            distinct(repr(numbers), checked)
            found.append((name, checked))
        return tuple(found)

    def parse(self, what: str, text: str) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """Return one pair."""
        name, equals, numbers = text.partition("=")
        if not equals or not numbers:
            raise UserError(f"a parameter is NAME=NUMBERS, such as width=32..256:8, not {text[:80]!r}")
        values = [_PARAMETER.parse(f"the value of {name}", each) for each in _PARAMETER.split(numbers)]
        return self.check(what, {name.strip(): values})


_PARAMETER = Integer(0, 2**31 - 1)


@dataclass(frozen=True)
class Choice(ValueKind[str]):
    """One of some names, in any case of letters, or another name for one."""

    known: Callable[[], Iterable[str]]
    others: Mapping[str, str] = field(default_factory=dict)
    """What people write instead, in small letters."""
    metavar: ClassVar[str] = "NAME"

    def check(self, what: str, value: object) -> str:
        """Return the known name."""
        return one_of(what, value, self.known(), self.others)

    def names(self) -> Iterable[str]:
        """Return all names."""
        return self.known()


@dataclass(frozen=True)
class Plugin(ValueKind[str]):
    """The name of a plug-in, in any case of letters, or one of `others`."""

    registry: Callable[[], Registry[Any]]
    others: tuple[str, ...] = ()
    metavar: ClassVar[str] = "NAME"

    def check(self, what: str, value: object) -> str:  # noqa: ARG002
        """Return the plug-in's name. It imports no other plug-in, if the name is right."""
        name, registry = str(value), self.registry()
        if name.lower() in self.others:
            return name.lower()
        plugin = registry.get(name)
        if plugin is None:
            raise unknown(registry.kind, name, self.names())
        return str(plugin.name)

    def names(self) -> Iterable[str]:
        """Return the names of all plug-ins that are shown."""
        shown = (each.name for each in self.registry() if not getattr(each, "hidden", False))
        return [*shown, *self.others]


@dataclass(frozen=True)
class DeviceName(Plugin):
    """The name of a device, with a number if there are several: cuda:1."""

    def check(self, what: str, value: object) -> str:
        """Return the canonical name: cuda:0 is cuda."""
        name = str(value) if type(value).__module__ == "torch" else text(what, value)  # a torch.device
        kind, colon, number = name.lower().partition(":")
        kind = "cuda" if kind == "gpu" else kind
        if self.registry().get(kind) is None:
            raise unknown(self.registry().kind, value, self.names())
        if colon and not re.fullmatch("[0-9]{1,4}", number):
            raise UserError(f"{str(value)[:40]!r} is not a device: write {kind} or {kind}:0")
        return f"{kind}:{int(number)}" if colon and int(number) else kind


@dataclass(frozen=True)
class RuntimeName(Plugin):
    """The name of a runtime, with a colon and an option of its own if it is to run differently."""

    def check(self, what: str, value: object) -> str:
        """Return the canonical name."""
        name, colon, option = text(what, value).partition(":")
        known = super().check(what, name)
        if known in self.others:
            if colon:
                raise UserError(f"{known} takes no option: leave :{option} out")
            return known
        return str(self.registry()[known].with_option(option.strip().lower()).full_name)

    def names(self) -> Iterable[str]:
        """Return the names of all runtimes, each also with its options."""
        options = {each.name: each.options for each in self.registry()}
        return [*(f"{name}{end}" for name in options for end in ("", *(f":{o}" for o in options[name]))), *self.others]


@dataclass(frozen=True)
class Text(ValueKind[str]):
    """A text. A shell completes some names, and paths of a kind."""

    known: Callable[[], Iterable[str]] = tuple
    paths: str = ""  # type: ignore[misc]
    metavar: ClassVar[str] = "TEXT"

    def check(self, what: str, value: object) -> str:
        """Return any text; whoever looks for its meaning says what is wrong with it."""
        return value if isinstance(value, str) else text(what, value)

    def names(self) -> Iterable[str]:
        """Return the names that are known here; others may be valid too."""
        return self.known()


@dataclass(frozen=True)
class FolderPath(ValueKind[Path]):
    """The path of a folder."""

    metavar: ClassVar[str] = "PATH"
    paths: ClassVar[str] = "dir"

    def check(self, what: str, value: object) -> Path:
        """Return the path."""
        return files.path_of(what, value)

    def parse(self, what: str, text: str) -> Path:
        """Return the path of a text that is not blank."""
        if not text.strip():
            raise UserError("an empty path names no folder: write . for this one")
        return self.check(what, text)


@dataclass(frozen=True)
class FilePath(ValueKind[Path]):
    """The path of a file; whether it can be written is seen where it is known what may be replaced."""

    metavar: ClassVar[str] = "PATH"
    paths: ClassVar[str] = "file"

    def check(self, what: str, value: object) -> Path:  # noqa: ARG002
        """Return the path."""
        return files.path_of("a file", value)


@dataclass(frozen=True)
class Flag(ValueKind[bool]):
    """Whether something is done."""

    metavar: ClassVar[str] = ""

    def check(self, what: str, value: object) -> bool:  # noqa: ARG002
        """Return whether the value is true, as Python sees it."""
        return bool(value)


@dataclass(frozen=True)
class Anything(ValueKind[Any]):
    """An object that only Python callers give."""

    metavar: ClassVar[str] = ""

    def check(self, what: str, value: object) -> Any:  # noqa: ARG002
        """Return the object."""
        return value


def one_of(what: str, value: object, known: Iterable[str], others: Mapping[str, str] | None = None) -> str:
    """Return the known name that `value` is, in any case of letters, or by another name for it.

    Raises UserError with the nearest name.
    """
    choices = list(known)
    text = str(value)
    for name in (text, text.lower(), (others or {}).get(text.lower())):
        if name in choices:
            return str(name)
    raise unknown(what, value, choices)


def text(what: str, value: object) -> str:
    """Return `value` if it is a text that says something. Raises UserError otherwise."""
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{what} must be a text, not {shortened(value)}")
    return value


def shortened(value: object) -> str:
    """Return a value's representation in one line; of a long one the beginning and its type."""
    line = " ".join(repr(value).split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}… ({type(value).__name__})"


def distinct(what: str, values: Sequence[Hashable]) -> None:
    """Raise UserError if a value occurs twice."""
    if len(set(values)) < len(values):
        raise UserError(f"{what} has a value twice")


def number_of(text: str) -> float | None:
    """Return the number that a text is, or None if it is none."""
    try:
        return float(text)
    except ValueError:
        return None


def _steps(part: str) -> list[str]:
    """Return the numbers of a range, or the text itself if it is no range."""
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
