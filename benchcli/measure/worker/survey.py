"""Count the costs and fingerprint the output of every variant, in a worker."""

import math
from collections.abc import Callable

import torch

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.costs.count import count
from benchcli.measure.protocol import Counted, Event, Failed, Started, Task
from benchcli.measure.worker.bench import WrongOutputError, as_output, failure, load, torch_dtype
from benchcli.schema import Family, Output, Variant


def survey(task: Task, send: Callable[[Event], None]) -> None:
    """Send the costs and the output of every variant, or the error that prevented them."""
    kind, index = split_name(task.target.device)
    for family in task.families:
        for variant in family.variants:
            send(Started(family.name, variant.name))
            try:
                counted = _count(variant, family, DEVICES[kind].torch_name(index))
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(Failed(family.name, variant.name, *failure(error)))
                if DEVICES[kind].errors_stick:
                    raise
            else:
                send(counted)


def _count(variant: Variant, family: Family, device: str) -> Counted:
    network, inputs = load(variant, family, device)
    with torch.no_grad():
        output = as_output(network(inputs)).clone()  # a network may return what it changes at the next call
        second = as_output(network(inputs))
    if second.shape != output.shape or not torch.allclose(second, output, rtol=1e-3, atol=1e-6, equal_nan=True):
        raise WrongOutputError("its output differs from call to call")
    summary = Output(tuple(output.shape), fingerprint(output))
    dtype = torch_dtype(family.dtype)
    return Counted(family.name, variant.name, count(network.to(dtype), inputs.to(dtype)), summary)


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
