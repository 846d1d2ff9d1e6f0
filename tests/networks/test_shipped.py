"""Networks: golden numbers, printed digits, and an independent reading of ShuffleNet V2."""

import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as functional
from torch import nn

from benchcli.cost.count import count
from benchcli.cost.crosscheck import flops_by_torch
from benchcli.errors import UserError
from benchcli.sampling.example_inputs import inputs_of, items_of
from benchcli.schema import Input
from benchcli.settings import GROUPS
from benchcli.workloads import papers
from benchcli.workloads.networks import libraries
from benchcli.workloads.networks.base import NETWORKS, TABLE_8, Network, members
from benchcli.workloads.networks.mobilenet_v2 import make_divisible
from benchcli.workloads.networks.network_request import NetworkRequest

ALL = list(NETWORKS)
PUBLISHED = {
    # docs/networks.md: recomputed multiply-adds in millions, and parameters where they were published.
    "shufflenet-v2-0.5x": ("40.48", None),
    "shufflenet-v2-1x": ("145.81", None),
    "shufflenet-v2-1.5x": ("298.97", None),
    "shufflenet-v2-2x": ("590.78", None),
    "shufflenet-v2-0.5x-torchvision": ("40.5", 1_366_792),
    "shufflenet-v2-1x-torchvision": ("144.9", 2_278_604),
    "shufflenet-v2-1.5x-torchvision": ("295.8", 3_503_624),
    "shufflenet-v2-2x-torchvision": ("583.3", 7_393_996),
    "shufflenet-v1-2x-g3": ("524.05", None),
    "shufflenet-v1-2x-g8": ("521.94", None),
    "shufflenet-v1-1.5x-g3": ("292.44", None),
    "shufflenet-v1-1.5x-g8": ("290.19", None),
    "shufflenet-v1-1x-g3": ("137.46", None),
    "shufflenet-v1-1x-g8": ("138.37", None),
    "mobilenet-v1-1.0": ("568.7", None),
    "mobilenet-v2-1.0": ("300.8", 3_504_872),
    "resnet-50": ("4089.2", 25_557_032),
    "resnext-50-32x4d": ("4230.5", 25_028_904),
    "alexnet": ("714", None),
}
MEGABYTES = {
    # Unfused, fused, compulsory, of an independent prototype.
    "shufflenet-v2-1x": (68.1, 40.4, 9.7),
    "mobilenet-v2-1.0": (173.1, 68.8, 14.6),
    "resnet-50": (427.6, 217.2, 102.8),
    "resnext-50-32x4d": (504.4, 241.4, 100.7),
}
MET = ("ShuffleNet v2", "MobileNet v1", "1.0 MobileNet v2", "Xception")
"""Networks of Table 8 whose FLOPs are met to the printed digit. Of the others the paper does not print the channels."""


def made(network: Network, device: str = "meta") -> nn.Module:
    """Build a network; on torch's meta device nothing is computed, and shapes are all there is."""
    return _made(network.name, device)


@cache
def _made(name: str, device: str) -> nn.Module:
    torch.manual_seed(0)
    with torch.device(device):
        built = NETWORKS[name].build()
    return built.eval().requires_grad_(False)


def image(network: Network, device: str = "meta") -> torch.Tensor:
    return torch.randn(1, 3, network.size, network.size, device=device)


def millions(network: Network) -> float:
    return _millions(network.name)


@cache
def _millions(name: str) -> float:
    return flops_by_torch(made(NETWORKS[name]), image(NETWORKS[name])) / 1e6


@pytest.mark.parametrize("name", PUBLISHED)
def test_golden_numbers(name: str) -> None:
    digits, params = PUBLISHED[name]
    network = NETWORKS[name]
    decimals = len(digits.partition(".")[2])
    assert f"{millions(network):.{decimals}f}" == digits
    if params:
        assert sum(each.numel() for each in made(network).parameters()) == params


INDICES = {"shufflenet-v2-1x": 24 * 56 * 56, "resnet-50": 64 * 56 * 56, "resnext-50": 64 * 56 * 56}
"""The output elements of each network's max pooling."""


@pytest.mark.parametrize("name", MEGABYTES)
def test_memory_access_cost_is_the_prototypes_within_one_per_cent(name: str) -> None:
    network = NETWORKS[name]
    found = count(made(network), image(network))
    assert found.unknown == ()
    bounds = (found.mac_bytes, found.mac_fused_bytes, found.mac_compulsory_bytes)
    # The prototype counted the indices that max pooling returns, which nothing reads here.
    indices = 8e-6 * INDICES.get(name, 0)
    for counted, expected, more in zip(bounds, MEGABYTES[name], (indices, indices, 0), strict=True):
        assert counted / 1e6 + more == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("network", [each for each in ALL if each.group and each.printed], ids=lambda each: each.name)
