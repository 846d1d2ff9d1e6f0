"""Count and time networks of four libraries for one launch each, and say what becomes of every one.

`make zoo-all` makes two environments in `build/` and runs this in each: `transformers`, and `torchvision timm
pytorchcv` beside a torch that torchvision fits. `results/reference/libraries.csv` is what it found.
Each network is measured as a user would, by `benchcli run` of a suite. What it gets is one of

    measured   a time, and costs
    row        a row that says why there is no time
    refused    a message before anything is measured (exit code 2)
    traceback  an error of benchcli itself (exit code 1)

Multiply-adds stand beside the figure that the project knows (`library_costs.py`) or that the library states:
torchvision in the metadata of its weights, timm in its repository (results/benchmark-infer-amp-nchw-pt240-cu124-
rtx4090.csv and, for newer networks, -pt291-cu130-5090.csv). It ends with an error if a network has no time and
no reason that is known here, if a count differs and nothing explains it, or if nothing was compared.
"""

import argparse
import csv
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from pathlib import Path

import torch
from library_costs import EXPLAINED as COUNTED_APART
from library_costs import GIGA, NETWORKS, Published
from library_models import MODELS

from benchcli.system.machine import cpu_model

HERE = Path(__file__).parent
AT_ONCE = 12
"""Networks of one run. Those without a time are then run one by one, without neighbours."""
LIMIT_S = 1800


@dataclass(frozen=True)
class Network:
    """A network of a library, and the figure that is published for its multiply-adds."""

    library: str
    name: str
    inputs: tuple[str, ...] = ()
    """Texts of its inputs; empty for those that the library gives it."""
    size: int | None = None
    published: Decimal | None = None
    unit: int = GIGA
    source: str = ""

    @property
    def variant(self) -> str:
        """Its name in a run."""
        return self.name if self.library == "transformers" else f"{self.library}:{self.name}"

    @property
    def options(self) -> str:
        """What a suite says of its inputs."""
        if self.size:
            return f"shape = [3, {self.size}, {self.size}]" if self.library == "transformers" else f"size = {self.size}"
        return f"inputs = {json.dumps(self.inputs)}" if self.inputs else ""


@dataclass(frozen=True)
class Outcome:
    """What became of a network: a row of the table."""

    library: str
    network: str
    inputs: str = ""
    outcome: str = ""
    reason: str = ""
    multiply_adds: int | None = None
    is_complete: bool = False
    without_rule: str = ""
    published: str = ""
    source: str = ""
    compared: str = ""
    """Whether the count is the published one: "agrees", "agrees as fvcore counts", "differs" or empty."""
    params: int | None = None
    milliseconds: float | None = None
    torch: str = ""
    processor: str = ""


def _names(text: str) -> list[str]:
    return text.split()


