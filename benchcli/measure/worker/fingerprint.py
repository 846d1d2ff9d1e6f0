"""In a worker: a few numbers by which two outputs, of two processes, can be held against each other."""

import math

import torch

PROJECTIONS = 24
"""With so many the estimate of a difference is within a third of it."""


def fingerprint(output: torch.Tensor) -> tuple[float, ...]:
    """Return the output projected on waves of unrelated lengths, which no generator need agree on.

    The difference of two fingerprints is to a fingerprint as the difference of the outputs is to the output
    (Johnson and Lindenstrauss, 1984), up to the spread of so few projections.
    """
    whole = torch.view_as_real(output.resolve_conj()) if output.is_complex() else output
    values = whole.detach().to("cpu", torch.float64).flatten()
    places = torch.arange(values.numel(), dtype=torch.float64)
    waves = (math.sqrt(2) * torch.cos(places * _frequency(number) + number) for number in range(PROJECTIONS))
    return tuple(float(values @ wave) / math.sqrt(max(1, values.numel())) for wave in waves)


def _frequency(number: int) -> float:
    """Return the angle between neighbours: parts of a turn by the golden ratio, none near another."""
    return 2 * math.pi * ((number + 1) * 0.6180339887498949 % 1) + 1e-3
