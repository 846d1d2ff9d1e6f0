"""Write a network with transforms applied, and check what was written."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchcli import files
from benchcli.api.live_modules import Networks, by_name
from benchcli.backends.transforms.base import AND
from benchcli.backends.transforms.program import SUFFIX, writable
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.sampling.supervise import refuse
from benchcli.sampling.worker_reports import Failures, collect
from benchcli.schema import Family, Target
from benchcli.schema.protocol import WRITE, Task, Written
from benchcli.workers.tools import Tools
from benchcli.workloads.overrides import Overrides

LONGEST_S = 300.0
"""The longest silence of a worker that writes a program, in seconds."""


@dataclass(frozen=True)
class WrittenProgram:
    """A file with a transformed network, which was loaded again and gave the network's outputs."""

    path: Path
    places: Mapping[str, int]
    """How many places of the network each transform has changed, by its name."""
    output_error: float
    """The largest relative difference of an output of the program from the network's in eager float32."""


def write_transformed(
    network: object, transforms: str, path: Path | str, inputs: object = None, tools: Tools | None = None
) -> WrittenProgram:
    """Write a network with transforms such as "fold+inplace" applied as a program of torch.export.

    `network` and `inputs` are what `measure` takes. The file is there only if the program could be
    loaded again, and its outputs were those of the network within the tolerance of float32. It takes
    inputs of the same shapes: `torch.export.load(path).module()(*inputs)`. Raises UserError if it
    cannot be written, or a file is there.
    """
    writable(transforms)
    file = new_program(path)
    networks = Networks.of(by_name([network]), inputs)
    (family,) = networks.request.families(Overrides())
    return write_program(family, networks.payloads, transforms, file, tools or Tools())


def write_program(
    family: Family, payloads: Mapping[str, str], transforms: str, file: Path, tools: Tools
) -> WrittenProgram:
    """Write the one network of a family, as `write_transformed` does. `payloads` has it if it was given by value."""
    chosen = writable(transforms)
    target = Target(runtime=f"{Target.runtime}:{AND.join(each.name for each in chosen)}")
    with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".benchcli-") as folder:
        draft = Path(folder) / file.name
        artifacts = {family.name: {each.name: str(draft) for each in family.variants}}
        task = Task(WRITE, target, (family,), {}, artifacts=artifacts, live=payloads)
        written = _written(task, tools)
        draft.rename(file)
    return WrittenProgram(file, written.places, written.output_error)


def new_program(path: Path | str) -> Path:
    """Return the path of a new program's file. Raises UserError if it cannot be written, or is there."""
    return files.new(path, SUFFIX, "as programs of torch.export do")


def _written(task: Task, tools: Tools) -> Written:
    """Let a worker write the one program of a task. Raises UserError if it cannot be written."""
    failures = Failures()
    with tools.workers() as launcher:
        reports = collect(launcher, task, LONGEST_S, failures)
    refuse(failures.by_key)
    for (_, network), failure in failures.by_key.items():
        raise UserError(f"{network} is not written with {task.target.runtime}: {failure.error}")
    if not reports.written:
        raise NothingMeasuredError(f"no program was written: {reports.death.error if reports.death else 'it ended'}")
    return reports.written[0]
