"""Add runs to a store, each as one file that never changes afterwards."""

import csv
import hashlib
import io
import json
import re
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli import files, formatting
from benchcli.errors import UserError
from benchcli.files import ENVIRONMENT
from benchcli.runs.audit_file import is_audit
from benchcli.runs.folder import LOCK, Folder, is_going
from benchcli.runs.own_files import FINDINGS
from benchcli.runs.run_folder import MEASUREMENTS, RunFolder
from benchcli.schema import Key
from benchcli.schema.environment import Environment, Machine
from benchcli.spelling import given
from benchcli.store.columns import FILE, KINDS, OF_RUN, RUN, TEXT, RowKind
from benchcli.store.database import CONTENT, ENDING, MARK, SCHEMA, connected, literal, metadata, quoted
from benchcli.system.machine import usable_cores

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FILES = tuple(name for name in (*RunFolder.names(), FINDINGS) if name != LOCK)
"""The files of a run or a check that a store keeps."""
AGAIN = "resume the run, or record it again"
LONGEST_NAME = 150
"""Letters of a run's name in the name of its file."""


Table = Mapping[str, Sequence[str]]
"""The cells of a CSV table, by column."""


@dataclass(frozen=True)
class Added:
    """A run that is in a store."""

    path: Path
    """STORE/ID, which commands take as the folder of a run."""
    is_new: bool
    """Whether it was not there before."""


class NotAddedError(UserError):
    """Some of the runs that a store was given were not added; `added` are those that were, or that it had."""

    def __init__(self, refused: Mapping[Path, UserError], added: Sequence[Added]) -> None:
        reasons = [str(each) for each in refused.values()]
        rest = f"; not added: {formatting.named(list(map(str, refused)))}" if len(refused) + len(added) > 1 else ""
        kept = f"; in the store: {formatting.named([str(each.path) for each in added])}" if added else ""
        more = f" (and {formatting.counted(len(reasons) - 1, 'more fault')})" if len(reasons) > 1 else ""
        super().__init__(f"{reasons[0]}{more}{rest}{kept}")
        self.added = tuple(added)


def prepare(store: Path) -> None:
    """Create the folder of a store, if it is not there. Raises UserError if it cannot be one, or without DuckDB."""
    with connected():
        _make(store)


def _make(store: Path) -> None:
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        another = f"give another {given('store')}"
        raise UserError(f"{store} cannot be a store of results: {error.strerror}: {another}") from None


def add(runs: Sequence[Path], store: Path) -> list[Added]:
    """Add finished runs and checks to a store; those that it has already are left as they are.

    A file is written under a temporary name and renamed, so that a reader or another writer sees all of
    a run or nothing. Raises UserError if the store cannot be one, or if DuckDB is not installed, and
    NotAddedError, when the others were added, if runs are not finished or damaged or cannot be written.
    """
    added: list[Added] = []
    refused: dict[Path, UserError] = {}
    paths: set[Path] = set()
    # A run takes as long to be written, without Python, as to be read.
    with connected() as connection, ThreadPoolExecutor(usable_cores()) as pool:
        connection.execute("SET threads = 1")  # a run's rows are too few to be divided
        for run, outcome in zip(runs, pool.map(partial(_outcome, connection, store=store), runs), strict=True):
            if isinstance(outcome, UserError):
                refused[run] = outcome
            else:
                is_first = outcome.path not in paths  # else the run was given twice
                added.append(replace(outcome, is_new=outcome.is_new and is_first))
                paths.add(outcome.path)
    if refused:
        raise NotAddedError(refused, added)
    return added


def _outcome(connection: "DuckDBPyConnection", run: Path, store: Path) -> Added | UserError:
    """Return what became of a run, which a connection of its own adds."""
    try:
        with connection.cursor() as own:
            return _add(own, run, store)
    except UserError as error:
        return error


def _add(connection: "DuckDBPyConnection", run: Path, store: Path) -> Added:
    found = _read(run)
    _make(store)
    name = re.sub(r"[^\w.-]", "-", found.environment.run).lstrip(".")[:LONGEST_NAME]
    path = store / f"{name}-{_hash(found.decisive)[:8]}"
    file = path.with_name(path.name + ENDING)
    content = _hash(*(each for pair in found.contents.items() for each in pair))
    if files.is_file(file):
        _refuse_other(connection, file, content, run)
        return Added(path, is_new=False)
    _write(connection, _selected(connection, found, path.name), content, file, run)
    return Added(path, is_new=True)


