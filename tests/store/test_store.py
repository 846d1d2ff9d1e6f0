"""A store: what is added comes back as it was, and what is wrong is said in a line."""

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import benchcli
from benchcli.api.compared_runs import Compared
from benchcli.api.results_store import Store
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.reports.page import Cell
from benchcli.reports.views import store_page
from benchcli.runs import own_files
from benchcli.runs.rows import COLUMNS
from benchcli.store import database
from benchcli.store.adding import NotAddedError
from benchcli.store.columns import KINDS
from tests.conftest import Outcome
from tests.store.simulated import KEPT, run

Cli = Callable[..., Outcome]
duckdb = pytest.importorskip("duckdb", reason="pip install '.[store]' brings what a store needs")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files_in(store: Store) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in store.folder.iterdir()}


def test_a_run_comes_back_as_the_folder_that_it_was(store: Store, tmp_path: Path) -> None:
    (added,) = store.add(KEPT)
    assert added.is_new
    back = store.get(added.path.name, tmp_path / "back")
    names = {file.name for file in KEPT.iterdir()} - {"table.md"}  # which no run writes
    assert {file.name: file.read_bytes() for file in back.iterdir()} == {
        name: (KEPT / name).read_bytes() for name in names
    }


def test_commands_take_a_run_of_a_store_as_the_folder_of_a_run(store: Store, tmp_path: Path) -> None:
    (added,) = store.add(KEPT)
    kept, stored = benchcli.load(KEPT), benchcli.load(added.path)
    assert isinstance(kept, Run)
    assert isinstance(stored, Run)
    assert stored.records == kept.records
    assert stored.folder == added.path
    assert stored.samples().equals(kept.samples())
    assert stored.with_baseline("g=8").records == kept.with_baseline("g=8").records
    assert [figure.kind for figure in stored.drawn.figures] == [figure.kind for figure in kept.drawn.figures]
    assert [
        row.changes[1] and row.changes[1].estimate for row in benchcli.compare(KEPT, added.path).comparison.rows
    ] == [1.0] * 4
    beginning = added.path.with_name(added.path.name[:12])
    file = added.path.with_name(added.path.name + ".parquet")
    for path in (beginning, file):
        found = benchcli.load(path)
        assert isinstance(found, Run)
        assert found.records == kept.records
    benchcli.report(str(store.folder / "*"), path=tmp_path / "report.html")
    assert "g=8" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_run_is_added_once(store: Store, tmp_path: Path) -> None:
    store.add(KEPT)
    before = files_in(store)
    (again,) = store.add(shutil.copytree(KEPT, tmp_path / "copy"))
    assert not again.is_new
    assert files_in(store) == before


def test_a_run_that_is_given_twice_at_once_is_new_once(store: Store, tmp_path: Path) -> None:
    shutil.copytree(KEPT, tmp_path / "copy")
    added = store.add(KEPT, tmp_path / "copy", KEPT)
    assert [each.is_new for each in added] == [True, False, False]
    assert len({each.path for each in added}) == len(files_in(store)) == 1


def test_runs_that_are_added_together_are_in_one_file_and_each_comes_back(store: Store, tmp_path: Path) -> None:
    folders = [
        KEPT,
        KEPT.parent / "layers-epyc",
        run(tmp_path / "other", 3),
        run(tmp_path / "another", 4, host="vm[2]"),
    ]
    added = store.add(*folders)
    assert len(files_in(store)) == 1
    for folder, each in zip(folders, added, strict=True):
        back = store.get(each.path.name, tmp_path / "back" / each.path.name)
        names = {file.name for file in back.iterdir()}
        assert names == {file.name for file in folder.iterdir()} - {"table.md"}
        assert all((back / name).read_bytes() == (folder / name).read_bytes() for name in names)
    found = benchcli.load(store.folder / "2026-*")
    assert isinstance(found, Compared)
    assert {member.folder for member in found.runs} == {each.path for each in added if each.path.name[:5] == "2026-"}
    counts = store.query("SELECT id, count(*) AS n FROM samples GROUP BY id ORDER BY id").rows
    assert [row["n"] for row in counts] == [
        (folder / "samples.csv").read_text().count("\n") - 1
        for _, folder in sorted(zip([each.path.name for each in added], folders, strict=True))
    ]


