"""A check beside a store: the level of many runs is known better than that of one, and slow drifts are seen."""

import csv
import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Outcome
from tests.store.simulated import SPEEDS

pytest.importorskip("duckdb", reason="pip install '.[store]' brings what a store needs")
Cli = Callable[..., Outcome]
SUITE = '[[family]]\nguideline = "g2"\nwidths = 16\n'
NOISE = np.exp(np.random.default_rng(0).normal(0, 0.003, 60)).tolist()
SLOWER = "g=8"
"""The network whose speeds a test changes."""


@pytest.fixture
def history(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Record a suite once, keep copies of that run at other speeds in a store, and check the suite beside these."""
    monkeypatch.chdir(tmp_path)
    Path("ours.toml").write_text(SUITE)
    assert cli("run", "ours.toml", "--device", "fake", "--output", "first").code == 0

    def check(speeds: Sequence[float], *arguments: str) -> Outcome:
        for day, speed in enumerate(speeds, 1):
            _copied(Path(f"run-{day}"), day, speed)
        if speeds:
            assert cli("store", "add", *(f"run-{day + 1}" for day in range(len(speeds))), "--store", "store").code == 0
        return cli("check", "ours.toml", "--history", "store", "--device", "fake", *arguments)

    return check


def _copied(folder: Path, day: int, speed: float) -> None:
    shutil.copytree("first", folder)
    (folder / ".lock").unlink(missing_ok=True)
    facts = json.loads((folder / "environment.json").read_text())
    facts |= {"run": f"{day:02}-ours", "started": f"2026-01-{day:02}T00:00:00Z", "commit": f"c{day:02}"}
    (folder / "environment.json").write_text(json.dumps(facts))
    rows = list(csv.DictReader(io.StringIO((folder / "measurements.csv").read_text())))
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    for number, row in enumerate(rows):
        factor = NOISE[(day + 7 * number) % len(NOISE)] * (speed if row["variant"] == SLOWER else 1.0)
        writer.writerow({**row, **{name: repr(float(row[name]) * factor) for name in SPEEDS if row[name]}})
    (folder / "measurements.csv").write_text(text.getvalue())


def times(found: Outcome) -> dict[str, tuple[str, str]]:
    listed = json.loads(found.out)["findings"]
    return {each["variant"]: (each["outcome"], each["text"]) for each in listed if each["subject"] == "time"}


def test_a_network_at_the_level_of_its_series_is_the_same(history: Callable[..., Outcome]) -> None:
    found = history([1.0] * 12, "--format", "json")
    assert found.code == 0, found.err
    assert {outcome for outcome, _ in times(found).values()} == {"same"}
    assert all("beside the 12 runs since 2026-01-01 (c01)" in text for _, text in times(found).values())


def test_a_slowdown_that_one_run_would_not_show_fails(history: Callable[..., Outcome]) -> None:
    """It is 4 % slower than before; beside the last run alone, 5 % would be needed."""
    found = history([1.04] * 12, "--format", "json")
    assert found.code == 3
    assert {name for name, (outcome, _) in times(found).items() if outcome == "slower"} == {SLOWER}


def test_only_the_level_since_the_last_change_counts(history: Callable[..., Outcome]) -> None:
    found = history([1.3] * 8 + [1.0] * 8, "--format", "json")
    assert found.code == 0
    assert "beside the 8 runs since 2026-01-09 (c09)" in times(found)[SLOWER][1]


def test_a_slow_drift_fails_though_no_step_of_it_would(history: Callable[..., Outcome]) -> None:
    found = history([1.005 ** (20 - day) for day in range(20)], "--format", "json")
    assert found.code == 3
    outcome, text = times(found)[SLOWER]
    assert outcome == "slower"
    assert "in a slow drift over" in text


def test_a_short_series_says_so_and_the_last_run_judges(history: Callable[..., Outcome]) -> None:
    found = history([1.0] * 3, "--format", "json")
    assert found.code == 0
    assert all("beside the last run alone: store has fewer than 6 runs" in text for _, text in times(found).values())


def test_a_re_run_asks_the_same_store(history: Callable[..., Outcome]) -> None:
    assert "--history store" in history([1.04] * 12).out


def test_another_suites_store_has_nothing_to_compare(history: Callable[..., Outcome], cli: Cli) -> None:
    history([1.0] * 6)
    Path("others.toml").write_text(SUITE.replace("g2", "g4"))
    found = cli("check", "others.toml", "--history", "store", "--device", "fake")
    assert (found.code, found.err.count("\n")) == (4, 1)
    assert "store has no run of others: measure others.toml with --store store" in found.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--baseline", "first"), "--history says itself what to compare with: leave --baseline out"),
        (("--base", "HEAD"), "leave --base out"),
        (("--head", "HEAD"), "leave it out beside --history"),
    ],
)
def test_what_does_not_go_with_a_history_is_refused(
    history: Callable[..., Outcome], arguments: tuple[str, ...], said: str
) -> None:
    found = history([1.0] * 6, *arguments)
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert said in found.err


def test_a_store_that_is_not_there_is_said(history: Callable[..., Outcome]) -> None:
    found = history([])
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "store is not a store of results" in found.err
