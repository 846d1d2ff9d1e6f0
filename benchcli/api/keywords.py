"""Keyword arguments of the public functions: their types, and the values that they make."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypedDict

from benchcli.backends.devices.base import device_named
from benchcli.backends.runtimes.base import RUNTIMES, runtime_named
from benchcli.errors import UserError
from benchcli.schema import Plan, Target
from benchcli.schema.progress import Observer, Progress
from benchcli.settings import ALL_RUNTIMES, IN_SEVERAL_S, Values
from benchcli.spelling import given
from benchcli.workers.tools import Tools
from benchcli.workloads.overrides import Overrides

__all__ = ["Observer", "Progress", "Tools"]


class TargetSettings(TypedDict, total=False):
    """Where and how networks run."""

    device: str
    runtime: str | Sequence[str]
    cache: str
    threads: int | Sequence[int]
    allocator: str
    flush_denormal: bool


class KeptRunSettings(TargetSettings, total=False):
    """How much is measured and traced, and where it is written, on this machine or on others."""

    precision: float
    budget: float | None
    launches: int | None
    breakdown: bool
    percentiles: bool
    layers: bool
    depth: int | None
    tree: bool
    output: Path | str | None
    resume: Path | str | None
    store: Path | str | None


class RunSettings(KeptRunSettings, total=False):
    """The same, and who observes it: for all functions that measure a suite here."""

    progress: Observer | None
    tools: Tools | None


class InputSettings(TypedDict, total=False):
    """The inputs of networks."""

    batch: int | Sequence[int] | None
    dtype: str | Sequence[str] | None
    layout: str | Sequence[str] | None
    step: str | Sequence[str] | None


class SuiteSettings(InputSettings, total=False):
    """What replaces the settings of a suite's networks. The channels are those of guidelines."""

    allow_random: bool
    channels: str | Sequence[str] | None
    width: int | None
    scale: int | Sequence[int] | None


class MeasureSettings(RunSettings, SuiteSettings, total=False):
    """The settings of `measure`."""


class BlockSettings(RunSettings, InputSettings, total=False):
    """The settings of `block`."""

    width: int
    size: int | Sequence[int]
    units: int | None
    stride: int


class NetworkSettings(RunSettings, InputSettings, total=False):
    """The settings of `network`."""

    group: int | Sequence[int] | None
    size: int | Sequence[int] | None
    inputs: str | Sequence[str] | None
    errors: Mapping[str, float] | None
    allow_random: bool


class CostSettings(TypedDict, total=False):
    """The settings of `costs`."""

    by: str
    depth: int | None
    size: int | None
    batch: int | None
    dtype: str
    step: str
    device: str
    meta: bool
    tools: Tools | None


class AuditSettings(TypedDict, total=False):
    """The settings of `audit`."""

    size: int | None
    batch: int | None
    dtype: str | None
    layout: str | None
    device: str
    threads: int
    allocator: str
    flush_denormal: bool
    allow_random: bool
    apply: bool
    write: Path | str | None
    budget: float
    depth: int | None
    fresh: bool
    output: Path | str | None
    progress: Observer | None
    tools: Tools | None


class SweepSettings(TypedDict, total=False):
    """The settings of `sweep`."""

    in_: int | Sequence[int] | None
    out: int | Sequence[int] | None
    groups: int | Sequence[int]
    kernel: int | Sequence[int]
    stride: int | Sequence[int]
    size: int | Sequence[int] | None
    params: Mapping[str, Sequence[int]] | None
    inputs: str | Sequence[str] | None
    batch: int | None
    dtype: str | None
    layout: str | None
    device: str
    runtime: str
    cache: str
    threads: int
    allocator: str
    flush_denormal: bool
    precision: float
    budget: float | None
    launches: int | None
    fill: bool
    output: Path | str | None
    resume: Path | str | None
    store: Path | str | None
    progress: Observer | None
    tools: Tools | None


class PredictorSettings(TypedDict, total=False):
    """The settings of `TimePredictor`."""

    device: str
    threads: int
    allocator: str
    flush_denormal: bool
    fresh: bool
    progress: Observer | None
    tools: Tools | None


class PredictSettings(PredictorSettings, total=False):
    """The settings of `predict`."""

    size: int | None
    batch: int | None
    dtype: str | None
    known: bool
    write: Path | str | None


class FleetSettings(KeptRunSettings, SuiteSettings, total=False):
    """The settings of `fleet`."""

    scheduler: str | None
    hosts: Path | str | None
    local: int | None
    on: str | Sequence[str]
    tls: Path | str | None
    wait: float
    quiet: float


