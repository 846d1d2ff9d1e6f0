"""Run a suite with a caller's settings, for all functions that measure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from benchcli import validation
from benchcli.api.keywords import (
    Observer,
    PlanSettings,
    TargetSettings,
    Tools,
    overrides_of,
    plan_of,
    target_of,
    threads_of,
)
from benchcli.api.results import Run, UnfinishedError
from benchcli.errors import unknown
from benchcli.runs.measured_suite import RunRequest, UnfinishedRunError, run_suite
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Suite, Target
from benchcli.workloads.overrides import Overrides

Result = TypeVar("Result", bound=Run)


class Settings(TargetSettings, PlanSettings, total=False):
    """The settings of all functions that measure."""

    output: Path | str | None
    """The folder of the run's files; None: `results/<time>-<suite>-<host>`."""
    resume: Path | str | None
    """The folder of an interrupted run, whose missing families are measured."""
    breakdown: bool
    """Whether to trace three more launches, for the time by category of operator."""
    layers: bool
    """Whether to trace six more launches, for the time of each module."""
    depth: int | None
    """The depth to which the shown layers are rolled up, which implies `layers`: 1 for a network's own children."""
    progress: Observer | None
    """Called with a `Progress` at each step."""
    tools: Tools | None
    """Tools that start processes and read the clock; tests replace them."""


def run(
    suite: Suite,
    settings: Settings,
    traced: tuple[str, ...] = (),
    result: Callable[[SuiteRun], Result] = Run,  # type: ignore[assignment]
) -> Result:
    """Measure a suite with the settings, and return its result."""
    check_names(settings, Settings)
    names = tuple(family.name for family in suite.families)
    depth = None if settings.get("depth") is None else validation.whole("a depth", settings["depth"], validation.DEPTHS)
    if settings.get("breakdown"):
        traced = names
    request = RunRequest(
        suite,
        target_in(settings),
        plan_of(**only(settings, PlanSettings)),
        _path(settings.get("output")),
        _path(settings.get("resume")),
        traced,
        names if settings.get("layers") or depth else (),
    )
    try:
        found = result(run_suite(request, tools_of(settings)))
        found.depth = depth
        return found
    except UnfinishedRunError as error:
        raise UnfinishedError(result(error.report), error.reason, _what_is_left(error)) from None


def tools_of(settings: Mapping[str, Any]) -> Tools:
    """Return the tools, with the progress callback of the settings."""
    tools: Tools = settings.get("tools") or Tools()
    progress = settings.get("progress")
    return replace(tools, observe=progress) if progress else tools


def check_names(settings: Mapping[str, Any], kind: type) -> None:
    """Raise UserError with the nearest name if a keyword is not a setting of this kind."""
    known = sorted(kind.__annotations__)
    for name in settings:
        if name not in known:
            raise unknown("setting", name, known)


def _what_is_left(run: UnfinishedRunError) -> str:
    finished, folder = len(run.report.results), run.report.folder
    reason = run.reason or "interrupted"
    if run.unfinished == 0:
        return f"{reason} while tracing: all families are finished; --resume {folder} traces the rest"
    families = "1 family is" if finished == 1 else f"{finished} families are"
    are = "is" if run.unfinished == 1 else "are"
    return f"{reason}: {families} finished, {run.unfinished} {are} not; --resume {folder} measures the rest"


def target_in(settings: Settings) -> Target:
    """Return the target of the settings, with the most of several threads. Raises UserError if one is invalid."""
    given = only(settings, TargetSettings)
    return target_of(**{**given, "threads": max(threads_of(given.get("threads", 1)))})


def overrides_in(settings: Settings, **given: Any) -> Overrides:
    """Return the values that replace a family's own, several threads among them. Raises UserError if one is invalid."""
    return overrides_of(target_in(settings), threads=settings.get("threads", 1), **given)


def only(settings: Mapping[str, Any], kind: type) -> Any:
    """Return the settings of one kind."""
    return {name: settings[name] for name in kind.__annotations__ if name in settings}


def _path(text: Path | str | None) -> Path | None:
    return None if text is None else validation.path("a folder", text)
