"""Prepare one variant for timing in a worker: build it, place it in memory and check its output."""

import os
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch.nn.parameter import is_lazy

from benchcli import formatting
from benchcli.backends.devices.base import DEVICES, Device, Timer, split_name
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Profiler, Runtime, runtime_named
from benchcli.cost.inputs import Inputs
from benchcli.guards import code_versions, global_state, outputs, switches
from benchcli.guards.outputs import WrongOutputError
from benchcli.noise.device_watch import DeviceWatch
from benchcli.noise.pace import Pace
from benchcli.sampling import artifact_cache, conversion
from benchcli.sampling.artifact_facts import facts_of
from benchcli.sampling.artifact_key import key_of
from benchcli.sampling.compiling import CompileTime
from benchcli.sampling.example_inputs import inputs_of, set_seed
from benchcli.sampling.failures import IntrusionError
from benchcli.sampling.first_call import called
from benchcli.sampling.step_times import PartTimes, mode_of, refuse_divergence, training_step
from benchcli.schema import INFERENCE, LIVE, Costs, Family, Key, Source, Target, Variant
from benchcli.schema.protocol import KERNELS, LAYERS, PROFILE, Exported, Loaded, Task
from benchcli.spelling import given
from benchcli.system.counters import resident_bytes
from benchcli.workloads.onnx_network import OnnxNetwork

HARMLESS = (WrongOutputError, NotImplementedError)
"""Errors that leave the device usable."""


def spoils(error: Exception, device: Device) -> bool:
    """Return whether what comes after an error on a device would fail too."""
    return device.errors_stick and not isinstance(error, HARMLESS)


@dataclass(frozen=True)
class Bench:
    """A variant that can be called and timed."""

    call: Call
    timer: Timer
    lead: Callable[[], object] = lambda: None
    """Runs an untimed call before a sample, which loads the caches; nothing where the timer does so."""
    throttled: Callable[[], bool] = lambda: False
    """Returns whether the device's clock is throttled now."""
    pace: Pace = field(default_factory=Pace)
    """Of the core."""
    check: Callable[[], object] = lambda: None
    """Raises WrongOutputError if what the network computes is no more what it was when it was built."""
    load_s: float | None = None
    """Seconds in which the runtime loaded the network's file; None if it has none."""
    loaded_bytes: int | None = None
    """By how much loading it made the process grow; None if that is not known, or nothing was loaded."""
    output_error: float | None = None
    """The relative difference of its output from eager float32; None of a training step."""
    argmax_agreement: float | None = None
    """The share of its items whose largest value is where eager float32's is; None if it has no scores."""
    network: torch.nn.Module = field(default_factory=torch.nn.Identity)
    inputs: Inputs = field(default_factory=lambda: Inputs(()))
    compile_s: float = 0.0
    """Seconds of the calls so far in which `torch.compile` worked."""
    process: int = field(default_factory=os.getpid)
    """The process that samples it."""
    source: Source | None = None
    """The version of the user's code that it is of; None if it ships."""
    profiler: Profiler | None = None
    """The runtime's own, if the task asks for profiles and the runtime has one."""

    def enter(self) -> None:
        """Let the calls that follow be those of its version."""
        if self.source:
            code_versions.enter(self.source)

    def end_forks(self) -> None:
        """End this process if a call of the network forked it: it would sample, and fork, on and on."""
        if os.getpid() != self.process:
            os._exit(1)


