"""In a worker: one variant built, placed, checked and ready to be timed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from benchcli.backends.devices.base import Device, Timer
from benchcli.backends.runtimes.base import Call, Runtime
from benchcli.errors import UserError
from benchcli.measure.worker import code_versions
from benchcli.schema import Costs, Family, Source, Status, Variant

TOLERANCES = {torch.float64: 1e-3, torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""Largest ||output - reference|| / ||reference||; the reference is eager float32."""

FORMATS = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}


NO_MEMORY = ("can't allocate memory", "out of memory", "alloc_failed")
"""How allocators say it that raise no error of their own: the CPU's, MPS's, cuDNN's and cuBLAS's."""
NO_SUPPORT = ("not implemented for", "doesn't support float64", "does not support")


class WrongOutputError(Exception):
    """A network computed something else than it should."""


HARMLESS = (WrongOutputError, NotImplementedError)
"""Errors after which a device is as usable as before."""


@dataclass(frozen=True)
class Bench:
    """A variant that can be called and timed."""

    call: Call
    timer: Timer
    throttled: Callable[[], bool] = lambda: False
    """Says whether something holds the device's clock down at this moment."""


@dataclass(frozen=True)
class Setting:
    """Where and how a launch runs its variants."""

    device: Device
    index: int
    runtime: Runtime
    cache: str
    throttled: Callable[[], bool]
    seed: int = 0
    versions: int = 1
    """How many versions of somebody's code are in this process."""


def load(variant: Variant, family: Family, device: str, seed: int = 0) -> tuple[torch.nn.Module, torch.Tensor]:
    """Return the variant's network and an input, in float32 on torch's device. Input: (batch, *shape).

    The same seed gives two versions of a network the same weights, if they draw them in the same order, and the same
    input in any case.
    """
    torch.manual_seed(seed)
    network = code_versions.build(variant).eval().requires_grad_(False).to(device)
    inputs = torch.randn(family.batch, *variant.shape, generator=torch.Generator().manual_seed(seed + 1))
    return network, inputs.to(device)


def prepare(variant: Variant, family: Family, costs: Costs, setting: Setting) -> Bench:
    """Build a variant and check its output. Raises WrongOutputError, and what torch raises."""
    device, index = setting.device, setting.index
    before = code_versions.settings()
    network, inputs = load(variant, family, device.torch_name(index), setting.seed)
    reference = as_output(network(inputs))
    if variant.source and setting.versions > 1:
        _refuse_what_is_shared(variant.source, before, lambda: network(inputs))
    dtype, memory_format = torch_dtype(family.dtype), FORMATS[family.layout]
    network = network.to(dtype=dtype, memory_format=memory_format)  # type: ignore[call-overload]
    inputs = inputs.to(dtype=dtype, memory_format=memory_format)
    call = setting.runtime.prepare(network, inputs, device, index)
    check(call(), reference)
    timer_of = device.cold_timer if setting.cache == "cold" else device.timer
    return Bench(call, timer_of(call, costs, index), setting.throttled)


def _refuse_what_is_shared(source: Source, before: Mapping[str, object], call: Callable[[], object]) -> None:
    """Raise SourceError where a version would not be the same beside another one."""
    late = code_versions.imports_while(call, source)
    if late:
        raise code_versions.SourceError(f"it imports {late[0]} while it runs, which no second version can share")
    after = code_versions.settings()
    changed = [name for name, value in before.items() if after.get(name) != value]
    if changed:
        raise code_versions.SourceError(f"it changes torch's {changed[0]}, which no second version can share")


def torch_dtype(name: str) -> torch.dtype:
    """Return torch's dtype of that name."""
    dtype: torch.dtype = getattr(torch, name)
    return dtype


def as_output(output: object) -> torch.Tensor:
    """Return a network's output. Raises WrongOutputError where it is no tensor."""
    if not isinstance(output, torch.Tensor):
        raise WrongOutputError(
            f"the network returned a {type(output).__name__}, not a tensor: wrap it in one that does"
        )
    return output


def check(output: object, reference: torch.Tensor) -> None:
    """Raise WrongOutputError unless the output is finite, of the right shape and near the reference."""
    output = as_output(output)
    if output.shape != reference.shape:
        raise WrongOutputError(f"its shape is {tuple(output.shape)}, not {tuple(reference.shape)}")
    if not torch.isfinite(output).all():
        raise WrongOutputError("it holds values that are not finite")
    if output.dtype not in TOLERANCES:
        raise WrongOutputError(f"its dtype is {output.dtype}, which is none that networks compute in")
    norm = torch.linalg.vector_norm(reference).clamp_min(torch.finfo(reference.dtype).tiny)
    error = float(torch.linalg.vector_norm(output.to(reference.dtype) - reference) / norm)
    allowed = TOLERANCES[output.dtype]
    if not error <= allowed:
        raise WrongOutputError(f"it differs by {error:.1e} from eager float32, where {allowed:.0e} is allowed")


def failure(error: Exception) -> tuple[Status, str]:
    """Return the status and the one-line text of what a variant raised."""
    shown = "".join(letter if letter.isprintable() else " " for letter in str(error))
    text = " ".join(shown.split())[:300] or type(error).__name__
    if isinstance(error, WrongOutputError):
        return "wrong-output", text
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(sign in text.lower() for sign in NO_MEMORY):
        return "out-of-memory", text
    if isinstance(error, NotImplementedError) or any(sign in text for sign in NO_SUPPORT):
        return "unsupported", text
    is_plain = isinstance(error, code_versions.SourceError | UserError)
    return "failed", text if is_plain else f"{type(error).__name__}: {text}"
