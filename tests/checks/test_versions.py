"""What --base and --head may name, how it is laid out, and that a repository stays as it was."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchcli.checks import snapshot
from benchcli.checks.versions import find_versions, laid_out, version
from benchcli.errors import UserError
from benchcli.system import git, interpreters


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two commits, the first of them tagged, and its current folder below its root."""
    root = tmp_path / "repository"
    (root / "inner").mkdir(parents=True)
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    call(root, "init", "--quiet", "--initial-branch=main")
    for number in (1, 2):
        (root / "inner" / "net.py").write_text(f"BLOCKS = {number}\n")
        call(root, "add", "--all")
        call(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", f"{number}")
        if number == 1:
            call(root, "tag", "first")
    return root


def call(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(root), *arguments], check=True, capture_output=True, text=True)
    return done.stdout


def state(root: Path) -> tuple[str, ...]:
    """All that a check must not touch."""
    files = sorted(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())
    index = (root / ".git" / "index").read_bytes()
    return (call(root, "worktree", "list"), call(root, "status", "--porcelain"), repr(index), *files)


def test_a_ref_is_laid_out_as_it_was_and_the_repository_stays_as_it_is(repository: Path) -> None:
    before = state(repository)
    here = repository / "inner"
    base, head = version("first", here), version(None, here)
    with laid_out({"base": base, "head": head}) as sources:
        (here / "net.py").write_text("BLOCKS = 3\n")  # while it is measured
        texts = {side: (Path(source.folder) / "net.py").read_text() for side, source in sources.items()}
        assert texts == {"base": "BLOCKS = 1\n", "head": "BLOCKS = 2\n"}
        assert len({len(source.folder) for source in sources.values()}) == 1
        place = Path(sources["base"].folder).parents[1]
        assert place.is_dir()
    assert not place.exists()
    (here / "net.py").write_text("BLOCKS = 2\n")
    assert state(repository) == before


