"""Measure a guideline, a suite, or networks of the caller's own."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Unpack

from benchcli.api.results import Run
from benchcli.api.running import Settings, overrides_in, run
from benchcli.errors import UserError, unknown
from benchcli.schema import Family, Suite
from benchcli.workloads.guidelines.base import GUIDELINES
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides

ALL = "all"


def measure(
    what: "str | Mapping[str, Any]",
    *,
    inputs: Any = None,
    batch: int | Sequence[int] | None = None,
    dtype: str | Sequence[str] | None = None,
    layout: str | Sequence[str] | None = None,
    width: int | None = None,
    channels: str | None = None,
    scale: int | Sequence[int] | None = None,
    **settings: Unpack[Settings],
) -> Run:
    """Measure a guideline, a suite, or networks of your own.

    `what` is the name of a guideline ("g1" to "g4", or "all"), the name or path of a suite, or a
    mapping from names to networks: a `torch.nn.Module`, a function of a module that makes one, or
    "package.module:callable". The first network is the baseline. `inputs` belongs to a mapping: a
    tensor (batch, ...) or its shape, a tuple or list of tensors, or a dict of keyword arguments, all
    of which may be nested; by default (1, 3, 224, 224), or the callable's own `example_inputs`.

    `batch`, `dtype`, `layout` and `threads` take one value or several, which are compared with the
    first. `width`, `channels` and `scale` are for guidelines: a base width, a set of channels (paper,
    paper-arm, paper-gpu, aligned), factors.

    Raises UserError if the request cannot be measured, NothingMeasuredError if no network has a
    time, and UnfinishedError if measuring ended early: its `result` has what was finished.
    """
    overrides = overrides_in(
        settings, batch=batch, dtype=dtype, layout=layout, width=width, channels=channels, scale=scale
    )
    if isinstance(what, str):
        if inputs is not None:
            raise UserError("inputs belong to networks of your own: a guideline or a suite has its own")
        name, description, families = _named(what, overrides)
        return run(Suite(name, description, tuple(families)), settings)
    from benchcli.api.live_modules import Networks

    networks = Networks.of(what, inputs)
    families = networks.request.families(overrides)
    return run(Suite("custom", "", tuple(families)), networks.carried_by(settings))


def measure_suite(name_or_path: str, **settings: Any) -> Run:
    """Measure a suite, even one that is named like a guideline.

    Takes the same settings as `measure`, and raises the same errors.
    """
    from benchcli.workloads.suites import find_suite

    return measure(str(find_suite(name_or_path).path), **settings)


def _named(what: str, overrides: Overrides) -> tuple[str, str, Iterable[Family]]:
    """Return the name, the description and the families of a guideline or a suite."""
    what = what.lower() if GUIDELINES.get(what.lower()) else what
    if what == ALL or GUIDELINES.get(what):
        names = [each.name for each in GUIDELINES] if what == ALL else [what]
        families = [f for name in names for f in GuidelineRequest(guideline=name).families(overrides)]
        return f"guideline-{what}", "", families
    from benchcli.workloads.suites import families_of_suite, find_suite, is_path, shipped_suites

    if not is_path(what) and what not in (suites := [path.stem for path in shipped_suites()]):
        known = [*(each.name for each in GUIDELINES), ALL, *suites]
        raise UserError(f"{unknown('guideline or suite', what, known)}; or give the path of a TOML file")
    file = find_suite(what)
    return file.name, file.description, families_of_suite(file, overrides)
