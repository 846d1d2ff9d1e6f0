"""Operators of the backward pass belong to the modules whose calls they differentiate."""

from contextlib import nullcontext
from threading import Thread
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack
from torch.utils.checkpoint import checkpoint

from benchcli.cost.walk import Walk
from tests.cost.networks import Apply, calls_of, stepped

IMAGE = torch.zeros(1, 4, 6, 6)
ROWS = torch.zeros(2, 8)


def booked(walked: Walk) -> list[tuple[str, str]]:
    """Return operator and module of each call of the backward pass, without the loss's."""
    calls = calls_of(walked, "backward")
    named = [(each.operator.removeprefix("aten.").partition(".")[0], each.module) for each in calls]
    return [each for each in named if each[0] not in {"ones_like", "div", "fill_", "zeros"}]


def linear() -> nn.Linear:
    return nn.Linear(8, 8, bias=False)


def test_layers_get_the_gradients_of_their_own_calls() -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Sequential(nn.BatchNorm2d(4), nn.ReLU()), nn.Conv2d(4, 4, 1))
    assert booked(stepped(network, IMAGE)) == [
        ("convolution_backward", "2"),
        ("threshold_backward", "1.1"),
        ("native_batch_norm_backward", "1.0"),
        ("convolution_backward", "0"),
    ]


def test_writes_in_place_belong_to_their_module() -> None:
    network = nn.Sequential(nn.Conv2d(4, 4, 1), nn.ReLU(inplace=True), nn.Conv2d(4, 4, 1), nn.SiLU(inplace=True))
    assert booked(stepped(network, IMAGE)) == [
        ("silu_backward", "3"),
        ("convolution_backward", "2"),
        ("threshold_backward", "1"),
        ("convolution_backward", "0"),
    ]


class Overwriting(nn.Module):
    """Writes into a view of its input, whose node torch makes after the write."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        inputs[:, :2].mul_(2)
        return inputs


def test_a_write_into_a_view_belongs_to_its_module() -> None:
    network = nn.Sequential(linear(), Overwriting(), nn.Dropout(0.5), linear())
    walked = stepped(network, ROWS)
    found = booked(walked)
    assert ("mul", "1") in found
    assert {module for name, module in found if name == "mm"} == {"0", "3"}
    assert {module for _, module in found} == {"0", "1", "2", "3"}


def test_both_branches_of_a_sum_get_their_own() -> None:
    network = Apply(lambda s, x: s.b(s.a(x)) + s.c(s.a(x)), a=linear(), b=linear(), c=linear())
    products = [module for name, module in booked(stepped(network, ROWS)) if name == "mm"]
    assert sorted(products) == ["a", "a", "b", "b", "c", "c"]


def test_a_layer_that_needs_no_gradient_makes_no_node() -> None:
    """What follows it must not be taken for it."""
    network = nn.Sequential(linear(), linear(), nn.Tanh(), linear())
    network[0].requires_grad_(False)
    network[3].requires_grad_(False)
    assert booked(stepped(network, ROWS)) == [("mm", "3"), ("tanh_backward", "2"), ("mm", "1")]


def test_what_no_module_called_belongs_to_the_network() -> None:
    network = Apply(lambda s, x: s.a(x).relu() * 2, a=linear())
    assert booked(stepped(network, ROWS)) == [("mul", ""), ("threshold_backward", ""), ("mm", "a")]


class Doubled(torch.autograd.Function):
    """A function with a gradient of its own."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor) -> torch.Tensor:
        return inputs * 2

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        return gradients[0].exp() * 2


class Doubling(nn.Module):
    """Calls it."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = Doubled.apply(inputs)  # type: ignore[no-untyped-call]
        return result


def test_a_function_of_the_users_own_belongs_to_its_module() -> None:
    found = booked(stepped(nn.Sequential(linear(), Doubling(), linear()), ROWS))
    assert [module for name, module in found if name in {"exp", "mul"}] == ["1", "1"]


def test_a_module_that_is_called_twice_gets_the_gradients_of_both_calls() -> None:
    network = Apply(lambda s, x: s.a(s.b(s.a(x))), a=linear(), b=linear())
    products = [module for name, module in booked(stepped(network, ROWS)) if name == "mm"]
    assert products == ["a", "a", "b", "b", "a"]  # of the input of the first call there is no gradient


class Checkpointed(nn.Module):
    """Calls its layers once more for the backward pass."""

    def __init__(self, reentrant: bool) -> None:
        super().__init__()
        self.layers = nn.Sequential(linear(), nn.Tanh())
        self.reentrant = reentrant

    def forward(self, inputs: torch.Tensor) -> Any:
        return checkpoint(self.layers, inputs, use_reentrant=self.reentrant)


def test_what_a_checkpoint_computes_once_more_belongs_to_its_modules() -> None:
    for reentrant in (False, True):
        found = booked(stepped(nn.Sequential(linear(), Checkpointed(reentrant), linear()), ROWS))
        products = [module for name, module in found if name == "mm"]
        assert sorted(products) == ["0", "1.layers.0", "1.layers.0", "1.layers.0", "2", "2"]
        assert [module for name, module in found if name.startswith("tanh")] == ["1.layers.1", "1.layers.1"]


def test_gradients_that_add_up_in_a_parameter_belong_to_its_module() -> None:
    """Twice backward: the second gradient of a weight is added to the first."""

    def loss(output: torch.Tensor) -> torch.Tensor:
        output.sum().backward(retain_graph=True)  # type: ignore[no-untyped-call]
        return output.mean()

    walked = stepped(nn.Sequential(linear(), nn.Tanh()), ROWS, loss=loss)
    assert [each.module for each in walked.calls if each.operator == "aten.mm.default"] == ["0", "0", "0"]


def test_the_parts_of_a_step_are_told_apart() -> None:
    walked = stepped(nn.Linear(8, 8), ROWS, torch.optim.SGD)
    parts = [each.part for each in walked.calls]
    assert parts == sorted(parts, key=["forward", "backward", "update"].index)
    operators = {part: {each.operator for each in walked.calls if each.part == part} for part in parts}
    assert operators["forward"] == {"aten.addmm.default", "aten.mean.default"}
    assert operators["update"] == {"aten.add_.Tensor"}
    assert "aten.mm.default" in operators["backward"]
    assert {each.module for each in calls_of(walked, "update")} == {""}


class Elsewhere(torch.autograd.Function):
    """Calls a layer once more in another thread, as devices with threads of their own for gradients do."""

    @staticmethod
    def forward(ctx: Any, inputs: torch.Tensor, layer: nn.Module) -> torch.Tensor:
        ctx.layer = layer
        ctx.save_for_backward(inputs)
        result: torch.Tensor = layer(inputs)
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor, None]:
        modes = _get_current_dispatch_mode_stack()

        def again() -> None:
            with modes[-1] if modes else nullcontext(), torch.enable_grad():
                ctx.layer(ctx.saved_tensors[0])

        thread = Thread(target=again)
        thread.start()
        thread.join()
        return gradients[0] * 2, None


def test_what_is_called_in_a_thread_of_autograd_is_seen() -> None:
    """Such threads carry the mode that notes operators; others make the count a lower bound."""
    network = Apply(lambda s, x: Elsewhere.apply(s.a(x), s.b), a=linear(), b=linear())  # type: ignore[no-untyped-call]
    walked = stepped(network, ROWS)
    assert walked.unseen == set()
    assert [module for name, module in booked(walked) if name == "mm"] == ["b", "a"]
