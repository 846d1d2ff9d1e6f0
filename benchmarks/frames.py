"""Count the frames from a command to the timed loop.  python benchmarks/frames.py

Both halves of the way are read from real stacks, on the fake device: this process's when it writes
the task of a launch to a worker, and the worker's when the device begins a timed block. Only frames
of this package count.
"""

import argparse
import contextlib
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from benchcli.cli import main as cli
from benchcli.workers.process import Workers
from benchcli.workers.tools import Tools

PACKAGE = Path(__file__).parents[1] / "benchcli"
HOOK = """
import sys
def note(frame, event, argument):
    code = frame.f_code
    if event == "call" and code.co_name == "timed" and code.co_filename.endswith("devices/events.py"):
        sys.setprofile(None)
        sys.path.insert(0, {benchmarks!r})
        from frames import names
        with open({file!r}, "w") as file:
            file.write("\\n".join(names(frame)))
sys.setprofile(note)
"""
"""Noted when a worker starts: the import of the module `sitecustomize` is the first thing that Python does."""


def names(frame: FrameType | None) -> list[str]:
    """Return the functions of this package from the outermost to a frame, each with its module."""
    stack: list[str] = []
    while frame:
        file, name = Path(frame.f_code.co_filename), frame.f_code.co_qualname
        if file.is_relative_to(PACKAGE) and not name.endswith("<module>"):
            stack.append(f"{'.'.join(file.relative_to(PACKAGE).with_suffix('').parts)}.{name}")
        frame = frame.f_back
    return stack[::-1]


class NotingWorkers(Workers):
    """Workers that note the way to each of them."""

    place = Path()
    """The folder of the worker's hook."""
    way: Sequence[str] = ()
    """The way to the last task."""

    def _process(self, variables: frozenset[tuple[str, str]]) -> Any:
        NotingWorkers.way = names(sys._getframe(1))
        changed = {**dict(variables), "PYTHONPATH": f"{self.place}:{PACKAGE.parent}"}
        return super()._process(frozenset(changed.items()))


def stacks(place: Path, *command: str) -> tuple[list[str], list[str]]:
    """Run a command that measures, in an empty folder; return the frames of this process, and those of the worker."""
    file = place / "frames.txt"
    hook = HOOK.format(benchmarks=str(Path(__file__).parent), file=str(file))
    (place / "sitecustomize.py").write_text(hook, encoding="utf-8")
    NotingWorkers.place = place
    with contextlib.suppress(SystemExit):
        arguments = [*command, "--device", "fake", "--launches", "1", "--output", str(place / "run")]
        cli.main(arguments, Tools(workers=NotingWorkers))
    return list(NotingWorkers.way), file.read_text(encoding="utf-8").splitlines()


def main() -> None:
    """Print the frames of both processes, and how many they are."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as place:
        ours, workers = stacks(Path(place), "guideline", "g2")
    print(*ours, "", *workers, "", f"{len(ours)} + {len(workers)} = {len(ours) + len(workers)} frames", sep="\n")


if __name__ == "__main__":
    main()