TORCHVISION = _names("""
    alexnet densenet121 efficientnet_b0 googlenet inception_v3 maxvit_t mobilenet_v2 mobilenet_v3_small
    regnet_x_400mf resnet18 resnet50 shufflenet_v2_x0_5 squeezenet1_1 swin_t vit_b_32 quantized_mobilenet_v2 r3d_18
    s3d mvit_v2_s lraspp_mobilenet_v3_large deeplabv3_mobilenet_v3_large ssdlite320_mobilenet_v3_large ssd300_vgg16
    fasterrcnn_mobilenet_v3_large_320_fpn
""")
"""Networks of torchvision that are measured with the inputs of their weights."""
SMALLER: Mapping[str, tuple[str, ...]] = {
    "fcn_resnet50": ("1x3x128x128",),
    "deeplabv3_resnet50": ("1x3x128x128",),
    "swin3d_t": ("1x3x8x112x112",),
    "raft_small": ("1x3x128x128", "1x3x128x128"),
    "raft_large": ("1x3x128x128", "1x3x128x128"),
}
DETECTORS = ["maskrcnn_resnet50_fpn", "retinanet_resnet50_fpn"]
TIMM: Mapping[str, tuple[str, int]] = {
    "cait_xxs24_224": ("2.53", 224), "coat_lite_tiny": ("1.6", 224), "convit_tiny": ("1.26", 224),
    "convnextv2_atto": ("0.55", 224), "crossvit_tiny_240": ("1.57", 240), "cs3darknet_s": ("0.72", 256),
    "csatv2": ("1.39", 512), "botnet26t_256": ("3.32", 256), "halonet26t": ("3.19", 256),
    "deit_tiny_distilled_patch16_224": ("1.27", 224), "dpn48b": ("1.69", 224), "edgenext_xx_small": ("0.26", 256),
    "efficientformer_l1": ("1.3", 224), "efficientformerv2_s0": ("0.41", 224), "efficientvit_b0": ("0.1", 224),
    "ese_vovnet19b_slim_dw": ("0.4", 224), "eva02_tiny_patch14_224": ("1.7", 224), "fasternet_t0": ("0.34", 224),
    "fastvit_t8": ("0.7", 256), "fbnetv3_b": ("0.42", 224), "gcvit_xxtiny": ("2.14", 224),
    "gernet_s": ("0.75", 224), "ghostnet_100": ("0.15", 224),
    "gmlp_ti16_224": ("1.34", 224), "hiera_tiny_224": ("4.91", 224), "inception_next_atto": ("0.5", 224),
    "lcnet_050": ("0.05", 224), "levit_128s": ("0.31", 224), "mambaout_femto": ("1.16", 224),
    "maxvit_pico_rw_256": ("1.83", 256), "mixer_s32_224": ("1.0", 224), "mobilenetv3_small_100": ("0.06", 224),
    "mobilenetv4_conv_small": ("0.19", 224), "mobileone_s0": ("1.09", 224), "mobilevit_xxs": ("0.42", 256),
    "mobilevitv2_050": ("0.48", 256), "nf_regnet_b0": ("0.37", 192), "nfnet_l0": ("4.36", 224),
    "pit_ti_224": ("0.7", 224), "poolformerv2_s12": ("1.83", 224), "pvt_v2_b0": ("0.57", 224),
    "repghostnet_050": ("0.05", 224), "repvgg_a0": ("1.52", 224), "repvit_m0_9": ("0.83", 224),
    "rexnet_100": ("0.41", 224), "semnasnet_075": ("0.23", 224), "sequencer2d_s": ("4.96", 224),
    "shvit_s1": ("0.24", 224), "skresnet18": ("1.82", 224), "starnet_s050": ("0.09", 224),
    "swiftformer_xs": ("0.61", 224), "tinynet_e": ("0.03", 106), "tiny_vit_5m_224": ("1.28", 224),
    "visformer_tiny": ("1.27", 224), "vit_tiny_patch16_224": ("1.26", 224),
    "vit_tiny_r_s16_p8_224": ("0.44", 224), "volo_d1_224": ("6.94", 224),
    "xcit_nano_12_p16_224": ("0.56", 224),
}  # fmt: skip
"""Networks of timm: the published multiply-adds, in thousands of millions, and the size of the image."""
TIMM_ALONE = _names("""
    ghostnetv3_050 iformer_t lowformer_b0 efficientvim_m1 cpubone_nano lcnetv2_small beitv2_base_patch16_224
    naflexvit_base_patch16_gap
""")
PYTORCHCV_COUNTED = _names("""
    alexnetb resnet18 resnet50b densenet121 squeezenet_v1_0 inceptionv3 mobilenet_w1 mobilenetv2b_w1
    mobilenetv3_small_w1 mnasnet_b1 shufflenetv2_w1 efficientnet_b0 regnetx008 hrnetv2_w18 hardnet68 mixnet_s
""")
PYTORCHCV = _names("""
    zfnet bninception preresnet10 seresnet10 resnestabc14 bam_resnet18 cbam_resnet18 resattnet56 diaresnet10
    diracnet18v2 condensenet74_c4_g4 sparsenet121 peleenet dpn68 darknet_tiny channelnet revnet38 bagnet9 dla34
    msdnet22 fishnet99 espnetv2_wd2 dicenet_wd5 xdensenet121_2 sqnxt23_w1 shufflenet_g1_w1 menet108_8x1_g3 ghostnet
    darts nasnet_4a1056 nin_cifar10 ror3_56_cifar10 resdropresnet20_cifar10 shakeshakeresnet20_2x16d_cifar10
    fractalnet_cifar10 isqrtcovresnet18 octresnet10_ad2 lwopenpose2d_mobilenet_cmupan_coco simplepose_resnet18_coco
    centernet_resnet18_voc bisenet_resnet18_celebamaskhq
""")
PYTORCHCV_SMALLER: Mapping[str, tuple[str, ...]] = {
    "raft_small": ("1x3x128x128", "1x3x128x128"),
    "superpointnet": ("1x1x120x160",),
    "voca8flame": ("1x1x16x29", "1:int64:0..7"),
    "prnet": (),
    "pfpcnet": (),
    "ntsnet_cub": (),
}
TRANSFORMERS_COUNTED = _names("""
    vit-b-32 deit-tiny deit-small swin-t convnext-tiny convnextv2-atto swin-v2-t poolformer-s12 pvt-v2-b0 pvt-v2-b1
    levit-128 cvt-13
""")


