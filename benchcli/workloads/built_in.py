"""Find the builder of a built-in network by its recorded name, `benchcli:KIND/NAME`.

The name does not contain a module path, so code can move without invalidating recorded runs.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from benchcli.errors import unknown
from benchcli.schema import BUILT_IN
from benchcli.workloads import layer_chain
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.guidelines.base import EXPERIMENTS
from benchcli.workloads.networks import onnx_files
from benchcli.workloads.networks.base import NETWORKS
from benchcli.workloads.networks.libraries import LIBRARIES
from benchcli.workloads.references import REFERENCES

if TYPE_CHECKING:
    from torch import nn

    Build = Callable[..., nn.Module]

_KINDS: "Mapping[str, Callable[[str], Build]]" = {
    "guideline": lambda name: EXPERIMENTS[name].build,
    "block": lambda name: BLOCKS[name].build,
    "network": lambda name: NETWORKS[name].build,
    "reference": lambda name: REFERENCES[name].build,
    "library": lambda name: _library_builder(name),
    "onnx": lambda name: _onnx_builder(name),
    "layers": lambda name: _chain_builder(name),
}


def find_built_in(builder: str) -> "Build":
    """Return the builder of a recorded name. Raises UserError with the nearest kind or name."""
    kind, _, name = builder.removeprefix(BUILT_IN).partition("/")
    if kind not in _KINDS:
        raise unknown("kind of network", kind, _KINDS)
    return _KINDS[kind](name)


def _onnx_builder(name: str) -> "Build":
    if f"{BUILT_IN}onnx/{name}" != onnx_files.BUILDER:
        raise unknown("kind of ONNX network", name, ["file"])
    return onnx_files.build


def _chain_builder(name: str) -> "Build":
    if f"{BUILT_IN}layers/{name}" != layer_chain.BUILDER:
        raise unknown("kind of layers", name, ["chain"])
    from benchcli.workloads.chain_network import build

    return build


def _library_builder(name: str) -> "Build":
    if name not in LIBRARIES:
        raise unknown("library", name, LIBRARIES)
    return LIBRARIES[name]
