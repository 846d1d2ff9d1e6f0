"""Odd paths, folders and systems: one line, exit code 2, and nothing lost."""

import csv
import errno
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import benchcli.cli.compare as compare_command
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
KEPT = Path(__file__).parents[2] / "results" / "reference" / "g2-epyc"
LONG = "x" * 300


def one_line(found: Outcome, code: int = 2) -> str:
    assert found.code == code, found.err
    assert "Traceback" not in found.err
    assert len(found.err.strip().splitlines()) == 1
    return found.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", f"{LONG}.toml"),
        ("run", f"./{LONG}/a.toml"),
        ("compare", LONG, str(KEPT)),
        ("claims", LONG),
        ("guideline", "g2", "--output", LONG),
        ("guideline", "g2", "--resume", LONG),
        ("check", "ci", "--base", LONG),
        ("check", "ci", "--base", "~nosuchuser/x"),
        ("check", "ci", "--baseline", LONG),
        ("compare", "a\n", str(KEPT)),
        ("compare", "\udcff", str(KEPT)),
        ("run", "\udcff.toml"),
        ("run", "/dev/zero"),
        ("claims", os.devnull),
        ("guideline", "g2", "--output", os.devnull),
    ],
    ids=lambda arguments: " ".join(arguments)[:30].encode("ascii", "replace").decode(),
)
def test_a_path_that_cannot_be_is_named(cli: Cli, arguments: tuple[str, ...]) -> None:
    one_line(cli(*arguments))


@pytest.fixture
def run_folder(cli: Cli, tmp_path: Path) -> Path:
    """The folder of a finished run on the fake device."""
    assert cli("guideline", "g2", "--device", "fake", "--launches", "1", "--output", str(tmp_path / "run")).code == 0
    (tmp_path / "run" / ".lock").unlink(missing_ok=True)
    return tmp_path / "run"


def resumed(cli: Cli, folder: Path) -> Outcome:
    return cli("guideline", "g2", "--device", "fake", "--launches", "1", "--resume", str(folder))


def test_a_lock_that_is_a_folder_or_a_link_is_refused_and_the_target_kept(cli: Cli, run_folder: Path) -> None:
    (run_folder / ".lock").mkdir()
    assert ".lock is not a regular file" in one_line(resumed(cli, run_folder))
    (run_folder / ".lock").rmdir()
    own = run_folder.parent / "own"
    own.write_text("mine")
    (run_folder / ".lock").symlink_to(own)
    one_line(resumed(cli, run_folder))
    assert own.read_text() == "mine"


@pytest.mark.parametrize("table", ["samples.csv", "launches.csv", "breakdown.csv", "measurements.csv"])
def test_a_pipe_among_the_tables_does_not_hang(cli: Cli, run_folder: Path, table: str) -> None:
    (run_folder / table).unlink(missing_ok=True)
    os.mkfifo(run_folder / table)
    one_line(resumed(cli, run_folder))
    found = cli("claims", str(run_folder))
    assert found.code in (0, 2)
    assert "Traceback" not in found.err


def test_a_cell_that_is_too_large_is_damage(cli: Cli, tmp_path: Path) -> None:
    shutil.copytree(KEPT, tmp_path / "run")
    table = tmp_path / "run" / "measurements.csv"
    with table.open(newline="") as stream:
        rows = list(csv.reader(stream))
    rows[1][3] = "y" * 200_000
    with table.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    assert "the file is damaged" in one_line(cli("compare", str(tmp_path / "run"), str(KEPT)))


@pytest.mark.parametrize("text", ["a." * 20_000 + "b = 1", "[[family]]\n" + "a . " * 20_000 + "b = 1"])
def test_a_key_of_many_parts_is_refused_before_it_is_parsed(cli: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "dots.toml").write_text(text)
    assert "a key of over" in one_line(cli("run", str(tmp_path / "dots.toml")))


def test_text_with_dots_is_no_key(cli: Cli, tmp_path: Path) -> None:
    dots = "and.so.on." * 20
    (tmp_path / "dots.toml").write_text(f'description = "{dots}"\n[[family]]\nguideline = "g9"\n')
    assert "g9" in one_line(cli("run", str(tmp_path / "dots.toml")))


@pytest.mark.parametrize(
    "arguments", [("guideline", "g2"), ("check", "ci", "--base", "main"), ("run", "own.toml")], ids=lambda each: each[0]
)
def test_a_working_folder_that_is_gone(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    one_line(cli(*arguments))


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (PermissionError(errno.EACCES, "Permission denied", "here"), "here: Permission denied"),
        (MemoryError(), "no more memory"),
    ],
    ids=["descriptors", "permission", "memory"],
)
def test_what_the_system_lacks_is_said_in_a_line(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    def refused(*_arguments: object, **_settings: object) -> None:
        raise error

    monkeypatch.setattr(compare_command, "compare", refused)
    assert says in one_line(cli("compare", str(KEPT), str(KEPT)))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_help_onto_a_full_device_is_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        program = [sys.executable, "-m", "benchcli", "--help"]
        done = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "benchcli: stdout cannot be written: No space left on device\n"


def test_a_module_that_hides_one_of_pythons_own_is_named(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("")
    program = [sys.executable, "-m", "benchcli", "list", "suites"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(program, capture_output=True, text=True, env=environment, check=False)
    said = one_line(Outcome(done.returncode, done.stdout, done.stderr))
    assert f"{tmp_path / 'json.py'} is loaded in place of Python's own module" in said


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_while_the_program_loads_is_no_traceback() -> None:
    program = (
        "import os, signal, sys\n"
        "class Interrupting:\n"
        "    def find_spec(self, name, *_rest):\n"
        "        if name == 'click': os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Interrupting())\n"
        "from benchcli.__main__ import main\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGINT
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (("junit=mine.toml",), "benchcli did not write it"),
        (("junit=net.py",), "benchcli did not write it"),
        (("csv=new.csv", "junit=./new.csv"), "twice"),
    ],
    ids=str,
)
def test_a_report_replaces_no_code_and_no_other_report(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("mine.toml", "net.py"):
        (tmp_path / name).write_text("mine")
    written = [word for file in files for word in ("--write", file)]
    assert says in one_line(cli("check", "ci", "--base", "main", *written))
    assert (tmp_path / "mine.toml").read_text() == (tmp_path / "net.py").read_text() == "mine"


def test_a_run_whose_samples_are_there_twice_is_damaged(cli: Cli, run_folder: Path) -> None:
    samples = run_folder / "samples.csv"
    header, *rows = samples.read_text().splitlines(keepends=True)
    samples.write_text("".join([header, *rows, rows[0]]))
    assert "has rows twice" in one_line(resumed(cli, run_folder))
