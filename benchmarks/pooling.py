"""Time the first max pool of ShuffleNet and Xception in both layouts.  python benchmarks/pooling.py

The layouts are measured alternately.
"""

import argparse
import time
from statistics import median

import torch
from torch.nn.functional import max_pool2d

ROUNDS = 100


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    torch.set_num_threads(1)
    planes = torch.randn(1, 24, 112, 112)
    inputs = {"nchw": planes, "nhwc": planes.to(memory_format=torch.channels_last)}
    seconds: dict[str, list[float]] = {name: [] for name in inputs}
    with torch.inference_mode():
        for _ in range(ROUNDS):
            for name, plane in inputs.items():
                max_pool2d(plane, 3, 2, 1)
                start = time.perf_counter()
                max_pool2d(plane, 3, 2, 1)
                seconds[name].append(time.perf_counter() - start)
    for name, times in seconds.items():
        print(f"max_pool2d of 24×112×112, {name}: {median(times) * 1e3:.2f} ms")


if __name__ == "__main__":
    main()