def test_networks_of_table_8_are_in_its_groups_and_have_its_flops_where_it_prints_their_channels(
    network: Network,
) -> None:
    assert network.printed
    assert network.printed.table == TABLE_8
    row = papers.row(TABLE_8, **network.printed.cells)
    assert row
    assert (int(row["level"]), int(row["input_px"])) == (network.group, network.size)
    printed = network.printed.mflops
    assert printed
    if any(name in row["model"] for name in MET):
        # The paper rounds 40.48 and 298.97 up and 149.5 down: a printed digit is within one of the number.
        assert abs(millions(network) - printed) < 1
    else:
        assert millions(network) == pytest.approx(printed, rel=0.23)


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 8])
def test_shufflenet_has_its_table_1s_complexity_where_convolutions_alone_count(groups: int) -> None:
    network = NETWORKS[f"shufflenet-v1-1x-g{groups}"]
    linear = sum(each.weight.numel() for each in made(network).modules() if isinstance(each, nn.Linear))
    complexity = papers.row("shufflenetv1_table1_arch", layer="complexity_mflops")
    assert complexity
    assert int(millions(network) - linear / 1e6 + 0.5) == int(complexity[f"g{groups}"])


def test_resnet_50_with_its_published_strides_has_its_published_flops() -> None:
    network = NETWORKS["resnet-50-2016"]
    assert network.printed
    assert network.printed.mflops == 3800
    assert int(millions(network) / 100) == 38


@pytest.mark.parametrize("network", ALL, ids=lambda each: each.name)
def test_every_network_classifies_its_input_and_smaller_ones(network: Network) -> None:
    built = made(network)
    assert built(image(network)).shape == (1, 1000)
    assert built(torch.zeros(2, 3, network.least_size, network.least_size, device="meta")).shape == (2, 1000)
    with pytest.raises(UserError, match="would leave nothing"):
        network.variant(network.least_size - 1)


@pytest.mark.parametrize(
    "name",
    [
        "shufflenet-v2-1x",
        "shufflenet-v1-1x-g8",
        "mobilenet-v1-0.5",
        "mobilenet-v2-1.0",
        "resnet-50",
        "xception-1x",
        "alexnet",
    ],
)
def test_activations_neither_fade_nor_explode(name: str) -> None:
    built = made(NETWORKS[name], "cpu")
    assert 0.05 < float(built(image(NETWORKS[name], "cpu")).std()) < 20


def test_fvcore_and_torch_agree_on_a_whole_network() -> None:
    costs = count(made(NETWORKS["shufflenet-v1-0.25x-g3"], "cpu"), torch.randn(1, 3, 64, 64))
    assert costs.unknown == ()


def test_shufflenet_v2_is_what_a_plain_reading_of_the_paper_computes() -> None:
    """Table 5 and Figure 3 (c, d), with torchvision's unit, in functions of torch alone, on the same weights."""
    built = made(NETWORKS["shufflenet-v2-0.5x-torchvision"], "cpu").double()
    with torch.no_grad():
        for layer in built.modules():  # statistics that matter
            if isinstance(layer, nn.BatchNorm2d):
                assert layer.running_mean is not None
                assert layer.running_var is not None
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.5, 1.5)
        inputs = torch.randn(2, 3, 64, 64, dtype=torch.float64)
        assert torch.allclose(Reading(built)(inputs), built(inputs), rtol=1e-9, atol=1e-9)


