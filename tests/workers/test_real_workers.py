"""Real workers with torch: forks of one process, which all tests of this module share, where the system can fork."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from benchcli.checks.growth import growth
from benchcli.schema import FamilyResult, Sample, Source, Target
from benchcli.schema.protocol import LAUNCH, SURVEY, Launcher, Sampled, Task, Watched
from benchcli.workers.process import FORKS, Workers
from tests.values import COSTS, family, variant
from tests.workers.faulty_runs import WRONG, check_deaths, check_late_deaths, measured_kinds

pytestmark = pytest.mark.measured
Measured = Callable[..., FamilyResult]


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """What launches workers; it has started its process already, and starts no other one."""
    with pytest.MonkeyPatch.context() as patch, Workers(renew=1000) as launcher:
        patch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        list(launcher(Task(SURVEY, Target(), (), {}), 60))
        yield launcher


@pytest.fixture
def measured(launcher: Launcher) -> Measured:
    return partial(measured_kinds, launcher)


def test_what_goes_wrong_costs_its_own_variant_a_row_and_nobody_else_anything(measured: Measured) -> None:
    others = {
        "allocates": "out-of-memory",
        "is_not_finite": "wrong-output",
        "changes_shape": "wrong-output",
        "changes_values": "wrong-output",
        "is_unsupported": "unsupported",
        "prints": "ok",
        "reads": "ok",
    }
    check_deaths(measured(*WRONG, *others), others)


def test_a_death_in_the_middle_of_the_rounds_is_put_on_the_right_variant(measured: Measured) -> None:
    check_late_deaths(measured("fine", "dies_late", "raises_late", "prints"))


@pytest.mark.parametrize(
    "forks",
    [pytest.param(True, marks=pytest.mark.skipif(not FORKS, reason="on this system launches are not forked")), False],
)
def test_no_steady_state_call_faults_under_the_steady_allocator(launcher: Launcher, forks: bool) -> None:
    result = measured_kinds(launcher if forks else Workers(forks=False).run, "fine", launches=1)
    assert result.records[0].timing is not None
    assert result.records[0].timing.faults is not None
    assert result.records[0].timing.faults < 1


LEAKING = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, leaks):
        super().__init__()
        self.leaks, self.kept = leaks, []

    def forward(self, inputs):
        made = torch.ones(20000)
        if self.leaks:
            self.kept.append(made)
        return inputs * 2

def net(leaks):
    return Net(leaks)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="page faults and resident sets are read from Linux")
@pytest.mark.parametrize("leaks", [True, False])
def test_memory_that_each_call_leaves_behind_is_measured(launcher: Launcher, tmp_path: Path, leaks: bool) -> None:
    (tmp_path / "nets.py").write_text(LEAKING)
    networks = [
        replace(variant(side), builder="nets:net", params={"leaks": leaks and side == "head"}, source=source)
        for source in [Source(str(tmp_path), "first")]
        for side in ("base", "control", "head")
    ]
    of = replace(family(*networks), name="pair")
    costs = {"pair": {each.name: COSTS for each in networks}}
    samples: dict[str, list[Sample]] = {}
    watched = []
    for launch in range(3):
        for event in launcher(Task(LAUNCH, Target(), (of,), costs, launch=launch, seconds=0.0, rounds=12), 60):
            if isinstance(event, Sampled):
                samples.setdefault(event.sample.variant, []).append(event.sample)
            elif isinstance(event, Watched):
                watched.append(event.conditions)
    grown = growth(samples, watched)
    if leaks:
        assert grown is not None
        assert grown > 40_000  # a call leaves 80,000 bytes behind, and repeated samples more than that
    else:
        assert grown is None
