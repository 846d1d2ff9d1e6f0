"""Write runs as one file of a store: their tables, which DuckDB reads, and every file as it is."""

import csv
import io
import json
import secrets
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli import files, formatting
from benchcli.errors import UserError
from benchcli.files import MOST_BYTES
from benchcli.runs.folder import lines_of
from benchcli.runs.own_files import STORE
from benchcli.runs.run_folder import MEASUREMENTS
from benchcli.schema import Key
from benchcli.schema.environment import Environment, Machine
from benchcli.store.columns import FILE, KINDS, OF_RUN, RUN, TEXT, RowKind
from benchcli.store.database import CONTENT, SCHEMA, first_line, literal, quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

AGAIN = "resume the run, or record it again"
_OPTIONS = (
    r"""header = false, auto_detect = false, delim = ',', quote = '"', escape = '"', parallel = false, """
    f"max_line_size = {MOST_BYTES}"
)


@dataclass(frozen=True)
class NewRun:
    """A run or a check that a store does not have."""

    folder: Path
    id: str
    """Its name in the store."""
    content: str
    """The hash of its files."""
    contents: Mapping[str, str]
    """Its files by name."""
    environment: Environment
    """Without its suite: reading all that it says of thousands of networks takes long."""
    suite: str
    """The name of its suite."""
    asked: frozenset[Key]
    """The families and variants that were to be measured; none of a check."""

    @property
    def is_check(self) -> bool:
        """Whether it is a check."""
        return MEASUREMENTS not in self.contents

    @property
    def bytes(self) -> int:
        """The size of its files."""
        return sum(map(len, self.contents.values()))


def write(connection: "DuckDBPyConnection", runs: Sequence[NewRun], file: Path) -> None:
    """Write runs to a new file of a store, all or nothing.

    Raises UserError about the first of them if one is damaged or not finished, or if the file cannot be
    written.
    """
    import duckdb

    run, store = runs[0].folder, file.parent
    draft = file.with_name(f".benchcli-{secrets.token_hex(8)}.part")
    contents = json.dumps({each.id: each.content for each in runs})
    facts = f"KV_METADATA {{{STORE}: '{SCHEMA}', {CONTENT}: {literal(contents)}}}"
    try:
        with tempfile.TemporaryDirectory(prefix="benchcli-store-") as place:
            query = _query(connection, runs, Path(place))
        connection.execute(
            f"COPY ({query}) TO {literal(str(draft))} (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, {facts})"
        )
        draft.replace(file)
    except (duckdb.IOException, OSError) as error:
        raise UserError(
            f"{store} cannot be written: {first_line(error)}; {run} is as it was: free space, and add it again"
        ) from None
    except duckdb.Error as error:
        raise UserError(f"{run} is damaged ({first_line(error)}): record the run again") from None
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _query(connection: "DuckDBPyConnection", runs: Sequence[NewRun], place: Path) -> str:
    """Return the query that has all rows of runs; a column `number` tells whose they are."""
    of_runs = [_of_run(run) for run in runs]
    _register(connection, "its_runs", {name: [each[name] for each in of_runs] for name in OF_RUN}, range(len(runs)))
    kept = [(number, name, text) for number, run in enumerate(runs) for name, text in run.contents.items()]
    numbers, names, texts = zip(*kept, strict=True)
    _register(connection, "its_files", {"file_name": names, "content": texts}, numbers)
    parts = [
        f"SELECT number, {literal(RUN)} AS kind FROM its_runs",
        f"SELECT number, {literal(FILE)} AS kind, file_name, encode(content) AS content FROM its_files",
        *(part for name, kind in KINDS.items() for part in _rows(connection, name, kind, runs, place)),
    ]
    columns = ", ".join(f"CAST({quoted(name)} AS {type_}) AS {quoted(name)}" for name, type_ in OF_RUN.items())
    of_run = f"SELECT number, {columns} FROM its_runs"
    return f"SELECT * EXCLUDE number FROM ({' UNION ALL BY NAME '.join(parts)}) JOIN ({of_run}) USING (number)"


def _of_run(run: NewRun) -> Mapping[str, str | None]:
    """Return the columns that every row of a run has."""
    environment = run.environment
    machine, card = environment.machine or Machine(), environment.device.get("card")
    values: dict[str, object] = {
        **{each: getattr(environment, each) for each in ("run", "started", "digest", "commit")},
        **{each: getattr(machine, each) for each in ("host", "cpu", "cores", "system")},
        "id": run.id,
        "suite": run.suite,
        "is_check": run.is_check,
        "device": environment.target.device,
        "card": card,
        "torch": environment.software.get("torch"),
        "software": json.dumps(dict(environment.software), sort_keys=True),
    }
    return {each: None if values[each] is None else str(values[each]) for each in OF_RUN}


def _register(
    connection: "DuckDBPyConnection", name: str, table: Mapping[str, Sequence[str | None]], numbers: Sequence[int]
) -> None:
    """Let queries read a table of text, whose rows are of runs with these numbers."""
    import numpy as np

    texts = {column: np.array(cells, dtype=object) for column, cells in table.items()}
    connection.register(name, {"number": np.array(numbers), **texts})