def _hash(*texts: str) -> str:
    found = hashlib.sha256()
    for each in texts:
        found.update(each.encode() + b"\0")
    return found.hexdigest()


@dataclass(frozen=True)
class _Found:
    """A run or a check in a folder."""

    contents: Mapping[str, str]
    """Its files by name."""
    environment: Environment
    """Without its suite: reading all that it says of thousands of networks takes long."""
    suite: str
    tables: Mapping[str, Table]
    """The tables of a run by file; none of a check."""

    @property
    def decisive(self) -> str:
        """The file that tells the run from all others: its floating-point numbers are of no other run."""
        return self.contents.get(MEASUREMENTS) or self.contents[FINDINGS]


def _read(run: Path) -> _Found:
    """Return what a folder has. Raises UserError if it holds no finished run or check."""
    if is_audit(run):
        raise UserError(f"{run} is an audit, which a store does not keep: give runs and checks")
    if not files.is_folder(run):
        raise UserError(f"no results at {run}: give the folder of a run, such as results/<time>-<suite>-<host>")
    if is_going(run):
        raise UserError(f"{run} is still being measured: add it when it has ended")
    contents = {name: files.read_text(run / name) for name in FILES if files.mode_of(run / name) is not None}
    if ENVIRONMENT not in contents or not {MEASUREMENTS, FINDINGS} & set(contents):
        raise UserError(f"{run} is not the folder of a run: it lacks {ENVIRONMENT} or {MEASUREMENTS}")
    folder = Folder(run)
    facts = folder.facts
    environment = folder.environment_of({**facts, "suite": None})
    if environment.machine is None:
        raise UserError(f"{run} was cut short before anything was measured: {AGAIN}")
    if MEASUREMENTS not in contents:
        return _Found(contents, environment, environment.check.suite if environment.check else "", {})
    tables = {kind.file: _table(run / kind.file, contents.get(kind.file, "\n")) for kind in KINDS.values()}
    suite, asked = _suite(run, facts)
    _refuse_unfinished(run, tables[MEASUREMENTS], asked)
    return _Found(contents, environment, suite, tables)


def _table(path: Path, text: str) -> Table:
    """Return the cells of a CSV table. Raises UserError if it is damaged."""
    try:
        header, *rows = csv.reader(io.StringIO(text, newline=""))
        by_column = list(zip(*rows, strict=True))
    except (ValueError, csv.Error):
        by_column, rows, header = [], [[]], []
    if not text.endswith("\n") or (rows and len(by_column) != len(header)):
        raise UserError(f"{path} is cut short or damaged: {AGAIN}")
    return dict(zip(header, by_column or [()] * len(header), strict=True))


def _suite(run: Path, facts: Mapping[str, Any]) -> tuple[str, set[Key]]:
    """Return the name of the suite that a run was asked to measure, and its families and variants."""
    try:
        suite = facts["suite"]
        return str(suite["name"]), {
            (str(family["name"]), str(variant["name"]))
            for family in suite["families"]
            for variant in family["variants"]
        }
    except (KeyError, TypeError):
        raise UserError(f"{run / ENVIRONMENT} does not say which networks were measured: record it again") from None


def _refuse_unfinished(run: Path, table: Table, asked: set[Key]) -> None:
    """Raise UserError if a network of the suite has no row, or two, or if one is of another suite."""
    rows = list(zip(table.get("family", ()), table.get("variant", ()), strict=False))
    measured = set(rows)
    if len(measured) < len(rows) or measured - asked:
        raise UserError(f"{run / MEASUREMENTS} is damaged, or is not of this run: record the run again")
    if lacking := sorted({family for family, _ in asked - measured}):
        raise UserError(f"{run} is not finished ({formatting.named(lacking)}): {AGAIN}")


