"""Interrupt, kill and starve benchcli at random moments, and count what was lost.

`python benchmarks/faults.py 300` injects 300 faults, in turn into a run, a run with a breakdown, a
resumed run and a check of two commits: signals (SIGINT, SIGTERM, SIGHUP, SIGKILL), workers that are
killed or stopped, files that may not grow, address space that ends, and a second writer. Then it
resumes each run to its end and compares: rows that were finished and are not there or have changed,
rows that are there twice, processes that are left, and changes to the repository. Takes about 10 s
a fault; it measures no time, so other work may run beside it.
"""

import argparse
import csv
import hashlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from leftovers import ended, environment, running

NET = """from torch import nn
def build(width=16):
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1))
"""
FAMILY = """[[family]]
name = "{name}"
[[family.variant]]
name = "small"
network = "net:build"
shape = [3, 16, 16]
[[family.variant]]
name = "large"
network = "net:build"
arguments = {{ width = 32 }}
shape = [3, 16, 16]
"""
COMMANDS = {
    "run": ("run", "mine.toml", "--launches", "2"),
    "breakdown": ("run", "mine.toml", "--launches", "2", "--breakdown"),
    "resume": ("run", "mine.toml", "--launches", "2"),
    "check": ("check", "mine.toml", "--base", "HEAD~1", "--time-limit", "20s"),
}
LONGEST_S = {"run": 9.0, "breakdown": 14.0, "resume": 9.0, "check": 20.0}
"""The moments of the faults are drawn up to these seconds: a little longer than the commands take."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
STALE_S = 120.0


@dataclass
class Loss:
    """What went wrong."""

    faults: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def repository(place: Path) -> Path:
    """Make a repository of two commits with a network and a suite of three families."""
    root = place / "repository"
    root.mkdir()
    (root / "mine.toml").write_text("".join(FAMILY.format(name=name) for name in "abc"))
    (root / ".gitignore").write_text("results/\n__pycache__/\n")
    git(root, "init", "--quiet")
    for text in (NET, NET + "\n\nCHANGED = True\n"):
        (root / "net.py").write_text(text)
        git(root, "add", "--all")
        git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "one")
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True).stdout


def state(root: Path) -> dict[str, str]:
    """Return the digests of the repository's files, git's own included; Python's caches are not."""
    kept = (path for path in sorted(root.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in kept
        if path.relative_to(root).parts[0] != "results"
    }


def start(
    root: Path, arguments: list[str], mark: str, limit: Callable[[], None] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "benchcli", *arguments],
        cwd=root,
        env=environment(mark),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=limit,
    )


def strike(process: subprocess.Popen[str], fault: str, mark: str, rng: random.Random) -> None:
    """Do to the program, or to one of its workers, what the fault is."""
    if fault.startswith("SIG"):
        process.send_signal(getattr(signal, fault))
    elif fault.startswith("worker"):
        workers = [each for each in running(mark) if each.pid != process.pid]
        if workers:
            victim = rng.choice(workers)
            (victim.kill if fault == "worker killed" else victim.suspend)()
            if fault == "worker stopped":
                time.sleep(1)
                process.send_signal(signal.SIGINT)


def limit_of(fault: str, rng: random.Random) -> Callable[[], None] | None:
    """Return what limits the program before it starts."""
    if fault == "full disk":
        most = rng.randrange(100, 60_000)
        return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    if fault == "little memory":
        most_bytes = rng.randrange(2**28, 2**33)
        return lambda: resource.setrlimit(resource.RLIMIT_AS, (most_bytes, most_bytes))
    return None


FAULTS = (*(each.name for each in SIGNALS), "worker killed", "worker stopped", "full disk", "little memory",
          "second writer")  # fmt: skip


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    """Return the whole rows of a table; none if it is not there."""
    path = folder / table
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    return list(csv.DictReader(text[: text.rfind("\n") + 1].splitlines()))


def finished(folder: Path) -> dict[tuple[str, str], dict[str, str]]:
    """Return the rows of the families that have all their rows."""
    found = rows(folder, "measurements.csv")
    count = Counter(row["family"] for row in found)
    return {(row["family"], row["variant"]): row for row in found if count[row["family"]] == 2}


