"""How long a survey takes, which counts the costs before anything is timed: this version beside an earlier one.

`python benchmarks/survey_time.py d20dc3f` lays out benchcli as it was at that commit, and surveys
ShuffleNet V2 1x and a transformer encoder of 24 layers with both, alternately, in a fresh process each
time. It prints the medians and their ratio. Takes about 3 minutes, alone on the machine.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

from earlier import ROOT, lay_out, python

NET = """from torch import nn
def encoder():
    layer = nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True)
    return nn.Sequential(nn.TransformerEncoder(layer, 24, enable_nested_tensor=False))
"""
SURVEY = """
import time
from benchcli.schema.protocol import SURVEY, Counted, Task
from benchcli.sampling import survey  # what a fork server has loaded before
from benchcli.schema import Family, Source, Target, Variant
networks = {
    "shufflenet-v2-1x": Variant("shufflenet-v2-1x", "benchcli:network/shufflenet-v2-1x", {}, (3, 224, 224), "3"),
    "encoder": Variant("encoder", "net:encoder", {}, (128, 512), "3", Source(".", "first")),
}
family = Family("f", None, 1, "", 1, "float32", "nchw", (networks["NAME"],))
found = []
start = time.perf_counter()
survey.survey(Task(SURVEY, Target(), (family,), {}), found.append)
seconds = time.perf_counter() - start
assert isinstance(found[-1], Counted), found
print(seconds)
"""


def seconds(package: Path, place: Path, name: str) -> float:
    """Return the seconds of one survey of one network."""
    done = python(package, ["-c", SURVEY.replace("NAME", name)], place, OMP_NUM_THREADS="1")
    if done.returncode != 0:
        sys.exit(done.stderr)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="an earlier commit of benchcli")
    parser.add_argument("--times", type=int, default=10, help="how often each (default: 10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        old = lay_out(options.commit, place / "old")
        (place / "net.py").write_text(NET)
        for name in ("shufflenet-v2-1x", "encoder"):
            pairs = [(seconds(old, place, name), seconds(ROOT, place, name)) for _ in range(options.times)]
            old_s, new_s = (median(each) for each in zip(*pairs, strict=True))
            ratio = median(new / old for old, new in pairs)
            print(f"{name:18} before {old_s:.2f} s, now {new_s:.2f} s: {ratio:.2f} times as long")


if __name__ == "__main__":
    main()
