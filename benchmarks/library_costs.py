"""Count the multiply-adds of networks of other libraries, and compare them with published figures.

`pip install -e .[zoo]` and `pip install --no-deps pytorchcv`, or `make zoo`. The networks are those of pytorchcv
and of transformers, without weights, on torch's meta device, which computes shapes only. A published
figure agrees if the count, rounded or cut to its digits, is that figure. Takes about a minute.

Sources: "torchvision" is the column GFLOPS of the tables of weights in its documentation; the others
are the papers that presented the networks.
"""

import argparse
import sys
import types
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import torch

from benchcli.cost.count import count

GIGA, MEGA = 10**9, 10**6


@dataclass(frozen=True)
class Published:
    """A network and its published multiply-adds."""

    family: str
    name: str
    build: Callable[[], torch.nn.Module]
    size: int
    figure: str
    unit: int
    source: str


class Output(torch.nn.Module):
    """A network of transformers that takes images and returns one tensor."""

    def __init__(self, network: torch.nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        output: torch.Tensor = self.network(pixel_values=images)[0]
        return output


def of_pytorchcv(name: str) -> torch.nn.Module:
    """Return a network of pytorchcv, which imports one operator of torchvision that none of these uses."""
    stand_in = types.ModuleType("torchvision.ops")
    stand_in.DeformConv2d = None  # type: ignore[attr-defined]
    sys.modules["torchvision.ops"] = stand_in
    from pytorchcv.model_provider import get_model

    del sys.modules["torchvision.ops"]  # transformers looks whether torchvision is there
    return get_model(name, pretrained=False)  # type: ignore[no-any-return]


def of_transformers(kind: str, **settings: Any) -> torch.nn.Module:
    """Return an image classifier of transformers for a configuration."""
    import transformers

    config = getattr(transformers, f"{kind}Config")(num_labels=1000, **settings)
    return Output(getattr(transformers, f"{kind}ForImageClassification")(config))


def listed(
    family: str, source: str, unit: int, networks: dict[str, str], size: int = 224, sizes: dict[str, int] | None = None
) -> Iterator[Published]:
    """Yield networks of pytorchcv, from a mapping of their names to published figures."""
    for name, figure in networks.items():
        pixels = (sizes or {}).get(name, size)
        yield Published(family, name, lambda name=name: of_pytorchcv(name), pixels, figure, unit, source)  # type: ignore[misc]


def configured(
    family: str, source: str, kind: str, networks: dict[str, tuple[str, dict[str, Any]]], size: int = 224
) -> Iterator[Published]:
    """Yield networks of transformers, from a mapping of names to published figures and configurations."""
    for name, (figure, settings) in networks.items():
        build = lambda settings=settings: of_transformers(kind, **settings)  # noqa: E731
        yield Published(family, name, build, settings.get("image_size", size), figure, GIGA, source)


def vit(width: int, depth: int, heads: int, patch: int = 16) -> dict[str, Any]:
    return {
        "hidden_size": width, "num_hidden_layers": depth, "num_attention_heads": heads,
        "intermediate_size": 4 * width, "patch_size": patch, "image_size": 224,
    }  # fmt: skip


def swin(width: int, depths: list[int], heads: list[int]) -> dict[str, Any]:
    return {"embed_dim": width, "depths": depths, "num_heads": heads, "image_size": 224}


def swin_v2(width: int, depths: list[int], heads: list[int]) -> dict[str, Any]:
    return {**swin(width, depths, heads), "image_size": 256, "window_size": 8}


def convnext(depths: list[int], widths: list[int]) -> dict[str, Any]:
    return {"depths": depths, "hidden_sizes": widths}


NETWORKS: tuple[Published, ...] = (
    *listed("AlexNet", "torchvision", GIGA, {"alexnetb": "0.71"}),
    *listed("VGG", "torchvision", GIGA, {"vgg11": "7.61", "vgg13": "11.31", "vgg16": "15.47", "vgg19": "19.63"}),
    *listed(
        "VGG with BN", "torchvision", GIGA,
        {"bn_vgg11b": "7.61", "bn_vgg13b": "11.31", "bn_vgg16b": "15.47", "bn_vgg19b": "19.63"},
    ),
    *listed(
        "ResNet", "torchvision", GIGA,
        {"resnet18": "1.81", "resnet34": "3.66", "resnet50b": "4.09", "resnet101b": "7.80", "resnet152b": "11.51"},
    ),
    *listed("ResNeXt", "torchvision", GIGA, {"resnext50_32x4d": "4.23", "resnext101_64x4d": "15.46"}),
    *listed("Wide ResNet", "torchvision", GIGA, {"wrn50_2": "11.40"}),
    *listed(
        "DenseNet", "torchvision", GIGA,
        {"densenet121": "2.83", "densenet161": "7.73", "densenet169": "3.36", "densenet201": "4.29"},
    ),
    *listed("SqueezeNet", "torchvision", GIGA, {"squeezenet_v1_0": "0.82", "squeezenet_v1_1": "0.35"}),
    *listed("Inception", "torchvision", GIGA, {"inceptionv3": "5.71"}, size=299),
    *listed(
        "MobileNet V1", "Howard et al. 2017", MEGA,
        {"mobilenet_w1": "569", "mobilenet_w3d4": "325", "mobilenet_wd2": "149", "mobilenet_wd4": "41"},
    ),
    *listed(
        "MobileNet V2", "Sandler et al. 2018", MEGA,
        {"mobilenetv2b_w1": "300", "mobilenetv2b_w3d4": "209", "mobilenetv2b_wd2": "97"},
    ),
    *listed(
        "MobileNet V3", "torchvision", GIGA, {"mobilenetv3_large_w1": "0.22", "mobilenetv3_small_w1": "0.06"}
    ),
    *listed("MobileNet V3", "Howard et al. 2019", MEGA, {"mobilenetv3_large_w3d4": "155"}),
    *listed("MNASNet", "torchvision", GIGA, {"mnasnet_b1": "0.31"}),
    *listed("ShuffleNet V2", "torchvision", GIGA, {"shufflenetv2_w1": "0.14", "shufflenetv2_w3d2": "0.30"}),
    *listed(
        "EfficientNet", "torchvision", GIGA,
        {"efficientnet_b0": "0.39", "efficientnet_b1": "0.69", "efficientnet_b2": "1.09", "efficientnet_b3": "1.83",
         "efficientnet_b4": "4.39", "efficientnet_b5": "10.27", "efficientnet_b6": "19.07", "efficientnet_b7": "37.75"},
        sizes={"efficientnet_b1": 240, "efficientnet_b2": 288, "efficientnet_b3": 300, "efficientnet_b4": 380,
               "efficientnet_b5": 456, "efficientnet_b6": 528, "efficientnet_b7": 600},
    ),
    *listed(
        "RegNet", "torchvision", GIGA,
        {"regnetx008": "0.80", "regnetx016": "1.60", "regnetx032": "3.18", "regnetx080": "8.00",
         "regnetx160": "15.94", "regnetx320": "31.74", "regnety160": "15.91", "regnety320": "32.28",
         "regnety004": "0.40", "regnety016": "1.61", "regnety032": "3.18"},
    ),
    *listed("RegNet", "Radosavovic et al. 2020", GIGA, {"regnetx004": "0.4", "regnety008": "0.8"}),
    *listed("HRNet", "Wang et al. 2020", GIGA, {"hrnetv2_w18": "4.3", "hrnetv2_w30": "8.1", "hrnetv2_w40": "12.7"}),
    *listed("VoVNet", "Lee et al. 2019", GIGA, {"vovnet39": "7.1", "vovnet57": "8.9"}),
    *listed("HarDNet", "Chao et al. 2019", GIGA, {"hardnet68": "4.3", "hardnet85": "9.1"}),
    *listed("DPN", "Chen et al. 2017", GIGA, {"dpn98": "11.7", "dpn131": "16.0"}),
    *listed("MixNet", "Tan and Le 2019", MEGA, {"mixnet_s": "256", "mixnet_m": "360", "mixnet_l": "565"}),
    *configured(
        "ViT", "torchvision", "ViT",
        {"vit-b-16": ("17.56", vit(768, 12, 12)), "vit-b-32": ("4.41", vit(768, 12, 12, 32)),
         "vit-l-16": ("61.55", vit(1024, 24, 16)), "vit-l-32": ("15.38", vit(1024, 24, 16, 32)),
         "vit-h-14": ("167.29", vit(1280, 32, 16, 14))},
    ),
    *configured(
        "DeiT", "Touvron et al. 2022", "ViT",
        {"deit-tiny": ("1.3", vit(192, 12, 3)), "deit-small": ("4.6", vit(384, 12, 6))},
    ),
    *configured(
        "Swin", "torchvision", "Swin",
        {"swin-t": ("4.49", swin(96, [2, 2, 6, 2], [3, 6, 12, 24])),
         "swin-s": ("8.74", swin(96, [2, 2, 18, 2], [3, 6, 12, 24])),
         "swin-b": ("15.43", swin(128, [2, 2, 18, 2], [4, 8, 16, 32]))},
    ),
    *configured(
        "ConvNeXt", "torchvision", "ConvNext",
        {"convnext-tiny": ("4.46", convnext([3, 3, 9, 3], [96, 192, 384, 768])),
         "convnext-small": ("8.68", convnext([3, 3, 27, 3], [96, 192, 384, 768])),
         "convnext-base": ("15.36", convnext([3, 3, 27, 3], [128, 256, 512, 1024])),
         "convnext-large": ("34.36", convnext([3, 3, 27, 3], [192, 384, 768, 1536]))},
    ),
    *configured(
        "ConvNeXt V2", "Woo et al. 2023", "ConvNextV2",
        {"convnextv2-atto": ("0.55", convnext([2, 2, 6, 2], [40, 80, 160, 320])),
         "convnextv2-nano": ("2.45", convnext([2, 2, 8, 2], [80, 160, 320, 640])),
         "convnextv2-tiny": ("4.47", convnext([3, 3, 9, 3], [96, 192, 384, 768])),
         "convnextv2-base": ("15.4", convnext([3, 3, 27, 3], [128, 256, 512, 1024]))},
    ),
    *configured(
        "Swin V2", "torchvision", "Swinv2",
        {"swin-v2-t": ("5.94", swin_v2(96, [2, 2, 6, 2], [3, 6, 12, 24])),
         "swin-v2-s": ("11.55", swin_v2(96, [2, 2, 18, 2], [3, 6, 12, 24])),
         "swin-v2-b": ("20.32", swin_v2(128, [2, 2, 18, 2], [4, 8, 16, 32]))},
    ),
    *configured(
        "PoolFormer", "Yu et al. 2022", "PoolFormer",
        {"poolformer-s12": ("1.8", {"depths": [2, 2, 6, 2]}), "poolformer-s24": ("3.4", {"depths": [4, 4, 12, 4]})},
    ),
    *configured(
        "PVT v2", "Wang et al. 2022", "PvtV2",
        {"pvt-v2-b0": ("0.6", {"hidden_sizes": [32, 64, 160, 256]}),
         "pvt-v2-b1": ("2.1", {"hidden_sizes": [64, 128, 320, 512]}),
         "pvt-v2-b3": ("6.9", {"hidden_sizes": [64, 128, 320, 512], "depths": [3, 4, 18, 3]}),
         "pvt-v2-b4": ("10.1", {"hidden_sizes": [64, 128, 320, 512], "depths": [3, 8, 27, 3]}),
         "pvt-v2-b2": ("4.0", {"hidden_sizes": [64, 128, 320, 512], "depths": [3, 4, 6, 3]})},
    ),
    *configured(
        "LeViT", "Graham et al. 2021", "Levit",
        {"levit-128": ("0.406", {"hidden_sizes": [128, 256, 384], "num_attention_heads": [4, 8, 12]}),
         "levit-256": ("1.120", {"hidden_sizes": [256, 384, 512], "num_attention_heads": [4, 6, 8],
                                 "key_dim": [32, 32, 32],
                                 "down_ops": [["Subsample", 32, 8, 4, 2, 2], ["Subsample", 32, 12, 4, 2, 2]]})},
    ),
    *configured("CvT", "Wu et al. 2021", "Cvt", {"cvt-13": ("4.5", {}), "cvt-21": ("7.1", {"depth": [1, 4, 16]})}),
)  # fmt: skip

WIDTHS = "pytorchcv does not round widths up to multiples of 8"
EXPLAINED: dict[str, str] = {
    "mobilenetv2b_w3d4": WIDTHS,
    "mobilenetv2b_wd2": WIDTHS,
    "mobilenetv3_large_w3d4": WIDTHS,
    "shufflenetv2_w3d2": "pytorchcv scales the first convolution too",
    "mixnet_s": "the paper does not say what it counts",
    "mixnet_m": "the paper does not say what it counts",
    "mixnet_l": "the paper does not say what it counts",
    "convnextv2-tiny": "the paper's figure for the same products in its first version is 4.46",
    "levit-128": "within 0.3 %; the paper does not say what it counts",
    "levit-256": "within 0.6 %; the paper does not say what it counts",
}
"""Why a count is not the published figure."""


def agrees(counted: int, published: Published) -> bool:
    """Return whether a count, rounded or cut to the digits of the published figure, is that figure."""
    figure = Decimal(published.figure)
    last = Decimal(1).scaleb(int(figure.as_tuple().exponent))
    return abs(Decimal(counted) / published.unit - figure) < last


def counted(published: Published) -> tuple[int, tuple[str, ...]]:
    """Return the multiply-adds, and the operators without a rule."""
    with torch.device("meta"):
        network = published.build().eval()
        images = torch.zeros(1, 3, published.size, published.size)
    costs = count(network, images)
    return costs.flops, costs.unknown


def one_of_each_family() -> list[Published]:
    """Return the first network of each family whose figure is met, or the first one."""
    ordered = sorted(NETWORKS, key=lambda each: each.name in EXPLAINED)
    return list({each.family: each for each in reversed(ordered)}.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--each-family", action="store_true", help="count one network of each family alone")
    given = parser.parse_args()
    chosen = one_of_each_family() if given.each_family else NETWORKS
    chosen = [each for each in chosen if not given.names or each.name in given.names]
    warnings.simplefilter("ignore")
    found: Counter[str] = Counter()
    unexplained = []
    for published in chosen:
        try:
            flops, unknown = counted(published)
        except Exception as error:  # a library may have changed
            found["failed"] += 1
            unexplained.append(published.name)
            print(f"failed   {published.name}: {type(error).__name__}: {error}")
            continue
        outcome = "agrees" if agrees(flops, published) and not unknown else "differs"
        found[outcome] += 1
        if outcome == "differs" and published.name not in EXPLAINED:
            unexplained.append(published.name)
        digits = max(0, -int(Decimal(published.figure).as_tuple().exponent)) + 1
        print(
            f"{outcome:8} {published.family:15} {published.name:22} {flops / published.unit:9.{digits}f}, published "
            f"{published.figure} {'G' if published.unit == GIGA else 'M'} ({published.source}) "
            f"{' '.join(unknown)}{EXPLAINED.get(published.name, '')}"
        )
    families = len({each.family for each in chosen})
    print(f"{len(chosen)} networks of {families} families: {dict(found)}")
    if unexplained or found["agrees"] < 0.9 * found.total():
        sys.exit(f"not explained: {', '.join(unexplained) or 'none, but too many differ'}")


if __name__ == "__main__":
    main()
