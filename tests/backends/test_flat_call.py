"""Calls from tensors to tensors, as exporters take them."""

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from benchcli.backends.flat_call import FlatCall
from benchcli.cost.inputs import Inputs


class Difference(nn.Module):
    def forward(self, x: torch.Tensor, *, more: dict[str, torch.Tensor], by: float) -> dict[str, torch.Tensor]:
        return {"b": more["z"] - more["a"] - x, "a": by * x}


def test_tensors_come_back_where_they_were_whatever_the_order_of_their_names() -> None:
    z, a, x = torch.full((2,), 7.0), torch.full((2,), 2.0), torch.ones(2)
    inputs = Inputs((), {"x": x, "more": {"z": z, "a": a}, "by": 3.0})
    flat = FlatCall(Difference(), inputs)
    assert [each.tolist() for each in flat(*flat.given)] == [[3.0, 3.0], [4.0, 4.0]]
    others = [each + 10 for each in flat.given]
    assert [each.tolist() for each in flat(*others)] == [[33.0, 33.0], [-6.0, -6.0]]


@dataclass
class Held:
    tensor: torch.Tensor


def test_tensors_in_objects_are_refused() -> None:
    with pytest.raises(NotImplementedError, match="its inputs hold tensors in objects: give them in tuples"):
        FlatCall(nn.Identity(), Inputs((Held(torch.ones(2)),)))
