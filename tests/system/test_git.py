"""What is asked of git repositories."""

from pathlib import Path

import benchcli
from benchcli.system.git import running_commit, top


def test_the_commit_is_read_without_git(tmp_path: Path) -> None:
    assert running_commit(tmp_path) is None
    (tmp_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "packed-refs").write_text("# pack\nabc123 refs/heads/main\n")
    assert running_commit(tmp_path) == "abc123"
    (tmp_path / ".git" / "refs" / "heads" / "main").write_text("def456\n")
    assert running_commit(tmp_path) == "def456"
    (tmp_path / ".git" / "HEAD").write_text("0123abc\n")
    assert running_commit(tmp_path) == "0123abc"


def test_the_commit_is_that_of_this_checkout() -> None:
    checkout = Path(benchcli.__file__).parent.parent
    if top(checkout) == checkout and (checkout / ".git").is_dir():
        assert running_commit()
