"""Identify what a runtime's file depends on: the network, its code, weights and inputs, and the versions."""

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from benchcli import __version__
from benchcli.backends.runtimes.base import Runtime
from benchcli.cost.inputs import Inputs
from benchcli.guards.outputs import hashed
from benchcli.schema import Family, Target, Variant
from benchcli.system.machine import machine

PACKAGE = Path(__file__).parent.parent
OWN = ("workloads", "backends/runtimes")
"""The parts of this package that decide what a file of a network that ships holds."""


def key_of(
    variant: Variant,
    family: Family,
    target: Target,
    runtime: Runtime,
    network: torch.nn.Module,
    inputs: Inputs,
    payload: str = "",
) -> str:
    """Return the key of a network's file: equal where the runtime would prepare an equal one.

    `payload` is the network itself where a caller gave it by value.
    """
    facts = {
        "versions": [__version__, torch.__version__, sys.version, dict(runtime.versions())],
        "runtime": [runtime.full_name, target.device, target.threads],
        "machine": machine().identity,
        "format": [family.dtype, family.layout, family.step_of(variant)],
        "builder": [variant.builder, dict(variant.params), hashlib.sha256(payload.encode()).hexdigest()],
        "inputs": [inputs.described(), *(f"{each.dtype} {tuple(each.shape)}" for each in inputs.tensors())],
        "structure": str(network),
        "weights": {name: hashed(tensor) for name, tensor in network.state_dict().items() if _is_plain(tensor)},
        "code": sorted(_code_of(variant, network)),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


def _is_plain(tensor: object) -> bool:
    return isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided and not tensor.is_meta


def _code_of(variant: Variant, network: torch.nn.Module) -> Iterator[str]:
    """Yield the hash of each file that may decide what the network computes: its modules' files and their folder's."""
    files = {path for part in OWN for path in (PACKAGE / part).rglob("*.py")}
    names = {type(module).__module__ for module in network.modules()}
    names = {name for name in names if name.partition(".")[0] not in {"torch", "builtins"}}
    files |= {path for name in names if (path := _file_of(name))}
    if variant.source:
        folder = Path(variant.source.folder)
        loaded = {path for name in list(sys.modules) if (path := _file_of(name))}
        files |= {path for path in loaded if path.is_relative_to(folder) and "site-packages" not in path.parts}
    yield from (f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in files)
    for top in {name.partition(".")[0] for name in names}:
        yield f"{top} {getattr(sys.modules.get(top), '__version__', '')}"


def _file_of(module: str) -> Path | None:
    file = getattr(sys.modules.get(module), "__file__", None)
    path = Path(file) if isinstance(file, str) else None
    return path if path and path.suffix == ".py" and path.is_file() else None
