"""Build the contents of `environment.json`: the request, the machine, and the harness's cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from benchcli.backends.devices.base import split_name
from benchcli.errors import UserError
from benchcli.runs.columns import SCHEMA
from benchcli.sampling.supervise import Survey, survey
from benchcli.schema import BUILT_IN, LIVE, Conditions, FamilyResult, Plan, Suite, Target, Variant
from benchcli.schema.protocol import Launcher
from benchcli.system import machine
from benchcli.system.counters import look, unseen
from benchcli.system.git import running_commit


def begun(subject: str) -> dict[str, Any]:
    """Return the schema, name and start time of a run or check that starts now.

    The name has three parts: the start time, `subject`, and the host name.
    """
    started = datetime.now(UTC)
    return {
        "schema": SCHEMA,
        "run": f"{started:%Y%m%dT%H%M%SZ}-{subject}-{machine.host()}",
        "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
    }


def asked(suite: Suite, target: Target, plan: Plan) -> dict[str, Any]:
    """Return the request: suite, target and plan, in the form that JSON reads back.

    A run can be resumed only with an equal request.
    """
    families = [
        {
            **asdict(family),
            "variants": list(map(_variant, family.variants)),
            "references": list(map(_variant, family.references)),
        }
        for family in suite.families
    ]
    return {
        "suite": {"name": suite.name, "families": families},
        "target": asdict(target),
        "plan": {name: value for name, value in asdict(plan).items() if name != "grows"},  # it follows from the device
    }


def _variant(variant: Variant) -> dict[str, Any]:
    inputs = [{**asdict(each), "shape": list(each.shape)} for each in variant.inputs]
    return {**asdict(variant), "shape": list(variant.shape), "inputs": inputs}


def check_resolves(folder: object, variant: str, builder: object) -> None:
    """Raise UserError if a run recorded a built-in network that this version does not have."""
    name = str(builder)
    if name.startswith("benchcli."):
        raise UserError(
            f"{folder} was recorded before built-in networks had names: it has {variant} as {name}, "
            "which is not there any more; record the run again"
        )
    if name.startswith(BUILT_IN) and not name.startswith(LIVE):
        from benchcli.workloads.built_in import find_built_in  # it loads all that ships

        try:
            find_built_in(name)
        except UserError as error:
            raise UserError(f"{folder} has {variant} as {name}: {error}; record the run again") from None


def check_same(folder: object, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise UserError if the run in `folder` was started with other options or another suite."""
    differing: list[tuple[str, Any, Any]] = []
    for part in ("target", "plan"):
        recorded, requested = before.get(part) or {}, now[part]
        differing += [
            (name, recorded.get(name), requested[name]) for name in requested if recorded.get(name) != requested[name]
        ]
    if differing:
        old, new = (" ".join(_option(name, values[end]) for name, *values in differing) for end in (0, 1))
        raise UserError(f"{folder} was started with {old}, not {new}: resume it with the options it was started with")
    for variant in _variants(before):
        check_resolves(folder, str(variant.get("name")), variant.get("builder"))
    if before.get("suite") != now["suite"]:
        raise UserError(
            f"{folder} was started with another suite: resume it with the command and options it was started with"
        )


def _variants(environment: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what `environment.json` has of each variant, as far as it is what a run writes there."""
    suite = environment.get("suite")
    for family in (suite.get("families") or []) if isinstance(suite, dict) else []:
        variants = family.get("variants") if isinstance(family, dict) else None
        yield from (each for each in variants or [] if isinstance(each, dict))


def _option(name: str, value: Any) -> str:
    """Return an option in the form that a user types on the command line."""
    option = f"--{name.removesuffix('_s')}"
    return f"no {option}" if value is None else f"{option} {value}{'s' if name.endswith('_s') else ''}"


def identify(environment: dict[str, Any], target: Target, counted: Survey) -> None:
    """Add the machine, the versions and their digest to `environment`.

    Raises UserError if `environment` already holds another digest: a resumed run must have the same
    machine and versions.
    """
    here = machine.machine()
    digest = machine.digest(here, counted.software, counted.device, asdict(target))
    if environment.get("digest", digest) != digest:
        raise UserError(
            f"the run was begun on another machine or with other versions (digest {environment['digest']}, here "
            f"{digest}): start a new one with --output"
        )
    environment.update(
        digest=digest,
        machine=here,
        software=dict(counted.software),
        device=dict(counted.device),
        commit=running_commit(),
    )


def describe(target: Target, launcher: Launcher) -> dict[str, Any]:
    """Return the machine, device, software and settings that a run on `target` would use.

    Raises UserError if the device is not available.
    """
    counted = survey((), target, Plan(), launcher)
    here = machine.machine()
    return {
        "machine": here,
        "device": {"name": target.device, **counted.device},
        "software": dict(counted.software),
        "settings": {name: value for name, value in asdict(target).items() if name != "device"},
        "available": dict(counted.available),
        "identity": {"digest": machine.digest(here, counted.software, counted.device, asdict(target))},
    }


def weigh(environment: dict[str, Any], results: Iterable[FamilyResult], target: Target) -> None:
    """Add the harness's overhead and the noise sources that it cannot observe.

    Add nothing if no launch recorded its conditions.
    """
    conditions = [each for result in results for each in result.conditions]
    if not conditions:
        return
    now = look()
    workers = [each.memory_bytes for each in conditions if each.memory_bytes is not None]
    environment["harness"] = {
        "call_overhead_s": max(each.call_overhead_s for each in conditions),
        "worker_memory_bytes": max(workers) if workers else None,
        "memory_bytes": now.memory_bytes,
    }
    environment["unseen"] = [*unseen(now), *(_unseen_of(conditions) if split_name(target.device)[0] != "cpu" else ())]


def _unseen_of(conditions: Sequence[Conditions]) -> Iterator[str]:
    """Yield what no launch could read of an accelerator: it is not known, which is not the same as never."""
    if all(each.clock_hz is None for each in conditions):
        yield "the accelerator's clock"
    if all(each.power_capped is None for each in conditions):
        yield "whether the accelerator was throttled"
    if all(each.other_processes is None for each in conditions):
        yield "other processes on the accelerator"
