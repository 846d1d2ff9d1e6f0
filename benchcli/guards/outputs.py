"""The outputs of a network: what tensors they hold, whether they are right, and their fingerprint."""

import math
from collections.abc import Sequence

import torch

from benchcli.cost.inputs import tensors

TOLERANCES = {torch.float64: 1e-3, torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
"""Largest ||output - reference|| / ||reference||; the reference is eager float32."""
Outputs = tuple[torch.Tensor, ...]


class WrongOutputError(Exception):
    """A network returned a wrong output."""


def outputs_of(result: object) -> Outputs:
    """Return the tensors of a network's output. Raises WrongOutputError if there is none, or no value."""
    outputs = tuple(tensors(result))
    if not outputs:
        raise WrongOutputError(
            f"the network returned a {type(result).__name__} without a tensor in it: return a tensor, or a tuple, "
            "list, dict or dataclass of tensors"
        )
    if not any(each.numel() for each in outputs):
        raise WrongOutputError(f"its output has no values: its shape is {tuple(outputs[0].shape)}")
    return outputs


def kept(outputs: Outputs) -> Outputs:
    """Return copies of outputs: a network may return what it changes at the next call."""
    return tuple(each.detach().clone() for each in outputs)


def check(result: object, references: Outputs) -> None:
    """Raise WrongOutputError unless all outputs are finite and close to the references.

    They must also have the shapes of the references, and dtypes in TOLERANCES. Of outputs in
    integers only the shape is compared: ties may fall differently in another dtype.
    """
    outputs = outputs_of(result)
    if len(outputs) != len(references):
        raise WrongOutputError(f"it returns {len(outputs)} tensors, not {len(references)}")
    for number, (output, reference) in enumerate(zip(outputs, references, strict=True), 1):
        try:
            _check(output, reference)
        except WrongOutputError as error:
            raise WrongOutputError(f"output {number}: {error}" if len(outputs) > 1 else str(error)) from None


def _check(output: torch.Tensor, reference: torch.Tensor) -> None:
    if output.shape != reference.shape:
        raise WrongOutputError(f"its shape is {tuple(output.shape)}, not {tuple(reference.shape)}")
    if _holds_integers(output) and _holds_integers(reference):
        return
    if not torch.isfinite(output).all():
        raise WrongOutputError("it holds values that are not finite")
    if output.dtype not in TOLERANCES:
        raise WrongOutputError(f"its dtype is {output.dtype}, which is none that networks compute in")
    norm = torch.linalg.vector_norm(reference).clamp_min(torch.finfo(reference.dtype).tiny)
    error = float(torch.linalg.vector_norm(output.to(reference.dtype) - reference) / norm)
    allowed = TOLERANCES[output.dtype]
    if not error <= allowed:
        raise WrongOutputError(f"it differs by {error:.1e} from eager float32, where {allowed:.0e} is allowed")


def _holds_integers(tensor: torch.Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex())


def alike(first: Outputs, second: Outputs) -> bool:
    """Return whether two calls gave the same outputs."""
    return len(first) == len(second) and all(map(_alike, first, second))


def _alike(one: torch.Tensor, other: torch.Tensor) -> bool:
    if one.shape != other.shape or _holds_integers(one) or _holds_integers(other):
        return torch.equal(one, other)
    return torch.allclose(one, other, rtol=1e-3, atol=1e-6, equal_nan=True)


COLUMNS = 512
PROJECTIONS = 24
"""With 24 projections the estimate of a difference is within a third of the difference."""


def fingerprint(outputs: Sequence[torch.Tensor]) -> tuple[float, ...]:
    """Return the outputs, one behind the other, projected on PROJECTIONS cosine waves of unrelated frequencies.

    The relative difference of two fingerprints estimates that of the outputs (Johnson and
    Lindenstrauss, 1984), up to the spread of so few projections. The waves need no random generator
    that all versions of torch would have to agree on.

    Wave k at position i is cos(f_k i + k). The positions are split into rows, i = row + column. By
    the addition theorem two matrix products over the columns replace one cosine per position and
    wave.
    """
    values = torch.cat([_values(each) for each in outputs])
    count = values.numel()
    rows = torch.nn.functional.pad(values, (0, -count % COLUMNS)).view(-1, COLUMNS)
    numbers = torch.arange(PROJECTIONS, dtype=torch.float64)
    # Fractional multiples of the golden ratio: no two frequencies are close.
    frequencies = 2 * math.pi * ((numbers + 1) * 0.6180339887498949 % 1) + 1e-3
    columns = torch.outer(torch.arange(COLUMNS, dtype=torch.float64), frequencies)
    starts = torch.outer(torch.arange(0, rows.numel(), COLUMNS, dtype=torch.float64), frequencies) + numbers
    waves = torch.cos(starts) * (rows @ torch.cos(columns)) - torch.sin(starts) * (rows @ torch.sin(columns))
    return tuple((waves.sum(0) * math.sqrt(2 / max(1, count))).tolist())


def _values(output: torch.Tensor) -> torch.Tensor:
    real = torch.view_as_real(output.resolve_conj()) if output.is_complex() else output
    return real.detach().to("cpu", torch.float64).flatten()
