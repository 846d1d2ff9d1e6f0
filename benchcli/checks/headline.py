"""Summarise a check: how many networks have each outcome, and the smallest slowdown that it would have found."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchcli import formatting
from benchcli.checks.findings import ORDER, REGRESSIONS, Finding, Outcome, is_far_beyond
from benchcli.grouping import groups
from benchcli.spelling import given


@dataclass(frozen=True)
class Headline:
    """The numbers of networks by outcome. A network counts under each of its outcomes."""

    networks: int
    outcomes: Mapping[Outcome, int]
    """The number of networks with each outcome, the most important first; `same`: nothing in it changed."""
    allowed: Mapping[Outcome, int]
    """The same for outcomes that the user declared as intended."""
    is_timed: bool
    """Whether the time of any network was looked at."""

    detectable: float | None
    """The largest minimum detectable effect of the networks whose time passed, as a factor; None if none did."""
    coarsest: str
    """The network in which that is so; empty if it is the same in all of them."""
    is_coarse: bool
    """Whether it is far beyond that network's interval, because single launches were far off."""
    above: Mapping[str, float]
    """The networks that passed though a slowdown of `limit` could hide in them, with what is detectable in each."""
    limit: float | None
    """The largest minimum detectable effect that the user accepts, as a fraction; None: any."""

    @property
    def text(self) -> str:
        """The headline as a sentence, in which an outcome in capitals fails the check."""
        counts = ", ".join(f"{number} {outcome}" for outcome, number in self._by_word())
        if not counts:
            return "nothing was looked at"
        several = ["a network counts under each of its outcomes"] if self._times_counted() > self.networks else []
        networks = formatting.counted(self.networks, "network")
        return "; ".join([f"{networks}: {counts}", *several, *self._detectable()])

    @property
    def bound(self) -> str:
        """The limit as the option that sets it; empty if there is none."""
        return "" if self.limit is None else f"{given('fail_if_mde_above')} {formatting.percent(self.limit)}"

    def _detectable(self) -> list[str]:
        """Return what the headline says of slowdowns that the check could not find."""
        if self.detectable is None:
            return []
        text = f"minimum detectable slowdown {formatting.percent(self.detectable - 1)}"
        if not self.above:
            why = ", where single launches were far off" if self.is_coarse else ""
            return [f"{text} (in {self.coarsest}{why})" if self.coarsest else text]
        names = [f"{name} ({formatting.percent(factor - 1)})" for name, factor in self.above.items()]
        return [f"{text}, NOT MEASURED well enough for {self.bound}: {formatting.named(names)}"]

    def _times_counted(self) -> int:
        return sum(self.outcomes.values()) + sum(self.allowed.values())

    def _by_word(self) -> list[tuple[str, int]]:
        judged = [(word(outcome), number) for outcome, number in self.outcomes.items() if outcome != "same"]
        allowed = [(word(outcome, is_allowed=True), number) for outcome, number in self.allowed.items()]
        same = [("same" if self.is_timed else "same costs", number)] if (number := self.outcomes.get("same")) else []
        return [*judged, *allowed, *same]


def headline_of(findings: Sequence[Finding], limit: float | None = None) -> Headline:
    """Return the headline of a check's findings, and of the largest minimum detectable effect that is accepted."""
    passed = {each.where: each.detectable for each in findings if each.may_hide(0) and each.detectable}
    coarsest = _coarsest(passed)
    networks = groups(findings, lambda finding: finding.key).values()
    return Headline(
        networks=len(networks),
        outcomes=_counts(_outcomes(of, allowed=False) or _nothing(of) for of in networks),
        allowed=_counts(_outcomes(of, allowed=True) for of in networks),
        is_timed=any(finding.subject == "time" for finding in findings),
        detectable=max(passed.values(), default=None),
        coarsest=coarsest,
        is_coarse=any(
            is_far_beyond(each.detectable, each.change)
            for each in findings
            if each.where == coarsest and each.detectable and each.change
        ),
        above={}
        if limit is None
        else {each.where: each.detectable or 1.0 for each in findings if each.may_hide(limit)},
        limit=limit,
    )


def _coarsest(detectable: Mapping[str, float]) -> str:
    """Return the network with the largest of several factors; empty if all of them read the same."""
    read = {formatting.percent(factor - 1) for factor in detectable.values()}
    return max(detectable, key=lambda where: detectable[where]) if len(read) > 1 else ""


def word(outcome: Outcome, is_allowed: bool = False) -> str:
    """Return an outcome as text, in capitals if it fails the check."""
    if is_allowed:
        return f"{outcome} (allowed)"
    return outcome.upper() if outcome in REGRESSIONS else outcome


def _outcomes(of_network: Sequence[Finding], allowed: bool) -> set[Outcome]:
    return {each.outcome for each in of_network if each.allowed == allowed} - {"same"}


def _nothing(of_network: Sequence[Finding]) -> set[Outcome]:
    """Return "same" for a network without another outcome, be it an allowed one."""
    return set() if any(each.allowed for each in of_network) else {"same"}


def _counts(several: Iterable[set[Outcome]]) -> dict[Outcome, int]:
    counted = Counter(outcome for outcomes in several for outcome in outcomes)
    return {outcome: counted[outcome] for outcome in ORDER if outcome in counted}
