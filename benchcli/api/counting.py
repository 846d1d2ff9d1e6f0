"""Count the costs of networks without measuring their time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchcli.api.keywords import Tools, overrides_of, target_of
from benchcli.api.live_modules import Networks
from benchcli.api.results import Shown
from benchcli.api.whole_networks import named
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.reports.page import Page
from benchcli.reports.views import costs_page as view
from benchcli.sampling.supervise import Survey, refuse, survey
from benchcli.schema import CostDetail, Costs, Failure, Family, Plan

if TYPE_CHECKING:
    import pandas


@dataclass(repr=False)
class Counts(Shown):
    """The costs of one call of each network."""

    family: Family
    """The networks, with their inputs."""
    costs: Mapping[str, Costs]
    """By name of the network; one whose `error` is set could not be counted."""
    details: Mapping[str, CostDetail]
    """By name of the network: a row for each operator call, and what other tools count."""
    failures: Mapping[str, Failure]
    """Why the others have no costs."""
    by: str = view.NETWORK
    """What the rows of the page are: network, module, operator or call."""

    def _laid_out(self) -> Page:
        return view.page(self.family, self.costs, self.details, self.failures, self.by)

    def __repr__(self) -> str:
        return self.show()

    def calls(self) -> "pandas.DataFrame":
        """Return a row for each operator call of each network, in the order of the calls."""
        import pandas

        return pandas.DataFrame(view.call_rows(self.details))


def costs(
    *networks: "str | Mapping[str, Any]",
    inputs: Any = None,
    size: int | None = None,
    batch: int | None = None,
    dtype: str = "float32",
    device: str = "cpu",
    by: str = view.NETWORK,
    tools: Tools | None = None,
) -> Counts:
    """Count the costs of one call of each network, operator by operator, and measure no time.

    `networks` are names as `network` takes them, or one mapping from names to networks as `measure`
    takes it. `inputs` of names is texts as `network` takes them; of a mapping what `measure` takes. `by`
    chooses the rows of the result's page: "network", "module" (each with what it calls), "operator"
    or "call". Raises UserError if a network or a setting is unknown, NothingMeasuredError if no
    network could be called.
    """
    if by not in view.ROWS:
        raise UserError(f"by is one of {', '.join(view.ROWS)}, not {by!r}")
    settings: dict[str, Any] = {"tools": tools}
    target = target_of(device=device)
    request: Any
    if len(networks) == 1 and isinstance(networks[0], Mapping):
        if size is not None or batch is not None:
            raise UserError("size and batch belong to names of networks: give the inputs of a mapping")
        live = Networks.of(networks[0], inputs)
        request, settings = live.request, live.carried_by(settings)
        overrides = overrides_of(target, dtype=dtype)
    else:
        request = named(_names(networks), size, inputs or ())
        overrides = overrides_of(target, batch=batch, dtype=dtype)
    (family,) = request.families(overrides)
    with (settings["tools"] or Tools()).workers() as launcher:
        counted = survey([family], target, Plan(), launcher, detailed=True)
    return _counts(family, counted, by)


def _names(networks: Sequence[object]) -> tuple[str, ...]:
    names = tuple(name for name in networks if isinstance(name, str))
    if not names or len(names) < len(networks):
        raise UserError("costs takes names of networks, or one mapping from names to networks")
    return names


def _counts(family: Family, counted: Survey, by: str) -> Counts:
    found: dict[str, Mapping[str, Any]] = {
        name: {variant: value for (_, variant), value in table.items()}
        for name, table in (
            ("costs", counted.costs),
            ("details", counted.details),
            ("failures", counted.failures.by_key),
        )
    }
    refuse(counted.failures.by_key)
    if not found["costs"]:
        first = next(iter(found["failures"].values()))
        raise NothingMeasuredError(f"nothing was counted: {first.error}")
    return Counts(family, **found, by=by)
