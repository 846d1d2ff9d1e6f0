"""Count the costs and fingerprint the output of every variant, in a worker."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import torch

from benchcli import formatting
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.cost import fast_path, own_rules
from benchcli.cost.calls import is_compiled
from benchcli.cost.count import total, walk
from benchcli.cost.crosscheck import COUNTERS, UNTRACED, Counter
from benchcli.cost.inputs import Inputs
from benchcli.cost.training import TrainingError, TrainingStep
from benchcli.cost.walk import Walk
from benchcli.errors import CostRuleError
from benchcli.guards import batch_statistics, code_versions, output_parts, outputs, switches
from benchcli.guards.constructor_lines import constructor_lines
from benchcli.guards.provenance import code_of
from benchcli.sampling import conversion, denormals, without_memory
from benchcli.sampling.bench import (
    intruded,
    intrusions_before,
    load,
    refuse_intrusion,
    torch_dtype,
)
from benchcli.sampling.compiling import CompileTime
from benchcli.sampling.example_inputs import items_of, set_seed, tokens_of
from benchcli.sampling.failures import explanation, failed
from benchcli.sampling.first_call import called, fitting, with_batch
from benchcli.sampling.operator_recipes import operator_list
from benchcli.sampling.step_times import explained, refuse_divergence, training_step
from benchcli.schema import INFERENCE, CostDetail, Costs, Family, Output, Step, Target, Variant
from benchcli.schema.protocol import Counted, Send, Spoilt, Started, Task
from benchcli.schema.warnings import RunWarning
from benchcli.workloads.onnx_network import OnnxNetwork

Value = TypeVar("Value")
INSENSITIVE = 1e-3
"""The change of an output with its input, relative to its norm, below which a wrong one would hardly be seen."""

WALKS = 5
"""Of a network whose operator calls are timed."""


def survey(task: Task, send: Send) -> None:
    """Send the costs and the output of every variant, or the error that prevented them."""
    kind, _ = split_name(task.target.device)
    own_rules.receive(task.rules)
    for family in task.families:
        for variant in family.launched:
            alive = partial(send, Started(family.name, variant.name))
            alive()
            before = intrusions_before(variant)
            try:
                if task.meta:
                    counted = _count_unbuilt(variant, family, task, alive)
                else:
                    compiling = partial(send, Started(family.name, variant.name, compiles=True))
                    counted = _count(variant, family, task, alive, compiling)
                code_versions.refuse_other_files(variant.source)
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


def _count(
    variant: Variant, family: Family, task: Task, alive: Callable[[], None], still_compiling: Callable[[], None]
) -> Counted:
    kind, index = split_name(task.target.device)
    of = family.step_of(variant)
    network, inputs, threads = _built(variant, family, DEVICES[kind].torch_name(index))
    alive()
    inputs_hash = output_parts.hash_of(inputs)
    compiling = CompileTime(still_compiling)
    again = partial(called, network, inputs)
    call = partial(compiling.call, again)
    of_inputs: list[RunWarning] = []
    if of == INFERENCE:
        summary, denormal, result = _output(call, again, alive)
        if not summary.is_random and not DEVICES[kind].errors_stick:  # other values may be ones that it does not take
            of_inputs += _insensitive(result, inputs, again)
            summary = _further(summary, network, inputs, again) if task.detailed else summary
    else:
        summary, denormal = _output_of_step(variant, of, call, network, inputs)
    network, inputs = conversion.in_dtype(network, inputs, torch_dtype(family.dtype))
    alive()
    step = None if of == INFERENCE else training_step(variant, of, network, inputs)
    costs, walked = _costs(network, inputs, step)
    costs = replace(
        costs,
        device_peak_bytes=DEVICES[kind].peak_bytes(step or inputs.bound_to(network), index),
        **_described(inputs),
    )
    detail = _detail(network, variant, inputs, step, walked, task) if task.detailed else None
    is_slowed = DEVICES[kind].slows_denormals and not task.target.flush_denormal
    noticed = (
        *_noticed(network, inputs, family, summary.is_random, denormal if is_slowed else 0.0),
        *_transformed(network, walked, compiling.seconds > 0),
    )
    if of == INFERENCE:
        alive()
        noticed = (*noticed, *of_inputs, *_of_further_calls(network, inputs, variant))
    of_calls = costs, replace(summary, threads=threads), inputs_hash, detail
    return Counted(family.name, variant.name, *of_calls, code_of(variant), compiling.seconds, noticed)


def _built(variant: Variant, family: Family, device: str) -> tuple[torch.nn.Module, Inputs, int | None]:
    """Return a network, its inputs, and the number of torch's threads that its code sets; None if it sets none."""
    with switches.kept() as before:
        _register_rules(variant, family)
        network, inputs = load(variant, family, device)
        threads = torch.get_num_threads()
    return network, inputs, threads if threads != before[switches.THREADS] else None


