"""Networks that are ONNX files, by their paths."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli import files
from benchcli.errors import UserError
from benchcli.schema import BUILT_IN, Input, Variant
from benchcli.spelling import given
from benchcli.workloads.networks.base import SIZE

if TYPE_CHECKING:
    from torch import nn

ENDING = ".onnx"
BUILDER = f"{BUILT_IN}onnx/file"
"""The recorded name of all such networks: their parameters have the path and the hash of the file."""
NEEDED = ("onnx", "onnxruntime")


def is_onnx(name: str) -> bool:
    """Return whether a network's name is meant as the path of an ONNX file."""
    return name.lower().endswith(ENDING)


def onnx_variant(name: str, size: int | None, inputs: tuple[Input, ...]) -> Variant:
    """Return the network in a file. Raises UserError if there is none, or what reads it is not installed."""
    if size:
        raise UserError(
            f"{given('size')} is for networks that take any, and {name} has shapes: give {given('inputs')} where "
            "they are free"
        )
    path = files.path_of("an ONNX file", name)
    if not files.is_file(path):
        raise UserError(f"no ONNX file at {name}: give the path of one")
    missing = [each for each in NEEDED if find_spec(each) is None]
    if missing:
        raise UserError(
            f"{name} is an ONNX file, and {' and '.join(missing)} is not installed: pip install {' '.join(NEEDED)}"
        )
    shape = inputs[0].shape if inputs else (3, SIZE, SIZE)
    params = {"path": str(path.absolute()), "sha256": hash_of(path)}
    return Variant(name, BUILDER, params, shape, str(next(iter(shape), "")), inputs=inputs)


def build(path: str, sha256: str) -> "nn.Module":
    """Return the network in a file. Raises UserError if the file is not what it was."""
    from benchcli.workloads import onnx_network

    return onnx_network.build(path, sha256)


def hash_of(path: Path) -> str:
    """Return the hash of a file and of those that hold its weights. Raises UserError if it is no ONNX file."""
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
        kept = [each for tensor in model.graph.initializer for each in tensor.external_data]
        locations = sorted({each.value for each in kept if each.key == "location"})
        found = hashlib.sha256()
        for each in (path, *(path.parent / location for location in locations)):
            with each.open("rb") as stream:
                found.update(hashlib.file_digest(stream, "sha256").digest())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror} ({error.filename})") from None
    except Exception as error:  # that of protobuf, which is an implementation's own
        raise UserError(f"{path} is no ONNX file: {error}") from None
    return found.hexdigest()
