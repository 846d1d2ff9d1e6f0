"""NetworkAudit a network: what makes it slow, and what following the guidelines would win."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from benchcli import formatting
from benchcli.analysis import audit_findings as analysis
from benchcli.api.audit_result import NetworkAudit
from benchcli.api.keywords import AuditSettings, target_of, tools_of
from benchcli.api.live_modules import family_of
from benchcli.api.result import UnfinishedError
from benchcli.api.this_machine import roofs_of
from benchcli.api.transformed import new_program, write_program
from benchcli.backends.devices.base import device_named
from benchcli.backends.runtimes.base import RUNTIMES, runtime_named
from benchcli.backends.transforms.base import AND, in_order
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.runs import audit_file
from benchcli.runs.audit_file import TRIALS, AuditedCalls
from benchcli.runs.folder import refuse_others
from benchcli.runs.measured_suite import RunRequest, UnfinishedRunError, run_suite
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.supervise import refuse, survey
from benchcli.schema import CostDetail, Family, Plan, Suite, Target
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import Counting, Launcher
from benchcli.schema.roofs import Roofs
from benchcli.settings import AUDIT, LAYOUTS, OWN_INPUTS, checked
from benchcli.workers.tools import Tools, sharing_workers
from benchcli.workloads.overrides import Overrides

NETWORK_S = 12.0
"""The budget of the network itself, in seconds."""
NETWORK_SHARE = 1 / 24
"""Of that: how long a launch warms up at most, samples, and times layers. Of a slow network it makes fewer rounds."""
OPERATORS: Counting = {"detailed": True, "crosschecked": False, "timed": True}
"""What is asked of a network first."""
PRECISION = 0.01
ALL = Plan.precision / 1000
"""A precision that no launch reaches, so that each one measures all rebuilt layers, in pairs."""

LAUNCH_SHARE = 1 / 18
"""Of the budget of the rebuilt layers: six launches, of which each warms up and samples for so long at most."""


def audit(network: object, *, inputs: object = None, **settings: Unpack[AuditSettings]) -> NetworkAudit:
    """Measure where a network spends its time, which guidelines it breaks, and what following them would win.

    `network` and `inputs` are what `measure` takes. Each finding that is worth more than a hundredth of the
    time, and whose layers can be rebuilt, is measured: its layers as they are beside the same ones with the
    guideline followed at equal FLOPs. `apply` measures the whole network with the changes that need no
    training. What a change costs in accuracy is not known.

    Raises UserError if the network is unknown or a setting is wrong, NothingMeasuredError if it could not
    be called or timed, and UnfinishedError if measuring ended early: its `result` has what was found.
    """
    values = checked(settings, [each for each in AUDIT if each is not OWN_INPUTS])
    if values["output"]:
        refuse_others(values["output"], ())  # no audit is resumed
    family, payloads = _family(network, inputs, values)
    target = target_of({**values, "runtime": Target.runtime, "cache": Target.cache})
    with sharing_workers(tools_of(values)) as tools:
        begun_s = tools.clock()
        found = _audited(_Auditing(target, tools, values["budget"]), family, payloads, values)
        return replace(found, details=replace(found.details, seconds=tools.clock() - begun_s))


def _audited(work: "_Auditing", family: Family, payloads: Mapping[str, str], values: Mapping[str, Any]) -> NetworkAudit:
    program = new_program(values["write"]) if values["write"] else None
    detail, roofs = work.looked_at(family, payloads, values["fresh"])
    run = work.network_run(_families(family, detail, work.target, values["apply"]), payloads, values["output"])
    if program:
        work.write(program, run, family, payloads)
    audited = AuditedCalls(detail.calls, detail.uncalled, roofs, detail.branching, detail.made, detail.seconds)
    audit_file.put(run.folder, audited)
    try:
        trials = work.try_out(run, audited)
    except UnfinishedRunError as error:
        result = NetworkAudit(run, audited, error.report, values["depth"])
        reason = error.reason or "interrupted"
        raise UnfinishedError(result, error.reason, f"{reason}: gains are of the launches before it") from None
    except NothingMeasuredError as error:
        work.tools.notify(f"no rebuilt layers could be timed: {error}")
        trials = None
    return NetworkAudit(run, audited, trials, values["depth"])


def _family(network: object, inputs: object, values: Mapping[str, object]) -> tuple[Family, Mapping[str, str]]:
    """Return the network as a family of its own, and what is sent to its process by value."""
    names = {"batch": "batches", "dtype": "dtypes", "layout": "layouts"}
    single = {many: (values[one],) if values[one] else None for one, many in names.items()}
    overrides = Overrides(**single, allow_random=values["allow_random"])  # type: ignore[arg-type]
    family, payloads = family_of((network,), inputs, values["size"], overrides)  # type: ignore[arg-type]
    if len(family.variants) > 1:
        raise UserError(f"{network} names {len(family.variants)} networks: an audit is of one")
    return replace(family, name="network"), payloads


@dataclass(frozen=True)
class _Auditing:
    """Where an audit measures, and how long."""

    target: Target
    tools: Tools
    budget_s: float
    """For the rebuilt layers."""

    def looked_at(self, family: Family, payloads: Mapping[str, str], fresh: bool) -> tuple[CostDetail, Roofs | None]:
        """Return the operator calls of the network, and the machine's roofs. Raises what `audit` raises."""
        self.tools.observe(Progress("counting costs", 0.0, math.inf))
        with self.tools.workers() as launcher:
            found = survey([family], self.target, Plan(), launcher, payloads, **OPERATORS)
            refuse(found.failures.by_key)
            key = family.name, family.baseline
            if key in found.failures.by_key:
                raise NothingMeasuredError(f"nothing was audited: {found.failures.by_key[key].error}")
            if error := found.costs[key].error:
                raise NothingMeasuredError(f"nothing was audited: its operators cannot be watched: {error}")
            return found.details[key], self._roofs(launcher, fresh)

    def _roofs(self, launcher: Launcher, fresh: bool) -> Roofs | None:
        """Return the roofs; None, with a notice, if they cannot be measured."""
        try:
            return roofs_of(self.target, launcher, self.tools, fresh)
        except NothingMeasuredError as error:
            self.tools.notify(str(error))
            return None

    def network_run(self, families: Sequence[Family], payloads: Mapping[str, str], output: Path | None) -> SuiteRun:
        """Return the run of the network, with its layers, and of its changed forms."""
        suite = Suite(f"audit-{_in_a_path(families[0].baseline)}", "", tuple(families))
        plan = Plan(precision=PRECISION, budget_s=NETWORK_S, launch_share=NETWORK_SHARE)
        request = RunRequest(suite, self.target, plan, output, layered=(families[0].name,), live=payloads)
        try:
            return run_suite(request, self.tools)
        except UnfinishedRunError as error:
            raise NothingMeasuredError(
                f"the network was not timed: {error.reason or 'interrupted'}; what was is in {error.report.folder}"
            ) from None

    def write(self, file: Path, run: SuiteRun, family: Family, payloads: Mapping[str, str]) -> None:
        """Write the network with the fastest change that keeps its weights, or say that none is certainly faster."""
        faster = sorted(
            (
                (each.timing.setting.estimate, each.family.runtime.partition(":")[2])
                for each in run.records
                if each.timing and each.timing.setting and each.timing.setting.is_above(1.0)
                if each.family.runtime.startswith(f"{Target.runtime}:")
            ),
            reverse=True,
        )
        reason = "no change that keeps its weights is certainly faster"
        for speed, transforms in faster:
            try:
                written = write_program(family, payloads, transforms, file, self.tools)
            except (UserError, NothingMeasuredError) as error:
                reason = str(error)
            else:
                places = ", ".join(f"{name} at {formatting.counted(n, 'place')}" for name, n in written.places.items())
                self.tools.notify(f"wrote {file}: {places}; {speed:.2f} times as fast as the network as it is")
                return
        self.tools.notify(f"{file} was not written: {reason}")

    def try_out(self, run: SuiteRun, audited: AuditedCalls) -> SuiteRun | None:
        """Return the run of the rebuilt layers; None if no finding is worth one.

        Raises UnfinishedRunError if it ended early, and NothingMeasuredError if none could be timed.
        """
        found = analysis.suspects_of(run, audited)
        family = analysis.what_if(analysis.measured_ones(found), run.results[0].family)
        if family is None:
            return None
        plan = Plan(precision=ALL, budget_s=self.budget_s, launch_share=LAUNCH_SHARE)
        return run_suite(RunRequest(Suite(TRIALS, "", (family,)), self.target, plan, run.folder / TRIALS), self.tools)


