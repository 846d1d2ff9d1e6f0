"""A test that leaves the process changed fails, and the next one sees nothing of it."""

import gc
import logging
import os
import re
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from tests import process_state
from tests.conftest import in_process

ROOT = Path(__file__).parent.parent
LEAVING = """
import logging, os, signal, sys, threading
import pytest
from tests.conftest import nothing_is_left_changed

FILES = []

def leave_a_file(): FILES.append(open(__file__))
def leave_a_variable(): os.environ["LEFT"] = "1"
def leave_a_folder(): os.chdir("/")
def leave_a_path(): sys.path.append("/nowhere")
def leave_a_handler(): signal.signal(signal.SIGUSR1, signal.SIG_IGN)
def leave_a_profiler(): sys.setprofile(lambda *_: None)
def leave_silence(): logging.disable()
def leave_a_module(): sys.modules["json"] = sys
def leave_an_audit_hook(): sys.addaudithook(lambda *_: None)
def leave_nothing(): os.environ.get("LEFT")

LEAVE = [value for name, value in list(globals().items()) if name.startswith("leave_")]

@pytest.mark.parametrize("leave", LEAVE, ids=lambda each: each.__name__)
def test_it(leave):
    assert "LEFT" not in os.environ
    assert "/nowhere" not in sys.path
    assert sys.modules["json"] is not sys
    assert "torch" not in sys.modules
    leave()
"""


def test_each_test_that_leaves_something_fails_and_the_others_do_not(tmp_path: Path) -> None:
    (tmp_path / "test_leaving.py").write_text(LEAVING)
    options = ("-p", "no:cacheprovider", "-p", "no:xdist", "-rE", "-q", "--rootdir", str(tmp_path))
    found = in_process("-m", "pytest", *options, str(tmp_path / "test_leaving.py"), PYTHONPATH=str(ROOT))
    failed = set(re.findall(r"^ERROR \S+\[leave_(\w+)\]", found.stdout, re.MULTILINE))
    everything = set(re.findall(r"^def leave_(\w+)", LEAVING, re.MULTILINE))
    assert failed == everything - {"nothing"}, found.stdout
    assert f"{len(everything)} passed, {len(failed)} errors" in found.stdout
    assert "environment variables: LEFT was None, is '1'" in found.stdout


CHANGES: dict[str, Callable[[], object]] = {
    "environment variables": lambda: os.environ.update(LEFT="1"),
    "working folder": lambda: os.chdir("/"),
    "umask": lambda: os.umask(0o077),
    "sys.path": lambda: sys.path.insert(0, "/nowhere"),
    "sys.meta_path": lambda: sys.meta_path.append(sys),  # type: ignore[arg-type]
    "sys.modules": lambda: sys.modules.pop("json"),
    "sys.dont_write_bytecode": lambda: setattr(sys, "dont_write_bytecode", None),
    "profile hook": lambda: sys.setprofile(lambda *_: None),
    "recursion limit": lambda: sys.setrecursionlimit(4321),
    "signal handlers": lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN),
    "timers": lambda: signal.setitimer(signal.ITIMER_REAL, 3600),
    "garbage collection": gc.disable,
    "warnings.filters": lambda: warnings.simplefilter("ignore"),
    "logging.disable": logging.disable,
    "threading.excepthook": lambda: setattr(threading, "excepthook", print),
    "torch: default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch: threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch: grad mode": lambda: torch.set_grad_enabled(False),
    "torch: deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "torch: autocast": lambda: torch.set_autocast_enabled("cpu", True),
    "torch: mkldnn_enabled": lambda: torch._C._set_mkldnn_enabled(False),
    "torch: math attention": lambda: torch.backends.cuda.enable_math_sdp(False),
    "torch: float32_matmul_precision": lambda: torch.set_float32_matmul_precision("medium"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_named_and_put_back(name: str) -> None:
    before = process_state.read_state()
    CHANGES[name]()
    said = process_state.changes(before)
    process_state.put_back(before)
    assert any(line.startswith(f"{name}: ") for line in said), said
    assert process_state.changes(before) == []


def test_a_precision_is_named_and_put_back() -> None:
    if not hasattr(torch._C, "_set_fp32_precision_setter"):
        pytest.skip("torch 2.9 brought a precision for each operator")
    before = process_state.read_state()
    torch._C._set_fp32_precision_setter("mkldnn", "matmul", "bf16")
    (said,) = (line for line in process_state.changes(before) if "mkldnn matmul" in line)
    assert said == "torch: float32 precision of mkldnn matmul: was 'none', is 'bf16'"
    process_state.put_back(before)
    assert process_state.changes(before) == []