@dataclass(frozen=True)
class Setup:
    """Where and how a task runs its variants."""

    place: Place
    runtime: Runtime
    cache: str = "warm"
    throttled: Callable[[], bool] = lambda: False
    pace: Pace = field(default_factory=Pace)
    seed: int = 0
    keeps_settings: bool = False
    """Whether what networks change of torch's settings stays, apart from the threads."""
    versions: int = 1
    """How many versions of the user's code are in this process."""
    artifacts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The file that the runtime has prepared, by family and variant name."""
    target: Target = field(default_factory=Target)
    kept_in: str = ""
    """The folder that keeps what runtimes prepare, for later runs; empty for none."""
    live: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Networks that a caller gave by value."""
    compiling: CompileTime = field(default_factory=CompileTime)
    """Of the variant that is prepared."""
    process: int = field(default_factory=os.getpid)
    """The worker, which no process that a network forks is."""
    profiles: bool = False
    """Whether calls are traced by what runs them."""

    @classmethod
    def of(cls, task: Task, watch: DeviceWatch | None = None) -> "Setup":
        """Return the setup of a task, whose device is watched while it is sampled."""
        kind, index = split_name(task.target.device)
        runtime = runtime_named(task.target.runtime)
        sources = {each.source for family in task.families for each in family.variants if each.source}
        return cls(
            Place(DEVICES[kind], index, task.target.threads),
            runtime,
            task.target.cache,
            watch.is_throttled if watch else lambda: False,
            watch.pace if watch else Pace(),
            0 if runtime.export_s else task.seed,  # a file has one network's weights, which all launches need
            task.keeps_settings,
            len(sources),
            task.artifacts,
            task.target,
            task.cache,
            task.live,
            profiles=task.kind in {PROFILE, KERNELS, LAYERS},
        )

    def reporting(self, alive: Callable[[], object]) -> "Setup":
        """Return a copy for another variant, whose `alive` reports the worker's progress."""
        return replace(self, place=replace(self.place, alive=alive), compiling=CompileTime(alive))


def load(variant: Variant, family: Family, device: str, seed: int = 0) -> tuple[torch.nn.Module, Inputs]:
    """Return the variant's network and its inputs, in float32 on torch's device; lazy modules have their weights.

    For inference it is in evaluation mode and needs no gradients, otherwise in training mode. The
    same seed gives two versions of a network the same inputs. It also gives them the same
    weights if both draw their weights in the same order.
    """
    set_seed(seed)
    make = code_versions.find(variant.builder, variant.source)
    set_seed(seed)  # importing may have drawn the weights of modules
    network = conversion.in_mode(code_versions.build(variant), trains=False)
    inputs = inputs_of(variant, family.batch_of(variant), seed, make, network)
    conversion.refuse_valueless([*network.parameters(), *network.buffers()], "weights")
    conversion.refuse_valueless(inputs.tensors(), "inputs")
    if any(map(is_lazy, network.parameters())):
        with torch.no_grad():
            called(network, inputs)
    trains = family.step_of(variant) != INFERENCE
    network = conversion.in_float32(conversion.in_mode(network, trains).to(device), family.dtype)
    for parameter in network.parameters():  # a scripted module has no requires_grad_ of its own
        parameter.requires_grad_(parameter.requires_grad and trains)
    return network, inputs.mapped(lambda tensor: tensor.to(device))


def prepare(variant: Variant, family: Family, costs: Costs, setup: Setup) -> Bench:
    """Build a variant and check its output. Raises WrongOutputError and torch's errors.

    What building it changes of torch's settings is put back: they are the device's, and belong to all.
    """
    step = family.step_of(variant)
    with mode_of(step):
        network, inputs, references = placed(variant, family, setup)
        _refuse_other_inputs(inputs, costs)
        if step != INFERENCE:
            return _training(variant, family, costs, setup, network, inputs)
    return _inference(variant, family, costs, setup, network, inputs, references)


def _inference(
    variant: Variant,
    family: Family,
    costs: Costs,
    setup: Setup,
    network: torch.nn.Module,
    inputs: Inputs,
    references: outputs.References,
) -> Bench:
    """Return the bench of forward calls, whose output is right."""
    place, runtime = setup.place, setup.runtime
    _refuse_layout(family, runtime)
    refuse_file(network, family, runtime)
    network, inputs = runtime.transformed(network, inputs)
    place.alive()
    call, facts = _prepared(variant, family, setup, network, inputs)
    place.alive()
    exactness = _exactness(setup.compiling.call(call), references)
    place.alive()
    own = runtime.timer(call, place) if setup.cache == "warm" else None
    timer = own or _device_timer(call, costs, setup)
    return Bench(
        call,
        timer,
        _nothing if place.device.leads and not own else partial(timer, 1),
        setup.throttled,
        setup.pace,
        lambda: outputs.check(call(), references),
        **facts,
        **exactness,
        network=network,
        inputs=inputs,
        compile_s=setup.compiling.seconds,
        process=setup.process,
    )


