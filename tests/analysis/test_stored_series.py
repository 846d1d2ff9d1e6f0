"""The history of a store: which change is between which commits, on which machine."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchcli.api.results_store import Store
from benchcli.errors import UserError
from tests.store.simulated import NETWORK, run

pytest.importorskip("duckdb", reason="pip install '.[store]' brings what a store needs")
NOISE = np.exp(np.random.default_rng(0).normal(0, 0.003, 60)).tolist()


@pytest.fixture
def stored(tmp_path: Path) -> Store:
    """A store of twenty days, in the last eight of which a network is 3 % slower."""
    return store_of(tmp_path, [1.0] * 12 + [0.97] * 8)


def store_of(place: Path, speeds: Sequence[float], **facts: object) -> Store:
    folders = [
        run(place / f"run-{day}", day, speed * NOISE[day], commit=f"c{day:02}", **facts)  # type: ignore[arg-type]
        for day, speed in enumerate(speeds, 1)
    ]
    store = Store(place / "store")
    store.add(*reversed(folders))
    return store


def test_a_slower_network_is_found_between_two_commits(stored: Store) -> None:
    history = stored.history()
    assert {each.identity["variant"] for each in history.series} == {"g=1", "g=2", "g=4", NETWORK}
    assert all(not each.changes for each in history.series if each.identity["variant"] != NETWORK)
    (series,) = (each for each in history.series if each.identity["variant"] == NETWORK)
    (change,) = series.changes
    assert (change.kind, change.before.commit, change.after.commit) == ("step", "c12", "c13")
    assert change.factor == pytest.approx(0.97, abs=0.005)
    assert [point.started for point in series.points] == sorted(point.started for point in series.points)


def test_a_drift_that_goes_on_is_found(tmp_path: Path) -> None:
    store = store_of(tmp_path, [1.0] * 8 + [0.995**day for day in range(1, 13)])
    (series,) = store.history(NETWORK).series
    *_, change = series.changes
    assert (change.kind, change.after.commit) == ("drift", "c20")
    assert change.factor == pytest.approx(0.995**12, abs=0.01)
    assert "in a slow drift" in store.history(NETWORK).show("markdown")


def test_patterns_and_hosts_choose_series(stored: Store) -> None:
    assert [each.identity["variant"] for each in stored.history("g2-x1/g=2").series] == ["g=2"]
    assert len(stored.history("g=*").series) == 4
    assert len(stored.history(host="v*").series) == 4
    for asked in ({"network": "nothing"}, {"host": "nobody"}):
        with pytest.raises(UserError, match=r"has no speed of (nothing|any network on nobody): `benchcli store ls"):
            stored.history(**asked)


def test_machines_are_never_mixed(tmp_path: Path) -> None:
    store = store_of(tmp_path / "a", [1.0] * 8)
    others = [run(tmp_path / f"other-{day}", day, 0.5, digest="0123456789ab") for day in range(1, 9)]
    store.add(*others)
    series = store.history(NETWORK).series
    assert sorted(len(each.points) for each in series) == [8, 8]
    assert [each.changes for each in series] == [(), ()]


def test_a_run_with_another_reference_is_computed_from_its_samples(tmp_path: Path) -> None:
    store = store_of(tmp_path, [1.0] * 7)
    other = run(tmp_path / "other", 8)
    table = other / "measurements.csv"
    assert "benchcli:reference/chain" in table.read_text()
    table.write_text(table.read_text().replace("benchcli:reference/chain", "benchcli:reference/arithmetic"))
    store.add(other)
    (series,) = store.history(NETWORK).series
    kept, computed = series.points[0], series.points[-1]
    assert series.identity["reference"] == "benchcli:reference/chain"
    assert computed.speed.estimate == pytest.approx(kept.speed.estimate / NOISE[1], rel=1e-6)


def test_a_time_whose_samples_were_disturbed_is_left_out(tmp_path: Path) -> None:
    store = store_of(tmp_path, [1.0] * 8)
    disturbed = run(tmp_path / "disturbed", 9, 0.5)
    table = disturbed / "measurements.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()]
    for row in rows[1:]:
        row[rows[0].index("excluded")] = row[rows[0].index("samples")]
    table.write_text("".join(",".join(row) + "\n" for row in rows))
    store.add(disturbed)
    history = store.history()
    assert {len(each.points) for each in history.series} == {8}
    assert "4 times are left out, of which over half of the samples were disturbed" in history.show()


def test_too_few_runs_are_said(tmp_path: Path) -> None:
    history = store_of(tmp_path, [1.0] * 5).history()
    assert history.series == ()
    assert "4 networks have fewer than 6 runs" in history.show()


def test_the_page_begins_with_the_latest_change_and_folds_what_did_not_change(stored: Store) -> None:
    page = stored.history().page
    assert page.summary == "1 change of speed, 1 slower, 0 slow drifts: 4 networks followed on 1 machine"
    (table,) = page.tables
    assert table.unchanged == 3
    assert table.rows[0][2] == NETWORK
    assert table.rows[0][4].startswith("✗ -")
    assert table.rows[0][6] == "c12..c13"
    row = page.rows[0]
    assert (row["kind"], row["before_commit"], row["after_commit"]) == ("step", "c12", "c13")
    assert stored.history().show("json").count('"points"') == 4
