"""Open a store of results as tables in a database in memory."""

import json
import secrets
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from benchcli import files
from benchcli.errors import UserError
from benchcli.files import ENVIRONMENT
from benchcli.runs.audit_file import is_audit
from benchcli.runs.own_files import STORE
from benchcli.store.columns import KINDS, OF_RUN, RUN

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SCHEMA = 2
"""The version of a store's files."""
ENDING = ".parquet"
SEVERAL = "runs-"
"""How the name of a file with several runs begins."""
CONTENT = "benchcli_content"
"""The name in a file's metadata of the hashes of its runs' files, by ID."""
CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1500MB",
    "autoinstall_known_extensions": "false",  # nothing is fetched from elsewhere
    "autoload_known_extensions": "false",
}

_SHARED_NAMES = """
SELECT host, count(DISTINCT (cpu, cores, card)) AS machines FROM runs WHERE host IS NOT NULL
GROUP BY host HAVING machines > 1 ORDER BY host
"""


@dataclass(frozen=True)
class StoredRun:
    """A run or a check in a store."""

    file: Path
    id: str
    content: str
    """The hash of its files."""


@contextmanager
def connected() -> Iterator["DuckDBPyConnection"]:
    """Yield a database in memory. Raises UserError if DuckDB is not installed."""
    try:
        import duckdb
    except ImportError:
        raise UserError("a store needs a library, the extra store: pip install duckdb") from None
    spill = str(Path(gettempdir()) / f"benchcli-{secrets.token_hex(8)}")  # which DuckDB makes if it has to
    with duckdb.connect(config={**CONFIG, "temp_directory": spill}) as connection:
        connection.execute("SET parquet_metadata_cache = true")
        yield connection


@contextmanager
def tables(store: Path, *names: str, file: str = "") -> Iterator["DuckDBPyConnection"]:
    """Yield a database with some of the views runs, networks, launches and samples of a store, or of one file of it.

    A view of thousands of files takes its time, so that there are only those that are named.
    Raises UserError if there is no store, if a file is damaged or of a newer schema, or DuckDB is not
    installed.
    """
    there = [each for each in files_of(store) if file in ("", each.name)]
    if not there:
        raise UserError(f"{store} is not a store of results: {_way_to_a_store(store)}")
    with connected() as connection:
        import duckdb

        kept = kept_in(connection, there)
        try:
            connection.execute(f"CREATE VIEW rows AS SELECT * FROM {_read_parquet(there)}{_twice(kept)}")
            columns = {name for name, *_ in connection.execute("DESCRIBE rows").fetchall()}
            for name in names:
                _create_view(connection, name, columns)
            yield connection
        except (duckdb.IOException, duckdb.InvalidInputException) as error:
            raise _damaged(connection, there, error) from None


def files_of(store: Path) -> list[Path]:
    """Return the files of a store, in the order of their names."""
    return sorted(store.glob(f"*{ENDING}"))


def is_of_several(file: Path) -> bool:
    """Return whether a file holds several runs, by its name; one with a single run has the run's ID as name."""
    return file.name.startswith(SEVERAL)


def _read_parquet(there: Iterable[Path]) -> str:
    return f"read_parquet({_paths(there)}, union_by_name = true, filename = true, hive_partitioning = false)"


def _paths(there: Iterable[Path]) -> str:
    return f"[{', '.join(literal(escape(str(file))) for file in there)}]"


def _twice(kept: Iterable[StoredRun]) -> str:
    """Return the condition that leaves out runs that two writers added at once: the first file of each counts."""
    first: dict[str, Path] = {}
    others = [each for each in kept if first.setdefault(each.id, each.file) != each.file]
    pairs = ", ".join(f"({literal(str(each.file))}, {literal(each.id)})" for each in others)
    return f" WHERE (filename, id) NOT IN ({pairs})" if others else ""


def _way_to_a_store(given: Path) -> str:
    """Return what to do about what was given for a store, and is none."""
    folder = given if files.is_folder(given) else given.parent
    if is_audit(folder):
        return "it is an audit, which a store does not keep: give a store of runs and checks"
    if files.is_file(folder / ENVIRONMENT):
        what = "the folder" if folder == given else "a file"
        return f"it is {what} of the run {folder}: `benchcli store add RUN --store STORE` puts it into one, give that"
    if given.suffix == ENDING and files.is_file(given):
        return f"it is a run in one: give {folder}"
    if files.mode_of(given) is not None and folder != given:
        return "it is a file, and a store is a folder: give the folder"
    return f"`benchcli store add RUN --store {given}` makes one"


