"""The way from a command to the timed loop is short."""

from pathlib import Path

import pytest

from benchcli.workers.process import FORKS
from tests.conftest import in_process

MOST = 18
SCRIPT = Path(__file__).parents[2] / "benchmarks" / "frames.py"


@pytest.mark.measured
@pytest.mark.skipif(not FORKS, reason="on this system launches are not forked")
def test_a_guideline_passes_few_frames_from_the_command_to_the_timed_loop() -> None:
    done = in_process(str(SCRIPT), PYTHONPATH=str(SCRIPT.parents[1]))
    assert done.returncode == 0, done.stderr
    _result, _, way = done.stdout.partition("cli.main.main\n")
    ours, _, rest = way.partition("\n\n")
    workers, _, _total = rest.partition("\n\n")
    assert workers.endswith("timed")
    assert len(["cli.main.main", *ours.splitlines(), *workers.splitlines()]) <= MOST, way
