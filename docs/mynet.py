"""A network of one's own, for the examples: `benchcli network shufflenet-v2-1x docs.mynet:build`."""

from itertools import pairwise

from torch import nn


def build(width: int = 32) -> nn.Module:
    """Return a small classifier of depthwise separable convolutions for images of three channels."""
    widths = [width, 2 * width, 4 * width, 4 * width, 8 * width, 8 * width]
    layers = [_conv(3, width, 3, stride=2)]
    for number, (before, after) in enumerate(pairwise(widths)):
        stride = 1 if before == after else 2
        layers += [_conv(before, before, 3, stride=stride, groups=before), _conv(before, after, 1)]
        layers += [_conv(after, after, 3, groups=after), _conv(after, after, 1)] if number > 1 else []
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 1000))


def _conv(before: int, after: int, size: int, stride: int = 1, groups: int = 1) -> nn.Module:
    conv = nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU(inplace=True))
