"""What a network does to the reference networks beside it."""

from dataclasses import replace

import pytest

from benchcli.checks.clean_references import ALONE, CleanReferences
from benchcli.sampling.worker_reports import Failures, collect
from benchcli.schema import BUILT_IN, Family, FamilyResult, Sample, Target
from benchcli.schema.protocol import LAUNCH, SURVEY, Conversation, Done, Sampled, Started, Task
from benchcli.workloads.references import with_references
from tests.values import COSTS, family, variant

OWN = with_references(replace(family(replace(variant("net"), builder="nets:net")), name="mine"))
SHIPPED = with_references(replace(family(replace(variant("g=1"), builder=f"{BUILT_IN}g2")), name="g2"))


def measured(slowdown: float, of: Family = OWN, launches: int = 6) -> tuple[str | None, list[Task]]:
    """Return what is said of a family beside which the references take `slowdown` times as long, and all tasks."""
    tasks = list[Task]()

    def launcher(task: Task, _silence_s: float) -> Conversation:
        tasks.append(task)
        for each in task.families:
            for network in each.launched:
                factor = slowdown if each.name != ALONE and network in each.references else 1.0
                yield Started(each.name, network.name)
                for number in range(3):
                    yield Sampled(each.name, Sample(network.name, task.launch, number, 1, 0.001 * factor, 0.0))
        yield Done()
        return True

    clean, samples = CleanReferences(launcher), list[Sample]()
    costs = {of.name: {each.name: COSTS for each in of.launched}}
    for launch in range(launches):
        task = Task(LAUNCH, Target(), (of,), costs, launch=launch)
        samples += [sample for _, sample in collect(clean.run, task, 1.0, Failures()).samples]
    return clean.why_not_compared(FamilyResult(of, (), tuple(samples), ())), tasks


def test_a_network_that_slows_the_references_beside_it_is_not_compared() -> None:
    why, tasks = measured(1.12)
    assert why is not None
    assert why.startswith("the reference networks take 12.0 % longer beside it than in a process of their own")
    assert [each.families[0].name for each in tasks] == ["mine", ALONE] * 6
    assert [network.builder for network in tasks[1].families[0].launched] == [each.builder for each in OWN.references]


@pytest.mark.parametrize("slowdown", [1.0, 1.04, 0.8])
def test_a_network_beside_which_they_are_as_fast_is_compared(slowdown: float) -> None:
    assert measured(slowdown)[0] is None


def test_networks_that_ship_need_no_other_process() -> None:
    why, tasks = measured(1.5, SHIPPED)
    assert why is None
    assert [each.families[0].name for each in tasks] == ["g2"] * 6


def test_what_is_no_launch_is_passed_on() -> None:
    tasks = list[Task]()

    def launcher(task: Task, _silence_s: float) -> Conversation:
        tasks.append(task)
        yield Done()
        return True

    collect(CleanReferences(launcher).run, Task(SURVEY, Target(), (OWN,), {}), 1.0, Failures())
    assert len(tasks) == 1
