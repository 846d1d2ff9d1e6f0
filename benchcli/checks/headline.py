"""Summarise a check: how many of its networks have each outcome."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchcli import formatting
from benchcli.checks.findings import ORDER, REGRESSIONS, Finding, Outcome
from benchcli.grouping import groups


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

    @property
    def text(self) -> str:
        """The headline as a sentence, in which an outcome in capitals fails the check."""
        counts = ", ".join(f"{number} {word}" for word, number in self._by_word())
        return f"{formatting.counted(self.networks, 'network')}: {counts}" if counts else "nothing was looked at"

    def _by_word(self) -> list[tuple[str, int]]:
        judged = [(word(outcome), number) for outcome, number in self.outcomes.items() if outcome != "same"]
        allowed = [(word(outcome, is_allowed=True), number) for outcome, number in self.allowed.items()]
        same = [("same" if self.is_timed else "same costs", number)] if (number := self.outcomes.get("same")) else []
        return [*judged, *allowed, *same]


def headline_of(findings: Sequence[Finding]) -> Headline:
    """Return the headline of a check's findings."""
    networks = groups(findings, lambda finding: (finding.family, finding.variant)).values()
    return Headline(
        networks=len(networks),
        outcomes=_counts(_outcomes(of, allowed=False) or _nothing(of) for of in networks),
        allowed=_counts(_outcomes(of, allowed=True) for of in networks),
        is_timed=any(finding.subject == "time" for finding in findings),
    )


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
