"""What a user gets from pip: the suites and the paper's tables are in the wheel."""

import zipfile
from pathlib import Path

import pytest

from tests.conftest import in_process

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_the_suites_and_the_papers_tables(tmp_path: Path) -> None:
    built = in_process(
        "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT), timeout=300
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
