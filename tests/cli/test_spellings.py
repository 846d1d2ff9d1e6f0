"""Names in any case of letters and aliases: on the command line, in Python and in suites alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import benchcli
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.registry import Registry
from benchcli.schema import Record
from benchcli.settings import DEVICE, DTYPE, LAYOUT, Setting
from benchcli.workers.tools import Tools
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.guidelines.base import EXPERIMENTS, RULES
from benchcli.workloads.networks.base import NETWORKS
from benchcli.workloads.networks.network_request import NetworkRequest
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.suites import families_of_suite, find_suite
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
FAKE = ("--device", "fake", "--launches", "2")


def identities(records: tuple[Record, ...]) -> list[tuple[str, str, str, str, str]]:
    return [(r.family.guideline, r.variant.name, r.family.dtype, r.family.layout, r.family.step) for r in records]


@pytest.mark.parametrize(
    ("registry", "written", "name"),
    [
        (EXPERIMENTS, "G2", "g2"),
        (RULES, "G1", "g1"),
        (BLOCKS, "ShuffleNet_V2", "shufflenet-v2"),
        (NETWORKS, "MobileNet_V2-1.0", "mobilenet-v2-1.0"),
    ],
)
def test_a_registry_knows_other_spellings(registry: Registry[Any], written: str, name: str) -> None:
    assert registry[written].name == registry.spelled(written) == name
    assert registry.get("no such") is None
    assert registry.spelled("No such") == "No such"


def test_other_spellings_work_everywhere(cli: Cli, tools: Callable[[], Tools], tmp_path: Path) -> None:
    suite = tmp_path / "spelled.toml"
    suite.write_text(
        '[[family]]\nguideline = "G2"\nwidths = "Aligned"\nvalues = ["1", "4"]\n'
        'dtype = "BF16"\nlayout = "channels_last"\nstep = "training"\n'
    )
    settings = {"dtype": "BF16", "layout": "channels_last", "step": "training", "channels": "Aligned"}
    measured = benchcli.measure("G2", device="fake", launches=2, tools=tools(), **settings)  # type: ignore[arg-type]
    options = [word for name, value in settings.items() for word in (f"--{name}", value)]
    assert cli("guideline", "G2", *options, *FAKE, "--output", "cli").code == 0
    written = benchcli.load("cli")
    assert isinstance(written, Run)
    assert identities(written.records) == identities(measured.records)
    (family,) = families_of_suite(find_suite(str(suite)), Overrides())
    assert (family.guideline, family.dtype, family.layout, family.step) == ("g2", "bfloat16", "nhwc", "train")
    assert identities(measured.records)[0] == ("g2", "g=1", "bfloat16", "nhwc", "train")
    assert [each.channels for each in family.variants] == ["64", "128"]


@pytest.mark.parametrize(
    ("setting", "value", "means"),
    [
        (DTYPE, torch.bfloat16, ("bfloat16",)),
        (DTYPE, [torch.float32, torch.half], ("float32", "float16")),
        (LAYOUT, torch.channels_last, ("nhwc",)),
        (LAYOUT, torch.contiguous_format, ("nchw",)),
        (DEVICE, torch.device("cpu"), "cpu"),
    ],
    ids=["dtype", "dtypes", "layout", "contiguous", "device"],
)
def test_torchs_own_values_are_known(setting: Setting, value: object, means: object) -> None:
    assert setting.check(value) == means


def test_blocks_networks_suites_and_formats_have_other_spellings(
    cli: Cli, tools: Callable[[], Tools], tmp_path: Path
) -> None:
    block = benchcli.block("ShuffleNet_V2", "MobileNet-v2", device="fake", launches=2, tools=tools())
    assert [each.variant.name for each in block.records] == ["shufflenet-v2", "mobilenet-v2"]
    with pytest.raises(UserError, match="a block is named twice"):
        benchcli.block("resnet", "ResNet")
    found = cli("costs", "ShuffleNet-V2-0.5X", "--format", "CSV")
    assert found.code == 0
    assert "shufflenet-v2-0.5x,1x3x224x224" in found.out
    assert find_suite("Quick").name == "quick"
    assert "shufflenet-v2-0.5x" in cli("list", "networks", "ShuffleNet-V2*").out
    (family,) = NetworkRequest(networks=("ResNet-50",), errors=(("resnet-50", 24.0),)).families(Overrides())
    assert (family.variants[0].name, family.variants[0].top1_error) == ("resnet-50", 24.0)
    suite = tmp_path / "blocks.toml"
    suite.write_text('[[family]]\nblocks = ["ResNet", "resnet"]\n')
    with pytest.raises(UserError, match="twice"):
        families_of_suite(find_suite(str(suite)), Overrides())
