"""What a claim is, what it is judged by, and how a kind of evidence is added."""

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, ClassVar, Literal

from benchcli.registry import Registry
from benchcli.schema import Breakdown, FamilyResult, Key, Record

Part = Literal["for", "against", "undecided", "unmeasured"]
Verdict = Literal["holds", "partly", "fails", "inconclusive", "unmeasured"]


@dataclass(frozen=True)
class Claim:
    """A sentence of a paper that a machine can test."""

    name: str
    says: str
    source: str
    kind: str
    families: tuple[str, ...]
    """Those whose evidence judges it."""
    terms: Mapping[str, Any]
    """What else its kind wants to know."""


@dataclass(frozen=True)
class Item:
    """One piece of evidence, and what it says of the claim."""

    outcome: Part
    text: str


@dataclass(frozen=True)
class Judged:
    """A claim with its evidence."""

    claim: Claim
    items: tuple[Item, ...]

    @property
    def verdict(self) -> Verdict:
        """holds where all evidence is for it, fails where some is against and none for it, partly where both are."""
        found = {item.outcome for item in self.items}
        if "against" in found:
            return "partly" if "for" in found else "fails"
        if not found or found == {"unmeasured"}:
            return "unmeasured"
        return "holds" if found == {"for"} else "inconclusive"


@dataclass(frozen=True)
class Evidence:
    """All that was measured."""

    results: Mapping[str, FamilyResult]
    """By family."""
    breakdowns: Sequence[Breakdown] = ()

    def family(self, name: str) -> tuple[Record, ...]:
        """Return a family's records, the baseline first; none where it was not measured."""
        return self.results[name].records if name in self.results else ()

    def record(self, family: str, variant: str) -> Record | None:
        """Return one record, or None where it was not measured."""
        return next((each for each in self.family(family) if each.variant.name == variant), None)

    def traced(self, key: Key) -> list[Breakdown]:
        """Return where a variant's time goes, launch by launch."""
        return [each for each in self.breakdowns if (each.family, each.variant) == key]


class Kind(ABC):
    """One way to judge claims. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    terms: ClassVar[tuple[str, ...]] = ()
    """What a claim of this kind must say besides."""
    traces: ClassVar[bool] = False
    """Whether it wants to know where the time goes."""

    @abstractmethod
    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the evidence, piece by piece."""


KINDS: Registry[Kind] = Registry("kind of claim", "benchcli.analysis.claims")
KNOWN = ("name", "says", "source", "kind", "families")


def claims() -> tuple[Claim, ...]:
    """Return the claims that ship. Raises ValueError where one lacks what its kind wants to know."""
    text = (files("benchcli") / "data" / "claims.toml").read_text(encoding="utf-8")
    return tuple(_claim(table) for table in tomllib.loads(text)["claim"])


def traced() -> tuple[str, ...]:
    """Return the families of which claims want to know where the time goes."""
    return tuple(family for claim in claims() if KINDS[claim.kind].traces for family in claim.families)


def judged(evidence: Evidence) -> list[Judged]:
    """Return every claim with its verdict on this evidence."""
    return [Judged(claim, tuple(KINDS[claim.kind].items(claim, evidence))) for claim in claims()]


def item(true: bool, text: str) -> Item:
    """Return evidence that leaves no doubt."""
    return Item("for" if true else "against", text)


def unmeasured(text: str) -> Item:
    """Return what stands for evidence that is not there."""
    return Item("unmeasured", text)


def absent(family: str) -> Item:
    """Return what stands for a family that was not measured, or not as the claims' suite has it."""
    return unmeasured(f"this run has no family {family} as the suite claims has it")


def _claim(table: Mapping[str, Any]) -> Claim:
    terms = {key: value for key, value in table.items() if key not in KNOWN}
    known = {key: table[key] for key in KNOWN}
    kind = KINDS[known["kind"]]
    if set(terms) != set(kind.terms):
        raise ValueError(f"claim {known['name']}: one of kind {kind.name} has {', '.join(kind.terms) or 'no terms'}")
    return Claim(**{**known, "families": tuple(known["families"])}, terms=terms)
