"""Layers, blocks and callables at many widths: what a sweep measures.

This module does not import torch.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final

from benchcli import files
from benchcli.errors import UserError, unknown
from benchcli.schema import Family, Input, Source, Variant
from benchcli.schema.request import SWEPT
from benchcli.spelling import given
from benchcli.workloads import input_texts, layer_chain
from benchcli.workloads.blocks.base import BLOCKS, STRIDES
from benchcli.workloads.layer_chain import Convolution, Linear
from benchcli.workloads.networks.network_request import network_named
from benchcli.workloads.requests import taken_from

SIZE, ROWS = 28, 196
MOST_POINTS = 2000
LEAST_WIDTHS = 3
"""The fewest widths of a line."""
Values = Mapping[str, Any]
Point = Mapping[str, int]
"""The value of each axis."""


@dataclass(frozen=True)
class SweptLine:
    """Networks that differ in one axis alone, measured beside each other."""

    family: Family
    """A variant for each value of its axis, whose names are the values, in rising order."""

    @property
    def values(self) -> tuple[int, ...]:
        """The values of the axis."""
        return tuple(int(each.name) for each in self.family.variants)

    def only(self, values: Sequence[int]) -> "SweptLine":
        """Return the line with some of its values."""
        kept = tuple(each for each in self.family.variants if int(each.name) in values)
        return replace(self, family=replace(self.family, variants=kept))


@dataclass(frozen=True)
class _Kind:
    """What can be swept: its axes with their values where nothing is given, and its variants."""

    axes: Mapping[str, tuple[int, ...]]
    make: Callable[[str, Point], Variant | None]
    """Returns the variant of a point, by its name; None where there is none, such as groups that do not divide."""
    batch: int = 1
    """That of its inputs, if nothing else is asked for."""


def lines(words: Sequence[str], values: Values) -> list[SweptLine]:
    """Return the lines of a sweep. Raises UserError if there is no such thing, or no axis has several values."""
    what = words[-1]
    if len(words) > 2 or (len(words) == 2 and words[0] != "block") or what == "block":
        raise UserError(
            f"{' '.join(words)!r} is nothing to sweep: give conv, linear, depthwise, block NAME, or a callable"
        )
    kind = _kind(what, values)
    axes = {name: tuple(sorted(several)) for name, several in _axes(what, kind, values).items()}
    axis = max(axes, key=lambda name: len(axes[name]))
    others = {name: several for name, several in axes.items() if name != axis}
    if sum(1 for _ in product(*axes.values())) > MOST_POINTS:
        raise UserError(f"the sweep has more than {MOST_POINTS} points: give larger steps")
    made = [
        _line(what, kind, axis, axes[axis], dict(zip(others, each, strict=True)), others)
        for each in product(*others.values())
    ]
    first = made[0].family.name if len(made) > 1 else ""
    found = [replace(each, family=replace(each.family, first=first, **_of_inputs(values, kind.batch))) for each in made]
    for each in found:
        if len(each.values) < LEAST_WIDTHS:
            of, such = (given(axis), "") if axis in values else (axis, f"{axis}=")
            divided = ", that its groups divide" if kind.axes.get("groups") else ""
            raise UserError(
                f"{each.family.name} has {len(each.values)} valid values of {of}: give at least {LEAST_WIDTHS}, such "
                f"as {such}32..256:8{divided}"
            )
    return found


def _kind(what: str, values: Values) -> _Kind:
    """Return what is swept, by its name."""
    if values["params"] or ":" in what:
        return _callable(what, values)
    if what in _LAYERS:
        return _LAYERS[what]
    block = BLOCKS.get(what)
    if block is None:
        raise unknown("thing to sweep", what, [*_LAYERS, *(each.name for each in BLOCKS)])
    return _Kind({"in_": (), "stride": (1,), "size": (SIZE,)}, lambda name, point: _of_block(block.name, name, point))


def _axes(what: str, kind: _Kind, values: Values) -> dict[str, tuple[int, ...]]:
    """Return the values of each axis: the given ones, or the kind's own. Raises UserError for axes of other kinds."""
    defaults = {"in_": None, "out": None, "groups": (1,), "kernel": (1,), "stride": (1,), "size": None}
    for name, default in defaults.items():
        if name not in kind.axes and values[name] not in (default, ()):
            raise UserError(f"{what} has no {name.rstrip('_')}: leave {given(name)} out")
    of_callable = dict(values["params"] or ())
    axes = {
        name: of_callable.get(name) or (values[name] if values.get(name) else None) or own
        for name, own in kind.axes.items()
    }
    if "in_" in axes and not axes["in_"]:
        raise UserError(f"there is nothing to sweep over: give {given('in_', '32..256:8')}")
    return {name: several for name, several in axes.items() if several}


