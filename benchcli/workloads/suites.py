"""Read suites: TOML files that list the families to measure (format: `docs/suites.md`)."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from benchcli import files
from benchcli.errors import UserError, unknown
from benchcli.schema import BUILT_IN, CostRule, Family, Input, Source
from benchcli.workloads.blocks.block_request import BlockRequest
from benchcli.workloads.custom import CustomNetwork, CustomRequest
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.networks.network_request import NetworkRequest, family_name
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.requests import Request, taken_from
from benchcli.workloads.suite_keys import (
    BLOCK_KEYS,
    COST_RULE_KEYS,
    CUSTOM_KEYS,
    GUIDELINE_KEYS,
    NETWORK_KEYS,
    VARIANT_KEYS,
    Keys,
)

CLAIMS_SUITE = "claims"
"""The suite of the papers' claims."""
SUITE_KEYS = ("description", "family", "cost_rule")
KINDS = {
    "guideline": "a guideline",
    "blocks": "blocks",
    "networks": "networks by name",
    "group": "a group of networks",
    "network": "a network of its own",
    "variant": "networks of its own",
}
"""The keys that select the kind of a family's networks. The last two may be combined."""
OWN = {"network", "variant"}
KEYS_OF: Mapping[str, Keys] = {
    "a guideline": GUIDELINE_KEYS,
    "blocks": BLOCK_KEYS,
    "networks by name": NETWORK_KEYS,
    "networks of its own": CUSTOM_KEYS,
}
"""The keys of each kind of family."""
IMAGE = (3, 224, 224)
"""The shape of the input of a network of one's own that has none, and whose callable gives none."""
DEEPEST = 500
"""Most dots before a line's "=". A suite's own keys have none; the parser takes their number squared."""


