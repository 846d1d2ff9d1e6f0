"""The table of a machine's operators: what is kept of them, and what is measured again."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchcli.errors import NothingMeasuredError
from benchcli.sampling import operator_table
from benchcli.sampling.artifact_cache import CONTENT, FOLDER
from benchcli.sampling.operator_table import LAUNCHES, Calibration, OperatorTable
from benchcli.schema import Failure, Target
from benchcli.schema.protocol import Conversation, OperatorTimed, Started, Task, WorkerDied
from benchcli.schema.recipes import OperatorRecipe, OperatorTimes

ONE, OTHER, THIRD = (OperatorRecipe("aten.relu.default", ({"shape": [1, n]},)) for n in (1, 2, 3))
TIMES = OperatorTimes(1.0, 2.0, 3.0)
CALIBRATION = Calibration((1.0, 1.0, 1.0, 1e-6), 16e6, 1e-9, 1e-9, (1e-9, 1e-9, 1e-6), (0.0, 0.1), {"a": 1.0, "b": 2.0})


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    return tmp_path / "cache"


class Dying:
    """A worker that ends at one of the recipes whenever it comes to it."""

    def __init__(self, fatal: Sequence[OperatorRecipe], starts: bool = True) -> None:
        self.fatal, self.starts = {each.key for each in fatal}, starts

    def __call__(self, task: Task, silence_s: float) -> Conversation:
        for number, recipe in enumerate(task.recipes):
            if self.starts:
                yield Started("operators", str(number))
            if recipe.key in self.fatal:
                yield WorkerDied(Failure("crashed", "its process was ended by signal SIGSEGV"))
                return False
            yield OperatorTimed(number, TIMES)
        return True


def test_the_fastest_launch_counts_in_each_state() -> None:
    table = OperatorTable("d")
    table.add(
        [
            (ONE, OperatorTimed(0, OperatorTimes(1.0, 5.0, 6.0))),
            (ONE, OperatorTimed(0, OperatorTimes(2.0, 4.0, 7.0))),
            (OTHER, OperatorTimed(1, None, "it needs a mask")),
        ]
    )
    assert table.times == {ONE.key: OperatorTimes(1.0, 4.0, 6.0)}
    assert table.failures == {OTHER.key: "it needs a mask"}
    assert table.lacking([ONE, OTHER, THIRD, THIRD]) == [THIRD]


def test_an_operator_that_ends_its_process_is_left_out_and_the_others_are_timed() -> None:
    found = operator_table.measure([ONE, OTHER, THIRD], Target(), Dying([OTHER]))
    table = OperatorTable("d")
    table.add(found)
    assert set(table.times) == {ONE.key, THIRD.key}
    assert table.failures == {OTHER.key: "its process was ended by signal SIGSEGV"}
    assert len(found) == 3 * LAUNCHES


def test_what_a_worker_has_not_said_when_it_ends_is_timed_again() -> None:
    def late(task: Task, silence_s: float) -> Conversation:
        yield from (Started("operators", str(number)) for number in range(len(task.recipes)))
        for number, recipe in enumerate(task.recipes):  # it says the times of all of them together, at the end
            yield Started("operators", str(number))
            if recipe == OTHER:
                yield WorkerDied(Failure("crashed", "its process was ended by signal SIGSEGV"))
                return False
        yield from (OperatorTimed(number, TIMES) for number in range(len(task.recipes)))
        return True

    found = operator_table.measure([ONE, OTHER, THIRD], Target(), late)
    table = OperatorTable("d")
    table.add(found)
    assert set(table.times) == {ONE.key, THIRD.key}
    assert set(table.failures) == {OTHER.key}


def test_times_are_kept_at_the_pace_of_the_first_launches() -> None:
    table = OperatorTable("d")
    table.add([(ONE, OperatorTimed(0, TIMES, reference_s=0.5)), (ONE, OperatorTimed(0, TIMES, reference_s=1.0))])
    assert table.reference_s == 0.5
    assert table.times[ONE.key] == TIMES  # at the pace of the faster of two launches
    table.add([(OTHER, OperatorTimed(0, TIMES, reference_s=0.25))])
    assert table.times[OTHER.key] == TIMES.scaled(2.0)
    assert table.reference_s == 0.5


def test_what_was_disturbed_in_all_launches_is_timed_again_and_may_only_get_shorter() -> None:
    table = OperatorTable("d")
    table.add([(ONE, OperatorTimed(0, TIMES, disturbed=True)), (OTHER, OperatorTimed(1, TIMES, disturbed=True))])
    table.add([(OTHER, OperatorTimed(1, TIMES, disturbed=True)), (OTHER, OperatorTimed(1, TIMES))])
    assert table.lacking([ONE, OTHER]) == [ONE]
    operator_table.keep(table)
    kept = operator_table.fetch("d")
    assert kept.disturbed == (ONE.key,)
    kept.add([(ONE, OperatorTimed(0, TIMES.scaled(2.0), disturbed=True))])
    assert (kept.times[ONE.key], kept.disturbed) == (TIMES, (ONE.key,))
    kept.add([(ONE, OperatorTimed(0, TIMES.scaled(2.0)))])
    assert kept.times[ONE.key] == TIMES.scaled(2.0)
    assert not kept.disturbed
    operator_table.keep(kept)
    assert operator_table.fetch("d").disturbed == ()


def test_a_worker_that_does_not_start_is_said() -> None:
    with pytest.raises(NothingMeasuredError, match="no worker could start"):
        operator_table.measure([ONE], Target(), Dying([ONE], starts=False))


def test_two_that_keep_a_table_lose_nothing() -> None:
    one, other = OperatorTable("d", {ONE.key: TIMES}), OperatorTable("d", {OTHER.key: TIMES}, calibration=CALIBRATION)
    operator_table.keep(one)
    operator_table.keep(other)
    found = operator_table.fetch("d")
    assert set(found.times) == {ONE.key, OTHER.key}
    assert found.calibration == CALIBRATION
    assert operator_table.fetch("other").times == {}


def test_a_damaged_table_is_none(cache: Path) -> None:
    operator_table.keep(OperatorTable("d", {ONE.key: TIMES}))
    (content,) = cache.rglob(CONTENT)
    content.write_text('{"digest": "d", "times": {"x": 1}}')
    assert operator_table.fetch("d") == OperatorTable("d")


def test_a_table_depends_on_torch_the_device_and_what_changes_times() -> None:
    torch, device = {"torch": "2.13.0"}, {"card": "a"}
    here = operator_table.digest_of(torch, device, Target())
    assert operator_table.digest_of(torch, device, Target(cache="cold")) == here
    others = [
        operator_table.digest_of({"torch": "2.14.0"}, device, Target()),
        operator_table.digest_of(torch, {"card": "b"}, Target()),
        operator_table.digest_of(torch, device, Target(threads=2)),
        operator_table.digest_of(torch, device, Target(flush_denormal=True)),
    ]
    assert len({here, *others}) == 5
