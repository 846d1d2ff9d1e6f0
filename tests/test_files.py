"""What a user may name as a path, and what each wrong one gets."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from benchcli import files
from benchcli.errors import UserError


def test_what_is_there_is_told_from_what_is_not(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")
    (tmp_path / "link").symlink_to("file")
    assert files.is_file(tmp_path / "file")
    assert files.is_file(tmp_path / "link")
    assert files.is_folder(tmp_path)
    assert not files.is_folder(tmp_path / "file")
    assert files.mode_of(tmp_path / "absent") is None
    assert files.mode_of(tmp_path / "file" / "below") is None
    assert files.read_text(tmp_path / "link") == "text"


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a name that is too long": (lambda place: place / ("x" * 300), "File name too long"),
    "links in a circle": (lambda place: linked(place / "circle", "circle"), "symbolic links"),
    "a NUL": (lambda place: place / "a\0b", "null"),
    "a pipe": (lambda place: piped(place / "pipe"), "is not a regular file"),
    "a folder": (lambda place: place, "is not a regular file"),
    "nothing": (lambda place: place / "absent", "is not there"),
    "a device": (lambda _place: Path(os.devnull), "is not a regular file"),
    "no UTF-8": (lambda place: written(place / "latin", b"\xff"), "not UTF-8 at byte 0"),
}


def linked(path: Path, target: str) -> Path:
    path.symlink_to(target)
    return path


def piped(path: Path) -> Path:
    os.mkfifo(path)
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_said_in_a_line(name: str, tmp_path: Path) -> None:
    make, says = WRONG[name]
    with pytest.raises(UserError, match=says) as caught:
        files.read_text(make(tmp_path))
    assert len(str(caught.value)) < 400


def test_a_file_that_may_not_be_read_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "closed", b"")

    def closed(*_arguments: object) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", closed)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        files.read_text(path)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 3)
    assert files.read_text(written(tmp_path / "small", b"abc")) == "abc"
    with pytest.raises(UserError, match="larger than"):
        files.read_text(written(tmp_path / "large", b"abcd"))


@pytest.mark.parametrize("make", [lambda path: path.mkdir(), piped, lambda path: linked(path, "/else")])
def test_what_is_no_regular_file_is_not_written_to(tmp_path: Path, make: Callable[[Path], object]) -> None:
    files.refuse_special(tmp_path / "absent")
    files.refuse_special(written(tmp_path / "file", b""))
    make(tmp_path / "special")
    with pytest.raises(UserError, match="special is not a regular file: remove it"):
        files.refuse_special(tmp_path / "special")


def test_a_user_who_is_not_there_has_no_home() -> None:
    assert files.expanded("~") == Path.home()
    with pytest.raises(UserError, match="there is no such user"):
        files.expanded("~nosuchuser/x")


def test_a_working_folder_that_is_gone_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert files.here() == Path.cwd()
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(UserError, match="change to another one"):
        files.here()
