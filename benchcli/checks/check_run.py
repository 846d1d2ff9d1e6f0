"""Run a check of head against base: first costs and outputs, then time."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli import files
from benchcli.checks.changed_lines import changed_line
from benchcli.checks.check_folder import CheckFolder
from benchcli.checks.compared_inputs import other_input
from benchcli.checks.findings import REGRESSIONS, CheckData, Finding, findings, ordered
from benchcli.checks.pairs import Pair, paired
from benchcli.checks.session import CheckReport, CheckRequest, CheckSession, UnfinishedCheckError, heading_of
from benchcli.checks.timing import Times, take_times
from benchcli.checks.versions import BASE, HEAD, Side, Versions, find_versions, laid_out, uncommitted
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.noise.diagnosis import preflight
from benchcli.runs.folder import RESULTS, unused
from benchcli.runs.run_environment import begun
from benchcli.sampling.supervise import random_output, survey
from benchcli.schema import Code, Plan, Source
from benchcli.schema.environment import CheckFacts, Environment, VersionFacts
from benchcli.schema.warnings import merged
from benchcli.spelling import given
from benchcli.system import machine
from benchcli.workers.tools import Tools
from benchcli.workloads.suites import find_suite

if TYPE_CHECKING:
    from benchcli.checks.baseline import JudgeRecord

HARDWARE = ("card", "driver", "memory_bytes", "processors")
"""Facts of a device that do not depend on the version of torch."""


@dataclass(frozen=True)
class _State:
    """The findings of a check after one of its two parts."""

    findings: tuple[Finding, ...]
    facts: CheckFacts
    """How the check ran; `environment.json` stores these facts."""


def run_check(request: CheckRequest, tools: Tools, judge: "JudgeRecord | None" = None) -> CheckReport:
    """Check a suite against another version, or against a recorded run, and return the report.

    `judge` judges times by what was recorded before that run too.

    Raises UserError if the two cannot be compared, NothingMeasuredError if there is no finding, and
    UnfinishedCheckError, which holds the findings so far, if the check ended early.
    """
    request.check()
    if request.baseline is not None:
        from benchcli.checks.baseline import check_baseline

        return check_baseline(request, request.baseline, tools, judge)
    return _check_versions(request, tools)


def _check_versions(request: CheckRequest, tools: Tools) -> CheckReport:
    versions, notices = find_versions(str(request.base), request.head, files.here())
    notices += uncommitted(versions, request.require_clean)
    file = find_suite(request.suite)
    if versions.are_same:
        raise NothingMeasuredError(
            f"nothing to compare: base ({versions.base.label}) and head ({versions.head.label}) are the same code; "
            f"give {given('base')} another git ref, folder or interpreter"
        )
    with laid_out(versions.by_side()) as sources:
        pairs = _different(versions, tuple(paired(file, sources, request.only, request.overrides)), tools)
        for notice in notices:
            tools.notify(notice)
        for warning in preflight(request.target, tools.busy_cores):
            tools.warn(warning)
        environment = replace(
            begun(f"check-{file.name}"),
            target=request.target,
            check=_settings(file.name, request, versions, pairs),
            machine=machine.machine(),
        )
        path = request.output or unused(RESULTS / environment.run)
        folder = CheckFolder.create(path, environment)
        try:
            return _VersionCheck(request, tools, versions, sources, pairs, folder, environment).run(file.name)
        finally:
            folder.close()


def _different(versions: Versions, pairs: tuple[Pair, ...], tools: Tools) -> tuple[Pair, ...]:
    """Return the pairs that can differ between base and head.

    The same built-in network is the same code in one interpreter. Raises NothingMeasuredError if no
    other pair is left.
    """
    if versions.base.python != versions.head.python:
        return pairs
    different = tuple(pair for pair in pairs if not pair.cannot_differ)
    left_out = [pair.name for pair in pairs if pair.cannot_differ]
    if not different:
        raise NothingMeasuredError(
            "nothing to compare: all these networks are benchcli's own, and the same code in base and head; give a "
            'suite of your networks (network = "package.module:callable"), or '
            f"{given('base')} another interpreter"
        )
    if left_out:
        tools.notify(f"left out, because they are benchcli's own and the same in both: {', '.join(left_out)}")
    return different


def _settings(name: str, request: CheckRequest, versions: Versions, pairs: tuple[Pair, ...]) -> CheckFacts:
    base, head = (
        VersionFacts(each.kind, each.label, each.commit, each.python, each.changes)
        for each in (versions.base, versions.head)
    )
    return CheckFacts(
        suite=name,
        base=base,
        head=head,
        launches=request.launches,
        budget_s=request.budget_s,
        costs_only=request.costs_only,
        allowed=request.allowed,
        fail_if_mde_above=request.fail_if_mde_above,
        networks=tuple(pair.name for pair in pairs),
    )


@dataclass(frozen=True)
class _VersionCheck:
    """A check whose versions are laid out and whose folder exists."""

    request: CheckRequest
    tools: Tools
    versions: Versions
    sources: Mapping[Side, Source]
    pairs: tuple[Pair, ...]
    folder: CheckFolder
    environment: Environment

    def run(self, name: str) -> CheckReport:
        """Run the check, write its findings to the folder, and return the report."""
        state: _State | None = None
        ending: BaseException | None = None
        try:
            for latest in self._states():
                state = latest
        except (KeyboardInterrupt, NothingMeasuredError, UserError) as error:
            ending = error
        if state is None:
            self.folder.discard()
            raise ending or NothingMeasuredError("nothing was checked")
        final_findings = tuple(map(self._with_command, state.findings))
        heading = heading_of(self.versions.title, self.request.target)
        facts = replace(state.facts, heading=heading, findings=len(final_findings))
        environment = replace(self.environment, check=facts)
        report = CheckReport(name, heading, environment, final_findings, self.folder.path)
        try:
            self.folder.conclude(final_findings)
            self.folder.describe(environment)
        except UserError as error:
            ending = ending or error
        if ending:
            raise UnfinishedCheckError(report, None if isinstance(ending, KeyboardInterrupt) else str(ending)) from None
        return report

    def _states(self) -> Iterator[_State]:
        """Yield the state after the survey and after the timing, so that no finding is lost."""
        pythons = {side: version.python for side, version in self.versions.by_side().items()}
        with ExitStack() as stack:
            session = CheckSession(self.request, self.pairs, pythons, self.tools, self.folder, stack)
            session.start()
            _survey(session)
            yield self._state(session, None, finished=self.request.costs_only)
            if self.request.costs_only:
                return
            measurable = [pair for pair in self.pairs if _measurable(session, pair)]
            times = Times(cut={pair.name: random_output() for pair in self.pairs if _is_random(session, pair)})
            try:
                take_times(session, measurable, times)
            except (KeyboardInterrupt, NothingMeasuredError) as ending:
                times.give_up(str(ending) or "the check was interrupted", [pair.name for pair in measurable])
                yield self._state(session, times, finished=False)
                raise
            yield self._state(session, times, finished=True)

    def _state(self, session: CheckSession, timed: Times | None, finished: bool) -> _State:
        times = timed or Times()
        data = CheckData(
            pairs=session.pairs,
            surveys=session.surveys,
            timed=timed is not None,
            threshold=session.threshold,
            judged=times.judged,
            seconds=times.seconds,
            failures=session.failures.by_key,
            cut=times.cut,
            growths=times.growths,
            allowed=session.request.allowed,
        )
        base, head = session.surveys[BASE], session.surveys[HEAD]
        facts = replace(
            self.environment.check or CheckFacts(""),
            together=session.together,
            why_apart=session.why_apart,
            threshold=session.threshold,
            software={BASE: dict(base.software), HEAD: dict(head.software)},
            device=dict(head.device),
            **times.counts,  # type: ignore[arg-type]
            warnings=tuple(merged(times.warnings)),
            seconds=session.spent_s(),
            finished=finished,
        )
        return _State(ordered(findings(data)), facts)

    def _with_command(self, finding: Finding) -> Finding:
        """Return the finding with the command that checks it again.

        Its text names the versions instead of their temporary folders.
        """
        text = finding.text
        for side, version in self.versions.by_side().items():
            text = text.replace(self.sources[side].folder, f"{side} ({version.label})")
        head = self.versions.head.rerun if self.request.head else None
        rerun = self.request.command(finding.where, self.versions.base.rerun, head)
        return replace(finding, text=text, rerun=rerun, code=self._changed_place(finding))

    def _changed_place(self, finding: Finding) -> Code | None:
        """Return the changed line that a regression's network uses, if its file has one, else its callable."""
        code = finding.code
        if code is None or finding.outcome not in REGRESSIONS:
            return code
        try:
            base, head = (files.read_text(Path(self.sources[side].folder) / code.file) for side in (BASE, HEAD))
        except UserError:  # the file is new, or gone
            return code
        name = finding.builder.rpartition(":")[2].partition(".")[0]
        return replace(code, line=changed_line(base, head, name) or code.line)


