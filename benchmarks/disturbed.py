"""Test the warnings about disturbances.  python benchmarks/disturbed.py [--quiet-runs 20]

It disturbs runs on purpose: networks that cause minor and major page faults, two threads beside a
process that spins, a load in bursts, and a control group with half a core (if this user may create
one). It prints the kinds of warnings of each run, and those of quiet runs.
"""

import argparse
import mmap
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from load import bursts

from benchcli.sampling.engine import Session, measure
from benchcli.sampling.supervise import survey
from benchcli.schema import Family, Plan, Target, Variant
from benchcli.workers.process import Workers

if TYPE_CHECKING:
    import torch
    from torch import nn

LAUNCHES = 6
MEGABYTE = 2**20
PAGED = Path(tempfile.gettempdir()) / "benchcli-paged"
GROUP = Path("/sys/fs/cgroup/cpu/benchcli-disturbed")
PRECISION = ("imprecise", "no-baseline")


def build(kind: str) -> "nn.Module":
    """Return a network of ten convolutions that also performs the action of its kind."""
    import torch
    from torch import nn

    from benchcli.workloads.modules import pointwise

    class Disturbing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(*(pointwise(64, 64) for _ in range(10)))

        def forward(self, inputs: "torch.Tensor") -> "torch.Tensor":
            ACTIONS[kind]()
            output: torch.Tensor = self.layers(inputs)
            return output

    return Disturbing()


def fault() -> None:
    """Map a new megabyte and write to each page."""
    with mmap.mmap(-1, MEGABYTE) as fresh:
        for place in range(0, MEGABYTE, mmap.PAGESIZE):
            fresh[place] = 1


def page() -> None:
    """Read a file after dropping its pages from the page cache."""
    with PAGED.open("rb") as stream:
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        with mmap.mmap(stream.fileno(), 0, prot=mmap.PROT_READ) as pages:
            sum(pages[place] for place in range(0, MEGABYTE, 16 * mmap.PAGESIZE))


ACTIONS: dict[str, Callable[[], None]] = {"nothing": lambda: None, "faults": fault, "pages": page}


def kinds_of_warnings(kind: str = "nothing", threads: int = 1) -> list[str]:
    """Measure two equal networks and return the kinds of their warnings."""
    variants = tuple(
        Variant(name, "disturbed:build", {"kind": kind}, (64, 56, 56), "64") for name in ("first", "second")
    )
    family, target, plan = (
        Family("disturbed", "disturbed", 1, "own", 1, "float32", "nchw", variants),
        Target(threads=threads),
        Plan(launches=LAUNCHES),
    )
    with Workers() as launcher:
        surveyed = survey([family], target, plan, launcher)
        (result,) = measure([family], Session("run", "s", target, plan, surveyed, launcher, lambda _progress: None))
    codes = [code.kind for record in result.records for code in record.warnings]
    failures = [f"FAILED {record.failure.error}" for record in result.records if record.failure]
    return sorted({code for code in codes if code not in PRECISION} | set(failures))


def spin() -> None:
    """Keep a core busy until the parent process ends."""
    parent = os.getppid()
    while os.getppid() == parent:
        sum(range(10000))


@contextmanager
def spinner() -> Iterator[None]:
    """Keep one core busy during the block."""
    process = get_context("spawn").Process(target=spin, daemon=True)
    process.start()
    try:
        yield
    finally:
        process.kill()
        process.join()


@contextmanager
def half_a_core() -> Iterator[None]:
    """Move this process and its children into a control group (version 1) with half a core."""
    GROUP.mkdir(exist_ok=True)
    (GROUP / "cpu.cfs_period_us").write_text("100000")
    (GROUP / "cpu.cfs_quota_us").write_text("50000")
    (GROUP / "tasks").write_text(str(os.getpid()))
    try:
        yield
    finally:
        (GROUP.parent / "tasks").write_text(str(os.getpid()))
        GROUP.rmdir()


def main() -> None:
    """Measure disturbed and quiet runs, and print their warnings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet-runs", type=int, default=20)
    runs = parser.parse_args().quiet_runs
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    PAGED.write_bytes(os.urandom(MEGABYTE))
    with PAGED.open("rb+") as stream:
        os.fsync(stream.fileno())  # only pages that are on the disk can be dropped
    print("faulting:", kinds_of_warnings("faults"), flush=True)
    print("paging:", kinds_of_warnings("pages"), flush=True)
    with spinner():
        print("two threads, one core busy:", kinds_of_warnings(threads=2), flush=True)
    with bursts():
        print("loaded:", kinds_of_warnings(), flush=True)
    try:
        with half_a_core():
            print("half a core:", kinds_of_warnings(), flush=True)
    except OSError as error:
        print("half a core: not possible here:", error, flush=True)
    PAGED.unlink()
    quiet = [kinds_of_warnings() for _ in range(runs)]
    warned = [warnings for warnings in quiet if warnings]
    print(f"quiet: {len(warned)} of {runs} runs had warnings: {warned}")


if __name__ == "__main__":
    main()
