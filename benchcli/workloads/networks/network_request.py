"""Families of whole networks: built-in ones, those of other libraries, and a user's own."""

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchcli import files, formatting
from benchcli.errors import UserError, unknown
from benchcli.schema import BUILT_IN, Input, Parameter, Variant
from benchcli.spelling import given
from benchcli.workloads import input_texts
from benchcli.workloads.networks.base import NETWORKS, SIZE, members
from benchcli.workloads.networks.libraries import LIBRARIES, has_wildcards, matching, refuse_missing
from benchcli.workloads.networks.onnx_files import is_onnx, onnx_variant
from benchcli.workloads.requests import FamilyRequest

FULL_WIDTH = ("1x", "1.0")
"""How the names of networks end that have their paper's full width."""
OWN = r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*"
"""Pattern of a user's network, `package.module:callable`."""
AS_FILE = r"(?:\./)?([\w/]+?)(?:\.py)?:([^\W\d]\w*)"
"""Pattern of what names the module of a network by its file, such as `./models/nets.py:build`."""


@dataclass(frozen=True, kw_only=True)
class NetworkRequest(FamilyRequest):
    """A request for networks by name, or for those of a complexity level."""

    catalogue = "networks"
    networks: tuple[str, ...] = ()
    group: int | None = None
    size: int | None = None
    """Height and width of every input; None: each network's published size."""
    inputs: tuple[Input, ...] = ()
    """What a user's own networks are called with; empty for one image, or what their callables give."""
    errors: tuple[tuple[str, float], ...] = ()
    """Errors of networks in per cent, by name."""

    @property
    def widths(self) -> str:
        """The label "published": these networks have the channels of their papers."""
        return "published"

    def variants(self) -> Iterator[Variant]:
        """Yield the networks, the baseline first.

        Raises UserError if a network is unknown or its input is too small.
        """
        names = [network.name for network in members(self.group)] if self.group else self._names()
        if self.inputs and self.size:
            raise UserError(f"{given('size')} is of images: give the sizes in {given('inputs')}")
        errors = {NETWORKS.spelled(name): error for name, error in self.errors}
        for name in errors:
            if name not in names:
                raise unknown("network with an error", name, names)
        yield from (replace(_variant(name, self.size, self.inputs), top1_error=errors.get(name)) for name in names)

    def _names(self) -> list[str]:
        """Return the names, those with wildcards spelled out, each once."""
        shipped = [network.name for network in NETWORKS]
        spelled = (
            matching(name, shipped) if has_wildcards(name) else [NETWORKS.spelled(name)] for name in self.networks
        )
        return list(dict.fromkeys(each for names in spelled for each in names))

    def sized(self, size: int) -> "NetworkRequest":
        """Return the request at a size."""
        return replace(self, size=size)


def family_name(group: int | None) -> str:
    """Return the default name of a family of networks."""
    return f"networks-{group}" if group else "networks"


def named_networks(names: tuple[str, ...], size: int | None, inputs: Sequence[str] = ()) -> NetworkRequest:
    """Return the request of networks by name. Raises UserError if one is named twice, or an input is none."""
    if len(set(map(NETWORKS.spelled, names))) < len(names):
        raise UserError(f"a network is named twice: {' '.join(names)}")
    request = NetworkRequest(name=family_name(None), networks=names, size=size)
    if not inputs:
        return request
    batch, described = input_texts.read(inputs, "an input")
    return replace(request, batches=(batch,), inputs=described)


def network_named(name: str) -> Variant:
    """Return a network by name, as the command line takes it: built in, of a library, or a callable of one's own.

    Raises UserError if there is none.
    """
    return _variant(name, None, ())


def _variant(name: str, size: int | None, inputs: tuple[Input, ...]) -> Variant:
    """Return a network by name: built in, `library:model`, or `package.module:callable`."""
    if is_onnx(name):
        return onnx_variant(name, size, inputs)
    library, colon, model = name.partition(":")
    if name.endswith(".py"):
        raise UserError(f"{name!r} is a file: write {Path(name).stem}:callable, with what makes the network in it")
    if not colon and NETWORKS.get(name) is None and re.fullmatch(OWN, name.replace(".", ":", 1)):
        own = ":".join(name.rsplit(".", 1))
        raise UserError(f"{name!r} names no network: write {own} for a callable of your own")
    is_own = colon and not (library in LIBRARIES and model)
    if not colon and NETWORKS.get(name) is None:
        _refuse_part_of_name(name)
    if not colon:
        if inputs:
            raise UserError(
                f"inputs are for networks of your own or of a library: {name} takes one image; give {given('size')}"
            )
        return NETWORKS[name].variant(size)
    if size:  # as an input, so that example inputs do not replace it
        inputs = (Input((3, size, size)),)
    return _own(name, inputs) if is_own else _of_library(name, library, model, inputs)


def _refuse_part_of_name(name: str) -> None:
    """Raise UserError if the name is that of a module beside it, or begins those of networks that ship."""
    if (own := files.here() / f"{name}.py").is_file():
        names = formatting.named([f"{name}:{each}" for each in _callables_of(own)]) or f"{name}:callable"
        raise UserError(f"{name!r} names no network, but {own.name} is here: write {names}")
    begun = [each.name for each in NETWORKS if each.name.startswith(f"{name}-")]
    if begun:
        usual = next((each for each in begun if each.removeprefix(f"{name}-") in FULL_WIDTH), begun[0])
        raise UserError(f"{name!r} begins several names: did you mean {usual}? known: {', '.join(sorted(begun))}")


def _callables_of(file: Path) -> list[str]:
    """Return the names of a file's own functions and classes, those that begin with an underscore left out."""
    try:
        parts = ast.parse(files.read_text(file)).body
    except (SyntaxError, ValueError, UserError):
        return []
    named = (each for each in parts if isinstance(each, ast.FunctionDef | ast.ClassDef))
    return [each.name for each in named if not each.name.startswith("_")]


def _of_library(name: str, library: str, model: str, inputs: tuple[Input, ...]) -> Variant:
    refuse_missing(library)
    return _variant_of(name, f"{BUILT_IN}library/{library}", {"model": model}, inputs)


def _own(name: str, inputs: tuple[Input, ...]) -> Variant:
    if name.startswith(f"{BUILT_IN}network/"):
        raise UserError(f"{name!r} is how a run records it: write {name.rpartition('/')[2]}")
    as_file = re.fullmatch(AS_FILE, name)
    if as_file and (own := f"{as_file[1].strip('/').replace('/', '.')}:{as_file[2]}") != name:
        raise UserError(f"{name!r} names a file: write {own}, the module without .py and with dots")
    if name.startswith(("benchcli.", BUILT_IN)) or not re.fullmatch(OWN, name):
        raise UserError(
            f"{name!r} names no network: write a name of `benchcli list networks`, or package.module:callable"
        )
    return _variant_of(name, name, {}, inputs)


def _variant_of(name: str, builder: str, params: Mapping[str, Parameter], inputs: tuple[Input, ...]) -> Variant:
    shape = inputs[0].shape if inputs else (3, SIZE, SIZE)
    return Variant(name, builder, params, shape, str(next(iter(shape), "")), inputs=inputs)
