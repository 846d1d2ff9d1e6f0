"""Measure networks that misbehave, each between two good ones, and compare every row with what it should be.

`python benchmarks/hostile_networks.py [NAME ...]` runs each in a run of its own, prints the rows that
differ from what is expected, processes that are left, and runs that did not end with 0 or 4. About
5 s a network; it measures no time that it reports.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
from pathlib import Path

from leftovers import ended, environment

MODULE = """import builtins, contextlib, ctypes, gc, io, json, os, random, resource, signal
import subprocess, sys, threading, time
import torch
from torch import nn

class Hostile(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls, self.convolution = 0, nn.Conv2d(3, 8, 3)

    def forward(self, x):
        self.calls += 1
        y = self.convolution(x)
{code}
        return y

def hostile():
    return Hostile()

def good(width=8):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.ReLU())
"""
SUITE = """[[family]]
name = "f"
[[family.variant]]
name = "before"
network = "mine:good"
shape = [3, 16, 16]
[[family.variant]]
name = "hostile"
network = "mine:hostile"
shape = [3, 16, 16]
[[family.variant]]
name = "after"
network = "mine:good"
arguments = { width = 9 }
shape = [3, 16, 16]
"""
PIPES = "for n in range(3, 32):\n    with contextlib.suppress(OSError): {}"
NETWORKS: dict[str, tuple[str, str]] = {
    "good": ("pass", "ok"),
    "raises": ("raise ValueError('a\\nb\\x1b[31m')", "failed"),
    "raises a SystemExit": ("sys.exit(0)", "crashed"),
    "raises a KeyboardInterrupt": ("raise KeyboardInterrupt", "crashed"),
    "recurses": ("self(x)", "failed"),
    "exits": ("os._exit(0)", "crashed"),
    "aborts": ("os.abort()", "crashed"),
    "reads address 0": ("ctypes.string_at(0)", "crashed"),
    "kills itself": ("os.kill(os.getpid(), signal.SIGKILL)", "crashed"),
    "kills its group": ("os.killpg(0, signal.SIGKILL)", "crashed"),
    "kills its parent": ("os.kill(os.getppid(), signal.SIGKILL)", "crashed"),
    "exits at the tenth call": ("os._exit(0) if self.calls > 9 else None", "crashed"),
    "raises at the tenth call": ("1 / (self.calls < 10)", "failed"),
    "allocates without end": ("torch.empty(2**50)", "out-of-memory"),
    "raises a MemoryError": ("raise MemoryError", "out-of-memory"),
    "returns nothing": ("return None", "wrong-output"),
    "returns a tuple": ("return y, y", "wrong-output"),
    "returns no values": ("return y[:0]", "wrong-output"),
    "returns NaN": ("y = y * float('nan')", "wrong-output"),
    "returns something random": ("y = y + torch.randn(())", "wrong-output"),
    "returns another shape": ("y = y[:, : 1 + self.calls % 2]", "wrong-output"),
    "returns integers": ("y = y.to(torch.int64) + self.calls", "wrong-output"),
    "changes its input in place": ("return x.mul_(1.5)", "wrong-output"),
    "computes once only": ("self.kept = getattr(self, 'kept', y)\n"
                           "return self.kept.mul_(1.01)", "wrong-output"),
    "prints much": ("print('x' * 100_000, flush=True)", "ok"),
    "prints to the first descriptors": ("os.write(1, b'{}\\n'); os.write(2, b'x\\n')", "ok"),
    "closes the standard streams": ("sys.stdout.close(); sys.stderr.close()", "ok"),
    "reads stdin": ("sys.stdin.read()", "ok"),
    "writes events into all descriptors": (PIPES.format("os.write(n, b'{\"event\": \"Done\"}\\n')"), "failed"),
    "writes a torn line into all descriptors": (PIPES.format("os.write(n, b'x')"), "failed"),
    "closes all descriptors": ("os.closerange(3, 64)", "failed or crashed"),
    "replaces json": ("json.dumps = lambda *a, **k: '{}'", "ok"),
    "replaces the clocks": ("time.perf_counter = time.monotonic = lambda: 0.0", "ok"),
    "replaces print and open": ("builtins.print = builtins.open = None", "failed"),
    "sets a default dtype": ("torch.set_default_dtype(torch.float64)", "failed or ok"),
    "replaces ReLU's forward": ("nn.ReLU.forward = lambda s, v: v.relu()", "failed"),
    "registers a global hook": ("torch.nn.modules.module.register_module_forward_hook(lambda *a: None)", "failed"),
    "starts a thread": ("self.calls == 1 and threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()",
                        "failed"),
    "replaces Conv2d's constructor": ("nn.Conv2d.__init__ = None", "failed"),
    "forks once": ("if self.calls == 1 and os.fork() == 0: os.setsid(); time.sleep(3600)", "ok"),
    "starts a process": ("if self.calls == 1: subprocess.Popen(['sleep', '3600'], start_new_session=True)", "ok"),
    "takes the file descriptors": ("resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))", "ok"),
    "ignores signals": ("[signal.signal(n, signal.SIG_IGN) for n in (2, 15)]", "ok"),
    "collects garbage always": ("gc.collect()", "ok"),
    "changes the folder": ("os.chdir('/')", "ok"),
    "deletes modules": ("[sys.modules.pop(n) for n in list(sys.modules) if n.startswith('torch.nn')]",
                        "failed or ok"),
    "changes the environment": ("os.environ.clear()", "ok"),
    "seeds": ("torch.manual_seed(0); random.seed(0)", "ok"),
    "is silent for ever": ("time.sleep(3600)", "timeout"),
}  # fmt: skip
"""Names, the body of `forward`, and the status of the row."""
ENDS_OTHERS = {"kills its parent"}
"""Networks whose neighbours may fail with them: their process ends a moment later, when another one runs."""


def measure(name: str, place: Path) -> list[str]:
    """Measure a network between two good ones, and return what was not as expected."""
    code, expected = NETWORKS[name]
    body = "".join(f"        {line}\n" for line in code.split("\n"))
    (place / "mine.toml").write_text(SUITE)
    (place / "mine.py").write_text(MODULE.replace("{code}\n", body))
    command = [sys.executable, "-m", "benchcli", "run", "mine.toml", "--launches", "2", "--output", name]
    done = subprocess.run(
        command, cwd=place, env=environment(name), capture_output=True, text=True, check=False, timeout=1200
    )
    wrong = (
        [] if done.returncode == 0 or name in ENDS_OTHERS else [f"exit code {done.returncode}: {done.stderr[-300:]}"]
    )
    table = place / name / "measurements.csv"
    rows = list(csv.DictReader(table.read_text().splitlines())) if table.is_file() else []
    statuses = {row["variant"]: row["status"] for row in rows}
    if statuses.get("hostile") not in expected.split(" or "):
        wrong.append(f"hostile is {statuses.get('hostile')}, not {expected}")
    if name not in ENDS_OTHERS:
        wrong += [f"{other} is {statuses.get(other)}" for other in ("before", "after") if statuses.get(other) != "ok"]
    error = next((row["error"] for row in rows if row["variant"] == "hostile"), "")
    wrong += [f"an error that cannot be printed: {error!r}"] if not error.isprintable() else []
    wrong += [f"left: {command}" for command in ended(name, 5)]
    print(f"{'WRONG' if wrong else 'right'}  {name:<40} {statuses.get('hostile')}: {error[:60]}", flush=True)
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    wanted = parser.parse_args().names or list(NETWORKS)
    with tempfile.TemporaryDirectory() as folder:
        wrong = {name: found for name in wanted if (found := measure(name, Path(folder)))}
    for name, found in wrong.items():
        print(f"{name}: {'; '.join(found)}")
    print(f"{len(wanted)} networks; not as expected: {len(wrong)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
