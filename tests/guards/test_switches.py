"""Torch's settings belong to the device: what one network changes of them, no other one sees."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from benchcli.backends.devices.base import DEVICES
from benchcli.backends.runtimes.base import RUNTIMES, Place
from benchcli.cost.count import count
from benchcli.guards import switches
from benchcli.guards.code_versions import SourceError
from benchcli.sampling.bench import Setup, prepare
from benchcli.schema import Family, Variant


def precision(backend: str, operator: str, value: str) -> None:
    """Set what `torch.backends` has as an attribute of the same names."""
    torch._C._set_fp32_precision_setter(backend, operator, value)


EVERY: dict[str, Callable[[], object]] = {
    "set_float32_matmul_precision": lambda: torch.set_float32_matmul_precision("medium"),
    "fp32_precision": lambda: setattr(torch.backends, "fp32_precision", "tf32"),
    "cuda.matmul.fp32_precision": lambda: setattr(torch.backends.cuda.matmul, "fp32_precision", "tf32"),
    "cudnn.conv.fp32_precision": lambda: precision("cuda", "conv", "ieee"),
    "cudnn.rnn.fp32_precision": lambda: precision("cuda", "rnn", "ieee"),
    "mkldnn.matmul.fp32_precision": lambda: precision("mkldnn", "matmul", "bf16"),
    "mkldnn.conv.fp32_precision": lambda: precision("mkldnn", "conv", "bf16"),
    "mkldnn.rnn.fp32_precision": lambda: precision("mkldnn", "rnn", "bf16"),
    "cudnn.allow_tf32": lambda: setattr(torch.backends.cudnn, "allow_tf32", False),
    "cuda.matmul.allow_tf32": lambda: setattr(torch.backends.cuda.matmul, "allow_tf32", True),
    "cudnn.benchmark": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "mkldnn": lambda: torch._C._set_mkldnn_enabled(False),
    "set_num_threads": lambda: torch.set_num_threads(3),
    "use_deterministic_algorithms": lambda: torch.use_deterministic_algorithms(True),
}
needs_precisions = pytest.mark.skipif(
    not hasattr(torch._C, "_set_fp32_precision_setter"), reason="torch 2.9 brought a precision for each operator"
)


@needs_precisions
@pytest.mark.parametrize("name", EVERY)
def test_a_setting_is_read_and_put_back(name: str) -> None:
    before = switches.settable(switches.state())
    with switches.kept():
        EVERY[name]()
        assert switches.settable(switches.state()) != before
    assert switches.settable(switches.state()) == before


@needs_precisions
def test_settings_that_contradict_each_other_are_put_back_too() -> None:
    before = switches.settable(switches.state())
    with switches.kept():
        for switch in EVERY.values():
            switch()
        assert switches.state()["float32 matmul precision"] is None  # torch refuses to say
    assert switches.settable(switches.state()) == before


def build_setting() -> nn.Module:
    for switch in EVERY.values():
        switch()
    return nn.Linear(4, 4)


def build_plain() -> nn.Module:
    return nn.Linear(4, 4)


class InEachCall(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        torch.set_float32_matmul_precision("medium")
        output: torch.Tensor = self.layer(inputs)
        return output


def family(*builders: str) -> Family:
    return Family(
        name="f", guideline="", scale=1, widths="", batch=2, dtype="float32", layout="nchw",
        variants=tuple(Variant(name, f"{__name__}:{name}", {}, (4, 1, 4), "4") for name in builders),
    )  # fmt: skip


SETUP = Setup(Place(DEVICES["cpu"]), RUNTIMES["eager"])


@needs_precisions
def test_a_network_that_sets_everything_changes_nothing_for_the_other() -> None:
    both = family("build_setting", "build_plain")
    costs = count(build_plain(), torch.zeros(2, 4))
    before = switches.state()
    alone = prepare(both.variants[1], both, costs, SETUP).call()
    prepare(both.variants[0], both, costs, SETUP)
    assert switches.settable(switches.state()) == switches.settable(before)
    assert torch.equal(prepare(both.variants[1], both, costs, SETUP).call(), alone)


def test_a_network_that_sets_something_in_each_call_is_refused_beside_others() -> None:
    both = family("InEachCall", "build_plain")
    costs = count(build_plain(), torch.zeros(2, 4))
    before = switches.state()
    with pytest.raises(SourceError, match="it changes float32 matmul precision in each call of the whole process"):
        prepare(both.variants[0], both, costs, SETUP)
    assert switches.state() == before
    with switches.kept():
        prepare(both.variants[0], family("InEachCall"), costs, SETUP)


class Flushing(nn.Module):
    """Takes denormal numbers for zero in each call."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        torch.set_flush_denormal(True)
        output: torch.Tensor = self.layer(inputs)
        return output


def test_a_network_that_takes_denormal_numbers_for_zero_is_refused_beside_others() -> None:
    both = family("Flushing", "build_plain")
    costs = count(build_plain(), torch.zeros(2, 4))
    with pytest.raises(SourceError, match="it changes denormal numbers in each call of the whole process"):
        prepare(both.variants[0], both, costs, SETUP)
    assert switches.state()["denormal numbers"] is False
    with switches.kept():
        prepare(both.variants[0], family("Flushing"), costs, SETUP)
        assert switches.state()["denormal numbers"] is True
    assert float(torch.tensor([1e-39]) * 1.0) > 0
