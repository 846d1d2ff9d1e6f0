"""Compare the sum of all layers' times with the time of a call in which nothing is timed.

    python benchmarks/layer_sums.py [NETWORK ...] [--within 5]

For each network (all that ship, by default), in the six launches of `--layers`: the sum over the time,
the median with its 95 % interval over launches, and the first and the slowest of layers that are equal
in type and shapes, as a ratio. The last lines say how many networks are off by more than `--within` per
cent, for certain or in the median, and end with 1 if one is for certain.
"""

import argparse
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import benchcli
from benchcli.formatting import percent
from benchcli.grouping import groups
from benchcli.schema import Interval, Layers
from benchcli.statistics import interval_over_launches
from benchcli.workloads.networks.base import NETWORKS

LEAST_SHARE = 0.02
"""The least share of a call of a layer that is compared with its equals."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--within", type=float, default=5.0, metavar="PERCENT")
    given = parser.parse_args()
    names = given.networks or [network.name for network in NETWORKS]
    print(f"{'network':<24} {'sum / time':>10}  {'95 % interval':<17} first of equal layers / the others")
    sums = {name: _shown(name, traced(name)) for name in names}
    most = given.within / 100
    certain = [name for name, each in sums.items() if each.is_above(1 + most) or each.is_below(1 - most)]
    seeming = [name for name, each in sums.items() if abs(each.estimate - 1) > most]
    print(
        f"{len(sums)} networks: {len(seeming)} off by more than {given.within:g} % in the median: {', '.join(seeming)}"
    )
    print(f"{len(certain)} for certain: {', '.join(certain)}")
    return 1 if certain else 0


def traced(name: str) -> Sequence[Layers]:
    """Return the layers of a network, of six launches."""
    with tempfile.TemporaryDirectory() as place:
        return benchcli.measure(name, layers=True, launches=1, output=Path(place) / "run").details.layers


def _shown(name: str, launches: Sequence[Layers]) -> Interval:
    ratio = sum_over_time(launches)
    ends = f"{ratio.low or math.nan:.3f} to {ratio.high or math.nan:.3f}"
    first = first_over_others(launches)
    print(
        f"{name:<24} {ratio.estimate:>10.3f}  {ends:<17} {'-' if first is None else percent(first - 1, signed=True)}",
        flush=True,
    )
    return ratio


def sum_over_time(launches: Sequence[Layers]) -> Interval:
    """Return the sum of the layers' seconds over those of a call, with its interval over launches."""
    return interval_over_launches(
        {each.launch: math.log(sum(layer.seconds for layer in each.layers) / each.call_s) for each in launches}
    )


def first_over_others(launches: Sequence[Layers]) -> float | None:
    """Return the time of the first of layers that are equal in type and shapes over the median of the others.

    The median over all such groups of three or more, and over launches; None if there is no group.
    """
    ratios = []
    for each in launches:
        large = (layer for layer in each.layers if layer.seconds >= LEAST_SHARE * each.call_s)
        for alike in groups(large, lambda layer: (layer.kind, layer.inputs, layer.outputs, layer.flops)).values():
            ratios += [alike[0].seconds / median(layer.seconds for layer in alike[1:])] if len(alike) > 2 else []
    return median(ratios) if ratios else None


if __name__ == "__main__":
    sys.exit(main())
