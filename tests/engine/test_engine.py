"""A fleet with Dask on this machine: jobs one at a time, and nothing lost whatever is killed."""

import csv
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Unpack

import psutil
import pytest

import benchcli
from benchcli.api.keywords import FleetSettings
from benchcli.api.many_machines import Fleet
from benchcli.api.result import UnfinishedError
from benchcli.errors import UserError
from benchcli.fleets.job import ENDING, RUN, STATE, Event, Job, Piece, carry_out, folder_of
from benchcli.runs.run_folder import MEASUREMENTS

pytestmark = [
    pytest.mark.keeps("sys.meta_path", "threads"),
    # Dask leaves the sockets of what was killed to the collector of garbage.
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]
SUITE = """
[[family]]
guideline = "g2"
values = [1, 8]
widths = 16
[[family]]
guideline = "g4"
values = ["relu+shortcut", "none"]
widths = 16
"""
NETWORKS = 4


def fleet(suite: str, **settings: Unpack[FleetSettings]) -> Fleet:
    """Measure a suite in a fleet, as fast as it goes."""
    settings.setdefault("device", "fake")
    settings.setdefault("launches", 1)
    settings.setdefault("quiet", 1.0)
    return benchcli.fleet(suite, **settings)


@pytest.fixture(autouse=True)
def hosts_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let jobs have their folders, and the lock of the host, in a folder of the test."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("DASK_NOTE", "x")  # as an engine has variables
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    return tmp_path / "data"


@pytest.fixture
def suite(tmp_path: Path) -> str:
    (tmp_path / "mine.toml").write_text(SUITE)
    return str(tmp_path / "mine.toml")