def networks() -> Iterator[Network]:
    """Yield the networks of all libraries."""
    yield from (Network("torchvision", name) for name in TORCHVISION)
    yield from (Network("torchvision", name, inputs) for name, inputs in SMALLER.items())
    yield from (Network("torchvision", name) for name in DETECTORS)
    for name, (figure, size) in TIMM.items():
        yield Network("timm", name, size=size, published=Decimal(figure), source="timm's results")
    yield from (Network("timm", name) for name in TIMM_ALONE)
    known = {each.name: each for each in NETWORKS}
    yield from (_counted("pytorchcv", known[name]) for name in PYTORCHCV_COUNTED)
    yield from (Network("pytorchcv", name) for name in PYTORCHCV)
    yield from (Network("pytorchcv", name, inputs) for name, inputs in PYTORCHCV_SMALLER.items())
    yield from (_counted("transformers", known[name]) for name in TRANSFORMERS_COUNTED)
    yield from (Network("transformers", name, model.inputs) for name, model in MODELS.items())


def _counted(library: str, of: Published) -> Network:
    return Network(library, of.name, (), of.size, Decimal(of.figure), of.unit, of.source)


RANDOM = {"informer", "vilt", "vit-mae"}
"""Networks that draw random numbers in each call."""


def suite_of(chosen: Iterable[Network]) -> str:
    """Return a suite of networks: a family for those of one library that have the same inputs."""
    families: dict[tuple[str, str], list[Network]] = {}
    for each in chosen:
        options = each.options if each.library != "transformers" else ""
        random = "allow_random = true" if each.name in RANDOM else ""
        families.setdefault((each.library, f"{options}\n{random}"), []).append(each)
    lines = list[str]()
    for number, ((library, options), several) in enumerate(families.items()):
        lines += ["[[family]]", f'name = "{library}-{number}"', options]
        if library != "transformers":
            lines += [f"networks = {json.dumps([each.variant for each in several])}"]
        for each in several if library == "transformers" else ():
            build = "published" if each.size else "transformer"
            lines += ["[[family.variant]]", f'name = "{each.name}"', f'network = "library_models:{build}"']
            lines += [f'arguments = {{ name = "{each.name}" }}', each.options]
    return "\n".join([*lines, ""])


def measured(chosen: Sequence[Network], place: Path) -> Iterator[Outcome]:
    """Measure networks in one run, then those alone that it did not measure, and yield what became of each."""
    outcomes = _run(chosen, place)
    for network, outcome in zip(chosen, outcomes, strict=True):
        if outcome.outcome == "measured" or len(chosen) == 1:
            yield outcome
        else:
            yield from _run([network], place)


