"""In a measured process: count what every variant costs, and note what it computes."""

import math
from collections.abc import Callable

import torch

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.costs.count import count
from benchcli.measure.protocol import Counted, Event, Failed, Started, Task
from benchcli.measure.worker.bench import WrongOutputError, as_output, failure, load, torch_dtype
from benchcli.schema import Family, Output, Variant


def survey(task: Task, send: Callable[[Event], None]) -> None:
    """Send the costs and the output of every variant, or why there are none."""
    kind, index = split_name(task.target.device)
    for family in task.families:
        for variant in family.variants:
            send(Started(family.name, variant.name))
            try:
                counted = _counted(variant, family, DEVICES[kind].torch_name(index))
            except Exception as error:  # a network may raise anything, and costs nobody else anything
                send(Failed(family.name, variant.name, *failure(error)))
                if DEVICES[kind].errors_stick:
                    raise
            else:
                send(counted)


def _counted(variant: Variant, family: Family, device: str) -> Counted:
    network, inputs = load(variant, family, device)
    with torch.no_grad():
        output = as_output(network(inputs))
        again = as_output(network(inputs))
    if again.shape != output.shape or not torch.allclose(again, output, rtol=1e-3, atol=1e-6, equal_nan=True):
        raise WrongOutputError("its output differs from call to call")
    noted = Output(tuple(output.shape), fingerprint(output))
    dtype = torch_dtype(family.dtype)
    return Counted(family.name, variant.name, count(network.to(dtype), inputs.to(dtype)), noted)


COLUMNS = 512
PROJECTIONS = 24
"""With so many the estimate of a difference is within a third of it."""


def fingerprint(output: torch.Tensor) -> tuple[float, ...]:
    """Return the output projected on waves of unrelated lengths, which no generator need agree on.

    The difference of two fingerprints is to a fingerprint as the difference of the outputs is to the
    output (Johnson and Lindenstrauss, 1984), up to the spread of so few projections.

    Wave k at place i is cos(f_k i + k). Places are cut into rows, i = row + column, and by the addition
    theorem two matrix products over the columns take the place of a cosine for every place and wave.
    """
    whole = torch.view_as_real(output.resolve_conj()) if output.is_complex() else output
    values = whole.detach().to("cpu", torch.float64).flatten()
    count = values.numel()
    rows = torch.nn.functional.pad(values, (0, -count % COLUMNS)).view(-1, COLUMNS)
    numbers = torch.arange(PROJECTIONS, dtype=torch.float64)
    # Parts of a turn by the golden ratio: no frequency is near another.
    frequencies = 2 * math.pi * ((numbers + 1) * 0.6180339887498949 % 1) + 1e-3
    columns = torch.outer(torch.arange(COLUMNS, dtype=torch.float64), frequencies)
    starts = torch.outer(torch.arange(0, rows.numel(), COLUMNS, dtype=torch.float64), frequencies) + numbers
    waves = torch.cos(starts) * (rows @ torch.cos(columns)) - torch.sin(starts) * (rows @ torch.sin(columns))
    return tuple((waves.sum(0) * math.sqrt(2 / max(1, count))).tolist())
