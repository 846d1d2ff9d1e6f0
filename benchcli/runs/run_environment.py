"""Build the environment of a run: the request, the machine, and the harness's cost."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime

from benchcli.backends.devices.base import split_name
from benchcli.errors import UserError
from benchcli.sampling import roof_cache
from benchcli.sampling.supervise import Survey, survey
from benchcli.schema import BUILT_IN, LIVE, Conditions, FamilyResult, Plan, Suite, Target
from benchcli.schema.environment import Environment, Harness, Machine
from benchcli.schema.protocol import Launcher
from benchcli.spelling import given
from benchcli.system import machine
from benchcli.system.counters import look, unseen
from benchcli.system.git import running_commit


def begun(subject: str) -> Environment:
    """Return the environment of a run or check that starts now.

    Its name has three parts: the start time, `subject`, and the host name.
    """
    started = datetime.now(UTC)
    return Environment(
        run=f"{started:%Y%m%dT%H%M%SZ}-{subject}-{machine.host()}", started=f"{started:%Y-%m-%dT%H:%M:%SZ}"
    )


def check_resolves(folder: object, suite: Suite) -> None:
    """Raise UserError if a run recorded a built-in network that this version does not have."""
    for family in suite.families:
        for variant in family.variants:
            name = variant.builder
            if name.startswith(BUILT_IN) and not name.startswith(LIVE):
                from benchcli.workloads.built_in import find_built_in  # it loads all that ships

                try:
                    find_built_in(name)
                except UserError as error:
                    raise UserError(f"{folder} has {variant.name} as {name}: {error}; record the run again") from None


def check_same(folder: object, before: Environment, suite: Suite, target: Target, plan: Plan) -> None:
    """Raise UserError if the run in `folder` was started with other options or another suite."""
    if before.plan is None or before.suite is None:
        raise UserError(
            f"{folder} does not hold a run that can be resumed: give the folder of one, or {given('output')}"
        )
    differing = [*_differing(before.target, target), *_differing(before.plan, replace(plan, grows=False))]
    if differing:
        old, new = (" ".join(_option(name, values[end]) for name, *values in differing) for end in (0, 1))
        raise UserError(f"{folder} was started with {old}, not {new}: resume it with the options it was started with")
    check_resolves(folder, before.suite)
    if (before.suite.name, before.suite.families) != (suite.name, suite.families):
        raise UserError(
            f"{folder} was started with another suite: resume it with the command and options it was started with"
        )


def _differing(recorded: Target | Plan, asked: Target | Plan) -> Iterator[tuple[str, object, object]]:
    """Yield the settings that differ: name, recorded and requested value."""
    for each in fields(asked):
        values = getattr(recorded, each.name), getattr(asked, each.name)
        if values[0] != values[1]:
            yield each.name, *values


def _option(name: str, value: object) -> str:
    """Return an option in the form that a user types on the command line."""
    option = f"--{name.removesuffix('_s')}"
    return f"no {option}" if value is None else f"{option} {value}{'s' if name.endswith('_s') else ''}"


def identified(environment: Environment, target: Target, counted: Survey) -> Environment:
    """Return the environment with the machine, the versions and their digest.

    Raises UserError if it already holds another digest: a resumed run must have the same machine and
    versions.
    """
    here = machine.machine()
    digest = machine.digest(here, counted.software, counted.device, target.identity)
    if (environment.digest or digest) != digest:
        raise UserError(
            f"the run was begun on another machine or with other versions (digest {environment.digest}, here "
            f"{digest}): start a new one with {given('output')}"
        )
    return replace(
        environment,
        digest=digest,
        machine=here,
        software=dict(counted.software),
        device=dict(counted.device),
        commit=running_commit(),
    )


def with_roofs(environment: Environment) -> Environment:
    """Return the environment with the roofs that are kept of its device; unchanged if it has some."""
    here, suite, target = environment.machine, environment.suite, environment.target
    if environment.roofs or here is None or suite is None:
        return environment
    targets = dict.fromkeys(roof_cache.of_roofs(family.on(target)) for family in suite.families)
    digests = (roof_cache.digest_of(here, environment.software, environment.device, each) for each in targets)
    return replace(environment, roofs=tuple(filter(None, map(roof_cache.fetch, digests))))


def describe(target: Target, launcher: Launcher) -> dict[str, dict[str, object]]:
    """Return the machine, device, software and settings that a run on `target` would use, in sections.

    Raises UserError if the device is not available.
    """
    counted = survey((), target, Plan(), launcher)
    here = machine.machine()
    return {
        "machine": asdict(here),
        "device": {"name": target.device, **counted.device},
        "software": dict(counted.software),
        "settings": {name: value for name, value in asdict(target).items() if name != "device"},
        "available": dict(counted.available),
        "identity": {"digest": machine.digest(here, counted.software, counted.device, target.identity)},
    }


def weighed(environment: Environment, results: Iterable[FamilyResult], target: Target) -> Environment:
    """Return the environment with the harness's overhead, and the noise sources that it cannot observe.

    It is unchanged if no launch recorded its conditions.
    """
    conditions = [each for result in results for each in result.conditions]
    if not conditions:
        return environment
    now = look()
    workers = [each.memory_bytes for each in conditions if each.memory_bytes is not None]
    overhead_s = max(each.call_overhead_s for each in conditions)
    hidden = _unseen_of(conditions) if split_name(target.device)[0] != "cpu" else ()
    return replace(
        environment,
        harness=Harness(overhead_s, max(workers) if workers else None, now.memory_bytes),
        unseen=(*unseen(now), *hidden),
    )


def _unseen_of(conditions: Sequence[Conditions]) -> Iterator[str]:
    """Yield what no launch could read of an accelerator: it is not known, which is not the same as never."""
    if all(each.clock_hz is None for each in conditions):
        yield "the accelerator's clock"
    if all(each.power_capped is None for each in conditions):
        yield "whether the accelerator was throttled"
    if all(each.other_processes is None for each in conditions):
        yield "other processes on the accelerator"


def digest_of(environment: Environment) -> str:
    """Return the digest of the facts in an environment, which is what it should hold."""
    facts = (environment.software, environment.device, environment.target.identity)
    return machine.digest(environment.machine or Machine(), *facts)


def changed_since(then: Environment, target: Target, counted: Survey) -> list[tuple[str, object, object]]:
    """Return the facts in which this machine, as a survey found it, differs from a run's; empty if digests agree.

    Each has a name, the value then and the value now.
    """
    software, device = dict(counted.software), dict(counted.device)
    here = replace(then, machine=machine.machine(), software=software, device=device, target=target)
    if digest_of(then) == digest_of(here):
        return []
    return mismatches(then, here) or [("digest", digest_of(then), digest_of(here))]


def mismatches(one: Environment, other: Environment) -> list[tuple[str, object, object]]:
    """Return the facts of machine, versions, device and settings that differ: a name and the two values."""
    facts = [_identity(one), _identity(other)]
    values = ((name[1], facts[0].get(name), facts[1].get(name)) for name in {**facts[0], **facts[1]})
    return [(name, left, right) for name, left, right in values if left != right]


def _identity(environment: Environment) -> dict[tuple[str, str], object]:
    """Return the facts that affect times, by part and name."""
    parts: dict[str, Mapping[str, object]] = {
        "software": environment.software,
        "device": environment.device,
        "target": asdict(environment.target),
        "machine": environment.machine.identity if environment.machine else {},
    }
    return {(part, name): value for part, facts in parts.items() for name, value in facts.items()}