def _line(
    what: str,
    kind: _Kind,
    axis: str,
    along: Sequence[int],
    fixed: Mapping[str, int],
    choices: Mapping[str, Sequence[int]],
) -> SweptLine:
    """Return the line of the values that exist, at fixed values of the other axes."""
    several = [f"{name.rstrip('_')[0]}{value}" for name, value in fixed.items() if len(choices[name]) > 1]
    variants = (kind.make(str(value), {**fixed, axis: value}) for value in along)
    family = Family(
        name="-".join([what.rpartition(":")[2], *several]),
        guideline="",
        scale=1,
        widths=f"{SWEPT}{axis.rstrip('_')}",
        batch=1,
        dtype="float32",
        layout="nchw",
        variants=tuple(filter(None, variants)),
    )
    return SweptLine(taken_from(Source(str(files.here()), "first"), family))


def _of_inputs(values: Values, batch: int) -> dict[str, Any]:
    return {"batch": batch} | {name: values[name] for name in ("batch", "dtype", "layout") if values[name]}


def _convolution(name: str, point: Point, depthwise: bool = False) -> Variant | None:
    c_in, kernel, size = point["in_"], point["kernel"], point["size"]
    c_out, groups = (c_in, c_in) if depthwise else (point.get("out", c_in), point["groups"])
    if c_in % groups or c_out % groups or kernel > size:
        return None
    square = (kernel, kernel)
    layer = Convolution(c_in, c_out, square, (point["stride"],) * 2, (kernel // 2,) * 2, groups=groups)
    return layer_chain.variant(name, (layer,), (c_in, size, size))


def _linear(name: str, point: Point) -> Variant:
    c_in = point["in_"]
    return layer_chain.variant(name, (Linear(c_in, point.get("out", c_in)),), (point["size"], c_in))


def _of_block(block: str, name: str, point: Point) -> Variant | None:
    width, size, stride = point["in_"], point["size"], point["stride"]
    if stride not in STRIDES:
        raise UserError(f"a block's stride is 1 or 2, not {stride}")
    if width % BLOCKS[block].multiple:
        return None
    params = {"channels": width, "units": 1, "stride": stride}
    return Variant(name, BLOCKS[block].builder, params, (width, size, size), str(width))


_LAYERS: Final[Mapping[str, _Kind]] = {
    "conv": _Kind(
        {"in_": (), "out": (), "groups": (1,), "kernel": (1,), "stride": (1,), "size": (SIZE,)}, _convolution
    ),
    "depthwise": _Kind(
        {"in_": (), "kernel": (3,), "stride": (1,), "size": (SIZE,)},
        lambda name, point: _convolution(name, point, depthwise=True),
    ),
    "linear": _Kind({"in_": (), "out": (), "size": (ROWS,)}, _linear),
}


def _callable(what: str, values: Values) -> _Kind:
    """Return a callable of the user's with its named parameters."""
    if not values["params"]:
        raise UserError(f"{what} has no parameters to sweep: give them, such as {given('params', 'width=32..256:8')}")
    own = network_named(what)
    if own.is_built_in or ":" not in own.builder:
        raise UserError(f"{what} has no parameters: sweep package.module:callable")

    def inputs_at(point: Point) -> tuple[int, tuple[Input, ...]]:
        texts = [_filled(each, point) for each in values["inputs"] or ()]
        return input_texts.read(texts) if texts else (1, ())

    def make(name: str, point: Point) -> Variant:
        _, inputs = inputs_at(point)
        shape = inputs[0].shape if inputs else own.shape
        return replace(own, name=name, params=dict(point), inputs=inputs, shape=shape, channels=name)

    axes = dict(values["params"])
    batch, _ = inputs_at({name: several[0] for name, several in axes.items()})
    return _Kind(axes, make, batch)


def _filled(text: str, point: Point) -> str:
    """Return the text of an input, with the values of parameters in place of their names in braces."""
    for name, value in point.items():
        text = text.replace(f"{{{name}}}", str(value))
    if "{" in text:
        raise UserError(f"{text[:80]!r} names what {given('params')} does not sweep: it sweeps {', '.join(point)}")
    return text
