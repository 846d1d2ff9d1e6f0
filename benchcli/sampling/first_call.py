"""Call a network with its inputs first, and say what to do where they do not fit it."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from operator import ne

import torch

from benchcli import formatting
from benchcli.cost.inputs import Inputs, tensors
from benchcli.guards.code_versions import RefusedError, SourceError
from benchcli.sampling.conversion import weight_dtypes
from benchcli.sampling.error_origin import argument_of, innermost, modules_of
from benchcli.sampling.example_inputs import EXAMPLES
from benchcli.schema import sizes
from benchcli.spelling import given, interface

TOKENS = 64
"""The length of the sequence in an example of tokens."""
VARIABLE = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
EMBEDDINGS = (torch.nn.Embedding, torch.nn.EmbeddingBag)
CONVOLUTIONS = (torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
SIDES = {1: 1024, 2: 224, 3: 32}
"""The sizes of an example of a convolution's input, by the number of its dimensions."""
OF_THE_INPUTS = (RuntimeError, ValueError, IndexError, AssertionError)
"""The kinds of errors that inputs of a wrong shape cause."""


def called(network: torch.nn.Module, inputs: Inputs) -> object:
    """Return what a call returns. Raises what `fitting` does."""
    with fitting(network, inputs):
        return inputs.bound_to(network)()


@contextmanager
def fitting(network: torch.nn.Module, inputs: Inputs) -> Iterator[None]:
    """Raise SourceError where the network, which is called in the block, needs other inputs.

    Another error gets a note of what the network was called with.
    """
    try:
        yield
    except Exception as error:
        aside = _aside(inputs)
        for refuse in (_out_of_range, _not_tokens, _other_arguments, _several_dtypes):
            if refusal := refuse(network, inputs, error):
                raise type(refusal)(f"{refusal}{aside}") from error
        for refuse in (_with_another_batch, _with_another_shape):
            if refusal := refuse(network, inputs, error):
                raise type(refusal)(f"{refusal}{aside}") from None
        if isinstance(error, OF_THE_INPUTS):
            such = _given_by() + _as_collections(error)
            error.add_note(f"called with {inputs.described()}: for other inputs give {such}{aside}")
        raise


def _aside(inputs: Inputs) -> str:
    """Return that inputs stand in for the callable's own; empty if they do not."""
    if not inputs.instead:
        return ""
    others = f"{given('size')} and {given('inputs')}"
    return f"; {EXAMPLES} of its callable were put aside for these: without {others} it has them"


def with_batch(network: torch.nn.Module, inputs: Inputs) -> str | None:
    """Return the inputs with a batch, as options, if the network seems not to take their first size for one; else None.

    Then fewer of its outputs grow with it than with a dimension that is put before it. The network
    is called up to four times with other inputs, so that no call should follow.
    """
    if not inputs.tensors()[0].dim():
        return None
    growing = _growing(network, inputs)
    if growing and all(growing):  # TorchScript may crash when it is called with other dimensions
        return None
    alone = inputs.mapped(lambda tensor: tensor.unsqueeze(0))
    return _as_options(alone) if sum(growing) < sum(_growing(network, alone)) else None


def _growing(network: torch.nn.Module, inputs: Inputs) -> list[bool]:
    """Return whether each output grows with one item more; none if a call fails, or if none has the batch first."""
    before, after = (_shapes(network, each) for each in (inputs, _grown(inputs)))
    batch = inputs.tensors()[0].shape[0]
    return list(map(ne, before, after)) if any(shape[0] == batch + 1 for shape in after) else []


def _grown(inputs: Inputs) -> Inputs:
    """Return the inputs with one more item in the batch."""
    return inputs.mapped(lambda tensor: torch.cat([tensor, tensor[:1]]) if tensor.dim() else tensor)


def _first_sizes(network: torch.nn.Module, inputs: Inputs) -> set[int]:
    """Return the first sizes of the outputs of a call; none if it fails."""
    return {shape[0] for shape in _shapes(network, inputs)}


def _shapes(network: torch.nn.Module, inputs: Inputs) -> list[torch.Size]:
    """Return the shapes of the outputs of a call that are no scalars; none if it fails."""
    with suppress(Exception), torch.no_grad():  # a network may raise anything
        return [each.shape for each in tensors(inputs.bound_to(network)()) if each.dim()]
    return []


def _out_of_range(network: torch.nn.Module, inputs: Inputs, error: Exception) -> Exception | None:
    layer = innermost(error)
    own = layer.num_embeddings if isinstance(layer, EMBEDDINGS) else None
    rows = own or _embedding_rows(network)
    is_outside = isinstance(error, IndexError) or "in the valid range" in str(error)  # as an EmbeddingBag says it
    if not (is_outside and rows) or all(each.is_floating_point() for each in inputs.tensors()):
        return None
    looked_up = argument_of(layer, error) if own else None
    if looked_up is not None and all(looked_up is not each for each in inputs.tensors()):  # such as positions
        return None
    which = "it" if own else "the smallest"
    return RefusedError(
        f"its inputs ({inputs.described()}) lie outside of an embedding ({error}): {which} has {rows} rows; give the "
        f"range 0..{rows - 1}"
    )