def _insensitive(before: outputs.Outputs, inputs: Inputs, call: Callable[[], object]) -> Iterator[RunWarning]:
    """Yield the warning about outputs, as they were before, that hardly depend on the inputs."""

    def called_again() -> outputs.Outputs:
        with torch.inference_mode():
            return outputs.kept(outputs.outputs_of(call()))

    after = _on_other_values(inputs, called_again)
    change = outputs.change(before, after) if after else None
    if change is not None and change < INSENSITIVE:
        yield RunWarning("insensitive", float(f"{change:.0e}"))


def _of_further_calls(network: torch.nn.Module, inputs: Inputs, variant: Variant) -> Iterator[RunWarning]:
    """Yield the warnings that need calls of their own, after which the network is not used any more."""
    with torch.inference_mode():
        if fast_path.is_taken(network, inputs.bound_to(network)):
            yield RunWarning("fused")
    missing = with_batch(network, inputs) if variant.inputs else None
    if missing:
        yield RunWarning("batchless", text=missing)


def _output(
    call: Callable[[], object], again: Callable[[], object], alive: Callable[[], None]
) -> tuple[Output, float, outputs.Outputs]:
    """Return what is known of a call in the mode in which calls are timed, the share of denormal numbers, and outputs.

    The call before it is in no_grad: a network may keep tensors of its first call, and change them in
    place when its operators are counted.
    """
    with torch.no_grad():
        result, denormal = denormals.counted(again)
        before, plain = outputs.kept(outputs.outputs_of(result)), output_parts.plain(result)
    alive()
    with torch.inference_mode():
        result = call()
        timed = outputs.kept(outputs.outputs_of(result))
        output = output_parts.described(result, plain)
        differs = not outputs.alike(before, timed)
        is_random = differs and not outputs.alike(timed, outputs.outputs_of(again()))
    return replace(output, is_random=is_random), denormal, timed


def _on_other_values(inputs: Inputs, call: Callable[[], Value]) -> Value | None:
    """Return what a call gives while each tensor of the inputs has other values within the range of its own.

    Where there are none, as in a tensor of zeros, floating ones get drawn values. A network that keeps
    its first result returns that again. None if the network cannot take such values.
    """
    tensors = [each for each in inputs.tensors() if each.dim()]
    try:
        before = [each.clone() for each in tensors]
        try:
            for each in tensors:
                each.copy_(_other_values(each))
            return call()
        finally:
            for each, values in zip(tensors, before, strict=True):
                each.copy_(values)
    except Exception:  # the values may be ones that it does not take
        return None


def _further(output: Output, network: torch.nn.Module, inputs: Inputs, again: Callable[[], object]) -> Output:
    """Return an output with those of other values, and of batch-normalisations on the statistics of their inputs."""

    def described() -> Output:
        with torch.inference_mode():
            result = again()
            return output_parts.described(result, output_parts.plain(result))

    output = replace(output, on_others=_on_other_values(inputs, described))
    if not batch_statistics.normalisations(network):
        return output
    with batch_statistics.of_each_input(network) as sizes:
        try:
            found = described()
        except Exception:  # it may do what a hook does not allow
            return output
        own = tuple(sorted(sizes))
        normalised = replace(found, on_others=_on_other_values(inputs, described))
    return replace(output, normalisations=own, normalised=normalised)