def _prepared(
    variant: Variant, family: Family, setup: Setup, network: torch.nn.Module, inputs: Inputs
) -> tuple[Call, dict[str, Any]]:
    """Let the runtime prepare a network, and return its call, and what is known of that, as fields of Bench."""
    facts: dict[str, Any] = {}
    with _artifact(variant, family, setup, network, inputs) as artifact:
        before, start_s = resident_bytes(), perf_counter()
        call = setup.runtime.prepare(network, inputs, setup.place, artifact)
        if artifact:
            facts = {"load_s": perf_counter() - start_s, "loaded_bytes": _grown(before)}
        if setup.profiles:
            facts["profiler"] = setup.runtime.profiler(network, inputs, setup.place, artifact)
    return call, facts


def _grown(before: int | None) -> int | None:
    """Return the bytes by which the process has grown; None if they are not known."""
    now = resident_bytes()
    return max(0, now - before) if now is not None and before is not None else None


def _exactness(result: object, references: outputs.References) -> dict[str, Any]:
    """Return how near the output of a call is to eager float32, as fields of Bench. Raises WrongOutputError."""
    error = outputs.check(result, references)
    return {
        "output_error": None if references.are_random else error,
        "argmax_agreement": outputs.argmax_agreement(result, references),
    }


def _refuse_layout(family: Family, runtime: Runtime) -> None:
    """Raise NotImplementedError if the runtime takes no networks of the family's layout."""
    if family.layout not in runtime.layouts:
        raise NotImplementedError(
            f"{runtime.name} has a memory layout of its own: leave {given('layout', family.layout)} out"
        )


def _refuse_other_inputs(inputs: Inputs, costs: Costs) -> None:
    """Raise RefusedError if the inputs are others than those whose costs were counted; older costs may name none."""
    if costs.inputs and inputs.described() != costs.inputs:
        raise code_versions.RefusedError(
            f"its inputs are {inputs.described()} where it is timed, and {costs.inputs} where its costs were counted: "
            "let example_inputs give the same shapes in every process"
        )


def refuse_file(network: torch.nn.Module, family: Family, runtime: Runtime) -> None:
    """Raise NotImplementedError if the network is an ONNX file, and the runtime or the dtype is not for those."""
    if not isinstance(network, OnnxNetwork):
        return
    if not runtime.reads_onnx:
        able = formatting.named([each.name for each in RUNTIMES if each.reads_onnx])
        raise NotImplementedError(
            f"{runtime.name} runs torch's modules, and no ONNX files: give {given('runtime', able)}"
        )
    if family.dtype != "float32":
        raise NotImplementedError(f"an ONNX file has dtypes of its own: leave {given('dtype', family.dtype)} out")


def _device_timer(call: Call, costs: Costs, setup: Setup) -> Timer:
    device = setup.place.device
    return (device.cold_timer if setup.cache == "cold" else device.timer)(call, costs, setup.place.index)


def _training(
    variant: Variant, family: Family, costs: Costs, setup: Setup, network: torch.nn.Module, inputs: Inputs
) -> Bench:
    """Return the bench of a training step. Raises NotImplementedError if the runtime has none."""
    place = setup.place
    _refuse_training(setup.runtime)
    step = training_step(variant, family.step, network, inputs)
    place.alive()
    check = partial(refuse_divergence, step)
    parts = PartTimes(step, place.device.stamps(place.index))
    timer = parts.timed(_device_timer(parts.call, costs, setup))
    lead = _nothing if place.device.leads else partial(timer, 1)
    return Bench(
        step,
        timer,
        lead,
        setup.throttled,
        setup.pace,
        check,
        network=network,
        inputs=inputs,
        compile_s=setup.compiling.seconds,
        process=setup.process,
    )


def _refuse_training(runtime: Runtime) -> None:
    """Raise NotImplementedError if the runtime computes no gradients."""
    if not runtime.trains:
        able = formatting.named([each.name for each in RUNTIMES if each.trains])
        raise NotImplementedError(f"{runtime.full_name} computes no gradients: give {given('runtime', able)}")


