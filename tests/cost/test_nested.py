"""Nested tensors count as the sequences that they hold."""

from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchcli.cost.count import count, walk
from benchcli.cost.inputs import shape_of
from tests.cost.networks import Apply, apply


def nested(*lengths: int, width: int = 8, layout: torch.layout = torch.jagged) -> torch.Tensor:
    return torch.nested.nested_tensor([torch.ones(each, width) for each in lengths], layout=layout)


def heads(x: Any) -> Any:
    return x.unflatten(-1, (2, 4)).transpose(1, 2)


def attended(x: torch.Tensor) -> torch.Tensor:
    return functional.scaled_dot_product_attention(heads(x), heads(x), heads(x))


class Attending(nn.Module):
    """A layer of attention for sequences of width 8."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.back = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: torch.Tensor) -> Any:
        query, key, value = (heads(each(x)) for each in (self.query, self.key, self.value))
        output = functional.scaled_dot_product_attention(query, key, value)
        return self.back(output.transpose(1, 2).flatten(-2))


CASES: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    "linear": (nn.Linear(8, 6), (3, 5), 8 * 8 * 6),
    "linear, one sequence": (nn.Linear(8, 6), (4,), 4 * 8 * 6),
    "layers": (nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 4)), (2, 7), 9 * (128 + 64)),
    "matmul": (apply(lambda x: x @ torch.ones(8, 5)), (3, 5), 8 * 8 * 5),
    "attention": (apply(attended), (3, 5), 2 * (9 + 25) * (4 + 4)),
    "attention, three sequences": (apply(attended), (2, 1, 6), 2 * (4 + 1 + 36) * (4 + 4)),
    "attention with projections": (Attending(), (3, 5), 4 * 8 * 8 * 8 + 2 * (9 + 25) * (4 + 4)),
}


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("name", CASES)
def test_jagged_tensors_count_by_their_lengths(name: str) -> None:
    network, lengths, expected = CASES[name]
    costs = count(network, nested(*lengths))
    assert (costs.flops, costs.unknown) == (expected, ())


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_jagged_tensors_have_the_bytes_and_the_element_wise_work_of_their_values() -> None:
    jagged = count(apply(functional.relu), nested(3, 5))
    assert (jagged.mac_bytes, jagged.elementwise) == (2 * 8 * 8 * 4, 8 * 8)
    whole = count(nn.Linear(8, 6), nested(3, 5))
    assert (whole.mac_bytes, whole.elementwise) == (4 * (64 + 48 + 6 + 48), 48)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_strided_nested_tensors_count_by_their_lengths() -> None:
    costs = count(nn.Linear(8, 6), nested(3, 5, layout=torch.strided))
    assert (costs.flops, costs.unknown) == (8 * 8 * 6, ())


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_a_network_may_make_jagged_tensors_of_dense_ones() -> None:
    def ragged(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        made = torch.nested.nested_tensor([x[0, :3], x[1, :5]], layout=torch.jagged)
        output: torch.Tensor = self.layer(made).to_padded_tensor(0.0)  # type: ignore[operator]
        return output

    costs = count(Apply(ragged, layer=nn.Linear(8, 6)), torch.ones(2, 7, 8))
    assert (costs.flops, costs.unknown) == (8 * 8 * 6, ())


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("masked", [0, 3])
def test_what_a_padding_mask_hides_is_counted(masked: int) -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 32, batch_first=True), 2).eval()
    mask = torch.zeros(2, 7, dtype=torch.bool)
    mask[1, 7 - masked :] = True
    layer = 2 * 7 * 8 * 8 * 4 + 2 * 2 * 7 * 7 * 8 + 2 * 2 * 7 * 8 * 32
    costs = count(apply(lambda x: encoder(x, src_key_padding_mask=mask)), torch.ones(2, 7, 8))
    assert (costs.flops, costs.unknown) == (2 * layer, ())
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("layout", [torch.jagged, torch.strided])
def test_a_shape_has_a_star_where_lengths_differ(layout: torch.layout) -> None:
    assert shape_of(nested(3, 5, layout=layout)) == (2, "*", 8)
    assert shape_of(nested(4, 4, layout=layout)) == (2, 4, 8)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_rows_have_the_shapes_of_what_ran() -> None:
    (call,) = walk(nn.Linear(8, 6, bias=False), nested(3, 5)).calls
    assert (call.operator, call.inputs, call.outputs) == ("aten.mm.default", ((8, 8), (8, 6)), ((8, 6),))
