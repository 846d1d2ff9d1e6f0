"""The copy of a working tree that a check measures."""

import os
from pathlib import Path

import pytest

from benchcli.checks import snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "pkg" / "__pycache__").mkdir(parents=True)
    (folder / "pkg" / "net.py").write_text("K = 1\n")
    (folder / "pkg" / "__pycache__" / "net.pyc").write_text("")
    (folder / ".git").mkdir()
    (folder / ".venv").mkdir()
    (folder / ".venv" / "pyvenv.cfg").touch()
    return folder


def taken(root: Path) -> Path:
    place = root.parent / "copy"
    assert snapshot.take(root, place)
    return place


def test_code_is_copied_and_what_belongs_to_tools_is_linked(root: Path) -> None:
    place = taken(root)
    (root / "pkg" / "net.py").write_text("K = 2\n")
    assert (place / "pkg" / "net.py").read_text() == "K = 1\n"
    assert sorted(each.name for each in place.iterdir()) == [".git", ".venv", "pkg"]
    assert {name: (place / name).is_symlink() for name in (".git", ".venv", "pkg")} == {
        ".git": True,
        ".venv": True,
        "pkg": False,
    }
    assert not (place / "pkg" / "__pycache__").exists()


def test_large_files_are_linked(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "LARGE", 10)
    (root / "weights.bin").write_bytes(b"x" * 11)
    place = taken(root)
    assert (place / "weights.bin").resolve() == root / "weights.bin"
    assert not (place / "pkg" / "net.py").is_symlink()


def test_links_within_the_folder_stay_within_the_copy_and_others_lead_where_they_led(root: Path) -> None:
    (root / "libs").mkdir()
    (root / "libs" / "up").symlink_to("../pkg")
    (root / "absolute").symlink_to(root / "pkg")
    (root.parent / "outside").write_text("o")
    (root / "out").symlink_to("../outside")
    (root / "broken").symlink_to("nowhere")
    place = taken(root)
    assert (place / "libs" / "up").resolve() == place / "pkg"
    assert (place / "absolute").resolve() == place / "pkg"
    assert (place / "out").read_text() == "o"
    assert not (place / "broken").exists()


@pytest.mark.parametrize(("limit", "value"), [("MOST_FILES", 2), ("MOST_BYTES", 3)])
def test_a_folder_too_large_is_left_where_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(snapshot, limit, value)
    assert not snapshot.take(root, root.parent / "copy")
    assert not (root.parent / "copy").exists()


def test_pipes_are_left_out_and_do_not_stop_it(root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert not (taken(root) / "pipe").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_what_cannot_be_read_is_linked(root: Path) -> None:
    (root / "secret").write_text("s")
    (root / "secret").chmod(0)
    assert (taken(root) / "secret").is_symlink()
