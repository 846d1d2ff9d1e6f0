"""The networks whose times are predicted, and none of which a prediction's factors come from.

They are of other families than those of `benchcli.api.time_prediction.CALIBRATING`, and were chosen before any of
them was predicted: those of pytorchcv, one to four of a family, that take at most a fifth of a second here.
"""

HELD_OUT: dict[str, tuple[str, ...]] = {
    "DenseNet": ("densenet121",),
    "SqueezeNet": ("squeezenet_v1_0", "squeezenet_v1_1", "squeezeresnet_v1_0", "squeezeresnet_v1_1"),
    "SqueezeNext": ("sqnxt23_w1", "sqnxt23_w3d2", "sqnxt23v5_w1", "sqnxt23v5_w3d2"),
    "MobileNet V3": (
        *("mobilenetv3_small_wd2", "mobilenetv3_small_w1"),
        *("mobilenetv3_large_wd2", "mobilenetv3_large_w1"),
    ),
    "MnasNet": ("mnasnet_b1", "mnasnet_a1", "mnasnet_small"),
    "EfficientNet": ("efficientnet_b0", "efficientnet_b1"),
    "EfficientNet-Edge": ("efficientnet_edge_small_b",),
    "FBNet": ("fbnet_cb",),
    "ProxylessNAS": ("proxylessnas_cpu", "proxylessnas_mobile"),
    "SinglePathNAS": ("spnasnet",),
    "DarkNet": ("darknet_ref", "darknet_tiny", "darknet19"),
    "IGCV3": ("igcv3_w1", "igcv3_w3d4", "igcv3_wd2"),
    "MENet": ("menet108_8x1_g3", "menet160_8x1_g8", "menet228_12x1_g3"),
    "CondenseNet": ("condensenet74_c4_g4", "condensenet74_c8_g8"),
    "HarDNet": ("hardnet39ds", "hardnet68ds"),
    "DLA": ("dla34", "dla46c", "dla46xc"),
    "VoVNet": ("vovnet27s", "vovnet39"),
    "PeleeNet": ("peleenet",),
    "BN-Inception": ("bninception",),
    "GhostNet": ("ghostnet",),
    "RegNet": ("regnetx002", "regnetx006", "regnety002", "regnety006"),
    "MixNet": ("mixnet_s", "mixnet_m"),
    "SE-ResNet": ("seresnet10", "seresnet18"),
    "PreResNet": ("preresnet10", "preresnet18"),
    "ResNeXt": ("resnext14_32x4d", "resnext26_32x2d"),
    "DiracNet V2": ("diracnet18v2",),
    "DPN": ("dpn68",),
    "HRNet": ("hrnet_w18_small_v1",),
    "VGG": ("vgg11", "bn_vgg11b"),
    "DiCENet": ("dicenet_wd2", "dicenet_w1"),
    "SelecSLS": ("selecsls42b",),
    "SENet": ("senet16",),
    "CBAM-ResNet": ("cbam_resnet18",),
    "NASNet": ("nasnet_4a1056",),
    "FD-MobileNet": ("fdmobilenet_w1", "fdmobilenet_wd2"),
    "OctResNet": ("octresnet10_ad2",),
}
