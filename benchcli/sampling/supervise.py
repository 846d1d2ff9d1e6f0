"""Run tasks in workers, collect what they report, and attribute each failure to the variant that caused it.

The survey is the first use: before any timing, it asks a worker for its software and device, and
for the costs of every variant.
"""

import shutil
import tempfile
import weakref
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from benchcli.backends.runtimes.base import runtime_named
from benchcli.cost import own_rules
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.grouping import groups
from benchcli.sampling.artifact_cache import cache_folder
from benchcli.schema import (
    Breakdown,
    CallKernels,
    Code,
    CostDetail,
    Costs,
    Failure,
    Family,
    Key,
    Layers,
    Output,
    Plan,
    Sample,
    Target,
)
from benchcli.schema.protocol import (
    EXPORT,
    SURVEY,
    Counted,
    Described,
    Event,
    Exported,
    Failed,
    KernelsNamed,
    Launcher,
    Layered,
    Loaded,
    OperatorTimed,
    Reached,
    Ready,
    Sampled,
    Singled,
    Spoilt,
    Started,
    Task,
    Traced,
    Waiting,
    Watched,
    WorkerDied,
    Written,
)
from benchcli.schema.recipes import OperatorList
from benchcli.schema.warnings import RunWarning
from benchcli.spelling import given

ATTEMPTS = 3
"""Deaths in a row before any variant has started, after which no other worker is started."""
DEATHS = 2
"""Worker deaths after which a variant has failed. One death alone may have an outside cause."""
UNCOUNTED = "its process ended without having counted it"
UNPREPARED = "its process ended without having prepared it"
Value = TypeVar("Value")
KEPT_IN: Mapping[type, str] = {
    Singled: "singles",
    Watched: "conditions",
    Written: "written",
    Loaded: "loaded",
    Reached: "reached",
    OperatorTimed: "timed",
}
"""Events that are kept as they are, and the lists of `Reports` that they are kept in."""


@dataclass
class Failures:
    """The failures and worker deaths by variant."""

    by_key: dict[Key, Failure] = field(default_factory=dict)
    deaths: Counter[Key] = field(default_factory=Counter)
    intruders: set[Key] = field(default_factory=set)
    """Those that failed because they change the process for the others."""

    def note(self, failed: Failed) -> None:
        """Record the failure that a worker reported."""
        key = failed.family, failed.variant
        self.by_key[key] = Failure(failed.status, failed.error)
        if failed.intrudes:
            self.intruders.add(key)

    def note_death(self, key: Key, failure: Failure) -> None:
        """Count a death. The second one fails the variant, unless the worker reported a failure."""
        self.deaths[key] += 1
        if self.deaths[key] >= DEATHS:
            self.by_key.setdefault(key, failure)


@dataclass
class Reports:
    """What the worker of a task has reported."""

    failures: Failures
    running: Key | None = None
    """The variant that started last: if the worker dies, it is the cause."""
    death: Failure | None = None
    is_waiting: bool = False
    """Whether a worker in serve mode waits for questions."""
    is_spoilt: bool = False
    described: Described | None = None
    counted: dict[Key, Counted] = field(default_factory=dict)
    calls: dict[Key, int] = field(default_factory=dict)
    """Calls in a sample."""
    samples: list[tuple[Key, Sample]] = field(default_factory=list)
    singles: list[Singled] = field(default_factory=list)
    conditions: list[Watched] = field(default_factory=list)
    exported: dict[Key, Exported] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    loaded: list[Loaded] = field(default_factory=list)
    breakdowns: list[Breakdown] = field(default_factory=list)
    layers: list[Layers] = field(default_factory=list)
    kernels: list[CallKernels] = field(default_factory=list)
    reached: list[Reached] = field(default_factory=list)
    timed: list[OperatorTimed] = field(default_factory=list)

    def add(self, event: Event | WorkerDied) -> None:  # noqa: C901  a branch for each kind of event
        """Store an event. A death counts against the running variant."""
        if kept_in := KEPT_IN.get(type(event)):
            getattr(self, kept_in).append(event)
            return
        match event:
            case Started(family, variant):
                self.running = family, variant
            case Sampled(family, sample):
                self.samples.append(((family, sample.variant), sample))
            case Failed():
                self.failures.note(event)
            case Described():
                self.described = event
            case Counted(family, variant):
                self.counted[family, variant] = event
            case Exported(family, variant):
                self.exported[family, variant] = event
            case Spoilt():
                self.is_spoilt = True
            case Ready(family, variant, calls):
                self.calls[family, variant] = calls
            case Waiting():
                self.is_waiting = True
            case Traced(breakdown):
                self.breakdowns.append(breakdown)
            case Layered(layers):
                self.layers.append(layers)
            case KernelsNamed(kernels):
                self.kernels.append(kernels)
            case WorkerDied(failure):
                self._note_death(failure)

    def _note_death(self, failure: Failure) -> None:
        self.death = failure
        if self.running:
            self.failures.note_death(self.running, failure)


