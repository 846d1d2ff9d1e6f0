"""Write what transforms make of a network as a program, and check what was written, in a worker."""

from pathlib import Path

import torch

from benchcli.backends.transforms import program
from benchcli.guards import outputs
from benchcli.sampling.bench import Setup, cause_of, placed, refuse_file
from benchcli.sampling.launch import write_each
from benchcli.schema import Family, Variant
from benchcli.schema.protocol import Send, Task, Written


def write(task: Task, send: Send) -> None:
    """Write the program of each variant."""
    write_each(task, send, write_program)


def write_program(variant: Variant, family: Family, setup: Setup) -> Written:
    """Write the program of a variant with the transforms that are the runtime's option.

    It is loaded again, and called. Raises WrongOutputError unless its outputs are those of the network
    in eager float32, and NotImplementedError if it cannot be written.
    """
    network, inputs, references = placed(variant, family, setup)
    refuse_file(network, family, setup.runtime)
    path = Path(setup.artifacts[family.name][variant.name])
    try:
        places = program.write(network, inputs, setup.runtime.option, path)
        setup.place.alive()
        call = inputs.bound_to(program.read(path))
        with torch.no_grad():
            result = call()
    except (MemoryError, NotImplementedError):
        raise
    except Exception as error:  # torch.export may raise anything
        raise NotImplementedError(f"torch.export cannot write it: {cause_of(error)}") from None
    return Written(family.name, variant.name, places, outputs.check(result, references))
