"""Measure blocks and whole networks by name."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Unpack

from benchcli import validation
from benchcli.api.results import Run
from benchcli.api.running import Settings, overrides_in, run
from benchcli.errors import UserError
from benchcli.schema import Suite
from benchcli.workloads.blocks.block_request import ALL, BlockRequest
from benchcli.workloads.input_texts import read
from benchcli.workloads.networks.base import GROUPS
from benchcli.workloads.networks.network_request import NetworkRequest, family_name

NETWORK_BUDGET_S = 40.0
"""Seconds. It is larger than for guidelines, because a launch of whole networks takes seconds."""


def block(
    *names: str,
    width: int = BlockRequest.width,
    size: int | Sequence[int] = BlockRequest.size,
    units: int | None = BlockRequest.units,
    stride: int = BlockRequest.stride,
    batch: int | Sequence[int] | None = None,
    dtype: str | Sequence[str] | None = None,
    layout: str | Sequence[str] | None = None,
    **settings: Unpack[Settings],
) -> Run:
    """Measure the units of networks at equal FLOPs, by name; all of them where none is named.

    `width` is the channels of ShuffleNet V2's unit; the others get those of equal FLOPs. `size` is
    the height and width of the feature map that goes in, `units` how many stand in a chain (10, or
    1 of stride 2), `stride` 1 or 2. Raises what `measure` raises.
    """
    if len(set(names)) < len(names) or (ALL in names and len(names) > 1):
        raise UserError(f"a block is named twice: {' '.join(names)}")
    request = BlockRequest(
        blocks=names or (ALL,),
        width=validation.whole("a width", width, validation.WIDTHS),
        size=validation.whole("a size", first_of(size), validation.SIZES),
        units=None if units is None else validation.whole("the number of units", units, validation.UNITS),
        stride=validation.whole("a stride", stride, validation.STRIDES),
    )
    overrides = overrides_in(settings, batch=batch, dtype=dtype, layout=layout, sizes=several(size))
    return run(Suite("block", "", tuple(request.families(overrides))), {"budget": NETWORK_BUDGET_S, **settings})


def network(
    *names: str,
    group: int | Sequence[int] | None = None,
    size: int | Sequence[int] | None = None,
    inputs: str | Sequence[str] = (),
    errors: Mapping[str, float] | None = None,
    batch: int | Sequence[int] | None = None,
    dtype: str | Sequence[str] | None = None,
    layout: str | Sequence[str] | None = None,
    **settings: Unpack[Settings],
) -> Run:
    """Measure whole networks by name, or the groups of about so many MFLOPs.

    A name is of a network that ships, "torchvision:NAME" or "timm:NAME", or
    "package.module:callable". `size` is the height and width of every input; each network's own by
    default. `inputs` describes what networks of your own are called with, as --input does: one text
    for each, such as "1x3x224x224" or "ids=1x16:int64:0..29999". `errors` are top-1 errors in per cent,
    by name, for the Pareto front. Raises what `measure` raises.
    """
    if names and group is not None:
        raise UserError("give networks or a --group of them, not both")
    groups = GROUPS if group is None else (group,) if isinstance(group, int) else tuple(group)
    for each in groups:
        validation.whole("a group", each, validation.GROUPS)
    requests = (
        [named(names, first_of(size), inputs)]
        if names
        else [NetworkRequest(name=family_name(each), group=each, size=_pixels(first_of(size))) for each in groups]
    )
    known = tuple(
        (name, validation.top1_error(f"the error of {name}", error)) for name, error in (errors or {}).items()
    )
    requests = [replace(request, errors=known) for request in requests]
    overrides = overrides_in(settings, batch=batch, dtype=dtype, layout=layout, sizes=several(size))
    families = tuple(family for request in requests for family in request.families(overrides))
    return run(Suite("network", "", families), {"budget": NETWORK_BUDGET_S, **settings})


def named(names: tuple[str, ...], size: int | None, inputs: str | Sequence[str] = ()) -> NetworkRequest:
    """Return the request of networks by name. Raises UserError if one is named twice, or an input is none."""
    if len(set(names)) < len(names):
        raise UserError(f"a network is named twice: {' '.join(names)}")
    request = NetworkRequest(name=family_name(None), networks=names, size=_pixels(size))
    if not inputs:
        return request
    texts = [inputs] if isinstance(inputs, str) else list(inputs)
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"inputs of networks by name are texts such as '1x3x224x224', not {inputs!r}")
    batch, given = read(texts, "an input")
    return replace(request, batches=(batch,), inputs=given)


def _pixels(size: int | None) -> int | None:
    return None if size is None else validation.whole("a size", size, validation.SIZES)


def first_of(size: int | Sequence[int] | None) -> int | None:
    """Return the first of several sizes, or the only one."""
    return next(iter(size), None) if isinstance(size, list | tuple) else size  # type: ignore[return-value]


def several(size: int | Sequence[int] | None) -> Sequence[int] | None:
    """Return several sizes; None where there is one."""
    return size if isinstance(size, list | tuple) and len(size) > 1 else None