Collect = Callable[[Task, float, Failures], Reports]
"""Runs a task and returns what its worker reported. The number is the allowed silence in s."""


def collect(launcher: Launcher, task: Task, silence_s: float, failures: Failures) -> Reports:
    """Run a task in a worker and return what it reported.

    If the worker dies before it starts a variant, another one is started. Raises NothingMeasuredError
    after `ATTEMPTS` such deaths.
    """
    for _ in range(ATTEMPTS):
        reports = Reports(failures)
        for event in launcher(task, silence_s):
            reports.add(event)
        death = reports.death
        if death is None or reports.running:
            return reports
    raise NothingMeasuredError(f"no worker could start: {death.error}" if death else "no worker could start")


@dataclass
class Survey:
    """What is known of the machine and of the networks before the first launch."""

    software: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    available: Mapping[str, str] = field(default_factory=dict)
    costs: dict[Key, Costs] = field(default_factory=dict)
    outputs: dict[Key, Output] = field(default_factory=dict)
    inputs: dict[Key, str] = field(default_factory=dict)
    """Hashes of the values that the networks were called with."""
    details: dict[Key, CostDetail] = field(default_factory=dict)
    """Only of a survey that asked for them."""
    codes: dict[Key, Code] = field(default_factory=dict)
    """Where users' own networks come from."""
    noticed: dict[Key, tuple[RunWarning, ...]] = field(default_factory=dict)
    """What to mind of the networks' times."""
    listed: dict[Key, OperatorList] = field(default_factory=dict)
    """The operators of a call of each network; only of a survey that asked for them."""
    failures: Failures = field(default_factory=Failures)
    artifacts: dict[Key, str] = field(default_factory=dict)
    """The files that the runtime has prepared, which last as long as this object."""
    exported: dict[Key, Exported] = field(default_factory=dict)
    """What preparing them took."""
    compile_s: dict[Key, float] = field(default_factory=dict)
    """Seconds of the first call of those networks in which `torch.compile` worked in it."""


def survey(
    families: Sequence[Family],
    target: Target,
    plan: Plan,
    launcher: Launcher,
    detailed: bool = False,
    live: Mapping[str, str] | None = None,
    meta: bool = False,
    crosschecked: bool = True,
    listed: bool = False,
    announce: Callable[[str], None] = lambda doing: None,  # noqa: ARG005
) -> Survey:
    """Count the costs of every variant on its device, and let the runtime prepare its file.

    `detailed` asks for the costs of each operator too, and for what other tools count if `crosschecked`;
    `meta` for costs without memory, and with `listed` for the recipes of the operators; `live` has the
    networks that a caller gave by value. What fails beside others is tried again in a process of its own:
    a network can spoil the process for those after it. Raises UserError if the device or the runtime is not
    available, or a cost rule that this process has registered is wrong.
    """
    runtimes = list(dict.fromkeys(family.on(target).runtime for family in families))
    counting = replace(target, runtime=Target.runtime) if len(runtimes) > 1 else target
    counted = Survey()
    asked = (detailed, live or {}, meta, crosschecked, listed)
    work = _Surveying(target, counting, plan.silence_s, launcher, counted, *asked, announce)
    counts_for = _counting_for(families)
    once = [family for family in families if counts_for[family.name] == family.name]
    while True:
        rest = without(once, {*counted.costs, *counted.failures.by_key})
        if counted.software and not rest:
            break
        for key, before in work.ask(rest).items():
            work.try_alone(once, key, before)
    _copy(counted, counts_for)
    for runtime in runtimes if len(runtimes) > 1 else ():
        work.describe(runtime, [family for family in families if family.on(target).runtime == runtime])
    work.export(families)
    return counted


def _counting_for(families: Sequence[Family]) -> dict[str, str]:
    """Return by each family's name that of the first one with equal networks: threads and runtimes change no count."""
    first: dict[str, str] = {}
    alike = {each.name: repr(replace(each, name="", first="", threads=None, runtime="")) for each in families}
    return {name: first.setdefault(networks, name) for name, networks in alike.items()}