def _other_values(tensor: torch.Tensor) -> torch.Tensor:
    """Return values that differ from a tensor's: its own in another order, mirrored in the middle of their range."""
    others = flipped = tensor.flip(-1)
    if tensor.numel() and not tensor.is_complex() and tensor.dtype != torch.bool:
        low, high = tensor.aminmax()
        mirrored = low + high - flipped  # a mean of rows, or a sum of embeddings, has no order
        others = flipped if torch.equal(mirrored, tensor) or not mirrored.isfinite().all() else mirrored
    if tensor.is_floating_point() and torch.equal(others, tensor):
        return torch.randn(tensor.shape, generator=torch.Generator().manual_seed(0))
    return others


def _output_of_step(
    variant: Variant, of: Step, call: Callable[[], object], network: torch.nn.Module, inputs: Inputs
) -> tuple[Output, float]:
    """Return the outputs of a training step and all gradients, and the share of denormal numbers.

    Random draws are those of a fixed seed.
    """
    with explained():
        call()
    step = training_step(variant, of, network, inputs)

    def seeded() -> object:
        set_seed(0)
        return step()

    result, denormal = denormals.counted(seeded)
    refuse_divergence(step)
    outputs.outputs_of(result)
    gradients = zip(step.names(), step.gradients(), strict=True)
    return output_parts.described(result, output_parts.plain(result), gradients), denormal


def _noticed(
    network: torch.nn.Module, inputs: Inputs, family: Family, is_random: bool, denormal: float
) -> Iterator[RunWarning]:
    """Yield the warnings about what the network computes with."""
    if is_random:
        yield RunWarning("random")
    dtypes = conversion.weight_dtypes(network)
    if len(dtypes) > 1:
        yield RunWarning("mixed", text=" and ".join(dtypes))
    kept = conversion.complex_dtypes(network, inputs)
    if kept and family.dtype != "float32":
        yield RunWarning("complex", text=" and ".join(kept))
    if denormal >= denormals.LEAST_SHARE:
        yield RunWarning("denormal", float(f"{denormal:.2g}"))


def _transformed(network: torch.nn.Module, walked: Walk, compiles: bool) -> Iterator[RunWarning]:
    """Yield the warnings about what a network was made into: what is counted is not all that its author wrote."""
    if walked.frozen:
        yield RunWarning("frozen", walked.frozen)
    if compiles or any(map(is_compiled, network.modules())):
        yield RunWarning("compiled")
    unused = [walked.calls[number] for number in walked.unused]
    if flops := sum(each.flops or 0 for each in unused):
        modules = dict.fromkeys(each.module for each in unused if each.flops)
        where = formatting.named([each or "the network itself" for each in modules])
        yield RunWarning("unused", flops, other=sum(each.mac_bytes for each in unused), text=where)


def _count_unbuilt(variant: Variant, family: Family, task: Task, alive: Callable[[], None]) -> Counted:
    """Count a network without memory, which has no values to call it with."""
    kind, index = split_name(task.target.device)
    with switches.kept():
        _register_rules(variant, family)
        network, inputs = without_memory.load(variant, family)
        if isinstance(network, OnnxNetwork):  # its graph has shapes alone, and no tensors to fake
            return _count_graph(network, inputs, variant, family, task)
        network = conversion.in_float32(network, family.dtype)
        network, inputs = conversion.in_dtype(network, inputs, torch_dtype(family.dtype))
        alive()
        faked = without_memory.faked(network, inputs, DEVICES[kind].torch_name(index))
        with faked as fakes, fitting(network, fakes):
            walked = walk(network, fakes)
            others = _others(network, fakes, counters=UNTRACED) if task.crosschecked else {}
            listed = operator_list(network, fakes, total(walked)) if task.listed else None
    costs = replace(total(walked), **_described(inputs))
    detail = _detail_of(network, variant, walked, others)
    noticed = (
        *_noticed(network, inputs, family, is_random=False, denormal=0.0),
        *_transformed(network, walked, compiles=False),
    )
    return Counted(
        family.name, variant.name, costs, Output(()), "", detail, code_of(variant), noticed=noticed, listed=listed
    )


