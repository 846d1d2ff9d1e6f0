"""Networks and layers have places on the roofline where the roofs of their machine are known."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import benchcli
from benchcli.analysis.places import PLACE_COLUMNS
from benchcli.api.run_result import Run
from benchcli.backends.devices.fake import BANDWIDTH, PEAK
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.sampling.artifact_cache import FOLDER
from benchcli.schema.protocol import Reached
from tests.conftest import Outcome
from tests.said_roofs import Said

Cli = Callable[..., Outcome]
DISPATCH_S = 1e-6


def simulated(cache_bytes: int) -> Said:
    """The simulated device, with a cache that is ten times as fast as its memory."""
    return Said(
        [
            Reached("product", "float32", (PEAK / 2,)),
            Reached("read", "cache", (10 * BANDWIDTH,), cache_bytes),
            Reached("read", "memory", (BANDWIDTH,)),
            Reached("dispatch", "", (1 / DISPATCH_S,)),
        ]
    )


SIMULATED = simulated(1000)  # no operator here moves so little
SMALL = ("guideline", "g2", "--width", "16", "--device", "fake", "--launches", "6")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def known(cache: Path, cli: Cli) -> Path:
    """The roofs of the simulated device are known."""
    assert cli("device", "--device", "fake", "--peaks", launcher=SIMULATED).code == 0
    return cache


def rows_of(found: Outcome) -> list[dict[str, str]]:
    assert found.code == 0, found.err
    return list(csv.DictReader(io.StringIO(found.out)))


def test_the_model_is_exact_where_the_device_follows_it(known: Path, cli: Cli) -> None:
    for row in rows_of(cli(*SMALL, "--format", "csv")):
        flops, moved, seconds = int(row["flops"]), int(row["mac_bytes"]), float(row["median_s"])
        assert row["operators"] == "10"
        assert float(row["model_s"]) == pytest.approx(seconds + 10 * DISPATCH_S, rel=1e-6)
        assert float(row["intensity"]) == pytest.approx(flops / moved)
        roof = min(PEAK / 2, BANDWIDTH * flops / moved)
        assert float(row["roof_share"]) == pytest.approx(flops / seconds / roof)
        assert row["bound"] == ("compute" if flops / (PEAK / 2) > moved / BANDWIDTH else "memory")


def test_a_table_has_the_place_and_leaves_it_out_first(known: Path, cli: Cli) -> None:
    assert cli(*SMALL, "--output", "run").code == 0
    run = benchcli.load("run")
    assert isinstance(run, Run)
    columns = run.page.tables[0].columns
    places = [each for each in columns if each.heading in {"mult-adds/B", "model ms", "of roof", "bound by"}]
    assert len(places) == 4
    assert max(each.priority or 0 for each in places) < min(each.priority for each in columns[:-4] if each.priority)


def test_without_roofs_there_are_no_such_columns(cache: Path, cli: Cli) -> None:
    found = cli(*SMALL, "--format", "csv", "--output", "run")
    assert not {*PLACE_COLUMNS} & {*rows_of(found)[0]}
    assert "of roof" not in cli("show", "run", "--format", "markdown").out
    assert not cache.exists()


def test_a_run_keeps_the_roofs_that_were_known(known: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows_of(cli(*SMALL, "--format", "csv", "--output", "run"))
    (roofs,) = json.loads(Path("run/environment.json").read_text())["roofs"]
    assert roofs["peaks"]["float32"]["product"] == PEAK / 2
    monkeypatch.setenv(FOLDER, "")
    assert rows_of(cli("show", "run", "--format", "csv")) == before
    assert before[0]["bound"]


def test_an_earlier_run_gets_the_roofs_that_are_known_now(cache: Path, cli: Cli) -> None:
    assert "bound" not in rows_of(cli(*SMALL, "--format", "csv", "--output", "run"))[0]
    assert cli("device", "--device", "fake", "--peaks", launcher=SIMULATED).code == 0
    assert rows_of(cli("show", "run", "--format", "csv"))[0]["bound"]


def test_runs_with_and_without_roofs_are_shown_together(cache: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("device", "--device", "fake", "--peaks", launcher=SIMULATED).code == 0
    assert cli(*SMALL, "--output", "placed").code == 0
    monkeypatch.setenv(FOLDER, "")
    assert cli(*SMALL, "--output", "plain").code == 0
    orders: list[list[str]] = [["placed", "plain"], ["plain", "placed"]]
    for order in orders:
        rows = rows_of(cli("show", *order, "--format", "csv"))
        assert [bool(row["bound"]) for row in rows] == [order[0] == "placed"] * 4 + [order[1] == "placed"] * 4


def test_roofs_of_other_threads_place_nothing(known: Path, cli: Cli) -> None:
    one, two = (rows_of(cli(*SMALL, "--threads", "1,2", "--format", "csv"))[number] for number in (0, -1))
    assert (one["threads"], bool(one["bound"])) == ("1", True)
    assert (two["threads"], two["bound"]) == ("2", "")


def test_a_dtype_without_a_peak_has_no_place(known: Path, cli: Cli) -> None:
    assert {row["bound"] for row in rows_of(cli(*SMALL, "--dtype", "float64", "--format", "csv"))} == {""}


def test_a_runtime_that_computes_in_another_dtype_has_no_place(
    known: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(RUNTIMES["graph"]), "computes_in", lambda *_: "int8")
    rows = rows_of(cli(*SMALL, "--runtime", "eager,graph", "--format", "csv"))
    assert {(row["runtime"], bool(row["bound"])) for row in rows} == {("eager", True), ("graph", False)}


def test_what_dispatches_no_operators_has_no_overhead(known: Path, cli: Cli) -> None:
    for row in rows_of(cli(*SMALL, "--runtime", "graph", "--format", "csv")):
        assert float(row["model_s"]) == pytest.approx(float(row["median_s"]), rel=1e-6)


def test_layers_have_places_too(known: Path, cli: Cli) -> None:
    words = ("network", "mobilenet-v1-0.25", "--size", "32", "--device", "fake", "--launches", "6", "--layers")
    assert cli(*words, "--output", "run").code == 0
    run = benchcli.load("run")
    assert isinstance(run, Run)
    frame = run.layers.to_frame()
    stem = frame[frame["flops"] > 0].iloc[0]
    work_s = max(stem["flops"] / (PEAK / 2), stem["mac_bytes"] / BANDWIDTH)
    assert stem["roof_share"] == pytest.approx(work_s / stem["seconds"])
    assert stem["operators"] == 1
    terms = stem["flops"] / (PEAK / 2) + stem["mac_bytes"] / BANDWIDTH + DISPATCH_S
    assert stem["model_s"] == pytest.approx(terms)
    assert sum(frame["operators"]) == run.records[0].costs.operators  # type: ignore[union-attr]
    data: Any = run.page.data
    (network,) = (each for each in data["modules"] if each["depth"] == 0)
    assert network["place"]["intensity"] == pytest.approx(run.page.rows[0]["intensity"])
    assert "bound by" in run.show("markdown")


@pytest.mark.parametrize(("state", "bandwidth"), [("warm", 10 * BANDWIDTH), ("cold", BANDWIDTH)])
def test_cold_caches_leave_the_bandwidth_of_the_memory(cache: Path, cli: Cli, state: str, bandwidth: float) -> None:
    assert cli("device", "--device", "fake", "--peaks", launcher=simulated(10**9)).code == 0
    row = rows_of(cli(*SMALL, "--cache", state, "--format", "csv"))[0]
    terms = 2 * int(row["flops"]) / PEAK, int(row["mac_bytes"]) / bandwidth, 10 * DISPATCH_S
    assert float(row["model_s"]) == pytest.approx(sum(terms))


def test_damaged_roofs_in_a_run_are_named(known: Path, cli: Cli) -> None:
    assert cli(*SMALL, "--output", "run").code == 0
    path = Path("run/environment.json")
    data = json.loads(path.read_text())
    data["roofs"][0]["levels"] = []
    path.write_text(json.dumps(data))
    found = cli("show", "run")
    assert found.code == 2
    assert "roofs: 0" in found.err
    assert len(found.err.splitlines()) == 1