def _copy(counted: Survey, counts_for: Mapping[str, str]) -> None:
    """Give each family what was counted for it in another one."""
    of_networks: tuple[dict[Key, Any], ...] = (
        *(counted.costs, counted.outputs, counted.inputs, counted.details, counted.codes),
        *(counted.noticed, counted.compile_s, counted.listed, counted.failures.by_key),
    )
    for table in of_networks:
        by_family = groups(table.items(), lambda entry: entry[0][0])
        for name, of in counts_for.items():
            table |= {(name, variant): value for (_, variant), value in by_family.get(of, ())}


@dataclass(frozen=True)
class _Surveying:
    """Surveys networks in one process after the other."""

    target: Target
    counting: Target
    """Where costs are counted: in eager mode if there are several runtimes, of which one may be missing."""
    silence_s: float
    launcher: Launcher
    counted: Survey
    detailed: bool
    live: Mapping[str, str]
    meta: bool
    crosschecked: bool
    listed: bool
    announce: Callable[[str], None]
    """Tells what is done, where that takes long."""

    def ask(self, families: Sequence[Family]) -> dict[Key, Key | None]:
        """Survey families in one process.

        Return the variants that failed and did not run first there, each with the last one before
        it that did not fail.
        """
        counted, failures = self.counted, self.counted.failures
        known = {*counted.costs, *failures.by_key}
        task = Task(
            SURVEY,
            self.counting,
            tuple(families),
            {},
            detailed=self.detailed,
            crosschecked=self.crosschecked,
            meta=self.meta,
            listed=self.listed,
            live=self.live,
            rules=own_rules.sent(),
        )
        reports = collect(self.launcher, task, self.silence_s, failures)
        self._store(reports)
        asked = _keys(families)
        if reports.death is None and not reports.is_spoilt:
            for key in asked:
                if key not in counted.costs:
                    failures.by_key.setdefault(key, Failure("failed", UNCOUNTED))
        return self._failed_beside(asked, known)

    def _store(self, reports: Reports) -> None:
        counted, described = self.counted, reports.described
        if described:
            _refuse_missing(described, self.counting)
            counted.software, counted.device = described.software, described.device
            counted.available = described.available
        for key, each in reports.counted.items():
            counted.costs[key], counted.outputs[key] = each.costs, each.output
            counted.inputs[key] = each.inputs_hash
            if each.compile_s:
                counted.compile_s[key] = each.compile_s
            counted.noticed[key] = each.noticed
            if each.code:
                counted.codes[key] = each.code
            if each.detail:
                counted.details[key] = each.detail
            if each.listed:
                counted.listed[key] = each.listed

    def _failed_beside(self, asked: Sequence[Key], known: set[Key]) -> dict[Key, Key | None]:
        counted_before: Key | None = None
        beside_others: dict[Key, Key | None] = {}
        for key in asked:
            if key in self.counted.costs:
                counted_before = key
            elif key != asked[0] and key not in known and _may_be_spoilt(self.counted.failures, key):
                beside_others[key] = counted_before
        return beside_others

    def try_alone(self, families: Sequence[Family], key: Key, before: Key | None) -> None:
        """Survey a failed variant in a process of its own.

        If it works there, and not after the variant `before` of its family, that one has failed.
        """
        failures = self.counted.failures
        failed = failures.by_key.pop(key)
        self.ask(_only(families, {key}))
        if key not in self.counted.costs:
            failures.by_key.setdefault(key, failed)
        elif before is not None and before[0] == key[0]:
            self._blame(_only(families, {before, key}), before, key)

    def _blame(self, both: Sequence[Family], before: Key, key: Key) -> None:
        costs, failures = self.counted.costs, self.counted.failures
        if before in failures.by_key:  # it was blamed for another one
            return
        kept = {each: costs[each] for each in (before, key)}
        self.ask(both)
        failed = failures.by_key.pop(key, None)
        failures.by_key.pop(before, None)  # it worked before: only what it does to the other one counts
        costs |= kept
        if failed:
            del costs[before]
            failures.by_key[before] = Failure(
                "failed", f"after it, {key[1]} fails in the same process ({failed.error}): give it a family of its own"
            )

    def describe(self, runtime: str, families: Sequence[Family]) -> None:
        """Ask for the versions of one of several runtimes. If it is not there, its families fail, and no others."""
        counted = self.counted
        task = Task(SURVEY, replace(self.target, runtime=runtime), (), {})
        described = collect(self.launcher, task, self.silence_s, counted.failures).described
        if described and not described.unusable:
            counted.software = {**counted.software, **described.software}
            return
        why = described.unusable if described else None
        for key in _keys(families):
            counted.failures.by_key.setdefault(key, Failure("unsupported", why or f"{runtime} does not start"))

    def export(self, families: Sequence[Family]) -> None:
        """Let the runtimes write the files of the networks that were counted, each setting by itself."""
        exporting = [family for family in families if runtime_named(family.on(self.target).runtime).export_s]
        if not exporting:
            return
        counted = self.counted
        folder = Path(tempfile.mkdtemp(prefix="benchcli-"))
        weakref.finalize(counted, shutil.rmtree, folder, ignore_errors=True)
        paths = {key: str(folder / str(number)) for number, key in enumerate(counted.costs)}
        for number, family in enumerate(exporting, 1):
            while rest := without([family], {*counted.failures.by_key, *counted.artifacts}):
                target = family.on(self.target)
                self.announce(f"preparing {family.name} in {target.runtime}, {number} of {len(exporting)}")
                self._export(
                    Task(
                        EXPORT,
                        target,
                        tuple(rest),
                        by_family(counted.costs, rest),
                        live=self.live,
                        artifacts=by_family(paths, rest),
                        cache=cache_folder(),
                    )
                )

    def _export(self, task: Task) -> None:
        """Let the runtime write files. If the worker dies, those are done that it had reported."""
        counted, failures = self.counted, self.counted.failures
        reports = collect(self.launcher, task, runtime_named(task.target.runtime).export_s, failures)
        if reports.death and reports.death.status == "timeout" and reports.running:
            failures.by_key.setdefault(reports.running, reports.death)  # a second try would take as long
        counted.exported |= reports.exported
        counted.artifacts |= {(family, name): task.artifacts[family][name] for family, name in reports.exported}
        for key in _keys(task.families) if reports.death is None else ():
            if key not in reports.exported:
                failures.by_key.setdefault(key, Failure("failed", UNPREPARED))


