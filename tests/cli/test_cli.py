"""The command line, on the fake device: what it prints, what it writes, and the exit code."""

import csv
import io
import json
import math
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest

from benchcli.backends.devices.fake import BANDWIDTH, PEAK
from benchcli.cli.main import COMMANDS, benchcli
from benchcli.cli.options import Parameter
from benchcli.noise import diagnosis
from benchcli.sampling import rounds
from benchcli.schema import Failure
from benchcli.schema.protocol import Conversation, Described, Done, Failed, Sampled, Task, WorkerDied
from benchcli.settings import BUDGET, PRECISION
from tests.conftest import Outcome, in_process, inline, interrupting

KEPT = Path(__file__).parents[2] / "results" / "reference" / "g2-epyc"

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
FAKE = ("--device", "fake", "--launches", "6")
NARROW = ("guideline", "g2", "--width", "16", *FAKE)
"""Networks that are quick to run, where it does not matter which they are."""


@pytest.mark.parametrize("format_", ["table", "markdown", "csv", "json"])
def test_the_sentence_it_is_known_for(cli: Cli, golden: Golden, format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounds, "_faults", lambda *_: 0.0)  # a busy machine has some
    found = cli("guideline", "g2", *FAKE, "--output", "run", "--format", format_)
    assert found.code == 0
    assert found.err == ""  # no terminal, no progress
    if format_ == "json":
        data = json.loads(found.out)
        golden("g2.json", json.dumps({key: data[key] for key in ("records", "verdicts")}, indent=2) + "\n")
        assert data["environment"]["digest"]
        return
    golden(f"g2.{format_}.txt", found.out)


@pytest.mark.parametrize("name", ["g1", "g3", "g4"])
def test_the_other_guidelines(cli: Cli, golden: Golden, name: str) -> None:
    found = cli("guideline", name, *FAKE, "--channels", "paper-arm", "--output", "run")
    assert found.code == 0
    golden(f"{name}.table.txt", found.out)


def test_all_guidelines_at_a_width_of_ones_own_and_several_batches(cli: Cli, golden: Golden) -> None:
    found = cli("guideline", "all", *FAKE, "--width", "16", "--batch", "1,2", "--output", "run")
    assert found.code == 0
    golden("all.table.txt", found.out)


def test_relative_speeds_are_those_of_the_exact_clock(cli: Cli) -> None:
    found = cli("guideline", "g2", *FAKE, "--output", "run", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    expected = [2 * int(row["flops"]) / PEAK + int(row["mac_bytes"]) / BANDWIDTH for row in rows]
    for row, seconds in zip(rows, expected, strict=True):
        assert float(row["median_s"]) == pytest.approx(seconds, rel=1e-9)
        assert float(row["relative_speed"]) == pytest.approx(expected[0] / seconds, rel=1e-9)


def test_stdout_is_the_file(cli: Cli) -> None:
    found = cli("guideline", "g1", *FAKE, "--output", "run", "--format", "csv")
    assert found.out == Path("run/measurements.csv").read_text(encoding="utf-8")
    assert (Path("run") / "samples.csv").read_text().count("\n") == 1 + 6 * 6 * 6  # whole squares of six rounds


def test_without_output_the_folder_is_named_by_time_suite_and_host(cli: Cli) -> None:
    cli("run", "quick", *FAKE)
    (folder,) = [path for path in Path("results").iterdir() if path.is_dir()]
    assert "-quick-" in folder.name
    assert (folder / "environment.json").exists()


def test_a_suite_of_ones_own_by_path(cli: Cli, golden: Golden) -> None:
    Path("own.toml").write_text("[[family]]\nguideline = 'g2'\nwidths = 24\nvalues = [1, 3]\nsize = 8\n")
    found = cli("run", "own.toml", *FAKE, "--output", "run")
    assert found.code == 0
    golden("own.table.txt", found.out)


def test_options_take_the_place_of_a_suites_settings(cli: Cli) -> None:
    found = cli("run", "quick", *FAKE, "--dtype", "bfloat16", "--layout", "nhwc", "--output", "run", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(found.out)))
    assert {(row["dtype"], row["layout"], row["status"]) for row in rows} == {("bfloat16", "nhwc", "ok")}


