"""Why the networks of a recorded run are as fast as they are, and what is not known of it."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import benchcli
from benchcli.api.explanation import Explanation
from benchcli.backends.runtimes.base import untraced
from benchcli.backends.runtimes.eager import Eager
from benchcli.errors import UserError
from benchcli.sampling.artifact_cache import FOLDER
from benchcli.schema import CallKernels, KernelUse
from benchcli.schema.protocol import KERNELS, Conversation, KernelsNamed, Started, Task, WorkerDied
from benchcli.schema.records import Failure
from benchcli.system import machine
from benchcli.workers.tools import Tools
from tests.analysis.test_places import SIMULATED
from tests.conftest import Outcome, inline

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
SMALL = ("guideline", "g2", "--width", "16", "--device", "fake", "--launches", "6", "--output", "run")
OF_G2 = {
    "g=1": (2e-5, [("convolution", "brg_conv:avx512_core", 10, 1.8e-5), ("reorder", "jit:uni", 2, 1e-6)]),
    "g=8": (6e-5, [("convolution", "gemm:ref", 10, 5e-5), ("reorder", "jit:uni", 20, 8e-6)]),
}


@pytest.fixture
def run(cli: Cli) -> Path:
    assert cli(*SMALL).code == 0
    return Path("run")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine is another one than the one that ran."""
    here = machine.machine
    monkeypatch.setattr(machine, "machine", lambda: replace(here(), cpu="Another processor"))


def naming(task: Task, silence_s: float) -> Conversation:
    """Run a task as `inline` does, but name kernels as a processor does."""
    if task.kind != KERNELS:
        return (yield from inline(task, silence_s))
    for family in task.families:
        for name, (call_s, uses) in OF_G2.items():
            kernels = CallKernels(family.name, name, call_s, tuple(KernelUse(*use) for use in uses), None, "absent")
            yield KernelsNamed(kernels)
    return True


def test_the_kernels_of_a_guideline(cli: Cli, run: Path, golden: Golden) -> None:
    found = cli("explain", "run")
    assert found.code == 0
    golden("explain.table.txt", found.out)
    assert "`benchcli device --peaks` measures them" in found.out
    assert found.err == ""


def test_what_differs_is_said_in_a_sentence(cli: Cli, run: Path) -> None:
    found = cli("explain", "run", launcher=naming)
    assert found.code == 4  # two networks have no kernels
    lines = found.out.splitlines()
    assert (
        "g=8 beside g=1 (0.406 ± 0.000 of its speed): g=8 ran convolution gemm:ref ×10 (83 % of its time), "
        "g=1 ran convolution brg_conv:avx512_core ×10 (90 % of its time)"
    ) in lines
    assert (
        "of the 0.0400 ms that a call of g=8 takes longer than one of g=1: "
        "0.0500 ms in convolution gemm:ref (10 runs, none in g=1); "
        "0.0070 ms in reorder jit:uni (20 runs, 2 in g=1)"
    ) in lines
    (row,) = (line for line in lines if line.startswith("g=8 ") and "0.406" in line and "×10 83 %" in line)
    assert row.endswith("20 (13.3 %)")
    assert "✗ failed: the kernels of g=2, g=4 are not known: the worker ended before it was reached, each time" in lines
    assert any(line.startswith("instructions and cache misses: the processor shows no counters here") for line in lines)
    assert any(line.endswith("g=1 -96.4 %, g=8 -95.7 %") for line in lines)


def test_rows_and_json_have_every_kernel(cli: Cli, run: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("explain", "run", "--format", "csv", launcher=naming).out)))
    reorder = next(row for row in rows if (row["variant"], row["work"]) == ("g=8", "reorder"))
    assert (reorder["implementation"], reorder["count"], float(reorder["kernel_s"])) == ("jit:uni", "20", 8e-6)
    assert float(reorder["kernel_share"]) == pytest.approx(8 / 60)
    assert [row["work"] for row in rows if row["variant"] == "g=4"] == [""]
    data = json.loads(cli("explain", "run", "--format", "json", launcher=naming).out)
    networks = {each["variant"]: each for each in data["networks"]}
    assert networks["g=8"]["kernels"][0] == {
        "work": "convolution",
        "implementation": "gemm:ref",
        "count": 10,
        "seconds": 5e-5,
    }
    assert networks["g=8"]["unnamed_s"] == pytest.approx(2e-6)
    assert networks["g=4"]["kernels"] is None
    assert "was reached" in networks["g=4"]["reason"]
    assert data["elsewhere"] == ""