def _not_tokens(_network: torch.nn.Module, inputs: Inputs, error: Exception) -> Exception | None:
    """Refuse numbers that are looked up in an embedding and are not whole."""
    layer = innermost(error)
    if not isinstance(layer, EMBEDDINGS) or not any(each.is_floating_point() for each in inputs.tensors()):
        return None
    own = next(sizes(each.shape) for each in inputs.tensors() if each.is_floating_point())
    such = own if own.count("x") == 1 else f"1x{TOKENS}"
    return SourceError(
        f"it takes whole numbers, such as tokens, and was called with {inputs.described()}: give "
        f"{given('inputs', f'{such}:int64:0..{layer.num_embeddings - 1}')}, its batch, length and range"
    )


def _other_arguments(network: torch.nn.Module, inputs: Inputs, error: Exception) -> Exception | None:
    if not isinstance(error, TypeError) or "forward()" not in str(error):
        return None
    parameters = inspect.signature(network.forward).parameters
    needed = [name for name, each in parameters.items() if each.default is each.empty and each.kind not in VARIABLE]
    takes = formatting.named([*parameters])
    shape = inputs.described().partition(", ")[0].rpartition("=")[2] or f"1x{TOKENS}"
    texts = [f"{name}={_with_range(shape) if name == needed[0] else 'SIZES'}" for name in needed]
    such = given("inputs", *texts) if needed else _given_by()
    return SourceError(
        f"it cannot be called with {inputs.described()} ({error}): its forward takes {takes}: give "
        f"each its shape, such as {such}, or leave all of them to example_inputs of the callable"
    )


def _several_dtypes(network: torch.nn.Module, _inputs: Inputs, error: Exception) -> Exception | None:
    dtypes = weight_dtypes(network)
    if not isinstance(error, RuntimeError) or len(dtypes) < 2 or "type" not in str(error):
        return None
    return SourceError(
        f"its weights are {' and '.join(dtypes)}, and it cannot be called with them ({error}): cast between its "
        f"layers, or build it in one dtype; {given('dtype', dtypes[0])} converts all of them"
    )


def _with_another_batch(network: torch.nn.Module, inputs: Inputs, error: Exception) -> Exception | None:
    """Refuse inputs with which the network works once they have a batch, or have it once."""
    if not isinstance(error, OF_THE_INPUTS) or isinstance(error, torch.OutOfMemoryError):
        return None
    if all(not each.is_floating_point() and each.dim() > 1 and each.shape[0] == 1 for each in inputs.tensors()):
        return None  # a sentence in a batch of its own
    alone = inputs.mapped(lambda tensor: tensor.unsqueeze(0))
    others = [(alone, f"the batch comes first, as in {_as_options(alone)}")]
    if all(each.shape[:2] == (1, 1) for each in inputs.tensors()):
        once = inputs.mapped(lambda tensor: tensor.squeeze(0))
        others.insert(0, (once, "the batch is there twice; the shape in a suite has none"))
    for other, why in others:
        if 1 in _first_sizes(network, other):
            said = f"it cannot be called with {inputs.described()}, and can with {other.described()}: {why}"
            return RefusedError(said)
    return None


def _with_another_shape(network: torch.nn.Module, inputs: Inputs, error: Exception) -> Exception | None:
    """Refuse an input with which the network works once it has the features that its layer takes."""
    if not isinstance(error, OF_THE_INPUTS) or isinstance(error, torch.OutOfMemoryError) or len(inputs.tensors()) != 1:
        return None
    layer = innermost(error)
    for shape in _taken_by(layer, inputs.tensors()[0].shape[2:]):
        other = inputs.mapped(partial(torch.Tensor.new_zeros, size=shape))
        if 1 in _first_sizes(network, other):
            return SourceError(
                f"it cannot be called with {inputs.described()} ({error}), and can with {other.described()}: "
                f"give {_as_options(other)}, with sizes of your own"
            )
    return None


def _taken_by(layer: torch.nn.Module | None, size: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Yield shapes that a layer may take, of a batch of one; of an image, this size."""
    if isinstance(layer, CONVOLUTIONS):
        dimensions = len(layer.kernel_size)
        yield 1, layer.in_channels, *(size if len(size) == dimensions else (SIDES[dimensions],) * dimensions)
    elif isinstance(layer, torch.nn.Linear):
        yield 1, layer.in_features
        yield 1, TOKENS, layer.in_features
    elif isinstance(layer, torch.nn.RNNBase):
        yield (1, TOKENS, layer.input_size) if layer.batch_first else (TOKENS, 1, layer.input_size)


def _given_by() -> str:
    """Return how inputs are given."""
    in_others = ", or inputs in suites and Python" if interface() == "command line" else ""
    return f"{given('inputs')}{in_others}"


def _as_collections(error: Exception) -> str:
    """Return how lists and dictionaries of tensors are given, if the network's own code failed, and no layer."""
    if len(set(map(id, modules_of(error)))) > 1:
        return ""
    return f"; a forward that takes a list or a dictionary of tensors has it from {EXAMPLES} of the callable"


def _as_options(inputs: Inputs) -> str:
    """Return inputs as options of the command line, whole numbers with the place of their range."""
    return given("inputs", *map(_with_range, inputs.described().split(", ")))


def _with_range(described: str) -> str:
    """Return an input, of whole numbers with the place of their range."""
    return f"{described}{':0..N' if ':int' in described else ''}"


def _embedding_rows(network: torch.nn.Module) -> int:
    """Return the rows of the smallest embedding; 0 if there is none."""
    return min((each.num_embeddings for each in network.modules() if isinstance(each, EMBEDDINGS)), default=0)
