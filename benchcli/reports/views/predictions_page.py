"""Lay out predicted times of networks, beside what simpler models predict."""

from collections.abc import Iterator, Mapping, Sequence

from benchcli import formatting
from benchcli.analysis.time_model import NetworkPrediction
from benchcli.formatting import UNKNOWN
from benchcli.reports.page import Cell, Page, Table, numbers, words
from benchcli.schema import Failure
from benchcli.spelling import given

COLUMNS = (
    *("network", "predicted_s", "low_s", "high_s", "by_flops_s", "by_bytes_s", "additive_s"),
    *("operators", "lacking", "unlike", "disturbed", "failure"),
)
WIDE = 0.25
"""The half-width of a range that says more of the calibration than of the network."""
LACKS = "+ ?"
"""Stands behind a time that lacks operators."""


def page(
    predictions: Sequence[NetworkPrediction], failures: Mapping[str, Failure], machine: str, reference_s: float
) -> Page:
    """Return the page: a row for each network, and an object for JSON."""
    rows = tuple(_rows(predictions, failures))
    return Page(
        name="predictions",
        heading=f"Predicted time of a call · {machine}",
        tables=(_table(predictions, failures, reference_s),),
        footer="",
        columns=COLUMNS,
        rows=rows,
        identity=COLUMNS[:1],
        data={"machine": machine, "reference_s": reference_s, "predictions": [dict(each) for each in rows]},
    )


def _rows(predictions: Sequence[NetworkPrediction], failures: Mapping[str, Failure]) -> Iterator[dict[str, Cell]]:
    for each in predictions:
        yield {
            "network": each.name,
            "predicted_s": each.seconds.estimate,
            "low_s": each.seconds.low,
            "high_s": each.seconds.high,
            "by_flops_s": each.by_flops_s,
            "by_bytes_s": each.by_bytes_s,
            "additive_s": each.additive_s,
            "operators": each.operators,
            "lacking": "; ".join(each.lacking),
            "unlike": each.unlike,
            "disturbed": "; ".join(each.disturbed),
            "failure": "",
        }
    for name, failure in failures.items():
        unknown: dict[str, Cell] = dict.fromkeys(COLUMNS)
        yield {**unknown, "network": name, "lacking": "", "unlike": "", "disturbed": "", "failure": failure.error}


def _table(predictions: Sequence[NetworkPrediction], failures: Mapping[str, Failure], reference_s: float) -> Table:
    unpredicted = [UNKNOWN] * len(failures)
    simpler = {
        "by FLOPs": [each.by_flops_s for each in predictions],
        "by bytes": [each.by_bytes_s for each in predictions],
        "additive": [each.additive_s for each in predictions],
    }
    return Table(
        "Predicted times",
        (
            words("network", [*(each.name for each in predictions), *failures]),
            numbers("time ms", [*map(_time, predictions), *unpredicted]),
            numbers("95 % range", [*map(_range, predictions), *unpredicted]),
            *(
                numbers(heading, [*map(formatting.milliseconds, seconds), *unpredicted], priority=1)
                for heading, seconds in simpler.items()
            ),
            numbers("operators", [*(str(each.operators) for each in predictions), *unpredicted]),
        ),
        tuple(_lines(predictions, failures, reference_s)),
    )


def _time(each: NetworkPrediction) -> str:
    known = formatting.milliseconds(each.seconds.estimate) if each.seconds.estimate else UNKNOWN
    return f"{known} {LACKS}" if each.lacking else known


def _range(each: NetworkPrediction) -> str:
    low, high = each.seconds.low, each.seconds.high
    if low is None or high is None:
        return UNKNOWN
    return f"{formatting.milliseconds(low)} to {formatting.milliseconds(high)}"


def _lines(
    predictions: Sequence[NetworkPrediction], failures: Mapping[str, Failure], reference_s: float
) -> Iterator[str]:
    yield "from the times of operators alone; by FLOPs, by bytes, additive: what simpler models predict, in ms"
    yield (
        f"at the pace at which the reference network takes {formatting.short(reference_s)}: in a slower state of the "
        "machine all of them take longer, so that ratios are surer than times"
    )
    halves = [half for each in predictions if (half := each.seconds.relative_half_width) is not None]
    if max(halves, default=0.0) > WIDE:
        yield (
            f"the ranges are wide because the networks of the calibration were predicted no better: if other work ran "
            f"when it was made, {given('fresh')} makes it anew"
        )
    for each in predictions:
        if each.lacking:
            yield f"{each.name}: {LACKS} is {formatting.named(each.lacking)}, of which the table has no time"
        if each.unlike:
            yield f"{each.name}: no range, and a time that may be far off: {each.unlike}"
        if each.disturbed:
            yield (
                f"{each.name}: probably less: other work took the core whenever {formatting.named(each.disturbed)} "
                "was timed; the next prediction times it again"
            )
    for name, failure in failures.items():
        yield f"{name}: {failure.error}"
