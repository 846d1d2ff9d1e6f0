"""What one network's code can do to the whole process is noticed before another network is timed."""

import builtins
import gc
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from benchcli.guards.global_state import changed, intrusions
from benchcli.guards.switches import kept
from benchcli.guards.switches import state as switches


@contextmanager
def hook() -> Iterator[None]:
    handle = nn.modules.module.register_module_forward_hook(lambda *_args: None)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def replaced(owner: object, name: str) -> Iterator[None]:
    original = getattr(owner, name)
    setattr(owner, name, lambda *args, **kwargs: original(*args, **kwargs))
    try:
        yield
    finally:
        setattr(owner, name, original)


@contextmanager
def profile() -> Iterator[None]:
    before = sys.getprofile()
    sys.setprofile(lambda *_args: None)
    try:
        yield
    finally:
        sys.setprofile(before)


@contextmanager
def thread() -> Iterator[None]:
    end = threading.Event()
    worker = threading.Thread(target=end.wait)
    worker.start()
    try:
        yield
    finally:
        end.set()
        worker.join()


@contextmanager
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def callback() -> Iterator[None]:
    def call(_phase: str, _info: dict[str, int]) -> None:
        return None

    gc.callbacks.append(call)
    try:
        yield
    finally:
        gc.callbacks.remove(call)


@contextmanager
def alarm() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, lambda *_args: None)
    signal.setitimer(signal.ITIMER_REAL, 3600, 3600)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


INTRUSIONS: dict[str, Callable[[], object]] = {
    "hooks": hook,
    "ReLU.forward": lambda: replaced(nn.ReLU, "forward"),
    "Conv2d._conv_forward": lambda: replaced(nn.Conv2d, "_conv_forward"),
    "LSTM.check_forward_args": lambda: replaced(nn.LSTM, "check_forward_args"),
    "BatchNorm2d._check_input_dim": lambda: replaced(nn.BatchNorm2d, "_check_input_dim"),
    "BatchNorm2d.forward": lambda: replaced(nn.BatchNorm2d, "forward"),
    "Module.__call__": lambda: replaced(nn.Module, "__call__"),
    "functional.relu": lambda: replaced(nn.functional, "relu"),
    "torch.add": lambda: replaced(torch, "add"),
    "Tensor.add": lambda: replaced(torch.Tensor, "add"),
    "builtins.len": lambda: replaced(builtins, "len"),
    "profiler": profile,
    "threads": thread,
    "modes": TorchFunctionMode,
    "garbage collection": collector,
    "garbage callbacks": callback,
    "timers": alarm,
}


@pytest.mark.parametrize("name", INTRUSIONS)
def test_what_runs_beside_every_network_is_noticed(name: str) -> None:
    before = intrusions()
    with INTRUSIONS[name]():  # type: ignore[attr-defined]
        after = intrusions()
    assert changed(before, after)
    assert changed(before, intrusions()) is None


def test_nothing_is_noticed_where_a_network_is_only_built_and_called() -> None:
    before = {**switches(), **intrusions()}

    class Own(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            return nn.functional.relu(inputs)

    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), Own()).eval()
    network(torch.zeros(1, 3, 8, 8))
    assert changed(before, {**switches(), **intrusions()}) is None


def test_a_setting_of_torch_is_a_switch() -> None:
    with kept() as before:
        torch.set_float32_matmul_precision("high")
        assert changed(before, switches()) == "float32 matmul precision"


def test_an_operator_that_code_defines_is_noticed() -> None:
    before = switches()
    library = torch.library.Library("benchcli_test", "FRAGMENT")  # type: ignore[no-untyped-call]
    library.define("one(Tensor x) -> Tensor")  # type: ignore[no-untyped-call]
    assert changed(before, switches()) == "operators"
