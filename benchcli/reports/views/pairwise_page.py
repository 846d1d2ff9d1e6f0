"""Lay out the ranking of the networks of a run, and each two of them compared."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace

from benchcli import formatting
from benchcli.analysis.pairwise import NetworkPair, RankedNetwork, Ranking
from benchcli.formatting import UNKNOWN
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Page, Table, numbers, words
from benchcli.reports.views import cells
from benchcli.reports.views.run_page import footer, heading
from benchcli.runs.rows import Cell
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.summarise import OF_RELATIVE_SPEED
from benchcli.schema import Record
from benchcli.schema.environment import as_json
from benchcli.schema.warnings import RunWarning
from benchcli.spelling import given

COLUMNS = (
    *("run", "family", "faster", "slower", "speed", "speed_low", "speed_high", "outcome"),
    *("faster_median_s", "slower_median_s"),
)
MOST_PAIRS = 120
"""The most pairs of a table for people: those of 16 networks. Every format for programs has all of them."""


def page(run: SuiteRun, rankings: Sequence[Ranking]) -> Page:
    """Return the page: the ranking of each family, and its pairs."""
    pairs = [pair for ranking in rankings for pair in ranking.pairs]
    ranked = [network for ranking in rankings for network in ranking.networks]
    rows = tuple(_row(run, pair) for pair in pairs)
    return Page(
        name=run.suite_name,
        heading=heading(run),
        tables=(_ranking(run, ranked, rankings), _pairs(pairs, rankings)),
        footer=footer(run),
        columns=COLUMNS,
        rows=rows,
        identity=("family", "faster", "slower"),
        leading=("speed", "speed_low", "speed_high", "outcome"),
        data={
            "environment": as_json(run.environment),
            "ranking": [_place_row(each) for each in ranked],
            "pairs": list(rows),
        },
    )


def _ranking(run: SuiteRun, ranked: Sequence[RankedNetwork], rankings: Sequence[Ranking]) -> Table:
    records = [each.record for each in ranked]
    every = [replace(each, warnings=_of_one(each)) for each in run.records]
    details, brief = cells.noise_lines(every)
    return Table(
        key="ranking",
        title="Ranking, the fastest first",
        columns=(
            *([cells.families(records)] if len(rankings) > 1 else []),
            words("place", map(_place, ranked)),
            words("network", (each.variant.name for each in records)),
            numbers("time ms", map(cells.time, records)),
            numbers("times as fast as the next", (_speed(each.lead, each.record) for each in ranked)),
        ),
        lines=tuple(cells.warning_lines(every)),
        details=details,
        brief=brief,
        groups=tuple(len(ranking.networks) for ranking in rankings),
    )


def _of_one(record: Record) -> tuple[RunWarning, ...]:
    """Return the warnings that are about a network alone, and not about it beside the run's baseline."""
    return tuple(each for each in record.warnings if each.kind not in OF_RELATIVE_SPEED)


def _place(ranked: RankedNetwork) -> str:
    return str(ranked.best) if ranked.best == ranked.worst else f"{ranked.best} to {ranked.worst}"


def _speed(pair: NetworkPair | None, record: Record) -> str:
    """Return how many times as fast the record is as the other of the pair."""
    if pair is None:
        return UNKNOWN
    return formatting.speed(pair.speed if pair.faster is record else pair.speed.inverse)


def _pairs(pairs: Sequence[NetworkPair], rankings: Sequence[Ranking]) -> Table:
    shown = pairs[:MOST_PAIRS]
    return Table(
        key="pairs",
        title="Each two networks",
        columns=(
            *([cells.families([each.faster for each in shown])] if len(rankings) > 1 else []),
            words("network", (each.faster.variant.name for each in shown)),
            words("outcome", (signed(each.outcome) for each in shown)),
            words("than", (each.slower.variant.name for each in shown)),
            numbers("times as fast", (formatting.speed(each.speed) for each in shown)),
        ),
        lines=tuple(_below(pairs)),
    )


def _below(pairs: Sequence[NetworkPair]) -> Iterator[str]:
    """Yield why pairs are not judged, what is left out, and how far to trust many intervals at once."""
    yield from cells.not_judged([each for pair in pairs for each in (pair.faster, pair.slower)])
    if len(pairs) > MOST_PAIRS:
        yield f"{len(pairs) - MOST_PAIRS} more pairs: {given('format_', 'csv')} has all of them"
    if len(pairs) > 1:
        yield (
            f"each of the {len(pairs)} intervals is of 95 %, and alone: of networks that are equally fast, one pair in "
            "20 would seem to differ"
        )


def _row(run: SuiteRun, pair: NetworkPair) -> Mapping[str, Cell]:
    ends = asdict(pair.speed)
    values = {
        "run": str(run.folder),
        "family": pair.faster.family.name,
        "faster": pair.faster.variant.name,
        "slower": pair.slower.variant.name,
        "speed": ends["estimate"],
        "speed_low": ends["low"],
        "speed_high": ends["high"],
        "outcome": pair.outcome,
        "faster_median_s": _seconds(pair.faster),
        "slower_median_s": _seconds(pair.slower),
    }
    return {name: values[name] for name in COLUMNS}


def _seconds(record: Record) -> float | None:
    return record.timing.seconds.estimate if record.timing else None


def _place_row(ranked: RankedNetwork) -> Mapping[str, Cell]:
    record = ranked.record
    return {
        "family": record.family.name,
        "network": record.variant.name,
        "best_place": ranked.best,
        "worst_place": ranked.worst,
        "median_s": _seconds(record),
    }
