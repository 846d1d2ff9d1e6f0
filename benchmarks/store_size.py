"""Time a store of many machines.  python benchmarks/store_size.py [--machines 2000] [--records 500]

It simulates a run of each machine: records of one processor and of few versions, with costs and times.
Two machines differ from their equals: one is slower as a whole, one in a single network. Two processes
add the runs. Printed are the seconds, the processor's seconds and the peak memory of adding them, of
queries, and of naming the two machines; writing the simulated folders does not count.
"""

import argparse
import json
import math
import random
import resource
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import benchcli
from benchcli.api.results_store import Store
from benchcli.runs.folder import lines_of
from benchcli.runs.rows import COLUMNS, CONDITION_COLUMNS, SAMPLE_COLUMNS, Cell, row
from benchcli.runs.run_folder import LAUNCHES, MEASUREMENTS, SAMPLES
from benchcli.schema import Costs, Family, Interval, Record, ReferenceSpeed, Suite, Target, Timing, Variant
from benchcli.schema.environment import Environment, Machine, as_json
from benchcli.system.machine import digest

FAMILY_SIZE = 10
SLOW, SLOW_IN_ONE = 7, 11
"""The numbers of the machines that differ."""
QUERIES = (
    "SELECT count(*) AS records FROM networks",
    "SELECT family, variant, median(relative_speed) FROM networks GROUP BY ALL ORDER BY ALL LIMIT 5",
    "SELECT host, min(reference_speed) AS slowest FROM networks GROUP BY host ORDER BY slowest LIMIT 5",
)


def suite_of(records: int) -> Suite:
    """Return a suite with this number of networks."""
    families = [
        Family(
            f"family-{number}",
            "",
            1,
            "published",
            1,
            "float32",
            "nchw",
            tuple(Variant(f"network-{each}", "mynet:build", {}, (3, 224, 224), "64") for each in range(FAMILY_SIZE)),
        )
        for number in range(math.ceil(records / FAMILY_SIZE))
    ]
    return Suite("simulated", "", tuple(families))


def record(family: Family, variant: Variant) -> Record:
    """Return the record whose time is written anew for each machine."""
    ones = Interval(1.0, 0.99, 1.01)
    timing = Timing(ones, ones, 8, 96, 0.0, reference=ReferenceSpeed("benchcli:reference/chain", ones))
    costs = Costs(145814296, 2279760, 3439232, 5225220, 67450288, 39944432, 9725152)
    return Record("RUN", "simulated", family, variant, Target(), None, costs, 0.0, timing)


def write(folder: Path, number: int, cells: list[list[Cell]], recorded: Mapping[str, Any]) -> None:
    """Write the run of one machine."""
    draw = random.Random(number)
    folder.mkdir()
    host = f"machine-{number:04}"
    run = f"20261101T000000Z-simulated-{host}"
    recorded = {**recorded, "run": run, "machine": {**recorded["machine"], "host": host}}
    (folder / "environment.json").write_text(json.dumps(recorded))
    rows = []
    for place, own in enumerate(cells):
        factor = 1.3 if number == SLOW else 1.3 if (number, place) == (SLOW_IN_ONE, 3) else 1.0
        seconds = 0.001 * (1 + place % 7) * factor * math.exp(draw.gauss(0, 0.005))
        speed = 1 / (1 + place % 7) * math.exp(draw.gauss(0, 0.005))
        values: dict[str, Cell] = {
            "run": run,
            "median_s": seconds,
            "ci_low_s": seconds * 0.99,
            "ci_high_s": seconds * 1.01,
        }
        values |= {"relative_speed": speed, "relative_low": speed * 0.99, "relative_high": speed * 1.01}
        values |= {"reference_speed": speed, "reference_low": speed * 0.99, "reference_high": speed * 1.01}
        rows.append([values.get(name, cell) for name, cell in zip(COLUMNS, own, strict=True)])
    (folder / MEASUREMENTS).write_text(lines_of([COLUMNS, *rows]))
    (folder / LAUNCHES).write_text(lines_of([CONDITION_COLUMNS]))
    (folder / SAMPLES).write_text(lines_of([SAMPLE_COLUMNS]))


def simulated(place: Path, machines: int, records: int) -> list[Path]:
    """Write the runs of all machines, and return their folders."""
    suite = suite_of(records)
    cells = [list(row(record(family, each)).values()) for family in suite.families for each in family.variants]
    software, machine, target = {"torch": "2.13.0"}, Machine(cpu="simulated", cores=2, system="Linux 6"), Target()
    environment = Environment(
        "RUN",
        "2026-11-01T00:00:00Z",
        suite=suite,
        machine=machine,
        software=software,
        digest=digest(machine, software, {}, target.identity),
    )
    recorded = as_json(environment)
    folders = [place / f"run-{number:04}" for number in range(machines)]
    for number, folder in enumerate(folders):
        write(folder, number, cells, recorded)
    return folders


def add(work: tuple[Path, list[Path]]) -> int:
    """Add runs to a store, and return how many were new."""
    store, folders = work
    return sum(each.is_new for each in Store(store).add(*folders))


def add_by_two(store: Path, folders: list[Path]) -> int:
    """Let two processes add half of the runs each."""
    with ProcessPoolExecutor(2, get_context("spawn")) as two:
        return sum(two.map(add, [(store, folders[0::2]), (store, folders[1::2])]))


def rows_of(store: Store, query: str) -> int:
    """Return the number of rows of a query."""
    return len(store.query(query).rows)


def used() -> tuple[float, float, float]:
    """Return the time, and the processor's seconds and the peak memory in GiB of this process and its children."""
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    busy_s = sum(each.ru_utime + each.ru_stime for each in both)
    return time.perf_counter(), busy_s, max(each.ru_maxrss for each in both) / 2**20


def timed(what: str, call: Callable[[], object]) -> tuple[float, float]:
    """Call, print what it took, and return the seconds and those of the processor."""
    begun_s, busy_before_s, _ = used()
    result = call()
    ended_s, busy_s, peak = used()
    spent = ended_s - begun_s, busy_s - busy_before_s
    print(f"{what:<44} {spent[0]:6.2f} s  {spent[1]:6.2f} s of a core  {peak:5.2f} GiB  {result}", flush=True)
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--machines", type=int, default=2000)
    parser.add_argument("--records", type=int, default=500)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folders = simulated(place, arguments.machines, arguments.records)
        store = Store(place / "store")
        spent = [timed("add", lambda: add_by_two(store.folder, folders))]
        size = sum(file.stat().st_size for file in store.folder.iterdir()) / 2**20
        print(f"{size:.0f} MiB of files")
        spent.append(timed("ls", lambda: len(store.runs().rows)))
        spent += [timed(query[:44], partial(rows_of, store, query)) for query in QUERIES]
        spent.append(timed("outliers", lambda: [(each.host, each.network) for each in store.outliers().found]))
        ids = [each["id"] for each in store.query("SELECT id FROM runs ORDER BY id LIMIT 2").rows]
        paths = [store.folder / str(each) for each in ids]
        spent.append(timed("compare two of them", lambda: len(benchcli.compare(*paths).comparison.rows)))
        spent.append(timed("report of two of them", lambda: benchcli.report(*paths, path=place / "report.html")))
        timed_s, busy_s = (sum(each) for each in zip(*spent, strict=True))
        print(f"{timed_s:.1f} s in all, {busy_s:.1f} s of a core")


if __name__ == "__main__":
    main()
