"""Run a suite: survey it, measure it, and store each finished family. `analysis` interprets it."""

import math
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli import formatting
from benchcli.backends.runtimes.base import Traceable, runtime_named
from benchcli.errors import ChangedError, NothingMeasuredError, UserError
from benchcli.grouping import groups
from benchcli.noise.diagnosis import before_launches, of_pace, preflight, with_noticed
from benchcli.noise.pace import usual
from benchcli.runs import code
from benchcli.runs.folder import RESULTS, unused
from benchcli.runs.run_environment import begun, check_same, identified, weighed, with_roofs
from benchcli.runs.run_folder import RunFolder
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling import kept_pace
from benchcli.sampling.engine import Session, measure
from benchcli.sampling.supervise import Survey, refuse, refuse_random, survey
from benchcli.schema import INFERENCE, Failure, Family, FamilyResult, Key, Plan, Suite, Target
from benchcli.schema.environment import Environment
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import LAYERS, Conversation, Launcher, Started, Task
from benchcli.spelling import given
from benchcli.workers.tools import Tools
from benchcli.workloads.references import with_references

if TYPE_CHECKING:
    from benchcli.sampling.traces import Kind


LONG_S = 120.0
"""The least seconds of several settings of which something is said before."""
MOST_REASONS = 3
"""The most networks whose failures are named where none could be called."""


