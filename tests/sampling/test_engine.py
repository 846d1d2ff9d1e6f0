"""The engine, with workers that are scripted."""

import math
import random
from dataclasses import replace

import pytest

from benchcli.backends.devices.base import PEAK_FLOAT32
from benchcli.errors import ChangedError
from benchcli.sampling.engine import Session, measure
from benchcli.sampling.summarise import ALWAYS_LAUNCHES, another_launch
from benchcli.sampling.supervise import Survey
from benchcli.sampling.worker_reports import Failures
from benchcli.schema import Costs, Failure, Family, FamilyResult, Interval, Plan, Sample, Target
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import Conversation, Done, Launcher, Sampled, Started, Task, Watched, WorkerDied
from benchcli.schema.warnings import RunWarning
from benchcli.statistics import LEAST_LAUNCHES
from tests.values import COSTS, conditions, family, variant


class Clock:
    """Each launch takes ten seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def launcher(clock: Clock, spread: float, tasks: list[Task]) -> Launcher:
    rng = random.Random(0)

    def launch(task: Task, _silence: float) -> Conversation:
        tasks.append(task)
        clock.now += 10.0
        for of in task.families:
            for number, each in enumerate(of.variants):
                factor = 1.0 + number + rng.gauss(0.0, spread)
                yield Started(of.name, each.name)
                for r in range(3):
                    yield Sampled(of.name, Sample(each.name, task.launch, r, 1, 0.001 * factor, 0.0))
        yield Done()
        return True

    return launch


def run(
    families: list[Family], plan: Plan, spread: float = 0.0, costs: Costs = COSTS
) -> tuple[list[FamilyResult], list[Task]]:
    clock, tasks = Clock(), list[Task]()
    known = {(of.name, each.name): costs for of in families for each in of.variants}
    session = Session(
        "run", "suite", Target(), plan, Survey(costs=known), launcher(clock, spread, tasks), lambda _p: None, clock
    )
    return list(measure(families, session)), tasks


PAIR = (variant("g=1"), variant("g=8"))


def test_a_precise_family_stops_at_the_least_number_of_launches() -> None:
    results, tasks = run([family(*PAIR)], Plan(budget_s=1000))
    assert len(tasks) == LEAST_LAUNCHES
    timing = results[0].records[1].timing
    assert timing is not None
    assert timing.relative is not None
    assert timing.relative.estimate == pytest.approx(0.5)
    assert results[0].records[1].warnings == ()


def test_a_noisy_family_stops_when_the_budget_is_spent_and_says_so() -> None:
    results, tasks = run([family(*PAIR)], Plan(budget_s=85), spread=0.3)
    assert len(tasks) == 8
    assert kinds(results[0]) == {"imprecise:budget", "unsteady"}


def kinds(result: FamilyResult) -> set[str]:
    """Return the warnings of the second variant, without the amount of those that state one."""
    return {f"imprecise:{each.text}" if each.kind == "imprecise" else each.kind for each in result.records[1].warnings}


def compiling(clock: Clock, tasks: list[Task], compile_s: float) -> Launcher:
    """Launches of ten seconds, in which a compiler works for so many of them."""
    noisy = launcher(clock, 0.3, tasks)

    def launch(task: Task, silence_s: float) -> Conversation:
        *events, done = noisy(task, silence_s)
        yield from events
        yield Watched(task.families[0].name, conditions(task.launch, compile_s={"g=1": compile_s}))
        yield done
        return True

    return launch


@pytest.mark.parametrize(
    ("budget_s", "compile_s", "launches"),
    [(60, 0.0, 6), (60, 2.0, 7), (60, 5.0, 12), (60, 9.0, 12), (20, 9.0, 6)],
)
def test_a_budget_grows_by_what_the_compiler_takes_in_launches_up_to_twice(
    budget_s: float, compile_s: float, launches: int
) -> None:
    of, clock, tasks = family(*PAIR), Clock(), list[Task]()
    seen: list[Progress] = []
    survey = Survey(costs={(of.name, each.name): COSTS for each in of.variants})
    work = compiling(clock, tasks, compile_s)
    list(measure([of], Session("run", "s", Target(), Plan(budget_s=budget_s), survey, work, seen.append, clock)))
    assert len(tasks) == launches
    assert any("torch.compile works" in each.doing for each in seen) == (compile_s > 0)
    assert clock.now <= 2 * budget_s or launches == 6


def test_what_the_compiler_did_in_the_survey_is_not_counted_against_the_budget() -> None:
    of, clock, tasks = family(*PAIR), Clock(), list[Task]()
    known = {(of.name, each.name): COSTS for each in of.variants}
    survey = Survey(costs=known, compile_s={(of.name, "g=1"): 95.0})
    clock.now = 100.0  # the survey took so long
    work = launcher(clock, 0.3, tasks)
    session = Session("run", "s", Target(), Plan(budget_s=85), survey, work, lambda _p: None, clock, begun_s=0.0)
    list(measure([of], session))
    assert len(tasks) == 8


def test_a_given_number_of_launches_is_kept_to() -> None:
    results, tasks = run([family(*PAIR)], Plan(budget_s=1, launches=9), spread=0.3)
    assert len(tasks) == 9
    assert kinds(results[0]) == {"imprecise:launches", "unsteady"}


def test_a_budget_too_small_for_one_launch_still_gets_as_many_as_an_interval_needs() -> None:
    results, tasks = run([family(*PAIR)], Plan(budget_s=1), spread=0.01)
    assert len(tasks) == 6
    timing = results[0].records[1].timing
    assert timing is not None
    assert timing.seconds.low is not None


def test_what_was_measured_before_a_file_changed_stands() -> None:
    clock, tasks, results = Clock(), list[Task](), list[FamilyResult]()
    scripted = launcher(clock, 0.3, tasks)

    def launch(task: Task, silence_s: float) -> Conversation:
        if len(tasks) == 3:
            raise ChangedError("nets.py changed meanwhile")
        return (yield from scripted(task, silence_s))

    known = {("g2", each.name): COSTS for each in PAIR}
    session = Session("run", "suite", Target(), Plan(launches=9), Survey(costs=known), launch, lambda _p: None, clock)
    with pytest.raises(ChangedError, match="changed meanwhile"):
        results.extend(measure([family(*PAIR)], session))
    (result,) = results
    assert {sample.launch for sample in result.samples} == {0, 1, 2}


def test_fewer_than_six_launches_have_no_interval() -> None:
    results, tasks = run([family(*PAIR)], Plan(launches=5), spread=0.01)
    assert len(tasks) == 5
    timing = results[0].records[1].timing
    assert timing is not None
    assert timing.seconds.low is None
    assert timing.relative is not None
    assert timing.relative.low is None
    assert results[0].records[1].warnings == (RunWarning("few-launches", 5),)


def test_families_of_one_guideline_share_launches_and_others_do_not() -> None:
    families = [
        family(*PAIR, name="g2-x1"),
        family(*PAIR, name="g2-x2"),
        family(*PAIR, name="g3-x1", guideline="g3"),
    ]
    results, tasks = run(families, Plan(budget_s=1000))
    assert [result.family.name for result in results] == ["g2-x1", "g2-x2", "g3-x1"]
    assert [len(task.families) for task in tasks] == [2] * LEAST_LAUNCHES + [1] * LEAST_LAUNCHES


def test_every_launch_has_a_seed_and_a_number_of_its_own() -> None:
    _, tasks = run([family(*PAIR)], Plan(budget_s=1000))
    assert [task.launch for task in tasks] == list(range(LEAST_LAUNCHES))
    assert len({task.seed for task in tasks}) == LEAST_LAUNCHES


def test_a_row_whose_calls_fault_says_so() -> None:
    def faulting(task: Task, _silence: float) -> Conversation:
        for each in task.families[0].variants:
            yield Sampled(task.families[0].name, Sample(each.name, task.launch, 0, 1, 0.001, 432.6))
        yield Done()
        return True

    of = family(*PAIR)
    known = {(of.name, each.name): COSTS for each in of.variants}
    session = Session("run", "s", Target(), Plan(launches=2), Survey(costs=known), faulting, lambda _p: None, Clock())
    (result,) = measure([of], session)
    assert RunWarning("page-faults", 433) in result.records[0].warnings


def test_a_variant_whose_costs_could_not_be_counted_is_not_launched() -> None:
    of, clock, tasks = family(*PAIR), Clock(), list[Task]()
    failure = Failure("crashed", "it died")
    found = Survey(costs={("g2-x1", "g=1"): COSTS}, failures=Failures({("g2-x1", "g=8"): failure}))
    session = Session(
        "run", "s", Target(), Plan(launches=2), found, launcher(clock, 0.0, tasks), lambda _p: None, clock
    )
    (result,) = measure([of], session)
    assert result.records[1].failure == failure
    assert all([each.name for each in task.families[0].variants] == ["g=1"] for task in tasks)


def test_progress_tells_what_is_done_and_the_most_it_may_take() -> None:
    seen: list[Progress] = []
    of, clock = family(*PAIR), Clock()
    known = {(of.name, each.name): COSTS for each in of.variants}
    session = Session(
        "run", "s", Target(), Plan(budget_s=70), Survey(costs=known), launcher(clock, 0.0, []), seen.append, clock
    )
    list(measure([of], session))
    assert seen[0] == Progress("g2: launch 1 of at least 6", 0.0, 70)
    assert [progress.spent_s for progress in seen] == [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    assert seen[-1] == Progress("g2: launch 7, for narrower intervals", 60.0, 70)


def told(plan: Plan, *families: Family) -> list[Progress]:
    """Return the progress of measuring families whose launches take ten seconds each."""
    seen: list[Progress] = []
    clock = Clock()
    known = {(of.name, each.name): COSTS for of in families for each in of.variants}
    session = Session("run", "s", Target(), plan, Survey(costs=known), launcher(clock, 0.0, []), seen.append, clock)
    list(measure(families, session))
    return seen


def test_the_time_left_is_of_all_families_and_not_of_one() -> None:
    one, other = family(*PAIR), family(*PAIR, name="g3-x1", guideline="g3")
    given = told(Plan(launches=2), one, other)
    assert [each.doing for each in given] == [
        *("g2: launch 1 of 2", "g2: launch 2 of 2", "g3: launch 1 of 2", "g3: launch 2 of 2"),
    ]
    assert [each.most_s for each in given[1:]] == [40.0, 40.0, 40.0]
    assert all(each.is_estimate for each in given)


def test_a_budget_that_the_least_launches_exceed_is_no_bound() -> None:
    seen = told(Plan(budget_s=1), family(*PAIR), family(*PAIR, name="g3-x1", guideline="g3"))
    assert [each.most_s for each in seen[1:]] == [120.0] * 11
    assert not any(each.is_estimate for each in seen)


@pytest.mark.parametrize(
    ("done", "fits", "launches", "another"),
    [(0, False, None, True), (5, False, None, True), (6, False, None, False), (6, True, None, True),
     (3, True, 3, False), (2, False, 3, True)],
)  # fmt: skip
def test_the_next_launch_must_fit_but_six_are_always_made(
    done: int, fits: bool, launches: int | None, another: bool
) -> None:
    assert another_launch(done, ALWAYS_LAUNCHES, fits, Plan(launches=launches)) is another


def spreading(clock: Clock, tasks: list[Task], spreads: dict[str, float]) -> Launcher:
    """Give each variant a spread of its own; a launch takes a second for each of them."""
    rng = random.Random(0)

    def launch(task: Task, _silence: float) -> Conversation:
        tasks.append(task)
        for of in task.families:
            for each in of.variants:
                clock.now += 1.0
                seconds = 0.001 * math.exp(rng.gauss(0.0, spreads.get(each.name, 0.0)))
                for r in range(3):
                    yield Sampled(of.name, Sample(each.name, task.launch, r, 1, seconds, 0.0))
        yield Done()
        return True

    return launch


def measured(families: list[Family], plan: Plan, spreads: dict[str, float]) -> tuple[list[FamilyResult], list[Task]]:
    clock, tasks = Clock(), list[Task]()
    known = {(of.name, each.name): COSTS for of in families for each in of.variants}
    script = spreading(clock, tasks, spreads)
    session = Session("run", "s", Target(), plan, Survey(costs=known), script, lambda _p: None, clock)
    return list(measure(families, session)), tasks


def test_effort_goes_to_the_variants_that_are_wide() -> None:
    of = family(variant("g=1"), variant("calm"), variant("wild"))
    (result,), tasks = measured([of], Plan(budget_s=120), {"wild": 0.05})
    asked = [[each.name for each in task.families[0].variants] for task in tasks]
    assert asked[:LEAST_LAUNCHES] == [["g=1", "calm", "wild"]] * LEAST_LAUNCHES
    assert asked[LEAST_LAUNCHES] == ["g=1", "wild"]
    launches = {record.variant.name: record.timing.launches for record in result.records if record.timing}
    assert launches["calm"] == LEAST_LAUNCHES
    assert launches["wild"] == launches["g=1"] > 30


def test_what_one_guideline_leaves_of_the_budget_goes_to_the_families_that_are_wide() -> None:
    wild = family(variant("g=1"), variant("wild"), name="g2-x1")
    calm = family(variant("g=1"), variant("calm"), name="g3-x1", guideline="g3")
    results, tasks = measured([wild, calm], Plan(budget_s=40), {"wild": 0.2})
    # It is yielded when its own budget is spent, and once more at the end.
    assert [result.family.name for result in results] == ["g2-x1", "g3-x1", "g2-x1"]
    first, last = (results[place].records[1].timing for place in (0, 2))
    assert first is not None
    assert last is not None
    assert (first.launches, last.launches) == (20, 32)
    launches = [task.families[0].name for task in tasks]
    assert launches.count("g3-x1") == LEAST_LAUNCHES
    # Its own 40 s are 20 launches; g3 spent 16 s of its 40.
    assert launches.count("g2-x1") == (80 - 16) // 2
    assert launches[-1] == "g2-x1"
    assert kinds(results[2]) == {"imprecise:budget", "unsteady"}


def test_families_that_are_wide_are_yielded_before_the_next_guideline_begins() -> None:
    wild = family(variant("g=1"), variant("wild"), name="g2-x1")
    other = family(variant("g=1"), variant("other"), name="g3-x1", guideline="g3")
    clock, tasks = Clock(), list[Task]()
    known = {(of.name, each.name): COSTS for of in (wild, other) for each in of.variants}
    inner = spreading(clock, tasks, {"wild": 0.2})

    def interrupted(task: Task, silence: float) -> Conversation:
        if task.families[0].name == "g3-x1":
            raise KeyboardInterrupt
        return (yield from inner(task, silence))

    session = Session("r", "s", Target(), Plan(budget_s=40), Survey(costs=known), interrupted, lambda _p: None, clock)
    results = measure([wild, other], session)
    found = next(results)
    assert found.family.name == "g2-x1"
    assert found.records[1].timing is not None
    with pytest.raises(KeyboardInterrupt):
        next(results)


def test_what_the_survey_took_is_part_of_the_budget() -> None:
    of, clock, tasks = family(*PAIR), Clock(), list[Task]()
    known = {(of.name, each.name): COSTS for each in of.variants}
    clock.now = 25.0
    script = launcher(clock, 0.3, tasks)
    session = Session("r", "s", Target(), Plan(budget_s=100), Survey(costs=known), script, lambda _p: None, clock, 0.0)
    list(measure([of], session))
    assert len(tasks) == 7  # of 75 s; without the survey they would be ten


def test_what_the_watch_saw_is_kept_and_warned_of() -> None:
    def watched(task: Task, _silence: float) -> Conversation:
        for each in task.families[0].variants:
            yield Sampled(task.families[0].name, Sample(each.name, task.launch, 0, 1, 0.001, 0.0))
        yield Watched(task.families[0].name, conditions(task.launch, busy_cores=1.5))
        yield Done()
        return True

    of = family(*PAIR)
    known = {(of.name, each.name): COSTS for each in of.variants}
    session = Session("run", "s", Target(), Plan(launches=2), Survey(costs=known), watched, lambda _p: None, Clock())
    (result,) = measure([of], session)
    assert [each.launch for each in result.conditions] == [0, 1]
    assert all(RunWarning("busy", 1.5, launches=2, of_launches=2) in record.warnings for record in result.records)


def dying(clock: Clock, tasks: list[Task], started: bool, launches: set[int]) -> Launcher:
    """Die in each of these launches: once before any variant, or at every attempt in the middle of the last one."""
    inner = launcher(clock, 0.0, tasks)

    def launch(task: Task, silence: float) -> Conversation:
        if task.launch in launches and len(task.families[0].variants) == len(PAIR):
            if not started:
                launches.discard(task.launch)
            else:
                yield Started(task.families[0].name, task.families[0].variants[-1].name)
            yield WorkerDied(Failure("crashed", "it died"))
            return False
        return (yield from inner(task, silence))

    return launch


def run_dying(started: bool, launches: set[int]) -> tuple[FamilyResult, list[Task]]:
    of, clock, tasks = family(*PAIR), Clock(), list[Task]()
    known = {(of.name, each.name): COSTS for each in of.variants}
    script = dying(clock, tasks, started, launches)
    session = Session("run", "s", Target(), Plan(budget_s=1000), Survey(costs=known), script, lambda _p: None, clock)
    (result,) = measure([of], session)
    return result, tasks


def test_a_worker_that_dies_before_any_variant_is_tried_again() -> None:
    result, tasks = run_dying(started=False, launches={1, 3})
    assert [record.failure for record in result.records] == [None, None]
    assert len(tasks) == LEAST_LAUNCHES


def test_a_worker_that_somebody_killed_is_launched_again_and_its_variant_is_spared() -> None:
    of, clock, tasks = family(*PAIR), Clock(), list[Task]()
    known = {(of.name, each.name): COSTS for each in of.variants}
    inner, killed = launcher(clock, 0.0, tasks), [False]

    def launch(task: Task, silence: float) -> Conversation:
        if task.launch == 2 and not killed[0]:
            killed[0] = True
            yield Started(of.name, "g=8")
            yield WorkerDied(Failure("crashed", "the worker was ended by SIGKILL"))
            return False
        return (yield from inner(task, silence))

    session = Session("run", "s", Target(), Plan(launches=4), Survey(costs=known), launch, lambda _p: None, clock)
    (result,) = measure([of], session)
    assert [record.failure for record in result.records] == [None, None]
    assert {sample.launch for sample in result.samples} == {0, 1, 2, 3}


def test_a_variant_that_dies_late_is_no_evidence_and_does_not_hold_up_the_rest() -> None:
    result, tasks = run_dying(started=True, launches={3})
    assert result.records[1].failure == Failure("crashed", "it died")
    assert result.records[1].timing is None
    assert len(tasks) == LEAST_LAUNCHES
    assert {sample.variant for sample in result.samples} == {"g=1"}


def starting(
    clock: Clock, start_s: float, tasks: list[Task], compile_s: float = 0.0, waited_s: float = 0.0
) -> Launcher:
    """A launch samples for a second, and takes some more to start, the first one the compiler's seconds too.

    For some of them it waits for a core at its usual pace.
    """

    rng = random.Random(0)

    def launch(task: Task, _silence: float) -> Conversation:
        tasks.append(task)
        compiling = {each.name: compile_s / 2 for each in task.families[0].variants if compile_s and len(tasks) == 1}
        clock.now += start_s + 1.0 + sum(compiling.values())
        for of in task.families:
            for each in of.variants:
                yield Sampled(of.name, Sample(each.name, task.launch, 0, 1, 0.001 + rng.random(), 0.0))
            yield Watched(of.name, conditions(task.launch, compile_s=compiling, waited_s=waited_s))
        yield Done()
        return True

    return launch


@pytest.mark.parametrize("compile_s", [0.0, 3.0, 40.0])
def test_compiled_networks_get_as_many_launches_as_others(compile_s: float) -> None:
    """The budget is of 40 seconds, for 2.5 seconds of a launch; the first one compiles besides."""
    of, clock, tasks = family(*PAIR), Clock(), list[Task]()
    known = {(of.name, each.name): COSTS for each in of.variants}
    survey = Survey(costs=known, compile_s=dict.fromkeys(known, 9.0) if compile_s else {})
    script = starting(clock, 1.5, tasks, compile_s)
    plan = Plan(budget_s=20.0, grows=True)
    list(measure([of], Session("r", "s", Target("fake"), plan, survey, script, lambda _p: None, clock)))
    assert len(tasks) == 16
    assert {task.compiles for task in tasks} == {bool(compile_s)}


@pytest.mark.parametrize(
    ("device", "grows", "start_s", "budget_s"),
    [
        ("fake", True, 0.5, 20.0),
        ("fake", True, 1.5, 40.0),
        ("fake", True, 9.0, 80.0),
        ("fake", False, 1.5, 20.0),
        ("cpu", True, 1.5, 20.0),
    ],
)
def test_the_default_budget_grows_with_the_start_up_of_a_device_that_starts_slowly(
    device: str, grows: bool, start_s: float, budget_s: float
) -> None:
    of, clock, tasks, seen = family(*PAIR), Clock(), list[Task](), list[Progress]()
    known = {(of.name, each.name): COSTS for each in of.variants}
    plan, script = Plan(budget_s=20.0, grows=grows), starting(clock, start_s, tasks)
    session = Session("r", "s", Target(device), plan, Survey(costs=known), script, seen.append, clock)
    list(measure([of], session))
    assert seen[-1].most_s == budget_s
    assert len(tasks) == max(LEAST_LAUNCHES, int(budget_s // (start_s + 1.0)))


@pytest.mark.parametrize(
    ("grows", "waited_s", "launches"), [(True, 0.0, 12), (True, 2.0, 15), (True, 9.0, 24), (False, 9.0, 12)]
)
def test_the_default_budget_grows_by_the_time_in_which_launches_waited_for_a_core(
    grows: bool, waited_s: float, launches: int
) -> None:
    of, clock, tasks, seen = family(*PAIR), Clock(), list[Task](), list[Progress]()
    known = {(of.name, each.name): COSTS for each in of.variants}
    plan, script = Plan(budget_s=120.0, grows=grows), starting(clock, 9.0, tasks, waited_s=waited_s)
    list(measure([of], Session("r", "s", Target(), plan, Survey(costs=known), script, seen.append, clock)))
    assert len(tasks) == launches
    assert ("the core is slow" in seen[-1].doing) == (launches > 12)


def test_what_was_sampled_on_a_slow_core_is_left_out_of_a_run() -> None:
    """In every fourth launch both networks take as long, on a core that is slow for both."""
    of, clock = family(*PAIR), Clock()
    known = {(of.name, each.name): COSTS for each in of.variants}

    def launch(task: Task, _silence: float) -> Conversation:
        is_slow = task.launch % 4 == 0
        for each, seconds in zip(of.variants, (0.003, 0.003) if is_slow else (0.002, 0.001), strict=True):
            for r in range(3):
                yield Sampled(
                    of.name, Sample(each.name, task.launch, r, 1, seconds, 0.0, pace_s=4e-5 if is_slow else 2e-5)
                )
        yield Done()
        return True

    session = Session("r", "s", Target(), Plan(launches=12), Survey(costs=known), launch, lambda _p: None, clock)
    (result,) = measure([of], session)
    timing = result.records[1].timing
    assert timing
    assert timing.relative
    assert timing.relative.estimate == pytest.approx(2.0)
    assert (timing.launches, timing.slow) == (9, 9)
    assert {each.excluded for each in result.samples if each.launch % 4 == 0} == {"slow-core"}
    assert RunWarning("slow-core", 0.25, other=0.5) in result.records[1].warnings


def test_what_was_sampled_on_a_slow_core_is_left_out_of_the_first_setting_too() -> None:
    """In every fourth launch the first setting takes longer, alone on a slow core: the other is as fast."""
    first = replace(family(variant("a"), name="n-b1", guideline=""), first="n-b1")
    second = replace(first, name="n-b2")
    known = {(of.name, "a"): COSTS for of in (first, second)}

    def launch(task: Task, _silence: float) -> Conversation:
        for of in task.families:
            slow = task.launch % 4 == 0 and of.name == first.name
            for r in range(3):
                taken_s, pace_s = (0.003, 4e-5) if slow else (0.002, 2e-5)
                yield Sampled(of.name, Sample("a", task.launch, r, 1, taken_s, 0.0, pace_s=pace_s))
        yield Done()
        return True

    session = Session("r", "s", Target(), Plan(launches=8), Survey(costs=known), launch, lambda _p: None, Clock())
    _, (other,) = (result.records for result in measure([first, second], session))
    assert other.timing
    assert other.timing.setting == Interval(1.0, 1.0, 1.0)


def test_a_rate_above_the_devices_own_is_an_error_and_no_time() -> None:
    of = family(*PAIR)
    fast = replace(COSTS, flops=10**9, least_flops=10**9)
    known = {(of.name, "g=1"): fast, (of.name, "g=8"): replace(fast, least_flops=10**8)}  # a window of 3 x 3 and more
    clock = Clock()
    survey = Survey(device={PEAK_FLOAT32: 1e12}, costs=known)  # 2 GFLOP in 1 ms are twice as much
    script = launcher(clock, 0.0, [])
    session = Session("r", "s", Target("fake"), Plan(launches=6), survey, script, lambda _p: None, clock)
    (result,) = measure([of], session)
    failure = result.records[0].failure
    assert failure
    assert failure.error.startswith("its rate of 2 TFLOP/s is above the 1 that the device can do in float32")
    assert result.records[0].timing is None
    assert result.records[1].failure is None
    half = [replace(of, dtype="bfloat16")]
    assert [each.failure for found in measure(half, session) for each in found.records] == [None, None]
