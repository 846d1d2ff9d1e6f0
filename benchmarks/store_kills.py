"""Kill two writers of one store at random moments.  python benchmarks/store_kills.py [--kills 30]

Two processes add runs to one store at once, some of them the same; both are killed while they write, and
the store is looked at: what had its name is whole, and stays, and no run is there twice. After the last
kill all runs are added. Each must be there once, and come back as the folder that it was.
"""

import argparse
import filecmp
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchcli.api.results_store import Store
from benchcli.runs.audit_file import is_audit

KEPT = Path(__file__).parents[1] / "results" / "reference"
COPIES = 3
"""Runs of each name and moment, as of machines that have one name."""
AT_ONCE = 6
"""Runs that a writer adds, which become one file."""
LATEST_S = 0.6
"""Seconds after a writer began a file at which both are killed, at most."""


def runs(place: Path) -> list[Path]:
    """Return folders of runs that differ: the kept ones, and copies of other times."""
    folders = []
    for kept in sorted(each for each in KEPT.iterdir() if each.is_dir() and not is_audit(each)):
        for number in range(COPIES):
            folder = shutil.copytree(kept, place / f"{kept.name}-{number}", ignore=shutil.ignore_patterns("table.md"))
            table = folder / "measurements.csv"
            table.write_text(table.read_text().replace(",0.0", f",0.0{number}"))
            folders.append(folder)
    return folders


def writer(store: Path, folders: list[Path]) -> subprocess.Popen[bytes]:
    """Start to add runs."""
    words = [sys.executable, "-m", "benchcli", "store", "add", "--store", str(store), *map(str, folders)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)


def killed(store: Path, folders: list[Path], after_s: float) -> None:
    """Let two writers begin, and kill both so long after either began a file."""
    before = set(store.iterdir())
    writers = [writer(store, random.sample(folders, AT_ONCE)) for _ in range(2)]
    while not set(store.iterdir()) - before and any(each.poll() is None for each in writers):
        time.sleep(0.001)
    time.sleep(after_s)
    for each in writers:
        each.kill()
        each.wait()


def contents(store: Path) -> dict[str, bytes]:
    """Return the files of a store, with their bytes."""
    return {file.name: file.read_bytes() for file in store.glob("*.parquet")}


def differs(store: Store, run: str, folder: Path) -> bool:
    """Return whether a run comes back as another folder than it was."""
    found = filecmp.dircmp(store.get(run, folder.with_name(f"{folder.name}-back")), folder)
    return bool(found.left_only or found.right_only or found.diff_files)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    arguments = parser.parse_args()
    lost = twice = drafts = 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        folders, store = runs(place), Store(place / "store")
        store.folder.mkdir()
        last: dict[str, bytes] = {}
        ids: list[object] = []
        for number in range(arguments.kills):
            if len(ids) > len(folders) / 2:  # begin again
                shutil.rmtree(store.folder)
                store.folder.mkdir()
                last = {}
            killed(store.folder, folders, random.random() * LATEST_S)
            for draft in store.folder.glob(".benchcli-*.part"):
                drafts += 1
                draft.unlink()
            now = contents(store.folder)
            lost += sum(now.get(each) != content for each, content in last.items())
            if now:
                ids = [row["id"] for row in store.query("SELECT id FROM runs").rows]
                twice += len(ids) - len(set(ids))
            print(f"kill {number + 1}: {len(now)} files, {len(ids) if now else 0} of {len(folders)} runs", flush=True)
            last = now
        added = store.add(*folders)
        other = sum(differs(store, each.path.name, folder) for each, folder in zip(added, folders, strict=True))
        rows = len(store.runs().rows)
    print(f"{drafts} drafts left, {lost} files lost, {twice} runs twice")
    print(f"{rows} of {len(folders)} runs there at the end, {other} that are not as they were")


if __name__ == "__main__":
    main()