def _in_a_path(name: str) -> str:
    """Return a network's name as a part of a folder's name."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-")


def _families(family: Family, detail: CostDetail, target: Target, applies: bool) -> list[Family]:
    """Return the network as it is, and in the changed forms that a finding names; or in all that are there."""
    named = (each.runtime for audit in analysis.all_audits() for each in audit.breaches(detail.calls))
    runtimes = list(dict.fromkeys(filter(None, named)))
    families = [family, *(_in_runtime(family, each) for each in runtimes)]
    if not applies:
        return families
    others = [each for each in _whole_changes(target) if each not in runtimes]
    swapped = next(each for each in LAYOUTS if each != family.layout)
    layout = replace(family, name=f"{family.name}-{swapped}", layout=swapped, first=family.name)
    has_images = any(each.geometry and len(each.outputs[0]) == len("nchw") for each in detail.calls)
    return [*families, *([layout] if has_images else []), *(_in_runtime(family, each) for each in others)]


def _whole_changes(target: Target) -> list[str]:
    """Return the runtimes that change or export the whole network, as far as they are installed."""
    device = device_named(target.device)
    eager = runtime_named(Target.runtime)
    single = [f"{eager.name}:{option}" for option in eager.options]
    both = [f"{eager.name}:{AND.join(name for name, each in in_order().items() if each.keeps_modules)}"]
    usable = [each.name for each in RUNTIMES if each.export_s and each.missing(device) is None]
    return [*single, *both, *usable]


def _in_runtime(family: Family, runtime: str) -> Family:
    return replace(family, name=f"{family.name}-{runtime.replace(':', '-')}", runtime=runtime, first=family.name)
