"""Turn warning codes into sentences. A code is a kind, with an optional detail after a colon."""

import re
from collections.abc import Callable, Sequence

from benchcli.noise.diagnostics import merged
from benchcli.schema import Record

_SENTENCES: dict[str, Callable[[str], str]] = {
    "page-faults": lambda detail: (
        f"{detail} page faults per call: the memory allocator, more than the network, was timed; "
        "--allocator steady keeps memory between calls"
    ),
    "imprecise": lambda detail: (
        "interval wider than --precision: "
        + (
            "--launches fixed the number of launches; give more"
            if detail == "launches"
            else "the budget ran out; give a larger --budget"
        )
    ),
    "few-launches": lambda detail: (
        f"no interval from {detail} {'launches' if detail != '1' else 'launch'}: give --launches 6 or more, or a "
        "larger --budget"
    ),
    "no-baseline": lambda _detail: "the baseline has no time, so there is no relative speed",
    "costs": lambda detail: (
        f"two counters of FLOPs differ: {detail.removeprefix('flops: ')}"
        if detail.startswith("flops: ")
        else f"costs incomplete (lower bound): no rule for {detail}"
    ),
    "uncounted": lambda detail: f"timed, but its costs could not be counted: {detail}",
    "preempted": lambda detail: (
        f"{detail} were interrupted by other processes and excluded; stop other work, or measure later"
    ),
    "throttled": lambda detail: f"{detail} were taken while the device throttled its clock, and excluded",
    "clock": lambda detail: f"{detail} were timed while the clock stood still or went back, and excluded",
    "host-bound": lambda detail: (
        "host-bound: the device waits for the host to launch kernels, so the host was timed; give "
        f"{detail or '--runtime graph'}"
    ),
    "overhead": lambda detail: (
        f"{detail} of a call's time is the timing loop: the network is too fast to be timed accurately"
    ),
    "busy": lambda detail: f"other processes used {detail}; stop those processes, or measure later",
    "steal": lambda detail: (
        f"the hypervisor gave {detail} cores' worth of time to other machines; measure on another host, or later"
    ),
    "quota": lambda detail: (
        f"the control group's CPU quota stopped the run for {detail} of the time; give the container more CPU"
    ),
    "paging": lambda detail: (
        f"{detail} pages per launch were read from disk or swap while timing; free memory, or measure less at once"
    ),
    "frequency": lambda detail: (
        f"the clock moved from {detail}; fix it (governor performance, no turbo), or let the machine cool"
    ),
    "unsteady": lambda detail: (
        f"the launches' times spread over {detail} (10th to 90th percentile): something that was not seen disturbed "
        "them; relative speeds are of paired samples, but measure again later"
    ),
    "unpaired": lambda detail: (
        f"time ms and relative speed disagree by {detail}: the times moved between launches; trust the relative speed, "
        "whose samples are paired"
    ),
    "held-down": lambda detail: f"the device throttled its clock: {detail}; let it cool, or cool it better",
    "slow-clock": lambda detail: (
        f"the device's clock was at {detail} of its default: something holds it down, see nvidia-smi -q -d "
        "CLOCK,PERFORMANCE"
    ),
    "power-cap": lambda detail: (
        f"the device stayed below its power limit by lowering its clock in {detail}, as small cards do: for times to "
        "compare with other runs, lock the clock lower (nvidia-smi -lgc)"
    ),
    "shared-device": lambda detail: f"other processes used the device ({detail}); end them, or measure later",
    "kernels": lambda detail: (
        f"the device's libraries chose its kernels in {detail}: they search anew in each process, and the interval "
        "covers the ways that they found"
    ),
    "spread": lambda detail: (
        f"repetitions of the same work differ by {detail} in the median: the CPU frequency or core changes; "
        "fix the frequency, or wait"
    ),
    "held-up": lambda detail: (
        f"{detail} of the repetitions of the same work were interrupted: stop other work, or measure later"
    ),
    "clock-steps": lambda detail: (
        f"the timer's resolution is {detail}: samples are made long enough for it, but check the system's clock source"
    ),
    "virtualised": lambda _detail: (
        "a virtual machine: other machines may use the same caches and memory, which cannot be seen; "
        "give memory-bound networks a larger --budget"
    ),
    "small-quota": lambda detail: f"the control group grants {detail} of a core: expect rows slowed by its quota",
    "governor": lambda detail: (
        f"the frequency governor is {detail}: `cpupower frequency-set -g performance` steadies the clock"
    ),
    "turbo": lambda _detail: (
        "turbo is on: the CPU frequency depends on temperature and other cores; switch it off for steady times"
    ),
    "one-core": lambda _detail: "there is one core: benchcli itself and the system run on it too",
    "unseen": lambda detail: f"cannot be read on this machine, so there are no warnings about: {detail}",
    "threads": lambda detail: (
        f"{detail}: with more threads than free cores, the measured times are too long; give fewer --threads"
    ),
    "allocator": lambda detail: f"{detail}'s allocator has no settings: steady has no effect here",
}


_PERCENT = re.compile(r"(?<=\d)%(?P<range>(?= to \d[\d.]*%))?")
"""A per cent sign of a code. Sentences have a space before it, and of a range only the last one."""


def sentence(code: str) -> str:
    """Return the sentence for a warning code: what it means, and what to do."""
    kind, _, detail = code.partition(":")
    detail = _PERCENT.sub(lambda match: "" if match["range"] is not None else " %", detail)
    return _SENTENCES[kind](detail) if kind in _SENTENCES else code


def grouped(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records of each warning. Codes of one kind are merged where they state amounts."""
    codes = dict.fromkeys(code for record in records for code in record.warnings)
    return {
        code: [record for record in records if set(record.warnings) & set(parts)]
        for code, parts in merged(list(codes)).items()
    }
