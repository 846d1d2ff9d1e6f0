"""Train a variant in a worker: make its step, time the parts of it, and refuse numbers that are not finite."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import torch

from benchcli.backends.devices.base import Elapsed, Stamps, Timer
from benchcli.cost.inputs import Inputs
from benchcli.cost.training import TrainingError, TrainingStep, gradients
from benchcli.guards import code_versions
from benchcli.guards.outputs import WrongOutputError
from benchcli.schema import INFERENCE, Step, Variant
from benchcli.spelling import given

LOSS, OPTIMIZER = "loss", "optimizer"
"""Attributes of a user's callable: a function of what the network returns, and one of the parameters."""
HALF = ("float16", "bfloat16")
UNTRAINABLE = ("gradient", "backward", "requires_grad", "requires grad")
"""Parts of torch's messages about what has no gradient."""
ONE_VALUE = "Expected more than 1 value per channel"
"""How torch's batch normalisation refuses a batch with one value a channel, in training mode."""


def mode_of(step: Step) -> AbstractContextManager[None]:
    """Return the context in which a network for this step is built and called."""
    return nullcontext() if step == INFERENCE else gradients()


def training_step(variant: Variant, step: Step, network: torch.nn.Module, inputs: Inputs) -> TrainingStep:
    """Return the step of a network, after its first call.

    The loss and the optimiser are those of the user's callable, if it has some. Otherwise the loss
    is the mean of the outputs, and the optimiser SGD. Its rate is 0: the arithmetic of an update is
    the same at any rate, and the weights stay what they are, so that all calls do the same work.
    Raises TrainingError if the network cannot be trained, WrongOutputError if a gradient is not finite.
    """
    loss = make = None
    if not variant.is_built_in:
        build = code_versions.find(variant.builder, variant.source)
        loss, make = getattr(build, LOSS, None), getattr(build, OPTIMIZER, None)
    optimizer = _optimizer(network, make) if step == "train" else None
    made = TrainingStep(network, inputs, loss, optimizer)
    with explained():
        made()
    if not _are_finite(made.gradients()):
        dtype = str(made.parameters[0].dtype).removeprefix("torch.")
        way_out = (
            f"scale its loss, or give {given('dtype', 'float32')}"
            if dtype in HALF
            else "its loss is too steep, or not finite"
        )
        raise WrongOutputError(f"its gradients are not finite in {dtype}: {way_out}")
    return made


@contextmanager
def explained() -> Iterator[None]:
    """Raise TrainingError, with the way out, where a batch or an optimiser cannot be used."""
    try:
        yield
    except TypeError as error:
        if "closure" not in str(error):
            raise
        raise TrainingError("its optimizer calls the network itself, as LBFGS does: give one that does not") from None
    except RuntimeError as error:
        if not any(part in str(error).lower() for part in UNTRAINABLE):
            raise
        sentence = " ".join(str(error).split()).partition(". ")[0]
        raise TrainingError(f"it has no gradients ({sentence[:200]}): give {given('step', 'inference')}") from None
    except ValueError as error:
        if ONE_VALUE not in str(error):
            raise
        raise TrainingError(
            "its batch normalisation gets one value a channel, which has no variance: give a larger "
            f"{given('batch')}, or larger inputs"
        ) from None


def _optimizer(
    network: torch.nn.Module, make: Callable[[list[torch.nn.Parameter]], object] | None
) -> torch.optim.Optimizer:
    parameters = [each for each in network.parameters() if each.requires_grad]
    if make is None or not parameters:
        return torch.optim.SGD(parameters or [torch.nn.Parameter(torch.empty(0))], lr=0.0)
    if not callable(make):
        raise TrainingError(f"its {OPTIMIZER} is a {type(make).__name__}: let it be a function of the parameters")
    try:
        optimizer = make(parameters)
    except Exception as error:  # a user's function may raise anything
        raise TrainingError(f"its {OPTIMIZER} raised {type(error).__name__}: {error}") from error
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TrainingError(
            f"its {OPTIMIZER} returned a {type(optimizer).__name__}: let it return a torch.optim.Optimizer"
        )
    return optimizer


def refuse_divergence(step: TrainingStep) -> None:
    """Raise WrongOutputError if a weight or a gradient is not finite after the steps so far."""
    if not _are_finite([*step.parameters, *step.gradients()]):
        raise WrongOutputError(
            "its weights or gradients are not finite after some steps: its optimizer diverges, give it a smaller "
            "learning rate"
        )


def _are_finite(several: list[torch.Tensor]) -> bool:
    return all(bool(torch.isfinite(each.detach()).all()) for each in several)


@dataclass
class PartTimes:
    """Times the parts of a step while a timer times the whole."""

    step: TrainingStep
    stamps: Stamps
    _marks: list[Any] = field(default_factory=list)

    def call(self) -> object:
        """Do one step where `gradients` is in force already, and mark the ends of its parts."""
        return self.step.bare(self._mark)

    def timed(self, timer: Timer) -> Timer:
        """Return a timer that also returns the seconds of each part; none if the device only simulates calls."""

        def timed(calls: int) -> Elapsed:
            self._marks.clear()
            with gradients():
                elapsed = timer(calls)
            return elapsed._replace(parts=self._seconds(calls))

        return timed

    def _mark(self) -> None:
        self._marks.append(self.stamps.take())

    def _seconds(self, calls: int) -> tuple[float, ...] | None:
        """Return the seconds of each part in the last calls: a timer may make more before them."""
        size = self.step.marks
        marks = self._marks[-calls * size :]
        if len(marks) < calls * size:
            return None
        steps = [marks[start : start + size] for start in range(0, len(marks), size)]
        return tuple(map(sum, zip(*(self._between(step) for step in steps), strict=True)))

    def _between(self, marks: list[Any]) -> Iterator[float]:
        return (self.stamps.seconds(start, end) for start, end in pairwise(marks))
