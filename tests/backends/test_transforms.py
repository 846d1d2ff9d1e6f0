"""Transforms of a whole network: where they apply, that they compute the same, and what they leave alone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn

from benchcli.backends.dataflow import View
from benchcli.backends.runtimes.base import Runtime, runtime_named
from benchcli.backends.transforms.base import TRANSFORMS, applied, chosen, in_order
from benchcli.backends.transforms.fold import fold_into
from benchcli.cost.inputs import Inputs, tensors
from benchcli.errors import UserError
from benchcli.workloads.networks.base import NETWORKS

IMAGE = (2, 3, 8, 8)


@pytest.fixture(autouse=True)
def mode(request: pytest.FixtureRequest) -> Iterator[None]:
    """Work as a worker: it times in inference mode, and writes programs without gradients."""
    torch.manual_seed(0)
    with torch.inference_mode(getattr(request, "param", "inference") == "inference"), torch.no_grad():
        yield


def drawn(network: nn.Module) -> nn.Module:
    """Return the network for inference, with weights of this seed and normalisations that are far from the identity."""
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.modules.conv._ConvNd):
            module.reset_parameters()  # whoever made it may have drawn any: a rectifier may leave nothing of them
        for name, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]:
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.5 if name != "bias" else torch.randn_like(tensor))
    return network.eval().requires_grad_(False)


def kinds(network: nn.Module) -> list[str]:
    return [type(each).__name__ for each in network.modules() if not list(each.children())]


def difference(names: str, network: nn.Module, inputs: Inputs) -> float:
    """Return by how much the outputs of a transformed network differ, over the size of the largest value."""
    expected = [each.clone() for each in tensors(inputs.bound_to(network)())]
    given = [each.clone() for each in inputs.tensors()]
    changed, own = applied(chosen(names, "transform"), network, inputs)
    for _ in range(3):
        found = tensors(own.bound_to(changed)())
        assert len(found) == len(expected)
        error = max(float((a - b).abs().max() / b.abs().max()) for a, b in zip(found, expected, strict=True))
    assert all(map(torch.equal, inputs.tensors(), given))
    assert all(map(torch.equal, tensors(inputs.bound_to(network)()), expected))  # the network is as it was
    return error


class Wired(nn.Module):
    """Layers, and a function of them that is the network."""

    def __init__(self, forward: Callable[..., Any], **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.function = forward

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self, *args, **kwargs)


def conv(c_in: int = 3, c_out: int = 4, **more: Any) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, 3, padding=1, **more)


@pytest.mark.parametrize(
    ("layer", "norm", "shape"),
    [
        (nn.Conv1d(4, 6, 3), nn.BatchNorm1d(6), (2, 4, 9)),
        (nn.Conv2d(4, 6, 3, bias=False), nn.BatchNorm2d(6), (2, 4, 9, 9)),
        (nn.Conv2d(4, 6, 3, groups=2, padding_mode="circular", padding=1), nn.BatchNorm2d(6), (2, 4, 9, 9)),
        (nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6, affine=False), (2, 4, 9, 9)),
        (nn.Conv2d(4, 6, 3), nn.SyncBatchNorm(6), (2, 4, 9, 9)),
        (nn.Conv3d(4, 6, 2), nn.BatchNorm3d(6, eps=0.1), (2, 4, 5, 5, 5)),
        (nn.ConvTranspose1d(4, 6, 3), nn.BatchNorm1d(6), (2, 4, 9)),
        (nn.ConvTranspose2d(4, 6, 3, groups=2, stride=2), nn.BatchNorm2d(6), (2, 4, 9, 9)),
        (nn.ConvTranspose2d(4, 4, 3, groups=4, bias=False), nn.BatchNorm2d(4), (2, 4, 9, 9)),
        (nn.ConvTranspose3d(4, 6, 2), nn.BatchNorm3d(6), (2, 4, 5, 5, 5)),
        (nn.Linear(4, 6), nn.BatchNorm1d(6), (3, 4)),
        (nn.Linear(4, 6, bias=False), nn.BatchNorm1d(6), (3, 4)),
    ],
)
def test_every_kind_of_layer_is_folded(layer: nn.Module, norm: nn.Module, shape: tuple[int, ...]) -> None:
    network, inputs = drawn(nn.Sequential(layer, norm, nn.ReLU())), Inputs((torch.randn(shape),))
    assert TRANSFORMS["fold"].applies(network, inputs) == 1
    assert difference("fold", network, inputs) < 1e-5
    assert kinds(network)[1] == type(norm).__name__
    assert kinds(applied(chosen("fold", ""), network, inputs)[0])[1] == "Identity"


def test_weights_are_folded_as_by_hand() -> None:
    """y = 3 x + 1; then (y - 2) / sqrt(0.75 + 0.25) * 5 + 7 = 15 x + 2."""
    layer, norm = nn.Linear(1, 1), nn.BatchNorm1d(1, eps=0.25)
    for tensor, value in zip(
        [layer.weight, layer.bias, norm.weight, norm.bias, norm.running_mean, norm.running_var],
        [3.0, 1.0, 5.0, 7.0, 2.0, 0.75],
        strict=True,
    ):
        assert tensor is not None
        tensor.data.fill_(value)
    fold_into(layer, norm.eval())
    assert (layer.weight.item(), layer.bias.item()) == (15.0, 2.0)


def test_a_folded_weight_keeps_its_dtype_and_its_memory_format() -> None:
    layer, norm = conv(8, 8).bfloat16(), nn.BatchNorm2d(8).bfloat16()
    layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    fold_into(layer, drawn(norm))
    assert layer.weight.dtype == layer.bias.dtype == torch.bfloat16  # type: ignore[union-attr]
    assert layer.weight.is_contiguous(memory_format=torch.channels_last)


NORM = {"conv": conv(), "norm": nn.BatchNorm2d(4)}
NOT_FOLDED: dict[str, Callable[[], tuple[nn.Module, Inputs]]] = {
    "another reader": lambda: wired(lambda m, x: m.norm(y := m.conv(x)) + y, **NORM),
    "an earlier reader": lambda: wired(lambda m, x: (y := m.conv(x)).sum() + m.norm(y), **NORM),
    "a view that is read": lambda: wired(lambda m, x: (m.norm(y := m.conv(x)), y[:, 0] * 2), **NORM),
    "an output": lambda: wired(lambda m, x: (m.norm(y := m.conv(x)), y), **NORM),
    "kept by the network": lambda: wired(lambda m, x: m.norm(kept(m, m.conv(x))), **NORM),
    "something between": lambda: wired(lambda m, x: m.norm(m.conv(x).relu()), **NORM),
    "changed in place": lambda: wired(lambda m, x: m.norm(m.conv(x).relu_()), **NORM),
    "a layer of two normalisations": lambda: wired(
        lambda m, x: m.norm(m.conv(x)) + m.other(m.conv(x)), other=nn.BatchNorm2d(4), **NORM
    ),
    "a normalisation of two layers": lambda: wired(
        lambda m, x: m.norm(m.conv(x)) + m.norm(m.other(x)), other=conv(), **NORM
    ),
    "a layer that is called alone too": lambda: wired(lambda m, x: m.norm(m.conv(x)) + m.conv(x), **NORM),
    "weights that others read": lambda: wired(lambda m, x: m.norm(m.conv(x)) + m.conv.weight.sum(), **NORM),
    "statistics of the batch": lambda: wired(
        lambda m, x: m.norm(m.conv(x)), conv=conv(), norm=nn.BatchNorm2d(4, track_running_stats=False)
    ),
    "a sequence": lambda: (
        drawn(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(7))),
        Inputs((torch.randn(2, 7, 4),)),
    ),
    "a hook": lambda: wired(lambda m, x: m.norm(m.conv(x)), conv=hooked(conv()), norm=nn.BatchNorm2d(4)),
    "a forward of its own": lambda: wired(lambda m, x: m.norm(m.conv(x)), conv=Scaled(3, 4, 1), norm=nn.BatchNorm2d(4)),
    "a parametrised weight": lambda: wired(
        lambda m, x: m.norm(m.conv(x)),
        conv=nn.utils.parametrizations.weight_norm(conv()),
        norm=nn.BatchNorm2d(4),
    ),
    "normalisation first": lambda: wired(lambda m, x: m.conv(m.norm(x)), conv=conv(), norm=nn.BatchNorm2d(3)),
}


class Scaled(nn.Conv2d):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * super().forward(x)


def wired(forward: Callable[..., Any], **layers: nn.Module) -> tuple[nn.Module, Inputs]:
    return drawn(Wired(forward, **layers)), Inputs((torch.randn(IMAGE),))


def hooked(layer: nn.Module) -> nn.Module:
    layer.register_forward_hook(lambda _module, _inputs, output: output + 1)
    return layer


def kept(network: nn.Module, tensor: torch.Tensor) -> torch.Tensor:
    network.last = tensor
    return tensor


@pytest.mark.parametrize("name", NOT_FOLDED)
def test_what_others_need_is_not_folded(name: str) -> None:
    network, inputs = NOT_FOLDED[name]()
    assert TRANSFORMS["fold"].applies(network, inputs) == 0
    with pytest.raises(NotImplementedError, match=r"no batch normalisation alone reads .*: leave fold out"):
        applied(chosen("fold", ""), network, inputs)


def test_layers_that_are_shared_together_are_folded_once() -> None:
    network, inputs = wired(lambda m, x: m.norm(m.conv(m.norm(m.conv(x)))), conv=conv(3, 3), norm=nn.BatchNorm2d(3))
    assert TRANSFORMS["fold"].applies(network, inputs) == 1
    assert difference("fold", network, inputs) < 1e-5


def test_a_layer_before_statistics_that_are_read_while_training_is_left_alone() -> None:
    network, inputs = wired(lambda m, x: m.norm(m.conv(x)), **NORM)
    network.norm.train()  # type: ignore[union-attr]
    assert TRANSFORMS["fold"].applies(network, inputs) == 0


ACTIVATIONS = [
    *(nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1), nn.RReLU(), nn.ELU(), nn.CELU(), nn.SELU(), nn.SiLU(), nn.Mish()),
    *(nn.Hardtanh(), nn.Hardswish(), nn.Hardsigmoid(), nn.Threshold(0.1, 0.2)),
]


@pytest.mark.parametrize("activation", ACTIVATIONS, ids=lambda each: type(each).__name__)
def test_every_activation_works_in_place(activation: nn.Module) -> None:
    network, inputs = drawn(nn.Sequential(conv(), activation, conv(4))), Inputs((torch.randn(IMAGE),))
    assert TRANSFORMS["inplace"].applies(network, inputs) == 1
    assert difference("inplace", network, inputs) == 0.0
    changed, _ = applied(chosen("inplace", ""), network, inputs)
    assert [changed[1].inplace, activation.inplace] == [True, False]  # type: ignore[index]
    assert TRANSFORMS["inplace"].applies(changed, inputs) == 0


OVERWRITES: dict[str, tuple[int, Callable[[], tuple[nn.Module, Inputs]]]] = {
    "the input": (0, lambda: wired(lambda m, x: m.act(x), act=nn.ReLU())),
    "a weight": (0, lambda: wired(lambda m, x: m.act(m.conv.weight) + x.sum(), act=nn.ReLU(), conv=conv())),
    "an output": (0, lambda: wired(lambda m, x: (m.act(y := m.conv(x)), y), act=nn.ReLU(), conv=conv())),
    "a shortcut": (0, lambda: wired(lambda m, x: m.act(y := m.conv(x)) + y, act=nn.ReLU(), conv=conv())),
    "half of what is read later": (0, lambda: wired(halves, act=nn.ReLU(), conv=conv())),
    "what the network keeps": (0, lambda: wired(lambda m, x: m.act(kept(m, m.conv(x))), act=nn.ReLU(), conv=conv())),
    "one place several times": (
        0,
        lambda: wired(lambda m, x: m.act(m.conv(x)[:, :1].expand(-1, 4, -1, -1)), act=nn.ReLU(), conv=conv()),
    ),
    "a place of two that share the module": (
        0,
        lambda: wired(lambda m, x: m.act(m.conv(x)) + m.act(x), act=nn.ReLU(), conv=conv(3, 3)),
    ),
    "what was read before": (
        1,
        lambda: wired(lambda m, x: (y := m.conv(x)).sum() + m.act(y), act=nn.ReLU(), conv=conv()),
    ),
    "the first of two readers": (
        1,
        lambda: wired(lambda m, x: m.act(y := m.conv(x)) + m.late(y), act=nn.ReLU(), late=nn.SiLU(), conv=conv()),
    ),
    "both places of a shared module": (
        1,
        lambda: wired(lambda m, x: m.act(m.conv(m.act(m.conv(x)))), act=nn.ReLU(), conv=conv(3, 3)),
    ),
    "one after the other": (
        2,
        lambda: wired(lambda m, x: m.act(m.late(m.conv(x))), act=nn.ReLU(), late=nn.SiLU(), conv=conv()),
    ),
}


def halves(network: Any, x: torch.Tensor) -> torch.Tensor:
    one, other = network.conv(x).chunk(2, 1)
    return torch.cat([network.act(one), other], 1)


@pytest.mark.parametrize("name", OVERWRITES)
def test_only_what_nothing_needs_later_is_overwritten(name: str) -> None:
    number, make = OVERWRITES[name]
    network, inputs = make()
    assert TRANSFORMS["inplace"].applies(network, inputs) == number
    if number:
        assert difference("inplace", network, inputs) == 0.0


@pytest.mark.parametrize(
    ("strides", "shape", "disjoint"),
    [
        ((784, 28, 1), (4, 28, 28), True),
        ((1, 112, 4), (4, 28, 28), True),
        ((1568, 784, 28, 1), (1, 2, 28, 28), True),
        ((0, 28, 1), (4, 28, 28), False),
        ((2, 1), (3, 3), False),
        ((0, 1), (1, 5), True),
    ],
)
def test_strides_say_whether_elements_share_places(
    strides: tuple[int, ...], shape: tuple[int, ...], disjoint: bool
) -> None:
    assert View(1, 0, shape, strides).is_disjoint is disjoint


class Dictionary(nn.Module):
    """Takes keywords and nested inputs, branches on one of them, and returns a mapping."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.5))
        self.head = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.SiLU())

    def forward(self, x: torch.Tensor, *, more: dict[str, torch.Tensor], scale: float = 1.0) -> dict[str, torch.Tensor]:
        y = self.body(x)
        if float(y.sum()) > -1e9:
            y = y * scale
        return {"b": self.head(more["e"]), "a": y.mean((2, 3))}


