"""Open the folder of a run, new or cut short, and say what it is a run of."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchcli.errors import UserError
from benchcli.measure.survey import Survey
from benchcli.runs.folder import unused
from benchcli.runs.rows import SCHEMA
from benchcli.runs.run_folder import ResultsFolder
from benchcli.schema import FamilyResult, Plan, Suite, Target
from benchcli.system import machine


@dataclass(frozen=True)
class Request:
    """A suite to be measured, where, how much, and into which folder."""

    suite: Suite
    target: Target
    plan: Plan
    output: Path | None
    resume: Path | None
    traced: tuple[str, ...] = ()
    """The families of which to show where the time goes, too."""


def opened(request: Request) -> tuple[ResultsFolder, dict[str, Any], list[FamilyResult]]:
    """Make or reopen the folder before any time is spent on measuring."""
    asked = _asked(request)
    if request.resume is None:
        started = datetime.now(UTC)
        name = f"{started:%Y%m%dT%H%M%SZ}-{request.suite.name}-{machine.host()}"
        path = request.output or unused(Path("results") / name)
        environment = {"schema": SCHEMA, "run": name, "started": f"{started:%Y-%m-%dT%H:%M:%SZ}", **asked}
        return ResultsFolder.create(path, environment), environment, []
    folder = ResultsFolder.reopen(request.resume)
    try:
        return _resumed(request.resume, folder, asked, request)
    except UserError:
        folder.close()
        raise


def _resumed(
    path: Path, folder: ResultsFolder, asked: Mapping[str, Any], request: Request
) -> tuple[ResultsFolder, dict[str, Any], list[FamilyResult]]:
    """Return what a run that was cut short has. Raises UserError where it was another run."""
    environment = folder.environment
    _check_same(path, environment, asked)
    finished = folder.finished(request.suite.families, request.target)
    folder.keep_only(finished)
    families = {family.name: family for family in request.suite.families}
    return folder, environment, [FamilyResult(families[n], records, ()) for n, records in finished.items()]


def _check_same(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise UserError where a run was begun with other options, or of other networks."""
    differing: list[tuple[str, Any, Any]] = []
    for part in ("target", "plan"):
        was, is_ = before.get(part) or {}, now[part]
        differing += [(name, was.get(name), is_[name]) for name in is_ if was.get(name) != is_[name]]
    if differing:
        then, here = (" ".join(_option(name, values[end]) for name, *values in differing) for end in (0, 1))
        raise UserError(f"{folder} was begun with {then}, not {here}: resume it with the options it was begun with")
    if before.get("suite") != now["suite"]:
        raise UserError(
            f"{folder} was begun with another suite: resume it with the verb and the options it was begun with"
        )


def _option(name: str, value: Any) -> str:
    """Write an option as a person would."""
    option = f"--{name.removesuffix('_s')}"
    return f"no {option}" if value is None else f"{option} {value}{'s' if name.endswith('_s') else ''}"


def _asked(request: Request) -> dict[str, Any]:
    """Return what must be equal for a run to be resumed, as JSON gives it back."""
    families = [
        {**asdict(family), "variants": [{**asdict(v), "shape": list(v.shape)} for v in family.variants]}
        for family in request.suite.families
    ]
    return {
        "suite": {"name": request.suite.name, "families": families},
        "target": asdict(request.target),
        "plan": asdict(request.plan),
    }


def identify(environment: dict[str, Any], target: Target, found: Survey) -> None:
    """Add the machine, the versions and their digest. Raises UserError where a resumed run had others."""
    here = machine.machine()
    digest = machine.digest(here, found.software, found.device, asdict(target))
    if environment.get("digest", digest) != digest:
        raise UserError(
            f"the run was begun on another machine or with other versions (digest {environment['digest']}, here "
            f"{digest}): start a new one with --output"
        )
    environment.update(
        digest=digest,
        machine=here,
        software=dict(found.software),
        device=dict(found.device),
        commit=machine.commit(),
    )
