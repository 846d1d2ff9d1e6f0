"""What the tests of runtimes share."""

import pytest

from benchcli.sampling.artifact_cache import FOLDER


@pytest.fixture(autouse=True)
def references_are_prepared_once(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let one preparation of reference networks, which takes some seconds, do for all tests of a process."""
    monkeypatch.setenv(FOLDER, str(tmp_path_factory.getbasetemp() / "prepared"))
