"""Turn a request for a guideline into families of variants at equal FLOPs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

from benchcli.errors import UserError, unknown
from benchcli.schema import Family, Variant
from benchcli.settings import NAMED_WIDTHS
from benchcli.workloads.guidelines.base import EXPERIMENTS, SIZE, Column, Experiment, Width, scaled
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.requests import Request

ALL = "all"
"""The name of all guidelines together."""
Widths = str | int | tuple[Width, ...]
"""The name of a set, a base width for the solver, or the channels of each axis value."""


@dataclass(frozen=True, kw_only=True)
class GuidelineRequest(Request):
    """A request for one guideline at every combination of these settings."""

    guideline: str
    widths: Widths = "paper"
    values: tuple[str, ...] | None = None
    """Values of the guideline's axis, the baseline first; None: all values of the widths."""
    scales: tuple[int, ...] = (1,)
    size: int = SIZE

    @property
    def family_name(self) -> str:
        """The name given in the request, or else the guideline's."""
        return self.name or self.guideline

    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield a family for each scale, set of channels, batch, dtype, layout, step, threads and runtime.

        Raises UserError if the channels do not fit.
        """
        own = replace(self, **overrides.of_channels())
        several = overrides.widths or () if len(overrides.widths or ()) > 1 else ()
        requests = {f"-{name}": replace(own, widths=name) for name in several} or {"": own}
        guideline = EXPERIMENTS[own.guideline]
        for scale, (end, request) in product(own.scales, requests.items()):
            for setting in request.settings(f"{request.family_name}-x{scale}{end}", overrides):
                sized = request if setting.size is None else replace(request, size=setting.size)
                yield Family(
                    guideline=guideline.name,
                    scale=scale,
                    widths=_label(request.widths, overrides.column),
                    variants=tuple(variants(guideline, sized, overrides.column, scale)),
                    **setting.of_family,
                )


def variants(guideline: Experiment, request: GuidelineRequest, column: Column, scale: int) -> Iterator[Variant]:
    """Yield the guideline's variants at one scale, the baseline first."""
    for value, width in _channels(guideline, request, column, scale):
        yield guideline.variant(value, width, request.size)


def _channels(guideline: Experiment, request: GuidelineRequest, column: Column, scale: int) -> list[tuple[str, Width]]:
    widths, values = request.widths, _values(guideline, request, column)
    if isinstance(widths, int):
        base = widths * scale
        least, most = guideline.base_widths
        if not least <= base <= most:
            raise UserError(f"{guideline.name} takes base widths from {least} to {most}, not {base}")
        return [(value, guideline.solve(value, base)) for value in values]
    if isinstance(widths, str):
        named_widths = _named_widths(guideline, widths, column)
        for value in values:
            if value not in named_widths:
                raise UserError(
                    f"{guideline.name} has no {_label(widths, column)} channels for {value}: "
                    f"known: {', '.join(named_widths)}; a base width, such as 64, fits every value"
                )
        return [(value, scaled(named_widths[value], scale)) for value in values]
    if len(widths) != len(values):
        raise UserError(f"{guideline.name} has {len(values)} values but {len(widths)} widths")
    return [(value, scaled(width, scale)) for value, width in zip(values, widths, strict=True)]


def _values(guideline: Experiment, request: GuidelineRequest, column: Column) -> Sequence[str]:
    if request.values is None:
        set_name = request.widths if isinstance(request.widths, str) else "paper"
        return list(_named_widths(guideline, set_name, column))
    values = [guideline.value(value) for value in request.values]
    duplicates = sorted({value for value in values if values.count(value) > 1})
    if duplicates:
        raise UserError(f"{guideline.name} has the value {duplicates[0]} twice")
    if values[0] != guideline.baseline or len(values) < 2:
        raise UserError(
            f"{guideline.name}'s values must begin with its baseline {guideline.baseline} and go on to others"
        )
    return values


def _named_widths(guideline: Experiment, name: str, column: Column) -> dict[str, Width]:
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
    """Return the paper's column that a family's widths name, or else the column of its device."""
    named: dict[str, Column] = {"paper-arm": "arm", "paper-gpu": "gpu"}
    return named.get(label, column)
