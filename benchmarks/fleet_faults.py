"""Does a fleet lose anything? Kill its processes at random moments, and cut a host off its network.

    python benchmarks/fleet_faults.py kills [--kills 30]
    python benchmarks/fleet_faults.py network            # as root, with iproute2: hosts are network namespaces
    python benchmarks/fleet_faults.py alternated [--pairs 6]

`kills` runs a suite of eight networks on two workers, and kills a worker, the scheduler or the command that asks, each
at a random moment, until so many are killed; what is killed is started again. In the end every job must have each
network once, and no row that was on the disk may have gone. `network` gives three hosts namespaces of their own, cuts
one off while it measures, and brings it back: the others must be unharmed, and its job done once. `alternated` runs a
suite by a fleet of one worker and by `benchcli run` in turns, and prints how far relative speeds differ, with the
interval over pairs, and the page faults of both.
"""

import argparse
import contextlib
import csv
import math
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import benchcli
from benchcli.api.run_result import Run
from benchcli.fleets.job import ENDING
from benchcli.formatting import change
from benchcli.statistics import interval_over_launches
from benchcli.system.machine import cpu_model

SUITE = "".join(f'[[family]]\nguideline = "{name}"\nvalues = {values}\n' for name, values in (
    ("g1", '["1:1", "1:12"]'), ("g2", "[1, 8]"), ("g3", '["1-fragment", "4-fragment-parallel"]'),
    ("g4", '["relu+shortcut", "none"]'),
))  # fmt: skip
NETWORKS = 8
FAST = ("--device", "fake", "--launches", "2", "--quiet", "1s", "--wait", "120s")
HOSTS = ("one", "two", "three")
BRIDGE = "benchcli0"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("kills", "network", "alternated"))
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--pairs", type=int, default=6)
    given = parser.parse_args()
    print(cpu_model())
    with tempfile.TemporaryDirectory(prefix="benchcli-") as folder:
        os.environ["XDG_DATA_HOME"] = f"{folder}/data"
        place = Path(folder)
        (place / "mine.toml").write_text(SUITE)
        if given.what == "kills":
            return kills(place, given.kills)
        return cut_off(place) if given.what == "network" else alternated(place, given.pairs)


def kills(place: Path, most: int) -> int:
    """Kill processes until so many are killed and a fleet has ended; begin another one where one ends before."""
    draw, killed, lost, fleets = random.Random(), 0, 0, 0
    while killed < most:
        fleets += 1
        folder = place / f"fleet-{fleets}"
        cluster = Cluster(place)
        with cluster.running():
            client = cluster.ask(folder)
            seen: dict[str, set[str]] = {}
            while client.poll() is None or not is_done(folder):
                if client.poll() is not None:
                    client = cluster.ask(folder)
                time.sleep(draw.uniform(0.2, 6.0))
                lost += len([name for name, rows in seen.items() if rows - set(networks(folder / name))])
                seen = {name: set(networks(folder / name)) for name in ("one", "two")}
                if killed < most and client.poll() is None:
                    killed += 1
                    victim = draw.choice(("one", "two", "scheduler", "client"))
                    print(f"kill {killed}: {victim} with {sum(map(len, seen.values()))} rows on the disk", flush=True)
                    cluster.kill(victim) if victim != "client" else client.send_signal(signal.SIGKILL)
                    client.wait(5) if victim == "client" else None
        twice = [
            name for name in ("one", "two") if sorted(networks(folder / name)) != sorted(set(networks(folder / name)))
        ]
        lacking = [name for name in ("one", "two") if len(networks(folder / name)) != NETWORKS]
        print(f"fleet {fleets}: twice {twice}, lacking {lacking}", flush=True)
        if twice or lacking:
            return 1
    print(f"{killed} kills in {fleets} fleets: {lost} rows lost, none twice, every job with {NETWORKS} networks")
    return lost > 0


class Cluster:
    """A scheduler and two workers of this machine, which start again when they are killed."""

    def __init__(self, place: Path) -> None:
        self._place = place
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = str(free.getsockname()[1])
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        for name in ("scheduler", "one", "two"):
            self._start(name)
        try:
            yield
        finally:
            for each in self._processes.values():
                each.terminate()
            for each in self._processes.values():
                each.wait()

    def _start(self, name: str) -> None:
        address = f"tcp://127.0.0.1:{self._port}"
        words = ["scheduler", "--port", self._port] if name == "scheduler" else ["worker", address, "--name", name]
        self._processes[name] = started(["fleet", *words])

    def kill(self, name: str) -> None:
        self._processes[name].kill()
        self._processes[name].wait()
        self._start(name)

    def ask(self, folder: Path) -> "subprocess.Popen[bytes]":
        where = "--resume" if (folder / "fleet.json").exists() else "--output"
        words = ["run", str(self._place / "mine.toml"), "--scheduler", f"127.0.0.1:{self._port}", *FAST]
        return started(["fleet", *words, where, str(folder)])


