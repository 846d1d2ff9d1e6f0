"""Does a search by predicted times find networks that are fast? Rank variants of ShuffleNet V2, and measure some.

    python benchmarks/search_ranking.py [--variants 2000] [--random 40] [--best 10] [--launches 6]

Of the variants of docs/search_units.py, so many at random and the best predicted ones are measured beside each other.
It prints Kendall's tau of predicted and measured times over those at random, with the same of FLOPs alone, of bytes
alone and of the additive model; how the best predicted ones do; and the time of a prediction. About five minutes.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from statistics import median

import benchcli
from benchcli.formatting import percent
from benchcli.system.machine import cpu_model

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from search_units import Candidate, Lists, candidates

MODELS = ("seconds", "by_flops_s", "by_bytes_s", "additive_s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=2000)
    parser.add_argument("--random", type=int, default=40)
    parser.add_argument("--best", type=int, default=10)
    parser.add_argument("--launches", type=int, default=6)
    given = parser.parse_args()
    predictor = benchcli.TimePredictor()
    print(f"{cpu_model()} · {predictor.machine}")
    listed = Lists(predictor)
    begun = time.perf_counter()
    predictor.measure(listed.all())
    print(f"{len(listed.all())} parts: what was not known of them took {time.perf_counter() - begun:.0f} s to time")
    variants = candidates(given.variants, listed)
    lists = {each: listed.of(each) for each in variants}
    begun = time.perf_counter()
    found = {each: predictor.predict(lists[each], each.name) for each in variants}
    print(f"{len(variants)} predictions took {(time.perf_counter() - begun) / len(variants) * 1e3:.2f} ms each")
    ranked = sorted(variants, key=lambda each: found[each].seconds.estimate)
    drawn = random.Random(1).sample(variants, given.random)
    measured = measure([*dict.fromkeys([*drawn, *ranked[: given.best]])], given.launches)
    for model in MODELS:
        predicted = [
            found[each].seconds.estimate if model == "seconds" else float(getattr(found[each], model)) for each in drawn
        ]
        tau = kendall(predicted, [measured[each.name] for each in drawn])
        print(f"Kendall's tau over {len(drawn)} at random, {model.removesuffix('_s')}: {tau:.3f}")
    errors = [found[each].seconds.estimate / measured[each.name] - 1 for each in drawn]
    print(
        f"error of those: {percent(median(errors), signed=True)}, in size {percent(median(map(abs, errors)))} (medians)"
    )
    best, others = ([measured[each.name] for each in several] for several in (ranked[: given.best], drawn))
    print(f"the {len(best)} best predicted: {span(best)} ms; those at random: {span(others)} ms")
    return 0


def span(seconds: Sequence[float]) -> str:
    """Return the least, the median and the most, in milliseconds."""
    return " / ".join(f"{each * 1e3:.2f}" for each in (min(seconds), median(seconds), max(seconds)))


def measure(chosen: Sequence[Candidate], launches: int) -> dict[str, float]:
    """Return the measured seconds of candidates, by name."""
    with tempfile.TemporaryDirectory() as folder:
        networks = {each.name: each.build() for each in chosen}
        run = benchcli.measure(networks, inputs=(1, 3, 224, 224), launches=launches, output=Path(folder) / "run")
    return {each.variant.name: each.timing.seconds.estimate for each in run.records if each.timing}


def kendall(one: Sequence[float], other: Sequence[float]) -> float:
    """Return Kendall's tau-a (Kendall, 1938): concordant minus discordant pairs, over all pairs."""
    pairs = list(combinations(range(len(one)), 2))
    signs = [(one[a] - one[b]) * (other[a] - other[b]) for a, b in pairs]
    return sum((each > 0) - (each < 0) for each in signs) / len(pairs)


if __name__ == "__main__":
    sys.exit(main())