def test_list_names_everything(cli: Cli, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchcli.backends.runtimes.base.find_spec", lambda name: None)  # no package of a runtime
    monkeypatch.setattr("benchcli.cli.list._may_be_here", lambda device: True)
    golden("list.txt", cli("list").out)


def test_list_of_one_kind_as_json(cli: Cli) -> None:
    assert set(json.loads(cli("list", "guidelines", "--format", "json").out)["guidelines"]) == {
        "g1",
        "g2",
        "g3",
        "g4",
    }


def test_device_shows_what_would_be_measured_on(cli: Cli) -> None:
    facts = json.loads(cli("device", "--device", "fake", "--format", "json").out)
    assert facts["device"]["peak_float32_flops"] == PEAK
    assert facts["software"]["torch"]
    assert len(facts["identity"]["digest"]) == 12
    shown = cli("device", "--device", "fake").out
    assert "peak_float32_flops" in shown
    assert "grade" in shown
    assert facts["fitness"]["grade"] in {"good", "fair"}
    (unseen,) = (each for each in facts["fitness"]["findings"] if each["kind"] == "unseen")
    assert unseen["advice"].startswith("cannot be read on this machine, so there are no warnings about: frequency")
    assert facts["observed"]["call_overhead_s"] == 1e-7


def test_device_shows_its_roofs(cli: Cli, golden: Golden) -> None:
    found = cli("device", "--device", "fake", "--peaks")
    assert (found.code, found.err) == (0, "")
    golden("peaks.table.txt", re.sub(r"torch \S+$|20\S+Z|digest \w+", "…", found.out, flags=re.MULTILINE))
    data = json.loads(cli("device", "--device", "fake", "--peaks", "--format", "json").out)
    assert data["ridges"]["float32"] == pytest.approx(PEAK / 2 / BANDWIDTH)
    assert [each["name"] for each in data["levels"]] == ["memory"]
    assert data["warnings"] == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (["--fresh"], "--fresh measures the peaks anew: give --peaks too"),
        (["--peaks", "--device", "fake", "--runtime", "graph"], "leave --runtime out"),
        (["--peaks", "--device", "fake:3"], "there is one fake device: leave the number out"),
    ],
)
def test_roofs_that_cannot_be_had_say_what_to_give(cli: Cli, options: list[str], error: str) -> None:
    found = cli("device", *options)
    assert found.code == 2
    assert error in found.err
    assert len(found.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("gideline",), "unknown command 'gideline': did you mean guideline?"),
        (("guideline", "g22"), "unknown guideline 'g22': did you mean g2?"),
        (("run",), "Missing argument 'SUITE'. Give aligned, ci, claims, paper, quick, or a path"),
        (
            ("costs",),
            "Missing argument 'NAMES...'. Give alexnet, alexnet-2012, mobilenet-v1-0.25, mobilenet-v1-0.5 and 48",
        ),
        (("guideline",), "Missing argument"),
        (("guideline", "g2", "--device", "cude"), "--device: unknown device 'cude': did you mean cuda?"),
        (("guideline", "g2", "--device", "cuda:x"), "'cuda:x' is not a device"),
        (("guideline", "g2", "--device", "fake:1"), "no device 'fake:1' here"),
        (("guideline", "g2", "--dtype", "float61"), "--dtype: unknown dtype 'float61': did you mean float64?"),
        (("guideline", "g2", "--layout", "nwhc"), "--layout: unknown layout 'nwhc': did you mean nhwc?"),
        (("guideline", "g2", "--format", "xml"), "--format: unknown format 'xml'"),
        (("guideline", "g2", "--allocator", "sytem"), "did you mean system?"),
        (("guideline", "g2", "--channels", "papr"), "--channels: unknown set of channels 'papr': did you mean paper?"),
        (("guideline", "g2", "--width", "0"), "--width: a base width must be from 1 to 16384, not 0"),
        (("guideline", "g2", "--width", "-3"), "must be from 1 to 16384"),
        (("guideline", "g2", "--width", "64", "--channels", "paper"), "cannot be used together"),
        (("guideline", "g4", "--width", "30"), "the nearest are 28 or 32"),
        (("guideline", "g2", "--scale", "0"), "--scale: a scale must be from 1 to 64"),
        (("guideline", "g2", "--scale", "1,1"), "has a value twice"),
        (("guideline", "g2", "--scale", "two"), "must be a whole number"),
        (("guideline", "g2", "--batch", ""), "must be a whole number"),
        (("guideline", "g2", "--batch", "1e9"), "must be a whole number"),
        (("guideline", "g2", "--batch", "99999999999999999999"), "must be a whole number"),
        (("guideline", "g2", "--threads", "0"), "--threads: the number of threads must be from 1 to 1024"),
        (("guideline", "g2", "--threads", "1000000"), "must be from 1 to 1024"),
        (("guideline", "g2", "--precision", "0"), "--precision: a precision is from 0.05% to 50%"),
        (("guideline", "g2", "--precision", "nan"), "a precision is from"),
        (("guideline", "g2", "--precision", "101%"), "a precision is from"),
        (("guideline", "g2", "--budget", "-5"), "--budget: a budget is from 1 s to 7 days"),
        (("guideline", "g2", "--budget", "inf"), "a budget is from"),
        (("guideline", "g2", "--budget", "5 parsecs"), "a budget is from"),
        (("guideline", "g2", "--launches", "0"), "--launches: the number of launches must be from 1"),
        (("guideline", "g2", "--frobnicate"), "No such option"),
        (("guideline", "g2", "--output", "a", "--resume", "b"), "cannot be used together"),
        (("guideline", "g2", "--output", " "), "--output: an empty path names no folder"),
        (("guideline", "g2", "--device", "cuda:" + "9" * 5000), "is not a device: write cuda or cuda:0"),
        (("guideline", "g2", "--device", "cuda:٣"), "is not a device: write cuda or cuda:0"),
        (("guideline", "g2", "--runtime", "graphs"), "--runtime: unknown runtime 'graphs': did you mean graph?"),
        (("guideline", "g2", "--cache", "hot"), "--cache: unknown state of the caches 'hot'"),
        (("selftest", "--comparisons", "1"), "the number of comparisons must be from 2 to 10000, not 1"),
        (("run", "/dev/zero"), "/dev/zero is not a regular file"),
        (("guideline", "g2", "--resume", "nowhere"), "nowhere is not the folder of a run"),
        (("guideline", "g2", "--output", "x" * 300), "File name too long: give another path"),
        (("run", "papr"), "unknown suite 'papr': did you mean paper?"),
        (("run", "no/such.toml"), "no suite at no/such.toml"),
        (("run", "."), ". is a folder"),
        (("list", "suits"), "unknown kind 'suits': did you mean suites?"),
    ],
)
def test_bad_input_gets_one_line_and_exit_code_2(cli: Cli, arguments: tuple[str, ...], says: str) -> None:
    found = cli(*arguments)
    assert found.code == 2
    assert found.out == ""
    assert found.err.count("\n") == 1
    assert says in found.err
    assert found.err.startswith("benchcli: ")
    assert not Path("results").exists()


