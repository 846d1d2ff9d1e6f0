"""A step of training: the forward call, the loss, the gradients and the optimiser's update."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from benchcli.cost.inputs import Inputs, tensors
from benchcli.errors import UserError
from benchcli.schema import PARTS
from benchcli.spelling import given

Loss = Callable[[Any], torch.Tensor]
"""Returns one number of what the network returned."""


class TrainingError(UserError):
    """A network cannot be trained as it is."""


class TrainingStep:
    """One step of training, which can be called again and again."""

    def __init__(
        self,
        network: torch.nn.Module,
        inputs: Inputs,
        loss: Loss | None = None,
        optimizer: torch.optim.Optimizer | None = None,
    ) -> None:
        """Prepare the step of a network in training mode. Without an optimiser there is no update.

        Raises TrainingError if no parameter needs a gradient.
        """
        self._named = {name: each for name, each in network.named_parameters() if each.requires_grad}
        self.parameters = list(self._named.values())
        if not self.parameters:
            raise TrainingError(f"it has no parameter that needs a gradient: give {given('step', 'inference')}")
        self._call = inputs.bound_to(network)
        self._loss, self._optimizer = loss or mean_loss, optimizer

    @property
    def marks(self) -> int:
        """How often a step marks: once more than it has parts."""
        return len(PARTS) + (self._optimizer is not None)

    def __call__(self, mark: Callable[[], object] = lambda: None) -> Any:
        """Do one step and return what the network returned. `mark` is called before, between and after the parts.

        Raises TrainingError if the loss is not one number that depends on a parameter.
        """
        with gradients():
            return self.bare(mark)

    def bare(self, mark: Callable[[], object] = lambda: None) -> Any:
        """Do one step where `gradients` is in force already."""
        mark()
        result = self._call()
        loss = self._loss_of(result)
        mark()
        for each in self.parameters:
            each.grad = None
        loss.backward()  # type: ignore[no-untyped-call]
        mark()
        if self._optimizer is not None:
            self._optimizer.step()
            mark()
        return result

    def _loss_of(self, result: object) -> torch.Tensor:
        try:
            loss = self._loss(result)
        except TrainingError:
            raise
        except Exception as error:  # a user's function may raise anything
            raise TrainingError(f"its loss raised {type(error).__name__}: {error}") from error
        _refuse_other_than_number(loss)
        return loss

    def names(self) -> list[str]:
        """Return the names of the parameters that got a gradient in the last step."""
        return [name for name, each in self._named.items() if each.grad is not None]

    def state(self) -> list[torch.Tensor]:
        """Return what the optimiser keeps from step to step beside the weights; nothing before the first step."""
        return [] if self._optimizer is None else tensors(list(self._optimizer.state.values()))

    def gradients(self) -> list[torch.Tensor]:
        """Return the gradients of the last step, in the order of the parameters that got one."""
        return [each.grad for each in self.parameters if each.grad is not None]


@contextmanager
def gradients() -> Iterator[None]:
    """Record what gradients need during the block, whatever mode is in force around it."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


def mean_loss(result: object) -> torch.Tensor:
    """Return the sum of the means of all outputs through which gradients flow; of a complex one, of its magnitude.

    Raises TrainingError if there is none.
    """
    means = [(each.abs() if each.is_complex() else each).mean() for each in tensors(result) if each.requires_grad]
    if not means:
        raise TrainingError(
            f"no output depends on a parameter that needs a gradient: give {given('step', 'inference')}"
        )
    total = means[0]
    for each in means[1:]:
        total = total + each
    return total


def _refuse_other_than_number(loss: object) -> None:
    """Raise TrainingError unless the loss is a tensor with one number that depends on a parameter."""
    if not isinstance(loss, torch.Tensor):
        raise TrainingError(f"its loss is a {type(loss).__name__}: let it return a tensor with one number")
    if loss.is_complex():
        raise TrainingError("its loss is a complex number: let it return a real one, such as its magnitude")
    if loss.numel() != 1:
        shape = "×".join(map(str, loss.shape))
        raise TrainingError(f"its loss is a tensor of {shape}: let it return one number, such as a mean")
    if not loss.requires_grad:
        raise TrainingError("its loss depends on no parameter that needs a gradient")
