"""How many of the networks that ship does each runtime measure, and why not the others?

    python benchmarks/runtime_zoo.py [--runtime onnxruntime,openvino,ncnn] [--of 10] [NETWORK ...]

Each network is exported, its output compared with eager float32, and timed in one launch: the table says in how many
that succeeds, the largest error of an output, and each reason. The times are not of interest. The extra `runtimes` is
needed. Files are kept in the user's cache, so that a second run is short.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pandas

import benchcli
from benchcli.system.machine import cpu_model
from benchcli.workloads.networks.base import NETWORKS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", help="default: all that ship")
    parser.add_argument("--runtime", default="onnxruntime,openvino,ncnn,compile")
    parser.add_argument("--of", type=int, default=10, help="the networks that one process holds")
    given = parser.parse_args()
    names = given.networks or [each.name for each in NETWORKS]
    print(f"{cpu_model()}, {len(names)} networks")
    for runtime in given.runtime.split(","):
        begun_s = time.perf_counter()
        rows = pandas.concat([measured(names[at : at + given.of], runtime) for at in range(0, len(names), given.of)])
        show(runtime, rows, time.perf_counter() - begun_s)


def measured(names: Sequence[str], runtime: str) -> pandas.DataFrame:
    """Return the rows of networks in a runtime, from one launch."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            run = benchcli.measure(list(names), runtime=runtime, launches=1, output=str(Path(folder) / "run"))
        except benchcli.NothingMeasuredError as error:
            return pandas.DataFrame({"variant": names, "status": "failed", "error": str(error), "output_error": None})
        return run.wide().reset_index()


def show(runtime: str, rows: pandas.DataFrame, seconds: float) -> None:
    """Print how many were measured, and why the others were not."""
    fine = rows[rows.status == "ok"]
    error = f", outputs differ by up to {fine.output_error.max():.1e}" if len(fine) else ""
    print(
        f"{runtime}: {len(fine)} of {len(rows)} measured ({len(fine) / len(rows):.0%}){error}; {seconds:.0f} s",
        flush=True,
    )
    for _, row in rows[rows.status != "ok"].iterrows():
        print(f"  {row.variant}: {row.status}: {row.error}", flush=True)


if __name__ == "__main__":
    main()