@contextmanager
def program(*arguments: str, log: Path) -> Iterator["subprocess.Popen[str]"]:
    """Yield a process of the command line, whose stderr goes to a file; it is killed in the end."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchcli", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stream, text=True,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def until(is_true: Callable[[], bool], most_s: float = 90.0) -> None:
    end = time.monotonic() + most_s
    while not is_true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def running() -> str:
    """Return the command lines of all processes."""
    return "\n".join(" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"]))


def free_port() -> int:
    with socket.socket() as each:
        each.bind(("127.0.0.1", 0))
        return int(each.getsockname()[1])


def networks(run: Path) -> list[str]:
    with (run / MEASUREMENTS).open() as stream:
        return sorted(f"{row['family']}/{row['variant']}" for row in csv.DictReader(stream))


def test_the_example_of_the_page_measures_on_workers_of_this_machine_one_at_a_time(
    suite: str, hosts_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text(encoding="utf-8")
    example = page.rpartition("```py\n")[2].partition("```")[0]
    fast = f'benchcli.fleet({suite!r}, device="fake", launches=1, quiet=1.0, store="store", '
    names: dict[str, Any] = {}
    exec(example.replace('benchcli.fleet("quick", ', fast), names)
    first, _, failures = capsys.readouterr().out.strip().splitlines()
    assert first.startswith("local-1 (Verdict(")
    assert failures == "{}"
    found = names["found"]
    assert list(found.runs) == ["local-1", "local-2"]
    assert {len(run.records) for run in found.runs.values()} == {NETWORKS}
    assert len(benchcli.Store("store").runs().rows) == 2
    spans = sorted(map(_span, hosts_folder.rglob(ENDING)))
    assert len(spans) == 2
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))
    shown = found.show()
    assert all(name in shown for name in found.runs)
    assert [row["host"] for row in found.page.data["hosts"]] == list(found.runs)


def _span(ending: Path) -> tuple[float, float]:
    """Return when a job began to measure, which is the last state that it had, and when it ended."""
    return (ending.parent / STATE).stat().st_mtime, ending.stat().st_mtime


def test_a_measurement_gets_no_variable_of_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "seen.py").write_text(
        "import json, os\nfrom pathlib import Path\nimport torch\n"
        "def build():\n"
        f"    Path({str(tmp_path / 'seen.json')!r}).write_text(json.dumps(dict(os.environ)))\n"
        "    return torch.nn.Linear(4, 4)\n"
        "build.example_inputs = (torch.zeros(1, 4),)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    suite = '[[family]]\nname = "own"\nnetwork = "seen:build"\n'
    job = Job("f", "here", "mine.toml", suite, ("--device", "fake", "--launches", "1"), 0.1)
    ended = carry_out(job, lambda _event: None)
    assert ended.is_finished, ended.reason
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["TMPDIR"] == str(tmp_path / "tmp")
    assert not [name for name in seen if name.startswith("DASK")]


def test_an_attempt_that_is_killed_at_any_moment_is_finished_by_the_next(tmp_path: Path, suite: str) -> None:
    job = Job("f", "here", "mine.toml", Path(suite).read_text(), ("--device", "fake", "--launches", "1"), 0.1)
    script = tmp_path / "attempt.py"
    script.write_text(
        "import sys\nfrom pathlib import Path\nfrom benchcli.fleets.job import Job, carry_out\n"
        f"carry_out(Job('f', 'here', 'mine.toml', Path({suite!r}).read_text(), "
        "('--device', 'fake', '--launches', '1'), 0.1), lambda event: None)\n"
    )
    for after_s in (0.5, 2.0, 4.0):
        attempt = subprocess.Popen([sys.executable, str(script)])
        time.sleep(after_s)
        attempt.send_signal(signal.SIGKILL)
        attempt.wait()
    pieces: list[Event] = []
    ended = carry_out(job, pieces.append)
    assert (ended.code, ended.is_finished, ended.reason) == (0, True, "")
    run = folder_of(job) / RUN
    assert len(networks(run)) == len(set(networks(run))) == NETWORKS
    assert {each.file for each in pieces if isinstance(each, Piece)} == set(ended.hashes)
    again: list[Event] = []
    job_that_has_all = Job(**{**vars(job), "has": ended.hashes})
    assert carry_out(job_that_has_all, again.append).is_finished
    assert not [each for each in again if isinstance(each, Piece)]


def test_a_job_that_is_not_wanted_any_more_is_interrupted_and_leaves_nothing_running(suite: str) -> None:
    job = Job("f", "here", "mine.toml", Path(suite).read_text(), ("--budget", "60s", "--precision", "0.05%"), 0.1)
    wanted = threading.Event()
    wanted.set()
    threading.Timer(4.0, wanted.clear).start()
    ended = carry_out(job, lambda _event: None, is_wanted=wanted.is_set)
    assert (ended.is_finished, ended.reason) == (False, "interrupted")
    listed = running()
    assert str(folder_of(job)) not in listed


def test_workers_and_the_scheduler_are_killed_and_the_job_is_done_once(suite: str, tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    port = address.rpartition(":")[2]
    result: list[Fleet] = []

    def ask() -> None:
        result.append(fleet(suite, scheduler=address, output="fleet", wait=60))

    asking = threading.Thread(target=ask)
    with program("fleet", "worker", address, "--name", "one", log=tmp_path / "one.log"):
        with program("fleet", "scheduler", "--port", port, log=tmp_path / "scheduler.log") as scheduler:
            with program("fleet", "worker", address, "--name", "two", log=tmp_path / "two.log") as two:
                until(lambda: all("takes jobs" in (tmp_path / f"{name}.log").read_text() for name in ("one", "two")))
                asking.start()
                until((tmp_path / "fleet" / "fleet.json").exists)
                until(lambda: bool(list((tmp_path / "data").rglob("environment.json"))))
                two.send_signal(signal.SIGKILL)
            scheduler.send_signal(signal.SIGKILL)
            scheduler.wait()
        with (
            program("fleet", "scheduler", "--port", port, log=tmp_path / "again.log"),
            program("fleet", "worker", address, "--name", "two", log=tmp_path / "two.log"),
        ):
            asking.join(180)
    (found,) = result
    jobs = set(found.runs)
    assert "one" in jobs
    for name in jobs:
        measured = networks(tmp_path / "fleet" / name)
        assert len(measured) == len(set(measured)) == NETWORKS
    assert not found.failures


def test_a_client_that_is_killed_asks_for_the_rest_when_it_is_resumed(suite: str, tmp_path: Path) -> None:
    port = str(free_port())
    address = f"tcp://127.0.0.1:{port}"
    with (
        program("fleet", "scheduler", "--port", port, log=tmp_path / "scheduler.log"),
        program("fleet", "worker", address, "--name", "one", "--label", "fast", log=tmp_path / "one.log"),
    ):
        asked = ("--scheduler", address, "--on", "fast", "--device", "fake", "--launches", "1", "--quiet", "1s")
        with program("fleet", "run", suite, *asked, "--output", "fleet", log=tmp_path / "client.log") as client:
            until((tmp_path / "fleet" / "fast" / "environment.json").exists)
            client.send_signal(signal.SIGKILL)
        with pytest.raises(UserError, match="no host has the label slow within 2 s: there are fast"):
            fleet(suite, scheduler=address, on=["slow"], wait=2, output="other")
        assert not Path("other").exists()
        with pytest.raises(UserError, match="was begun with"):
            fleet(suite, scheduler=address, on=["fast"], resume="fleet", launches=2)
        found = fleet(suite, scheduler=address, on=["fast"], resume="fleet", device="fake", launches=1, quiet=1.0)
    assert networks(found.folder / "fast") == sorted(set(networks(found.folder / "fast")))
    assert len(found.runs["fast"].records) == NETWORKS
    assert not found.failures


def test_a_scheduler_that_is_not_there_is_said_in_time(suite: str) -> None:
    begun = time.monotonic()
    with pytest.raises(UserError, match=r"no scheduler at tcp://127.0.0.1:1 within 2 s"):
        fleet(suite, scheduler="127.0.0.1:1", wait=2, output="fleet")
    assert time.monotonic() < begun + 60


@pytest.mark.keeps("open files")  # the loop of a client that was refused
@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates of this test")
def test_a_fleet_is_encrypted_with_certificates(suite: str, tmp_path: Path) -> None:
    for arguments in (
        "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=fleet-ca -keyout ca-key.pem -out ca.pem",
        "req -newkey rsa:2048 -nodes -subj /CN=fleet -keyout key.pem -out request.pem",
        "x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 -out cert.pem",
    ):
        subprocess.run(["openssl", *arguments.split()], cwd=tmp_path, check=True, capture_output=True)
    port = str(free_port())
    address = f"tls://127.0.0.1:{port}"
    secured = ("--tls", str(tmp_path))
    with (
        program("fleet", "scheduler", "--port", port, *secured, log=tmp_path / "scheduler.log"),
        program("fleet", "worker", address, "--name", "one", *secured, log=tmp_path / "one.log"),
    ):
        found = fleet(suite, scheduler=address, tls=tmp_path, output="fleet")
        assert not found.failures
        with pytest.raises(UserError, match="no scheduler at tcp"):
            fleet(suite, scheduler=f"tcp://127.0.0.1:{port}", wait=3, output="other")
    (tmp_path / "key.pem").unlink()
    with pytest.raises(UserError, match=r"lacks key.pem"):
        fleet(suite, scheduler=address, tls=tmp_path, output="third")


def test_workers_over_ssh_end_with_the_fleet_and_a_host_that_refuses_is_named(
    suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of ssh stands a script that runs what it is given, as a host would."""
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    refused = 'if [ "$1" = bad ]; then echo "bad: Permission denied" >&2; exit 255; fi'
    ssh.write_text(f'#!/bin/sh\nwhile [ "$1" = -o ]; do shift 2; done\n{refused}\nshift\nexec "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    (tmp_path / "hosts").write_text(f"localhost python={sys.executable}\nbad\n")
    with pytest.raises(UnfinishedError, match="bad: its worker has ended: bad: Permission denied") as raised:
        fleet(suite, hosts="hosts", output="fleet")
    assert list(raised.value.result.runs) == ["localhost"]
    assert list(raised.value.result.failures) == ["bad"]
    listed = running()
    assert "--name localhost" not in listed


def test_networks_beside_the_suite_are_found_where_the_host_has_its_folder(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "mine.py").write_text("import torch\ndef build(): return torch.nn.Conv2d(3, 4, 1)\n")
    suite = '[[family]]\nname = "own"\nnetwork = "mine:build"\nshape = [3, 8, 8]\n'
    job = Job("f", "here", "own.toml", suite, ("--device", "fake", "--launches", "1"), 0.1, str(place))
    ended = carry_out(job, lambda _event: None)
    assert ended.is_finished, ended.reason


def test_a_port_in_use_and_a_name_that_is_taken_are_said(tmp_path: Path) -> None:
    port = str(free_port())
    with program("fleet", "scheduler", "--port", port, log=tmp_path / "scheduler.log"):
        until(lambda: "scheduler at" in (tmp_path / "scheduler.log").read_text())
        with program("fleet", "scheduler", "--port", port, log=tmp_path / "second.log") as second:
            assert second.wait(60) == 2
        assert "Address already in use: give another" in (tmp_path / "second.log").read_text()
        address = f"127.0.0.1:{port}"
        with program("fleet", "worker", address, "--name", "one", log=tmp_path / "one.log"):
            until(lambda: "takes jobs" in (tmp_path / "one.log").read_text())
            with program("fleet", "worker", address, "--name", "one", log=tmp_path / "other.log") as other:
                assert other.wait(60) == 2
            assert "another worker has this name" in (tmp_path / "other.log").read_text()
    with program("fleet", "worker", "no-such-host.invalid", log=tmp_path / "lost.log"):
        until(lambda: "goes on trying" in (tmp_path / "lost.log").read_text())