def _of_run(found: _Found, name: str) -> Mapping[str, str | None]:
    """Return the columns that every row of a run has."""
    environment = found.environment
    machine, card = environment.machine or Machine(), environment.device.get("card")
    values: dict[str, object] = {
        **{each: getattr(environment, each) for each in ("run", "started", "digest", "commit")},
        **{each: getattr(machine, each) for each in ("host", "cpu", "cores", "system")},
        "id": name,
        "suite": found.suite,
        "is_check": MEASUREMENTS not in found.contents,
        "device": environment.target.device,
        "card": card,
        "torch": environment.software.get("torch"),
        "software": json.dumps(dict(environment.software), sort_keys=True),
    }
    return {each: None if values[each] is None else str(values[each]) for each in OF_RUN}


def _selected(connection: "DuckDBPyConnection", found: _Found, name: str) -> str:
    """Return the query that has all rows of a run."""
    of_run = (
        f"CAST({'NULL' if text is None else literal(text)} AS {OF_RUN[column]}) AS {quoted(column)}"
        for column, text in _of_run(found, name).items()
    )
    _register(connection, "its_files", {"file_name": list(found.contents), "content": list(found.contents.values())})
    parts = [
        f"SELECT {literal(RUN)} AS kind",
        f"SELECT {literal(FILE)} AS kind, file_name, encode(content) AS content FROM its_files",
        *(
            _rows_of(connection, name, kind, table)
            for name, kind in KINDS.items()
            if any((table := found.tables.get(kind.file, {})).values())
        ),
    ]
    return f"SELECT {', '.join(of_run)}, * FROM ({' UNION ALL BY NAME '.join(parts)})"


def _register(connection: "DuckDBPyConnection", name: str, table: Table) -> None:
    """Let queries read a table of text."""
    import numpy as np

    connection.register(name, {column: np.array(cells, dtype=object) for column, cells in table.items()})


def _rows_of(connection: "DuckDBPyConnection", name: str, kind: RowKind, table: Table) -> str:
    """Return the query that has the rows of a CSV table, without empty columns.

    It fails where a cell is not of its column's type.
    """
    cells: dict[str, Sequence[str]] = {}
    selected = []
    for column, type_ in kind.columns.items():
        values = set(table.get(column, ()))
        if values <= {""}:
            continue
        if len(values) == 1:
            text = literal(next(iter(values)))
        else:
            cells[column] = table[column]
            text = f"nullif({quoted(column)}, '')" if "" in values else quoted(column)
        selected.append(f"{text if type_ == TEXT else f'CAST({text} AS {type_})'} AS {quoted(kind.stored(column))}")
    rows = next(iter(table.values()))
    _register(connection, f"cells_of_{name}", cells or {"row": [""] * len(rows)})  # each column has one value
    return f"SELECT {literal(name)} AS kind, {', '.join(selected)} FROM cells_of_{name}"


def _write(connection: "DuckDBPyConnection", query: str, content: str, file: Path, run: Path) -> None:
    """Write the rows of a run to a file, completely or not at all. Raises UserError."""
    import duckdb

    draft = file.with_name(f".benchcli-{secrets.token_hex(8)}.part")
    facts = f"KV_METADATA {{{MARK}: '{SCHEMA}', {CONTENT}: '{content}'}}"
    try:
        connection.execute(f"COPY ({query}) TO {literal(str(draft))} (FORMAT parquet, COMPRESSION zstd, {facts})")
        draft.replace(file)
    except (duckdb.IOException, OSError) as error:
        raise UserError(
            f"{file.parent} cannot be written: {_first_line(error)}; {run} is as it was: free space, and add it again"
        ) from None
    except duckdb.Error as error:
        raise UserError(f"{run} is damaged ({_first_line(error)}): record the run again") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


def _refuse_other(connection: "DuckDBPyConnection", file: Path, content: str, run: Path) -> None:
    """Raise UserError if a file holds a run in another state than its folder is in."""
    import duckdb

    try:
        facts = metadata(connection, escape(str(file)))
    except duckdb.Error as error:
        raise UserError(f"{file} is damaged ({_first_line(error)}): move it away, and add {run} again") from None
    if content not in {each.get(CONTENT) for each in facts.values()}:
        raise UserError(f"{file} has {run} as it was before (traces came later): remove it, and add the run again")
