"""Judge the claim that FLOPs are an indirect metric of time."""

import re
from collections.abc import Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Item, Kind, Measurements, absent, item, unmeasured
from benchcli.analysis.equal_flops import EQUAL_FLOPS, at_equal_flops, distrust, has_equal_flops
from benchcli.analysis.fit import Metric, Point, Prediction, best, predictions
from benchcli.noise.diagnosis import host_was_timed
from benchcli.schema import Record

DIFFERENT = 1.10
"""The ratio of speeds at equal FLOPs above which FLOPs do not predict time."""
LEAST_POINTS, LEAST_ARCHITECTURES = 8, 3
"""The number of networks, and of architectures, that a prediction of time needs."""
MOST_ERROR = 0.10
"""The median relative error of the best prediction from FLOPs above which FLOPs do not predict time."""
METRICS: tuple[Metric, ...] = ("FLOPs", "memory access", "FLOPs and memory access")


class Indirect(Kind):
    """Networks of equal FLOPs differ in speed, and FLOPs alone do not predict time."""

    name = "indirect"

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield the range of speeds in each family, then how well each metric predicts time."""
        for family in claim.families:
            yield _range(family, measured.family(family))
        networks = points(measured)
        if len(networks) >= LEAST_POINTS and len({each.architecture for each in networks}) >= LEAST_ARCHITECTURES:
            yield _prediction(networks)


def _range(family: str, records: Sequence[Record]) -> Item:
    """Compare the highest and the lowest FLOP rate of networks whose FLOPs equal the baseline's."""
    if not records:
        return absent(family)
    alike = [
        record for record in records if has_equal_flops(record) and not (distrust(record) or host_was_timed(record))
    ]
    rates = {record.variant.name: rate for record in alike if (rate := at_equal_flops(record))}
    if len(rates) < 2:
        return unmeasured(f"{family}: fewer than two networks of equal FLOPs with an undisturbed time")
    ordered = sorted(rates, key=lambda name: rates[name].estimate)
    slow, fast = rates[ordered[0]], rates[ordered[-1]]
    text = (
        f"{family}, FLOPs within {formatting.percent(EQUAL_FLOPS, decimals=0)}: {ordered[-1]} does "
        f"{fast.estimate / slow.estimate:.2f} times the FLOPs per second of {ordered[0]}"
    )
    if fast.low is None or slow.high is None or fast.high is None or slow.low is None:
        return Item("undecided", text)
    if fast.low / slow.high > DIFFERENT:
        return Item("for", text)
    return Item("against" if fast.high / slow.low < DIFFERENT else "undecided", text)


def points(measured: Measurements) -> list[Point]:
    """Return every network of the catalogue `networks` with its time, once per name."""
    by_name: dict[str, Point] = {}
    for result in measured.results.values():
        for record in result.records:
            name, timing, costs = record.variant.name, record.timing, record.costs
            if result.family.catalogue == "networks" and timing and costs and costs.flops_complete:
                point = Point(architecture(name), costs.flops, costs.mac_bytes, timing.seconds.estimate)
                by_name.setdefault(name, point)
    return list(by_name.values())


def architecture(name: str) -> str:
    """Return the architecture of a network: "mobilenet-v2" of "mobilenet-v2-0.75"."""
    match = re.match(r"[a-z]+(-v\d+)?(?=-|$)", name)
    return match[0] if match else name


def _prediction(points: Sequence[Point]) -> Item:
    """Return how well two fitted parameters predict architectures that were left out of the fit.

    Predictors with equal numbers of parameters are compared: with more parameters, any metric fits
    better.
    """
    candidates = predictions(points)
    flops, *others = (best(candidates, metric, 2) for metric in METRICS)
    compared = "; ".join(f"{each.predictor.metric} {_error(each)}" for each in others)
    return item(
        flops.error > MOST_ERROR,
        f"FLOPs predict the time of {len(points)} networks, each from other architectures and with two parameters, "
        f"with a median error of {_error(flops)}, and over {formatting.percent(MOST_ERROR, decimals=0)} supports the "
        f"claim; for comparison: {compared}",
    )


def _error(prediction: Prediction) -> str:
    return f"{formatting.percent(prediction.error)} ({prediction.predictor.formula})"


KINDS.add(Indirect())
