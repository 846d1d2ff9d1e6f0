"""Modules that are used in several places: each call goes by the path that leads to it."""

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from benchcli.cost.calls import is_compiled
from benchcli.cost.count import walk
from tests.cost.networks import Apply

INPUTS = torch.ones(2, 4)
LINEAR = 2 * 4 * 4
"""Multiply-adds of a linear layer of 4 by 4."""


def linear() -> nn.Linear:
    return nn.Linear(4, 4, bias=False)


def flops(network: nn.Module, inputs: torch.Tensor = INPUTS) -> dict[str, int]:
    """Return the multiply-adds by the module that was being called."""
    counted: Counter[str] = Counter()
    for call in walk(network, inputs).calls:
        counted[call.module] += call.flops or 0
    return dict(counted)


def siamese() -> nn.Module:
    encoder = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
    left, right = nn.Sequential(encoder, nn.Conv2d(8, 4, 1)), nn.Sequential(encoder, nn.Conv2d(8, 2, 1))
    return Apply(lambda self, x: (self.left(x), self.right(x)), left=left, right=right)


def test_a_shared_encoder_counts_in_each_branch() -> None:
    found = flops(siamese(), torch.ones(1, 3, 8, 8))
    assert sum(count for path, count in found.items() if path.startswith("left.")) == 15_872
    assert sum(count for path, count in found.items() if path.startswith("right.")) == 14_848
    assert found["left.0.0"] == found["right.0.0"] == 13_824


def in_blocks() -> nn.Module:
    act = nn.ReLU()
    blocks = [Apply(lambda self, x: self.act(self.body(x)), body=linear(), act=act) for _ in range(2)]
    return nn.Sequential(*blocks, act)


def two_levels_down() -> nn.Module:
    shared = linear()
    a = Apply(lambda self, x: self.inner(x), inner=nn.Sequential(nn.ReLU(), shared))
    b = Apply(lambda self, x: self.inner(x), inner=nn.Sequential(shared, nn.ReLU()))
    return nn.Sequential(a, b, shared)


def shared_with_layers_of_its_own() -> nn.Module:
    shared = nn.Sequential(linear(), nn.Sequential(linear()))
    return nn.Sequential(nn.Sequential(shared), nn.Sequential(nn.Identity(), shared))


def called_twice() -> nn.Module:
    return Apply(lambda self, x: self.layer(self.layer(x)), layer=linear())


def two_names() -> nn.Module:
    layer = linear()
    return Apply(lambda self, x: self.b(self.a(x)), a=layer, b=layer)


def in_a_list() -> nn.Module:
    def forward(self: Any, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            x = layer(x)
        return x

    return Apply(forward, layers=nn.ModuleList([linear()] * 3))


def a_list_twice() -> nn.Module:
    inner = in_a_list()
    return Apply(lambda self, x: self.inner(self.inner(x)), inner=inner)


def elsewhere_in_the_network() -> nn.Module:
    """The decoder calls the encoder's layer, which it does not hold."""
    layer = linear()
    decoder = Apply(lambda self, x: self.own(layer(x)), own=linear())
    return nn.Sequential(nn.Sequential(layer), decoder)


def outside_of_the_network() -> nn.Module:
    hidden = [nn.Sequential(linear())]
    return Apply(lambda self, x: self.own(hidden[0](x)), own=linear())


class Recursive(nn.Module):
    """Calls itself on halves of its input, and another module that calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = linear()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if len(x) > 1:
            return torch.cat([self(half) for half in x.chunk(2)])
        out: torch.Tensor = self.layer(x)
        return out


class Held(Recursive):
    """Is held by its own child, which calls it."""

    def __init__(self) -> None:
        super().__init__()
        self.child = Apply(lambda self, x: self.parent(x), parent=self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layer(x) if len(x) == 1 else self.child(x[:1])
        return out


class Parallel(nn.Module):
    """A wrapper, as `nn.DataParallel` is one."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, *args: Any) -> Any:
        return self.module(*args)


def sliced() -> nn.Module:
    layers = nn.Sequential(linear(), linear(), linear())
    return Apply(lambda self, x: self.layers[1:](x), layers=layers)


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (in_blocks, {"0.body": LINEAR, "0.act": 0, "1.body": LINEAR, "1.act": 0, "2": 0}),
        (two_levels_down, {"0.inner.0": 0, "0.inner.1": LINEAR, "1.inner.0": LINEAR, "1.inner.1": 0, "2": LINEAR}),
        (shared_with_layers_of_its_own, dict.fromkeys(("0.0.0", "0.0.1.0", "1.1.0", "1.1.1.0"), LINEAR)),
        (called_twice, {"layer": 2 * LINEAR}),
        (two_names, {"a": LINEAR, "b": LINEAR}),
        (in_a_list, dict.fromkeys(("layers.0", "layers.1", "layers.2"), LINEAR)),
        (a_list_twice, dict.fromkeys(("inner.layers.0", "inner.layers.1", "inner.layers.2"), 2 * LINEAR)),
        (elsewhere_in_the_network, {"0.0": 2 * LINEAR, "1.own": LINEAR}),
        (outside_of_the_network, {"": LINEAR, "own": LINEAR}),
        (Recursive, {"layer": LINEAR, "": 0}),
        (Held, {"layer": LINEAR // 2}),
        (lambda: Parallel(two_names()), {"module.a": LINEAR, "module.b": LINEAR}),
        (lambda: nn.DataParallel(two_names()), {"module.a": LINEAR, "module.b": LINEAR}),
        (sliced, {"layers.1": LINEAR, "layers.2": LINEAR}),
    ],
)
def test_calls_go_by_the_path_that_leads_to_them(build: Callable[[], nn.Module], expected: dict[str, int]) -> None:
    assert flops(build()) == expected


def test_modules_that_are_nested_under_two_names_at_each_level_are_looked_at_once() -> None:
    """Their paths would be 2 to the power of 60."""
    network: nn.Module = linear()
    for _ in range(60):
        network = Apply(lambda self, x: self.a(x), a=network, b=network)
    assert sum(flops(network).values()) == LINEAR


def test_a_scripted_and_a_compiled_child_have_the_path_of_their_call() -> None:
    child = nn.Sequential(linear())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        scripted = torch.jit.script(child)
    assert flops(Apply(lambda self, x: self.b(self.a(x)), a=scripted, b=scripted)) == {"a": LINEAR, "b": LINEAR}
    compiled: Any = torch.compile(child, backend="eager")
    shared = Apply(lambda self, x: self.b(self.a(x)), a=nn.Sequential(compiled), b=nn.Sequential(compiled))
    assert flops(shared) == {"a.0._orig_mod.0": LINEAR, "b.0._orig_mod.0": LINEAR}


def test_compiled_modules_are_known_however_they_were_compiled() -> None:
    in_place, by_forward = linear(), linear()
    in_place.compile(backend="eager")
    by_forward.forward = torch.compile(by_forward.forward, backend="eager")  # type: ignore[method-assign]
    wrapped: Any = torch.compile(linear(), backend="eager")
    assert all(is_compiled(each) for each in (wrapped, in_place, by_forward))
    assert not is_compiled(linear())