def _survey(session: CheckSession) -> None:
    """Survey costs and outputs of base and head. Raises UserError if their hardware differs."""
    target = session.request.target
    for side in (BASE, HEAD):
        session.say(f"counting {side}'s costs")
        families = [family for pair in session.pairs if (family := pair.family_of(side))]
        launcher = session.launcher(BASE if session.together and session.request.costs_only else side)
        try:
            session.surveys[side] = survey(families, target, Plan(), launcher, detailed=True, crosschecked=False)
        except NothingMeasuredError as error:
            raise NothingMeasuredError(f"{side}: {error}") from None
    base, head = (session.surveys[side].device for side in (BASE, HEAD))
    for name in HARDWARE:
        values = [each.get(name) for each in (base, head)]
        if None not in values and values[0] != values[1]:  # one environment may lack what asks the driver
            raise UserError(
                f"base and head see different hardware ({name}: {base.get(name)} and {head.get(name)}), and cannot be "
                "compared: give both the same device"
            )


def _measurable(session: CheckSession, pair: Pair) -> bool:
    counted = all((pair.name, side) in session.surveys[side].costs for side in (BASE, HEAD))
    return counted and other_input(pair, session.surveys) is None and not _is_random(session, pair)


def _is_random(session: CheckSession, pair: Pair) -> bool:
    """Return whether a network's outputs differ from call to call, and the suite does not allow that."""
    outputs = [session.surveys[side].outputs.get((pair.name, side)) for side in (BASE, HEAD)]
    is_allowed = pair.head is not None and pair.head.allow_random
    return not is_allowed and any(each.is_random for each in outputs if each)
