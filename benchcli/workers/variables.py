"""Build a worker's environment variables: a list of inherited ones, and those that the run sets."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from benchcli.backends.allocators import allocator
from benchcli.backends.runtimes.base import runtime_named
from benchcli.schema import Target

NEEDED = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USERPROFILE",
    "VIRTUAL_ENV",
)
OF_COMPILERS = ("CC", "CXX", "TORCHINDUCTOR_CACHE_DIR", "TORCHINDUCTOR_FX_GRAPH_CACHE")
"""What a user may have set for `torch.compile`: the compilers that it calls, and where it keeps what they make."""
NEEDED_PREFIXES = ("CUDA_", "NVIDIA_", "HIP_", "HSA_", "ROCR_", "PYTORCH_")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


MEASURED = "BENCHCLI_MEASURED"
"""The variable by which a measured process, and those that it starts, know what they are."""


def worker_environment(
    target: Target, inherited: Mapping[str, str] | None = None, compiled: Path | None = None
) -> dict[str, str]:
    """Return a worker's environment variables.

    A worker inherits no variable that `NEEDED`, `OF_COMPILERS`, `NEEDED_PREFIXES` and its runtime do not
    name. `compiled` is the folder in which `torch.compile` keeps what it makes, unless the user has set one.
    """
    source, runtime = os.environ if inherited is None else inherited, runtime_named(target.runtime)
    names = {*NEEDED, *OF_COMPILERS, *runtime.inherits}
    kept = {name: value for name, value in source.items() if name in names or name.startswith(NEEDED_PREFIXES)}
    if _is_torchs_own(kept.get("TORCHINDUCTOR_CACHE_DIR", "")):
        del kept["TORCHINDUCTOR_CACHE_DIR"]
    threads = dict.fromkeys(THREAD_VARIABLES, str(target.threads))
    cache = {"TORCHINDUCTOR_CACHE_DIR": str(compiled), "TORCHINDUCTOR_FX_GRAPH_CACHE": "1"} if compiled else {}
    return {
        MEASURED: "1",
        **cache,
        **kept,
        **threads,
        **allocator(target.allocator).variables,
        **runtime.variables(target.threads),
    }


def _is_torchs_own(folder: str) -> bool:
    """Return whether torch, and no user, has named the folder: a process that has compiled something sets it."""
    path = Path(folder)
    return path.parent == Path(tempfile.gettempdir()) and path.name.startswith("torchinductor_")
