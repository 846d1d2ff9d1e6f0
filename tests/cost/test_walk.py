"""What a walk through a network must see, say that it does not see, and leave behind as it was."""

import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.ao.quantization import quantize_dynamic

from benchcli.cost.count import count, walk
from benchcli.cost.walk import ELSEWHERE, THREAD
from tests.cost.networks import Apply, apply, first

SQUARE = (4, 4)
BYTES = 4 * 16


class Replacing(nn.Module):
    """Replaces its weight in each call, as some reparametrisations do."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(64, 64))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.weight = nn.Parameter(self.weight / 2)
        return inputs @ self.weight


def test_a_weight_that_is_replaced_is_not_taken_for_an_activation() -> None:
    found = {
        (costs.mac_compulsory_bytes, costs.peak_activation_bytes)
        for _ in range(12)
        if (costs := count(nn.Sequential(*(Replacing() for _ in range(6))), torch.ones(1, 64)))
    }
    assert len(found) == 1
    assert found.pop()[0] == 6 * 4 * 64 * 64 + 2 * 4 * 64


def _into(a: torch.Tensor, c: torch.Tensor) -> None:
    c.copy_(a @ a)


@pytest.fixture(scope="module")
def operators() -> Iterator[Any]:
    library = torch.library.Library("benchcli_walk", "DEF")  # type: ignore[no-untyped-call]
    library.define("into(Tensor a, Tensor(a!) c) -> ()")  # type: ignore[no-untyped-call]
    library.define("score(Tensor a) -> float")  # type: ignore[no-untyped-call]
    library.impl("into", _into, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    library.impl("score", lambda a: float((a @ a).sum()), "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    yield torch.ops.benchcli_walk
    del library  # it took its operators along


def test_an_operator_that_returns_nothing_has_a_row(operators: Any) -> None:
    def into(x: torch.Tensor) -> torch.Tensor:
        output = torch.empty(4, 4)
        operators.into(x, output)
        return output

    costs = count(apply(into), torch.ones(SQUARE))
    assert costs.unknown == ("benchcli_walk.into.default of 4x4 and 4x4",)
    assert costs.mac_bytes == 3 * BYTES  # it may read what it writes to
    scored = count(apply(lambda x: x * operators.score(x)), torch.ones(SQUARE))
    assert scored.unknown == ("benchcli_walk.score.default of 4x4",)
    several = apply(lambda x: (torch._foreach_add_([y := x.clone()], 1.0), y)[1])
    assert count(several, torch.ones(SQUARE)).elementwise == 16


def in_a_thread(self: Any, inputs: torch.Tensor) -> torch.Tensor:
    found: list[torch.Tensor] = []

    def work() -> None:
        with torch.no_grad():
            found.append(self.layer(inputs))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found[0] + 0


def test_work_that_no_operator_shows_makes_a_lower_bound() -> None:
    assert THREAD in count(Apply(in_a_thread, layer=nn.Linear(4, 4)), torch.ones(SQUARE)).unknown
    numpy = apply(lambda x: torch.from_numpy(x.numpy() @ x.numpy()))
    assert count(numpy, torch.ones(SQUARE)).unknown == (ELSEWHERE,)
    inside = apply(lambda x: torch.from_numpy(x.numpy() @ x.numpy()) + x)
    assert count(inside, torch.ones(SQUARE)).unknown == (ELSEWHERE,)


def test_constants_are_weights() -> None:
    table = torch.ones(SQUARE)
    costs = count(apply(lambda x: x + table), torch.ones(SQUARE))
    assert (costs.weight_bytes, costs.peak_activation_bytes, costs.unknown) == (BYTES, 2 * BYTES, ())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        frozen = torch.jit.freeze(torch.jit.script(nn.Linear(4, 4).eval()))
    plain = count(nn.Linear(4, 4), torch.ones(SQUARE))
    found = count(frozen, torch.ones(SQUARE))
    assert (found.weight_bytes, found.mac_compulsory_bytes) == (plain.weight_bytes, plain.mac_compulsory_bytes)
    assert found.peak_activation_bytes == plain.peak_activation_bytes


def quantised(layer: nn.Module, kind: type[nn.Module]) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted: nn.Module = quantize_dynamic(nn.Sequential(layer), {kind}, dtype=torch.qint8)  # type: ignore[no-untyped-call]
    return converted


@pytest.mark.filterwarnings("ignore")
def test_quantised_layers_multiply_what_their_float_layers_do() -> None:
    images = torch.ones(1, 4, 6, 6)
    transposed = torch.ao.nn.quantized.dynamic.ConvTranspose2d(4, 8, 3, stride=2)  # type: ignore[no-untyped-call]
    assert count(transposed, images).flops == 4 * 36 * 8 * 9
    for cell, gates in ((nn.LSTMCell(8, 16), 4), (nn.GRUCell(8, 16), 3), (nn.RNNCell(8, 16), 1)):
        network = Apply(lambda self, x: self.cell(x), cell=quantised(cell, type(cell)))
        single = Apply(lambda self, x: y if isinstance(y := self.whole(x), torch.Tensor) else y[0], whole=network)
        costs = count(single, torch.ones(3, 8))
        assert (costs.flops, costs.unknown) == (3 * gates * 16 * (8 + 16), ())
        assert costs.params == gates * 16 * (8 + 16 + 2)
    linear = count(quantised(nn.Linear(10, 5), nn.Linear), torch.ones(2, 10))
    assert (linear.flops, linear.params, linear.weight_bytes) == (100, 55, 50 + 20)


def test_memory_that_grows_is_alive_as_large_as_it_is() -> None:
    assert (
        count(apply(lambda x: torch.mm(x, x, out=torch.empty(0))), torch.ones(SQUARE)).peak_activation_bytes
        == 2 * BYTES
    )
    grown = apply(lambda x: torch.empty(0).resize_(4, 4).copy_(x).clone())
    assert count(grown, torch.ones(SQUARE)).peak_activation_bytes == 3 * BYTES


@pytest.mark.parametrize(
    ("plain", "out"),
    [
        (
            lambda x: torch.topk(x, 2)[0],
            lambda x: torch.topk(x, 2, out=(torch.empty(4, 2), torch.empty(4, 2, dtype=torch.long)))[0],
        ),
        (
            lambda x: torch.max(x, 1)[0],
            lambda x: torch.max(x, 1, out=(torch.empty(4), torch.empty(4, dtype=torch.long)))[0],
        ),
        (lambda x: x @ x, lambda x: torch.mm(x, x, out=torch.empty(4, 4))),
    ],
    ids=["topk", "max", "mm"],
)
def test_what_only_takes_the_output_is_not_read(
    plain: Callable[[torch.Tensor], torch.Tensor], out: Callable[[torch.Tensor], torch.Tensor]
) -> None:
    found = [count(apply(each), torch.ones(SQUARE)).mac_bytes for each in (plain, out)]
    assert found[0] == found[1]


class Flat(nn.Module):
    """Two weights in one storage, of which one is read, twice."""

    def __init__(self) -> None:
        super().__init__()
        flat = torch.ones(32)
        self.read, self.other = nn.Parameter(flat[:16].view(4, 4)), nn.Parameter(flat[16:].view(4, 4))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return inputs @ self.read @ self.read.t()


def test_a_part_of_a_weight_counts_once_and_what_is_not_read_does_not() -> None:
    assert count(Flat(), torch.ones(1, 4)).mac_compulsory_bytes == 2 * 4 * 4 + BYTES
    assert count(nn.Flatten(), torch.ones(1, 4, 4)).mac_compulsory_bytes == BYTES


def test_a_walk_restores_what_it_changes_after_errors_too() -> None:
    call, limit, fast = nn.Module.__call__, sys.getrecursionlimit(), torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(RuntimeError, match="no"):
        count(apply(lambda _x: (_ for _ in ()).throw(RuntimeError("no"))), torch.ones(SQUARE))
    assert nn.Module.__call__ is call
    assert sys.getrecursionlimit() == limit
    assert torch.backends.mha.get_fastpath_enabled() == fast
    assert torch._C._len_torch_dispatch_stack() == 0


def test_a_network_as_deep_as_python_calls_can_be_counted() -> None:
    network: nn.Module = nn.ReLU()
    for _ in range(200):
        network = nn.Sequential(network)
    assert count(network, torch.ones(SQUARE)).elementwise == 16


def test_packed_sequences_are_counted() -> None:
    packed = Apply(
        lambda self, x: self.lstm(nn.utils.rnn.pack_padded_sequence(x, [3, 1], batch_first=True))[0].data,
        lstm=nn.LSTM(4, 5, batch_first=True),
    )
    assert count(packed, torch.ones(2, 3, 4)).flops == (3 + 1) * 4 * 5 * (4 + 5)
    assert count(first(nn.LSTM(4, 5)), torch.ones(2, 3, 4)).flops_complete


def test_modules_whose_code_reads_values_are_named() -> None:
    inner = Apply(lambda s, x: s.c(x) if bool(x.max() > 0) else x, c=nn.Conv2d(3, 3, 1))
    network = Apply(lambda s, x: s.b(x) * x.mean().item() if not torch.equal(x, x + 1) else x, b=inner)
    assert list(walk(network, torch.zeros(1, 3, 4, 4)).branching) == ["", "b"]
    plain = Apply(lambda s, x: torch.where(x.sum() > 0, x, -x)[x > 0])
    assert not walk(plain, torch.zeros(1, 3, 4, 4)).branching
