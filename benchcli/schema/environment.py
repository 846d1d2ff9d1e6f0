"""Where, when and with what a run or a check was measured: the contents of `environment.json`."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Annotated, Any

from benchcli.schema.keys import Key, OfVariant
from benchcli.schema.observations import Code, Count
from benchcli.schema.request import Plan, Suite, Target
from benchcli.schema.roofs import Roofs
from benchcli.schema.structure import Within, structure
from benchcli.schema.warnings import RunWarning
from benchcli.schema.warnings import as_json as warning_as_json

SCHEMA = 1
"""The version of the files of a run or a check."""
Fact = str | int | float | bool | None
FLOAT_LANES = {"avx512f": 16, "avx2": 8, "avx": 8, "asimd": 4, "neon": 4, "sse4_1": 4}
"""The float32 numbers in a vector by a processor's flag, the widest first."""


@dataclass(frozen=True)
class Machine:
    """The facts about a machine that need no torch. None: the system does not say."""

    host: str | None = None
    cpu: str | None = None
    architecture: str | None = None
    cores: Count | None = None
    """Cores that a process may use, limited by a container's quota."""
    cpu_quota: float | None = None
    """The CPU quota of the control groups, in cores."""
    simd: tuple[str, ...] = ()
    caches: Mapping[str, str] = field(default_factory=dict)
    """The sizes of the first core's caches by level, such as "1024K"."""
    numa_nodes: Count | None = None
    threads_per_core: Count | None = None
    memory_bytes: Count | None = None
    huge_pages: str | None = None
    governor: str | None = None
    turbo: bool | None = None
    system: str | None = None
    """The operating system and its release."""
    virtualised: bool | None = None

    @property
    def float_lanes(self) -> int | None:
        """The float32 numbers in a vector of its widest registers; None if these flags do not say."""
        return next((lanes for flag, lanes in FLOAT_LANES.items() if flag in self.simd), None)

    @property
    def identity(self) -> dict[str, Fact]:
        """The facts that affect times, of which two comparable records have the same."""
        return {name: getattr(self, name) for name in ("cpu", "architecture", "cores", "system")}


@dataclass(frozen=True)
class NetworkCode(OfVariant):
    """Where one of the user's own networks comes from."""

    file: str
    line: int
    sha256: str
    commit: str | None = None
    dirty: bool | None = None

    @classmethod
    def of(cls, key: Key, code: Code) -> "NetworkCode":
        """Return the code of the network with this key."""
        return cls(*key, **asdict(code))


@dataclass(frozen=True)
class Harness:
    """What measuring itself costs."""

    call_overhead_s: float
    worker_memory_bytes: int | None
    memory_bytes: int | None


@dataclass(frozen=True)
class Environment:
    """The request, the machine, the versions and the settings of a run or a check."""

    run: str
    """Start time, subject and host."""
    started: str
    """In UTC, such as "2026-11-25T19:04:20Z"."""
    schema: int = SCHEMA
    suite: Suite | None = None
    target: Target = field(default_factory=Target)
    plan: Plan | None = None
    digest: str | None = None
    """A hash of the facts that affect times."""
    machine: Machine | None = None
    """None until something was measured."""
    software: Mapping[str, str | None] = field(default_factory=dict)
    device: Mapping[str, Fact] = field(default_factory=dict)
    commit: str | None = None
    """The commit of benchcli, where it runs from a checkout."""
    code: tuple[NetworkCode, ...] = ()
    harness: Harness | None = None
    roofs: tuple[Roofs, ...] = ()
    """The roofs of its device that were known, of each number of threads."""
    unseen: tuple[str, ...] = ()
    """The sources of noise that cannot be observed on this machine."""
    check: "CheckFacts | None" = None
    """How a check ran; None for a run."""

    @property
    def where(self) -> str | None:
        """The accelerator's name, or else the processor's."""
        card = self.device.get("card")
        return str(card) if card else self.machine.cpu if self.machine else None

    @property
    def commit_measured(self) -> str:
        """The commits of the networks' own repositories, with a + where files were changed.

        Benchcli's own if no network is the user's; empty if none is known.
        """
        own = {f"{each.commit}{'+' if each.dirty else ''}" for each in self.code if each.commit}
        return ", ".join(sorted(own)) if self.code else self.commit or ""


@dataclass(frozen=True)
class VersionFacts:
    """One of the two versions that a check compares."""

    kind: str
    label: str
    commit: str | None = None
    python: str | None = None
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckFacts:
    """How a check ran. What has no value is not known before its end, or belongs to another kind of check."""

    suite: str
    base: VersionFacts | None = None
    head: VersionFacts | None = None
    baseline: str | None = None
    """The folder of the recorded run; None where two versions are compared."""
    baseline_run: str | None = None
    launches: Count | None = None
    budget_s: float | None = None
    costs_only: bool = False
    allowed: tuple[str, ...] = ()
    fail_if_mde_above: Annotated[float, Within(0.0, 1e12)] | None = None
    """The largest minimum detectable effect with which a time may pass, as a fraction."""
    networks: tuple[str, ...] = ()
    heading: str = ""
    findings: Count | None = None
    """None until the check has ended."""
    seconds: Annotated[float, Within(0.0, 1e12)] | None = None
    threshold: Annotated[float, Within(0.0, 1e12)] | None = None
    together: bool = False
    """Whether one process ran both versions."""
    why_apart: str | None = None
    software: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """Versions of the software, by side."""
    device: Mapping[str, Fact] = field(default_factory=dict)
    screened: Count | None = None
    screenings: Count | None = None
    confirmed: Count | None = None
    confirmations: Count | None = None
    """Networks that were screened and confirmed, and the launches for it."""
    warnings: tuple[RunWarning, ...] = ()
    timed: bool = False
    """Whether times were measured against the recorded run."""
    finished: bool = False


def as_json(environment: Environment) -> dict[str, Any]:
    """Return an environment as JSON has it: without what is not known, and what follows from the rest."""
    suite = environment.suite and replace(environment.suite, description="")
    plan = environment.plan and replace(environment.plan, grows=False)
    values = asdict(replace(environment, suite=suite, plan=plan))
    values["target"] = environment.target.identity  # the digest is a hash of what stands beside it
    data = {"schema": environment.schema, **{name: value for name, value in values.items() if value}}
    data.get("suite", {}).pop("description", None)
    data.get("plan", {}).pop("grows", None)
    if environment.check:
        check = {name: value for name, value in data["check"].items() if value is not None}
        data["check"] = {**check, "warnings": list(map(warning_as_json, environment.check.warnings))}
    return data


def from_json(data: Mapping[str, Any]) -> Environment:
    """Return the environment that JSON has. Raises StructureError."""
    return structure(data, Environment)