@dataclass(frozen=True)
class RunRequest:
    """A request to measure a suite: the target, the plan, and the output folder."""

    suite: Suite
    target: Target = field(default_factory=Target)
    plan: Plan = field(default_factory=Plan)
    output: Path | None = None
    """The output folder. None means `results/<time>-<suite>-<host>`."""
    resume: Path | None = None
    """The folder of an interrupted run; the run measures the families that it lacks."""
    traced: tuple[str, ...] = ()
    """Names of the families to trace for a breakdown of their time."""
    layered: tuple[str, ...] = ()
    """Names of the families to trace for the times of their layers."""
    live: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Networks that a caller gave by value, pickled and in base 64, by their recorded names."""

    def check(self) -> None:
        """Raise UserError if two settings exclude each other."""
        if self.output and self.resume:
            raise UserError(
                f"{given('output')} and {given('resume')} cannot be used together: a resumed run stays in its folder"
            )
        if (self.traced or self.layered) and self.target.cache == "cold":
            option = given("breakdown" if self.traced else "layers")
            raise UserError(f"{option} traces calls with warm caches: leave {given('cache', 'cold')} out")
        for family in self.suite.families:
            name = family.on(self.target).runtime
            why = runtime_named(name).untraceable
            asked: tuple[tuple[Traceable, tuple[str, ...]], ...] = (
                ("breakdown", self.traced),
                ("layers", self.layered),
            )
            for kind, families in asked:
                if family.name in families and kind in why:
                    without = given("runtime", name)
                    raise UserError(f"{given(kind)} {why[kind]}: leave it out, or leave {without} out")
        if any(each.step != INFERENCE for each in self.suite.families if each.name in self.layered):
            raise UserError(
                f"{given('layers')} times the modules of a forward call: leave it out, or give "
                f"{given('step', 'inference')}"
            )


class UnfinishedRunError(Exception):
    """The run ended early.

    `report` holds the finished families; `unfinished` is the number of the others.
    """

    def __init__(self, report: SuiteRun, unfinished: int, reason: str | None, can_resume: bool = True) -> None:
        super().__init__()
        self.can_resume = can_resume
        """Whether the rest can be measured: not if what is measured changed meanwhile."""
        self.report = report
        self.unfinished = unfinished
        self.reason = reason
        """Why the run ended. None if the user interrupted it."""


def run_suite(request: RunRequest, tools: Tools) -> SuiteRun:
    """Measure a suite and return its report.

    Raises UserError if the request cannot be measured or its files cannot be written.
    Raises UnfinishedRunError on Ctrl-C, or if measuring fails after a family has finished.
    Raises NothingMeasuredError if no variant has a time.
    """
    request.check()
    families = tuple(map(with_references, request.suite.families))
    request = replace(request, suite=replace(request.suite, families=families))
    noticed = preflight(request.target, tools.busy_cores)
    for each in noticed:
        tools.warn(each)
    ending: KeyboardInterrupt | NothingMeasuredError | None = None
    with tools.workers() as launcher:
        start_s = tools.clock()
        work = _Work(request, tools, launcher, *_opened(request))
        try:
            with work.timed(work.first_step):
                session = work.surveyed()
            work.tell_length()
            earlier_s = kept_pace.of_earlier_runs(work.environment)
            for result in measure(work.unfinished(), session) if session else ():
                timed = {record.variant.name for record in result.records if record.timing}
                samples = [sample for sample in result.samples if sample.variant in timed]
                work.store(with_noticed([*noticed, *of_pace(samples, earlier_s)], result))
            work.describe()
            with work.timed("tracing"):
                work.trace(session)
        except (KeyboardInterrupt, NothingMeasuredError) as error:
            ending = error
        finally:
            work.folder.close()
        kept_pace.keep(work.environment, usual(each for result in work.done.values() for each in result.samples))
        report = work.report(tools.clock() - start_s)
    _end(report, len(work.unfinished()), ending)
    return report


def _opened(request: RunRequest) -> tuple[RunFolder, Environment, dict[str, FamilyResult]]:
    """Create or reopen the folder; return it, its environment and the families finished in it, by name.

    This comes before any measuring, so that a bad folder costs no time.
    """
    if request.resume is None:
        environment = replace(begun(request.suite.name), suite=request.suite, target=request.target, plan=request.plan)
        path = request.output or unused(RESULTS / environment.run)
        return RunFolder.create(path, environment), environment, {}
    folder = RunFolder.reopen(request.resume)
    try:
        environment = folder.environment
        check_same(request.resume, environment, request.suite, request.target, request.plan)
        code.check_unchanged(request.resume, environment, request.suite.families)
        finished = folder.finished(request.suite.families, request.target)
        folder.keep_only(finished)
    except UserError:
        folder.close()
        raise
    families = {family.name: family for family in request.suite.families}
    conditions = folder.conditions()
    done = {
        name: FamilyResult(families[name], records, (), tuple(conditions.get(name, ())))
        for name, records in finished.items()
    }
    return folder, environment, done


@dataclass
class _Work:
    """The state of an active run: its finished families, and the folder that stores them."""

    request: RunRequest
    tools: Tools
    launcher: Launcher
    folder: RunFolder
    environment: Environment
    done: dict[str, FamilyResult]
    """Finished families by name."""
    untraced: dict[Key, Failure] = field(default_factory=dict)
    unlayered: dict[Key, Failure] = field(default_factory=dict)
    apart_s: dict[str, float] = field(default_factory=dict)
    """Seconds by what was done besides the launches."""

    @contextmanager
    def timed(self, doing: str) -> Iterator[None]:
        """Note how long something takes that is no launch, where a budget was asked for."""
        if self.request.plan.grows or self.request.plan.launches is not None:
            yield
            return
        begun_s = self.tools.clock()
        try:
            yield
        finally:
            self.apart_s[doing] = self.tools.clock() - begun_s

    def unfinished(self) -> list[Family]:
        """Return the families without a result."""
        return [family for family in self.request.suite.families if family.name not in self.done]

    @property
    def first_step(self) -> str:
        """What is done before the first launch."""
        target, families = self.request.target, self.request.suite.families
        exports = any(runtime_named(each.on(target).runtime).export_s for each in families)
        return "counting costs and preparing the runtimes' files" if exports else "counting costs"

    def tell_length(self) -> None:
        """Tell how long several settings will take together: the budget is each one's, and they end together."""
        plan, settings = self.request.plan, [each for each in self.unfinished() if each.first]
        total_s = plan.budget_s * len(settings)
        if plan.launches is None and len(settings) > 1 and total_s >= LONG_S:
            self.tools.notify(
                f"{len(settings)} settings with a budget of {formatting.seconds(plan.budget_s)} each, in turns: about "
                f"{formatting.seconds(total_s)}; interrupted before, they have nothing to show"
            )

    def _survey(self, families: Sequence[Family]) -> Survey:
        return survey(
            families,
            self.request.target,
            self.request.plan,
            self._telling_of_compiling,
            live=self.request.live,
            announce=self._announce,
            exporters=self.tools.exporters,
        )

    def surveyed(self) -> Session | None:
        """Survey the unfinished families; return what measuring them needs, or None if nothing is left to do.

        A new folder is removed if that fails.
        """
        request, rest = self.request, self.unfinished()
        if not rest and not self._untraced():
            return None
        begun_s = self.tools.clock()
        self._announce("counting costs")
        try:
            counted = self._survey(rest)
            refuse(counted.failures.by_key)
            _refuse_if_all_failed(counted, rest)
            refuse_random(counted, rest)
            counted.codes = code.traced_back(counted.codes, rest)
            environment = with_roofs(identified(self.environment, request.target, counted))
            self.environment = code.with_code(environment, counted.codes)
        except (UserError, NothingMeasuredError):
            if request.resume is None:
                self.folder.discard()
            raise
        self.folder.describe(self.environment)
        for warning in before_launches(counted.compile_s):
            self.tools.warn(warning)
        return Session(
            name=self.environment.run,
            suite=request.suite.name,
            target=request.target,
            plan=request.plan,
            survey=counted,
            launcher=self.launcher,
            observer=self._observe,
            clock=self.tools.clock,
            begun_s=begun_s,
            first_launch=self.folder.next_launch(),
            live=request.live,
        )

    def _telling_of_compiling(self, task: Task, silence_s: float) -> Conversation:
        """Run a task, and report the networks that `torch.compile` works on."""
        for event in self.launcher(task, silence_s):
            if isinstance(event, Started) and event.compiles:
                doing = f"counting costs: torch.compile works on {event.variant}"
                self._observe(Progress(doing, 0.0, math.inf))
            yield event
        return True  # a survey asks its worker nothing

    def store(self, result: FamilyResult) -> None:
        """Store the result of a family."""
        self.done[result.family.name] = result
        self.folder.put(result)

    def describe(self) -> None:
        """Store what is known of the machine after measuring."""
        self.environment = weighed(self.environment, self.done.values(), self.request.target)
        self.folder.describe(self.environment)

    def trace(self, session: Session | None) -> None:
        """Trace the requested families that lack breakdowns or layers, and store each in the folder."""
        untraced = self._untraced()
        if not untraced or session is None:
            return
        from benchcli.runs.traced_families import trace

        for kind, failures in trace(untraced, session, self.folder, self.tools):
            (self.unlayered if kind == LAYERS else self.untraced).update(failures)

    def report(self, seconds: float) -> SuiteRun:
        """Return the finished families, in the suite's order."""
        order = [family.name for family in self.request.suite.families]
        return SuiteRun(
            environment=self.environment,
            results=tuple(sorted(self.done.values(), key=lambda result: order.index(result.family.name))),
            folder=self.folder.path,
            seconds=seconds,
            apart_s=self.apart_s,
            breakdowns=tuple(self.folder.breakdowns()),
            untraced=self.untraced,
            timed_layers=tuple(self.folder.layers()),
            unlayered=self.unlayered,
        )

    def _announce(self, doing: str) -> None:
        """Report what is done before the first launch."""
        plan = self.request.plan
        self._observe(Progress(doing, 0.0, plan.budget_s * len(self.unfinished()), bool(plan.launches)))

    def _observe(self, now: Progress) -> None:
        """Report the progress of measuring; the time that tracing takes afterwards is not known yet."""
        traces = self.request.traced or self.request.layered
        self.tools.observe(replace(now, doing=f"{now.doing}, tracing comes after it") if traces else now)

    def _untraced(self) -> "list[tuple[FamilyResult, Kind]]":
        """Return the requested families that lack traces, and of which kind."""
        if not self.request.traced and not self.request.layered:
            return []
        from benchcli.runs.traced_families import lacking

        return lacking(self.done.values(), self.request.traced, self.request.layered, self.folder)


