"""Make the inputs of a variant: those that its caller or its callable gives, or random ones."""

import inspect
from dataclasses import replace
from typing import Any

import torch

from benchcli.cost.inputs import Inputs, as_inputs
from benchcli.guards.code_versions import SourceError
from benchcli.schema import Input, Variant
from benchcli.workloads import live_networks as live

EXAMPLES = "example_inputs"
"""The attribute of a user's callable, or of the module that it makes, with its inputs or a function that makes them."""


def set_seed(seed: int) -> None:
    """Set the seed of the random numbers of every device that is here.

    `torch.manual_seed` also notes the seed for devices that are not here, each with the whole stack of calls as text.
    """
    if torch.accelerator.is_available():
        torch.manual_seed(seed)
    else:
        torch.default_generator.manual_seed(seed)


def inputs_of(variant: Variant, batch: int, seed: int, *givers: object) -> Inputs:
    """Return the inputs of a variant on the CPU, the floating ones in float32.

    They are the inputs that were sent by value, those of the request, the `example_inputs` of the
    first of `givers` that has some, or an image. The same seed draws the same random ones.
    """
    given = live.inputs(variant)
    if given is not None:
        return as_inputs(given).floating(torch.Tensor.float)
    examples = _examples(givers)
    if examples is not None and not variant.inputs:
        set_seed(seed + 1)
        return _made(examples, batch)
    generator = torch.Generator().manual_seed(seed + 1)
    drawn = [(each.name, _drawn(each, batch, generator)) for each in variant.inputs or (Input(variant.shape),)]
    args = tuple(tensor for name, tensor in drawn if not name)
    return Inputs(args, {name: tensor for name, tensor in drawn if name}, instead=examples is not None)


def _drawn(of: Input, batch: int, generator: torch.Generator) -> torch.Tensor:
    shape = (batch, *of.shape)
    if of.dtype == "float":
        return torch.randn(shape, generator=generator)
    if of.dtype == "complex64":
        return torch.randn(shape, generator=generator, dtype=torch.complex64)
    if of.dtype == "bool":
        return torch.randint(0, 2, shape, generator=generator).bool()
    drawn = torch.randint(of.low, of.high + 1, shape, generator=generator)
    ends = torch.tensor((of.high, of.low))[: drawn.numel()]
    drawn.view(-1)[: len(ends)] = ends  # a range that the network does not take fails always, and not by chance
    return drawn.to(getattr(torch, of.dtype))


def _examples(givers: tuple[object, ...]) -> Any | None:
    return next((its for each in givers if (its := getattr(each, EXAMPLES, None)) is not None), None)


def _made(examples: Any, batch: int) -> Inputs:
    """Return the example inputs. Raises SourceError if they are none, or are of another batch."""
    takes_batch = callable(examples) and "batch" in inspect.signature(examples).parameters
    value = (examples(batch=batch) if takes_batch else examples()) if callable(examples) else examples
    made = as_inputs(value).floating(torch.Tensor.float)
    first = next(iter(made.tensors()), None)
    if first is None:
        raise SourceError(f"its {EXAMPLES} hold no tensor: give tensors, a tuple or list of them, or a dict by name")
    if not takes_batch and batch != 1 and first.shape[:1] != (batch,):
        raise SourceError(
            f"its {EXAMPLES} have batch {first.shape[0] if first.dim() else 'none'}, not {batch}: let them be a "
            "function that takes `batch`"
        )
    return replace(made, items=batch) if takes_batch else made


def items_of(inputs: Inputs) -> int:
    """Return how many images or other inputs a call takes: the first dimension, unless the inputs say it."""
    return inputs.items or next((each.shape[0] for each in inputs.tensors() if each.dim()), 1)


def tokens_of(inputs: Inputs) -> int | None:
    """Return the number of tokens: the elements of the first input if it holds sequences of integers, else None.

    Beside an input of other numbers they are the categories of an item, as of a row of a table.
    """
    first, *others = inputs.tensors()
    if any(each.is_floating_point() or each.is_complex() for each in others):
        return None
    are_integers = not (first.is_floating_point() or first.is_complex() or first.dtype == torch.bool)
    return first.numel() if are_integers and first.dim() > 1 else None
