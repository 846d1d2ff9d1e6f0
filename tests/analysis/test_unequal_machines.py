"""The machine that differs from its equals is named, and no other one."""

from pathlib import Path

import pytest

from benchcli.api.results_store import Store
from tests.store.simulated import NETWORK, run

pytest.importorskip("duckdb", reason="pip install '.[store]' brings what a store needs")


def test_a_slow_machine_and_a_slow_network_on_one_are_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    usual = [run(tmp_path / f"usual-{number}", host=f"usual-{number}", time=1 + number / 1000) for number in range(6)]
    slow = run(tmp_path / "slow", host="slow", time=1.3)
    partly = run(tmp_path / "partly", host="partly", speed=0.8)
    other = run(tmp_path / "other", host="other", time=2.0, digest="0123456789ab")  # it has no equals
    store.add(*usual, slow, partly, other)
    found = store.outliers()
    assert [(each.host, each.network, round(each.factor, 2)) for each in found.found] == [
        ("slow", "", 1.3),
        ("partly", f"g2-x1/{NETWORK}", 1.25),
    ]
    assert {each.equals for each in found.found} == {7}
    assert "2 machines differ from equal ones by more than 5 %" in found.show()


def test_machines_that_agree_are_not_named(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(*(run(tmp_path / str(number), host=f"host-{number}", time=1 + number / 100) for number in range(5)))
    assert store.outliers().found == ()


def test_of_three_machines_none_is_called_different(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.add(*(run(tmp_path / str(number), host=f"host-{number}", time=1 + number / 2) for number in range(3)))
    assert store.outliers().found == ()
