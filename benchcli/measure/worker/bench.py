"""In a measured process: one variant built, placed in memory, checked, and ready to be timed."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from benchcli.backends.devices.base import Device, Health, Timer
from benchcli.backends.runtimes.base import Call, Runtime
from benchcli.errors import UserError
from benchcli.measure.worker import code_versions, live
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
    inputs = live.inputs(variant)
    if inputs is None:
        inputs = torch.randn(family.batch, *variant.shape, generator=torch.Generator().manual_seed(seed + 1))
    return network, inputs.to(device, torch.float32)


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


HUGE_PAGE = 2 * 2**20
"""Within a huge page virtual and physical addresses agree, so a shift by up to one reaches every set of a cache."""
PAGES = 16 * 4096
LINE = 64


def shift_heap(rng: random.Random) -> bytearray:
    """Take a random part of a huge page from the heap; what is allocated after it lies elsewhere while it is kept.

    The system's own allocator maps what is large apart from the heap: there only what is small moves.
    """
    return bytearray(rng.randrange(0, HUGE_PAGE, LINE))


def shift_apart(rng: random.Random) -> bytearray:
    """Take a few pages at random, so that the data of two variants do not always lie alike."""
    return bytearray(rng.randrange(0, PAGES, LINE))


class Throttle:
    """Remembers what was heard since it was made."""

    def __init__(self, device: Device, index: int) -> None:
        self._device = device
        self._index = index
        self._last: Health | None = None
        self._reasons: set[str] = set()

    def forget(self) -> None:
        """Begin anew: what was heard during the warm-up is not of the samples."""
        self._reasons.clear()

    def __call__(self) -> bool:
        """Ask now, and say whether the clock is held down."""
        self._last = self._device.health(self._index)
        now = self._last.throttled if self._last else ()
        self._reasons.update(now)
        return bool(now)

    @property
    def clock_hz(self) -> float | None:
        """The clock when it was last asked."""
        return self._last.clock_hz if self._last else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """All that held the clock down."""
        return tuple(sorted(self._reasons))
