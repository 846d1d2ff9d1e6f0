"""Read suites: TOML files that say which families to measure. The format is in `suites/README.md`."""

import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from benchcli import limits
from benchcli.errors import UserError, unknown
from benchcli.families import Request, Widths
from benchcli.guidelines.base import GUIDELINES, Width
from benchcli.toml_lines import line_of

SUITE_KEYS = ("description", "family")


class SuiteFile:
    """The requests of one suite file, checked key by key; an error names the file, the line and the key."""

    def __init__(self, path: Path, name: str) -> None:
        self.name = name
        self.path = path
        self._text = _read(path)
        self._table = self._parse()

    @property
    def description(self) -> str:
        """What the suite is for, in a line."""
        return str(self._table.get("description", ""))

    def requests(self) -> tuple[Request, ...]:
        """Return the families asked for. Raises UserError at the first key that is wrong."""
        for key in self._table:
            if key not in SUITE_KEYS:
                raise self._error(f"{unknown('key', key, SUITE_KEYS)}", key)
        if not isinstance(self._table.get("description", ""), str):
            raise self._error("description must be a text", "description")
        tables = self._table.get("family", [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._error("family must be a list of tables, each headed [[family]]", "family")
        if not tables:
            raise UserError(f"{self.path}: the suite is empty: add a [[family]] with a guideline")
        requests = tuple(self._request(index, table) for index, table in enumerate(tables))
        self._check_names(requests)
        return requests

    def family_error(self, index: int, error: UserError) -> UserError:
        """Say where in the file the request stands that `error` is about."""
        return self._error(str(error), "family", index)

    def _parse(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            # The parser names the line, but where the text ends too early it says only that.
            place = str(error).replace("end of document", f"the end, line {len(self._text.splitlines())}")
            raise UserError(f"{self.path}: not TOML: {place}") from None
        except (ValueError, RecursionError) as error:  # a number too long to read, brackets too deep
            raise UserError(f"{self.path}: not TOML that can be read: {error}") from None

    def _request(self, index: int, table: dict[str, Any]) -> Request:
        fields: dict[str, Any] = {}
        for key, value in table.items():
            if key not in _KEYS:
                raise self._error(str(unknown("key", key, sorted(_KEYS))), key, index)
            field, read = _KEYS[key]
            try:
                fields[field] = read(key, value)
            except UserError as error:
                raise self._error(str(error), key, index) from None
        if "guideline" not in fields:
            raise self._error("a family needs a guideline", "family", index)
        return Request(**fields)

    def _check_names(self, requests: tuple[Request, ...]) -> None:
        seen: set[str] = set()
        for index, request in enumerate(requests):
            name = request.name or request.guideline
            if name in seen:
                raise self._error(f"two families are named {name!r}: give one a name of its own", "name", index)
            seen.add(name)

    def _error(self, text: str, key: str, index: int | None = None) -> UserError:
        line = line_of(self._text, key, index)
        return UserError(f"{self.path}:{line}: {text}" if line else f"{self.path}: {text}")


def find_suite(name_or_path: str) -> SuiteFile:
    """Open a suite by the name of one that ships, or by path. Raises UserError with the nearest name."""
    shipped = {path.stem: path for path in shipped_suites()}
    if name_or_path in shipped:
        return SuiteFile(shipped[name_or_path], name_or_path)
    path = Path(name_or_path)
    if path.suffix == ".toml" or len(path.parts) > 1 or path in (Path(), Path("..")) or path.is_file():
        return SuiteFile(path, path.stem)
    raise UserError(f"{unknown('suite', name_or_path, shipped)}; or give the path of a TOML file")


def shipped_suites() -> list[Path]:
    """Return the files of the suites that ship, in a wheel and in a checkout."""
    package = Path(str(files("benchcli")))
    candidates = (package / "data" / "suites", package.parent / "suites")
    folder = next((folder for folder in candidates if folder.is_dir()), None)
    return sorted(folder.glob("*.toml")) if folder else []


def _read(path: Path) -> str:
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder: name a TOML file in it")
        if path.exists() and not path.is_file():  # a pipe may never end
            raise UserError(f"{path} is not a regular file: name a TOML file")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 at byte {error.start}: save it as UTF-8") from None
    except FileNotFoundError:
        raise UserError(f"no suite at {path}: `benchcli list` names those that ship") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{key} must be a text, not {value!r}")
    return value


def _name(key: str, value: object) -> str:
    name = _text(key, value)
    if not all(letter.isalnum() or letter in "-_." for letter in name):
        raise UserError(f"{key} may hold letters, digits, '-', '_' and '.', not {name!r}")
    return name


def _guideline(key: str, value: object) -> str:
    return GUIDELINES[_text(key, value)].name


def _list(value: object) -> Iterator[object]:
    yield from value if isinstance(value, list) else [value]


def _several(key: str, value: object, read: Callable[[object], Any]) -> tuple[Any, ...]:
    found = tuple(read(item) for item in _list(value))
    if not found:
        raise UserError(f"{key} is an empty list")
    if len(set(found)) < len(found):
        raise UserError(f"{key} has a value twice")
    return found


def _wholes(least_most: tuple[int, int]) -> Callable[[str, object], tuple[int, ...]]:
    return lambda key, value: _several(key, value, lambda item: limits.whole(key, item, least_most))


def _choices(kind: str, known: tuple[str, ...]) -> Callable[[str, object], tuple[str, ...]]:
    def choice(item: object) -> str:
        if item not in known:
            raise unknown(kind, item, known)
        return str(item)

    return lambda key, value: _several(key, value, choice)


def _values(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise UserError(f"{key} must be a list of places on the guideline's axis, not {value!r}")
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in value):
        raise UserError(f"{key} must hold texts or whole numbers, not {value!r}")
    return tuple(str(item) for item in value)


def _widths(key: str, value: object) -> Widths:
    if isinstance(value, list):
        return tuple(_width(key, item) for item in value)
    if isinstance(value, str):
        return value
    return limits.whole(key, value, limits.WIDTHS)


def _width(key: str, item: object) -> Width:
    if isinstance(item, list):
        return tuple(limits.whole(key, part, limits.WIDTHS) for part in item)
    return limits.whole(key, item, limits.WIDTHS)


_KEYS: dict[str, tuple[str, Callable[[str, object], Any]]] = {
    "guideline": ("guideline", _guideline),
    "name": ("name", _name),
    "widths": ("widths", _widths),
    "values": ("values", _values),
    "scales": ("scales", _wholes(limits.SCALES)),
    "batch": ("batches", _wholes(limits.BATCHES)),
    "dtype": ("dtypes", _choices("dtype", limits.DTYPES)),
    "layout": ("layouts", _choices("layout", limits.LAYOUTS)),
    "size": ("size", lambda key, value: limits.whole(key, value, limits.SIZES)),
}
