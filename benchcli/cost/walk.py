"""Walk through one call of a network, operator by operator, and note the costs of each."""

import sys
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._ops import HigherOrderOperator, OpOverload

from benchcli.cost.arguments import COMPOSITE, Arguments, is_composite, named
from benchcli.cost.arithmetic import elementwise, is_pointwise, multiply_adds
from benchcli.cost.autograd import Nodes
from benchcli.cost.calls import CallStack, ModuleCall, forwards_noted, module_calls
from benchcli.cost.complex_products import ComplexParts
from benchcli.cost.formulas import FORMULAS
from benchcli.cost.higher_order import called_branches, runner
from benchcli.cost.inputs import Inputs, tensors
from benchcli.cost.layer_arithmetic import geometry, image, window
from benchcli.cost.layouts import reordered
from benchcli.cost.memory import Traffic, bytes_of, distinct, formula_elements, traffic
from benchcli.cost.nested import MASKED, FastPathError, by_sequence, dense, is_jagged
from benchcli.cost.operators import CONVOLUTIONS, NORMALISATIONS
from benchcli.cost.storages import Storages, WeightParts, storage_of
from benchcli.cost.training import TrainingStep
from benchcli.cost.training_operators import CONVOLUTION_GRADIENTS
from benchcli.cost.use_of_rules import own_multiply_adds
from benchcli.cost.values_only import as_pair, noticed, without_vectors
from benchcli.cost.watching import Watch, beside_compiler, eager
from benchcli.schema import FORMULA, OWN, PARTS, SHAPES, OperatorCall, Part

THREAD = "work in a thread of its own"
ELSEWHERE = "memory that another library made"
READS_OF_VALUES = frozenset({"_local_scalar_dense", "equal", "is_nonzero", "item"})
"""Operators that give Python the value of a tensor, on which its code may branch."""


@dataclass
class Walk:
    """What one call of a network does."""

    calls: list[OperatorCall] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    """Of each of them, on a device that has done its work when an operator returns; empty if nothing was called."""
    unused: list[int] = field(default_factory=list)
    """Which of them make only what nothing uses; empty for a training step, and where some work is unseen."""
    unseen: set[str] = field(default_factory=set)
    """Work that no dispatched operator shows."""
    uncalled: dict[str, None] = field(default_factory=dict)
    """The paths of the modules whose `forward` ran without a call of them, in the order of the first time."""
    branching: dict[str, None] = field(default_factory=dict)
    """The paths of the modules whose code reads values of tensors, in the order of the first time."""
    params: int = 0
    frozen: int = 0
    """Those of `params` that are constants of a frozen network, its buffers among them."""
    weight_bytes: int = 0
    """Bytes of the parameters, buffers, constants and packed weights."""
    read_bytes: int = 0
    """Bytes that the call reads of its parameters, constants and packed weights, each part once."""
    updated_bytes: int = 0
    """Bytes that a training step writes of the weights and the optimiser's state, each part once."""
    end_bytes: int = 0
    """Bytes of the input and of the output; a view of the input or of a weight is not written.

    A training step has the gradients of the weights in place of the output.
    """
    peak_bytes: int = 0


def walk_once(network: torch.nn.Module, inputs: Inputs, step: TrainingStep | None = None) -> Walk:
    """Call the network once, or do a training step of it, and return what it does. Raises the network's errors."""
    walked, arguments = Walk(), dense(inputs.tensors())
    parameters, buffers = list(network.parameters()), list(network.buffers())
    kept = [*parameters, *buffers, *(step.state() if step else ())]
    storages, uses = Storages(kept), WeightUses()
    storages.meet([*arguments, *(step.gradients() if step else ())])
    # no_grad, not inference_mode: the network may itself use either, and both are walked alike.
    mode = beside_compiler(_Dispatch)
    with (
        torch.no_grad(),
        eager(),
        noticed() as alone,
        called_branches() if step else nullcontext(),
        _calling(network, walked) as nodes,
        mode(walked, storages, uses, nodes, alone) as dispatch,
    ):
        result = step(dispatch.begin_part) if step else inputs.bound_to(network)()
    output = dense(result)
    if not all(storages.knows(each) for each in output):
        walked.unseen.add(ELSEWHERE)
    held = [each for _, several in uses.packed.values() for each in several]
    constants = {storage_of(each) for each in storages.weights} - {storage_of(each) for each in buffers}
    own = {*map(storage_of, arguments), *map(storage_of, storages.weights)}
    results = step.gradients() if step else [each for each in output if storage_of(each) not in own]
    walked.frozen = sum(each.numel() for each in frozen_constants(network, storages.constants))
    unlisted = [each for each in storages.constants if isinstance(each, torch.nn.Parameter)]
    walked.params = sum(each.numel() for each in [*parameters, *held, *unlisted]) + walked.frozen
    walked.weight_bytes = sum(map(bytes_of, [*distinct([*kept, *storages.constants]), *held]))
    walked.read_bytes = uses.read.bytes_of(constants) + sum(map(bytes_of, held))
    walked.updated_bytes = uses.written.bytes_of(constants) if step else 0
    walked.end_bytes = sum(map(bytes_of, distinct([*arguments, *results])))
    walked.peak_bytes = storages.peak_bytes
    walked.unused = [] if step or walked.unseen else storages.unused()
    return walked


