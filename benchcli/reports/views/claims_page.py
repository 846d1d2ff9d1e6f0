"""Lay out the papers' claims, judged by a run, as a page."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import get_args

from benchcli import formatting
from benchcli.analysis.claims.base import ClaimVerdict, Judged, Measurements, judged
from benchcli.analysis.claims.speed import ABOUT, COMPARABLE
from benchcli.analysis.equal_flops import EFFECT, EQUAL_FLOPS
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Page, Table, words
from benchcli.reports.views import breakdown_table as breakdowns
from benchcli.reports.views.cells import noise_lines, records_of, warning_lines
from benchcli.reports.views.run_page import footer, heading
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Family, FamilyResult
from benchcli.schema.environment import as_json

COLUMNS = ("claim", "verdict", "says", "source", "evidence")
RULES = (
    f"speeds are judged at equal FLOPs and count from {formatting.percent(EFFECT, decimals=0)}; FLOPs that differ by "
    f"over {formatting.percent(EQUAL_FLOPS, decimals=0)} are not judged; about: within a factor of {ABOUT:g}; "
    f"comparable: within a factor of {COMPARABLE:.2f}"
)
"""The thresholds of all kinds of claims."""
VERDICTS: tuple[ClaimVerdict, ...] = get_args(ClaimVerdict)


def page(report: SuiteRun, families: Iterable[Family]) -> Page:
    """Return the page: a table of the verdicts, and a table of the evidence."""
    results = _evidence_of(report, families)
    records = records_of(tuple(results.values()))
    warnings = (*warning_lines(records), *breakdowns.lines(records, report.breakdowns, report.untraced))
    claims = judged(Measurements(results, report.breakdowns))
    return Page(
        name="claims",
        heading=heading(report),
        tables=(_verdicts(claims), _evidence(claims, warnings, *noise_lines(records))),
        footer=footer(report),
        columns=COLUMNS,
        identity=COLUMNS[:1],
        rows=tuple(
            {
                "claim": each.claim.name,
                "verdict": each.verdict,
                "says": each.claim.says,
                "source": each.claim.provenance,
                "evidence": " | ".join(f"{item.outcome}: {item.text}" for item in each.items),
            }
            for each in claims
        ),
        data={
            "environment": as_json(report.environment),
            "claims": [
                {**asdict(each.claim), "verdict": each.verdict, "evidence": [asdict(item) for item in each.items]}
                for each in claims
            ],
        },
    )


def judged_by(report: SuiteRun, families: Iterable[Family]) -> list[Judged]:
    """Return every claim with its verdict and its evidence in a run."""
    return judged(Measurements(_evidence_of(report, families), report.breakdowns))


def _evidence_of(report: SuiteRun, families: Iterable[Family]) -> dict[str, FamilyResult]:
    """Return the results of a run whose families are those of the claims' suite, by name."""
    wanted = {family.name: family for family in families}
    return {each.family.name: each for each in report.results if each.family == wanted.get(each.family.name)}


def _verdicts(claims: Sequence[Judged]) -> Table:
    counts = Counter(each.verdict for each in claims)
    outcomes = ", ".join(f"{verdict} {counts[verdict]}" for verdict in VERDICTS if counts[verdict])
    return Table(
        title="Claims of the ShuffleNet papers, judged on this machine (ARM, GPU: where the paper says it)",
        columns=(
            words("claim", (each.claim.name for each in claims)),
            words("verdict", (signed(each.verdict) for each in claims)),
            words("text", (each.claim.says for each in claims)),
            words("source", (each.claim.provenance for each in claims), 1),
        ),
        lines=(f"{len(claims)} claims: {outcomes}",),
    )


def _evidence(claims: Sequence[Judged], warnings: Sequence[str], details: tuple[str, ...], brief: str) -> Table:
    return Table(
        title="Evidence",
        columns=(
            # The first piece of evidence names the claim.
            words("claim", ("" if number else each.claim.name for each in claims for number in range(len(each.items)))),
            words("supports it", (signed(item.outcome) for each in claims for item in each.items)),
            words("evidence", (item.text for each in claims for item in each.items)),
        ),
        lines=(RULES, *warnings),
        details=details,
        brief=brief,
        groups=tuple(len(each.items) for each in claims),
    )
