"""Explain a recorded run: the place of each network on the roofline, and the kernels that it runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Unpack

from benchcli import formatting
from benchcli.analysis.kernel_differences import KernelDifference, difference
from benchcli.analysis.places import places_of
from benchcli.analysis.roofline import Placement
from benchcli.api.audit_result import NetworkAudit
from benchcli.api.keywords import ExplainSettings, tools_of
from benchcli.api.recorded import load
from benchcli.api.result import Result
from benchcli.api.run_result import Run
from benchcli.backends.runtimes.base import runtime_named
from benchcli.errors import UserError
from benchcli.reports.page import Page
from benchcli.reports.views import explain_page
from benchcli.runs import code
from benchcli.runs.run_environment import changed_since, mismatches
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.supervise import Survey, survey
from benchcli.sampling.traces import Tracing
from benchcli.sampling.worker_reports import collect
from benchcli.schema import LIVE, CallKernels, Failure, Key, Plan
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import KERNELS, Launcher
from benchcli.settings import IN_PYTHON, checked
from benchcli.system import machine
from benchcli.workers.tools import Tools

BY_VALUE = "it was given by value, and no later process can build it: give its package.module:callable"


@dataclass(repr=False)
class Explanation(Result):
    """Why the networks of a run are as fast as they are."""

    details: SuiteRun
    """The run."""
    places: Mapping[Key, Placement]
    """The networks' places on the roofline, by family and variant; empty if no roofs of its machine are known."""
    kernels: Mapping[Key, CallKernels]
    """What a call of each network runs on this machine, by family and variant."""
    failures: Mapping[Key, Failure]
    """Why the other networks that have a time have no kernels."""
    elsewhere: str = ""
    """In what this machine differs from the run's, so that no kernels were asked for; empty if it is the same one."""

    @property
    def differences(self) -> tuple[KernelDifference, ...]:
        """What the baseline of each family and the network that is furthest from it run."""
        found = (difference(result, self.kernels) for result in self.details.results)
        return tuple(filter(None, found))

    def _laid_out(self) -> Page:
        return explain_page.page(
            explain_page.Found(self.details, self.places, self.kernels, self.failures, self.elsewhere, self.differences)
        )


def explain(run: Path | str | Run, **settings: Unpack[ExplainSettings]) -> Explanation:
    """Say why each network of a recorded run is as fast as it is.

    `run` is its folder or its result. The roofs of its machine place its networks on the roofline, if
    they were measured (`peaks`). On the machine that the run is of, the networks are called again, and
    name the kernels that they run. Raises UserError if there is no such run, or if nothing can be said.
    """
    tools = tools_of(checked(settings, IN_PYTHON))
    details = _run(run).details
    places = places_of(details)
    with tools.workers() as launcher:
        elsewhere = _elsewhere(details, launcher)
        if elsewhere and not places:
            raise UserError(
                f"{details.folder} is of another machine, version or setting ({elsewhere}), and no roofs of it are "
                "known: run `benchcli device --peaks` and `benchcli explain` there"
            )
        kernels, failures = ({}, {}) if elsewhere else _asked(details, launcher, tools)
    return Explanation(details, places, kernels, failures, elsewhere)


def _run(run: object) -> Run:
    """Return the run. Raises UserError if it is none, or more than one, or if nothing of it has a time."""
    found = load(run) if isinstance(run, Path | str) else run
    if isinstance(found, NetworkAudit):
        found = Run(found.details)
    if not isinstance(found, Run):
        raise UserError(f"explain takes the folder of one run, or its result: {_name(run)} is not one")
    if not any(record.timing for record in found.details.records):
        raise UserError(f"{found.folder} has no finished family with a time: resume the run, or record it again")
    return found


def _name(run: object) -> str:
    return str(run) if isinstance(run, Path | str) else f"a {type(run).__name__}"


def _elsewhere(run: SuiteRun, launcher: Launcher) -> str:
    """Return in what this machine differs from the run's; empty if it is the same one."""
    then = run.environment
    facts = mismatches(then, replace(then, machine=machine.machine()))  # which needs no worker
    try:
        facts = facts or _facts_of_workers(run, launcher)
    except UserError as error:  # the device or a runtime is not there
        return str(error)
    return formatting.named([f"{name} {before} then, {now} now" for name, before, now in facts])


def _facts_of_workers(run: SuiteRun, launcher: Launcher) -> list[tuple[str, object, object]]:
    """Return the facts that differ, of which versions are known to workers alone."""
    target, counted = run.environment.target, Survey()
    for runtime in run.runtimes:
        own = survey((), replace(target, runtime=runtime), Plan(), launcher)
        counted.software, counted.device = {**counted.software, **own.software}, own.device
    return changed_since(run.environment, target, counted)


def _asked(run: SuiteRun, launcher: Launcher, tools: Tools) -> tuple[dict[Key, CallKernels], dict[Key, Failure]]:
    """Return the kernels of the networks that have a time, and why others have none."""
    tracing = Tracing(run.environment.target, Plan(), partial(collect, launcher))
    failures = _not_asked(run)
    kernels: dict[Key, CallKernels] = {}
    for number, result in enumerate(run.results, 1):
        doing = f"naming the kernels of {result.family.name}, {number} of {len(run.results)}"
        tools.observe(Progress(doing, 0.0, math.inf))
        costs = {each.key: each.costs for each in result.records if each.timing and each.costs}
        asked = {key: each for key, each in costs.items() if key not in failures}
        traces = tracing.trace(KERNELS, result.family, asked) if asked else None
        if traces:
            kernels |= {each.key: each for each in traces.kernels}
            failures |= traces.failures
    return kernels, failures


def _not_asked(run: SuiteRun) -> dict[Key, Failure]:
    """Return why some networks cannot be called as they were measured."""
    families = [result.family for result in run.results]
    changed = code.changed(run.environment, run.environment.suite.families if run.environment.suite else families)
    commit = formatting.commits(run.environment.commit_measured, 10)
    way_out = f"check out {commit}" if commit and "+" not in commit else "put it back as it was"
    failures = {
        key: Failure("refused", f"{path} is not what it was when the run was measured: {way_out}, or measure again")
        for key, path in changed.items()
    }
    for family in families:
        runtime = runtime_named(family.on(run.environment.target).runtime)
        for variant in family.variants:
            if why := runtime.untraceable.get("kernels"):
                failures[family.name, variant.name] = Failure("unsupported", f"explain {why}")
            elif variant.builder.startswith(LIVE):
                failures[family.name, variant.name] = Failure("unsupported", BY_VALUE)
    timed = {record.key for record in run.records if record.timing}
    return {key: failure for key, failure in failures.items() if key in timed}