def test_places_stand_beside_the_kernels(cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    assert cli("device", "--device", "fake", "--peaks", launcher=SIMULATED).code == 0
    found = cli("explain", "run")
    assert found.code == 0
    assert {"model ms", "of roof", "bound by"} <= {each.strip() for each in found.out.splitlines()[3].split("  ")}
    assert "no roofs" not in found.out


def test_another_machine_asks_for_no_kernels(
    cli: Cli, run: Path, elsewhere: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    nothing = cli("explain", "run")
    assert nothing.code == 2
    assert nothing.out == ""
    assert "run is of another machine, version or setting (cpu " in nothing.err
    assert (
        "now), and no roofs of it are known: run `benchcli device --peaks` and `benchcli explain` there" in nothing.err
    )


def test_another_machine_shows_places_if_roofs_are_recorded(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path / "cache"))
    assert cli("device", "--device", "fake", "--peaks", launcher=SIMULATED).code == 0
    assert cli(*SMALL).code == 0
    monkeypatch.setenv(FOLDER, "")
    here = machine.machine
    monkeypatch.setattr(machine, "machine", lambda: replace(here(), cpu="Another processor"))
    found = cli("explain", "run")
    assert found.code == 0
    assert "bound by" in found.out
    assert "kernels are asked on the machine of the run alone, and this is another one: cpu " in found.out
    assert "Kernels of a call" not in found.out


def test_a_device_that_is_not_here(cli: Cli, run: Path) -> None:
    path = run / "environment.json"
    path.write_text(path.read_text().replace('"device": "fake"', '"device": "mps"'))
    found = cli("explain", "run")
    assert found.code == 2
    assert "no device 'mps' here" in found.err


def test_a_network_whose_code_changed_is_not_asked(cli: Cli) -> None:
    Path("mynet.py").write_text("from torch import nn\ndef build():\n    return nn.Conv2d(3, 4, 1)\n")
    own = ("network", "mynet:build", "--input", "1x3x8x8", "--device", "fake", "--launches", "2", "--output", "run")
    assert cli(*own).code == 0
    assert "conv2d simulated ×1" in cli("explain", "run").out
    Path("mynet.py").write_text("from torch import nn\ndef build():\n    return nn.Conv2d(3, 5, 1)\n")
    found = cli("explain", "run")
    assert found.code == 4
    assert "mynet.py is not what it was when the run was measured: put it back as it was, or measure" in found.out
    assert "simulated ×" not in found.out


def test_a_network_that_ends_its_process_hides_no_other(cli: Cli, run: Path) -> None:
    def dying(task: Task, silence_s: float) -> Conversation:
        for event in inline(task, silence_s):
            yield event
            if task.kind == KERNELS and isinstance(event, Started) and event.variant == "g=2":
                yield WorkerDied(Failure("crashed", "SIGSEGV"))
                return False
        return True

    found = cli("explain", "run", launcher=dying)
    assert found.code == 4
    assert "✗ crashed: the kernels of g=2 are not known: SIGSEGV" in found.out
    rows = [line for line in found.out.splitlines() if "conv2d simulated ×10 100 %" in line]
    assert [row.split()[0] for row in rows] == ["g=1", "g=4", "g=8"]


def test_bad_input_is_one_line(cli: Cli, run: Path) -> None:
    assert cli("explain").code == 2
    assert "no results at nowhere" in cli("explain", "nowhere").err
    assert cli("explain", "nowhere").code == 2
    assert cli("explain", "run", "run").code == 2
    pattern = cli("explain", "r*")
    assert pattern.code == 2
    assert "explain takes the folder of one run, or its result: r* is not one" in pattern.err
    (run / "measurements.csv").write_text("")
    assert cli("explain", "run").code == 2


def test_the_result_in_python(tools: Callable[[], Tools]) -> None:
    run = benchcli.measure("g2", width=16, device="fake", launches=2, tools=tools())
    found = benchcli.explain(run, tools=tools())
    assert isinstance(found, Explanation)
    assert set(found.kernels) == {record.key for record in run.records}
    assert found.failures == {}
    assert found.places == {}
    assert found.differences[0].baseline.variant == "g=1"
    assert found.to_frame().loc[("g2-x1", "g=8", "conv2d", "simulated"), "count"] == 10
    wrong: tuple[Any, ...] = (3, None, found)
    for each in wrong:
        with pytest.raises(UserError, match="explain takes the folder of one run, or its result"):
            benchcli.explain(each, tools=tools())


def test_a_runtime_whose_kernels_are_not_torchs_is_a_clear_line(
    cli: Cli, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Eager, "untraceable", untraced("compiled code"))
    found = cli("explain", "run")
    assert found.code == 0
    why = "explain names torch's operators and the kernels that they run, which compiled code does not call"
    assert f"✗ unsupported: the kernels of g=1, g=2, g=4, g=8 are not known: {why}" in found.out


def test_a_network_given_by_value_cannot_be_called_again(tools: Callable[[], Tools]) -> None:
    run = benchcli.measure({"mine": nn.Conv2d(3, 4, 1)}, inputs=(1, 3, 8, 8), device="fake", launches=2, tools=tools())
    found = benchcli.explain(run, tools=tools())
    assert found.kernels == {}
    assert {each.status for each in found.failures.values()} == {"unsupported"}
    assert "it was given by value" in found.show()
