"""Lay out the table of a guideline: its families one below the other, and its verdicts."""

import math
from collections.abc import Sequence

from benchcli import formatting
from benchcli.analysis.equal_flops import EQUAL_FLOPS
from benchcli.analysis.paper_effect import PaperEffect, VectorFill, paper_speed
from benchcli.analysis.verdicts import Verdict, extreme
from benchcli.grouping import groups
from benchcli.reports.outcomes import sign_of
from benchcli.reports.page import Table, numbers, words
from benchcli.reports.views import cells
from benchcli.schema import FamilyResult, Record
from benchcli.spelling import given
from benchcli.workloads.guidelines.base import EXPERIMENTS

LEAST_ROUNDED = 5e-4
"""The least difference between two speeds that are printed with three decimals."""


def table(name: str, results: Sequence[FamilyResult], verdicts: Sequence[Verdict]) -> Table:
    """Return the table of one guideline."""
    guideline = EXPERIMENTS[name]
    extra = cells.differing(results)
    records = cells.records_of(results)
    mine = {result.family.name: paper_speed(extreme(result)) for result in results}
    several_scales = len({result.family.scale for result in results}) > 1
    details, brief = cells.noise_lines(records)
    return Table(
        key=name,
        title=f"{name.upper()}  {guideline.claim} {_at_what_flops(records)}",
        columns=(
            *([cells.families(records)] if cells.are_alike(results, extra) else []),
            words("scale", (f"×{record.family.scale}" for record in records), None if several_scales else 3),
            *cells.settings(records, extra),
            words(guideline.axis, (record.variant.name for record in records)),
            numbers("channels", (record.variant.channels for record in records), 1),
            *cells.costs(records, flops=4, deviation=2, access=7),
            *cells.times(records),
            *cells.step_parts(records, 3),
            *cells.converted(records, 5),
            cells.beside_baseline("paper", records, map(paper_speed, records), 6),
        ),
        lines=(
            *(_verdict_line(verdict, mine[verdict.family]) for verdict in verdicts if verdict.family in mine),
            *cells.warning_lines(records),
        ),
        details=details,
        brief=brief,
        groups=cells.sizes_of(results),
    )


def in_brief(judged: Sequence[Verdict]) -> str:
    """Return a guideline's verdicts in a few words, the most frequent first: "✓ holds at ×1, ×2; no effect at ×4"."""
    outcomes = groups(judged, lambda verdict: verdict.outcome)
    ordered = sorted(outcomes.items(), key=lambda each: -len(each[1]))
    if len(judged) == 1:
        return f"{sign_of(judged[0].outcome)} {judged[0].outcome}"
    texts = [f"{outcome} at {formatting.named(list(map(_short, of)))}" for outcome, of in ordered]
    return f"{sign_of(ordered[0][0])} {'; '.join(texts)}"


def _where(verdict: Verdict) -> str:
    """Return what tells a family from the others of its guideline: its scale, or else its name."""
    return f"×{verdict.scale}" if verdict.family == f"{verdict.guideline}-x{verdict.scale}" else verdict.family


def _short(verdict: Verdict) -> str:
    return _where(verdict).removeprefix(f"{verdict.guideline}-")


def _at_what_flops(records: Sequence[Record]) -> str:
    """Return the end of the title: whether the networks have equal FLOPs."""
    deviation = max((abs(record.flops_deviation or 0.0) for record in records), default=0.0)
    if deviation <= EQUAL_FLOPS:
        return "at equal FLOPs"
    return f"(FLOPs differ by up to {formatting.percent(deviation)})"


def _verdict_line(verdict: Verdict, published: float | None) -> str:
    outcome = f"{sign_of(verdict.outcome)} {_where(verdict)} {verdict.outcome}"
    if verdict.relative is None:
        return f"{outcome}: {verdict.advice}"
    measured = f"{verdict.variant} runs at {formatting.speed(verdict.relative)} of the speed of {verdict.baseline}"
    paper = f" (paper {published:.3f}{_of_paper(verdict, published)})" if published else ""
    undecided = verdict.outcome in {"no effect", "inconclusive"}
    bound = f" (threshold {formatting.percent(verdict.threshold)})" if undecided else ""
    advice = f"; {verdict.advice}" if verdict.advice else ""
    beside = f"; {_strength(verdict.paper, verdict.vectors)}" if verdict.paper else ""
    more = f"{beside}{_reordered(verdict)}{_modes(verdict)}{advice}"
    return f"{outcome}: {measured}{_converted(verdict)}{paper}{bound}{more}"


def _reordered(verdict: Verdict) -> str:
    """Return how often the runtime converts layouts in the two networks; empty if as often in both."""
    if verdict.reorders is None:
        return ""
    own = f"{formatting.often(verdict.reorders.variant)} in a call of {verdict.variant}"
    return (
        f"; the runtime converts layouts {own}, and {formatting.often(verdict.reorders.baseline)} of {verdict.baseline}"
    )


def _of_paper(verdict: Verdict, published: float) -> str:
    """Return the paper's speed at equal FLOPs as text; empty if it is as the paper printed it."""
    speed = verdict.paper.speed.estimate if verdict.paper else published
    return f", {speed:.3f} {cells.EQUAL_FLOPS}" if abs(speed - published) >= LEAST_ROUNDED else ""


def _strength(paper: PaperEffect, vectors: VectorFill | None) -> str:
    """Return how strong the effect is beside the paper's and, if it is stronger, what may be the reason."""
    strength = paper.strength
    if strength is None:
        return "the paper's figures are too round to have an effect here"
    if strength.is_below(0):
        return "the opposite of the paper's effect"
    if strength.holds(0):
        return f"at most {math.ceil(100 * (strength.high or 0.0)) / 100:.2f} times as strong as in the paper"
    if strength.holds(1):
        return f"as strong as in the paper, within the interval: {formatting.times(strength)} times"
    reason = f"; {_filling(vectors)}" if vectors and strength.is_above(1) else ""
    return f"{formatting.times(strength)} times as strong as in the paper{reason}"


def _filling(vectors: VectorFill) -> str:
    """Return how little of the vectors the channels fill, and how to measure without that."""
    channels = "×".join(map(str, dict.fromkeys(vectors.channels)))
    share, baseline = (formatting.percent(each, decimals=0) for each in (vectors.share, vectors.baseline_share))
    blocks = f"SIMD blocks of {vectors.lanes}×{vectors.lanes}"
    return (
        f"part may be padding ({channels} channels fill {share} of {blocks}, the baseline's {baseline}): "
        f"{given('channels', 'aligned')} has none"
    )


def _modes(verdict: Verdict) -> str:
    """Return what each mode of the launches says; empty if there is only one."""
    said = [
        f"{each.outcome} in {formatting.percent(each.share, decimals=0)} of the launches ({each.at_equal_flops:.2f})"
        for each in verdict.modes
    ]
    return f"; two modes: {' and '.join(said)}" if said else ""


def _converted(verdict: Verdict) -> str:
    """Return the speed at equal FLOPs as text; empty if FLOPs are equal or too different."""
    if verdict.at_equal_flops is None or abs(verdict.flops_deviation or 0.0) < cells.LEAST_DEVIATION:
        return ""
    return f", {formatting.speed(verdict.at_equal_flops)} {cells.EQUAL_FLOPS}"
