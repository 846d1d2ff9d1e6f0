"""Lay judged claims out as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from benchcli.claims.base import Judged
from benchcli.pages import Page, Table

COLUMNS = ("claim", "verdict", "says", "source", "evidence")


def page(heading: str, footer: str, found: Sequence[Judged], environment: Mapping[str, Any]) -> Page:
    """Return the claims laid out: a row each, and the evidence below."""
    rows = tuple(
        {
            "claim": each.claim.name,
            "verdict": each.verdict,
            "says": each.claim.says,
            "source": each.claim.source,
            "evidence": " | ".join(f"{item.outcome}: {item.text}" for item in each.items),
        }
        for each in found
    )
    return Page(
        name="claims",
        heading=heading,
        tables=(
            Table(
                title="What the ShuffleNet papers claim, here",
                columns=("claim", "verdict", "what it says", "where"),
                words=4,
                rows=tuple((row["claim"], row["verdict"], row["says"], row["source"]) for row in rows),
                lines=tuple(f"{each.claim.name} {item.outcome}: {item.text}" for each in found for item in each.items),
            ),
        ),
        footer=footer,
        columns=COLUMNS,
        rows=rows,
        data={
            "environment": environment,
            "claims": [
                {**asdict(each.claim), "verdict": each.verdict, "evidence": [*map(asdict, each.items)]}
                for each in found
            ],
        },
    )