@pytest.mark.parametrize("mode", ["inference", "no gradients"], indirect=True)
@pytest.mark.parametrize("names", ["fold", "inplace", "fold+inplace", "frozen", "fold+inplace+frozen"])
def test_networks_of_several_inputs_and_outputs_compute_the_same(names: str) -> None:
    network = drawn(Dictionary())
    inputs = Inputs((torch.randn(IMAGE),), {"more": {"e": torch.randn(3, 4)}, "scale": 2.0})
    assert difference(names, network, inputs) < 1e-5


@pytest.mark.parametrize(
    ("name", "number"), [("shufflenet-v2-0.5x", 56), ("mobilenet-v2-0.6", 52), ("shufflenet-v1-0.5x-g3", 49)]
)
def test_every_batch_normalisation_of_networks_that_ship_is_folded(name: str, number: int) -> None:
    network, inputs = drawn(NETWORKS[name].build()), Inputs((torch.randn(1, 3, 64, 64),))
    assert kinds(network).count("BatchNorm2d") == number
    assert TRANSFORMS["fold"].applies(network, inputs) == number
    changed, _ = applied(chosen("fold", ""), network, inputs)
    assert "BatchNorm2d" not in kinds(changed)
    assert difference("fold", network, inputs) < 1e-4


def test_names_of_transforms_have_one_order() -> None:
    assert list(in_order()) == ["fold", "inplace", "frozen"]
    assert runtime_named("eager:inplace+fold").full_name == "eager:fold+inplace"
    assert runtime_named("eager:frozen+fold+frozen").full_name == "eager:fold+frozen"
    with pytest.raises(UserError, match="unknown option of eager 'fuse': known: fold, inplace, frozen"):
        runtime_named("eager:fold+fuse")
    with pytest.raises(UserError, match="unknown option of eager ''"):
        runtime_named("eager:fold+")