def _refuse_missing(described: Described, target: Target) -> None:
    """Raise UserError if the device, the runtime or a setting is not available."""
    if described.missing:
        there = ", ".join(f"{name} ({title})" for name, title in described.available.items())
        raise UserError(f"no device {target.device!r} here: {described.missing}; there is {there}")
    if described.unusable:
        raise UserError(f"no runtime {target.runtime!r} here: {described.unusable}")
    if described.refused:
        raise UserError(described.refused)


def by_family(table: Mapping[Key, Value], families: Sequence[Family]) -> dict[str, dict[str, Value]]:
    """Return the part of a table that is of these families, by family and variant."""
    return {
        family.name: {v.name: table[family.name, v.name] for v in family.launched if (family.name, v.name) in table}
        for family in families
    }


def _keys(families: Sequence[Family]) -> list[Key]:
    return [(family.name, variant.name) for family in families for variant in family.launched]


def _may_be_spoilt(failures: Failures, key: Key) -> bool:
    """Return whether a failure may be that of another network, which ran before in the process."""
    failure = failures.by_key.get(key)
    if failure is None or key in failures.intruders:
        return False
    return failure.status in {"failed", "wrong-output", "crashed"}


def _only(families: Sequence[Family], keys: set[Key]) -> list[Family]:
    return without(families, {*_keys(families)} - keys)


def refuse(failures: Mapping[Key, Failure]) -> None:
    """Raise UserError if a network is not there, or cannot be called as asked."""
    for (_, variant), failure in failures.items():
        if failure.status == "refused":
            raise UserError(f"{variant}: {failure.error}")


def random_output() -> str:
    """Return why a network with random outputs is not timed, and the way out."""
    return (
        f"its output differs from call to call: {given('allow_random')} times it all the same, and compares no outputs"
    )


def refuse_random(counted: Survey, families: Sequence[Family]) -> None:
    """Note as failed, before they are timed, the networks with random outputs of families that do not allow them."""
    for family in families:
        for key in _keys([] if family.allow_random else [family]):
            if key in counted.outputs and counted.outputs[key].is_random:
                counted.failures.by_key.setdefault(key, Failure("wrong-output", random_output()))


def without(families: Sequence[Family], gone: set[Key]) -> list[Family]:
    """Return the families without the networks in `gone`, and without families left empty."""
    kept = []
    for family in families:
        variants, references = (
            tuple(each for each in several if (family.name, each.name) not in gone)
            for several in (family.variants, family.references)
        )
        if variants or references:
            kept.append(replace(family, variants=variants, references=references))
    return kept
