import json
from dataclasses import replace
from pathlib import Path

import pandas
import pytest

from benchcli.errors import UserError
from benchcli.runs.folder import unused
from benchcli.runs.rows import COLUMNS, record_of, row
from benchcli.runs.run_folder import RunFolder
from benchcli.schema import Failure, Family, FamilyResult, Interval, Target, Variant
from benchcli.schema.environment import SCHEMA, CheckFacts, Environment, Machine, as_json
from benchcli.schema.warnings import RunWarning
from tests.values import conditions, family, record, sample, variant

OF = family(variant("g=1"), variant("g=8"))
OTHER = family(variant("g=1"), variant("g=8"), name="g2-x2")
ONE = Interval(1.0, 1.0, 1.0)
BUSY = RunWarning("busy", 0.5, 0.9, shares=(0.25, 0.5))
ENVIRONMENT = Environment("run", "2026-11-25T19:04:20Z")


def finished(of: Family = OF) -> FamilyResult:
    relative = Interval(0.7, 0.69, 0.71)
    records = (
        record(of, "g=1", ONE),
        record(
            of, "g=8", relative, 0.033, warnings=(RunWarning("page-faults", 3), RunWarning("imprecise", text="budget"))
        ),
    )
    samples = (sample("g=1", 0, 0, 0.001), sample("g=8", 0, 0, 0.002, None, excluded="preempted"))
    return FamilyResult(of, records, samples, (conditions(0), conditions(1, throttle_reasons=("power cap", "heat"))))


def test_a_record_survives_the_wire() -> None:
    for found in finished().records:
        cells = {name: "" if cell is None else str(cell) for name, cell in row(found).items()}
        assert record_of(cells, OF, found.variant, Target()) == found


def test_a_failure_survives_the_wire() -> None:
    failed = record(OF, "g=8", None, failure=Failure("crashed", 'it said "no", and died'))
    cells = {name: "" if cell is None else str(cell) for name, cell in row(failed).items()}
    assert record_of(cells, OF, failed.variant, Target()) == failed


def test_columns_begin_with_the_identity_and_keep_their_order() -> None:
    assert COLUMNS[:4] == ("schema", "run", "suite", "family")
    assert COLUMNS.index("status") < COLUMNS.index("flops") < COLUMNS.index("median_s")
    assert set(row(finished().records[0])) == set(COLUMNS)


def test_all_files_are_readable_by_pandas(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "run", ENVIRONMENT)
    folder.put(finished())
    measurements = pandas.read_csv(tmp_path / "run" / "measurements.csv")
    samples = pandas.read_csv(tmp_path / "run" / "samples.csv")
    assert measurements["relative_speed"].tolist() == [1.0, 0.7]
    assert samples["seconds"].tolist() == [0.001, 0.002]
    assert samples["excluded"].tolist()[1:] == ["preempted"]
    launches = pandas.read_csv(tmp_path / "run" / "launches.csv")
    assert launches["launch"].tolist() == [0, 1]
    assert launches["throttle_reasons"].tolist()[1:] == ['["power cap", "heat"]']


def test_a_folder_that_is_being_written_is_refused_and_free_again_afterwards(tmp_path: Path) -> None:
    first = RunFolder.create(tmp_path / "run", ENVIRONMENT)
    with pytest.raises(UserError, match="a run that is still going"):
        RunFolder.reopen(tmp_path / "run")
    first.close()
    RunFolder.reopen(tmp_path / "run").close()


def test_columns_of_a_later_version_are_kept(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished())
    path = tmp_path / "measurements.csv"
    frame = pandas.read_csv(path).assign(moon="full")
    frame.to_csv(path, index=False)
    folder.keep_only(["g2-x1"])
    folder.put(finished(OTHER))
    assert pandas.read_csv(path)["moon"].fillna("").tolist() == ["full", "full", "", ""]


def test_a_later_result_of_a_family_takes_the_place_of_the_earlier(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished())
    folder.put(finished(OTHER))
    later = record(OF, "g=8", Interval(0.71, 0.7, 0.72))
    folder.put(FamilyResult(OF, (record(OF, "g=1", ONE), later), (sample("g=1", 5, 0, 0.001),), (conditions(5),)))
    rows = pandas.read_csv(tmp_path / "measurements.csv")
    assert rows["family"].tolist() == ["g2-x2", "g2-x2", "g2-x1", "g2-x1"]
    assert rows["relative_speed"].tolist()[-1] == 0.71
    samples = pandas.read_csv(tmp_path / "samples.csv")
    assert samples[samples["family"] == "g2-x1"]["launch"].tolist() == [5]
    launches = pandas.read_csv(tmp_path / "launches.csv")
    assert launches[launches["family"] == "g2-x1"]["launch"].tolist() == [5]