def test_a_run_in_a_file_of_its_own_is_found_without_a_list_of_the_others(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (added,) = store.add(KEPT)
    monkeypatch.setattr("benchcli.store.stored_runs.runs_in", lambda _store: pytest.fail("all runs are listed"))
    assert isinstance(benchcli.load(added.path), Run)


def test_runs_of_one_file_are_added_to_other_stores(store: Store, tmp_path: Path) -> None:
    """So that many small files become few large ones, which queries open sooner."""
    for day in range(1, 4):
        store.add(run(tmp_path / f"run-{day}", day))
    packed = Store(tmp_path / "packed")
    assert [each.is_new for each in packed.add(store.folder / "*")] == [True] * 3
    assert (len(files_in(store)), len(files_in(packed))) == (3, 1)
    assert [row["id"] for row in packed.runs().rows] == [row["id"] for row in store.runs().rows]
    assert not any(each.is_new for each in store.add(packed.folder / "2026-*"))


def test_a_run_that_two_writers_add_at_once_is_there_once(store: Store, tmp_path: Path) -> None:
    one, two, three = (run(tmp_path / f"run-{day}", day) for day in (1, 2, 3))
    other = Store(tmp_path / "other")
    store.add(one, two)
    other.add(two, three)
    for file in other.folder.iterdir():
        shutil.copy(file, store.folder)
    assert len(files_in(store)) == 2
    assert [row["networks"] for row in store.runs().rows] == [4, 4, 4]
    assert len(list(store.get(str(store.runs().rows[1]["id"]), tmp_path / "back").iterdir())) == 4


def test_what_is_wrong_with_one_of_several_is_found(store: Store, tmp_path: Path) -> None:
    folders = [run(tmp_path / f"run-{day}", day) for day in range(1, 8)]
    drop(folders[2] / "measurements.csv")
    swap(folders[5] / "samples.csv", ",0.00", ",zero")
    cut(folders[6] / "measurements.csv")
    with pytest.raises(
        NotAddedError, match=r"run-3 is not finished .*and 2 more faults.*run-3, \S*run-6, \S*run-7"
    ) as found:
        store.add(*folders)
    assert [each.is_new for each in found.value.added] == [True] * 4
    assert [str(row["started"])[:10] for row in store.runs().rows] == [f"2026-01-0{day}" for day in (1, 2, 4, 5)]


def test_traces_that_came_later_to_one_of_several_are_not_lost_in_silence(store: Store, tmp_path: Path) -> None:
    folder = run(tmp_path / "one", 1)
    store.add(folder, run(tmp_path / "two", 2))
    shutil.copy(KEPT.parent / "layers-epyc" / "layers.csv", folder)
    with pytest.raises(UserError, match=r"as it was before .*it holds others too: give another --store"):
        store.add(folder)


def test_cells_of_several_lines_are_cells(store: Store, tmp_path: Path) -> None:
    folder = run(tmp_path / "run")
    rows = list(csv.DictReader(io.StringIO((folder / "measurements.csv").read_text())))
    rows[1]["error"] = 'first, "second"\nthird\r\nfourth'
    with (folder / "measurements.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    store.add(folder, run(tmp_path / "other", 2))
    found = store.query("SELECT encode(error)::VARCHAR AS bytes FROM networks WHERE error IS NOT NULL").rows
    assert [row["bytes"] for row in found] == [r"first, \x22second\x22\x0Athird\x0D\x0Afourth"]


def test_a_store_of_the_first_schema_is_read(store: Store, tmp_path: Path) -> None:
    (added,) = store.add(KEPT)
    (file,) = store.folder.iterdir()
    facts = "KV_METADATA {benchcli_store: '1', benchcli_content: 'as it was'}"
    duckdb.sql(f"COPY (FROM '{file}') TO '{tmp_path / 'old.parquet'}' (FORMAT parquet, {facts})")
    (tmp_path / "old.parquet").replace(file)
    assert isinstance(benchcli.load(added.path), Run)
    assert [row["id"] for row in store.runs().rows] == [added.path.name]


def test_a_store_is_known_as_what_benchcli_wrote_and_other_tables_are_not(store: Store, tmp_path: Path) -> None:
    store.add(KEPT, *(run(tmp_path / f"run-{day}", day) for day in (2, 3, 4)))
    assert own_files.is_own(store.folder)
    duckdb.sql(f"COPY (SELECT 'benchcli' AS author) TO '{store.folder / 'mine.parquet'}' (FORMAT parquet)")
    assert not own_files.is_own(store.folder)
    assert own_files.others(store.folder, ["mine.parquet", *files_in(store)]) == ["mine.parquet"] * 2
    for file in store.folder.iterdir():  # no report is written over it
        assert not own_files.wrote(file)


def test_tables_have_what_the_csv_files_have(store: Store) -> None:
    store.add(KEPT, KEPT.parent / "layers-epyc")
    run = benchcli.load(KEPT)
    assert isinstance(run, Run)
    where = f"WHERE run = '{run.environment.run}'"
    rows = store.query(f"SELECT variant, median_s, flops, flops_complete, torch FROM networks {where}").rows
    assert [tuple(row.values()) for row in rows] == [
        (
            each.variant.name,
            each.timing.seconds.estimate if each.timing else None,
            each.costs.flops if each.costs else None,
            True,
            run.environment.software["torch"],
        )
        for each in run.records
    ]
    samples = run.samples()
    (row,) = store.query(f"SELECT count(*) AS n, sum(seconds) AS s, max(launch) AS last FROM samples {where}").rows
    assert (row["n"], row["last"]) == (len(samples), samples["launch"].max())
    assert row["s"] == pytest.approx(samples["seconds"].sum())
    launches = (KEPT / "launches.csv").read_text().count("\n") - 1
    assert store.query(f"SELECT count(*) AS n, bool_and(wall_s > 0) AS t FROM launches {where}").rows == [
        {"n": launches, "t": True}
    ]
    assert [row["suite"] for row in store.runs().rows] == ["guideline-g2", "network"]


def test_a_column_that_no_run_fills_is_there_and_empty(store: Store) -> None:
    store.add(KEPT)
    assert store.query("SELECT DISTINCT forward_s, code_dirty FROM networks").rows == [
        {"forward_s": None, "code_dirty": None}
    ]
    assert set(COLUMNS) - set(KINDS["networks"].columns) == {"run", "suite", "device"}  # columns of every row


def test_runs_of_two_machines_with_one_name_are_told_apart(store: Store, tmp_path: Path) -> None:
    one = run(tmp_path / "one")
    two = run(tmp_path / "two", speed=0.9, digest="0123456789ab", machine={"cpu": "Another"})
    assert len({added.path for added in store.add(one, two)}) == 2
    assert "2 different machines are named vm" in store.runs().show()


def test_a_check_is_kept_and_comes_back(store: Store, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "suite.toml").write_text('[[family]]\nguideline = "g2"\nwidths = 16\n')
    assert cli("run", "suite.toml", "--device", "fake", "--launches", "6", "--output", "run").code == 0
    options = ("--device", "fake", "--output", "check", "--store", str(store.folder))
    found = cli("check", "suite.toml", "--baseline", "run", *options)
    assert found.code == 0, found.err
    (row,) = store.runs().rows
    shown = cli("show", str(store.folder / str(row["id"])))
    assert (shown.code, "check" in shown.out) == (0, True), shown.err


def test_hosts_and_digests_are_counted_by_themselves() -> None:
    """A check has no digest of its own."""
    of: dict[str, Cell] = {
        "id": "a",
        "started": "",
        "suite": "",
        "host": "vm",
        "machine": "Xeon",
        "networks": 4,
        "commit": None,
    }
    run: dict[str, Cell] = {**of, "digest": "0123456789ab", "networks": 4}
    check: dict[str, Cell] = {**of, "digest": None, "networks": None}
    cases: list[tuple[list[dict[str, Cell]], str]] = [
        ([run, check], "1 host, with 1 digest"),
        ([check, check], "1 host, with 0 digests"),
        ([run, {**check, "host": "other"}], "2 hosts, with 1 digest"),
        ([run, {**run, "digest": "ba9876543210"}, check], "1 host, with 2 digests"),
    ]
    for runs, machines in cases:
        assert (
            f"on {machines} of machine, versions and settings" in store_page.runs_page(Path("store"), runs, {}).footer
        )


def test_what_is_measured_goes_to_a_store_too(cli: Cli, store: Store) -> None:
    Path("suite.toml").write_text('[[family]]\nguideline = "g2"\nwidths = 16\n')
    options = ("--device", "fake", "--launches", "6", "--output", "run", "--store", str(store.folder))
    assert cli("run", "suite.toml", *options).code == 0
    (row,) = store.runs().rows
    baseline = store.folder / str(row["id"])
    check = cli("check", "suite.toml", "--baseline", str(baseline), "--device", "fake", "--costs-only")
    assert (check.code, f"baseline {baseline}" in check.out) == (0, True), check.err


def test_a_store_that_cannot_be_is_refused_before_anything_is_measured(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = cli("guideline", "g2", "--device", "fake", "--output", "run", "--store", "file")
    assert (found.code, (tmp_path / "run").exists()) == (2, False)
    assert found.err.count("\n") == 1
    assert "file cannot be a store of results" in found.err


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda folder: (folder / "environment.json").unlink(), "is not the folder of a run"),
        (lambda folder: cut(folder / "measurements.csv"), "is cut short or damaged"),
        (lambda folder: drop(folder / "measurements.csv"), r"is not finished \(g2-x1\): resume the run"),
        (lambda folder: (folder / "audit.json").write_text("{}"), "is an audit, which a store does not keep"),
        (lambda folder: swap(folder / "measurements.csv", "g=8", "g=9"), "is not of this run"),
        (lambda folder: swap(folder / "samples.csv", ",0.00", ",zero"), "is damaged .*zero"),
        (lambda folder: swap(folder / "environment.json", '"schema": 1', '"schema": 9'), "is of schema 9, not 1"),
    ],
)
def test_what_is_no_finished_run_is_not_added(
    damage: Callable[[Path], object], says: str, store: Store, tmp_path: Path
) -> None:
    folder = shutil.copytree(KEPT, tmp_path / "run")
    damage(folder)
    with pytest.raises(UserError, match=says) as found:
        store.add(folder)
    assert "\n" not in str(found.value)
    assert not list(store.folder.glob("*"))