def write_artifact(variant: Variant, family: Family, setup: Setup) -> Exported:
    """Build a variant and let the runtime write its file, unless an earlier run has kept it."""
    if family.step_of(variant) != INFERENCE:
        _refuse_training(setup.runtime)
    _refuse_layout(family, setup.runtime)
    network, inputs, _ = placed(variant, family, setup)
    refuse_file(network, family, setup.runtime)
    return _made(Path(setup.artifacts[family.name][variant.name]), variant, family, setup, network, inputs)


def _made(
    artifact: Path, variant: Variant, family: Family, setup: Setup, network: torch.nn.Module, inputs: Inputs
) -> Exported:
    """Copy the file that an earlier run has kept, or let the runtime write it and keep it."""
    payload, folder = setup.live.get(variant.builder, ""), setup.kept_in
    key = key_of(variant, family, setup.target, setup.runtime, network, inputs, payload) if folder else ""
    kept = artifact_cache.fetch(folder, key, artifact)
    if kept:
        return Exported(family.name, variant.name, kept.seconds, kept.size, is_cached=True, facts=kept.facts)
    start_s = perf_counter()
    _write(artifact, setup, network, inputs)
    seconds = perf_counter() - start_s
    facts = facts_of(artifact, family.dtype, setup.runtime, setup.place, network, inputs)
    artifact_cache.keep(folder, key, artifact, seconds, facts)
    return Exported(family.name, variant.name, seconds, artifact_cache.size_of(artifact), facts=facts)


@contextmanager
def _artifact(
    variant: Variant, family: Family, setup: Setup, network: torch.nn.Module, inputs: Inputs
) -> Iterator[Path | None]:
    """Yield the file of a variant, made for the block if it was not made before; None if the runtime needs none."""
    ready = setup.artifacts.get(family.name, {}).get(variant.name)
    if ready or not setup.runtime.export_s:
        yield Path(ready) if ready else None
        return
    with tempfile.TemporaryDirectory(prefix="benchcli-") as folder:
        artifact = Path(folder) / "artifact"
        _made(artifact, variant, family, setup, network, inputs)
        yield artifact


def _write(artifact: Path, setup: Setup, network: torch.nn.Module, inputs: Inputs) -> None:
    """Let the runtime write the file. Raises NotImplementedError if it cannot: the network itself runs in eager."""
    try:
        with torch.inference_mode(False), torch.no_grad():
            setup.runtime.export(network, inputs, setup.place, artifact)
    except MemoryError:
        raise
    except Exception as error:  # exporters raise anything
        raise NotImplementedError(f"{setup.runtime.name} cannot export it: {cause_of(error)}") from None
    if not artifact.exists():
        raise RuntimeError(f"{setup.runtime.name} wrote no file")


def placed(variant: Variant, family: Family, setup: Setup) -> tuple[torch.nn.Module, Inputs, outputs.References]:
    """Return a network and its inputs in the family's format, and its outputs in float32."""
    with switches.kept(threads_alone=setup.keeps_settings) as before:
        network, inputs, references = _loaded(variant, family, setup, before)
    setup.place.alive()
    network, inputs = conversion.in_dtype(network, inputs, torch_dtype(family.dtype))
    network, inputs = conversion.in_layout(network, inputs, family.layout)
    return network, inputs, references


def _nothing() -> None:
    """Do nothing: the timer of a queue leads by itself."""


def _loaded(
    variant: Variant, family: Family, setup: Setup, before: Mapping[str, object]
) -> tuple[torch.nn.Module, Inputs, outputs.References]:
    """Return a network, its inputs and its outputs, in float32.

    Raises SourceError if its code changes the process for the networks beside it.
    """
    intrusions = intrusions_before(variant)
    network, inputs = load(variant, family, setup.place.device.torch_name(setup.place.index), setup.seed)
    if not (variant.source and setup.versions > 1):
        switches.restore(before, threads_alone=setup.keeps_settings)
    call = inputs.bound_to(network)
    references = _references(network, inputs, family, setup, family.step_of(variant) != INFERENCE)
    if variant.source and setup.versions > 1:
        _refuse_shared_state(variant.source, {**before, **intrusions}, call)
        return network, inputs, references
    later = global_state.changed(switches.settable(before), switches.state())
    refuse_intrusion(family, intruded(intrusions) or (later and f"{later} in each call"))
    return network, inputs, references


