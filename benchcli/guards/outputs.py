"""The outputs of a network: what tensors they hold, whether they are right, and the fingerprint of a tensor."""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from benchcli.cost.inputs import tensors
from benchcli.guards import lazy_outputs

TOLERANCES = {
    torch.float64: 1e-3,
    torch.float32: 1e-3,
    torch.float16: 2e-2,
    torch.bfloat16: 1e-1,
    torch.complex128: 1e-3,
    torch.complex64: 1e-3,
    torch.complex32: 2e-2,
}
"""Largest ||output - reference|| / ||reference||; the reference is eager float32."""
QUANTISED = {"int8": 0.2}
"""The same of networks that are quantised, by what they compute in."""
UNEQUAL_SHARE = 0.01
"""The largest share of whole numbers that may differ from eager float32's: ties may fall differently."""
Outputs = tuple[torch.Tensor, ...]


class WrongOutputError(Exception):
    """A network returned a wrong output."""


@dataclass(frozen=True)
class References:
    """The outputs of a network in eager float32, with which others are compared."""

    outputs: Outputs
    tolerance: float = 0.0
    """The least difference that is allowed: that of the dtype in which the network computes."""
    are_random: bool = False
    """Whether they differ from call to call, so that only their shapes are compared."""


def tolerance_of(dtypes: Iterable[str]) -> float:
    """Return the tolerance of a network that computes in these dtypes."""
    return max((QUANTISED.get(each) or TOLERANCES.get(getattr(torch, each), 0.0) for each in dtypes), default=0.0)


def outputs_of(result: object) -> Outputs:
    """Return the tensors of a network's output, of nested ones their values.

    Raises WrongOutputError if there is none, or no value, or if reading the output computes.
    """
    stored = lazy_outputs.stored(result)
    outputs = tuple(each.values() if each.is_nested else each for each in tensors(result))
    if not outputs:
        raise WrongOutputError(
            f"the network returned a {type(result).__name__} without a tensor in it: return a tensor, or a tuple, "
            "list, dict or dataclass of tensors"
        )
    lazy = lazy_outputs.why_lazy(result, stored)
    if lazy:
        raise WrongOutputError(f"{lazy}: return a tensor, or a tuple, list, dict or dataclass of computed tensors")
    if not any(each.numel() for each in outputs):
        raise WrongOutputError(f"its output has no values: its shape is {tuple(outputs[0].shape)}")
    return outputs


def kept(outputs: Outputs) -> Outputs:
    """Return copies of outputs: a network may return what it changes at the next call."""
    return tuple(each.detach().clone() for each in outputs)


def check(result: object, references: References) -> float:
    """Return the largest relative difference of an output from its reference.

    Raises WrongOutputError unless all outputs are close to the references, and none is NaN.

    They must also have the shapes of the references, and dtypes in TOLERANCES. Infinities must stand
    where the references have them, with the same sign. Whole numbers and booleans must be equal, but
    for UNEQUAL_SHARE of them; of networks that compute in less than float32 only their shape is
    compared. Of random outputs too, but for NaN.
    """
    outputs = outputs_of(result)
    if len(outputs) != len(references.outputs):
        raise WrongOutputError(f"it returns {len(outputs)} tensors, not {len(references.outputs)}")
    errors = []
    for number, (output, reference) in enumerate(zip(outputs, references.outputs, strict=True), 1):
        try:
            errors.append(_check(output, reference, references))
        except WrongOutputError as error:
            raise WrongOutputError(f"output {number}: {error}" if len(outputs) > 1 else str(error)) from None
    if not has_finite(outputs):
        raise WrongOutputError("it holds values that are not finite")
    return max(errors)


