"""Count the costs and fingerprint the output of every variant, in a worker."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.cost.count import total, walk
from benchcli.cost.crosscheck import COUNTERS
from benchcli.cost.inputs import Inputs, named
from benchcli.cost.training import TrainingStep
from benchcli.cost.walk import Walk
from benchcli.guards import outputs, switches
from benchcli.guards.code_versions import RefusedError, SourceError
from benchcli.guards.outputs import WrongOutputError
from benchcli.guards.provenance import code_of
from benchcli.sampling.bench import (
    failed,
    failure,
    intruded,
    intrusions_before,
    load,
    refuse_intrusion,
    torch_dtype,
)
from benchcli.sampling.compiling import CompileTime
from benchcli.sampling.example_inputs import tokens_of
from benchcli.sampling.step_times import explained, refuse_divergence, training_step
from benchcli.schema import INFERENCE, CostDetail, Costs, Family, Output, Step, Variant
from benchcli.schema.protocol import Counted, Send, Spoilt, Started, Task


def survey(task: Task, send: Send) -> None:
    """Send the costs and the output of every variant, or the error that prevented them."""
    kind, _ = split_name(task.target.device)
    for family in task.families:
        for variant in family.launched:
            alive = partial(send, Started(family.name, variant.name))
            alive()
            before = intrusions_before(variant)
            try:
                counted = _count(variant, family, task, alive)
                refuse_intrusion(family, intruded(before))
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(failed((family.name, variant.name), error))
                if DEVICES[kind].errors_stick:
                    raise
            else:
                send(counted)
            if intruded(before):
                send(Spoilt())
                return


def _count(variant: Variant, family: Family, task: Task, alive: Callable[[], None]) -> Counted:
    kind, index = split_name(task.target.device)
    of = family.step_of(variant)
    with switches.kept():
        network, inputs = load(variant, family, DEVICES[kind].torch_name(index))
    alive()
    compiling = CompileTime()
    call = partial(compiling.call, partial(_first_call, network, inputs))
    if of == INFERENCE:
        summary = _output(call, inputs.bound_to(network), alive)
    else:
        summary = _output_of_step(variant, of, call, network, inputs)
    dtype = torch_dtype(family.dtype)
    network, inputs = network.to(dtype), inputs.floating(lambda tensor: tensor.to(dtype))
    alive()
    step = None if of == INFERENCE else training_step(variant, of, network, inputs)
    costs, walked = _costs(network, inputs, step)
    costs = replace(
        costs,
        device_peak_bytes=DEVICES[kind].peak_bytes(step or inputs.bound_to(network), index),
        inputs=inputs.described(),
        items=next((each.shape[0] for each in inputs.tensors() if each.dim()), 1),
        tokens=tokens_of(inputs),
    )
    detail = None
    if task.detailed:
        others = _others(network, inputs, step)
        detail = CostDetail(tuple(walked.calls), others, tuple(walked.uncalled))
    return Counted(family.name, variant.name, costs, summary, detail, code_of(variant), compiling.seconds)


def _output(call: Callable[[], object], again: Callable[[], object], alive: Callable[[], None]) -> Output:
    """Return the outputs of a call. Raises WrongOutputError if a second call gives others."""
    with torch.no_grad():
        result = call()
        names = tuple(name for name, _ in named(result))
        first = outputs.kept(outputs.outputs_of(result))
        alive()
        second = outputs.outputs_of(again())
    if not outputs.alike(first, second):
        raise WrongOutputError("its output differs from call to call")
    return Output(tuple(tuple(each.shape) for each in first), names, outputs.fingerprint(first))


def _output_of_step(
    variant: Variant, of: Step, call: Callable[[], object], network: torch.nn.Module, inputs: Inputs
) -> Output:
    """Return the outputs of a training step and all gradients. Random draws are those of a fixed seed."""
    with explained():
        call()
    step = training_step(variant, of, network, inputs)
    torch.manual_seed(0)
    result = step()
    refuse_divergence(step)
    values = outputs.kept((*outputs.outputs_of(result), *step.gradients()))
    names = (*(name for name, _ in named(result)), *(f"gradient.{name}" for name in step.names()))
    return Output(tuple(tuple(each.shape) for each in values), names, outputs.fingerprint(values))


def _first_call(network: torch.nn.Module, inputs: Inputs) -> object:
    """Return what a call returns. Raises SourceError where the network needs other inputs."""
    try:
        return inputs.bound_to(network)()
    except IndexError as error:
        rows = min(
            (each.num_embeddings for each in network.modules() if isinstance(each, torch.nn.Embedding)), default=0
        )
        if not rows or all(tensor.is_floating_point() for tensor in inputs.tensors()):
            raise
        raise RefusedError(
            f"its inputs ({inputs.described()}) lie outside of an embedding ({error}): the smallest has {rows} rows; "
            f"give the range 0..{rows - 1}"
        ) from None
    except TypeError as error:
        if "forward()" not in str(error):
            raise
        raise SourceError(
            f"it cannot be called with {inputs.described()} ({error}): give each of its inputs (--input, or inputs in "
            "suites and Python), or example_inputs of the callable"
        ) from None


def _costs(network: torch.nn.Module, inputs: Inputs, step: TrainingStep | None) -> tuple[Costs, Walk]:
    """Return the costs of a call, and what it does. What cannot be counted is timed all the same."""
    try:
        walked = walk(network, inputs, step)
        return total(walked), walked
    except Exception as error:  # counting, unlike a call, may meet tensors and modes of any kind
        return Costs.uncounted(re.sub(r" at 0x[0-9a-f]+", "", failure(error)[1])), Walk()


def _others(network: torch.nn.Module, inputs: Inputs, step: TrainingStep | None) -> dict[str, int | str]:
    """Return what other tools count, or why they do not."""
    counts: dict[str, int | str] = {}
    for name, counter in COUNTERS.items():
        try:
            counts[name] = counter(network, inputs, step)
        except Exception as error:  # they meet operators that they do not know
            counts[name] = failure(error)[1]
    return counts