def _run(chosen: Sequence[Network], place: Path) -> list[Outcome]:
    suite, folder = place / "zoo.toml", place / f"run-{chosen[0].name}-{len(chosen)}"
    suite.write_text(suite_of(chosen), encoding="utf-8")
    program = [sys.executable, "-m", "benchcli", "run", str(suite), "--launches", "1", "--output", str(folder)]
    done = subprocess.run(program, cwd=HERE, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    if done.returncode in (0, 4) and (folder / "measurements.csv").exists():
        with (folder / "measurements.csv").open(encoding="utf-8", newline="") as file:
            rows = {row["variant"]: row for row in csv.DictReader(file)}
        return [_of_row(each, rows.get(each.variant)) for each in chosen]
    last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    outcome = "refused" if done.returncode == 2 else "traceback"
    return [Outcome(each.library, each.name, outcome=outcome, reason=last) for each in chosen]


def _of_row(network: Network, row: Mapping[str, str] | None) -> Outcome:
    if row is None:
        return Outcome(network.library, network.name, outcome="traceback", reason="it has no row")
    time_s, flops = row["median_s"], row["flops"]
    published, source = _published(network)
    return Outcome(
        network.library,
        network.name,
        row["inputs"],
        "measured" if row["status"] == "ok" and time_s else "row",
        f"{row['status']}: {row['error']}" if row["status"] != "ok" else "",
        int(flops) if flops else None,
        row["flops_complete"] == "True",
        "; ".join(json.loads(row["unknown"] or "[]")),
        f"{published} {'G' if network.unit == GIGA else 'M'}" if published else "",
        source if published else "",
        _outcome(network, int(flops), published) if flops and published else "",
        int(row["params"]) if row["params"] else None,
        round(1000 * float(time_s), 3) if time_s else None,
        torch.__version__,
        cpu_model(),
    )


def agrees(flops: int, published: Decimal, unit: int) -> bool:
    """Return whether a count, rounded or cut to the digits of the published figure, is that figure."""
    last = Decimal(1).scaleb(int(published.as_tuple().exponent))
    return abs(Decimal(flops) / unit - published) < last


def _outcome(network: Network, flops: int, published: Decimal) -> str:
    if agrees(flops, published, network.unit):
        return "agrees"
    is_timms = network.library == "timm" and agrees(_counted_as_timm_does(network), published, network.unit)
    return "agrees as fvcore counts" if is_timms else "differs"


def _counted_as_timm_does(network: Network) -> int:
    """Return fvcore's total, which timm publishes: normalisation and pooling are in it, and LSTMs are not."""
    import timm
    from fvcore.nn import FlopCountAnalysis

    timm.layers.set_fused_attn(False)  # fvcore sees products, and not attention in one operator

    images = torch.zeros(1, 3, network.size or 224, network.size or 224)
    analysis = FlopCountAnalysis(timm.create_model(network.name).eval(), images)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    return int(analysis.total())


def _published(network: Network) -> tuple[Decimal | None, str]:
    """Return the figure that the project knows or that torchvision states, and where it stands."""
    if network.library != "torchvision" or network.inputs:
        return network.published, network.source
    from torchvision.models import get_model_weights

    weights = get_model_weights(network.name).DEFAULT
    return Decimal(str(weights.meta["_ops"])), "torchvision"


REGIONS = "random weights propose as many regions as there may be, and keep the boxes of any score"
EXPLAINED: Mapping[str, str] = {
    **COUNTED_APART,
    "deeplabv3_mobilenet_v3_large": "torchvision's figure has the auxiliary head, which its weights bring",
    "fasterrcnn_mobilenet_v3_large_320_fpn": REGIONS,
    "maskrcnn_resnet50_fpn": REGIONS,
}
"""Why a count is not the published figure."""
REASONS: Mapping[str, str] = {}
"""Networks that are rightly not timed, and a part of what their row says."""


def write(outcomes: Iterable[Outcome], file: Path) -> None:
    """Write the outcomes as CSV, in place of the rows that a file has of the same networks."""
    rows = {(each.library, each.network): {key: str(value) for key, value in asdict(each).items()} for each in outcomes}
    if file.exists():
        with file.open(encoding="utf-8", newline="") as stream:
            rows = {(row["library"], row["network"]): row for row in csv.DictReader(stream)} | rows
    file.parent.mkdir(parents=True, exist_ok=True)
    order = {(each.library, each.name): number for number, each in enumerate(networks())}
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [each.name for each in fields(Outcome)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[each] for each in sorted(rows.keys() & order.keys(), key=order.__getitem__))


def faults(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield what makes the check fail."""
    for each in outcomes:
        if each.outcome != "measured" and not (each.network in REASONS and REASONS[each.network] in each.reason):
            yield f"{each.library}:{each.network} {each.outcome}: {each.reason}"
        if each.compared == "differs" and each.network not in EXPLAINED:
            yield f"{each.library}:{each.network} counts {each.multiply_adds}, published {each.published}"
    if not any(each.compared for each in outcomes):
        yield "nothing was compared with a published figure"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chosen", nargs="*", metavar="LIBRARY|NAME")
    parser.add_argument("-o", "--output", type=Path, help="a table in CSV, whose rows of these networks are replaced")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    wanted = set(arguments.chosen)
    chosen = [each for each in networks() if not wanted or {each.library, each.name} & wanted]
    outcomes = []
    with tempfile.TemporaryDirectory() as place:
        for start in range(0, len(chosen), AT_ONCE):
            several = chosen[start : start + AT_ONCE]
            for outcome in measured(several, Path(place)):
                outcomes.append(outcome)
                if arguments.output:
                    write([outcome], arguments.output)
                time = f"{outcome.milliseconds:10.2f} ms" if outcome.milliseconds else ""
                print(outcome.outcome, outcome.library, outcome.network, outcome.multiply_adds, outcome.published,
                      outcome.compared, time, outcome.reason, outcome.without_rule, flush=True)  # fmt: skip
    became, counts = Counter(each.outcome for each in outcomes), Counter(each.compared for each in outcomes)
    print(f"{len(outcomes)} networks: {dict(became)}; published counts: { ({k: v for k, v in counts.items() if k}) }")
    wrong = list(faults(outcomes))
    if wrong:
        sys.exit("\n".join(["not explained:", *wrong]))


if __name__ == "__main__":
    main()
