"""The unit of ResNeXt (Xie et al., CVPR 2017, Figure 3c), with ShuffleNet V1's settings."""

from collections.abc import Mapping

from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.blocks.resnet import ResNet

CARDINALITY = 16
REDUCTION = 2
"""ShuffleNet V1, Section 4.2: "the cardinality is 16 and the bottleneck ratio is 1:2"."""


class ResNeXt(ResNet):
    """1x1 to half of the channels, a grouped 3x3, 1x1 back, and a shortcut."""

    name = "resnext"
    title = f"ResNeXt unit, {CARDINALITY} groups"
    source = "Xie et al., CVPR 2017, Figure 3c; its width ratio and groups as in ShuffleNet V1, Section 4.2"
    reduction = REDUCTION
    groups = CARDINALITY

    @property
    def breaks(self) -> Mapping[str, str]:
        """The bottleneck's channels, its groups and its element-wise operations."""
        return {
            "g1": "1×1 convolutions c to c/2 and back",
            "g2": f"a 3×3 convolution in {CARDINALITY} groups",
            "g4": "an addition and a ReLU on all c channels",
        }


BLOCKS.add(ResNeXt())