class SuiteFile:
    """One suite file, checked key by key. Its errors name the file, the line and the key."""

    def __init__(self, path: Path, name: str, shown: str | None = None) -> None:
        self.name = name
        self.path = path
        self._shown = shown or str(path)
        """The path that error messages show."""
        self._text = _read(path)
        self._table = self._parse()

    @property
    def description(self) -> str:
        """The purpose of the suite, in one line."""
        return str(self._table.get("description", ""))

    def requests(self) -> tuple[Request, ...]:
        """Return the requests of the suite. Raises UserError at the first invalid key."""
        for key in self._table:
            if key not in SUITE_KEYS:
                raise self._error(f"{unknown('key', key, SUITE_KEYS)}", key)
        if not isinstance(self._table.get("description", ""), str):
            raise self._error("description must be a string", "description")
        tables = self._tables("family")
        if not tables:
            raise UserError(f"{self._shown}: the suite is empty: add a [[family]] with a guideline or a network")
        requests = tuple(self._request(index, table) for index, table in enumerate(tables))
        self._check_names(requests)
        return requests

    def cost_rules(self) -> tuple[CostRule, ...]:
        """Return the rules for operators of the suite's own networks. Raises UserError if one is invalid."""
        rules = []
        for index, table in enumerate(self._tables("cost_rule")):
            fields = self._fields(index, table, COST_RULE_KEYS, "cost_rule")
            if len(fields) < len(COST_RULE_KEYS):
                raise self._error(f"a cost rule needs {' and '.join(COST_RULE_KEYS)}", "cost_rule", index, "cost_rule")
            rules.append(CostRule(**fields))
        return tuple(rules)

    def family_error(self, index: int, error: UserError) -> UserError:
        """Return `error` with the file and the line of the request at `index`."""
        return self._error(str(error), "family", index)

    def _tables(self, key: str) -> list[Mapping[str, object]]:
        tables = self._table.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            raise self._error(f"{key} must be a list of tables, each headed [[{key}]]", key)
        return tables

    def _parse(self) -> dict[str, object]:
        try:
            return tomllib.loads(self._text)
        except tomllib.TOMLDecodeError as error:
            # The parser names the line, except if the text ends too early.
            place = str(error).replace("end of document", f"the end, line {len(self._text.splitlines())}")
            raise UserError(f"{self._shown}: not TOML: {place}") from None
        except (ValueError, RecursionError) as error:  # too many digits, or too deep nesting
            raise UserError(f"{self._shown}: not TOML that can be read: {error}") from None

    def _request(self, index: int, table: Mapping[str, object]) -> Request:
        kinds = [key for key in KINDS if key in table]
        if len(kinds) > 1 and set(kinds) != OWN:
            first, other, *_ = kinds
            raise self._error(f"a family has {KINDS[first]} or {KINDS[other]}, not both", first, index)
        if not kinds:
            self._check_keys(index, table, {**GUIDELINE_KEYS, **BLOCK_KEYS, **NETWORK_KEYS, **CUSTOM_KEYS})
            raise self._error(f"a family needs one of: {', '.join(KINDS.values())}", "family", index)
        if kinds == ["guideline"]:
            return GuidelineRequest(**self._fields(index, table, GUIDELINE_KEYS))
        if kinds == ["blocks"]:
            return BlockRequest(**self._fields(index, table, BLOCK_KEYS))
        if set(kinds) <= OWN:
            return self._custom_request(index, table)
        fields = self._fields(index, table, NETWORK_KEYS)
        if "inputs" in fields:
            batch, fields["inputs"] = fields["inputs"]
            fields = {"batches": (batch,), **fields}
        return NetworkRequest(**{"name": family_name(fields.get("group")), **fields})

    def _custom_request(self, index: int, table: Mapping[str, object]) -> CustomRequest:
        fields = self._fields(index, table, CUSTOM_KEYS)
        if "name" not in fields:
            raise self._error("a family of your own networks needs a name", "family", index)
        shared = {key: fields.pop(key, None) for key in ("builder", "shape", "inputs", "top1_error")}
        shared["arguments"] = fields.pop("arguments", {})
        tables = fields.pop("variants", [{}])
        own = {"name": fields["name"] if len(tables) == 1 else None, **shared}
        networks = [self._own_network(index, fields["name"], own, table) for table in tables]
        names = [network.name for network, _ in networks]
        if len(set(names)) < len(names):
            raise self._error(f"{fields['name']}: two networks have one name", "family", index)
        batches = {batch for _, batch in networks if batch}
        if len(batches) > 1:
            raise self._error(f"{fields['name']}: all inputs of a family begin with one batch", "inputs", index)
        fields = {"batches": tuple(batches) or (1,), **fields}
        return CustomRequest(networks=tuple(network for network, _ in networks), **fields)

    def _own_network(
        self, index: int, family: str, shared: Mapping[str, Any], table: Mapping[str, object]
    ) -> tuple[CustomNetwork, int | None]:
        """Return a network of a family and the batch of its inputs, if these have one."""
        own = self._fields(index, table, VARIANT_KEYS)
        if "inputs" in own or "shape" in own:  # a network's own replace the family's, of either kind
            shared = {**shared, "inputs": None, "shape": None}
        variant = {**shared, **own, "arguments": {**shared["arguments"], **own.get("arguments", {})}}
        for key, field in (("name", "name"), ("network", "builder")):
            if variant[field] is None:
                raise self._error(f"{family}: a network needs a {key}", "family", index)
        inputs, shape = variant.pop("inputs"), variant["shape"]
        if inputs and shape is not None:
            raise self._error(f"{family}: give inputs or shape, not both", "inputs", index)
        if inputs:
            batch, described = inputs
            return CustomNetwork(**{**variant, "inputs": described, "shape": described[0].shape}), batch
        if shape is not None:  # as an input, so that example inputs do not replace it
            is_built_in = variant["builder"].startswith(BUILT_IN)
            return CustomNetwork(**variant, inputs=() if is_built_in else (Input(shape),)), None
        if variant["builder"].startswith(BUILT_IN):
            raise self._error(f"{family}: a network needs a shape", "family", index)
        return CustomNetwork(**{**variant, "shape": IMAGE}), None

    def _check_keys(self, index: int, table: Mapping[str, object], keys: Keys, kind: str = "family") -> None:
        for key in table:
            if key not in keys:
                raise self._error(_unknown_key(key, keys, kind), key, index, kind)

    def _fields(self, index: int, table: Mapping[str, object], keys: Keys, kind: str = "family") -> dict[str, Any]:
        """Return a request's fields from a table. Raises UserError at the first invalid key."""
        self._check_keys(index, table, keys, kind)
        fields: dict[str, Any] = {}
        for key, value in table.items():
            field, read = keys[key]
            try:
                fields[field] = read(key, value)
            except UserError as error:
                raise self._error(str(error), key, index, kind) from None
        return fields

    def _check_names(self, requests: tuple[Request, ...]) -> None:
        names: set[str] = set()
        for index, request in enumerate(requests):
            name = request.family_name
            if name in names:
                raise self._error(f"two families are named {name!r}: give one a name of its own", "name", index)
            names.add(name)

    def _error(self, text: str, key: str, index: int | None = None, kind: str = "family") -> UserError:
        line = line_of(self._text, key, index, kind)
        return UserError(f"{self._shown}:{line}: {text}" if line else f"{self._shown}: {text}")