def _references(
    network: torch.nn.Module, inputs: Inputs, family: Family, setup: Setup, trains: bool
) -> outputs.References:
    """Return what the network is compared with: its outputs in eager float32, or those of a call if it trains."""
    if trains:
        result = setup.compiling.call(inputs.bound_to(network))
        return outputs.References(outputs.kept(outputs.outputs_of(result)), are_random=True)
    call = conversion.float32_call(network, inputs)
    first = outputs.kept(outputs.outputs_of(setup.compiling.call(call)))
    are_random = family.allow_random and not outputs.alike(first, outputs.outputs_of(call()))
    computed_in = setup.runtime.computes_in(family.dtype)
    tolerance = outputs.tolerance_of([family.dtype, computed_in, *conversion.weight_dtypes(network)])
    return outputs.References(first, tolerance, are_random)


def refuse_intrusion(family: Family, changed: str | None) -> None:
    """Raise IntrusionError if something of the process was changed, and the family has other networks."""
    if changed and len(family.variants) > 1:
        raise IntrusionError(
            f"it changes {changed} of the whole process, which would affect the other networks of its family: give "
            "it a family of its own"
        )


def intrusions_before(variant: Variant) -> Mapping[str, object]:
    """Return what a variant's code could change of the process; nothing for networks that ship."""
    is_ours = variant.is_built_in and not variant.builder.startswith(LIVE)
    return {} if is_ours else global_state.intrusions()


def intruded(before: Mapping[str, object]) -> str | None:
    """Return what was changed of the process since; None if nothing was."""
    return global_state.changed(before, global_state.intrusions()) if before else None


def _refuse_shared_state(source: Source, before: Mapping[str, object], call: Callable[[], object]) -> None:
    """Raise SourceError if another version in this process would affect this one."""
    late = code_versions.imports_while(call, source)
    if late:
        raise code_versions.SourceError(f"it imports {late[0]} while it runs, which no second version can share")
    changed = global_state.changed(before, {**switches.state(), **global_state.intrusions()})
    if changed:
        raise code_versions.SourceError(f"it changes {changed}, which no second version can share")


def torch_dtype(name: str) -> torch.dtype:
    """Return torch's dtype by its name."""
    dtype: torch.dtype = getattr(torch, name)
    return dtype


TARGET = re.compile(r"\[target=torch\.ops\.([\w.]+)\]")
"""How exporters name the operator that they could not translate."""


def cause_of(error: BaseException) -> str:
    """Return the first line that says something of what an error began with, and the operator that it was about."""
    operators = TARGET.findall(str(error))
    while error.__cause__ is not None:
        error = error.__cause__
        operators += TARGET.findall(str(error))
    lines = [stripped for line in str(error).splitlines() if (stripped := line.strip())]
    line = next((line for line in lines if not line.endswith(":")), next(iter(lines), type(error).__name__))
    return f"{line} (in {operators[-1]})" if operators and operators[-1] not in line else line


def loaded(key: Key, bench: Bench) -> Loaded:
    """Return the event of a variant that was loaded and is right."""
    return Loaded(*key, bench.load_s, bench.output_error, bench.argmax_agreement, bench.loaded_bytes)


HUGE_PAGE = 2 * 2**20
"""Size of a huge page in bytes.

Virtual and physical addresses have the same offset in a huge page. A shift of up to one huge page
therefore reaches every set of a cache.
"""
PAGES = 16 * 4096
"""Largest shift between two variants, in bytes: 16 pages."""
LINE = 64
"""Size of a cache line in bytes."""


def shift_heap(rng: random.Random) -> bytearray:
    """Return an allocation of a random size, up to a huge page, that shifts later allocations.

    The shift lasts as long as the caller keeps the allocation. The system's allocator maps large
    blocks outside of the heap, so with it only small blocks move.
    """
    return bytearray(rng.randrange(0, HUGE_PAGE, LINE))


def shift_apart(rng: random.Random) -> bytearray:
    """Return an allocation of a few pages at random, to vary the alignment between two variants."""
    return bytearray(rng.randrange(0, PAGES, LINE))
