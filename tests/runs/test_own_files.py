"""Links, pipes, devices and folders in place of each file of a run or check: one line, and nothing written through."""

import ast
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from benchcli import files
from benchcli.checks.check_folder import FINDINGS, CheckFolder
from benchcli.errors import UserError
from benchcli.runs.folder import LOCK, Folder
from benchcli.runs.run_folder import BREAKDOWN, RunFolder
from tests.conftest import Outcome
from tests.runs.test_run_folder import ENVIRONMENT
from tests.test_architecture import MODULES, dotted
from tests.test_files import linked, piped

Cli = Callable[..., Outcome]
VICTIM = "the user's own\n"


def device(path: Path) -> Path:
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("only root makes devices")
    return path


KINDS: dict[str, Callable[[Path], object]] = {
    "a link": lambda path: linked(path, str(path.parents[1] / "victim")),
    "a link to nothing": lambda path: linked(path, str(path.parents[1] / "absent")),
    "a link to a device": lambda path: linked(path, os.devnull),
    "a pipe": piped,
    "a device": device,
    "a folder": Path.mkdir,
}
FOLDERS: tuple[type[Folder], ...] = (RunFolder, CheckFolder)
WRITTEN = [(folder, name) for folder in FOLDERS for name in folder.names() if name != LOCK]
"""Folders and their files that are written while a run is going."""
PLACES = [(folder, name) for folder in FOLDERS for name in folder.names()]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    (tmp_path / "victim").write_text(VICTIM)
    return tmp_path / "victim"


def unharmed(victim: Path) -> None:
    assert victim.read_text() == VICTIM
    assert not (victim.parent / "absent").exists()
    assert not [path.name for path in victim.parent.rglob("*.part")]


def test_the_list_has_every_file_of_a_folder(tmp_path: Path) -> None:
    folder = CheckFolder.create(tmp_path / "check", ENVIRONMENT)
    folder.conclude(())
    assert {path.name for path in folder.path.iterdir()} <= set(CheckFolder.names())
    run = RunFolder.create(tmp_path / "run", ENVIRONMENT)
    run.put_breakdowns("g2-x1", ())
    run.put_layers("g2-x1", ())
    assert {path.name for path in run.path.iterdir()} <= set(RunFolder.names())


