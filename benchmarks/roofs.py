"""Compare the roofs that torch's operators reach with numpy and with a STREAM-like loop, in one alternated run.

All take turns in one process with one thread: torch's operators as `benchcli device --peaks` calls them,
numpy's matrix product, numpy's sum, copy and triad in blocks that stay in a cache, and the same three loops in
C, if there is a compiler. For each figure it prints the fastest of each, and the ratio of torch's to the best
of all. The goal is a ratio of at least 0.95 for the matrix product and for the memory.

    python benchmarks/roofs.py --rounds 15
"""

import argparse
import ctypes
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from time import perf_counter

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
import torch

from benchcli.backends.devices.base import DEVICES
from benchcli.sampling import roof_rates
from benchcli.schema.roofs import MEMORY, Work

FIGURES: tuple[tuple[Work, str], ...] = (
    ("product", "float32"),
    ("read", MEMORY),
    ("copy", MEMORY),
    ("triad", MEMORY),
)
SIDES = (256, 512, 1024)
"""Of numpy's matrices."""
BLOCK = 16_384
"""Numbers that numpy's triad takes at a time: its two passes meet in the first caches."""
LOOPS = """
#include <stddef.h>
float read(const float *a, size_t n) {
    float sums[64] = {0};
    for (size_t i = 0; i + 64 <= n; i += 64) for (int j = 0; j < 64; j++) sums[j] += a[i + j];
    float sum = 0;
    for (int j = 0; j < 64; j++) sum += sums[j];
    return sum;
}
void copy(float *restrict a, const float *restrict b, size_t n) { for (size_t i = 0; i < n; i++) a[i] = b[i]; }
void triad(float *restrict a, const float *restrict b, const float *restrict c, size_t n) {
    for (size_t i = 0; i < n; i++) a[i] = b[i] + 3.0f * c[i];
}
"""
Rate = tuple[float, Callable[[], object]]
"""The multiply-adds or bytes of a call, and the call."""


def products(side: int) -> Iterator[tuple[str, Rate]]:
    """Yield numpy's product of square matrices."""
    one, other = (np.random.default_rng(0).random((side, side), dtype=np.float32) for _ in range(2))
    yield "product", (side**3, partial(np.matmul, one, other, out=np.empty_like(one)))


def numpys(held: int) -> Iterator[tuple[str, Rate]]:
    """Yield numpy's accesses by name, within an array of `held` bytes, a slice of it in each call."""
    scratch, array = np.empty(BLOCK, dtype=np.float32), np.ones(held // 4, dtype=np.float32)
    yield "read", in_slices(array, 1, np.sum)
    yield "copy", in_slices(array, 2, np.copyto)
    yield "triad", in_slices(array, 3, partial(blocked_triad, scratch))


def in_slices(array: np.ndarray, parts: int, work: Callable[..., object]) -> Rate:
    """Return work on equal parts of the slices of an array, of which each call takes the next one."""
    slices = np.split(array, array.nbytes // roof_rates.SLICE_BYTES)
    length = len(slices[0]) // parts
    calls = [partial(work, *(each[part * length :][:length] for part in range(parts))) for each in slices]
    return 4 * length * parts, roof_rates.in_turns(calls)


def blocked_triad(scratch: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray) -> None:
    """Compute a = b + 3 c, as many numbers at a time as a cache holds."""
    for start in range(0, len(a), BLOCK):
        part = slice(start, start + BLOCK)
        scaled = scratch[: len(a[part])]
        np.multiply(c[part], np.float32(3.0), out=scaled)
        np.add(b[part], scaled, out=a[part])


def streams(held: int, folder: Path) -> Iterator[tuple[str, Rate]]:
    """Yield the loops in C by figure, within slices of an array of `held` bytes; none without a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return
    (folder / "loops.c").write_text(LOOPS)
    flags = ["-O3", "-march=native", "-ffast-math", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, str(folder / "loops.c"), "-o", str(folder / "loops.so")], check=True)
    loops, array = ctypes.CDLL(str(folder / "loops.so")), np.ones(held // 4, dtype=np.float32)
    loops.read.restype = ctypes.c_float
    for name, parts in {"read": 1, "copy": 2, "triad": 3}.items():
        yield name, in_slices(array, parts, partial(called, getattr(loops, name)))


def called(loop: Callable[..., object], *arrays: np.ndarray) -> object:
    """Call a loop in C on arrays of one length."""
    return loop(*(ctypes.c_void_p(each.ctypes.data) for each in arrays), ctypes.c_size_t(len(arrays[0])))


def rate(amount: float, call: Callable[[], object]) -> float:
    """Return what a call does per second, after one that loads the caches."""
    call()
    start_s = perf_counter()
    call()
    return amount / (perf_counter() - start_s)


def contestants(folder: Path) -> dict[tuple[Work, str], dict[str, Callable[[], float | None]]]:
    """Return what takes turns, by figure and name."""
    steps = {(step.work.work, step.work.of): step for step in roof_rates.fastest(DEVICES["cpu"], 0, 1)}
    held = roof_rates.memory_held(DEVICES["cpu"].caches(1, 0))
    others = {f"numpy {side}": dict(products(side)) for side in SIDES}
    others |= {"numpy": dict(numpys(held)), "C": dict(streams(held, folder))}
    figures: dict[tuple[Work, str], dict[str, Callable[[], float | None]]] = {}
    for key in FIGURES:
        figures[key] = {"torch": partial(roof_rates.repetition, steps[key])}
        for name, calls in others.items():
            if key[0] in calls:
                figures[key][name] = partial(rate, *calls[key[0]])
    return figures


def main() -> None:
    """Print the fastest of each, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
        figures = contestants(Path(folder))
        best = {figure: dict.fromkeys(by_name, 0.0) for figure, by_name in figures.items()}
        for _ in range(given.rounds):
            for figure, by_name in figures.items():
                for name, take in by_name.items():
                    best[figure][name] = max(best[figure][name], take() or 0.0)
    for (what, of), rates in best.items():
        ratio = rates["torch"] / max(rates.values())
        shown = "  ".join(f"{name} {each / 1e9:7.1f}" for name, each in rates.items())
        print(f"{what:<8} {of:<8} torch / best {ratio:.3f}   {shown}  G/s")
    of_memory = [rates for (_, of), rates in best.items() if of == MEMORY]
    overall = max(max(rates.values()) for rates in of_memory)
    print(f"memory, the best access of all: torch / best {max(rates['torch'] for rates in of_memory) / overall:.3f}")


if __name__ == "__main__":
    main()