def _check(output: torch.Tensor, reference: torch.Tensor, references: References) -> float:
    """Return the relative difference of floating outputs, and 0 of others."""
    if output.shape != reference.shape:
        raise WrongOutputError(f"its shape is {tuple(output.shape)}, not {tuple(reference.shape)}")
    if holds_integers(output) and holds_integers(reference):
        _check_integers(output, reference, references)
        return 0.0
    if output.dtype not in TOLERANCES:
        raise WrongOutputError(f"its dtype is {output.dtype}, which is none that networks compute in")
    if output.is_complex() != reference.is_complex():
        raise WrongOutputError(f"its dtype is {output.dtype}, where that of eager float32 is {reference.dtype}")
    values, expected = _real(output), _real(reference)
    if not torch.isfinite(values).all() or not torch.isfinite(expected).all():
        _check_infinities(values, expected, references)
        values, expected = (torch.where(torch.isfinite(each), each, 0) for each in (values, expected))
    if references.are_random:
        return 0.0
    norm = torch.linalg.vector_norm(expected).clamp_min(torch.finfo(expected.dtype).tiny)
    error = float(torch.linalg.vector_norm(values.to(expected.dtype) - expected) / norm)
    allowed = max(TOLERANCES[output.dtype], references.tolerance)
    if not error <= allowed:
        raise WrongOutputError(f"it differs by {error:.1e} from eager float32, where {allowed:.0e} is allowed")
    return error


def argmax_agreement(result: object, references: References) -> float | None:
    """Return the share of items whose largest value stands where eager float32's does.

    An item is a row of scores, of the classes of an image, a token or a pixel: they lie along the last
    axis of outputs with two or three axes, and along the second of others. None if no output that is
    compared has scores.
    """
    if references.are_random:
        return None
    counts = [
        _agreeing(output, reference, axis)
        for output, reference in zip(outputs_of(result), references.outputs, strict=True)
        for axis in (1 if reference.ndim > 3 else -1,)
        if reference.ndim > 1 and reference.is_floating_point() and reference.shape[axis] > 1
    ]
    items = sum(rows for _, rows in counts)
    return sum(agreeing for agreeing, _ in counts) / items if items else None


def _agreeing(output: torch.Tensor, reference: torch.Tensor, axis: int) -> tuple[int, int]:
    """Return how many rows of scores along an axis have their largest value at the reference's place, and of how many.

    Outputs are mostly equal, which is found in a fraction of the time in which large ones are searched.
    """
    rows = reference.numel() // reference.shape[axis]
    if output.device == reference.device and torch.equal(output, reference):
        return rows, rows
    places = output.argmax(axis).to(reference.device)
    return int((places == reference.argmax(axis)).sum()), rows


def _check_integers(output: torch.Tensor, reference: torch.Tensor, references: References) -> None:
    if references.are_random or references.tolerance > TOLERANCES[torch.float32]:
        return
    unequal = int((output != reference.to(output.device)).sum())
    if unequal > UNEQUAL_SHARE * reference.numel():
        raise WrongOutputError(f"{unequal:,} of its {reference.numel():,} whole numbers are not eager float32's")


def _check_infinities(values: torch.Tensor, expected: torch.Tensor, references: References) -> None:
    is_nan = values.isnan().any() or expected.isnan().any()
    if is_nan or (not references.are_random and (values.isinf() & ~expected.isinf()).any()):
        raise WrongOutputError("it holds values that are not finite")
    if not references.are_random and not torch.equal(_infinities(values), _infinities(expected)):
        raise WrongOutputError("its infinite values are not those of eager float32")


def _infinities(values: torch.Tensor) -> torch.Tensor:
    """Return 1 and -1 where values are infinite, and 0 elsewhere."""
    return torch.where(values.isinf(), values.sign(), 0).to(torch.int8)


def has_finite(outputs: Sequence[torch.Tensor]) -> bool:
    """Return whether any value is finite: infinities alone are no mask."""
    return any(holds_integers(each) or bool(torch.isfinite(each).any()) for each in outputs)


def holds_integers(tensor: torch.Tensor) -> bool:
    """Return whether a tensor holds whole numbers or booleans."""
    return not (tensor.is_floating_point() or tensor.is_complex())


def _real(tensor: torch.Tensor) -> torch.Tensor:
    """Return the real and the imaginary parts of complex numbers, and other tensors as they are."""
    return torch.view_as_real(tensor.resolve_conj()) if tensor.is_complex() else tensor