def _count_graph(network: OnnxNetwork, inputs: Inputs, variant: Variant, family: Family, task: Task) -> Counted:
    """Count the graph of a file without calling it."""
    walked = network.walk(inputs)
    costs = replace(total(walked), **_described(inputs))
    listed = network.operator_list(inputs, costs) if task.listed else None
    detail = CostDetail(tuple(walked.calls), {}, tuple(walked.uncalled))
    return Counted(family.name, variant.name, costs, Output(()), "", detail, code_of(variant), listed=listed)


def _described(inputs: Inputs) -> dict[str, Any]:
    """Return what costs say of the inputs."""
    return {
        "inputs": inputs.described(),
        "items": items_of(inputs),
        "tokens": tokens_of(inputs),
    }


def _register_rules(variant: Variant, family: Family) -> None:
    """Import the family's cost rules as its networks. Raises RefusedError where one is not there."""
    for rule in family.cost_rules if variant.source else ():
        own_rules.cost_rule(rule.operator)(code_versions.find(rule.function, variant.source))


def _costs(network: torch.nn.Module, inputs: Inputs, step: TrainingStep | None) -> tuple[Costs, Walk]:
    """Return the costs of a call, and what it does. What cannot be counted is timed all the same."""
    try:
        walked = network.walk(inputs) if isinstance(network, OnnxNetwork) else walk(network, inputs, step)
        return total(walked), walked
    except CostRuleError:
        raise
    except TrainingError:  # the step itself was done before without one
        return Costs.uncounted("its gradients cannot be followed while its operators are watched"), Walk()
    except Exception as error:  # counting, unlike a call, may meet tensors and modes of any kind
        return Costs.uncounted(re.sub(r" at 0x[0-9a-f]+", "", explanation(error))), Walk()


def _detail(
    network: torch.nn.Module, variant: Variant, inputs: Inputs, step: TrainingStep | None, walked: Walk, task: Task
) -> CostDetail:
    is_crosschecked = task.crosschecked and not isinstance(network, OnnxNetwork)  # others watch torch's operators
    detail = _detail_of(network, variant, walked, _others(network, inputs, step) if is_crosschecked else {})
    if not (task.timed and walked.seconds) or task.target.device != Target.device:
        return detail  # another device may still work when an operator returns
    return replace(detail, seconds=_seconds_of_calls(network, inputs, walked))


def _detail_of(network: torch.nn.Module, variant: Variant, walked: Walk, others: Mapping[str, int | str]) -> CostDetail:
    made = constructor_lines(network, (each.module for each in walked.calls), variant)
    return CostDetail(tuple(walked.calls), others, tuple(walked.uncalled), tuple(walked.branching), made)


def _seconds_of_calls(network: torch.nn.Module, inputs: Inputs, walked: Walk) -> tuple[float, ...]:
    """Return the least seconds of each operator call in several walks; none if they do not make the same calls."""
    several = [walked.seconds, *(walk(network, inputs).seconds for _ in range(WALKS - 1))]
    return tuple(map(min, *several)) if {len(walked.calls)} == {*map(len, several)} else ()


def _others(
    network: torch.nn.Module,
    inputs: Inputs,
    step: TrainingStep | None = None,
    counters: Mapping[str, Counter] = COUNTERS,
) -> dict[str, int | str]:
    """Return what other tools count, or why they do not."""
    counts: dict[str, int | str] = {}
    for name, counter in counters.items():
        try:
            counts[name] = counter(network, inputs, step)
        except Exception as error:  # they meet operators that they do not know
            counts[name] = explanation(error)
    return counts
