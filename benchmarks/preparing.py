"""How much sooner are the files of several runtimes there when they are prepared beside each other?

    python benchmarks/preparing.py [--guideline g1] [--runtimes compile,onnxruntime,openvino,ncnn] [--pairs 1]

The networks of a guideline, with the paper's and with aligned channels, are prepared for each runtime one setting
after the other, and on all cores at once, in turns and without a cache. The costs, which come before, are counted
in both. The extra `runtimes` is needed.
"""

import argparse
import os
import random
import time
from statistics import median

from benchcli.sampling.artifact_cache import FOLDER
from benchcli.sampling.supervise import survey
from benchcli.schema import Family, Plan, Target
from benchcli.system.machine import cpu_model, usable_cores
from benchcli.workers.tools import Tools
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--guideline", default="g1")
    parser.add_argument("--runtimes", default="compile,onnxruntime,openvino,ncnn")
    parser.add_argument("--pairs", type=int, default=1)
    given = parser.parse_args()
    os.environ[FOLDER] = ""  # nothing is kept
    overrides = Overrides(widths=("paper", "aligned"), runtimes=tuple(given.runtimes.split(",")))
    families = list(GuidelineRequest(guideline=given.guideline).families(overrides))
    print(f"{cpu_model()}, {usable_cores()} cores, {len(families)} settings")
    seconds: dict[str, list[float]] = {"one after the other": [], "beside each other": []}
    for _ in range(given.pairs):
        for way in random.sample(list(seconds), 2):
            at_once = usable_cores() if way == "beside each other" else 1
            seconds[way].append(prepared_s(families, Tools(exports_at_once=at_once)))
            print(f"{way}: {seconds[way][-1]:.1f} s", flush=True)
    one, other = (median(each) for each in seconds.values())
    print(f"beside each other it takes {other / one:.2f} times as long")


def prepared_s(families: list[Family], tools: Tools) -> float:
    """Return the seconds in which all files are written."""
    begun_s = time.perf_counter()
    with tools.workers() as launcher:
        found = survey(families, Target(), Plan(), launcher, exporters=tools.exporters)
    lacking = found.failures.by_key
    assert not lacking, lacking
    return time.perf_counter() - begun_s


if __name__ == "__main__":
    main()
