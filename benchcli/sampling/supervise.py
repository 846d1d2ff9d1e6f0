"""Survey networks before any timing: a worker's software and device, and the costs of every variant."""

import shutil
import tempfile
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, Unpack

from benchcli.backends.runtimes.base import runtime_named
from benchcli.cost import own_rules
from benchcli.errors import UserError
from benchcli.grouping import groups
from benchcli.sampling.prepared_files import Exporters, PreparedFiles
from benchcli.sampling.worker_reports import Failures, Reports, collect, keys_of, without
from benchcli.schema import (
    Code,
    CostDetail,
    Costs,
    Failure,
    Family,
    Key,
    Output,
    Plan,
    Target,
)
from benchcli.schema.protocol import (
    SURVEY,
    Counting,
    Described,
    Exported,
    Launcher,
    Task,
)
from benchcli.schema.recipes import OperatorList
from benchcli.schema.warnings import RunWarning
from benchcli.spelling import given

UNCOUNTED = "its process ended without having counted it"
Value = TypeVar("Value")


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
    live: Mapping[str, str] | None = None,
    announce: Callable[[str], None] = lambda doing: None,  # noqa: ARG005
    exporters: Exporters = lambda settings: (),  # noqa: ARG005
    **asked: Unpack[Counting],
) -> Survey:
    """Count the costs of every variant on its device, and let the runtime prepare its file.

    `live` has the networks that a caller gave by value. `exporters` makes launchers for settings whose
    runtimes prepare files, several at once. What fails beside others is tried again in a process of its
    own: a network can spoil the process for those after it. Raises UserError if the device or the runtime
    is not available, or a cost rule that this process has registered is wrong.
    """
    runtimes = list(dict.fromkeys(family.on(target).runtime for family in families))
    counting = replace(target, runtime=Target.runtime) if len(runtimes) > 1 else target
    counted = Survey()
    task = Task(SURVEY, counting, (), {}, live=live or {}, rules=own_rules.sent(), **asked)
    work = _Surveying(target, task, plan.silence_s, launcher, counted, announce)
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
    work.export(families, exporters)
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
    task: Task
    """What is asked of each process, for its families. Costs are counted in eager mode if there are several runtimes,
    of which one may be missing.
    """
    silence_s: float
    launcher: Launcher
    counted: Survey
    announce: Callable[[str], None]
    """Tells what is done, where that takes long."""

    def ask(self, families: Sequence[Family]) -> dict[Key, Key | None]:
        """Survey families in one process.

        Return the variants that failed and did not run first there, each with the last one before
        it that did not fail.
        """
        counted, failures = self.counted, self.counted.failures
        known = {*counted.costs, *failures.by_key}
        task = replace(self.task, families=tuple(families))
        reports = collect(self.launcher, task, self.silence_s, failures)
        self._store(reports)
        asked = keys_of(families)
        if reports.death is None and not reports.is_spoilt:
            for key in asked:
                if key not in counted.costs:
                    failures.by_key.setdefault(key, Failure("failed", UNCOUNTED))
        return self._failed_beside(asked, known)

    def _store(self, reports: Reports) -> None:
        counted, described = self.counted, reports.described
        if described:
            _refuse_missing(described, self.task.target)
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
        for key in keys_of(families):
            counted.failures.by_key.setdefault(key, Failure("unsupported", why or f"{runtime} does not start"))

    def export(self, families: Sequence[Family], exporters: Exporters) -> None:
        """Let runtimes write the files of the networks that were counted; they last as long as the survey."""
        counted = self.counted
        exporting = [family for family in families if runtime_named(family.on(self.target).runtime).export_s]
        if not exporting:
            return
        folder = Path(tempfile.mkdtemp(prefix="benchcli-"))
        weakref.finalize(counted, shutil.rmtree, folder, ignore_errors=True)
        prepared = PreparedFiles(self.target, counted.costs, counted.failures, self.task.live, folder, self.announce)
        prepared.write(exporting, self.launcher, exporters(prepared.at_once(exporting)))
        counted.artifacts, counted.exported = prepared.artifacts, prepared.exported


def _refuse_missing(described: Described, target: Target) -> None:
    """Raise UserError if the device, the runtime or a setting is not available."""
    if described.missing:
        there = ", ".join(f"{name} ({title})" for name, title in described.available.items())
        raise UserError(f"no device {target.device!r} here: {described.missing}; there is {there}")
    if described.unusable:
        raise UserError(f"no runtime {target.runtime!r} here: {described.unusable}")
    if described.refused:
        raise UserError(described.refused)


def _may_be_spoilt(failures: Failures, key: Key) -> bool:
    """Return whether a failure may be that of another network, which ran before in the process."""
    failure = failures.by_key.get(key)
    if failure is None or key in failures.intruders:
        return False
    return failure.status in {"failed", "wrong-output", "crashed"}


def _only(families: Sequence[Family], keys: set[Key]) -> list[Family]:
    return without(families, {*keys_of(families)} - keys)


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
        for key in keys_of([] if family.allow_random else [family]):
            if key in counted.outputs and counted.outputs[key].is_random:
                counted.failures.by_key.setdefault(key, Failure("wrong-output", random_output()))
