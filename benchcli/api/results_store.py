"""A store of results, and what it tells of many runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchcli.analysis.stored_series import Series, StoreHistory, history_of
from benchcli.analysis.unequal_machines import Unequal, unequal_machines
from benchcli.api.recorded import folders
from benchcli.api.result import Result
from benchcli.files import path_of
from benchcli.reports.page import Cell, Page
from benchcli.reports.views import history_page, store_page
from benchcli.store import adding, stored_runs
from benchcli.store.adding import Added
from benchcli.store.database import asked, rows_of, shared_names, tables
from benchcli.validation import text


@dataclass(repr=False)
class StoreRows(Result):
    """Rows of a store: its runs, or those that a query gives."""

    laid_out: Page
    """The page that shows them."""

    def _laid_out(self) -> Page:
        return self.laid_out

    @property
    def rows(self) -> Sequence[dict[str, Cell]]:
        """The rows by column, in SI units."""
        return [dict(row) for row in self.page.rows]


@dataclass(repr=False)
class UnequalMachines(Result):
    """The machines of a store that differ from their equals."""

    store: Path
    """The folder of the store."""
    found: tuple[Unequal, ...]
    """The most different ones first."""

    def _laid_out(self) -> Page:
        return store_page.machines_page(self.store, self.found)


@dataclass(repr=False)
class SpeedHistory(Result):
    """The speeds of a store's networks from run to run."""

    details: StoreHistory
    """What the property below reads."""

    def _laid_out(self) -> Page:
        return history_page.page(self.details)

    @property
    def series(self) -> tuple[Series, ...]:
        """A series for each network on each machine, with its points and its changes."""
        return self.details.series


class Store:
    """A store of results: a folder of Parquet files, which never change.

    It may lie on a shared disk or in a repository. Whatever takes the folder of a run takes STORE/ID
    too. It needs the extra `store`. Everything raises UserError if the store cannot be read, is of a
    newer schema, or if DuckDB is not installed.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = path_of("the folder of a store", folder)

    def add(self, *runs: Path | str) -> tuple[Added, ...]:
        """Add finished runs and checks, by folder or by pattern; those that are there already stay as they are.

        Runs of other stores can be added too. What is added together is one file. Raises UserError, when
        the others are added, if one is not finished or damaged, or cannot be written.
        """
        found = [folder for run in runs for folder in folders(path_of("the folder of a run", run))]
        return tuple(adding.add([stored_runs.folder_of(each) for each in found], self.folder))

    def runs(self) -> StoreRows:
        """Return the runs, in the order of time."""
        with tables(self.folder, "runs", "networks") as connection:
            found = rows_of(connection.execute(_RUNS))
            names = shared_names(connection)
        return StoreRows(store_page.runs_page(self.folder, found, names))

    def query(self, sql: str) -> StoreRows:
        """Return the rows of a query in DuckDB's SQL on the tables runs, networks, launches and samples.

        Raises UserError if the query is wrong.
        """
        columns, rows = asked(self.folder, text("a query", sql))
        return StoreRows(store_page.query_page(sql, columns, rows))

    def get(self, run: str, output: Path | str) -> Path:
        """Write the folder that a run was, with every file as it was; return the folder.

        `run` is its name in the store, of which the beginning suffices. Raises UserError if there is
        no such run, or if `output` is there already.
        """
        folder = path_of("the output", output)
        stored_runs.restore(self.folder / text("a run", run), folder)
        return folder

    def outliers(self) -> UnequalMachines:
        """Return the machines whose times differ from those of machines with the same digest."""
        return UnequalMachines(self.folder, unequal_machines(self.folder))

    def history(self, network: str | None = None, host: str | None = None) -> SpeedHistory:
        """Return when networks became faster or slower, on each machine.

        `network` is a network, FAMILY/NETWORK, or a pattern; `host` keeps the runs of one machine.
        Raises UserError if nothing of this kind is in the store.
        """
        return SpeedHistory(
            history_of(self.folder, network and text("a network", network), host and text("a host", host))
        )


_RUNS = """
SELECT id, any_value(runs.started) AS started, any_value(runs.suite) AS suite, any_value(runs.host) AS host,
    any_value(coalesce(runs.card, runs.cpu)) AS machine, any_value(runs.digest) AS digest,
    CASE WHEN NOT any_value(runs.is_check) THEN count(networks.variant) END AS networks,
    CASE WHEN any_value(runs.is_check) THEN NULL WHEN count(code_file) = 0 THEN any_value(runs.commit) ELSE string_agg(
        DISTINCT code_commit || CASE WHEN code_dirty THEN '+' ELSE '' END, ', ') END AS commit
FROM runs LEFT JOIN networks USING (id) GROUP BY id ORDER BY started, id
"""
