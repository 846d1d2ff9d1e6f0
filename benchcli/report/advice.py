"""Turn warning codes into sentences. A code is a kind, with an optional detail after a colon."""

import re
from collections.abc import Callable, Iterable, Sequence

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
        f"{detail} {'launches' if detail != '1' else 'launch'}: with fewer than 6 the interval can be too narrow by "
        "chance; give --launches 6 or more, or a larger --budget"
    ),
    "no-baseline": lambda _detail: "the baseline has no time, so there is no relative speed",
    "costs": lambda detail: (
        f"two counters of FLOPs differ: {detail.removeprefix('flops: ')}"
        if detail.startswith("flops: ")
        else f"costs incomplete (lower bound): no rule for {detail}"
    ),
    "preempted": lambda detail: (
        f"{detail} were interrupted by other processes and excluded; stop other work, or measure later"
    ),
    "throttled": lambda detail: f"{detail} were taken while the device throttled its clock, and excluded",
    "clock": lambda detail: f"{detail} were timed while the clock stood still or went back, and excluded",
    "host-bound": lambda _detail: (
        "host-bound: the device waits for the host to launch kernels, so the host was timed; --runtime graph avoids it"
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
    "held-down": lambda detail: f"the device throttled its clock: {detail}; cool it, or lower its power limit",
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


_MEASURED = ("page-faults", "preempted", "throttled", "clock", "overhead", "busy", "steal", "quota", "paging")
"""Kinds of warnings whose detail begins with an amount."""


def sentence(code: str) -> str:
    """Return the sentence for a warning code: what it means, and what to do."""
    kind, _, detail = code.partition(":")
    return _SENTENCES[kind](detail) if kind in _SENTENCES else code


def grouped(records: Sequence[Record]) -> dict[str, list[Record]]:
    """Return the records of each warning code.

    Codes of one kind that state an amount are merged into the one with the largest amount.
    """
    codes: dict[str, list[Record]] = {}
    for record in records:
        for code in dict.fromkeys(record.warnings):
            codes.setdefault(code, []).append(record)
    found: dict[str, list[Record]] = {}
    for kind, of_kind in _by_kind(codes).items():
        if kind not in _MEASURED or len(of_kind) == 1:
            found.update({code: codes[code] for code in of_kind})
        else:
            most = max(of_kind, key=_amount)
            about = [record for record in records if any(record in codes[code] for code in of_kind)]
            found[most.replace(":", ":up to ", 1)] = about
    return found


def _by_kind(codes: Iterable[str]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for code in codes:
        kinds.setdefault(code.partition(":")[0], []).append(code)
    return kinds


def _amount(code: str) -> float:
    """Return the number at the beginning of a code's detail."""
    number = re.match(r"[\d.]+", code.partition(":")[2])
    return float(number[0]) if number else 0.0
