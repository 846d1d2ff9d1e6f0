"""Describe what a network returns, or is called with, part by part: small enough to send to another process."""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from enum import Enum
from typing import Any

import torch

from benchcli.cost.inputs import PLAIN, Inputs, nodes
from benchcli.guards import outputs
from benchcli.schema import Output, OutputPart

LONGEST = 60
"""The most letters of a plain value that are kept; a longer one is hashed."""
MOST_PLAIN = 1000
"""The most plain values that are kept one by one; further ones are hashed together."""
VARIES = "differs from call to call"
"""Stands for a plain value that does, such as a number of calls."""
CANCELLED = 1e-3
"""Differences of a smaller share of all gradients together are those of a gradient that cancels to rounding errors."""


def plain(result: object) -> Mapping[str, OutputPart]:
    """Return the parts of what a network returns that are no tensors, by name."""
    return {name: _other(name, each) for name, each in nodes(result) if not isinstance(each, torch.Tensor)}


def described(
    result: object, earlier: Mapping[str, OutputPart], gradients: Iterable[tuple[str, torch.Tensor]] = ()
) -> Output:
    """Return what is compared of what a network returns.

    `earlier` are the plain parts of another call, which tell those that differ from call to call;
    `gradients` are those of a training step, by name.
    """
    parts = [_steady(part, earlier) if part.shape is None else part for part in _parts(nodes(result))]
    of_step = list(_parts((f"gradient.{name}", each) for name, each in gradients))
    total = math.hypot(*(number for part in of_step for number in part.fingerprint))
    parts += [replace(part, rounding=CANCELLED * total) for part in of_step]
    is_finite = all(math.isfinite(number) for part in parts for number in part.fingerprint)
    return Output(tuple(_merged(parts)), is_finite and outputs.has_finite(outputs.outputs_of(result)))


def hash_of(inputs: Inputs) -> str:
    """Return a hash of all values that a network is called with, and of what holds them."""
    found = hashlib.sha256()
    for name, each in nodes((inputs.args, dict(inputs.kwargs))):
        kind = _dtype(each) if isinstance(each, torch.Tensor) else _kind(each)
        value = _bits(each) if isinstance(each, torch.Tensor) else _exact(each)
        found.update(f"{name} {kind} {value}\n".encode())
    return found.hexdigest()[:16]


def _bits(tensor: torch.Tensor) -> str:
    values = tensor.values() if tensor.is_nested else tensor
    return f"{tuple(values.shape)} {outputs.hashed(values.to_dense() if values.is_sparse else values)}"


def _parts(named: Iterable[tuple[str, object]]) -> Iterator[OutputPart]:
    for name, each in named:
        yield _tensor(name, each) if isinstance(each, torch.Tensor) else _other(name, each)


def _tensor(name: str, tensor: torch.Tensor) -> OutputPart:
    values = tensor.values() if tensor.is_nested else tensor
    part = OutputPart(name, _dtype(tensor), tuple(values.shape))
    if outputs.holds_integers(values):
        return replace(part, exact=outputs.hashed(values))
    return replace(part, fingerprint=outputs.fingerprint(values), infinities=outputs.infinities(values))


def _other(name: str, value: object) -> OutputPart:
    if isinstance(value, float) and math.isfinite(value):
        return OutputPart(name, "float", fingerprint=(value,))
    return OutputPart(name, _kind(value), exact=_exact(value))


def _steady(part: OutputPart, earlier: Mapping[str, OutputPart]) -> OutputPart:
    return part if earlier.get(part.name) == part else replace(part, exact=VARIES, fingerprint=())


def _dtype(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _kind(value: object) -> str:
    """Return what kind of container or value it is. The name that its author gave its class does not count."""
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return "namedtuple"
    if is_dataclass(value) and not isinstance(value, Mapping):
        return "dataclass"
    known = (each for each in type(value).__mro__ if each.__module__ in ("builtins", "collections", "torch", "numpy"))
    return next(known).__name__


def _exact(value: Any) -> str:
    """Return what is compared exactly: the keys of a mapping, in order if that counts, or a plain value."""
    if isinstance(value, Mapping):
        keys = [_short(repr(key) if isinstance(key, PLAIN) else type(key).__name__) for key in value]
        return _short(", ".join(keys if isinstance(value, OrderedDict) else sorted(keys)))
    if isinstance(value, set | frozenset):
        return _short(", ".join(sorted(_exact(each) for each in value)))
    if isinstance(value, Enum):
        return str(value)
    is_plain = value is None or isinstance(value, (*PLAIN, bytes, complex))
    if is_plain:
        return _short(repr(value))
    return hashlib.sha256(value.tobytes()).hexdigest()[:16] if _is_array(value) else ""


def _is_array(value: Any) -> bool:
    """Return whether it is an array or a number of NumPy, and not one of objects."""
    return type(value).__module__ == "numpy" and hasattr(value, "dtype") and not value.dtype.hasobject


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({hashlib.sha256(text.encode()).hexdigest()[:16]})"


def _merged(parts: list[OutputPart]) -> Iterator[OutputPart]:
    """Yield the parts, with the plain ones after MOST_PLAIN as one."""
    plain = [part for part in parts if part.shape is None]
    rest = {id(part) for part in plain[MOST_PLAIN:]}
    yield from (part for part in parts if id(part) not in rest)
    if rest:
        text = repr([(part.name, part.kind, part.exact, part.fingerprint) for part in plain[MOST_PLAIN:]])
        yield OutputPart(f"and {len(rest):,} more", "values", exact=_short(text))