@contextmanager
def measured_aside(suite: Suite, target: Target, plan: Plan, tools: Tools) -> Iterator[SuiteRun]:
    """Yield a run that is of use only as a whole, and whose folder is deleted after the block.

    Raises what `run_suite` raises, but KeyboardInterrupt if it is interrupted, and NothingMeasuredError if it
    ends early otherwise.
    """
    with tempfile.TemporaryDirectory(prefix="benchcli-") as folder:
        try:
            run = run_suite(RunRequest(suite, target, plan, Path(folder) / "run"), tools)
        except UnfinishedRunError as error:
            if error.reason is None:
                raise KeyboardInterrupt from None
            raise NothingMeasuredError(error.reason) from None
        yield run


def _refuse_if_all_failed(counted: Survey, families: Sequence[Family]) -> None:
    """Raise NothingMeasuredError, with the reasons, if no network could be called."""
    failures = counted.failures.by_key
    if families and all((family.name, each.name) in failures for family in families for each in family.variants):
        alike = groups(failures.items(), lambda entry: re.sub(r"\d+", "", entry[1].error))  # but for their sizes
        names = [(dict.fromkeys(variant for (_, variant), _ in of), of[0][1].error) for of in alike.values()]
        reasons = [f"{formatting.named([*those])}: {error}" for those, error in names]
        more = f"; and {len(reasons) - MOST_REASONS} more" if len(reasons) > MOST_REASONS else ""
        raise NothingMeasuredError(f"nothing was measured: {'; '.join(reasons[:MOST_REASONS])}{more}")


def _end(report: SuiteRun, unfinished: int, ending: KeyboardInterrupt | NothingMeasuredError | None) -> None:
    """Raise the exception that describes how the run ended, if it failed or ended early."""
    if isinstance(ending, KeyboardInterrupt):
        raise UnfinishedRunError(report, unfinished, None) from None
    if ending is not None and report.results:
        can_resume = not isinstance(ending, ChangedError)
        raise UnfinishedRunError(report, unfinished, str(ending), can_resume) from None
    if ending is not None:
        raise ending
    if not any(record.timing for record in report.records):
        errors = [f"{record.variant.name}: {record.failure.error}" for record in report.records if record.failure]
        raise NothingMeasuredError(f"nothing was measured, see {report.folder}: {errors[0]}")
