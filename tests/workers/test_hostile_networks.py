"""Networks that reach out of themselves: into the pipe, the process, and those beside them."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psutil
import pytest

from benchcli.schema import FamilyResult
from benchcli.workers.process import FORKS, Workers
from tests.workers.faulty_runs import measured_kinds, statuses

pytestmark = [pytest.mark.measured, pytest.mark.skipif(not FORKS, reason="on this system launches are not forked")]
Measured = Callable[..., FamilyResult]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Iterator[Measured]:
    """Measure a family of faulty networks, in forks of one process."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    with Workers() as launcher:
        yield partial(measured_kinds, launcher)
    assert psutil.Process().children(recursive=True) == []


def test_what_a_network_writes_into_the_pipe_is_its_failure(measured: Measured) -> None:
    result = measured("fine", "forges", "replaces_json", "is_empty", "changes_its_input_for_good")
    assert statuses(result) == {
        "fine": "ok",
        "forges": "failed",
        "replaces_json": "ok",
        "is_empty": "wrong-output",
        "changes_its_input_for_good": "wrong-output",
    }
    assert "wrote into the pipe" in str(result.records[1].failure)


def test_a_fork_that_keeps_the_pipe_hangs_nothing_and_is_ended(measured: Measured) -> None:
    assert statuses(measured("fine", "forks", "forks_and_exits")) == {
        "fine": "ok",
        "forks": "ok",
        "forks_and_exits": "crashed",
    }
    (server,) = psutil.Process().children()
    assert server.children(recursive=True) == []


def test_a_fork_that_goes_on_as_the_worker_is_not_heard(measured: Measured) -> None:
    assert statuses(measured("fine", "goes_on_in_a_fork"))["fine"] == "ok"


def test_a_network_that_spoils_the_process_fails_and_those_after_it_do_not(measured: Measured) -> None:
    result = measured("fine", "spoils_the_process", "fine2", "fine3")
    assert statuses(result) == {"fine": "ok", "spoils_the_process": "failed", "fine2": "ok", "fine3": "ok"}
    assert "give it a family of its own" in str(result.records[1].failure)