class Reading:
    """Reads the weights in their order, and does with them what the paper says."""

    def __init__(self, network: nn.Module) -> None:
        self.layers: Iterator[nn.Module] = iter(
            [each for each in network.modules() if isinstance(each, nn.Conv2d | nn.BatchNorm2d | nn.Linear)]
        )

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        plane = functional.max_pool2d(self.step(images, relu=True), 3, 2, 1)
        for repeat in (4, 8, 4):
            plane = self.downsampling(plane)
            for _ in range(repeat - 1):
                plane = self.basic(plane)
        plane = self.step(plane, relu=True)
        linear = next(self.layers)
        assert isinstance(linear, nn.Linear)
        return functional.linear(plane.mean(dim=(2, 3)), linear.weight, linear.bias)

    def step(self, plane: torch.Tensor, relu: bool) -> torch.Tensor:
        layer, norm = next(self.layers), next(self.layers)
        assert isinstance(layer, nn.Conv2d)
        assert isinstance(norm, nn.BatchNorm2d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        plane = functional.conv2d(plane, layer.weight, None, layer.stride, layer.padding, 1, layer.groups)
        shape = (1, -1, 1, 1)
        centred = (plane - norm.running_mean.view(shape)) / torch.sqrt(norm.running_var.view(shape) + norm.eps)
        plane = centred * norm.weight.view(shape) + norm.bias.view(shape)
        return plane.clamp(min=0) if relu else plane

    def basic(self, plane: torch.Tensor) -> torch.Tensor:
        half = plane.shape[1] // 2
        left, right = plane[:, :half], plane[:, half:]
        right = self.step(self.step(self.step(right, True), False), True)
        return self.shuffled(left, right)

    def downsampling(self, plane: torch.Tensor) -> torch.Tensor:
        left = self.step(self.step(plane, False), True)
        right = self.step(self.step(self.step(plane, True), False), True)
        return self.shuffled(left, right)

    @staticmethod
    def shuffled(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        together = torch.cat([left, right], dim=1)
        channels = together.shape[1]
        order = [group * channels // 2 + channel for channel in range(channels // 2) for group in range(2)]
        return together[:, order]


def test_members_begin_with_the_baseline() -> None:
    for group in GROUPS:
        names = [network.name for network in members(group)]
        assert names[0].startswith("shufflenet-v2-")
        assert len(names) > 4
    with pytest.raises(UserError, match="known: 40, 140, 300, 500"):
        members(150)


def test_rounding_to_multiples_of_eight_never_takes_more_than_a_tenth() -> None:
    assert [make_divisible(channels) for channels in (4.8, 12, 19.2, 24, 57.6, 240.1)] == [8, 16, 24, 24, 56, 240]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("shufflenet-v2-3x", "did you mean shufflenet-v2-2x"),
        ("shufflenet-v1-1x-g5", "did you mean shufflenet-v1-1x-g"),
        ("torchvision:resnet18", "torchvision is not installed: `pip install torchvision`"),
        ("my net:build", "names no network"),
    ],
)
def test_names_of_no_network_are_said(name: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchcli.workloads.networks.libraries.find_spec", lambda _: None)
    with pytest.raises(UserError, match=said):
        list(NetworkRequest(name="networks", networks=(name,)).variants())


class Detector(nn.Conv2d):
    """A stand-in for a detector: it takes a list of images, and has a threshold of scores."""

    def __init__(self) -> None:
        super().__init__(3, 2, 1)
        self.roi_heads, self.score_thresh = nn.Identity(), 0.5
        self.transform = SimpleNamespace(min_size=(8, 12))

    def forward(self, images: list[torch.Tensor]) -> list[torch.Tensor]:  # type: ignore[override]
        return [super(Detector, self).forward(each) for each in images]


class Weights:
    """A stand-in for the weights of a network, with what they were trained on."""

    def __init__(self, **preset: object) -> None:
        self.transforms: Any = partial(dict, **preset)


def module(name: str, **contents: object) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(contents)
    return made


def maker(folder: str, network: type[nn.Module], *arguments: int, backbone: bool = False) -> Callable[..., nn.Module]:
    """Return a function of a folder of torchvision that makes a network and downloads nothing unless it may."""

    def make(*, weights: None) -> nn.Module:
        return network(*arguments)

    def make_with_backbone(*, weights: None, weights_backbone: str | None = "downloaded") -> nn.Module:
        assert weights_backbone is None
        return network(*arguments)

    made = make_with_backbone if backbone else make
    made.__module__ = f"torchvision.models.{folder}"
    return made


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand-ins for torchvision, timm and pytorchcv, which need a torch of their own."""
    makers = {
        "resnet18": maker("resnet", nn.Conv2d, 3, 2, 1),
        "vgg11": maker("vgg", nn.Conv2d, 3, 2, 1),
        "fcn": maker("segmentation.fcn", nn.Conv2d, 3, 2, 1, backbone=True),
        "r3d": maker("video.resnet", nn.Conv3d, 3, 2, 1),
        "rcnn": maker("detection.rcnn", Detector, backbone=True),
    }
    weights = {
        "resnet18": [Weights(crop_size=384), Weights(crop_size=224)],
        "vgg11": [],
        "fcn": [Weights(resize_size=520)],
        "r3d": [Weights(crop_size=(112, 112), resize_size=(128, 171))],
        "rcnn": [Weights()],
    }
    models = module(
        "torchvision.models",
        list_models=lambda: list(makers),
        get_model_builder=makers.__getitem__,
        get_model_weights=weights.__getitem__,
    )
    small = nn.Conv2d(3, 4, 1)
    small.pretrained_cfg = {"input_size": (3, 160, 160)}  # type: ignore[assignment]
    digits = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 4, 1), nn.Conv2d(4, 4, 1))
    digits.in_size = (32, 16)  # type: ignore[assignment]
    makes = {"list_models": lambda: ["small"], "create_model": lambda name, pretrained: small}
    provider = module("pytorchcv.model_provider", _models={"digits": 0}, get_model=lambda name, pretrained: digits)
    for each in (
        models,
        module("torchvision", models=models),
        module("timm", **makes),
        module("pytorchcv", model_provider=provider),
        provider,
    ):
        monkeypatch.setitem(sys.modules, each.__name__, each)


@pytest.mark.usefixtures("torchvision")
def test_networks_of_libraries_are_had_by_name_and_their_unknown_names_are_said() -> None:
    from benchcli.workloads.networks.libraries import timm_model, torchvision_model

    assert torchvision_model("resnet18")(torch.zeros(1, 3, 4, 4)).shape == (1, 2, 4, 4)
    assert timm_model("small")(torch.zeros(1, 3, 4, 4)).shape == (1, 4, 4, 4)
    with pytest.raises(UserError, match="unknown torchvision model 'resnet19': did you mean resnet18"):
        torchvision_model("resnet19")


@pytest.mark.usefixtures("torchvision")
@pytest.mark.parametrize(
    ("library", "name", "described"),
    [
        ("torchvision", "resnet18", "2x3x224x224"),  # the least of its weights' sizes
        ("torchvision", "vgg11", "2x3x224x224"),  # no weights
        ("torchvision", "fcn", "2x3x520x520"),
        ("torchvision", "r3d", "2x3x16x112x112"),
        ("torchvision", "rcnn", "0=3x12x12, 1=3x12x12"),
        ("timm", "small", "2x3x160x160"),
        ("pytorchcv", "digits", "2x1x32x16"),
    ],
)
def test_networks_of_libraries_are_called_with_what_their_library_says(
    library: str, name: str, described: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "find_spec", lambda _: object())
    (variant,) = NetworkRequest(name="networks", networks=(f"{library}:{name}",)).variants()
    network = libraries.LIBRARIES[library](name)
    inputs = inputs_of(variant, 2, 0, network)
    assert (inputs.described(), items_of(inputs)) == (described, 2)
    inputs.bound_to(network)()


@pytest.mark.usefixtures("torchvision")
def test_a_detector_keeps_what_it_finds() -> None:
    network = libraries.LIBRARIES["torchvision"]("rcnn")
    assert network.score_thresh == 0.0


@pytest.mark.parametrize(
    ("asked", "described"),
    [
        ({"size": 64}, "1x3x64x64"),
        ({"inputs": (Input((3, 8, 48, 48)),)}, "1x3x8x48x48"),
        ({"inputs": (Input((3, 9, 9)), Input((3, 9, 9)))}, "1x3x9x9, 1x3x9x9"),
    ],
)
def test_what_is_asked_for_replaces_what_a_library_says(
    asked: dict[str, Any], described: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(libraries, "find_spec", lambda _: object())
    (variant,) = NetworkRequest(name="networks", networks=("timm:small",), **asked).variants()
    network = nn.Conv2d(3, 2, 1)
    network.example_inputs = lambda batch: torch.zeros(batch, 3, 160, 160)  # type: ignore[assignment]
    assert inputs_of(variant, 1, 0, network).described() == described


def test_a_pattern_stands_for_the_networks_that_it_matches() -> None:
    names = ("resnet-50", "mobilenet-v1-*", "resnet-5?")
    found = [variant.name for variant in NetworkRequest(name="networks", networks=names).variants()]
    assert found[0] == "resnet-50"
    assert found[1:] == [network.name for network in NETWORKS if network.name.startswith("mobilenet-v1-")]
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("mobilenot*", "matches none of"),
        ("mine:*", "wildcards, which are for networks that ship"),
        ("timm:*", "timm is not installed"),
    ],
)
def test_a_pattern_of_nothing_is_said(pattern: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchcli.workloads.networks.libraries.find_spec", lambda _: None)
    with pytest.raises(UserError, match=said):
        list(NetworkRequest(name="networks", networks=(pattern,)).variants())


def test_a_library_lists_its_networks_in_a_process_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "timm.py").write_text("def list_models(): return ['small_1', 'small_2', 'large']")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    libraries._listed.cache_clear()
    found = [each.name for each in NetworkRequest(name="networks", networks=("timm:small*",)).variants()]
    assert found == ["timm:small_1", "timm:small_2"]
    (tmp_path / "timm.py").write_text("raise RuntimeError('broken')")
    libraries._listed.cache_clear()
    with pytest.raises(UserError, match="timm cannot list its networks: RuntimeError: broken"):
        list(NetworkRequest(name="networks", networks=("timm:small*",)).variants())
    libraries._listed.cache_clear()


def test_a_pattern_that_stands_for_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "MOST", 3)
    with pytest.raises(UserError, match="more than 3: give a narrower pattern"):
        list(NetworkRequest(name="networks", networks=("*",)).variants())
