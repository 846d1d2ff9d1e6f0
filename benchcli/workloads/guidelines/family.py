"""Turn what is asked of a guideline into families: variants at equal FLOPs, with their channels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchcli.errors import UserError, unknown
from benchcli.schema import Family, Variant
from benchcli.workloads.family import Request
from benchcli.workloads.guidelines.base import GUIDELINES, SIZE, Column, Guideline, Width, scaled
from benchcli.workloads.overrides import Overrides

NAMED_WIDTHS = ("paper", "paper-arm", "paper-gpu", "aligned")
"""The paper's channels for the kind of device, or for one kind whatever the device; or the aligned ones."""

Widths = str | int | tuple[Width, ...]
"""A set that has a name, a base width for the solver, or the channels of each value."""


@dataclass(frozen=True, kw_only=True)
class GuidelineRequest(Request):
    """One guideline at every combination of these settings."""

    guideline: str
    widths: Widths = "paper"
    values: tuple[str, ...] | None = None
    """Places on the guideline's axis, the baseline first; None: those that the widths have."""
    scales: tuple[int, ...] = (1,)
    size: int = SIZE

    @property
    def family_name(self) -> str:
        """The guideline's name, where nobody gave another."""
        return self.name or self.guideline

    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield a family for each scale, batch, dtype and layout. Raises UserError where channels do not fit."""
        given = replace(self, **overrides.of_channels())
        guideline = GUIDELINES[given.guideline]
        for scale in given.scales:
            for batch, dtype, layout, suffix in given.settings(overrides):
                yield Family(
                    name="-".join([given.family_name, f"x{scale}", *suffix]),
                    guideline=guideline.name,
                    scale=scale,
                    widths=_label(given.widths, overrides.column),
                    batch=batch,
                    dtype=dtype,
                    layout=layout,
                    variants=tuple(variants(guideline, given, overrides.column, scale)),
                )


def variants(guideline: Guideline, request: GuidelineRequest, column: Column, scale: int) -> Iterator[Variant]:
    """Yield the guideline's variants at one scale, the baseline first."""
    for value, width in _channels(guideline, request, column, scale):
        yield guideline.variant(value, width, request.size)


def _channels(guideline: Guideline, request: GuidelineRequest, column: Column, scale: int) -> list[tuple[str, Width]]:
    widths, values = request.widths, _values(guideline, request, column)
    if isinstance(widths, int):
        base = widths * scale
        least, most = guideline.base_widths
        if not least <= base <= most:
            raise UserError(f"{guideline.name} takes base widths from {least} to {most}, not {base}")
        return [(value, guideline.solve(value, base)) for value in values]
    if isinstance(widths, str):
        known = _named_widths(guideline, widths, column)
        for value in values:
            if value not in known:
                raise UserError(
                    f"{guideline.name} has no {_label(widths, column)} channels for {value}: "
                    f"known: {', '.join(known)}; a base width, such as 64, fits every value"
                )
        return [(value, scaled(known[value], scale)) for value in values]
    if len(widths) != len(values):
        raise UserError(f"{guideline.name} has {len(values)} values but {len(widths)} widths")
    return [(value, scaled(width, scale)) for value, width in zip(values, widths, strict=True)]


def _values(guideline: Guideline, request: GuidelineRequest, column: Column) -> Sequence[str]:
    if request.values is None:
        named = request.widths if isinstance(request.widths, str) else "paper"
        return list(_named_widths(guideline, named, column))
    values = [guideline.value(value) for value in request.values]
    doubled = sorted({value for value in values if values.count(value) > 1})
    if doubled:
        raise UserError(f"{guideline.name} has the value {doubled[0]} twice")
    if values[0] != guideline.baseline or len(values) < 2:
        raise UserError(
            f"{guideline.name}'s values must begin with its baseline {guideline.baseline} and go on to others"
        )
    return values


def _named_widths(guideline: Guideline, name: str, column: Column) -> dict[str, Width]:
    if name not in NAMED_WIDTHS:
        raise unknown("set of channels", name, NAMED_WIDTHS)
    if name == "aligned":
        return dict(guideline.aligned_widths)
    return dict(guideline.published_widths[paper_column(_label(name, column), column)])


def _label(widths: Widths, column: Column) -> str:
    if isinstance(widths, tuple):
        return "own"
    return f"paper-{column}" if widths == "paper" else str(widths)


def paper_column(label: str, column: Column) -> Column:
    """Return the paper's column that a family's widths name, or else that of its kind of device."""
    named: dict[str, Column] = {"paper-arm": "arm", "paper-gpu": "gpu"}
    return named.get(label, column)
