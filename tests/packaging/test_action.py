"""The GitHub Action: its steps run here in a shell, against a repository without a server."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

yaml = pytest.importorskip("yaml")  # fvcore brings it
ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEPS: dict[str, Any] = {step["name"]: step for step in ACTION["runs"]["steps"]}
SUITE = """
[[family]]
name = "mine"
network = "mynet:build"
shape = [4, 8, 8]
"""
NETWORK = "from torch import nn\n\n\ndef build():\n    return nn.Conv2d(4, 4, {window})\n"


class Runner:
    """Runs steps as GitHub does: in a shell that ends at the first error, with inputs in the environment."""

    def __init__(self, folder: Path, remote: Path) -> None:
        self.temporary = folder
        self.temporary.mkdir()
        self.repository = folder / "repository"
        self.known = {
            "SUITE": "mine.toml",
            "BASE": "HEAD",
            "ARGUMENTS": "--costs-only",
            "RUN_ARGUMENTS": "--device fake --launches 6",
            "BRANCH": "benchcli-store",
            "REMOTE": str(remote),
            "TOKEN": "",
            "FOLDER": str(folder / "benchcli"),
        }
        self.files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for each in self.files.values():
            each.touch()

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        step = STEPS[name]
        environment = {each: self.known[each] for each in step.get("env", {})} | {
            **{name: str(file) for name, file in self.files.items()},
            **{name: os.environ[name] for name in ("HOME", "PYTHONPATH") if name in os.environ},
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        return subprocess.run(
            command, cwd=self.repository, env=environment, capture_output=True, text=True, check=False
        )


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    command = ["git", *identity, "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--bare", "remote")
    return tmp_path / "remote"


def runner(folder: Path, remote: Path) -> Runner:
    made = Runner(folder, remote)
    git(folder, "init", "--quiet", "repository")
    (made.repository / "mine.toml").write_text(SUITE)
    (made.repository / "mynet.py").write_text(NETWORK.format(window=1))
    git(made.repository, "add", ".")
    git(made.repository, "commit", "--quiet", "-m", "first")
    return made


def test_no_input_is_written_into_a_script() -> None:
    for name, step in STEPS.items():
        assert "${{" not in step.get("run", ""), name  # it would be run as a part of the script
        assert step.get("shell") == ("bash" if "run" in step else None), name


@pytest.mark.measured
def test_a_check_gives_its_exit_code_and_its_tables(tmp_path: Path, remote: Path) -> None:
    one = runner(tmp_path / "one", remote)
    (one.repository / "mynet.py").write_text(NETWORK.format(window=3))
    found = one.step("Check")
    assert found.returncode == 0, found.stderr
    assert one.files["GITHUB_OUTPUT"].read_text() == "code=3\n"
    assert "::error" in found.stdout
    assert "mine" in (tmp_path / "one/benchcli/check.md").read_text()
    assert (tmp_path / "one/benchcli/check.html").is_file()


@pytest.mark.measured
def test_two_that_keep_runs_at_once_lose_none(tmp_path: Path, remote: Path) -> None:
    both = [runner(tmp_path / name, remote) for name in ("one", "other")]
    for each in both:
        found = each.step("Fetch the kept runs")
        assert found.returncode == 0, found.stderr
    for each in both:  # the second one finds that the branch has moved
        found = each.step("Measure, and keep the run")
        assert found.returncode == 0, found.stderr
    names = git(remote, "ls-tree", "-r", "--name-only", "benchcli-store").split()
    assert sum(name.endswith(".parquet") for name in names) == 2
    again = runner(tmp_path / "again", remote)
    assert again.step("Fetch the kept runs").returncode == 0
    assert again.step("Look for changes").returncode == 0
    assert again.files["GITHUB_STEP_SUMMARY"].read_text()
