"""Define claims, their evidence and the interface of a kind of claim."""

import tomllib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any, ClassVar, Literal

from benchcli.registry import Registry
from benchcli.schema import Breakdown, FamilyResult, Key, Outcome, Record

Part = Literal["for", "against", "undecided", "not judged", "unmeasured"]
ClaimVerdict = Literal["holds", "partly", "fails", "inconclusive", "not judged", "unmeasured"]
Platform = Literal["any", "arm", "gpu"]
"""Where a paper measured: its phone (arm), its card (gpu), or both or neither (any)."""
PLATFORMS: Mapping[Platform, str] = {"any": "", "arm": "ARM", "gpu": "GPU"}
"""Names of the platforms in texts."""


@dataclass(frozen=True)
class Claim:
    """A statement of a paper that a measurement can test."""

    name: str
    says: str
    source: str
    kind: str
    families: tuple[str, ...]
    """The families whose measurements judge the claim."""
    terms: Mapping[str, Any]
    """The further keys that the claim's kind requires."""
    platform: Platform = "any"
    """The platform about which the paper says it."""
    ours: bool = False
    """Whether no paper says it: we conclude it from the source."""

    @property
    def provenance(self) -> str:
        """The source with the platform, for people: "V2, Table 8 (ARM)", "ours, after V2"."""
        platform = f" ({PLATFORMS[self.platform]})" if PLATFORMS[self.platform] else ""
        return f"{'ours, after ' if self.ours else ''}{self.source}{platform}"


@dataclass(frozen=True)
class Item:
    """One piece of evidence and its outcome for the claim."""

    outcome: Part
    text: str


@dataclass(frozen=True)
class Judged:
    """A claim with its evidence."""

    claim: Claim
    items: tuple[Item, ...]

    @property
    def verdict(self) -> ClaimVerdict:
        """The verdict from the outcomes of all items.

        Items that are not judged do not count. holds: every other item is for the claim. fails:
        some are against it and none is for it. partly: some are against and some are for.
        unmeasured: no item was measured. not judged: no item counts. inconclusive: anything else.
        """
        outcomes = {item.outcome for item in self.items}
        if "against" in outcomes:
            return "partly" if "for" in outcomes else "fails"
        if not outcomes or outcomes == {"unmeasured"}:
            return "unmeasured"
        if outcomes <= {"not judged", "unmeasured"}:
            return "not judged"
        outcomes.discard("not judged")
        return "holds" if outcomes == {"for"} else "inconclusive"


@dataclass(frozen=True)
class Measurements:
    """All measurements that the claims are judged by."""

    results: Mapping[str, FamilyResult]
    """Results by family name."""
    breakdowns: Sequence[Breakdown] = ()

    def family(self, name: str) -> tuple[Record, ...]:
        """Return a family's records, the baseline first; empty if it was not measured."""
        return self.results[name].records if name in self.results else ()

    def record(self, family: str, variant: str) -> Record | None:
        """Return one record, or None if it was not measured."""
        return next((each for each in self.family(family) if each.variant.name == variant), None)

    def matching(self, family: str, patterns: Iterable[str]) -> list[Record]:
        """Return the records, except the baseline, whose variants match a pattern ("mobilenet-*")."""
        return [
            record
            for record in self.family(family)[1:]
            if any(fnmatchcase(record.variant.name, pattern) for pattern in patterns)
        ]

    def traced(self, key: Key) -> list[Breakdown]:
        """Return a variant's time breakdowns, one per launch."""
        return [each for each in self.breakdowns if each.key == key]


class Kind(ABC):
    """A way to judge claims. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    terms: ClassVar[tuple[str, ...]] = ()
    """The keys of a claim of this kind besides `COMMON_KEYS`; all are required."""
    traces: ClassVar[bool] = False
    """Whether this kind needs time breakdowns."""

    @abstractmethod
    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield the evidence for and against the claim."""


KINDS: Registry[Kind] = Registry("kind of claim", "benchcli.analysis.claims")
COMMON_KEYS = ("name", "says", "source", "kind", "families")
"""The keys of every claim."""
OPTIONAL_KEYS = ("platform", "ours")
"""Further keys that any claim may have."""


def claims() -> tuple[Claim, ...]:
    """Return the claims that ship. Raises ValueError if one lacks a key or has an extra one."""
    text = (files("benchcli") / "data" / "claims.toml").read_text(encoding="utf-8")
    return tuple(_claim(table) for table in tomllib.loads(text)["claim"])


def traced() -> tuple[str, ...]:
    """Return the families whose claims need time breakdowns."""
    return tuple(family for claim in claims() if KINDS[claim.kind].traces for family in claim.families)


def judged(measured: Measurements) -> list[Judged]:
    """Return every claim with the items that judge it."""
    return [Judged(claim, tuple(KINDS[claim.kind].items(claim, measured))) for claim in claims()]


def part(outcome: Outcome, expected: Outcome) -> Part:
    """Return what the outcome of a comparison means for a claim that expects `expected`."""
    if outcome == expected:
        return "for"
    if outcome == "not judged":
        return outcome
    return "undecided" if outcome == "inconclusive" else "against"


def item(supports: bool, text: str) -> Item:
    """Return evidence without uncertainty: for the claim if it supports it, else against it."""
    return Item("for" if supports else "against", text)


def unmeasured(text: str) -> Item:
    """Return an item for a missing measurement."""
    return Item("unmeasured", text)


def absent(family: str) -> Item:
    """Return an item for a family that is missing or differs from that of the suite `claims`."""
    return unmeasured(f"this run does not contain the family {family} of the suite `claims`")


def _claim(table: Mapping[str, Any]) -> Claim:
    terms = {key: value for key, value in table.items() if key not in (*COMMON_KEYS, *OPTIONAL_KEYS)}
    common = {key: table[key] for key in (*COMMON_KEYS, *OPTIONAL_KEYS) if key in COMMON_KEYS or key in table}
    kind = KINDS[common["kind"]]
    if set(terms) != set(kind.terms):
        raise ValueError(f"claim {common['name']}: one of kind {kind.name} has {', '.join(kind.terms) or 'no terms'}")
    return Claim(**{**common, "families": tuple(common["families"])}, terms=terms)