def test_two_runs_of_one_second_get_two_folders(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    assert unused(tmp_path / "run") == tmp_path / "run-2"
    assert unused(tmp_path / "other") == tmp_path / "other"


def test_a_folder_that_holds_a_run_is_not_written_over(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished())
    folder.close()
    before = (tmp_path / "measurements.csv").read_bytes()
    with pytest.raises(UserError, match="already holds a run"):
        RunFolder.create(tmp_path, ENVIRONMENT)
    assert (tmp_path / "measurements.csv").read_bytes() == before


def test_a_folder_with_files_of_others_is_not_taken_for_a_run(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match=r"holds other files, such as thesis\.tex: give an --output that is empty"):
        RunFolder.create(tmp_path, ENVIRONMENT)
    assert [each.name for each in tmp_path.iterdir()] == ["thesis.tex"]
    (tmp_path / "new").mkdir()
    RunFolder.create(tmp_path / "new", ENVIRONMENT).close()


def test_a_run_that_was_killed_before_it_had_begun_can_be_resumed(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, ENVIRONMENT).close()
    for name in ("measurements.csv", "samples.csv", "launches.csv"):
        (tmp_path / name).unlink()
    folder = RunFolder.reopen(tmp_path)
    folder.keep_only(folder.finished([OF], Target()))
    folder.put(finished())
    assert RunFolder(tmp_path).finished([OF], Target()) == {"g2-x1": finished().records}


def test_a_last_cell_that_is_torn_is_not_taken_for_whole(tmp_path: Path) -> None:
    wide = Variant("g=8", "faulty:build", {}, (64, 8, 8), "64")
    of = family(variant("g=1"), wide)
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished(of))
    path = tmp_path / "measurements.csv"
    path.write_bytes(path.read_bytes()[:-2])
    assert folder.finished([of], Target()) == {}


@pytest.mark.parametrize(("old", "new"), [("0.7,", "abc,"), (",6,60,", ",1e3,60,")])
def test_a_row_that_does_not_read_is_measured_again(tmp_path: Path, old: str, new: str) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished())
    path = tmp_path / "measurements.csv"
    path.write_text(path.read_text().replace(old, new))
    assert folder.finished([OF], Target()) == {}


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    (tmp_path / "measurements.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="lacks the column family"):
        folder.finished([OF], Target())


def test_a_folder_under_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        RunFolder.create(tmp_path / "file" / "run", ENVIRONMENT)


@pytest.mark.parametrize("kept", range(0, 400, 37))
def test_whatever_instant_a_run_is_killed_at_what_was_finished_is_readable(tmp_path: Path, kept: int) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished())
    before = (tmp_path / "measurements.csv").read_bytes()
    folder.put(finished(OTHER))
    path = tmp_path / "measurements.csv"
    path.write_bytes(path.read_bytes()[: len(before) + kept])  # the last write was cut short
    reopened = finished_in(tmp_path)
    assert reopened["g2-x1"] == finished().records
    assert "g2-x2" not in reopened or reopened["g2-x2"] == finished(OTHER).records


def test_a_kill_in_the_middle_of_a_quoted_cell_loses_no_earlier_family(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished())
    path = tmp_path / "measurements.csv"
    before = path.read_bytes()
    failed = record(OTHER, "g=8", None, failure=Failure("crashed", 'it said "no", and died'))
    folder.put(FamilyResult(OTHER, (record(OTHER, "g=1", ONE), failed), ()))
    after = path.read_bytes()
    for end in range(len(before), len(after)):
        path.write_bytes(after[:end])
        assert set(folder.finished([OF, OTHER], Target())) == {"g2-x1"}


def finished_in(path: Path) -> dict[str, object]:
    folder = RunFolder(path)
    found = folder.finished([OF, OTHER], Target())
    folder.keep_only(found)
    again = RunFolder(path).finished([OF, OTHER], Target())
    assert again == found
    samples = pandas.read_csv(path / "samples.csv")
    assert set(samples["family"]) <= set(found)
    return dict(found)


def test_a_write_that_fails_half_way_leaves_the_earlier_rows_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.put(finished())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match=r"No space left on device; what was written before is kept"):
        folder.put(finished(OTHER))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_newer_schema_is_refused_by_name(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    folder.describe(replace(ENVIRONMENT, schema=SCHEMA + 1))
    with pytest.raises(UserError, match=f"is of schema {SCHEMA + 1}, not {SCHEMA}: a newer benchcli"):
        _ = folder.environment


def test_a_torn_environment_is_refused(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    (tmp_path / "environment.json").write_text('{"schema"')
    with pytest.raises(UserError, match="cannot be read"):
        _ = folder.environment


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not the folder of a run"):
        RunFolder.reopen(tmp_path)


def test_the_environment_is_json(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path, ENVIRONMENT)
    environment = replace(ENVIRONMENT, machine=Machine(cpu="x"), check=CheckFacts("suite", warnings=(BUSY,)))
    folder.describe(environment)
    assert json.loads((tmp_path / "environment.json").read_text()) == json.loads(json.dumps(as_json(environment)))
    assert folder.environment == environment
    assert not list(tmp_path.glob("*.part"))


def test_a_discarded_folder_is_gone_but_not_what_else_it_holds(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "a", ENVIRONMENT)
    folder.discard()
    assert not (tmp_path / "a").exists()
    folder = RunFolder.create(tmp_path / "b", ENVIRONMENT)
    (tmp_path / "b" / "mine").write_text("")
    folder.discard()
    assert [path.name for path in (tmp_path / "b").iterdir()] == ["mine"]
