"""Count the costs and fingerprint the output of every variant, in a worker."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.costs.count import total, walk
from benchcli.costs.crosscheck import COUNTERS
from benchcli.measure.protocol import Counted, Event, Failed, Spoilt, Started, Task
from benchcli.measure.worker import switches
from benchcli.measure.worker.bench import (
    WrongOutputError,
    as_output,
    failure,
    intruded,
    intrusions_before,
    load,
    refuse_intrusion,
    torch_dtype,
)
from benchcli.schema import CostDetail, Costs, Family, OperatorCall, Output, Variant


def survey(task: Task, send: Callable[[Event], None]) -> None:
    """Send the costs and the output of every variant, or the error that prevented them."""
    kind, _ = split_name(task.target.device)
    for family in task.families:
        for variant in family.variants:
            alive = partial(send, Started(family.name, variant.name))
            alive()
            before = intrusions_before(variant)
            try:
                counted = _count(variant, family, task, alive)
                refuse_intrusion(family, intruded(before))
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(Failed(family.name, variant.name, *failure(error)))
                if DEVICES[kind].errors_stick:
                    raise
            else:
                send(counted)
            if intruded(before):
                send(Spoilt())
                return


def _count(variant: Variant, family: Family, task: Task, alive: Callable[[], None]) -> Counted:
    kind, index = split_name(task.target.device)
    with switches.kept():
        network, inputs = load(variant, family, DEVICES[kind].torch_name(index))
    alive()
    with torch.no_grad():
        output = as_output(network(inputs)).clone()  # a network may return what it changes at the next call
        alive()
        second = as_output(network(inputs))
    if second.shape != output.shape or not torch.allclose(second, output, rtol=1e-3, atol=1e-6, equal_nan=True):
        raise WrongOutputError("its output differs from call to call")
    summary = Output(tuple(output.shape), fingerprint(output))
    dtype = torch_dtype(family.dtype)
    network, inputs = network.to(dtype), inputs.to(dtype)
    alive()
    costs, calls = _costs(network, inputs)
    costs = replace(costs, device_peak_bytes=DEVICES[kind].peak_bytes(lambda: network(inputs), index))
    detail = CostDetail(calls, _others(network, inputs)) if task.detailed else None
    return Counted(family.name, variant.name, costs, summary, detail)


def _costs(network: torch.nn.Module, inputs: torch.Tensor) -> tuple[Costs, tuple[OperatorCall, ...]]:
    """Return the costs of a call, and of its operators. What cannot be counted is timed all the same."""
    try:
        walked = walk(network, inputs)
        return total(walked), tuple(walked.calls)
    except Exception as error:  # counting, unlike a call, may meet tensors and modes of any kind
        return Costs.uncounted(re.sub(r" at 0x[0-9a-f]+", "", failure(error)[1])), ()


def _others(network: torch.nn.Module, inputs: torch.Tensor) -> dict[str, int | str]:
    """Return what other tools count, or why they do not."""
    counts: dict[str, int | str] = {}
    for name, counter in COUNTERS.items():
        try:
            counts[name] = counter(network, inputs)
        except Exception as error:  # they meet operators that they do not know
            counts[name] = failure(error)[1]
    return counts


COLUMNS = 512
PROJECTIONS = 24
"""With 24 projections the estimate of a difference is within a third of the difference."""


def fingerprint(output: torch.Tensor) -> tuple[float, ...]:
    """Return the output projected on PROJECTIONS cosine waves of unrelated frequencies.

    The relative difference of two fingerprints estimates that of the outputs (Johnson and
    Lindenstrauss, 1984), up to the spread of so few projections. The waves need no random generator
    that all versions of torch would have to agree on.

    Wave k at position i is cos(f_k i + k). The positions are split into rows, i = row + column. By
    the addition theorem two matrix products over the columns replace one cosine per position and
    wave.
    """
    whole = torch.view_as_real(output.resolve_conj()) if output.is_complex() else output
    values = whole.detach().to("cpu", torch.float64).flatten()
    count = values.numel()
    rows = torch.nn.functional.pad(values, (0, -count % COLUMNS)).view(-1, COLUMNS)
    numbers = torch.arange(PROJECTIONS, dtype=torch.float64)
    # Fractional multiples of the golden ratio: no two frequencies are close.
    frequencies = 2 * math.pi * ((numbers + 1) * 0.6180339887498949 % 1) + 1e-3
    columns = torch.outer(torch.arange(COLUMNS, dtype=torch.float64), frequencies)
    starts = torch.outer(torch.arange(0, rows.numel(), COLUMNS, dtype=torch.float64), frequencies) + numbers
    waves = torch.cos(starts) * (rows @ torch.cos(columns)) - torch.sin(starts) * (rows @ torch.sin(columns))
    return tuple((waves.sum(0) * math.sqrt(2 / max(1, count))).tolist())