def test_channels_that_do_not_fit_name_the_suites_line(cli: Cli) -> None:
    Path("own.toml").write_text("\n[[family]]\nguideline = 'g2'\nvalues = [1, 8]\nwidths = [64, 180]\n")
    assert "own.toml:2: 8 groups do not divide 180 channels" in cli("run", "own.toml").err


@pytest.mark.parametrize(("text", "seconds"), [("20", 20), ("90s", 90), ("1.5m", 90), ("2 min", 120), ("1h", 3600)])
def test_budgets_are_read(text: str, seconds: float) -> None:
    assert Parameter(BUDGET).convert(text, None, None) == seconds


@pytest.mark.parametrize(("text", "fraction"), [("1%", 0.01), ("0.5 %", 0.005), ("2%", 0.02)])
def test_precisions_are_read(text: str, fraction: float) -> None:
    assert Parameter(PRECISION).convert(text, None, None) == pytest.approx(fraction)


def test_a_folder_that_holds_a_run_is_refused_and_untouched(cli: Cli) -> None:
    cli(*NARROW, "--output", "run")
    before = Path("run/measurements.csv").read_bytes()
    found = cli(*NARROW, "--output", "run")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "already holds a run: give another --output, or --resume run" in found.err
    assert Path("run/measurements.csv").read_bytes() == before