def frozen_constants(network: torch.nn.Module, constants: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Return which constants of a call a frozen network made of its parameters and buffers: arrays of real numbers.

    `torch.jit.freeze` leaves a module without parameters, and does not say what its constants were.
    """
    scripted = (each for each in network.modules() if isinstance(each, torch.jit.ScriptModule))
    if all(next(each.parameters(), None) is not None for each in scripted):
        return []
    arrays = (each for each in constants if each.dim() and each.is_floating_point())
    return [each for each in arrays if not isinstance(each, torch.nn.Parameter)]


@dataclass
class WeightUses:
    """What the operators of a call read and write of the weights."""

    read: WeightParts = field(default_factory=WeightParts)
    written: WeightParts = field(default_factory=WeightParts)
    packed: dict[int, tuple[object, list[torch.Tensor]]] = field(default_factory=dict)
    """By `id`, what holds weights packed, and the weights."""


class _Dispatch(Watch):
    """Notes each operator as torch dispatches it."""

    supports_higher_order_operators = True

    def __init__(self, walked: Walk, storages: Storages, uses: WeightUses, nodes: Nodes, alone: Sequence[str]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._walked, self._storages, self._uses, self._nodes = walked, storages, uses, nodes
        self._parts, self._alone = ComplexParts(), alone
        self._part: Part = PARTS[0]
        self._next_parts = iter(PARTS)

    def begin_part(self) -> None:
        """Note that the next part of a training step begins, or that the last one has ended."""
        self._part = next(self._next_parts, self._part)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            return self._run(func, args, kwargs)
        if func.namespace == "prim":  # it asks what a tensor is, such as its device
            return func(*args, **kwargs)
        operands = tensors((args, kwargs))
        if is_jagged(operands):
            return NotImplemented  # its class takes the operator apart
        is_nested = any(each.is_nested for each in operands)
        if is_composite(func) and not is_nested:  # inference mode does not decompose it
            with self:
                return func._op_dk(COMPOSITE, *args, **kwargs)
        operands, asked = dense(operands) if is_nested else operands, func
        if self._alone:
            func, args, kwargs = without_vectors((func, args, kwargs))
        self._look_at(operands, func.overloadpacket.__name__)
        begun_s = time.perf_counter()
        result = func(*args, **kwargs)
        took_s = time.perf_counter() - begun_s
        made = dense(result)
        self._storages.meet([*operands, *made])
        name, arguments = named(func, args, kwargs)
        if name == MASKED:
            raise FastPathError("attention's fast path leaves out what a mask hides")
        self._parts.note(name, operands, result)
        moved = traffic(name, func, arguments, result)
        self._storages.link(operands, [*made, *(moved.written if moved else ())], moved is not None)
        if moved:
            self._note(name, func, arguments, moved, own_multiply_adds(func, args, kwargs, result))
            self._walked.seconds.append(took_s)
            self._storages.write(moved.written)  # after the call was noted: its number is the call's place
        return result if func is asked else as_pair(result)

    def _run(self, operator: HigherOrderOperator, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return what a higher-order operator returns, with the operators in its functions noted."""
        run = runner(operator)
        if run is None:
            self._walked.unseen.add(f"the functions of the higher-order operator {operator}")
            return operator(*args, **kwargs)
        with self:
            return run(*args, **kwargs)

    def _look_at(self, operands: Sequence[torch.Tensor], operator: str) -> None:
        """Count tensors that existed before the call as constants, unless another library made them.

        Nor are those that were just made from Python's numbers. Note where an operator gives Python a value.
        """
        if operator in READS_OF_VALUES:
            self._walked.branching[self._nodes.module()] = None
        strange = [each for each in operands if not self._storages.knows(each)]
        if any(not each.untyped_storage().resizable() for each in strange):
            self._walked.unseen.add(ELSEWHERE)
        if operator != "lift_fresh":
            self._storages.adopt(strange)

    def _note(self, name: str, func: OpOverload, arguments: Arguments, moved: Traffic, own: int | None) -> None:
        written, tags = moved.written, func.tags
        fuses = is_pointwise(name, tags) or (name in NORMALISATIONS and not arguments.get("training"))
        unfused_bytes = moved.unfused_bytes
        for tensor, size in moved.read:
            if self._storages.is_weight(tensor):
                self._uses.read.note(tensor, size)
        for tensor in written:
            if self._storages.is_weight(tensor):
                self._uses.written.note(tensor, bytes_of(tensor))
        if "packed" in arguments:
            packed, held = arguments["packed"]
            self._uses.packed[id(packed[0])] = (packed, tensors(held))
        first = (*written, *(each for each, _ in moved.read))[0]
        flops = self._multiply_adds(name, tags, arguments, moved) if own is None else own
        self._walked.calls.append(
            OperatorCall(
                operator=str(func),
                module=self._nodes.module(),
                dtype=str(first.dtype).removeprefix("torch."),
                inputs=tuple(tuple(each.shape) for each, _ in moved.read),
                outputs=tuple(tuple(each.shape) for each in written),
                flops=flops,
                elementwise=sum(elementwise(name, tags, *each) for each in by_sequence(arguments, written)),
                mac_elements=formula_elements(name, arguments, first),
                mac_bytes=unfused_bytes,
                mac_fused_bytes=moved.fused_bytes(self._storages) if fuses else unfused_bytes,
                producers=tuple(self._storages.producer(each) for each, _ in moved.read),
                window=window(arguments) if name in CONVOLUTIONS | CONVOLUTION_GRADIENTS else 1,
                part=self._part,
                basis=OWN if own is not None else FORMULA if name in FORMULAS else SHAPES,
                geometry=geometry(arguments) if name in CONVOLUTIONS else None,
                reordered=reordered(name, moved.read[0][0], first) if moved.read else (),
            )
        )

    def _multiply_adds(
        self, name: str, tags: Collection[torch.Tag], arguments: Arguments, moved: Traffic
    ) -> int | None:
        """Return an operator's multiply-adds, summed over the sequences of nested tensors; None if it has no rule."""
        if not moved.written:
            return None
        parts = by_sequence(arguments, moved.written)
        counts = [multiply_adds(name, tags, each, outputs[0]) for each, outputs in parts]
        known = [each for each in counts if each is not None]
        convolves = name in CONVOLUTIONS | CONVOLUTION_GRADIENTS
        products = self._parts.products(image(arguments), arguments["weight"]) if convolves else 1
        return sum(known) * products if len(known) == len(counts) else None


@contextmanager
def _calling(network: torch.nn.Module, walked: Walk) -> Iterator[Nodes]:
    """Yield what knows the modules that are being called, and to which of them gradients belong, during the block.

    Noting paths takes two frames for each level of modules.
    """
    walker, limit = threading.get_ident(), sys.getrecursionlimit()
    stack = CallStack(network)
    nodes = Nodes(network, stack.paths)

    def wrapper(original: ModuleCall) -> ModuleCall:
        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            # The mode is of one thread, and of those that compute gradients for it.
            if threading.get_ident() != walker and not torch._C._len_torch_dispatch_stack():
                walked.unseen.add(THREAD)
                return original(module, *args, **kwargs)
            stack.enter(module)
            nodes.turn()
            try:
                return original(module, *args, **kwargs)
            finally:
                stack.leave()
                nodes.turn()

        return call

    def note(module: torch.nn.Module) -> None:
        path = stack.uncalled(module) if threading.get_ident() == walker else None
        if path is not None:
            walked.uncalled[path] = None

    sys.setrecursionlimit(2 * limit)
    try:
        with module_calls(wrapper), forwards_noted(network, note):
            yield nodes
    finally:
        sys.setrecursionlimit(limit)
