"""Which files a worker's networks have read, and whether one of them is another version's."""

import os
import py_compile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchcli.guards import read_files
from benchcli.schema import Source
from benchcli.schema.protocol import CHANGED


@pytest.fixture(autouse=True)
def files_are_noted() -> Iterator[None]:
    with read_files.noting():
        yield


@pytest.fixture
def version(tmp_path: Path) -> Source:
    """The version whose code runs: what lies in it is the user's, though it is temporary."""
    folder = tmp_path / "base"
    folder.mkdir()
    source = Source(str(folder), "only", (str(tmp_path / "head"),))
    read_files.turn_to(source)
    return source


def written_before(path: Path, text: str) -> Path:
    """Write a file as another process would."""
    path.parent.mkdir(exist_ok=True)
    notes = read_files._active[:]
    read_files._active.clear()
    path.write_text(text)
    read_files._active[:] = notes
    return path


def names() -> set[str]:
    return {Path(path).name for path in read_files.hashes()}


def test_what_is_read_has_a_hash_of_its_content(version: Source) -> None:
    path = written_before(Path(version.folder, "width.txt"), "3")
    with read_files.noting():
        read_files.turn_to(version)
        path.read_text()
        first = read_files.hashes()
    with read_files.noting():
        read_files.turn_to(version)
        path.read_bytes()
        assert read_files.hashes() == first
    path.write_text("4")
    with read_files.noting():
        read_files.turn_to(version)
        os.close(os.open(bytes(path), os.O_RDONLY))
        assert set(read_files.hashes()) == set(first)
        assert read_files.hashes() != first


def test_what_changes_after_it_was_read_is_said_to_have_changed(version: Source) -> None:
    path = written_before(Path(version.folder, "width.txt"), "3")
    read_files.turn_to(version)
    path.read_text()
    os.utime(path, ns=(1, 1))
    assert list(read_files.hashes().values()) == [CHANGED]
    path.unlink()
    assert list(read_files.hashes().values()) == [CHANGED]


def test_what_a_network_writes_itself_is_not_noted(version: Source) -> None:
    path = Path(version.folder, "cache.txt")
    path.write_text("1")
    path.read_text()
    with path.open("a") as file:
        file.write("2")
    assert names() == set()


def test_a_compiled_file_stands_for_its_source(version: Source) -> None:
    source = written_before(Path(version.folder, "mine.py"), "K = 5\n")
    compiled = py_compile.compile(str(source))
    read_files.turn_to(version)
    Path(str(compiled)).read_bytes()
    assert names() == {"mine.py"}


def test_installed_and_temporary_files_are_not_the_users(version: Source) -> None:
    Path(pytest.__file__).read_text()
    Path(os.__file__).read_text()
    Path("/proc/self/status").read_text()
    with tempfile.NamedTemporaryFile() as file:
        Path(file.name).read_text()
    assert names() == set()


def test_a_large_file_is_known_by_its_size_and_time(version: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_files, "LARGE", 3)
    path = written_before(Path(version.folder, "weights.bin"), "12345")
    read_files.turn_to(version)
    path.read_text()
    (value,) = read_files.hashes().values()
    assert value.split(":")[1] == "5"


@pytest.mark.parametrize(
    ("mine", "theirs", "is_refused"),
    [
        ("width.txt", "width.txt", True),
        (None, "width.txt", False),  # what one tree alone has, such as weights that git ignores, is of both
        (None, "code.py", True),
    ],
)
def test_a_version_reads_its_own_data(version: Source, mine: str | None, theirs: str, is_refused: bool) -> None:
    other = written_before(Path(version.trees[0], theirs), "3")
    if mine:
        written_before(Path(version.folder, mine), "4")
    read_files.turn_to(version)
    other.read_text()
    assert read_files.of_other_version(version) == (str(other) if is_refused else None)


def test_a_version_within_the_others_folder_reads_its_own_files(tmp_path: Path) -> None:
    inner = Source(str(tmp_path / "copy"), "only", (str(tmp_path),), (str(tmp_path / "copy"), str(tmp_path / "v1")))
    path = written_before(tmp_path / "v1" / "width.txt", "3")
    written_before(tmp_path / "copy" / "width.txt", "3")
    read_files.turn_to(inner)
    path.read_text()
    assert read_files.of_other_version(inner) is None


def test_what_cannot_be_opened_is_left_to_python(version: Source) -> None:
    for path in (Path(version.folder, "absent"), Path(version.folder)):
        with pytest.raises(OSError, match=r"absent|directory"):
            path.read_text()
    with pytest.raises(ValueError, match="null"):
        Path("a\0b").read_text()
    assert names() == set()
