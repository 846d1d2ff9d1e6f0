"""Predict the times of networks that took no part in the calibration, and measure them.

    python benchmarks/predictions.py [--launches 3] [--output build/predictions.json] [--fresh]

Networks are predicted and measured in turns, a few at a time. A machine has slower states, in which all takes longer:
measured times are converted to the pace of the predictions, by three networks of the calibration that are measured
beside them in the same rounds, and whose times at that pace are known; how much that changes them is printed too. It
prints each network's predicted and measured time, and of all of them how many are within 5 and 10 %, with Wilson's 95 %
interval, the median error, how many measured times lie in the predicted range, and the rank correlation; the same of
what FLOPs alone, bytes alone and the additive model predict; and how long a prediction takes, of a network whose
operators are known, and with ten that are not. Published for comparison, each in the search space that
it was trained for: nn-Meter within 10 % for 99.0 % of networks on a CPU (Zhang et al., MobiSys 2021), LitePred within
5 % for 90.5 and within 10 % for 98.9 % in ONNX Runtime on a CPU (Feng et al., NSDI 2024).

Needs pytorchcv, as `make zoo` installs it, and about a quarter of an hour.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import torch

import benchcli
from benchcli.analysis.time_model import terms_of
from benchcli.api.time_prediction import at_pace
from benchcli.formatting import percent
from benchcli.runs.run_folder import RunFolder
from benchcli.sampling.artifact_cache import FOLDER
from benchcli.statistics import Count, rank_correlation
from benchcli.system.machine import cpu_model

sys.path.insert(0, str(Path(__file__).parent))
from held_out import HELD_OUT
from library_costs import of_pytorchcv

IMAGE = (1, 3, 224, 224)
AT_ONCE = 10
PACERS = ("mobilenet-v2-1.0", "shufflenet-v2-1x", "resnet-50")
"""Networks of the calibration that are measured beside the others."""
HALF_BYTES = 24e6
"""Of the terms that are kept with the rows."""
MODELS = ("predicted_s", "by_flops_s", "by_bytes_s", "additive_s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--launches", type=int, default=3)
    parser.add_argument("--output", type=Path, metavar="FILE", help=f"keeps the rows; the table is in {FOLDER}")
    parser.add_argument("--fresh", action="store_true", help="measure known operators, and calibrate, anew")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="the first networks only")
    given = parser.parse_args()
    predictor = benchcli.TimePredictor(fresh=given.fresh)
    names = [(family, name) for family, several in HELD_OUT.items() for name in several][: given.only]
    print(
        f"{cpu_model()} · {predictor.machine}\n{'network':<24} {'measured':>9} {'predicted':>9} {'error':>8}  in range"
    )
    rows: list[dict[str, Any]] = []
    for place in range(0, len(names), AT_ONCE):
        for row in compared(predictor, names[place : place + AT_ONCE], given.launches):
            rows.append(row)
            error = percent(row["predicted_s"] / row["measured_s"] - 1, signed=True)
            print(
                f"{row['network']:<24} {row['measured_s'] * 1e3:>9.2f} {row['predicted_s'] * 1e3:>9.2f} {error:>8}  "
                f"{'yes' if row['low_s'] <= row['measured_s'] <= row['high_s'] else 'no'}",
                flush=True,
            )
    for line in summary(rows):
        print(line)
    changes = sorted(row["measured_s"] / row["as_measured_s"] - 1 for row in rows)
    print(f"conversion to one pace: {percent(changes[0], signed=True)} to {percent(changes[-1], signed=True)}")
    print(took(predictor))
    if given.output:
        given.output.parent.mkdir(parents=True, exist_ok=True)
        given.output.write_text(json.dumps({"cpu": cpu_model(), "machine": predictor.machine, "rows": rows}, indent=1))
    return 0


def compared(
    predictor: benchcli.TimePredictor, names: Sequence[tuple[str, str]], launches: int
) -> Iterator[dict[str, Any]]:
    """Yield a row for each network that can be predicted and measured; name the others."""
    modules = {name: of_pytorchcv(name).eval() for _, name in names}
    listed = {name: predictor.operators(module, inputs=IMAGE) for name, module in modules.items()}
    predictor.measure(listed.values())
    with tempfile.TemporaryDirectory() as folder:
        run = benchcli.measure(
            {**modules, **{each: each for each in PACERS}}, inputs=IMAGE, launches=launches, output=Path(folder) / "run"
        )
        (samples,) = RunFolder(run.folder).samples().values()
    times = {each.variant.name: each for each in run.records}
    by_pacer = [at_pace(samples, predictor.calibrated[each], each) for each in PACERS]
    for family, name in names:
        found, record = predictor.predict(listed[name], name), times[name]
        if found.lacking or not record.timing:
            print(f"{name}: lacks {found.lacking}, {record.failure}")
            continue
        yield {
            "family": family,
            "network": name,
            "measured_s": geometric_mean(usual[name] for usual in by_pacer if name in usual),
            "as_measured_s": record.timing.seconds.estimate,
            "is_disturbed": record.is_disturbed,
            "predicted_s": found.seconds.estimate,
            "low_s": found.seconds.low,
            "high_s": found.seconds.high,
            "by_flops_s": found.by_flops_s,
            "by_bytes_s": found.by_bytes_s,
            "additive_s": found.additive_s,
            "terms": terms_of(listed[name], predictor._table.times, HALF_BYTES),
            "weight_bytes": listed[name].weight_bytes,
            "operators": found.operators,
        }


def summary(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each model, and one on the ranges."""
    measured = [row["measured_s"] for row in rows]
    yield f"\n{len(rows)} networks of {len({row['family'] for row in rows})} families"
    yield f"{'model':<12} {'within 5 %':<24} {'within 10 %':<24} median error, rank correlation"
    for model in MODELS:
        errors = [abs(row[model] / row["measured_s"] - 1) for row in rows]
        within = [rate(sum(each <= most for each in errors), len(rows)) for most in (0.05, 0.1)]
        rank = rank_correlation([row[model] for row in rows], measured)
        name = model.removesuffix("_s")
        yield f"{name:<12} {within[0]:<24} {within[1]:<24} {percent(median(errors))}, {rank:.3f}"
    for model in MODELS:
        ratios = [row[model] / row["measured_s"] for row in rows]
        factor = median(ratios)
        errors = [abs(each / factor - 1) for each in ratios]
        close = [sum(each <= most for each in errors) for most in (0.05, 0.1)]
        yield (
            f"{model.removesuffix('_s')} with a common factor of {factor:.3f} taken out: {close[0]} within 5 %, "
            f"{close[1]} within 10 %, median error {percent(median(errors))}"
        )
    inside = sum(row["low_s"] <= row["measured_s"] <= row["high_s"] for row in rows)
    yield f"measured times in the predicted 95 % range: {rate(inside, len(rows))}"


def took(predictor: benchcli.TimePredictor) -> str:
    """Return how long a prediction takes, and how long ten unknown operators do: convolutions of odd widths."""
    known = predictor.operators("shufflenet-v2-1x")
    predictor.measure([known])
    predict_s = median(_timed(lambda: predictor.predict(known)) for _ in range(100))
    first = random.Random().randrange(100, 400)
    layers = {str(n): (torch.nn.Conv2d(first + n, 64, 1), (1, first + n, 14, 14)) for n in range(10)}
    listed = predictor.operators_of(layers)
    lacking = sum(len(predictor.predict(each).lacking) for each in listed.values())
    measure_s = _timed(lambda: predictor.measure(listed.values()))
    return f"a prediction took {predict_s * 1e3:.2f} ms, {lacking} unknown operators {measure_s:.1f} s"


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def rate(found: int, of: int) -> str:
    """Return a share with Wilson's interval: "60 of 68 (78 to 94 %)"."""
    interval = Count(found, of).interval
    return f"{found} of {of} ({100 * (interval.low or 0):.0f} to {100 * (interval.high or 0):.0f} %)"


if __name__ == "__main__":
    sys.exit(main())