@pytest.mark.parametrize(("folder", "name"), PLACES, ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("kind", KINDS)
def test_a_new_folder_is_not_made_around_it(folder: type[Folder], name: str, kind: str, victim: Path) -> None:
    (victim.parent / "run").mkdir()
    KINDS[kind](victim.parent / "run" / name)
    with pytest.raises(UserError, match=f"{name} (is not a regular file|exists, and is no part)"):
        folder.create(victim.parent / "run", ENVIRONMENT)
    unharmed(victim)


@pytest.mark.parametrize(("folder", "name"), PLACES, ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_not_opened_again_with_it(folder: type[Folder], name: str, kind: str, victim: Path) -> None:
    folder.create(victim.parent / "run", ENVIRONMENT).close()
    (victim.parent / "run" / name).unlink(missing_ok=True)
    KINDS[kind](victim.parent / "run" / name)
    with pytest.raises(UserError, match=r"is not a regular file|is not the folder of a run"):
        folder.reopen(victim.parent / "run")
    unharmed(victim)


@pytest.mark.parametrize(("folder", "name"), WRITTEN, ids=lambda each: getattr(each, "__name__", each))
@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_while_a_run_is_going_is_not_written_to(
    folder: type[Folder], name: str, kind: str, victim: Path
) -> None:
    run = folder.create(victim.parent / "run", ENVIRONMENT)
    (run.path / name).unlink(missing_ok=True)
    KINDS[kind](run.path / name)
    with pytest.raises(UserError, match="is not a regular file"):
        run.add({name: [("row",)]}) if name in run.tables else run.replace(name, "row\n")
    unharmed(victim)


@pytest.mark.parametrize("name", RunFolder.names())
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_resumed_says_so_in_a_line(cli: Cli, name: str, kind: str, victim: Path) -> None:
    request = ("guideline", "g2", "--device", "fake", "--launches", "1")
    assert cli(*request, "--output", str(victim.parent / "run")).code == 0
    (victim.parent / "run" / name).unlink(missing_ok=True)
    KINDS[kind](victim.parent / "run" / name)
    found = cli(*request, "--resume", str(victim.parent / "run"))
    assert (found.code, found.out, len(found.err.splitlines())) == (2, "", 1), found.err
    assert "Traceback" not in found.err
    unharmed(victim)


@pytest.mark.parametrize("kind", KINDS)
def test_the_findings_of_a_check_against_a_run_are_not_written_through_it(cli: Cli, kind: str, victim: Path) -> None:
    Path("g2.toml").write_text('[[family]]\nguideline = "g2"\nwidths = 16\n')
    assert cli("run", "g2.toml", "--launches", "6", "--device", "fake", "--output", "then").code == 0
    (victim.parent / "now").mkdir()
    KINDS[kind](victim.parent / "now" / FINDINGS)
    now = str(victim.parent / "now")
    found = cli("check", "g2.toml", "--baseline", "then", "--device", "fake", "--output", now)
    assert (found.code, len(found.err.splitlines())) == (2, 1)
    assert "exists, and is no part of a run" in found.err
    unharmed(victim)


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_between_the_look_and_the_opening_is_not_followed(
    monkeypatch: pytest.MonkeyPatch, kind: str, victim: Path
) -> None:
    monkeypatch.setattr(files, "refuse_special", lambda _path: None)
    (victim.parent / "run").mkdir()
    path = victim.parent / "run" / "samples.csv"
    KINDS[kind](path)
    with pytest.raises((UserError, OSError)):
        files.append(path, "row\n")
    with pytest.raises(FileExistsError):
        files.create(path, "row\n")
    monkeypatch.setattr(files, "_draft", lambda _path: path)
    with pytest.raises(UserError, match=r"samples\.csv is in the way"):
        files.replace(victim.parent / "run" / "launches.csv", "row\n")
    assert os.path.lexists(path)
    unharmed(victim)


def test_a_hard_link_is_neither_emptied_by_a_lock_nor_appended_to(victim: Path) -> None:
    RunFolder.create(victim.parent / "run", ENVIRONMENT).close()
    (victim.parent / "run" / LOCK).unlink(missing_ok=True)
    (victim.parent / "run" / LOCK).hardlink_to(victim)
    with pytest.raises(UserError, match=r"\.lock is a hard link"):
        RunFolder.reopen(victim.parent / "run")
    with pytest.raises(UserError, match=r"\.lock is a hard link"):
        files.append(victim.parent / "run" / LOCK, "row\n")
    unharmed(victim)


def test_drafts_have_names_that_nobody_can_foresee(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts: list[Path] = []
    create = files.create

    def watched(path: Path, content: str) -> None:
        drafts.append(path)
        create(path, content)

    monkeypatch.setattr(files, "create", watched)
    for _ in range(3):
        files.replace(tmp_path / "a.csv", "row\n")
    assert len({path.name for path in drafts}) == 3
    assert {path.parent for path in drafts} == {tmp_path}
    files.replace(tmp_path / ("ü" * 120), "a name of 240 bytes")


WRITERS = {"workers.worker": "a file of the kernel", "cli.main": "the null device"}
"""The modules that open something to write to it themselves, and what."""
CALLS = {"write_text", "write_bytes", "touch", "to_csv", "savefig", "mkstemp", "NamedTemporaryFile"}


def writes(node: ast.Call) -> bool:
    """Return whether a call opens a file for writing."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    words = [each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    flags = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)} & {"O_WRONLY", "O_RDWR"}
    modes = any(set(word) <= set("wax+bt") and set(word) & set("wax") for word in words if word)
    return name in CALLS or (name == "open" and (bool(flags) or modes))


def test_every_file_is_written_by_the_functions_that_follow_nothing() -> None:
    found = {
        dotted(path)
        for path, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and writes(node)
    }
    assert found == set(WRITERS)


@pytest.mark.parametrize("gone", ["the folder", "a table"])
def test_a_folder_that_is_deleted_during_a_run_is_not_called_kept(cli: Cli, tmp_path: Path, gone: str) -> None:
    import shutil

    from tests.conftest import inline

    launches = 0

    def deleting(task, silence_s):  # type: ignore[no-untyped-def]
        nonlocal launches
        launches += task.kind == "launch"
        if launches == 3:
            shutil.rmtree(tmp_path / "run", ignore_errors=True) if gone == "the folder" else (
                tmp_path / "run" / "samples.csv"
            ).unlink(missing_ok=True)
        return (yield from inline(task, silence_s))

    request = ("guideline", "g2", "--width", "16", "--device", "fake", "--launches", "6")
    found = cli(*request, "--output", str(tmp_path / "run"), launcher=deleting)
    assert (found.code, len(found.err.splitlines())) == (2, 1)
    assert "is not there any more: it was deleted or moved during the run" in found.err
    assert "kept" not in found.err
    assert not (tmp_path / "run" / "samples.csv").exists()


@pytest.mark.parametrize("name", [*RunFolder.tables, *RunFolder.later])
def test_a_table_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path, name: str) -> None:
    folder = RunFolder.create(tmp_path / "run", ENVIRONMENT)
    with (folder.path / name).open("ab") as stream:
        stream.truncate(100 * 2**20)  # it takes no room on the disk
    with pytest.raises(UserError, match=f"{name} is larger than 64 MiB, the most that is read"):
        folder.keep_only(())


def test_no_table_is_written_that_nothing_would_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder.create(tmp_path / "run", ENVIRONMENT)
    before = (folder.path / "samples.csv").read_text()
    monkeypatch.setattr(files, "MOST_BYTES", 1000)
    with pytest.raises(UserError, match=r"samples\.csv would be larger than .* measure fewer networks or launches"):
        folder.add({"samples.csv": [("x" * 1000,)]})
    with pytest.raises(UserError, match="would be larger than"):
        folder.replace(BREAKDOWN, "x" * 1001)
    assert (folder.path / "samples.csv").read_text() == before