def test_ctrl_c_keeps_what_is_finished_and_resume_measures_only_the_rest(cli: Cli) -> None:
    found = cli("run", "quick", *FAKE, "--output", "run", launcher=interrupting(after=13))
    assert found.code == 130
    assert "2 families are finished, 2 are not; --resume run measures the rest" in found.err
    assert "G2" in found.out
    asked: list[str] = []

    def counting(task: Task, silence_s: float) -> Conversation:
        asked.extend(family.name for family in task.families)
        return (yield from inline(task, silence_s))

    resumed = cli("run", "quick", *FAKE, "--resume", "run", launcher=counting)
    assert resumed.code == 0
    assert set(asked) == {"g3-x1", "g4-x1"}
    whole = cli("run", "quick", *FAKE, "--output", "whole")
    assert resumed.out.splitlines()[:-1] == whole.out.splitlines()[:-1]  # but for the folder's name
    for name in ("measurements.csv", "samples.csv"):
        first, second = ((Path(folder) / name).read_text().splitlines() for folder in ("run", "whole"))
        assert len(first) == len(second)


def test_the_time_of_several_settings_is_told_before(cli: Callable[..., Outcome]) -> None:
    words = ("network", "shufflenet-v2-0.5x", "--size", "32", "--dtype", "float32,bfloat16", "--device", "fake")
    found = cli(*words, "--budget", "70s", "--output", "run", launcher=interrupting(after=0))
    assert "2 settings with a budget of 1 min 10 s each, in turns: about 2 min 20 s" in found.err
    short = cli(*words, "--budget", "50s", "--output", "short", launcher=interrupting(after=0))
    assert "with a budget of" not in short.err


def test_ctrl_c_before_anything_is_finished(cli: Cli) -> None:
    found = cli(*NARROW, "--output", "run", launcher=interrupting(after=0))
    assert found.code == 130
    assert found.out == ""
    assert "0 families are finished, 1 is not" in found.err


def test_a_finished_run_can_be_resumed_and_measures_nothing(cli: Cli) -> None:
    first = cli(*NARROW, "--output", "run")
    again = cli(*NARROW, "--resume", "run", launcher=interrupting(after=0))
    assert again.code == 0
    assert again.out.splitlines()[:-1] == first.out.splitlines()[:-1]


def test_a_resumed_run_must_be_the_same_run(cli: Cli) -> None:
    cli(*NARROW, "--output", "run")
    assert "another suite" in cli("guideline", "g1", *FAKE, "--resume", "run").err
    assert "--threads 1, not --threads 2" in cli(*NARROW, "--resume", "run", "--threads", "2").err
    precise = cli(
        "guideline",
        "g2",
        "--width",
        "16",
        "--device",
        "fake",
        "--launches",
        "4",
        "--resume",
        "run",
        "--precision",
        "2%",
    ).err
    assert "started with --precision 0.01 --launches 6, not --precision 0.02 --launches 4: resume it" in precise
    assert "--budget 14.0s, not --budget 9.0s" in cli(*NARROW, "--resume", "run", "--budget", "9s").err


