"""Turn warnings into sentences: what each means, and what to do."""

from collections.abc import Callable, Mapping, Sequence

from benchcli import formatting
from benchcli.noise.diagnosis import way_out
from benchcli.schema import Record
from benchcli.schema.warnings import RunWarning, as_json, merged
from benchcli.spelling import given


def sentence(warning: RunWarning) -> str:
    """Return the sentence for a warning; of a kind that only a later version has, its name and its values."""
    if warning.kind in SENTENCES:
        return SENTENCES[warning.kind](warning)
    values = [f"{name} {value}" for name, value in as_json(warning).items() if name not in {"kind", "text"}]
    details = ", ".join(filter(None, (warning.text, *values)))
    return f"{warning.kind}: {details}" if details else warning.kind


def advised(warning: RunWarning) -> dict[str, object]:
    """Return what JSON has of a warning: its numbers as far as it has any, and its sentence."""
    return {**as_json(warning), "advice": sentence(warning)}


def grouped(records: Sequence[Record]) -> dict[RunWarning, list[Record]]:
    """Return the records of each warning. Warnings of one kind are merged where they state amounts."""
    return {
        warning: [record for record in records if set(record.warnings) & set(parts)]
        for warning, parts in merged(each for record in records for each in record.warnings).items()
    }


def _amounts(warning: RunWarning, decimals: int = 0) -> str:
    """Return the amount, or the least and the most of several: "9", "0.8 to 1.1"."""
    ends = [warning.amount or 0.0, *([] if warning.most is None else [warning.most])]
    return " to ".join(dict.fromkeys(f"{end:.{decimals}f}" for end in ends))


def _percent(warning: RunWarning, decimals: int = 0) -> str:
    """Return the share in per cent, or the least and the most of several: "20 %", "20 to 35 %"."""
    ends = [warning.amount or 0.0, *([] if warning.most is None else [warning.most])]
    return " to ".join(dict.fromkeys(f"{end * 100:.{decimals}f}" for end in ends)) + " %"


def _samples(warning: RunWarning) -> str:
    return f"{_percent(warning)} of the samples"


def _launches(warning: RunWarning) -> str:
    """Return in how many launches something was seen; of several networks in what share of them."""
    if warning.shares:
        return f" in {formatting.span(*warning.shares)} of the launches"
    return f" in {warning.launches} of {warning.of_launches} launches" if warning.of_launches else ""


def _precision(warning: RunWarning) -> str:
    why = {
        "launches": f"{given('launches')} fixed the number of launches; give more",
        "budget": f"the budget ran out; give a larger {given('budget')}",
    }
    return f"interval wider than {given('precision')}: {why.get(warning.text, why['budget'])}"


def _few_launches(warning: RunWarning) -> str:
    launches = "launch" if _amounts(warning) == "1" else "launches"
    way_out = f"give {given('launches', 6)} or more, or a larger {given('budget')}"
    return f"no interval from {_amounts(warning)} {launches}: {way_out}"


def _threads(warning: RunWarning) -> str:
    threads = f"{warning.amount or 0:.0f} threads"
    if warning.other is None:
        detail = f"{threads} on {warning.of_cores} usable cores"
    else:
        of_cores = f" of {warning.of_cores}" if warning.of_cores else ""
        detail = f"{threads}, with {warning.other:.1f}{of_cores} cores busy with other work"
    return (
        f"{detail}: with more threads than free cores, the measured times are too long; give fewer {given('threads')}"
    )


def _own_threads(warning: RunWarning) -> str:
    has = formatting.counted(round(warning.other or 1), "thread")
    return (
        f"its process used {_amounts(warning, 1)} cores, and was given {has}: the runtime or the network has a "
        f"thread pool of its own; compare it at as many {given('threads')}"
    )


def _shared_device(warning: RunWarning) -> str:
    share = formatting.percent(warning.other or 0.0, decimals=0)
    used = f"{warning.amount or 0:.0f} of them, {share} of the time before the run"
    return f"other processes used the device ({used}); end them, or measure later"


def _kernels(warning: RunWarning) -> str:
    apart = formatting.percent(warning.other or 0.0, decimals=0)
    return (
        f"the device's libraries chose its kernels in {warning.amount or 0:.0f} ways, whose times differ by {apart}: "
        "they search anew in each process, and the interval covers the ways that they found"
    )