def cut(path: Path) -> None:
    path.write_text(path.read_text()[:-20])


def drop(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


def swap(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def test_traces_that_came_later_are_not_lost_in_silence(store: Store, tmp_path: Path) -> None:
    folder = shutil.copytree(KEPT, tmp_path / "run")
    store.add(folder)
    shutil.copy(KEPT.parent / "layers-epyc" / "layers.csv", folder)
    with pytest.raises(UserError, match=r"as it was before .*: remove it"):
        store.add(folder)


def test_a_damaged_file_is_named(store: Store, tmp_path: Path) -> None:
    (one,), (two,) = store.add(run(tmp_path / "one", 1)), store.add(run(tmp_path / "two", 2))
    file = two.path.with_name(two.path.name + ".parquet")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=f"{file.name} is damaged") as found:
        store.runs()
    assert "\n" not in str(found.value)
    assert isinstance(benchcli.load(one.path), Run)
    with pytest.raises(UserError, match=f"{file.name} is damaged"):
        benchcli.load(two.path)


def test_a_newer_schema_is_refused_by_name(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as newer:
        newer.setattr("benchcli.store.batch.SCHEMA", database.SCHEMA + 1)
        store.add(KEPT)
    with pytest.raises(UserError, match=r"is of the store's schema 3, not 2: a newer benchcli wrote it"):
        store.runs()


def test_a_store_that_is_not_there_says_how_to_make_one(store: Store) -> None:
    with pytest.raises(UserError, match="is not a store of results: `benchcli store add"):
        store.query("SELECT 1")


def test_without_duckdb_a_line_installs_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(UserError, match="the extra store: pip install duckdb"):
        store.add(KEPT)


def test_a_full_disk_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_self: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match=r"cannot be written: .*No space left.*: free space, and add it again"):
        store.add(KEPT)
    assert files_in(store) == {}


@pytest.mark.parametrize(
    ("sql", "says"),
    [("SELEC", "Parser Error"), ("SELECT nothing FROM networks", "nothing"), ("", "must be a text")],
)
def test_a_wrong_query_is_one_line(sql: str, says: str, store: Store) -> None:
    store.add(KEPT)
    with pytest.raises(UserError, match=says) as found:
        store.query(sql)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(
    "sql",
    [
        "COPY (SELECT 1) TO '{store}/{name}'",
        "COPY (SELECT 1) TO '{store}/new.csv'",
        "ATTACH '{store}/new.db'",
        "EXPORT DATABASE '{store}/new'",
        "DROP VIEW runs",
        "SELECT 1; SELECT 2",
        "/* nothing */",
        "SELECT * FROM read_csv('{outside}')",
        "SELECT * FROM glob('{outside}')",
    ],
)
def test_a_query_reads_the_store_alone_and_writes_nothing(sql: str, store: Store, tmp_path: Path) -> None:
    (added,) = store.add(KEPT)
    (tmp_path / "outside.csv").write_text("a\n1\n")
    before = files_in(store)
    names = {"store": store.folder, "name": f"{added.path.name}.parquet", "outside": tmp_path / "outside.csv"}
    with pytest.raises(UserError, match=r"a query is one SELECT|the query fails"):
        store.query(sql.format(**names))
    assert files_in(store) == before


def test_a_run_of_one_launch_and_network_is_added(store: Store, cli: Cli) -> None:
    found = cli(
        *("guideline", "g2", "--device", "fake", "--launches", "1", "--output", "run"), "--store", str(store.folder)
    )
    assert found.code == 0, found.err
    assert len(store.runs().rows) == 1


def test_a_file_of_others_and_a_cut_one_are_named(store: Store, tmp_path: Path) -> None:
    (added,) = store.add(KEPT)
    file = added.path.with_name(added.path.name + ".parquet")
    whole = file.read_bytes()
    file.write_bytes(whole[:1000])
    with pytest.raises(UserError, match=r"\.parquet is damaged .*: move it away, and add .* again"):
        store.add(KEPT)
    file.write_bytes(whole)
    duckdb.sql("SELECT 1 AS a").write_parquet(str(store.folder / "other.parquet"))
    with pytest.raises(UserError, match=r"other\.parquet is no file of a store: move it away"):
        store.runs()


def test_wrong_types_are_refused(store: Store) -> None:
    store.add(KEPT)
    with pytest.raises(UserError, match="a network must be a text"):
        store.history(network=3)  # type: ignore[arg-type]


def test_what_is_refused_leaves_no_folder(store: Store, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="is not the folder of a run"):
        store.add(tmp_path / "empty")
    assert not store.folder.exists()


def test_a_name_in_a_store_never_leads_out_of_a_folder(store: Store, tmp_path: Path) -> None:
    folder = run(tmp_path / "run", run="../../../etc/passwd")
    (added,) = store.add(folder)
    assert added.path.parent == store.folder
    assert [file.parent for file in store.folder.iterdir()] == [store.folder]


def test_folders_with_letters_of_patterns_are_stores_too(tmp_path: Path) -> None:
    store = Store(tmp_path / "a[1]*")
    (added,) = store.add(shutil.copytree(KEPT, tmp_path / "run[0]"))
    assert len(store.runs().rows) == 1
    assert isinstance(benchcli.load(added.path), Run)


def test_two_writers_that_are_killed_lose_nothing(store: Store, tmp_path: Path) -> None:
    folders = [str(run(tmp_path / f"run-{day}", day)) for day in range(1, 9)]
    command = [sys.executable, "-m", "benchcli", "store", "add", "--store", str(store.folder), *folders]
    writers = [subprocess.Popen(command, stderr=subprocess.DEVNULL, env=os.environ) for _ in range(2)]
    while not (store.folder.is_dir() and any(store.folder.glob("*.parquet"))):
        assert any(writer.poll() is None for writer in writers)
    for writer in writers:
        writer.kill()
        writer.wait()
    before = {name: content for name, content in files_in(store).items() if name.endswith(".parquet")}
    assert len(store.runs().rows) == 8
    store.add(*folders)
    after = files_in(store)
    assert {name: after[name] for name in before} == before
    assert [row["networks"] for row in store.runs().rows] == [4] * 8


def test_what_can_be_added_is_and_the_rest_is_named(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    bad = shutil.copytree(KEPT, tmp_path / "bad")
    drop(bad / "measurements.csv")
    gone = tmp_path / "gone"
    found = cli("store", "add", str(bad), str(KEPT), str(gone), "--store", "kept")
    assert found.code == 2
    (added,) = found.out.splitlines()
    assert benchcli.load(added)
    assert "1 run added to kept" in found.err
    assert "is not finished (g2-x1): resume the run, or record it again (and 1 more fault)" in found.err
    assert f"; not added: {bad}, {gone}; in the store: {added}" in found.err
    again = cli("store", "add", str(KEPT), str(bad), "--store", "kept")
    assert (again.code, again.out.splitlines()) == (2, [added])
    assert "0 runs added" in again.err


def test_what_is_given_for_a_store_and_is_none_leads_to_one(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    run, audit = shutil.copytree(KEPT, tmp_path / "run"), tmp_path / "audit"
    audit.mkdir()
    (audit / "audit.json").write_text("{}")
    (tmp_path / "notes.csv").write_text("a,b\n")
    stored = cli("store", "add", "run", "--store", "kept").out.strip()
    for path, says in {
        "run/samples.csv": "it is a file of the run run: `benchcli store add RUN --store STORE` puts it into one",
        str(run): f"it is the folder of the run {run}: `benchcli store add RUN --store STORE` puts it into one",
        "audit/audit.json": "it is an audit, which a store does not keep",
        "notes.csv": "it is a file, and a store is a folder",
        f"{stored}.parquet": "it is a run in one: give kept",
        "nothing": "`benchcli store add RUN --store nothing` makes one",
    }.items():
        refused = cli("history", path)
        assert (refused.code, refused.err.count("\n")) == (2, 1), refused.err
        assert f"{path} is not a store of results: {says}" in refused.err