def test_what_transformed_networks_do_not_show_is_said() -> None:
    plain, both, frozen = map(runtime_named, ("eager", "eager:fold+inplace", "eager:fold+frozen"))
    assert plain.untraceable == both.untraceable == {}
    assert set(frozen.untraceable) == {"breakdown", "layers"}
    assert [each.trains for each in (plain, both, frozen)] == [True, False, False]
    assert isinstance(plain, Runtime)


def test_every_transform_says_what_it_does() -> None:
    for each in TRANSFORMS:
        assert min(map(len, (each.title, each.suggestion, each.nothing))) > 20
        assert each.nothing.endswith(f"leave {each.name} out")


def compiled() -> nn.Module:
    network = nn.Sequential(conv(), nn.BatchNorm2d(4))
    network.compile(backend="eager")
    return network


class InThread(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.act = conv(), nn.BatchNorm2d(4), nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(1) as pool:
            found: torch.Tensor = pool.submit(self.norm, self.conv(x)).result()
        return self.act(found)  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("make", "why"),
    [(compiled, "torch.compile runs it as a whole"), (InThread, "it works in threads of its own")],
)
def test_what_cannot_be_observed_is_named(make: Callable[[], nn.Module], why: str) -> None:
    network, inputs = drawn(make()), Inputs((torch.randn(IMAGE),))
    for name in ("fold", "inplace"):
        with pytest.raises(NotImplementedError, match=why):
            TRANSFORMS[name].applies(network, inputs)


def test_a_frozen_network_is_not_frozen_again() -> None:
    inputs = Inputs((torch.randn(IMAGE),))
    frozen, own = TRANSFORMS["frozen"].apply(drawn(nn.Sequential(conv(), nn.BatchNorm2d(4))), inputs)
    assert TRANSFORMS["frozen"].applies(frozen, own) == 0
    with pytest.raises(NotImplementedError, match="it is frozen already"):
        TRANSFORMS["frozen"].apply(frozen, own)
    assert TRANSFORMS["fold"].applies(frozen, own) == 0