def test_rows_of_families_that_were_launched_again_are_written_once(cli: Cli) -> None:
    def noisy(task: Task, silence_s: float) -> Conversation:
        rng = random.Random(task.seed)
        for event in inline(task, silence_s):
            if isinstance(event, Sampled) and event.family == "g1-x1":
                slower = event.sample.seconds * math.exp(rng.gauss(0.0, 0.3))
                yield Sampled(event.family, replace(event.sample, seconds=slower))
            else:
                yield event
        return True

    found = cli("run", "quick", "--device", "fake", "--budget", "3s", "--output", "run", launcher=noisy)
    assert found.code == 0
    with Path("run/measurements.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    names = [(line["family"], line["variant"]) for line in rows]
    assert len(names) == len(set(names))
    assert rows[-1]["family"] == "g1-x1"
    launches = Path("run/launches.csv").read_text(encoding="utf-8").splitlines()
    assert len([line for line in launches if line.startswith("g1-x1")]) == int(rows[-1]["launches"])
    assert found.out.index("G1 ") < found.out.index("G2 ")


def test_a_hang_up_is_ignored_where_the_shell_wants_it_so(tmp_path: Path) -> None:
    program = (
        "import signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "import benchcli.cli.main as m; m._end_on_signals()\n"
        "sys.exit(signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN)"
    )
    assert in_process("-c", program).returncode == 0


def test_a_run_that_is_still_going_is_not_resumed(cli: Cli) -> None:
    from benchcli.runs.run_folder import RunFolder

    cli(*NARROW, "--output", "run")
    folder = RunFolder.reopen(Path("run"))
    found = cli(*NARROW, "--resume", "run")
    assert found.code == 2
    assert "a run that is still going" in found.err
    folder.close()
    assert cli(*NARROW, "--resume", "run").code == 0


def test_families_that_were_finished_before_no_worker_could_start_are_shown(cli: Cli) -> None:
    launches = 0

    def failing(task: Task, silence_s: float) -> Conversation:
        nonlocal launches
        launches += task.kind == "launch"
        if launches > 6:
            yield WorkerDied(Failure("crashed", "no memory for a process"))
            return False
        return (yield from inline(task, silence_s))

    found = cli("run", "quick", *FAKE, "--output", "run", launcher=failing)
    assert found.code == 4
    assert "G1" in found.out
    assert "no memory for a process: 1 family is finished, 3 are not; --resume run measures the rest" in found.err
    assert cli("run", "quick", *FAKE, "--resume", "run").code == 0


def test_threads_on_busy_cores_are_named_before_measuring(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "usable_cores", lambda: 2)
    found = cli(*NARROW, "--threads", "2", busy=1.1)
    assert found.err.startswith("benchcli: 2 threads, with 1.1 of 2 cores busy with other work: with more threads than")
    assert found.out.count("2 threads, with 1.1 of 2 cores busy") == 1
    assert found.out.rstrip().endswith("disturbed")
    assert cli(*NARROW, "--threads", "2", busy=0.1).err == ""
    assert cli(*NARROW, busy=None).err == ""


def test_short_calls_are_host_bound_until_they_are_captured(cli: Cli) -> None:
    small = ("--width", "1", *FAKE)
    assert "the device waits for the host to launch kernels" in cli("guideline", "g2", *small).out
    captured = cli("guideline", "g2", *small, "--runtime", "graph")
    assert "waits for the host" not in captured.out
    assert "· graph ·" in captured.out


def test_cold_caches_are_another_measurement(cli: Cli) -> None:
    warm = cli(*NARROW, "--format", "csv")
    cold = cli(*NARROW, "--cache", "cold", "--format", "csv")
    times = [[float(line["median_s"]) for line in csv.DictReader(found.out.splitlines())] for found in (warm, cold)]
    assert all(cold_s > warm_s for warm_s, cold_s in zip(*times, strict=True))
    assert "cold caches" in cli(*NARROW, "--cache", "cold").out


def test_graphs_on_a_cpu_are_unsupported_and_say_so(cli: Cli) -> None:
    found = cli("guideline", "g2", "--runtime", "graph", "--output", "run")
    assert found.code == 2
    assert found.err == "benchcli: a CPU has no graphs to capture: leave --runtime graph out\n"
    assert not Path("run").exists()


def test_the_self_test_counts_what_it_knows(cli: Cli, golden: Golden) -> None:
    found = cli("selftest", "--comparisons", "4", *FAKE)
    assert found.code == 0
    golden("selftest.txt", found.out)
    whole = json.loads(cli("selftest", "--comparisons", "4", *FAKE, "--format", "json").out)
    assert whole["summary"]["covered"] == {"found": 4, "of": 4}
    assert [each["injected"] for each in whole["comparisons"]].count(True) == 1


def test_an_interrupted_self_test_shows_what_it_has(cli: Cli) -> None:
    found = cli("selftest", "--comparisons", "20", *FAKE, launcher=interrupting(after=7))
    assert found.code == 130
    assert "8 of 8" in found.out
    assert "no slowdown was measured" in found.out
    assert found.err == "benchcli: interrupted: what was compared before is shown\n"
    nothing = cli("selftest", "--comparisons", "20", *FAKE, launcher=interrupting(after=0))
    assert (nothing.code, nothing.out) == (130, "")
    assert nothing.err == "benchcli: interrupted: nothing was compared\n"


def test_a_self_test_that_could_compare_nothing_says_why(cli: Cli) -> None:
    def failing(task: Task, silence_s: float) -> Conversation:
        for family in task.families:
            for each in family.variants:
                yield Failed(family.name, each.name, "out-of-memory", "it needs more memory")
        yield Described({"torch": "2"}, {}, None, {})
        yield Done()
        return True

    found = cli("selftest", "--comparisons", "2", *FAKE, launcher=failing)
    assert found.code == 4
    assert found.err == "benchcli: no two equal networks could be compared: it needs more memory\n"
    assert (
        cli("selftest", "--launches", "5").err == "benchcli: no interval from 5 launches: give --launches 6 or more\n"
    )


def test_a_run_of_another_machine_is_not_resumed(cli: Cli) -> None:
    cli("run", "quick", *FAKE, "--output", "run", launcher=interrupting(after=7))
    path = Path("run/environment.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "digest": "0" * 12}))
    found = cli("run", "quick", *FAKE, "--resume", "run")
    assert found.code == 2
    assert "another machine" in found.err
    assert Path("run/measurements.csv").read_text().count("g1-x1") == 2


def test_nothing_measured_is_exit_code_4(cli: Cli) -> None:
    def dying(task: Task, silence_s: float) -> Conversation:
        if task.kind == "survey":
            return (yield from inline(task, silence_s))
        from benchcli.schema import Failure
        from benchcli.schema.protocol import Started

        family = task.families[0]
        yield Started(family.name, family.variants[0].name)
        yield WorkerDied(Failure("crashed", "the worker was ended by SIGSEGV"))
        return False

    found = cli(*NARROW, "--output", "run", launcher=dying)
    assert found.code == 4
    assert "nothing was measured, see run: g=1: the worker was ended by SIGSEGV" in found.err
    assert Path("run/measurements.csv").read_text().count("crashed") == 4  # a failure is a row too


def test_a_full_disk_is_said_in_one_line(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def full(_descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 4:  # two headers and the first family's two files fit
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    found = cli("run", "quick", *FAKE, "--output", "run")
    assert found.code == 2
    assert found.err.count("\n") == 1
    assert "No space left on device; what was written before is kept" in found.err
    assert Path("run/measurements.csv").read_text().count("g1-x1") == 2


def test_more_threads_than_cores_is_said(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "usable_cores", lambda: 1)
    found = cli(*NARROW, "--threads", "2", "--output", "run")
    assert "2 threads on 1 usable cores" in found.out
    assert "with more threads than free cores" in found.out


def test_an_unexpected_error_keeps_its_traceback_and_is_exit_code_1(cli: Cli) -> None:
    def broken(_task: Task, _silence: float) -> Conversation:
        raise RuntimeError("a bug")

    found = cli(*NARROW, launcher=broken)
    assert found.code == 1
    assert "Traceback" in found.err
    assert "please report" in found.err


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_verb_has_an_example_in_its_help(cli: Cli, verb: str) -> None:
    found = cli(verb, "--help")
    assert found.code == 0
    assert f"Example: benchcli {verb}" in found.out


def test_every_option_is_explained() -> None:
    for verb in COMMANDS:
        command = benchcli.get_command(None, verb)  # type: ignore[arg-type]
        assert command is not None
        parts = [command, *(command.commands.values() if isinstance(command, click.Group) else ())]
        for option in (option for part in parts for option in part.params):
            if option.param_type_name == "option":
                assert getattr(option, "help", None), f"{verb} {option.name}"


def test_the_help_names_every_verb(cli: Cli, golden: Golden) -> None:
    golden("help.txt", cli("--help").out)


def test_without_arguments_the_help_is_shown_and_the_exit_code_is_2(cli: Cli) -> None:
    found = cli()
    assert found.code == 2
    assert found.out == ""
    assert "Usage: benchcli" in found.err


@pytest.mark.parametrize("arguments", ["--help", "list", "list --format json", f"show {KEPT}"])
def test_a_closed_stdout_is_an_error_as_a_full_one_is(arguments: str) -> None:
    command = f'"{sys.executable}" -m benchcli {arguments} >&-'
    found = subprocess.run(command, shell=True, stderr=subprocess.PIPE, text=True)
    assert (found.returncode, found.stderr) == (2, "benchcli: stdout cannot be written: it is closed\n")


def test_what_is_written_does_not_go_into_a_file_that_takes_a_closed_streams_place(tmp_path: Path) -> None:
    command = f'"{sys.executable}" -m benchcli report {KEPT} -o "{tmp_path}/page.html" <&- >&- 2>&-'
    assert subprocess.run(command, shell=True).returncode == 0  # nothing goes to stdout
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")
    assert subprocess.run(f'"{sys.executable}" -m benchcli list <&- >&- 2>&-', shell=True).returncode == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_stdout_is_said_in_one_line() -> None:
    with Path("/dev/full").open("w") as full:
        found = subprocess.run(
            [sys.executable, "-m", "benchcli", "list"], stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert found.returncode == 2
    assert found.stderr.startswith("benchcli: stdout cannot be written: No space left on device")
    assert found.stderr.count("\n") == 1


def test_the_version(cli: Cli) -> None:
    assert cli("--version").out.startswith("benchcli, version ")


def test_a_reader_that_goes_away_is_no_error() -> None:
    command = f"{sys.executable} -m benchcli list | (exec <&-; sleep 0.2)"
    found = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=600)
    assert (found.returncode, found.stderr) == (0, "")


@pytest.mark.measured
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
def test_a_real_run_that_is_interrupted_leaves_no_worker_behind(tmp_path: Path, number: int) -> None:
    import psutil

    process = subprocess.Popen(
        [sys.executable, "-m", "benchcli", "guideline", "g2", "--output", str(tmp_path / "run")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    workers: list[psutil.Process] = []
    deadline = time.monotonic() + 600
    while not workers and time.monotonic() < deadline:
        workers = psutil.Process(process.pid).children()
        time.sleep(0.05)
    process.send_signal(number)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert errors.count("\n") == 1
    assert "interrupted" in errors
    assert psutil.wait_procs(workers, timeout=120)[1] == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written(cli: Cli, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    found = cli("guideline", "g2", *FAKE, "--output", "run")
    assert found.code == 2
    assert "cannot be written" in found.err


@pytest.mark.measured
def test_no_colour_reaches_a_pipe(tmp_path: Path) -> None:
    words = ("guideline", "g2", "--width", "16", "--device", "fake", "--launches", "1")
    found = in_process("-m", "benchcli", *words, "--output", str(tmp_path / "run"))
    assert "relative speed" in found.stdout
    assert "\x1b" not in found.stdout


def test_networks_of_ones_own_are_measured(cli: Cli, golden: Golden) -> None:
    Path("theirs.py").write_text(
        "from torch import nn\n"
        "def tower(blocks=10): return nn.Sequential(*(nn.Conv2d(16, 16, 1) for _ in range(blocks)))\n"
        "def pair(): return nn.LSTM(28, 28)\n"
    )
    Path("ours.toml").write_text(
        '[[family]]\nname = "tower"\nnetwork = "theirs:tower"\nshape = [16, 28, 28]\n'
        '[[family.variant]]\nname = "short"\n[[family.variant]]\nname = "long"\narguments = { blocks = 20 }\n'
        '[[family.variant]]\nname = "odd"\nnetwork = "theirs:pair"\nshape = [16, 28]\n'
    )
    found = cli("run", "ours.toml", *FAKE, "--output", "run")
    assert found.code == 0
    golden("networks.table.txt", found.out)
    refused = cli("run", "ours.toml", *FAKE, "--scale", "2")
    assert refused.code == 2
    assert "--scale is for guidelines: tower has channels of its own" in refused.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_into_a_full_device_is_said_in_one_line(argument: str) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "benchcli", argument]
        found = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert found.returncode == 2
    assert found.stderr.count("\n") == 1


def test_a_family_whose_baseline_has_no_flops_has_no_deviation(cli: Cli) -> None:
    Path("ours.toml").write_text(
        '[[family]]\nname = "a"\nnetwork = "benchcli:reference/memory"\nshape = [4, 8, 8]\n'
        '[[family.variant]]\nname = "short"\n[[family.variant]]\nname = "long"\narguments = { blocks = 20 }\n'
        '[[family]]\nguideline = "g2"\nwidths = 16\nsize = 8\n'
    )
    found = cli("run", "ours.toml", *FAKE, "--format", "csv")
    assert found.code == 0
    rows = list(csv.DictReader(found.out.splitlines()))
    assert [row["flops_deviation"] for row in rows[:2]] == ["", ""]
    assert rows[-1]["flops_deviation"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("guideline", "g2", "--threads", "1", "--threads", "2"), "--threads is given twice: give it once"),
        (("guideline", "g2", "--batch", "1", "--batch", "8"), "several values with commas between them"),
        (("guideline", "g2", "--precision", "0.5"), "--precision: a precision needs its unit: write 0.5%, not '0.5'"),
        (("check", "ci", "--base", "x", "--threshold", "3"), "--threshold: a threshold needs its unit: write 3%"),
        (("network", "mynet.build"), "write mynet:build for a callable of your own"),
        (("network", "benchcli:network/alexnet"), "is how a run records it: write alexnet"),
        (("network", "benchcli.workloads.modules:stack"), "names no network"),
        (("guideline", "g2", "--device", "gpu"), "no device 'cuda' here"),
    ],
)
def test_what_people_write_is_understood_or_answered_with_the_right_form(
    cli: Cli, arguments: tuple[str, ...], said: str
) -> None:
    found = cli(*arguments)
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1


def test_other_names_are_understood(cli: Cli) -> None:
    other = ("--layout", "channels_last", "--dtype", "bf16", "--device", "FAKE")
    found = cli("guideline", "G2", "--width", "16", "--launches", "2", *other)
    assert found.code == 0
    assert "fake · 1 thread · eager · bfloat16 · nhwc" in found.out


UNEQUAL = """
[[family]]
guideline = "g2"
values = [1, 2, 4]
widths = [16, 16, 32]
size = 8
"""


def test_a_suite_of_unequal_flops_is_measured_and_not_judged(cli: Cli) -> None:
    Path("unequal.toml").write_text(UNEQUAL)
    found = cli("run", "unequal.toml", *FAKE, "--runtime", "graph", "--output", "run")
    assert found.code == 0
    assert "G2  networks with more groups are slower (FLOPs differ by up to 50.0 %)" in found.out
    assert "×1 holds: g=4" in found.out or "×1 no effect: g=4" in found.out or "×1 reversed: g=4" in found.out
    Path("more.toml").write_text(UNEQUAL.replace("[16, 16, 32]", "[16, 16, 64]"))
    far = cli("run", "more.toml", *FAKE, "--output", "far")
    assert far.code == 0
    assert "x1 not judged" in far.out.replace("×", "x")
    assert "its FLOPs differ by +300.0 %, and beyond 10 % speeds are not comparable" in far.out
    assert "relative speed" in far.out
