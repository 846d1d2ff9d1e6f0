"""Find disturbances of a run, and return them as warning codes.

Each rule has a threshold. Quiet machines stay below it and disturbed ones exceed it;
`benchmarks/disturbed.py` shows both. A code is a kind, with an optional detail after a colon.
`report.advice` has the sentence for each kind.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from statistics import mean, median, quantiles

from benchcli.backends.allocators import STEADY, has_effect
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.noise.disturbances import BUSY_SHARE, PREEMPTED
from benchcli.schema import Conditions, FamilyResult, Record, Sample, Target
from benchcli.statistics import has_ranks, launch_log_seconds
from benchcli.system.machine import system, usable_cores

FAULTING = 1.0
"""Least minor faults per call for a warning: from there on, page faults dominate the time."""
OVERHEAD = 1e-3
"""Most overhead of the harness without a warning, as a share of a call."""
KERNELS_APART = 0.02
"""Most difference, without a warning, between the times of launches with different kernels."""
UNSTEADY = 0.10
"""Largest spread of the launches' times without a warning: 10th to 90th percentile, relative."""


QUIET = (
    "imprecise",
    "few-launches",
    "no-baseline",
    "costs",
    "uncounted",
    "host-bound",
    "overhead",
    "allocator",
    "unpaired",
    "power-cap",
    "kernels",
)
"""Kinds of warning that do not indicate a disturbed machine."""


def disturbed(records: Iterable[Record]) -> bool:
    """Return whether any warning reports a disturbance of the measurement."""
    return any(is_disturbance(code) for record in records for code in record.warnings)


def is_disturbance(code: str) -> bool:
    """Return whether a warning code reports a disturbance."""
    return code.partition(":")[0] not in QUIET


def preflight(target: Target, busy_cores: Callable[[], float | None]) -> list[str]:
    """Return the warnings that hold before anything is measured.

    Call `busy_cores`, which takes time, only for several threads that fit the usable cores.
    """
    cores = usable_cores()
    codes = []
    if target.threads > cores:
        codes.append(f"threads:{target.threads} threads on {cores} usable cores")
    elif target.threads > 1 and (busy := busy_cores() or 0.0) > cores - target.threads + BUSY_SHARE * cores:
        codes.append(f"threads:{target.threads} threads, with {busy:.1f} of {cores} cores busy with other work")
    if target.allocator == STEADY.name and not has_effect():
        codes.append(f"allocator:{system()}")
    return codes


def with_noticed(noticed: Sequence[str], result: FamilyResult) -> FamilyResult:
    """Add the warnings from before the run to every record.

    They replace warnings of the same kind that measuring added.
    """
    kinds = tuple(code.partition(":")[0] for code in noticed)
    records = (
        replace(record, warnings=(*noticed, *(code for code in record.warnings if code.partition(":")[0] not in kinds)))
        for record in result.records
    )
    return replace(result, records=tuple(records))


def host_bound_way_out(target: Target) -> str:
    """Return how to time the device and not its host, with what this device and runtime have."""
    device = DEVICES[split_name(target.device)[0]]
    larger = "a larger --batch or larger networks"
    return f"--runtime graph, or {larger}" if device.graphs and target.runtime != "graph" else larger


def host_was_timed(*records: Record) -> str | None:
    """Return why the times are of the host and not of the device, and the way out; None if they are not."""
    for record in records:
        for code in record.warnings:
            kind, _, way_out = code.partition(":")
            if kind == "host-bound":
                return f"the host was timed, and not the device, for {record.variant.name}: give {way_out}"
    return None