class CheckSettings(TargetSettings, total=False):
    """The settings of `check`."""

    base: str | None
    head: str | None
    baseline: Path | str | None
    history: Path | str | None
    only: str | Sequence[str]
    threshold: float | None
    launches: int
    time_limit: float
    separate: bool
    costs_only: bool
    allow: str | Sequence[str]
    fail_if_mde_above: float | None
    require_clean: bool
    allow_random: bool
    output: Path | str | None
    store: Path | str | None
    progress: Observer | None
    tools: Tools | None


class SelfTestSettings(TargetSettings, total=False):
    """The settings of `selftest`."""

    precision: float
    budget: float | None
    launches: int | None
    progress: Observer | None
    tools: Tools | None


class ExplainSettings(TypedDict, total=False):
    """The settings of `explain`."""

    progress: Observer | None
    tools: Tools | None


class DeviceSettings(TargetSettings, total=False):
    """The settings of `device`."""

    quick: bool
    tools: Tools | None


class PeaksSettings(TypedDict, total=False):
    """The settings of `peaks`."""

    device: str
    threads: int
    allocator: str
    fresh: bool
    tools: Tools | None


@dataclass(frozen=True)
class Measuring:
    """Where, how and how much to measure, and with which tools."""

    target: Target
    plan: Plan
    overrides: Overrides
    output: Path | None
    resume: Path | None
    store: Path | None
    breakdown: bool
    layers: bool
    depth: int | None
    """The depth to which the shown layers are rolled up."""
    tree: bool
    """Whether the layers are shown as totals by type and as a tree of modules."""
    tools: Tools

    @classmethod
    def of(cls, values: Values) -> "Measuring":
        """Return what checked values ask for. Raises UserError if the runtime does not run on the device."""
        values = {**values, "runtime": runtimes_of(values)}
        target = target_of(values)
        return cls(
            target=target,
            plan=plan_of(values),
            overrides=overrides_of(target, values),
            output=values["output"],
            resume=values["resume"],
            store=values["store"],
            breakdown=values["breakdown"],
            layers=values["layers"] or values["tree"] or values["depth"] is not None,
            depth=values["depth"],
            tree=values["tree"],
            tools=tools_of(values),
        )


def target_of(values: Values) -> Target:
    """Return the target of checked values, with the most of several threads, and the first of several runtimes.

    Raises UserError if the only runtime does not run on the device, or a setting is not of it.
    """
    threads, runtimes = _several(values["threads"]), _several(values["runtime"])
    own = {"threads": max(threads), "runtime": runtimes[0]}
    target = Target(**{each.name: values[each.name] for each in fields(Target)} | own)
    runtime = runtime_named(target.runtime)
    missing = None if runtime.needs_import else runtime.missing(device_named(target.device))
    if missing and len(runtimes) == 1:  # of several, the others are measured
        raise UserError(missing)
    device = device_named(target.device)
    if target.flush_denormal and not device.slows_denormals:
        raise UserError(f"denormal numbers do not slow down a {device.title}: leave {given('flush_denormal')} out")
    return target


def runtimes_of(values: Values) -> tuple[str, ...]:
    """Return the runtimes of checked values, eager first of all. Raises UserError if all are given beside others."""
    given = _several(values["runtime"])
    if ALL_RUNTIMES not in given:
        return given
    if len(given) > 1:
        raise UserError(f"{ALL_RUNTIMES} stands for every runtime: give it alone")
    device = device_named(values["device"])
    usable = [each.name for each in RUNTIMES if each.needs_import or each.missing(device) is None]
    return tuple(sorted(usable, key=lambda name: name != Target.runtime))


def plan_of(values: Values) -> Plan:
    """Return the plan of checked values. Without a budget it is the default, which grows on slow devices."""
    budget = values["budget"]
    usual_s = Plan.budget_s if len(runtimes_of(values)) == 1 else IN_SEVERAL_S
    return Plan(
        precision=values["precision"],
        budget_s=usual_s if budget is None else budget,
        grows=budget is None,
        percentiles=values.get("percentiles", False),
        launches=values["launches"],
    )


def overrides_of(target: Target, values: Values) -> Overrides:
    """Return the settings of inputs that replace a suite's, several threads and sizes among them."""
    return Overrides(
        column=device_named(target.device).column,
        batches=values.get("batch"),
        dtypes=values.get("dtype"),
        layouts=values.get("layout"),
        steps=values.get("step"),
        threads=_if_several(values["threads"]),
        runtimes=_if_several(values["runtime"]),
        sizes=_if_several(values.get("size")),
        allow_random=values.get("allow_random", False),
    )


def tools_of(values: Values) -> Tools:
    """Return the tools of checked values, with their progress callback."""
    tools: Tools = values["tools"] or Tools()
    progress = values.get("progress")
    return replace(tools, observe=progress) if progress else tools


def _several(values: Any) -> tuple[Any, ...]:
    return values if isinstance(values, tuple) else (values,)


def _if_several(values: Any) -> tuple[Any, ...] | None:
    return values if isinstance(values, tuple) and len(values) > 1 else None