def struck(root: Path, arguments: list[str], kind: str, fault: str, mark: str, rng: random.Random, loss: Loss) -> None:
    """Run a command, strike it, and note what it leaves running and how it ends."""
    process = start(root, arguments, mark, limit_of(fault, rng))
    second = None
    try:
        process.wait(rng.uniform(0, LONGEST_S[kind]))
    except subprocess.TimeoutExpired:
        if fault == "second writer" and "--output" in arguments:
            folder = arguments[arguments.index("--output") + 1]
            resumed = (
                [each if each != "--output" else "--resume" for each in arguments] if kind != "check" else arguments
            )
            second = start(root, resumed, mark)
            _, text = second.communicate(timeout=STALE_S)
            if second.returncode not in (2, 0) or "Traceback" in text:
                loss.wrong.append(
                    f"{kind}, {fault}: a second writer of {folder} ended with {second.returncode}: {text}"
                )
        strike(process, fault, mark, rng)
    try:
        _, text = process.communicate(timeout=STALE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        _, text = process.communicate()
        loss.wrong.append(f"{kind}, {fault}: it hangs")
    loss.codes[f"{fault}: {process.returncode}"] += 1
    if "Traceback" in text:
        loss.wrong.append(f"{kind}, {fault}: a traceback: {text[-600:]}")
    loss.wrong += [f"{kind}, {fault}: an orphan: {command}" for command in ended(mark, 10)]


def inject(root: Path, kind: str, fault: str, number: int, loss: Loss) -> None:
    """Inject one fault into one command, and look at what it leaves."""
    rng = random.Random(number)
    folder = root / "results" / f"{number}"
    arguments = [*COMMANDS[kind], "--output", str(folder)]
    again = [*COMMANDS[kind], "--resume", str(folder)]
    before = state(root)
    struck(root, arguments, kind, fault, f"{number}", rng, loss)
    if kind == "resume" and (folder / "environment.json").is_file():
        whole = finished(folder)
        struck(root, again, kind, fault, f"{number}", rng, loss)
        compare(kind, fault, whole, folder, loss)
    whole = finished(folder)
    if kind == "check":
        launches = sorted({int(row["launch"]) for row in rows(folder, "samples.csv")})
        if launches != list(range(len(launches))):
            loss.wrong.append(f"{kind}, {fault}: launches {launches}")
        twice(kind, fault, folder, ("family", "variant", "launch", "round"), loss)
    elif (folder / "environment.json").is_file():
        done = subprocess.run(
            [sys.executable, "-m", "benchcli", *again], cwd=root, capture_output=True, text=True, check=False
        )
        if done.returncode or len(finished(folder)) != 6:
            loss.wrong.append(f"{kind}, {fault}: the resumed run ended with {done.returncode}: {done.stderr[-300:]}")
        compare(kind, fault, whole, folder, loss)
        twice(kind, fault, folder, ("family", "variant", "launch", "round"), loss)
    if state(root) != before:
        loss.wrong.append(f"{kind}, {fault}: the repository changed")
    loss.faults[f"{kind}: {fault}"] += 1


def compare(kind: str, fault: str, whole: dict[tuple[str, str], dict[str, str]], folder: Path, loss: Loss) -> None:
    """Note the finished rows that are lost or changed, and those that are there twice."""
    now = finished(folder)
    loss.wrong += [f"{kind}, {fault}: lost {key}" for key, row in whole.items() if now.get(key) != row]
    twice(kind, fault, folder, ("family", "variant"), loss, "measurements.csv")


def twice(kind: str, fault: str, folder: Path, names: tuple[str, ...], loss: Loss, table: str = "samples.csv") -> None:
    """Note the rows of a table that are there twice."""
    count = Counter(tuple(row[name] for name in names) for row in rows(folder, table))
    loss.wrong += [f"{kind}, {fault}: doubled {key} in {table}" for key, number in count.items() if number > 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("faults", nargs="?", type=int, default=36, help="how many (default: each once)")
    parser.add_argument("--first", type=int, default=0, help="number of the first, which seeds its random choices")
    options = parser.parse_args()
    loss, begun = Loss(), time.monotonic()
    pairs = [(kind, fault) for fault in FAULTS for kind in COMMANDS]
    with tempfile.TemporaryDirectory() as folder:
        root = repository(Path(folder))
        for number in range(options.first, options.first + options.faults):
            inject(root, *pairs[number % len(pairs)], number, loss)
            if number % 10 == 9:
                print(f"{number + 1 - options.first} faults, {len(loss.wrong)} wrong", flush=True)
    for name, count in sorted(loss.codes.items()):
        print(f"  exit code of {name}: {count}")
    for text in loss.wrong:
        print(f"  WRONG: {text}")
    minutes = (time.monotonic() - begun) / 60
    print(
        f"{sum(loss.faults.values())} faults in {minutes:.0f} min; lost, doubled, orphans, changes: {len(loss.wrong)}"
    )
    sys.exit(1 if loss.wrong else 0)


if __name__ == "__main__":
    main()