def of_samples(samples: Sequence[Sample], conditions: Sequence[Conditions], way_out: str = "") -> Iterator[str]:
    """Yield the warning codes for the samples of one variant; `way_out` is that of a host-bound one."""
    faults = [sample.faults for sample in samples if sample.faults is not None]
    if faults and mean(faults) >= FAULTING:
        yield f"page-faults:{mean(faults):.0f}"
    for reason, least in (("preempted", PREEMPTED), ("throttled", 0.0), ("clock", 0.0)):
        share = mean(sample.excluded == reason for sample in samples)
        if share > least:
            yield f"{reason}:{share:.0%} of the samples"
    if is_host_bound(samples):
        yield f"host-bound:{way_out}"
    yield from _kernels(samples, conditions)
    spread = launch_spread(samples)
    if spread is not None and spread > UNSTEADY:
        yield f"unsteady:{spread:.0%}"
    call_s = median(sample.seconds for sample in samples)
    overhead_s = median(each.call_overhead_s for each in conditions) if conditions else 0.0
    if overhead_s > OVERHEAD * call_s and samples[0].host_seconds is None:  # a device queue hides the host's loop
        yield f"overhead:{overhead_s / call_s:.1%}"


def is_host_bound(samples: Sequence[Sample]) -> bool:
    """Return whether the host was timed in at least half of the samples, and not the device."""
    return bool(samples) and median(sample.is_host_bound for sample in samples) >= 0.5


def _kernels(samples: Sequence[Sample], conditions: Sequence[Conditions]) -> Iterator[str]:
    """Yield a code if a library chose different kernels in different launches, and the times differ with them."""
    chosen = {each.launch: each.kernels.get(samples[0].variant) for each in conditions}
    logs: dict[str, list[float]] = {}
    for launch, log in launch_log_seconds(samples).items():
        if kernels := chosen.get(launch):
            logs.setdefault(kernels, []).append(log)
    medians = [median(each) for each in logs.values()]
    apart = math.expm1(max(medians) - min(medians)) if medians else 0.0
    if apart > KERNELS_APART:
        yield f"kernels:{len(medians)} ways, whose times differ by {apart:.0%}"


def launch_spread(samples: Sequence[Sample]) -> float | None:
    """Return the relative spread of the launches' times, from the 10th to the 90th percentile.

    None with fewer launches than an interval needs.
    """
    logs = list(launch_log_seconds(samples).values())
    if not has_ranks(len(logs)):
        return None
    tenths = quantiles(logs, n=10, method="inclusive")
    return math.expm1(tenths[-1] - tenths[0])


_NUMBER = r"\d+(?:\.\d+)?"
_AMOUNT = re.compile(
    rf"(?P<least>{_NUMBER})(?: to (?P<most>{_NUMBER}))?(?P<unit>\D*?)(?: in (?P<some>\d+) of (?P<all>\d+) launches)?"
)
"""A detail that states an amount, perhaps with the number of launches that it concerns."""


def merged(codes: Sequence[str]) -> dict[str, list[str]]:
    """Merge the codes of one kind that state amounts, so that one cause gives one warning.

    Return the merged codes, each with the codes that it stands for. A merged code has the range of
    the amounts, and of the share of launches.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for code in codes:
        kind, _, detail = code.partition(":")
        amount = _AMOUNT.fullmatch(detail)
        groups.setdefault((kind, amount["unit"] if amount else detail), []).append(code)
    return {parts[0] if len(set(parts)) == 1 else _merge(parts): parts for parts in groups.values()}


def _merge(codes: Sequence[str]) -> str:
    details = [amount for code in codes if (amount := _AMOUNT.fullmatch(code.partition(":")[2]))]
    ends = [amount[name] for amount in details for name in ("least", "most") if amount[name]]
    least, most, unit = min(ends, key=float), max(ends, key=float), details[0]["unit"]
    percent = "%" if unit.startswith("%") else ""
    shares = [int(amount["some"]) / int(amount["all"]) for amount in details if int(amount["all"] or 0)]
    launches = f" in {_range(min(shares), max(shares))} of the launches" if shares else ""
    amounts = f"{least}{unit}" if least == most else f"{least}{percent} to {most}{unit}"
    return f"{codes[0].partition(':')[0]}:{amounts}{launches}"


def _range(least: float, most: float) -> str:
    return f"{least:.0%}" if f"{least:.0%}" == f"{most:.0%}" else f"{least:.0%} to {most:.0%}"
