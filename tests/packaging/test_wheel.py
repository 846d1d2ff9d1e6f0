"""What a user gets from pip: the suites and the paper's tables are in the wheel, and what tests need in the sdist."""

import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.conftest import in_process

ROOT = Path(__file__).parents[2]
TOP = (
    ".ci/run",
    ".github/workflows/ci.yml",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "constraints.txt",
    "pyproject.toml",
    "results/README.md",
)

FOLDERS = (".ci", "benchcli", "benchmarks", "docs", "results/reference", "suites", "tests")


def test_the_wheel_holds_the_suites_and_the_papers_tables(tmp_path: Path) -> None:
    built = in_process(
        "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT), timeout=900
    )
    if built.returncode and "hatchling" in built.stderr:
        pytest.skip("the build backend cannot be fetched here")
    assert built.returncode == 0, built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for suite in (ROOT / "suites").glob("*.toml"):
        assert f"benchcli/data/suites/{suite.name}" in names
    for table in (ROOT / "benchcli" / "data" / "paper").glob("*.csv"):
        assert f"benchcli/data/paper/{table.name}" in names
    assert "benchcli/py.typed" in names
    assert not [name for name in names if name.startswith("tests/")]


def test_the_sdist_holds_what_the_tests_need(tmp_path: Path) -> None:
    pytest.importorskip("build.__main__")  # a folder build/ is a package too
    built = in_process("-m", "build", "--sdist", "--outdir", str(tmp_path), str(ROOT), timeout=900)
    if built.returncode and "hatchling" in built.stdout + built.stderr:
        pytest.skip("the build backend cannot be fetched here")
    assert built.returncode == 0, built.stdout + built.stderr
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    assert set(TOP) <= held
    for folder in FOLDERS:
        files = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        assert files, folder
        assert {name for name in files if "__pycache__" not in name} <= held
