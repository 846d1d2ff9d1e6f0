"""Lay judged claims out as a page."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, get_args

from benchcli.analysis.claims.base import Judged, Verdict
from benchcli.report.page import Page, Table

COLUMNS = ("claim", "verdict", "says", "source", "evidence")
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)


def page(
    heading: str, footer: str, found: Sequence[Judged], warnings: Sequence[str], environment: Mapping[str, Any]
) -> Page:
    """Return the claims laid out: a row each, and their evidence in a table of its own."""
    return Page(
        name="claims",
        heading=heading,
        tables=(_verdicts(found), _evidence(found, warnings)),
        footer=footer,
        columns=COLUMNS,
        rows=tuple(
            {
                "claim": each.claim.name,
                "verdict": each.verdict,
                "says": each.claim.says,
                "source": each.claim.source,
                "evidence": " | ".join(f"{item.outcome}: {item.text}" for item in each.items),
            }
            for each in found
        ),
        data={
            "environment": environment,
            "claims": [
                {**asdict(each.claim), "verdict": each.verdict, "evidence": [asdict(item) for item in each.items]}
                for each in found
            ],
        },
    )


def _verdicts(found: Sequence[Judged]) -> Table:
    counts = Counter(each.verdict for each in found)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return Table(
        title="What the ShuffleNet papers claim, here",
        columns=("claim", "verdict", "what it says", "where"),
        words=4,
        rows=tuple((each.claim.name, each.verdict, each.claim.says, each.claim.source) for each in found),
        lines=(f"{len(found)} claims: {told}",),
    )


def _evidence(found: Sequence[Judged], warnings: Sequence[str]) -> Table:
    return Table(
        title="Evidence",
        columns=("claim", "", ""),
        words=3,
        rows=tuple(row for each in found for row in _rows(each)),
        lines=tuple(warnings),
    )


def _rows(judged: Judged) -> Iterator[tuple[str, ...]]:
    """Yield a row for each piece of evidence; the first one names the claim."""
    for number, item in enumerate(judged.items):
        yield "" if number else judged.claim.name, item.outcome, item.text