def started(words: list[str], before: tuple[str, ...] = (), **variables: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [*before, sys.executable, "-m", "benchcli", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **variables},
    )


def is_done(folder: Path) -> bool:
    names = [each.name for each in folder.iterdir() if each.is_dir()] if folder.is_dir() else []
    return len(names) >= 2 and all(len(networks(folder / name)) == NETWORKS for name in names)


def networks(run: Path) -> list[str]:
    """Return the networks of the complete rows of a run."""
    with contextlib.suppress(FileNotFoundError):
        text = (run / "measurements.csv").read_text()
        complete = text[: text.rfind("\n") + 1].splitlines()
        return [f"{row['family']}/{row['variant']}" for row in csv.DictReader(complete) if row["variant"]]
    return []


def cut_off(place: Path) -> int:
    """Cut a host off while it measures, and bring it back."""
    with namespaces():
        scheduler = started(["fleet", "scheduler", "--listen", "10.77.0.1", "--port", "8786"])
        workers = [
            started(
                ["fleet", "worker", "tcp://10.77.0.1:8786", "--name", host],
                ("ip", "netns", "exec", host),
                XDG_DATA_HOME=str(place / host),
            )
            for host in HOSTS
        ]
        time.sleep(8)
        folder = place / "fleet"
        client = started(
            ["fleet", "run", str(place / "mine.toml"), "--scheduler", "10.77.0.1", *FAST, "--output", str(folder)]
        )
        until(lambda: any((place / "two").rglob("measurements.csv")))
        ip("link", "set", "benchcli-two", "down")
        print("two is cut off", flush=True)
        time.sleep(75)
        others = {name: len(networks(folder / name)) for name in ("one", "three")}
        print(f"after 75 s the others have {others} networks")
        ip("link", "set", "benchcli-two", "up")
        print("two is back", flush=True)
        code = client.wait(600)
        for each in (*workers, scheduler):
            each.terminate()
        for each in (*workers, scheduler):
            each.wait()
        rows = {name: networks(folder / name) for name in HOSTS}
        endings = {name: len(list((place / name).rglob(ENDING))) for name in HOSTS}
    print(f"exit code {code}; networks { ({name: len(each) for name, each in rows.items()}) }; jobs ended {endings}")
    return code or any(len(each) != NETWORKS or len(set(each)) != NETWORKS for each in rows.values())


@contextmanager
def namespaces() -> Iterator[None]:
    ip("link", "add", BRIDGE, "type", "bridge")
    ip("addr", "add", "10.77.0.1/24", "dev", BRIDGE)
    ip("link", "set", BRIDGE, "up")
    try:
        for number, host in enumerate(HOSTS, 2):
            ip("netns", "add", host)
            ip("link", "add", f"benchcli-{host}", "type", "veth", "peer", "name", "eth0", "netns", host)
            ip("link", "set", f"benchcli-{host}", "master", BRIDGE, "up")
            ip("-n", host, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
            ip("-n", host, "link", "set", "eth0", "up")
            ip("-n", host, "link", "set", "lo", "up")
        yield
    finally:
        for host in HOSTS:
            subprocess.run(["ip", "netns", "del", host], check=False)
        subprocess.run(["ip", "link", "del", BRIDGE], check=False)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


def until(is_true: Callable[[], bool], most_s: float = 120.0) -> None:
    end = time.monotonic() + most_s
    while not is_true():
        if time.monotonic() > end:
            raise SystemExit("it did not happen in time")
        time.sleep(0.2)


def alternated(place: Path, pairs: int) -> int:
    """Run a suite by a fleet and without one, in turns."""
    speeds: dict[str, list[Mapping[str, float]]] = {"fleet": [], "run": []}
    faults: dict[str, list[float]] = {"fleet": [], "run": []}
    for number in range(pairs):
        for way in random.sample(list(speeds), 2):
            output = place / f"{way}-{number}"
            if way == "fleet":
                run = benchcli.fleet("quick", local=1, output=output).runs["local-1"]
            else:
                run = benchcli.measure("quick", output=output)
            speeds[way].append(relative(run))
            faults[way].append(float(run.samples()["faults_per_call"].mean()))
            print(f"{way} {number}: {' '.join(f'{speed:.3f}' for speed in speeds[way][-1].values())}", flush=True)
    for name in speeds["run"][0]:
        fleet, alone = ([each[name] for each in speeds[way]] for way in ("fleet", "run"))
        logs = {number: math.log(one / other) for number, (one, other) in enumerate(zip(fleet, alone, strict=True))}
        found = change(interval_over_launches(logs))
        print(f"{name}: {median(fleet):.3f} in a fleet, {median(alone):.3f} without: {found}")
    print(f"page faults a call: {median(faults['fleet']):.3f} in a fleet, {median(faults['run']):.3f} without")
    return 0


def relative(run: Run) -> dict[str, float]:
    return {
        "/".join(each.key): each.timing.relative.estimate
        for each in run.records
        if each.timing and each.timing.relative and each.variant.name != each.family.baseline
    }


if __name__ == "__main__":
    sys.exit(main())
