"""Networks of the caller's own: modules, which travel by value, and functions and others, which have a name.

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

from benchcli import formatting
from benchcli.errors import UserError
from benchcli.schema import BUILT_IN, LIVE, Family, Input, sizes
from benchcli.settings import OWN_INPUTS
from benchcli.validation import text
from benchcli.workloads import input_texts
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.custom import CustomNetwork, CustomRequest
from benchcli.workloads.networks.network_request import named_networks, network_named
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.requests import FamilyRequest

MOST_LETTERS = 200
"""The most letters of an error's own text."""
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
            raise UserError(
                "there is no network: give a torch.nn.Module, a function that makes one, a name, or a mapping from "
                "names to networks"
            )
        networks = {text("a network's name", name): network for name, network in networks.items()}
        given = GivenInputs.of(inputs)
        found = tuple(_network(name, network, given) for name, network in networks.items())
        payloads = {
            each.builder: _pickled(each.name, networks[each.name], given.values, meta)
            for each in found
            if each.builder.startswith(LIVE) or given.values is not None
        }
        return cls(CustomRequest(name="custom", batches=(given.batch,), networks=found), payloads)


@dataclass(frozen=True)
class GivenInputs:
    """What all networks are called with."""

    batch: int = 1
    shape: tuple[int, ...] | None = None
    """Of the first input, without the batch; None if nothing is given, and each network has its own."""
    described: tuple[Input, ...] = ()
    """Inputs to draw; empty if values are given, or nothing."""
    values: object = None
    """Tensors to call with; None if they are to be drawn."""

    @classmethod
    def of(cls, inputs: object) -> "GivenInputs":
        """Return what tensors, shapes, or texts as --input takes them describe. Raises UserError if they are none."""
        if inputs is None:
            return cls()
        inputs = _as_texts(inputs)
        if are_texts(inputs):
            batch, described = input_texts.read([inputs] if isinstance(inputs, str) else list(inputs), "an input")
            return cls(batch, described[0].shape, described)
        batch, *shape = _shape(inputs)
        if _is_shape(inputs):
            return cls(batch, tuple(shape), (Input(tuple(shape)),))
        return cls(batch, tuple(shape), values=inputs)


def are_texts(inputs: object) -> TypeGuard[str | Sequence[str]]:
    """Return whether inputs are described by texts, as on the command line."""
    several = [inputs] if isinstance(inputs, str) else inputs
    return isinstance(several, list | tuple) and bool(several) and all(isinstance(each, str) for each in several)


def _as_texts(inputs: object) -> object:
    """Return several shapes, in a list or by keyword, as the texts that describe them, and other inputs as they are."""
    if isinstance(inputs, Mapping) and inputs and all(map(_is_shape, inputs.values())):
        return [f"{text('the name of an input', name)}={sizes(_shape(shape))}" for name, shape in inputs.items()]
    if isinstance(inputs, list | tuple) and inputs and all(map(_is_shape, inputs)):
        return [sizes(_shape(shape)) for shape in inputs]
    return inputs


def are_drawn(inputs: object) -> bool:
    """Return whether inputs are those of the networks themselves, or described by texts."""
    return inputs is None or are_texts(inputs) or (isinstance(inputs, list | tuple) and not inputs)


def are_names(networks: Sequence[object]) -> TypeGuard[tuple[str, ...]]:
    """Return whether all networks are given by name."""
    return bool(networks) and all(isinstance(each, str) for each in networks)


def family_of(
    networks: tuple[object, ...], inputs: object, size: int | None, overrides: Overrides, meta: bool = False
) -> tuple[Family, Mapping[str, str]]:
    """Return networks by name or by value as a family, and what is sent to their process by value.

    A size, or a batch among the overrides, is for names. Raises UserError if one of them cannot be had.
    """
    request: FamilyRequest
    payloads: Mapping[str, str] = {}
    if are_names(networks) and are_drawn(inputs):
        request = named_networks(networks, size, OWN_INPUTS.check(inputs) or ())
    else:
        if size is not None or overrides.batches is not None:
            raise UserError("size and batch belong to names of networks: give inputs instead")
        live = Networks.of(by_name(networks), inputs, meta)
        request, payloads = live.request, live.payloads
    (family,) = request.families(overrides)
    return family, payloads


def by_name(networks: Sequence[object]) -> Mapping[str, object]:
    """Return networks with the names that they have by themselves; of one mapping those that it gives.

    Raises UserError if two have the same name.
    """
    if len(networks) == 1 and isinstance(networks[0], Mapping):
        return networks[0]
    names = list(map(_own_name, networks))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"two networks are named {twice}: give a mapping from names to networks")
    return dict(zip(names, networks, strict=True))


def _own_name(network: object) -> str:
    """Return a name as it is, a function's as the command line writes it, and a module's class."""
    if isinstance(network, str):
        return network
    if _is_module(network) or not callable(network):
        return type(network).__name__
    return f"{getattr(network, '__module__', '')}:{getattr(network, '__qualname__', '')}"


def _is_module(network: object) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(network, torch.nn.Module)


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
            f"inputs must be a tensor (batch, ...) or its shape, such as {SHAPE}; a tuple or list of tensors or of "
            f"shapes; or a dict of these by keyword; not {_said(inputs)}"
        )
    return tuple(first.shape)


def _said(inputs: object) -> str:
    """Return the type of inputs, and of the parts of a dict or a list."""
    parts = list(inputs.values()) if isinstance(inputs, Mapping) else inputs if isinstance(inputs, list | tuple) else []
    of = f" of {formatting.named(list(dict.fromkeys(type(each).__name__ for each in parts)))}" if parts else ""
    return f"{type(inputs).__name__}{of}"


def _refuse_endless(tree: object, holders: tuple[int, ...] = ()) -> None:
    """Raise UserError for lists, tuples and mappings that hold themselves, or are nested too deeply to be walked."""
    if not isinstance(tree, list | tuple | Mapping):
        return
    if id(tree) in holders or len(holders) > DEEPEST:
        raise UserError(f"the inputs hold themselves, or are nested in over {DEEPEST} lists, tuples and dicts")
    for part in tree.values() if isinstance(tree, Mapping) else tree:
        _refuse_endless(part, (*holders, id(tree)))


def _network(name: str, network: object, given: GivenInputs) -> CustomNetwork:
    """Return a network with its inputs: those that are given, or its own."""
    if isinstance(network, str) and not network.startswith(BUILT_IN):
        own = network_named(network)
        shape, inputs = (own.shape, own.inputs) if given.shape is None else (given.shape, given.described)
        return CustomNetwork(name, own.builder, own.params, shape, inputs)
    return CustomNetwork(name, _builder(name, network), {}, given.shape or SHAPE[1:], given.described)


def _builder(name: str, network: object) -> str:
    """Return the recorded name of a network's builder."""
    if isinstance(network, str):
        find_built_in(network)
        return network
    if _is_module(network):
        return f"{LIVE}{name}"
    if not callable(network):
        raise UserError(
            f"{name} is no network but of type {type(network).__name__}: give a torch.nn.Module, a function that "
            "makes one, or a name of a network"
        )
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
        why = " ".join(f"{type(error).__name__}: {error}".split())[:MOST_LETTERS]
        raise UserError(f"{name} cannot be serialised ({why}): {what_else}") from None
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
