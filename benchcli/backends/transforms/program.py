"""Write a transformed network as a program of torch.export."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.backends.transforms.base import Transform, applied, chosen
from benchcli.beginnings import AUTHOR
from benchcli.errors import UserError

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

SUFFIX = ".pt2"
"""How the name of a program's file ends; torch.export asks for it."""


def writable(names: str) -> tuple[Transform, ...]:
    """Return the transforms of names such as "fold+inplace". Raises UserError for one that no program can hold."""
    transforms = chosen(names, "transform")
    for each in transforms:
        if not each.keeps_modules:
            raise UserError(f"torch.export takes no network that is {each.title}: leave {each.name} out")
    return transforms


def write(network: "torch.nn.Module", inputs: "Inputs", names: str, path: Path) -> dict[str, int]:
    """Write the network with these transforms applied, and return how many places each of them changed.

    The program has the signature of the network and takes inputs of these shapes. Raises UserError as
    `writable` does, NotImplementedError as transforms do, and whatever torch.export raises.
    """
    import torch

    places = {}
    for each in writable(names):
        places[each.name] = each.applies(network, inputs)
        network, inputs = applied([each], network, inputs)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch's own exporter
        exported = torch.export.export(network, inputs.args, dict(inputs.kwargs))
        torch.export.save(exported, path, extra_files={AUTHOR: names})
    return places


def read(path: Path) -> "torch.nn.Module":
    """Return the network in a file that `write` wrote."""
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.export.load(path).module()