def test_git_runs_no_code_of_the_repository_but_its_filters_which_are_named(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = program(tmp_path / "script", f"touch {ran}")
    for hook in ("post-checkout", "post-index-change", "fsmonitor-watchman", "reference-transaction"):
        (repository / ".git" / "hooks" / hook).symlink_to(script)
    call(repository, "config", "core.fsmonitor", script)
    call(repository, "config", "filter.upper.smudge", "tr a-z A-Z")
    call(repository, "config", "filter.unused.smudge", script)
    (repository / ".gitattributes").write_text("*.txt filter=upper\n*.bin filter=absent\n")
    (repository / "inner" / "small.txt").write_text("small")
    call(repository, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "add", "--all")
    call(repository, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "core.hooksPath=/dev/null", "-c",
         "core.fsmonitor=false", "commit", "--quiet", "--message", "3")  # fmt: skip
    assert not ran.exists()
    found, notices = find_versions("main", "first", repository / "inner")
    with laid_out(found.by_side()) as sources:
        assert (Path(sources["base"].folder) / "small.txt").read_text() == "SMALL"
    assert version(None, repository).uncommitted == []
    assert notices == ["git runs the repository's own filters to lay out base: upper"]
    assert not ran.exists()


def test_git_that_takes_too_long_is_ended(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "LONGEST_S", 0.0)
    with pytest.raises(UserError, match="took over 0 s, and was ended"):
        git.top(repository)


def test_a_filter_that_hangs_is_ended_with_git(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = tmp_path / "alive"
    script = program(tmp_path / "hang", f"echo $$ > {alive}; sleep 300")
    call(repository, "config", "filter.hang.smudge", str(script))
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("* filter=hang\n")
    monkeypatch.setattr(git, "LONGEST_S", 2.0)
    commit = git.commit_of(repository, "HEAD")
    assert commit
    with pytest.raises(UserError, match=r"git checkout-index in .* took over 2 s, and was ended"):
        git.lay_out(repository, commit, tmp_path / "laid")
    pid = int(alive.read_text())
    assert ends(pid)


def ends(pid: int) -> bool:
    """Return whether a process that was killed ends, which takes a moment."""
    try:
        psutil.Process(pid).wait(timeout=120)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    return True


def test_changes_in_a_submodule_are_seen_and_its_settings_run_nothing(repository: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    script = program(tmp_path / "script", f"touch {ran}")
    other = tmp_path / "other"
    other.mkdir()
    call(tmp_path, "clone", "--quiet", str(repository), str(other))
    call(repository, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    call(repository, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "3")
    assert version(None, repository).exact_commit is not None
    (repository / "sub" / "inner" / "net.py").write_text("BLOCKS = 3\n")
    call(repository / "sub", "config", "core.fsmonitor", script)
    assert version(None, repository).uncommitted == ["sub"]
    assert not ran.exists()


def test_files_that_git_takes_for_unchanged_are_changes_all_the_same(repository: Path) -> None:
    net = repository / "inner" / "net.py"
    call(repository, "update-index", "--assume-unchanged", "inner/net.py")
    assert version(None, repository).exact_commit is not None
    net.write_text("BLOCKS = 3\n")
    assert call(repository, "status", "--porcelain") == ""
    assert version(None, repository / "inner").uncommitted == ["inner/net.py"]
    call(repository, "update-index", "--no-assume-unchanged", "inner/net.py")
    call(repository, "update-index", "--skip-worktree", "inner/net.py")
    assert version(None, repository).uncommitted == ["inner/net.py"]
    net.unlink()  # as in a sparse checkout
    assert version(None, repository).uncommitted == []


def test_what_python_compiled_is_no_change(repository: Path) -> None:
    compiled = repository / "inner" / "__pycache__"
    compiled.mkdir()
    (compiled / "net.cpython-311.pyc").write_bytes(b"compiled")
    assert "__pycache__" in call(repository, "status", "--porcelain")
    assert version(None, repository).uncommitted == []
    (repository / "inner" / "other.pyc").write_bytes(b"compiled")  # which an import may find
    assert version(None, repository).uncommitted == ["inner/other.pyc"]


def test_a_commit_is_that_commit_whatever_git_was_told_to_take_for_it(repository: Path) -> None:
    first, second = (call(repository, "rev-parse", ref).strip() for ref in ("first", "main"))
    call(repository, "replace", first, second)
    with laid_out({"base": version("first", repository / "inner")}) as sources:
        assert (Path(sources["base"].folder) / "net.py").read_text() == "BLOCKS = 1\n"


def test_the_attributes_of_the_working_tree_are_not_the_commits(repository: Path) -> None:
    (repository / ".gitattributes").write_text("*.py filter=own\n")
    call(repository, "config", "filter.own.smudge", "tr A-Z a-z")
    with laid_out({"base": version("first", repository / "inner")}) as sources:
        assert (Path(sources["base"].folder) / "net.py").read_text() == "BLOCKS = 1\n"


def test_filters_of_the_users_own_attributes_are_named(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes, settings = tmp_path / "attributes", tmp_path / "settings"
    attributes.write_text("*.py filter=own\n")
    settings.write_text(f"[core]\nattributesFile = {attributes}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    call(repository, "config", "filter.own.smudge", "cat")
    call(repository, "config", "filter.other.smudge", "cat")
    commit = str(git.commit_of(repository, "main"))
    assert git.filters(repository, commit) == ("own",)


def test_a_filter_that_is_not_named_does_not_run(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.py filter=own\n")
    call(repository, "config", "filter.own.smudge", "tr A-Z a-z")
    monkeypatch.setattr(git, "filters", lambda *_: ())
    with laid_out({"base": version("first", repository / "inner")}) as sources:
        assert (Path(sources["base"].folder) / "net.py").read_text() == "BLOCKS = 1\n"


def test_a_filter_without_a_name_is_none(repository: Path) -> None:
    (repository / ".git" / "info").mkdir(exist_ok=True)
    (repository / ".git" / "info" / "attributes").write_text("*.bin filter=\n*.py filter=own text\n")
    call(repository, "config", "filter.own.smudge", "cat")
    assert git.filters(repository, "HEAD") == ("own",)


def test_a_partial_clone_is_told_how_to_be_whole(repository: Path, tmp_path: Path) -> None:
    call(repository, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone"
    call(tmp_path, "clone", "--quiet", "--filter=blob:none", f"file://{repository}", str(clone))
    with pytest.raises(UserError, match="fetch --refetch"), laid_out({"base": version("first", clone)}):
        pass


def test_a_working_tree_that_finds_no_room_is_left_and_said(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_root: Path, place: Path) -> bool:
        place.mkdir()
        raise OSError(errno.ENOSPC, "No space left on device", str(repository / "inner" / "net.py"))

    monkeypatch.setattr(snapshot, "take", full)
    with (
        pytest.raises(UserError, match=r"the working tree cannot be copied to .*No space left on device\): set TMPDIR"),
        laid_out({"head": version(None, repository / "inner")}),
    ):
        pass


def test_what_is_laid_out_goes_when_the_check_is_cut_short(repository: Path) -> None:
    before = state(repository)
    places = []

    def cut_short() -> None:
        with laid_out({"base": version("first", repository)}) as sources:
            places.append(Path(sources["base"].folder).parent)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_short()
    assert not places[0].exists()
    assert state(repository) == before


def test_changes_that_are_not_committed_are_listed(repository: Path) -> None:
    assert version(None, repository).changes == ()
    (repository / "inner" / "net.py").write_text("BLOCKS = 3\n")
    (repository / "new.py").touch()
    assert set(version(None, repository).changes) == {"inner/net.py", "new.py"}


def test_an_interpreter_is_a_path_an_environment_or_a_name(tmp_path: Path) -> None:
    assert version(sys.executable, tmp_path).kind == "interpreter"
    named = version(f"python3.{sys.version_info.minor}", tmp_path)
    assert named.kind == "interpreter"
    if sys.prefix != sys.base_prefix:
        assert version(sys.prefix, tmp_path).python == str(Path(sys.prefix) / "bin" / "python")


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    found = version(str(tmp_path / "old"), tmp_path)
    assert (found.kind, found.changes) == ("folder", ())


def test_a_name_that_is_nothing_is_said_with_the_nearest(repository: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no git ref, interpreter or folder 'man' here: did you mean main\?"):
        version("man", repository)
    with pytest.raises(UserError, match="in no git repository"):
        version("main", tmp_path)
    with pytest.raises(UserError, match="an empty string is not a version"):
        version(" ", repository)


def test_a_shallow_clone_says_that_it_is_one(repository: Path, tmp_path: Path) -> None:
    call(tmp_path, "clone", "--quiet", "--depth=1", f"file://{repository}", "shallow")
    with pytest.raises(UserError, match=r"fetch-depth: 0"):
        version("first", tmp_path / "shallow")


def test_a_name_of_two_things_is_not_guessed(repository: Path) -> None:
    (repository / "first").mkdir()
    with pytest.raises(UserError, match=r"first is a folder here, and a git ref: write \./first, or [0-9a-f]{10}"):
        version("first", repository)


def test_a_file_that_is_no_program_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be run"):
        version(str(tmp_path / "file"), tmp_path)


def test_an_option_is_no_ref(repository: Path) -> None:
    with pytest.raises(UserError, match="no git ref"):
        version("--all", repository)


def test_a_folder_that_one_version_lacks_is_named(repository: Path) -> None:
    (repository / "newer").mkdir()
    with (
        pytest.raises(UserError, match="has no folder newer"),
        laid_out({"base": version("first", repository / "newer")}),
    ):
        pass


def test_a_repository_that_git_refuses_is_not_taken_for_none(repository: Path) -> None:
    (repository / ".git" / "config").write_text("[core\n")
    with pytest.raises(UserError, match="git cannot say what"):
        version(None, repository)


def test_without_git_there_are_still_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git.top(tmp_path) is None
    assert version(".", tmp_path).kind == "folder"


def program(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.skipif(os.name == "nt", reason="there is no sh on Windows")
def test_interpreters_that_cannot_run_workers_are_refused(tmp_path: Path) -> None:
    answers = {
        "lacks torch": '{"version": [3, 12, 1], "missing": ["torch"], "benchcli": null}',
        r"is Python 3\.9\.1: workers need 3\.11": '{"version": [3, 9, 1], "missing": [], "benchcli": null}',
        "is no Python that answers": "hello",
    }
    for number, (text, answer) in enumerate(answers.items()):
        with pytest.raises(UserError, match=text):
            interpreters.ask(program(tmp_path / f"python{number}", f"echo '{answer}'"))


def test_this_interpreter_can_run_workers() -> None:
    assert interpreters.ask(sys.executable).path == sys.executable
