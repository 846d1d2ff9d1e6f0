"""Roofs are what the fastest launch reaches; they are kept, and measured anew when they are not there."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import benchcli
from benchcli.backends.devices.fake import BANDWIDTH, LAUNCH_S, PEAK
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.sampling.artifact_cache import CONTENT, FOLDER
from benchcli.sampling.measured_roofs import LAUNCHES
from benchcli.sampling.roof_rates import OPERATORS
from benchcli.schema import Failure
from benchcli.schema.protocol import Launcher, Reached, WorkerDied
from benchcli.schema.roofs import Roofs
from benchcli.settings import DTYPES
from benchcli.workers.tools import Tools
from tests.conftest import simulated
from tests.said_roofs import Said

REACHED = (
    Reached("product", "float32", (40.0, 50.0, 30.0)),
    Reached("convolution", "float32", (45.0,)),
    Reached("read", "L2", (9.0, 8.0), 1000),
    Reached("read", "memory", (5.0,)),
    Reached("copy", "memory", (6.0,)),
    Reached("dispatch", "", (4.0, 2.0)),
)


def peaks(launcher: Launcher, **settings: Any) -> Roofs:
    return benchcli.peaks(device="fake", tools=simulated(launcher), **settings).roofs


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_roofs_of_the_simulated_device_are_exact(tools: Callable[[], Tools]) -> None:
    roofs = benchcli.peaks(device="fake", tools=tools()).roofs
    assert set(roofs.peaks) == set(DTYPES)
    for peak in roofs.peaks.values():
        assert [peak.product, peak.convolution] == pytest.approx([PEAK / 2, PEAK / 2])
    (memory,) = roofs.levels
    assert memory.rates == dict.fromkeys(("read", "copy", "triad"), pytest.approx(BANDWIDTH))
    assert roofs.dispatch_s == pytest.approx(LAUNCH_S / OPERATORS)
    assert roofs.spread == pytest.approx(0.0, abs=1e-6)
    assert not roofs.is_noisy
    assert roofs.ridge("float32") == pytest.approx(PEAK / 2 / BANDWIDTH)


def test_the_fastest_repetition_of_all_launches_counts(cache: Path) -> None:
    slower = [replace(each, rates=tuple(rate * 0.95 for rate in each.rates)) for each in REACHED]
    roofs = peaks(Said(slower, REACHED, slower))
    assert (roofs.peaks["float32"].product, roofs.peaks["float32"].convolution) == (50.0, 45.0)
    assert [(each.name, each.size, each.best) for each in roofs.levels] == [("L2", 1000, 9.0), ("memory", None, 6.0)]
    assert roofs.dispatch_s == 0.25
    assert roofs.spread == pytest.approx(1 / 0.95 - 1)  # repetitions differ more: some were interrupted
    assert not roofs.is_noisy


def test_roofs_that_are_not_reached_again_are_said_to_be_noisy(cache: Path) -> None:
    slower = [*REACHED[1:], replace(REACHED[0], rates=(40.0,))]
    slowest = [*REACHED[1:], replace(REACHED[0], rates=(1.0,))]
    assert not peaks(Said(REACHED, slowest, REACHED), fresh=True).is_noisy  # it was reached again
    found = benchcli.peaks(device="fake", fresh=True, tools=simulated(Said(slower, REACHED, slowest)))
    assert found.roofs.is_noisy
    assert "the fastest launch is 25 % above the others" in str(found)
    assert found.page.data["warnings"][0]["amount"] == 0.25  # type: ignore[call-overload]


def test_they_are_measured_once_and_renewed_when_asked(cache: Path) -> None:
    said = Said(REACHED)
    first = peaks(said)
    assert (said.asked, peaks(said), said.asked) == (LAUNCHES, first, LAUNCHES)
    faster = Said([replace(REACHED[0], rates=(80.0,)), *REACHED[1:]])
    assert peaks(faster, fresh=True).peak("float32") == 80.0
    assert peaks(said).peak("float32") == 80.0
    assert said.asked == LAUNCHES


def test_other_threads_and_allocators_have_roofs_of_their_own(cache: Path) -> None:
    digests = {peaks(Said(REACHED), **each).digest for each in ({}, {"threads": 2}, {"allocator": "system"})}
    assert len(digests) == len(list(cache.iterdir())) == 3


def damages() -> Iterator[tuple[str, Callable[[Path], object]]]:
    yield "cut short", lambda kept: kept.write_text(kept.read_text()[:-20])
    yield "no roofs", lambda kept: kept.write_text("[]")
    yield "of other roofs", lambda kept: _rewritten(kept, digest="0" * 12)
    yield "without a level", lambda kept: _rewritten(kept, levels=[])
    yield "not finite", lambda kept: _rewritten(kept, dispatch_s=float("inf"))
    yield "nested", lambda kept: kept.write_text("[" * 100_000)
    yield "not text", lambda kept: kept.write_bytes(b"\xff\xfe")


def _rewritten(kept: Path, **changes: object) -> None:
    kept.write_text(json.dumps({**json.loads(kept.read_text()), **changes}))


@pytest.mark.parametrize("is_signed", [False, True], ids=["as it is", "with its hash"])
@pytest.mark.parametrize("damage", [each for _, each in damages()], ids=[name for name, _ in damages()])
def test_a_damaged_file_is_measured_anew(cache: Path, damage: Callable[[Path], object], is_signed: bool) -> None:
    said = Said(REACHED)
    first = peaks(said)
    (entry,) = cache.iterdir()
    damage(entry / CONTENT)
    if is_signed:
        _sign(entry)
    assert replace(peaks(said), measured=first.measured) == first
    assert said.asked == 2 * LAUNCHES
    assert peaks(said)
    assert said.asked == 2 * LAUNCHES


def _sign(entry: Path) -> None:
    """Write the hash of what is there now, as a program of others would."""
    from benchcli.sampling.artifact_cache import FACTS, _hash_of

    facts = json.loads((entry / FACTS).read_text())
    (entry / FACTS).write_text(json.dumps({**facts, "sha256": _hash_of(entry / CONTENT)}))


def test_without_a_cache_they_are_measured_each_time() -> None:
    said = Said(REACHED)
    assert peaks(said).peaks == peaks(said).peaks
    assert said.asked == 2 * LAUNCHES


@pytest.mark.parametrize(
    ("reached", "why"),
    [
        ((), "the worker reached nothing"),
        ((WorkerDied(Failure("out-of-memory", "the kernel killed it")),), "the kernel killed it"),
        (REACHED[:3], "the memory's bandwidth could not be measured"),
    ],
)
def test_what_cannot_be_measured_says_why(reached: Any, why: str) -> None:
    with pytest.raises(NothingMeasuredError, match=f"no.*: {why}"):
        peaks(Said(reached))


def test_a_dtype_that_torch_lacks_has_no_peak() -> None:
    assert peaks(Said(REACHED)).peak("float16") is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"runtime": "graph"}, "unknown setting 'runtime'"),
        ({"cache": "cold"}, "unknown setting 'cache'"),
        ({"threads": 0}, "threads"),
        ({"quick": True}, "unknown setting 'quick'"),
    ],
)
def test_settings_that_roofs_do_not_have_are_refused(settings: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        peaks(Said(REACHED), **settings)
