"""In a worker: count what every variant costs, and note what it computes."""

from collections.abc import Callable

import torch

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.costs.count import count
from benchcli.measure.protocol import Counted, Event, Failed, Started, Task
from benchcli.measure.worker.bench import WrongOutputError, as_output, failure, load, torch_dtype
from benchcli.measure.worker.fingerprint import fingerprint
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
