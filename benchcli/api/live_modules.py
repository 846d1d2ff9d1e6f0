"""Networks of the caller's own: functions, which are imported by name, and modules, which travel by value.

A live module is serialised onto the private pipe from the caller to its own measured process. It
never reaches a results folder.
"""

import base64
import sys
import sysconfig
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from benchcli.errors import UserError
from benchcli.schema import LIVE
from benchcli.validation import text
from benchcli.workloads.custom import CustomNetwork, CustomRequest
from benchcli.workloads.suite_keys import builder_of

DEEPEST = 100
"""The most lists, tuples and dicts, one in another, that inputs are nested in."""
SHAPE = (1, 3, 224, 224)
"""Shape of the inputs if none are given."""


@dataclass(frozen=True)
class Networks:
    """Networks to compare, and those to send to the measured process by value."""

    request: CustomRequest
    payloads: Mapping[str, str]
    """Pickled input (None if not given) and network, in base 64, by recorded name."""

    @classmethod
    def of(cls, networks: object, inputs: object, meta: bool = False) -> "Networks":
        """Return the networks of a mapping, for `meta` without values. Raises UserError if one cannot be measured."""
        if not isinstance(networks, Mapping) or not networks:
            raise UserError("measure takes the name of a guideline or suite, or a mapping from names to networks")
        networks = {text("a network's name", name): network for name, network in networks.items()}
        values = None if inputs is None or _is_shape(inputs) else inputs
        shape = SHAPE if inputs is None else _shape(inputs)
        builders = {name: _builder(name, network) for name, network in networks.items()}
        payloads = {
            builder: _pickled(name, networks[name], values, meta)
            for name, builder in builders.items()
            if builder.startswith(LIVE) or values is not None
        }
        request = CustomRequest(
            name="custom",
            batches=(shape[0],),
            networks=tuple(CustomNetwork(name, builder, {}, shape[1:]) for name, builder in builders.items()),
        )
        return cls(request, payloads)


def _is_shape(inputs: object) -> TypeGuard[Sequence[int]]:
    return isinstance(inputs, list | tuple) and all(type(size) is int for size in inputs)


def _shape(inputs: object) -> tuple[int, ...]:
    """Return the shape of the first input, the batch first. Raises UserError if the inputs are none."""
    if _is_shape(inputs):
        shape = tuple(inputs)
        if len(shape) < 2 or min(shape) < 1:
            raise UserError(f"the shape of an input has the batch first, such as {SHAPE}, not {inputs!r}")
        return shape
    from benchcli.cost.inputs import as_inputs

    _refuse_endless(inputs)
    if isinstance(inputs, Mapping) and not all(isinstance(name, str) for name in inputs):
        raise UserError(f"inputs by keyword have names, not {next(n for n in inputs if not isinstance(n, str))!r}")
    tensors = as_inputs(inputs).tensors()
    if any(each.is_meta for each in tensors):
        raise UserError("the inputs are on the meta device, without values to compute with: make them on the CPU")
    first = next(iter(tensors), None)
    if first is not None and not (first.dim() and first.numel()):
        raise UserError(f"the first tensor of the inputs has shape {tuple(first.shape)}: it needs a batch, and values")
    if first is None:
        raise UserError(
            f"inputs must be a tensor (batch, ...) or its shape, such as {SHAPE}; a tuple or list of tensors; or a "
            f"dict of keyword arguments; not {type(inputs).__name__}"
        )
    return tuple(first.shape)


def _refuse_endless(tree: object, holders: tuple[int, ...] = ()) -> None:
    """Raise UserError for lists, tuples and mappings that hold themselves, or are nested too deeply to be walked."""
    if not isinstance(tree, list | tuple | Mapping):
        return
    if id(tree) in holders or len(holders) > DEEPEST:
        raise UserError(f"the inputs hold themselves, or are nested in over {DEEPEST} lists, tuples and dicts")
    for part in tree.values() if isinstance(tree, Mapping) else tree:
        _refuse_endless(part, (*holders, id(tree)))


def _builder(name: str, network: object) -> str:
    """Return the recorded name of a network's builder."""
    if isinstance(network, str):
        return builder_of(name, network)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(network, torch.nn.Module):
        return f"{LIVE}{name}"
    if not callable(network):
        raise UserError(f"{name} is a {type(network).__name__}: give a torch.nn.Module, or a function that makes one")
    return _importable(name, network)


def _importable(name: str, factory: Callable[..., Any]) -> str:
    """Return `package.module:callable` of a function that a fresh process can import."""
    module, qualified = getattr(factory, "__module__", None), getattr(factory, "__qualname__", "<nameless>")
    there = module in sys.modules and getattr(sys.modules[module], qualified, None) is factory
    if not module or module == "__main__" or not qualified.isidentifier() or not there:
        raise UserError(
            f"{name}: {module}.{qualified} cannot be imported by name in the measured process: define the function "
            "at the top of a module of its own, or give the torch.nn.Module that it makes"
        )
    return f"{module}:{qualified}"


def _pickled(name: str, network: object, inputs: object, meta: bool) -> str:
    """Return a network and its input, serialised. Raises UserError if that fails."""
    import cloudpickle
    import torch

    from benchcli.workloads.live_networks import pickled

    module = network if isinstance(network, torch.nn.Module) else None
    what_else = "give a function of a module that makes it, or 'package.module:callable'"
    if module is not None and type(module).__name__ == "OptimizedModule":
        raise UserError(f"{name} is a compiled module, which cannot be serialised: {what_else}")
    own = {sys.modules[type(each).__module__] for each in module.modules()} if module is not None else set()
    own = {each for each in own if _is_users(each)}
    for each in own:
        cloudpickle.register_pickle_by_value(each)
    try:
        payload = cloudpickle.dumps(_on_the_cpu(inputs)) + pickled(module, meta)
    except Exception as error:  # a network may hold anything, and what cannot be pickled raises anything
        raise UserError(f"{name} cannot be serialised ({type(error).__name__}: {error}): {what_else}") from None
    finally:
        for each in own:
            cloudpickle.unregister_pickle_by_value(each)
    return base64.b64encode(payload).decode("ascii")


def _on_the_cpu(inputs: object) -> object:
    """Return the inputs as tuple and mapping, their tensors on the CPU; None where none are given."""
    if inputs is None:
        return None
    from benchcli.cost.inputs import as_inputs

    return as_inputs(inputs).mapped(lambda tensor: tensor.detach().cpu())


def _is_users(module: ModuleType) -> bool:
    """Return whether a module is not installed, so that a fresh process may not find it."""
    file = getattr(module, "__file__", None)
    if file is None or module.__name__ == "__main__":
        return False  # what __main__ defines is pickled by value in any case
    installed = (sysconfig.get_paths()["purelib"], sysconfig.get_paths()["stdlib"])
    return not any(Path(file).is_relative_to(place) for place in installed)
