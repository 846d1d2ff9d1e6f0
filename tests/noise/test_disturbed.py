"""Runs that are disturbed for real, as far as a process can: each is named, and measuring goes on."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from benchcli.sampling.engine import Session, measure
from benchcli.sampling.supervise import survey
from benchcli.schema import FamilyResult, Plan, Target
from benchcli.system.counters import busy_cores
from benchcli.system.procfs import quota_cores
from benchcli.workers.process import Workers
from tests.values import family, variant

pytestmark = pytest.mark.measured
PLAN = Plan(launches=2)
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's counters")
GROUPS = Path("/sys/fs/cgroup")


@pytest.fixture(autouse=True)
def faulty_networks_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))


def measured(kind: str = "fine", target: Target = Target()) -> FamilyResult:  # noqa: B008
    of = family(variant("first", kind), variant("second", kind))
    with Workers() as launcher:
        found = survey([of], target, PLAN, launcher)
        return next(measure([of], Session("run", "suite", target, PLAN, found, launcher, lambda _progress: None)))


def kinds(result: FamilyResult) -> set[str]:
    assert all(record.timing for record in result.records)
    return {code.kind for record in result.records for code in record.warnings}


@contextmanager
def spinner(count: int = 1) -> Iterator[None]:
    """Keep cores busy."""
    program = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: sum(range(9999))"
    processes = [subprocess.Popen([sys.executable, "-c", program]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


@LINUX
def test_a_network_whose_calls_fault_is_named() -> None:
    assert "page-faults" in kinds(measured("faults"))


@LINUX
def test_a_network_that_reads_from_the_disk_is_named() -> None:
    path = Path(__file__).parent / "faulty.paged"
    path.write_bytes(os.urandom(2**20))
    try:
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())  # only what is on the disk can be dropped from memory
        result = measured("pages")
        if not any(each.major_faults for each in result.conditions):
            pytest.skip("this file system keeps its pages in memory")
        assert "paging" in kinds(result)
    finally:
        path.unlink()


@LINUX
def test_other_work_is_seen_before_and_while_measuring() -> None:
    with spinner():
        deadline = time.monotonic() + 120
        while (busy_cores() or 0.0) < 0.5 and time.monotonic() < deadline:
            pass  # the spinner is still starting
        seen = busy_cores()
        assert seen is not None
        assert seen > 0.5
        assert "busy" in kinds(measured())


@LINUX
def test_threads_without_cores_are_named_while_measuring() -> None:
    with spinner(os.cpu_count() or 1):
        found = kinds(measured(target=Target(threads=2)))
    assert "busy" in found
    assert "threads" in found


@LINUX
def test_one_core_is_enough() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        result = measured()
    finally:
        os.sched_setaffinity(0, before)
    assert all(record.timing for record in result.records)


@contextmanager
def tenth_of_a_core(processes: list[int]) -> Iterator[None]:
    """Put processes into a control group of their own, of either version, and take them out again."""
    version_one = (GROUPS / "cpu").is_dir()
    group = (GROUPS / "cpu" if version_one else GROUPS) / "benchcli-test"
    quota = {"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "10000"} if version_one else {"cpu.max": "10000 100000"}
    members = "tasks" if version_one else "cgroup.procs"
    try:
        group.mkdir(exist_ok=True)
        for name, value in quota.items():
            (group / name).write_text(value)
        for process in processes:
            (group / members).write_text(str(process))
    except OSError as error:
        pytest.skip(f"control groups cannot be made here: {error}")
    try:
        yield
    finally:
        for process in processes:
            (group.parent / members).write_text(str(process))
        group.rmdir()


@LINUX
def test_a_tenth_of_a_core_is_measured_with_and_named() -> None:
    of = family(variant("first"), variant("second"))
    with Workers() as launcher:
        found = survey([of], Target(), PLAN, launcher)  # torch is imported at full speed
        run = Session("run", "suite", Target(), PLAN, found, launcher, lambda _progress: None)
        servers = [child.pid for child in psutil.Process().children()]
        with tenth_of_a_core([os.getpid(), *servers]):
            assert quota_cores() == pytest.approx(0.1)
            result = next(measure([of], run))
    assert "quota" in kinds(result)
