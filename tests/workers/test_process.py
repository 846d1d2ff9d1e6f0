"""Real worker processes, and everything that can become of them."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil
import pytest

import benchcli
from benchcli.errors import ChangedError, NothingMeasuredError, UserError
from benchcli.sampling.supervise import survey
from benchcli.schema import FamilyResult, Source, Target
from benchcli.schema.protocol import (
    SURVEY,
    Described,
    Done,
    Event,
    FilesRead,
    Launcher,
    Task,
    WorkerDied,
)
from benchcli.system import interpreters
from benchcli.workers import process
from benchcli.workers.process import FORKS, Workers
from benchcli.workers.variables import worker_environment
from tests.conftest import in_process
from tests.values import family, variant
from tests.workers.faulty_runs import QUICK, WRONG, check_deaths, check_late_deaths, measured_kinds, statuses
from tests.workers.stand_in import stand_ins

pytestmark = pytest.mark.measured
FORKED = pytest.mark.skipif(not FORKS, reason="on this system launches are not forked")
Measured = Callable[..., FamilyResult]


@pytest.fixture(autouse=True)
def faulty_networks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


@pytest.fixture(params=[pytest.param(True, marks=FORKED), False], ids=["forked", "fresh"])
def launcher(request: pytest.FixtureRequest) -> Iterator[Launcher]:
    """What launches stand-ins for workers: forks of one process, or processes that begin at nothing."""
    with stand_ins(), Workers(forks=request.param) as launcher:
        yield launcher


@pytest.fixture
def stood_in(launcher: Launcher) -> Measured:
    return partial(measured_kinds, launcher)


def test_a_death_is_told_apart_in_forks_and_in_fresh_processes(stood_in: Measured) -> None:
    check_deaths(stood_in(*WRONG, "reads", "prints"), {"reads": "ok", "prints": "ok"})


def test_a_worker_that_hangs_is_ended_and_the_rest_measured(stood_in: Measured) -> None:
    result = stood_in("fine", "hangs", silence_s=2.0)
    assert statuses(result) == {"fine": "ok", "hangs": "timeout"}


def test_so_is_one_in_forks_and_in_fresh_processes(stood_in: Measured) -> None:
    check_late_deaths(stood_in("fine", "dies_late", "raises_late", "prints"))


def test_a_baseline_without_a_time_leaves_the_others_theirs(stood_in: Measured) -> None:
    result = stood_in("raises", "fine")
    assert result.records[1].timing is not None
    assert result.records[1].timing.relative is None


def test_a_device_that_is_not_there_is_refused_with_what_is() -> None:
    import torch

    if torch.backends.mps.is_available():
        pytest.skip("this machine has an Apple GPU")
    with pytest.raises(UserError, match=r"no device 'mps' here: .*there is .*cpu \(CPU\)"):
        survey([family(variant("a"))], Target(device="mps"), QUICK, Workers(forks=False).run)


@pytest.mark.parametrize("forks", [pytest.param(True, marks=FORKED), False])
def test_a_worker_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch, forks: bool) -> None:
    monkeypatch.setattr(process, "_PROGRAM", "import no_such_module")
    with Workers(forks) as launcher, pytest.raises(NothingMeasuredError, match="No module named 'no_such_module'"):
        survey([family(variant("a"))], Target(), QUICK, launcher)


def listener_of(families: str, forks: bool) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """Start a process that listens to a survey of these families; return it and, when all are up, its workers."""
    program = (
        f"import sys; sys.path[:0] = [{str(Path(__file__).parents[2])!r}]\n"
        "from tests.values import COSTS, family, variant\n"
        "from benchcli.workers import process\n"
        "from tests.workers.stand_in import PROGRAM\n"
        "process._PROGRAM = PROGRAM\n"
        "from benchcli.schema.protocol import SURVEY, Task\n"
        "from benchcli.schema import Target\n"
        f"task = Task(SURVEY, Target(), tuple({families}), {{}})\n"
        f"with process.Workers({forks}) as launcher:\n"
        "    for event in launcher(task, 60): print(event, flush=True)\n"
    )
    listener = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert listener.stdout
    listener.stdout.readline()
    return listener, psutil.Process(listener.pid).children(recursive=True)


def kill_outright(listener: subprocess.Popen[str]) -> None:
    os.kill(listener.pid, signal.SIGKILL)
    listener.wait()
    assert listener.stdout
    listener.stdout.close()


@pytest.mark.parametrize("forks", [pytest.param(True, marks=FORKED), False])
def test_a_worker_ends_with_its_listener(forks: bool) -> None:
    """A listener that is killed outright cannot end its worker: the worker finds the pipe closed."""
    listener, alive = listener_of("family(variant(str(n))) for n in range(5000)", forks)
    assert len(alive) == 1 + forks
    kill_outright(listener)
    assert psutil.wait_procs(alive, timeout=120)[1] == []


def test_closing_the_listening_ends_the_worker(launcher: Launcher) -> None:
    events = launcher(Task(SURVEY, Target(), (family(variant("a", "hangs")),), {}), 60)
    assert isinstance(next(events), Described)
    children = psutil.Process().children(recursive=True)
    events.close()
    _, alive = psutil.wait_procs(children, timeout=120)
    assert alive == []


@FORKED
@pytest.mark.usefixtures("standing_in")
def test_a_fork_server_forks_a_fresh_process_for_each_task_and_is_renewed() -> None:
    parents: list[int] = []
    children: set[int] = set()
    with Workers(forks=True, renew=2) as launcher:
        for _ in range(4):
            for event in launcher(Task(SURVEY, Target(), (), {}), 60):
                (server,) = psutil.Process().children()
                if isinstance(event, Described):
                    children.add(event.device["pid"])
            parents.append(server.pid)
    assert parents[0] == parents[1] != parents[2] == parents[3]
    assert len(children - {*parents}) == 4
    assert parents[0] not in psutil.pids()


@FORKED
@pytest.mark.usefixtures("standing_in")
def test_fork_servers_started_ahead_take_turns_and_are_all_ended() -> None:
    parents: list[int] = []
    with Workers(renew=1, ahead=(Target(), Target(), Target(threads=2))) as launcher:
        servers = psutil.Process().children()
        for target in (Target(), Target(), Target(), Target(threads=2)):
            events = list(launcher(Task(SURVEY, target, (), {}), 60))
            assert isinstance(events[-1], Done)
            parents += [each.device["ppid"] for each in events if isinstance(each, Described)]
        assert len(servers) == 3
        assert parents[:2] + parents[3:] == [each.pid for each in servers]
        assert parents[2] not in parents[:2]
        assert len(psutil.Process().children()) == 3  # of each target the one in use, and one that waits
    with Workers(ahead=(Target(),)):
        (server,) = psutil.Process().children()
    assert not server.is_running()


@FORKED
def test_a_fork_server_that_cannot_load_is_waited_for_no_longer_than_it_lives() -> None:
    with Workers(python=shutil.which("false") or "", ahead=(Target(), Target())) as launcher:
        events = list(launcher(Task(SURVEY, Target(), (), {}), 60))
    assert [type(each) for each in events] == [WorkerDied]


def test_a_file_that_changes_between_two_workers_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    code = tmp_path / "nets.py"
    code.write_text("from torch import nn\ndef net(): return nn.ReLU()\n")
    network = replace(variant("a"), builder="nets:net", params={}, source=Source(str(tmp_path), "first"))
    task = Task(SURVEY, Target(), (family(network),), {})
    with Workers() as launcher:
        for _ in range(2):
            events = list(launcher(task, 60))
            assert [list(each.hashes) for each in events if isinstance(each, FilesRead)] == [[str(code)]]
        code.write_text("from torch import nn\ndef net(): return nn.GELU()\n")
        with pytest.raises(ChangedError, match=r"nets\.py changed while it was measured"):
            list(launcher(task, 60))


@FORKED
def test_a_fork_server_outlives_a_child_that_dies_and_ends_what_it_left_running() -> None:
    with Workers(forks=True) as launcher:
        of = (family(variant("a", "leaves_a_process"), variant("b", "aborts")),)
        events = list(launcher(Task(SURVEY, Target(), of, {}), 60))
        assert isinstance(events[-1], WorkerDied)
        (server,) = psutil.Process().children()
        assert server.children(recursive=True) == []
        assert isinstance(list(launcher(Task(SURVEY, Target(), (), {}), 60))[-1], Done)
        assert psutil.Process().children() == [server]


@FORKED
@pytest.mark.usefixtures("standing_in")
def test_a_fork_server_that_died_is_replaced() -> None:
    with Workers(forks=True) as launcher:
        list(launcher(Task(SURVEY, Target(), (), {}), 60))
        (server,) = psutil.Process().children()
        server.kill()
        psutil.wait_procs([server], timeout=120)
        assert isinstance(list(launcher(Task(SURVEY, Target(), (), {}), 60))[-1], Done)


@FORKED
@pytest.mark.usefixtures("standing_in")
def test_another_environment_needs_another_server_and_both_are_kept() -> None:
    with Workers(forks=True) as launcher:
        list(launcher(Task(SURVEY, Target(), (), {}), 60))
        (first,) = psutil.Process().children()
        list(launcher(Task(SURVEY, Target(threads=2), (), {}), 60))
        both = {each.pid for each in psutil.Process().children()}
        list(launcher(Task(SURVEY, Target(), (), {}), 60))
        assert len(both) == 2
        assert first.pid in both
        assert {each.pid for each in psutil.Process().children()} == both
    assert not psutil.Process().children()


@FORKED
def test_a_fork_server_has_loaded_torch_and_started_no_thread() -> None:
    with Workers(forks=True) as launcher:
        list(launcher(Task(SURVEY, Target(), (), {}), 60))
        (server,) = psutil.Process().children()
        assert server.num_threads() == 1


@FORKED
def test_even_a_worker_that_is_stopped_ends_with_its_listener() -> None:
    listener, alive = listener_of("[family(variant('a', 'hangs'))]", forks=True)
    assert len(alive) == 2
    alive[-1].suspend()
    kill_outright(listener)
    assert psutil.wait_procs(alive, timeout=120)[1] == []


def test_a_system_that_has_no_more_processes_is_said_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object, **_options: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with Workers() as launcher, pytest.raises(NothingMeasuredError, match="no worker could be started: Too many open"):
        survey([], Target(), QUICK, launcher)


def test_what_a_worker_prints_does_not_hide_why_it_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("print('hi')\nraise RuntimeError('the wrong torch')", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Workers() as launcher, pytest.raises(NothingMeasuredError, match="RuntimeError: the wrong torch"):
        survey([], Target(), QUICK, launcher)


def test_a_signal_without_a_name_is_told_by_its_number() -> None:
    assert "signal 42" in process.death(-42, "", 0).error


def test_silence_is_a_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "START_S", 0.5)
    monkeypatch.setattr(process, "_PROGRAM", "import time; time.sleep(3600)")
    start = time.monotonic()
    with Workers(forks=False) as launcher:
        events: list[Event | WorkerDied] = list(launcher(Task(SURVEY, Target(), (), {}), 1))
    assert isinstance(events[-1], WorkerDied)
    assert events[-1].failure.status == "timeout"
    assert time.monotonic() - start < 600  # not a speed: it must not wait for the sleeper


def test_a_kill_for_memory_is_told_from_any_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "kills_for_memory", lambda: 5)
    assert process.death(-signal.SIGKILL, "", 4).status == "out-of-memory"
    assert process.death(-signal.SIGKILL, "", 5).status == "crashed"


def test_a_network_that_measures_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would start processes that measure it, which would start others."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "selfish.py").write_text(
        "import benchcli\nfrom torch import nn\n"
        "class Selfish(nn.Module):\n"
        "    def forward(self, inputs):\n"
        "        benchcli.measure('g2', launches=6)\n"
        "        return inputs\n"
    )
    with pytest.raises(NothingMeasuredError, match="calls benchcli, which would measure in turn: take the call out"):
        benchcli.costs("selfish:Selfish", inputs="1x3x8x8")
    assert [path.name for path in tmp_path.iterdir() if path.name == "results"] == []


def test_the_environment_is_built_from_nothing() -> None:
    inherited = {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "1", "MALLOC_ARENA_MAX": "1", "LD_PRELOAD": "x.so",
                 "OMP_NUM_THREADS": "64", "KMP_AFFINITY": "none"}  # fmt: skip
    made = worker_environment(Target(threads=2), inherited)
    assert made["PATH"] == "/bin"
    assert made["CUDA_VISIBLE_DEVICES"] == "1"
    assert made["OMP_NUM_THREADS"] == "2"
    assert int(made["MALLOC_TRIM_THRESHOLD_"]) > 2**32
    assert not {"MALLOC_ARENA_MAX", "LD_PRELOAD", "KMP_AFFINITY"} & set(made)
    assert not any(
        name.startswith(("MALLOC", "GLIBC")) for name in worker_environment(Target(allocator="system"), inherited)
    )


def test_what_the_compiler_keeps_lies_in_the_runs_folder_unless_the_user_has_one(tmp_path: Path) -> None:
    made = worker_environment(Target(), {"CXX": "clang++", "TORCHINDUCTOR_MAX_AUTOTUNE": "1"}, tmp_path)
    assert (made["TORCHINDUCTOR_CACHE_DIR"], made["TORCHINDUCTOR_FX_GRAPH_CACHE"]) == (str(tmp_path), "1")
    assert (made["CXX"], "TORCHINDUCTOR_MAX_AUTOTUNE" in made) == ("clang++", False)
    own = {"TORCHINDUCTOR_CACHE_DIR": "/own", "TORCHINDUCTOR_FX_GRAPH_CACHE": "0"}
    made = worker_environment(Target(), own, tmp_path)
    assert {name: made[name] for name in own} == own
    assert not any(name.startswith("TORCHINDUCTOR") for name in worker_environment(Target(), {}))
    of_torch = {"TORCHINDUCTOR_CACHE_DIR": f"{tempfile.gettempdir()}/torchinductor_me"}  # set by any compilation
    assert worker_environment(Target(), of_torch, tmp_path)["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path)


def test_two_versions_keep_what_the_compiler_makes_apart() -> None:
    with Workers() as base, Workers() as head:
        folders = [each.__self__._compiled for each in (base, head)]  # type: ignore[attr-defined]
        assert len({*folders}) == 2
        assert all(each.is_dir() for each in folders)
    assert not any(each.exists() for each in folders)


def test_without_a_folder_for_it_the_compiler_keeps_nothing_and_the_run_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.mkdtemp", refused)
    with Workers(forks=False) as launcher:
        assert launcher.__self__._compiled is None  # type: ignore[attr-defined]


def refused(**_settings: object) -> str:
    raise OSError(28, "No space left on device")


def test_a_module_in_the_users_folder_does_not_pass_for_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text("raise SystemExit('the wrong torch')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    events = list(Workers(forks=False).run(Task(SURVEY, Target(), (), {}), 60))
    assert isinstance(events[0], Described)
    assert events[0].software["torch"]
    assert isinstance(events[-1], Done)


def test_a_worker_needs_no_fvcore_which_only_the_counts_of_other_tools_do() -> None:
    program = (
        "import sys; sys.modules['fvcore'] = None\n"
        "from benchcli.workers import forkserver; forkserver._import_all()\n"
        "from benchcli.cost.crosscheck import COUNTERS"
    )
    assert in_process("-c", program).returncode == 0
    assert "fvcore" not in interpreters.NEEDED