def alike(first: Outputs, second: Outputs) -> bool:
    """Return whether two calls gave the same outputs."""
    return len(first) == len(second) and all(map(_alike, first, second))


def change(before: Outputs, after: Outputs) -> float | None:
    """Return the largest relative change of a floating-point tensor, at most 1; None without two of one shape."""
    pairs = [(_real(one), _real(other)) for one, other in zip(before, after, strict=False) if one.shape == other.shape]
    norms = [
        (float(torch.linalg.vector_norm(other.double() - one.double())), float(torch.linalg.vector_norm(one.double())))
        for one, other in pairs
        if one.is_floating_point() and torch.isfinite(one).all() and torch.isfinite(other).all()
    ]
    return max((min(1.0, difference / norm) if norm else 1.0 for difference, norm in norms), default=None)


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.shape != other.shape or holds_integers(one) or holds_integers(other):
        return torch.equal(one, other)
    return torch.allclose(_real(one), _real(other), rtol=1e-3, atol=1e-6, equal_nan=True)


COLUMNS = 512
LOW_BITS = 2**32 - 1
PROJECTIONS = 24
"""With 24 projections the estimate of a difference is within a third of the difference."""


def fingerprint(output: torch.Tensor) -> tuple[float, ...]:
    """Return a tensor projected on PROJECTIONS cosine waves of unrelated frequencies, with signs drawn by place.

    The relative difference of two fingerprints estimates that of the tensors (Johnson and
    Lindenstrauss, 1984), up to the spread of so few projections. Without the signs it would be far
    off for what is nearly constant over a map. Neither needs a random generator that all versions of
    torch would have to agree on.

    Wave k at position i is cos(f_k i + k). The positions are split into rows, i = row + column. By
    the addition theorem two matrix products over the columns replace one cosine per position and
    wave.

    Infinite values are left out: `infinities` has them. NaN makes the numbers NaN.
    """
    values = _values(output)
    values = torch.where(values.isinf(), 0, values)
    count = values.numel()
    values = values * _signs(count)
    rows = torch.nn.functional.pad(values, (0, -count % COLUMNS)).view(-1, COLUMNS)
    numbers = torch.arange(PROJECTIONS, dtype=torch.float64)
    # Fractional multiples of the golden ratio: no two frequencies are close.
    frequencies = 2 * math.pi * ((numbers + 1) * 0.6180339887498949 % 1) + 1e-3
    columns = torch.outer(torch.arange(COLUMNS, dtype=torch.float64), frequencies)
    starts = torch.outer(torch.arange(0, rows.numel(), COLUMNS, dtype=torch.float64), frequencies) + numbers
    waves = torch.cos(starts) * (rows @ torch.cos(columns)) - torch.sin(starts) * (rows @ torch.sin(columns))
    return tuple((waves.sum(0) * math.sqrt(2 / max(1, count))).tolist())


def _signs(count: int) -> torch.Tensor:
    """Return 1 or -1 for each place, by a hash of its number (the last steps of MurmurHash3, by Appleby)."""
    bits = torch.arange(count) & LOW_BITS
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35), (16, 1)):
        bits = ((bits ^ (bits >> shift)) * factor) & LOW_BITS
    return (bits & 1).double() * 2 - 1


def infinities(output: torch.Tensor) -> str:
    """Return a hash of the places and signs of a tensor's infinite values; empty if there is none."""
    values = _values(output)
    return hashed(_infinities(values)) if values.isinf().any() else ""


def hashed(tensor: torch.Tensor) -> str:
    """Return a hash of a tensor's values, bit by bit."""
    values = tensor.detach().resolve_conj().resolve_neg().to("cpu").contiguous().flatten()
    return hashlib.sha256(values.view(torch.uint8).numpy().tobytes()).hexdigest()[:16]


def _values(output: torch.Tensor) -> torch.Tensor:
    return _real(output.detach()).to("cpu", torch.float64).flatten()
