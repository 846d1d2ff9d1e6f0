"""Count the costs of networks without measuring their time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Unpack

from benchcli.api.keywords import CostSettings, tools_of
from benchcli.api.live_modules import family_of
from benchcli.api.result import Result
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.reports.page import Page
from benchcli.reports.views import costs_page as view
from benchcli.sampling.supervise import Survey, refuse, survey
from benchcli.schema import INFERENCE, CostDetail, Costs, Failure, Family, Plan, Target
from benchcli.schema.warnings import RunWarning
from benchcli.settings import BY, COSTS, OWN_INPUTS, checked
from benchcli.spelling import given
from benchcli.workloads.overrides import Overrides

if TYPE_CHECKING:
    import pandas


@dataclass(repr=False)
class Counts(Result):
    """The costs of one call of each network."""

    family: Family
    """The networks, with their inputs."""
    costs: Mapping[str, Costs]
    """By name of the network; one whose `error` is set could not be counted."""
    details: Mapping[str, CostDetail]
    """By name of the network: a row for each operator call, and what other tools count."""
    failures: Mapping[str, Failure]
    """Why the others have no costs."""
    noticed: Mapping[str, tuple[RunWarning, ...]] = field(default_factory=dict)
    """By name of the network: what to mind of its outputs and dtypes."""
    by: str = view.NETWORK
    """What the rows of the page are: network, module, operator or call."""
    depth: int | None = None
    """The depth down to which the page has modules; None for all of them."""

    def _laid_out(self) -> Page:
        return view.page(self.family, self.costs, self.details, self.failures, self.noticed, self.by, self.depth)

    def calls(self) -> "pandas.DataFrame":
        """Return a row for each operator call of each network, in the order of the calls."""
        import pandas

        return pandas.DataFrame(view.call_rows(self.details))


def costs(*networks: object, inputs: object = None, **settings: Unpack[CostSettings]) -> Counts:
    """Count the costs of one call of each network, operator by operator, and measure no time.

    `networks` are networks, or one mapping from names to networks, as `measure` takes them, and so are
    `inputs`.
    `by` chooses the rows of the result's page: "network", "module" (each with what it calls), "operator"
    or "call"; with a `depth` they are modules, down to that depth. `meta` counts from shapes alone, so
    that networks need no memory: modules on the meta device and fake ones too. Rules of `cost_rule`
    apply. Raises UserError if a network or a setting is unknown or a rule is wrong, NothingMeasuredError
    if no network could be called.
    """
    values = checked(settings, [each for each in COSTS if each is not OWN_INPUTS])
    tools, by, depth = tools_of(values), values["by"], values["depth"]
    if depth is not None:
        if by not in (BY.default, view.MODULE):
            raise UserError(f"{given('depth')} is about modules: leave {given('by', by)} out")
        by = view.MODULE
    overrides = Overrides(
        batches=(values["batch"],) if values["batch"] else None, dtypes=(values["dtype"],), steps=(values["step"],)
    )
    if values["meta"] and values["step"] != INFERENCE:
        raise UserError(f"meta counts calls, and no step of {values['step']}: leave one of them out")
    family, payloads = family_of(networks, inputs, values["size"], overrides, values["meta"])
    with tools.workers() as launcher:
        target = Target(device=values["device"])
        counted = survey([family], target, Plan(), launcher, detailed=True, live=payloads, meta=values["meta"])
    return _counts(family, counted, by, depth)


def _counts(family: Family, counted: Survey, by: str, depth: int | None) -> Counts:
    refuse(counted.failures.by_key)
    failures = {variant: failure for (_, variant), failure in counted.failures.by_key.items()}
    if not counted.costs:
        raise NothingMeasuredError(f"nothing was counted: {next(iter(failures.values())).error}")
    costs = {variant: value for (_, variant), value in counted.costs.items()}
    details = {variant: value for (_, variant), value in counted.details.items()}
    noticed = {variant: value for (_, variant), value in counted.noticed.items()}
    return Counts(family, costs, details, failures, noticed, by, depth)
