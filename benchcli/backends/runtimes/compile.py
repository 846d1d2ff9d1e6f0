"""torch.compile's inductor: the network is compiled once, ahead of time, into a package that launches load."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.backends.devices.base import Device
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Runtime, untraced

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

COMPILERS = ("g++", "clang++", "c++")


class Compile(Runtime):
    """Inductor's kernels in an AOTInductor package."""

    name = "compile"
    title = "PyTorch, compiled by inductor ahead of time"
    options = {"nolayout": "without the optimisation of layout: convolutions keep their memory format"}
    devices = ("cpu", "fake")
    export_s = 600.0
    exports_slowly = True
    untraceable = untraced("compiled code")

    def missing(self, device: Device) -> str | None:
        """Return why it cannot be used: for the CPU inductor writes C++."""
        own = super().missing(device)
        if own or _compiler():
            return own
        return f"{self.title} needs a C++ compiler: install g++, or name yours in CXX"

    def versions(self) -> Mapping[str, str]:
        """Return the version of the C++ compiler."""
        return {"c++": _version_of(_compiler())}

    def export(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path) -> None:  # noqa: ARG002
        """Compile the network into a package."""
        import torch
        from torch._inductor import aoti_compile_and_package

        from benchcli.backends.flat_call import FlatCall

        flat = FlatCall(network, inputs)
        settings = {"layout_optimization": False} if self.option else {}
        artifact.mkdir()
        package = str(artifact / "model.pt2")
        aoti_compile_and_package(torch.export.export(flat, flat.given), package_path=package, inductor_configs=settings)

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:  # noqa: ARG002
        """Return a callable that runs the loaded package.

        torch's own aoti_load_package does the same, after it has imported the compiler, and sorts the
        arguments of each call, which a small network would notice.
        """
        import torch

        from benchcli.backends.flat_call import FlatCall

        assert artifact  # noqa: S101
        with _temporary_folder():
            loader = torch._C._aoti.AOTIModelPackageLoader(str(artifact / "model.pt2"), "model", False, 1, -1)
        run, given = loader.run, list(FlatCall(network, inputs).given)
        return lambda: run(given)


def _compiler() -> str:
    """Return the C++ compiler; empty if there is none."""
    return os.environ.get("CXX") or next(filter(shutil.which, COMPILERS), "")


@cache
def _version_of(compiler: str) -> str:
    """Return the first line of what a compiler says of its version."""
    try:
        found = subprocess.run([compiler, "--version"], capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return found.stdout.partition("\n")[0].strip()


@contextmanager
def _temporary_folder() -> Iterator[None]:
    """Let temporary files of the block be removed after it: loading unpacks a package, and leaves what it unpacked."""
    before = os.environ.get("TMPDIR")
    with tempfile.TemporaryDirectory(prefix="benchcli-") as folder:
        os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            del os.environ["TMPDIR"]
            if before is not None:
                os.environ["TMPDIR"] = before


RUNTIMES.add(Compile())
