"""Files of several settings are prepared beside each other, each by a launcher of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Barrier, Event

import pytest

from benchcli.errors import NothingMeasuredError
from benchcli.sampling.prepared_files import UNPREPARED, PreparedFiles, in_parts
from benchcli.sampling.worker_reports import Failures
from benchcli.schema import Failure, Target
from benchcli.schema.protocol import Conversation, Done, Exported, Launcher, Started, Task, WorkerDied
from benchcli.workers.tools import Tools
from benchcli.workloads.references import with_references
from tests.values import COSTS, family, variant

FAMILIES = [family(variant("one"), variant("two"), name=name) for name in "abcd"]
COUNTED = {(of.name, each.name): COSTS for of in FAMILIES for each in of.variants}


def files(folder: Path, announce: Callable[[str], None] = lambda _doing: None) -> PreparedFiles:
    return PreparedFiles(Target(runtime="onnxruntime"), COUNTED, Failures(), {}, folder, announce)


def exporting(task: Task) -> Iterator[Exported | Started]:
    for of in task.families:
        for each in of.variants:
            yield Started(of.name, each.name)
            yield Exported(of.name, each.name, 1.0, 10)


@contextmanager
def entered(launcher: Launcher, ended: list[str]) -> Iterator[Launcher]:
    try:
        yield launcher
    finally:
        ended.append("ended")


def test_launchers_prepare_settings_beside_each_other(tmp_path: Path) -> None:
    """Each launcher waits for the other within a task: one after the other, they would wait for ever."""
    both, ended, said = Barrier(2), list[str](), list[str]()

    def launch(task: Task, _silence: float) -> Conversation:
        both.wait(timeout=60)
        yield from exporting(task)
        yield Done()
        return True

    prepared = files(tmp_path, said.append)
    prepared.write(FAMILIES, launch, [entered(launch, ended), entered(launch, ended)])
    assert set(prepared.exported) == set(prepared.artifacts) == set(COUNTED)
    assert len(set(prepared.artifacts.values())) == len(COUNTED)
    assert sorted(said) == [f"preparing {name} in onnxruntime, {n} of 4" for n, name in enumerate("abcd", 1)]
    assert (ended, prepared.failures.by_key) == (["ended"] * 2, {})


@pytest.mark.parametrize("count", [0, 1, 2])
def test_what_one_setting_lacks_costs_the_others_nothing(count: int, tmp_path: Path) -> None:
    deaths = {"b": Failure("timeout", "no sign of life"), "c": Failure("crashed", "SIGSEGV")}

    def launch(task: Task, _silence: float) -> Conversation:
        (of,) = task.families
        if of.name in deaths:
            yield Started(of.name, of.variants[0].name)
            yield WorkerDied(deaths[of.name])
            return False
        if of.name == "d":
            yield Exported("d", "one", 1.0, 10)
        else:
            yield from exporting(task)
        yield Done()
        return True

    prepared = files(tmp_path)
    prepared.write(FAMILIES, launch, [entered(launch, []) for _ in range(count)])
    assert set(prepared.exported) == {("a", "one"), ("a", "two"), ("d", "one")}
    assert prepared.failures.by_key == {
        **{(name, each): deaths[name] for name in "bc" for each in ("one", "two")},
        ("d", "two"): Failure("failed", UNPREPARED),
    }


def test_what_ends_one_launcher_ends_all(tmp_path: Path) -> None:
    """Nothing more is started then: a process that came later would be nobody's."""
    begun, over, started = Event(), Event(), list[str]()

    def ends(_task: Task, _silence: float) -> Conversation:
        begun.wait(timeout=60)
        yield WorkerDied(Failure("crashed", "no torch today"))
        return False

    def goes_on(task: Task, _silence: float) -> Conversation:
        started.append(task.families[0].name)
        begun.set()
        over.wait(timeout=60)
        yield WorkerDied(Failure("crashed", "its block has ended"))
        return False

    @contextmanager
    def ended(launcher: Launcher) -> Iterator[Launcher]:
        try:
            yield launcher
        finally:
            over.set()

    blocks: list[AbstractContextManager[Launcher]] = [ended(ends), ended(goes_on)]
    with pytest.raises(NothingMeasuredError, match="no worker could start"):
        files(tmp_path).write(FAMILIES, ends, blocks)
    assert len(started) == 1


def test_one_setting_needs_no_launcher_of_its_own() -> None:
    assert Tools(exports_at_once=4).exporters(1) == []
    assert Tools(exports_at_once=1).exporters(9) == []
    assert len(Tools(exports_at_once=2).exporters(9)) == 2


def test_more_exporters_than_settings_share_the_networks_of_one() -> None:
    of = with_references(family(*map(variant, "abc")))
    assert in_parts(of, 1) == [of]
    parts = [[each.name.rpartition("/")[-1] for each in part.launched] for part in in_parts(of, 2)]
    assert parts == [["a", "c", "chain"], ["b", "arithmetic"]]
    assert [len(part.launched) for part in in_parts(of, 9)] == [1] * 5


def test_only_slow_exports_have_several_processes(tmp_path: Path) -> None:
    def parts_in(runtime: str) -> list[int]:
        seen: list[int] = []

        def launch(task: Task, _silence: float) -> Conversation:
            seen.append(len(task.families[0].variants))
            yield from exporting(task)
            yield Done()
            return True

        prepared = PreparedFiles(Target(runtime=runtime), COUNTED, Failures(), {}, tmp_path, lambda _doing: None)
        prepared.write(FAMILIES[:1], launch, [entered(launch, []) for _ in range(prepared.at_once(FAMILIES[:1]))])
        assert set(prepared.exported) == {("a", "one"), ("a", "two")}
        return seen

    assert parts_in("onnxruntime") == [2]
    assert parts_in("compile") == [1, 1]