def families_of_suite(file: SuiteFile, overrides: Overrides) -> list[Family]:
    """Return the families of a suite with the overrides applied.

    Raises UserError with the file and the line.
    """
    families: dict[str, Family] = {}
    source = Source(str(files.here()), "first", beside=str(file.path.absolute().parent))
    rules = file.cost_rules()
    for index, request in enumerate(file.requests()):
        try:
            for family in request.families(overrides):
                if family.name in families:
                    raise UserError(f"two families are named {family.name!r} with their batch, dtype, layout and step")
                families[family.name] = replace(taken_from(source, family), cost_rules=rules)
        except UserError as error:
            raise file.family_error(index, error) from None
    if rules and not any(variant.source for family in families.values() for variant in family.variants):
        raise UserError(f"{file.path}: a cost_rule is for networks of your own, and the suite has none: leave it out")
    return list(families.values())


def find_suite(name_or_path: str) -> SuiteFile:
    """Open a built-in suite by name, or a suite file by path.

    Raises UserError with the nearest name.
    """
    shipped = {path.stem: path for path in shipped_suites()}
    for name in (name_or_path, name_or_path.lower()):
        if name in shipped:
            return SuiteFile(shipped[name], name)
    if is_path(name_or_path):
        return SuiteFile(Path(name_or_path), Path(name_or_path).stem)
    raise UserError(f"{unknown('suite', name_or_path, shipped)}; or give the path of a TOML file")


def _unknown_key(key: str, keys: Keys, table: str) -> str:
    """Return that a table has no such key, and which kinds of families have it."""
    others = [kind for kind, known in KEYS_OF.items() if key in known and table == "family"]
    if not others:
        return str(unknown("key", key, sorted(keys)))
    return f"{key!r} is a key of a family of {' or '.join(others)}, not of this one: known: {', '.join(sorted(keys))}"


def is_path(text: str) -> bool:
    """Return whether `text` is meant as a path and not as the name of a built-in suite."""
    path = Path(text)
    return path.suffix == ".toml" or len(path.parts) > 1 or path in (Path(), Path("..")) or files.is_file(path)


def shipped_names() -> list[str]:
    """Return the names of the built-in suites."""
    return [path.stem for path in shipped_suites()]


def shipped_suites() -> list[Path]:
    """Return the files of the built-in suites, in an installed wheel or in a checkout."""
    package = Path(str(resources.files("benchcli")))
    candidates = (package / "data" / "suites", package.parent / "suites")
    folder = next((folder for folder in candidates if folder.is_dir()), None)
    return sorted(folder.glob("*.toml")) if folder else []


def _read(path: Path) -> str:
    if files.is_folder(path):
        raise UserError(f"{path} is a folder: name a TOML file in it")
    if files.mode_of(path) is None:
        raise UserError(f"no suite at {path}: `benchcli list` names those that ship")
    text = files.read_text(path, "utf-8-sig").replace("\r\n", "\n")
    for number, line in enumerate(text.split("\n"), 1):
        if line.partition("=")[0].count(".") > DEEPEST:  # reading it would take gigabytes
            raise UserError(f"{path}:{number}: a key of over {DEEPEST} parts is no key of a suite")
    return text


def line_of(text: str, key: str, table_index: int | None = None, table: str = "family") -> int | None:
    """Return the 1-based line of `key`, within the nth `[[table]]` if an index is given.

    Falls back to the line of the table's header, and to None if the text contains neither. It
    matches lines and does not parse TOML: text in a multi-line string may match, and then only the
    line number is wrong.
    """
    lines = list(enumerate(text.splitlines(), 1))
    headers = [number for number, line in lines if _is_header(line, table)]
    if table_index is None:
        return next((number for number, line in lines if _is_key(line, key)), headers[0] if headers else None)
    if table_index >= len(headers):
        return None
    start = headers[table_index]
    end = headers[table_index + 1] if table_index + 1 < len(headers) else len(lines) + 1
    within = (number for number, line in lines if start <= number < end and _is_key(line, key))
    return next(within, start)


def _is_header(line: str, table: str) -> bool:
    return re.match(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]", line) is not None


def _is_key(line: str, key: str) -> bool:
    heading = rf"\s*\[{{1,2}}\s*([\w-]+\s*\.\s*)*{re.escape(key)}\s*\]"
    return re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=|{heading}""", line) is not None