def _compiles(warning: RunWarning) -> str:
    if warning.text:
        return (
            f"torch.compile works in the first call of {warning.text}, for {_amounts(warning, 1)} s, which the budget "
            "does not count: a launch starts more slowly too, the first one most"
        )
    return f"torch.compile worked for {_amounts(warning, 1)} s in each launch before the samples: no part of the times"


def _clock_steps(warning: RunWarning) -> str:
    detail = f"{(warning.amount or 0.0) * 1e6:.2g} µs, {warning.other or 0:.0f} times back"
    return (
        f"the timer's resolution is {detail}: samples are made long enough for it, but check the system's clock source"
    )


def _frequency(warning: RunWarning) -> str:
    least, most = (f"{(end or 0.0) / 1e6:.0f}" for end in (warning.amount, warning.most))
    return (
        f"the clock moved from {least} to {most} MHz; fix it (governor performance, no turbo), or let the machine cool"
    )


SENTENCES: Mapping[str, Callable[[RunWarning], str]] = {
    "page-faults": lambda warning: (
        f"{_amounts(warning)} page faults per call: the memory allocator, more than the network, was timed; "
        f"{given('allocator', 'steady')} keeps memory between calls"
    ),
    "imprecise": _precision,
    "few-launches": _few_launches,
    "no-baseline": lambda _: "the baseline has no time, so there is no relative speed",
    "costs": lambda warning: f"costs incomplete (lower bound): no rule for {warning.text}",
    "formula": lambda warning: f"the multiply-adds of {warning.text} are a textbook's formula, not a count of what ran",
    "uncounted": lambda warning: f"timed, but its costs could not be counted: {warning.text}",
    "random": lambda _: (
        "its outputs differ from call to call, so they are not compared with eager float32, nor between versions"
    ),
    "mixed": lambda warning: (
        f"its weights are {warning.text}, and stay so: it is compared with its own float32 copy; "
        f"{given('dtype', 'bfloat16')}, float16 or float64 converts all of them"
    ),
    "complex": lambda warning: (
        f"its complex numbers stay {warning.text}: a dtype is that of real ones, as in torch.nn.Module.half"
    ),
    "insensitive": lambda warning: (
        f"only {100 * (warning.amount or 0.0):.0e} % of its output depends on its input, so that the comparison with "
        "eager float32 would hardly see a wrong output: draw weights that keep the signal"
    ),
    "batchless": lambda warning: (
        "its outputs do not all grow with the first size of its inputs, which is taken for the batch: if the batch is "
        f"missing, give {warning.text}"
    ),
    "denormal": lambda warning: (
        f"{_percent(warning, 1)} of the values that it computes, zeros apart, are denormal numbers (below 1.2e-38 in "
        "float32), for which processors take many times as long: scale its weights or inputs, or give "
        f"{given('flush_denormal')} to take them for zero"
    ),
    "frozen": lambda warning: (
        f"{warning.amount or 0:,.0f} of its params are constants of a frozen network, buffers among them: it does not "
        "say which were parameters"
    ),
    "compiled": lambda _: (
        "its costs are those of its operators as they are written: fused by torch.compile they move less memory than "
        "mem. access says"
    ),
    "fused": lambda _: (
        "torch runs its attention, or encoder layers with it, as one operator each: its costs are those of the "
        "operators as they are written, which move more memory than the fused ones"
    ),
    "unused": lambda warning: (
        f"nothing uses what {warning.text} computes ({formatting.prefixed(warning.amount or 0.0, '')} multiply-adds): "
        "leave it out; runtimes that export the network do, and their rates count the rest"
    ),
    "slow-core": lambda warning: (
        f"{_samples(warning)} were taken while the core ran at {warning.other or 0:.1f} of its usual speed, as beside "
        "a neighbour on the same physical core, and left out"
    ),
    "slow-run": lambda warning: (
        f"the core took {warning.amount or 0:.2f} times as long for a fixed piece of work as in an earlier run here, "
        "even at its best: times are longer, and not all of them by as much, so that relative speeds are of this hour "
        "too; measure later"
    ),
    "modes": lambda warning: (
        f"two modes, {warning.text}: by where in memory a launch places its data, or by a state of the machine that "
        "nothing here shows"
    ),
    "preempted": lambda warning: (
        f"{_samples(warning)} were interrupted by other processes, and excluded where a launch has three rounds "
        "without; stop other work, or measure later"
    ),
    "throttled": lambda warning: f"{_samples(warning)} were taken while the device throttled its clock, and excluded",
    "clock": lambda warning: f"{_samples(warning)} were timed while the clock stood still or went back, and excluded",
    "host-bound": lambda warning: (
        "host-bound: the device waits for the host to launch kernels, so the host was timed; give " + way_out(warning)
    ),
    "overhead": lambda warning: (
        f"{_percent(warning, 1)} of a call's time is the timing loop's, not the network's, which is fast for it"
    ),
    "busy": lambda warning: (
        f"other processes used {_amounts(warning, 1)} cores{_launches(warning)}; stop those processes, or measure later"
    ),
    "steal": lambda warning: (
        f"the hypervisor gave {_amounts(warning, 2)} cores' worth of time to other machines; measure on another host, "
        "or later"
    ),
    "quota": lambda warning: (
        f"the control group's CPU quota stopped the run for {_percent(warning)} of the time; give the container more "
        "CPU"
    ),
    "paging": lambda warning: (
        f"{_amounts(warning)} pages per launch were read from disk or swap while timing; free memory, or measure less "
        "at once"
    ),
    "frequency": _frequency,
    "unsteady": lambda warning: (
        f"the launches' times spread over {_percent(warning)} (10th to 90th percentile): something that was not seen "
        "disturbed them; relative speeds are of paired samples, but measure again later"
    ),
    "unpaired": lambda warning: (
        f"time ms and relative speed disagree by {_percent(warning)}: the times moved between launches; trust the "
        "relative speed, whose samples are paired"
    ),
    "held-down": lambda warning: f"the device throttled its clock: {warning.text}; let it cool, or cool it better",
    "slow-clock": lambda warning: (
        f"the device's clock was at {_percent(warning)} of its default: something holds it down, see nvidia-smi -q -d "
        "CLOCK,PERFORMANCE"
    ),
    "power-cap": lambda warning: (
        f"the device stayed below its power limit by lowering its clock in {_samples(warning)}, as small cards do: for "
        "times to compare with other runs, lock the clock lower (nvidia-smi -lgc)"
    ),
    "shared-device": _shared_device,
    "kernels": _kernels,
    "compiles": _compiles,
    "spread": lambda warning: (
        f"repetitions of the same work differ by {_percent(warning)} in the median: the CPU frequency or core changes; "
        "fix the frequency, or wait"
    ),
    "held-up": lambda warning: (
        f"{_percent(warning)} of the repetitions of the same work ran on a slow core: other work, or a neighbour on "
        "the same physical core, such as another virtual machine; runs look for another core, and leave such samples "
        "out"
    ),
    "clock-steps": _clock_steps,
    "virtualised": lambda _: (
        "a virtual machine: other machines may use the same caches and memory, which cannot be seen; "
        f"give memory-bound networks a larger {given('budget')}"
    ),
    "small-quota": lambda warning: (
        f"the control group grants {warning.amount or 0:.2g} of a core: expect rows slowed by its quota"
    ),
    "governor": lambda warning: (
        f"the frequency governor is {warning.text}: `cpupower frequency-set -g performance` steadies the clock"
    ),
    "turbo": lambda _: (
        "turbo is on: the CPU frequency depends on temperature and other cores; switch it off for steady times"
    ),
    "one-core": lambda _: "there is one core: benchcli itself and the system run on it too",
    "unseen": lambda warning: f"cannot be read on this machine, so there are no warnings about: {warning.text}",
    "noisy-roofs": lambda warning: (
        f"the fastest launch is {_percent(warning)} above the others: the machine may reach more when nothing disturbs "
        "it; `benchcli device --peaks --fresh` measures again"
    ),
    "threads": _threads,
    "own-threads": _own_threads,
    "allocator": lambda warning: f"{warning.text}'s allocator has no settings: steady has no effect here",
}
"""The sentence of each kind."""