def _rows(
    connection: "DuckDBPyConnection", name: str, kind: RowKind, runs: Sequence[NewRun], place: Path
) -> Iterator[str]:
    """Yield queries that have the rows of one CSV table of each run: one for all tables with the same columns."""
    alike: dict[tuple[str, ...], dict[int, NewRun]] = {}
    for number, run in enumerate(runs):
        if not run.is_check:
            alike.setdefault(_header(run, kind.file), {})[number] = run
    for order, (header, those) in enumerate(alike.items()):
        table = f"{name}_{order}" if header else ""
        if header:
            _load(connection, table, kind.file, header, those, place)
        if kind.file == MEASUREMENTS:
            _refuse_unfinished(connection, table, those)
        if header:
            yield f"SELECT number, {literal(name)} AS kind{_cells(connection, table, kind, header)} FROM {table}"


def _header(run: NewRun, name: str) -> tuple[str, ...]:
    """Return the columns of a CSV table; none if it is not there. Raises UserError if it is cut short."""
    text = run.contents.get(name)
    if text is None:
        return ()
    if not text.endswith("\n"):
        raise _cut_short(run, name)
    return tuple(next(csv.reader([text.partition("\n")[0]]), ()))


def _cut_short(run: NewRun, name: str) -> UserError:
    return UserError(f"{run.folder / name} is cut short or damaged: {AGAIN}")


def _load(
    connection: "DuckDBPyConnection",
    table: str,
    name: str,
    header: Sequence[str],
    runs: Mapping[int, NewRun],
    place: Path,
) -> None:
    """Read one CSV table of several runs as text. Raises UserError about the first if one is damaged."""
    import duckdb

    file = place / f"{table}.csv"  # one: DuckDB takes as long to open a file as to read one
    columns = ", ".join(f"{literal(column)}: '{TEXT}'" for column in header)
    read = f"read_csv({literal(str(file))}, columns = {{number: 'INTEGER', {columns}}}, {_OPTIONS})"
    try:
        files.create(file, "".join(_numbered(number, run.contents[name]) for number, run in runs.items()))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {table} AS SELECT * FROM {read}")
    except (duckdb.Error, csv.Error):
        raise _cut_short(next(iter(runs.values())), name) from None
    finally:
        file.unlink(missing_ok=True)


def _numbered(number: int, text: str) -> str:
    """Return the rows of a CSV table, without its header, each with a number before it. Raises csv.Error."""
    lines = text.split("\n")[1:-1]
    if "\r" in text or any(line.count('"') % 2 for line in lines):  # a cell has several lines
        _, *rows = csv.reader(io.StringIO(text, newline=""))
        return lines_of([[number, *row] for row in rows])
    return "".join(f"{number},{line}\n" for line in lines)


def _refuse_unfinished(connection: "DuckDBPyConnection", table: str, runs: Mapping[int, NewRun]) -> None:
    """Raise UserError if a network of a run's suite has no row, or two, or if one is of another suite."""
    first = {run.asked: number for number, run in runs.items()}  # of thousands of runs, most are of one suite
    keys = [(number, *key) for asked, number in first.items() for key in asked]
    numbers, families, variants = zip(*keys, strict=True) if keys else ((), (), ())
    _register(connection, "its_keys", {"family": families, "variant": variants}, numbers)
    expected, measured = _marks(connection, "its_keys"), _marks(connection, table) if table else {}
    for number, run in runs.items():
        if measured.get(number) != expected.get(first[run.asked]):
            query = f"SELECT family, variant FROM {table} WHERE number = {number}"
            raise _unfinished(run, connection.execute(query).fetchall() if table else [])


def _marks(connection: "DuckDBPyConnection", table: str) -> dict[int, tuple[int, int]]:
    """Return for each run the number of its networks and a sum of their hashes, which two sets hardly share."""
    query = f"SELECT number, count(*), sum(hash(family, variant)::HUGEINT) FROM {table} GROUP BY number"
    return {int(number): (count, total) for number, count, total in connection.execute(query).fetchall()}


def _unfinished(run: NewRun, rows: Sequence[Key]) -> UserError:
    """Return the error about a run whose rows are not those of its suite."""
    measured = set(rows)
    if len(measured) < len(rows) or measured - run.asked:
        return UserError(f"{run.folder / MEASUREMENTS} is damaged, or is not of this run: record the run again")
    lacking = sorted({family for family, _ in run.asked - measured})
    return UserError(f"{run.folder} is not finished ({formatting.named(lacking)}): {AGAIN}")


def _cells(connection: "DuckDBPyConnection", table: str, kind: RowKind, header: Sequence[str]) -> str:
    """Return the cells of a table's rows, each of its column's type, without columns that are empty in all rows.

    The query that has them fails where a cell is not of its column's type.
    """
    known = {column: f"nullif({quoted(column)}, '')" for column in kind.columns if column in header}
    counts = connection.execute(f"SELECT {', '.join(f'count({cell})' for cell in known.values())} FROM {table}")
    filled = [column for column, count in zip(known, counts.fetchone() or (), strict=True) if count]
    return "".join(
        f", CAST({known[column]} AS {kind.columns[column]}) AS {quoted(kind.stored(column))}" for column in filled
    )