def kept_in(connection: "DuckDBPyConnection", there: Sequence[Path]) -> list[StoredRun]:
    """Return the runs in files of a store. Raises UserError if one is damaged, or of another schema."""
    import duckdb

    query = f"SELECT file_name, decode(key), decode(value) FROM parquet_kv_metadata({_paths(there)})"
    facts: dict[Path, dict[str, str]] = {file: {} for file in there}
    try:
        for file, key, value in connection.execute(query).fetchall() if there else ():
            facts[Path(file)][key] = value
    except duckdb.Error as error:
        raise _damaged(connection, there, error) from None
    return [run for file, its in facts.items() for run in _runs_of(file, its)]


def _runs_of(file: Path, facts: Mapping[str, str]) -> list[StoredRun]:
    """Return the runs in a file, by what it says of itself. Raises UserError if this version does not read it."""
    schema, contents = facts.get(STORE), facts.get(CONTENT, "")
    if schema is None:
        raise UserError(f"{file} is no file of a store: move it away")
    if schema == "1":  # which had one run in each file
        return [StoredRun(file, file.stem, contents)]
    if schema != str(SCHEMA):
        newer = schema.isdecimal() and int(schema) > SCHEMA
        way_out = "a newer benchcli wrote it, and reads it" if newer else f"this benchcli reads schema {SCHEMA}"
        raise UserError(f"{file} is of the store's schema {schema}, not {SCHEMA}: {way_out}")
    return [StoredRun(file, id_, content) for id_, content in json.loads(contents).items()]


def asked(store: Path, sql: str) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return the columns and the rows of a query, which can read the store alone, and write nothing.

    Raises UserError if it is wrong.
    """
    with tables(store, RUN, *KINDS) as connection:
        import duckdb

        try:
            _refuse_other_statements(connection, sql)
            connection.execute(f"SET allowed_directories = [{literal(str(store))}]")
            connection.execute("SET enable_external_access = false")
            found = connection.sql(sql)
            return (found.columns, found.fetchall()) if found else ([], [])
        except duckdb.Error as error:
            names = " and ".join(", ".join((RUN, *KINDS)).rsplit(", ", 1))
            raise UserError(
                f"the query fails: {' '.join(str(error).split())}; the tables are {names}, and SELECT * FROM "
                f"{RUN} LIMIT 1 shows the columns of one"
            ) from None


def _refuse_other_statements(connection: "DuckDBPyConnection", sql: str) -> None:
    """Raise UserError if a text is not one statement that reads: COPY, for example, writes files."""
    import duckdb

    statements = connection.extract_statements(sql)
    if [each.type for each in statements] != [duckdb.StatementType.SELECT]:
        raise UserError(f"a query is one SELECT, which writes nothing: {' '.join(sql.split()) or 'it'} is none")


def shared_names(connection: "DuckDBPyConnection") -> dict[str, int]:
    """Return the hosts' names that several different machines of a store have, with the number of these."""
    return dict(connection.execute(_SHARED_NAMES).fetchall())


def rows_of(found: "DuckDBPyConnection") -> list[dict[str, Any]]:
    """Return the rows of a query, by column."""
    columns = [name for name, *_ in found.description or ()]
    return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _create_view(connection: "DuckDBPyConnection", name: str, there: Container[str]) -> None:
    """Create the view of a kind of row; columns that no file has are empty."""
    kind = KINDS.get(name)
    columns = [(column, column, type_) for column, type_ in OF_RUN.items()]
    columns += [(kind.stored(column), column, type_) for column, type_ in kind.columns.items()] if kind else []
    cells = (
        f"{quoted(stored) if stored in there else f'NULL::{type_}'} AS {quoted(shown)}"
        for stored, shown, type_ in columns
    )
    connection.execute(f"CREATE VIEW {name} AS SELECT {', '.join(cells)} FROM rows WHERE kind = {literal(name)}")


def _damaged(connection: "DuckDBPyConnection", there: Iterable[Path], error: Exception) -> UserError:
    """Return the error that names the file of a store that cannot be read."""
    import duckdb

    for file in there:
        try:
            connection.execute(f"SELECT count(COLUMNS(*)) FROM {_read_parquet([file])}").fetchall()  # reads all cells
        except duckdb.Error as fault:
            return UserError(f"{file} is damaged ({first_line(fault)}): move it away, and add its runs again")
    return UserError(f"the store cannot be read: {first_line(error)}")


def first_line(error: Exception) -> str:
    """Return the first line of an error's text."""
    return str(error).splitlines()[0]
