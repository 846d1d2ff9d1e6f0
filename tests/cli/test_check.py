"""`benchcli check` on the fake device, whose clock is exact: verdicts, formats, exit codes and what goes wrong."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch

from benchcli import files
from benchcli.checks.findings import costs_outcome
from benchcli.reports.formats import table
from benchcli.reports.terminal import Screen
from benchcli.schema.protocol import LAUNCH, Conversation, Done, Failed, Launcher, Task, Waiting, Watched
from tests.checks.test_versions import call
from tests.conftest import Outcome, inline, slowed
from tests.values import COSTS

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
FAKE = ("--device", "fake")
SUITE = """
[[family]]
name = "tower"
network = "theirs:tower"
shape = [16, 28, 28]
[[family.variant]]
name = "thin"
[[family.variant]]
name = "wide"
arguments = { width = 32 }
shape = [32, 28, 28]
"""
NET = """
from torch import nn

def tower(width=16):
    layers = [nn.Conv2d(width, width, 1, bias=False) for _ in range(BLOCKS)]
    return nn.Sequential(*layers, *EXTRA)
"""

LAZY = """
class Lazy(nn.Sequential):
    def forward(self, inputs):
        import theirs
        return super().forward(inputs)
"""


def version(name: str, blocks: int = 20, extra: str = "", code: str = NET, suite: str | None = None) -> str:
    Path(name).mkdir()
    text = code.replace("BLOCKS", str(blocks)).replace("EXTRA", f"[{extra}]")
    Path(name, "theirs.py").write_text(text)
    if suite:
        Path(name, "ours.toml").write_text(suite)
    return name


def committed(folder: Path) -> Path:
    """Commit all that is in a folder to its repository, the first time to a new one."""
    call(folder, "init", "--quiet", "--initial-branch=main")
    call(folder, "add", "--all")
    call(folder, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "--message", "one")
    return folder


@pytest.fixture
def check(cli: Cli) -> Callable[..., Outcome]:
    """Check folder "old" against folder "new" by a suite, in an empty folder."""
    Path("ours.toml").write_text(SUITE)

    def run(*arguments: str, **changes: object) -> Outcome:
        output = () if "--output" in arguments else ("--output", "out")
        return cli("check", "ours.toml", "--base", "old", "--head", "new", *FAKE, *output, *arguments, **changes)

    return run


def findings(folder: str = "out") -> dict[tuple[str, str], str]:
    with Path(folder, "findings.csv").open() as stream:
        return {(row["variant"], row["subject"]): row["outcome"] for row in csv.DictReader(stream)}


def test_nothing_changed_is_the_same_in_every_way(check: Cli, golden: Golden) -> None:
    version("old")
    version("new")
    found = check()
    assert (found.code, found.err) == (0, "")
    assert set(findings().values()) == {"same"}
    golden("check.same.txt", found.out)


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_check_fits_the_terminal(check: Cli, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr(table, "screen_of", lambda _stream: Screen(width, bars=True))
    version("old")
    version("new", blocks=22)
    found = check("--costs-only")
    assert found.code == 3
    lines = found.out.splitlines()
    assert max(map(len, lines)) <= width
    assert "✗ COSTLIER" in found.out
    text = " ".join(found.out.split())
    assert (
        "re-run: benchcli check ours.toml --base old --head new --only tower/thin --only tower/wide --device fake"
        in text
    )
    assert "least possible memory access 120,832 to 122,880 bytes (+1.7 %)" in text


FILES = {"markdown": "a.md", "csv": "a.csv", "json": "a.json", "github": "a.txt", "junit": "a.xml"}


def test_a_slowdown_is_told_in_every_format(check: Cli, golden: Golden) -> None:
    version("old")
    version("new", blocks=22)
    found = check(*(text for name, file in FILES.items() for text in ("--write", f"{name}={file}")))
    assert found.code == 3
    assert findings()["thin", "time"] == findings()["wide", "time"] == "slower"
    golden("check.slower.table.txt", found.out)
    for name, file in FILES.items():
        if name != "json":
            golden(f"check.slower.{name}.txt", Path(file).read_text())
    data = json.loads(Path("a.json").read_text())
    slower = next(each for each in data["findings"] if each["outcome"] == "slower")
    assert slower["change"]["estimate"] == pytest.approx(1.1, abs=0.01)
    assert slower["fails"]
    counts = "2 networks: 2 CHANGED, 2 SLOWER, 2 COSTLIER"
    assert data["headline"]["text"] == f"{counts}; a network counts under each of its outcomes"
    assert data["headline"]["outcomes"] == {"changed": 2, "slower": 2, "costlier": 2}
    assert data["environment"]["check"]["together"]
    suite = ElementTree.parse("a.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("6", "6")
    assert len(suite.findall("testcase/failure")) == 6


STEPPING = SUITE.replace("shape = [16, 28, 28]\n[[", 'shape = [16, 28, 28]\nstep = "train"\n[[')
"""The same networks, trained."""
STEEPER = "\ntower.loss = lambda result: 2 * result.mean()\n"


def test_training_steps_are_checked(check: Cli) -> None:
    Path("ours.toml").write_text(STEPPING)
    version("old")
    version("new")
    found = check()
    assert (found.code, found.err) == (0, "")
    assert set(findings().values()) == {"same"}


def test_a_slower_step_is_told(check: Cli) -> None:
    Path("ours.toml").write_text(STEPPING)
    version("old")
    version("new", blocks=22)
    assert check("--allow", "costs").code == 3
    assert findings()["thin", "time"] == "slower"


def test_another_gradient_is_another_output(check: Cli) -> None:
    """The loss of head is steeper: what the network returns is the same."""
    Path("ours.toml").write_text(STEPPING)
    version("old")
    version("new", code=NET + STEEPER)
    assert check("--costs-only").code == 3
    assert findings()["thin", "output"] == "changed"


def test_processes_of_their_own_find_it_too_and_ask_for_more(check: Cli) -> None:
    version("old")
    version("new", blocks=22)
    found = check("--separate")
    out = found.out
    assert found.code == 3
    assert findings()["thin", "time"] == "slower"
    assert "in separate processes" in out
    assert "threshold 3.0 %" in out


def test_a_name_may_be_given_twice(check: Cli) -> None:
    version("old")
    version("new")
    assert check("--costs-only", "--only", "tower/thin", "--only", "tower/thin").code == 0


def test_faster_is_fine(check: Cli) -> None:
    version("old")
    version("new", blocks=18)
    found = check("--allow", "output")
    assert found.code == 0
    assert findings()["thin", "time"] == "faster"
    assert findings()["thin", "costs"] == "cheaper"


@pytest.mark.parametrize(
    ("code", "count"),
    [
        (NET.replace("width, width, 1", "width, width + (i == 0), 1").replace("for _", "for i"), None),
        (NET.replace("width, 1, bias", "width, 1, groups=1 if i else 2, bias").replace("for _", "for i"), "FLOPs"),
        (
            NET.replace("return nn.Sequential(*layers", "return nn.Sequential(*layers, nn.ReLU()"),
            "elements written by element-wise operators",
        ),
        (NET.replace("bias=False", "bias=i == 0").replace("for _", "for i"), "parameters"),
    ],
    ids=["a channel", "a group", "a ReLU", "a bias"],
)
def test_costs_are_held_exactly_without_a_clock(check: Cli, code: str, count: str | None) -> None:
    if count == "FLOPs":  # fewer groups cost more: base has the group
        version("old", code=code)
        version("new")
    elif count is None:
        wider = code.replace("width, width + (i == 0), 1", "width + (i == 1), width + (i == 0), 1")
        version("old")
        version("new", code=wider)
        count = "FLOPs"
    else:
        version("old")
        version("new", code=code)
    found = check("--costs-only", "--allow", "output")
    assert found.code == 3
    assert f"COSTLIER tower/thin (theirs:tower): {count}" in found.out or f", {count} " in found.out
    assert "no times" in found.out
    assert Path("out/samples.csv").read_text().count("\n") == 1


def test_what_is_meant_is_allowed(check: Cli) -> None:
    version("old")
    version("new", extra="nn.ReLU()")
    found = check("--costs-only", "--allow", "costs,output")
    assert found.code == 0
    assert "costlier (allowed) tower/thin" in found.out


def test_an_output_that_changed_fails(check: Cli) -> None:
    version("old", extra="nn.Hardtanh(-9.0, 9.0)")
    version("new", extra="nn.Hardtanh(-1e-9, 1e-9)")
    found = check("--costs-only")
    assert found.code == 3
    assert "CHANGED tower/thin (theirs:tower)" in found.out
    assert ": with the same seed and input, the output differs by" in found.out


ZEROS = """
import torch
from torch import nn
class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(4, 4, 1)
    def forward(self, x):
        return RESULT
def build():
    return Residual()
build.example_inputs = (torch.zeros(1, 4, 8, 8),)
"""
OF_ZEROS = '[[family]]\nname = "mine"\nnetwork = "theirs:build"\n'


def test_inputs_of_zeros_hide_no_change(check: Cli) -> None:
    Path("ours.toml").write_text(OF_ZEROS)
    version("old", code=ZEROS.replace("RESULT", "x + self.layer(x)"))
    version("new", code=ZEROS.replace("RESULT", "self.layer(x) - x"))
    found = check("--costs-only")
    assert found.code == 3
    assert "CHANGED mine/mine (theirs:build)" in found.out


def test_an_output_that_tells_little_is_inconclusive_and_says_so(check: Cli) -> None:
    Path("ours.toml").write_text(OF_ZEROS)
    for name in ("old", "new"):
        version(name, code=ZEROS.replace("RESULT", "self.layer(x * 0)"))
    found = check("--costs-only")
    assert found.code == 0
    assert "1 inconclusive" in found.out
    assert "the same output, of which nothing depends on the input: a change of it would hardly be seen" in found.out
    assert check("--costs-only", "--strict", "--output", "again").code == 4


DEEP = """
from torch import nn

def build():
    block = lambda: (nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ACTIVATION())
    return nn.Sequential(*(part for _ in range(30) for part in block()), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


def test_a_change_deep_in_a_network_whose_output_hardly_depends_on_it_is_seen(check: Cli) -> None:
    Path("ours.toml").write_text('[[family]]\nname = "mine"\nnetwork = "theirs:build"\nshape = [8, 8, 8]\n')
    version("old", code=DEEP.replace("ACTIVATION", "SiLU"))
    version("new", code=DEEP.replace("ACTIVATION", "ReLU"))
    found = check("--costs-only", "--allow", "costs")
    assert found.code == 3
    assert "CHANGED mine/mine (theirs:build)" in found.out
    Path("new/theirs.py").write_text(DEEP.replace("ACTIVATION", "SiLU") + "# a comment")
    again = check("--costs-only", "--strict", "--output", "again")
    assert (again.code, "inconclusive" in again.out) == (0, False), again.out


def test_a_network_that_head_fails_is_a_regression(check: Cli) -> None:
    version("old")
    version("new", code=NET.replace("def tower", "def towr"))
    found = check()
    assert found.code == 3
    assert (
        "FAILED tower/thin (theirs:tower), tower/wide (theirs:tower): base runs it, head does not (refused)"
        in found.out
    )
    assert "theirs: unknown callable" in found.out


def test_a_network_that_neither_runs_is_not_measured(check: Cli) -> None:
    version("old", code="import notthere")
    version("new", code="import notthere")
    found = check()
    assert found.code == 4
    assert "unmeasured tower/thin" in found.out
    assert "No module named 'notthere'" in found.out


def test_a_network_that_base_does_not_run_is_no_pass_unless_it_is_meant(check: Cli) -> None:
    version("old", code="")
    version("new")
    found = check()
    assert found.code == 4
    assert (
        "unmeasured tower/thin (theirs:tower), tower/wide (theirs:tower): base does not run it (refused)" in found.out
    )
    assert "theirs: unknown callable" in found.out
    assert check_again_allows("new", check).code == 4  # what is allowed is still nothing that was compared
    assert set(findings("again").values()) == {"new"}


def test_a_suite_that_head_has_lost_is_a_regression(check: Cli) -> None:
    version("old", suite=SUITE)
    version("new")
    found = check("--costs-only")
    assert found.code == 3
    assert "GONE tower/thin" in found.out


@pytest.mark.parametrize(
    ("sides", "code", "text"), [("both", 4, "base's output contains NaN"), ("new", 3, "head's output")]
)
def test_outputs_that_are_no_numbers_are_said(check: Cli, sides: str, code: int, text: str) -> None:
    broken = NET.replace(
        "return nn.Sequential(*layers",
        "nn.init.constant_(layers[0].weight, float('nan'))\n    return nn.Sequential(*layers",
    )
    version("old", code=broken if sides == "both" else NET)
    version("new", code=broken)
    found = check("--costs-only")
    assert found.code == code
    assert text in found.out


def with_defaults(task: Task, silence_s: float) -> Conversation:
    """Begin each task with torch as it is in a fresh process."""
    torch.use_deterministic_algorithms(False)
    return (yield from inline(task, silence_s))


def test_a_version_that_sets_what_both_would_share_gets_a_process_of_its_own(check: Cli) -> None:
    version("old")
    setting = NET.replace("def tower(", "import torch\ntorch.use_deterministic_algorithms(True)\n\ndef tower(")
    version("new", code=setting)
    try:
        found = check(launcher=with_defaults)
    finally:
        torch.use_deterministic_algorithms(False)
    assert found.code == 0
    assert "base and head ran in separate processes: it changes deterministic algorithms" in found.out


def slowing(**turns: tuple[float, ...]) -> Launcher:
    """Return what launches in this process; times are multiplied by turns: `together`, or of `base` or `head` alone.

    The last one is for all later turns.
    """
    factors = {name: chain(several, repeat(several[-1])) for name, several in turns.items()}

    def launch(task: Task, silence_s: float) -> Conversation:
        sides = {variant.name for family in task.families for variant in family.variants}
        turn = "together" if {"base", "head"} <= sides else min(sides, default="")
        factor = next(factors[turn]) if task.kind == LAUNCH and turn in factors else 1.0
        return (yield from slowed(task, silence_s, lambda _: factor))

    return launch


@pytest.mark.parametrize(
    ("turns", "apart"),
    [({"head": (1.1,)}, "1.10"), ({"base": (1.1,)}, "0.91"), ({"head": (1.3, 1.06)}, "1.06")],
    ids=["head is slower alone", "base is slower alone", "by a little less in a later launch"],
)
def test_versions_that_compare_differently_alone_get_processes_of_their_own(
    check: Cli, turns: dict[str, tuple[float, ...]], apart: str
) -> None:
    version("old")
    version("new", code=NET + "\nCHANGED = True\n")
    found = check(launcher=slowing(**turns))
    assert found.code == 0, found.out  # the simulated clock has no slowdown where processes take turns
    said = f"in processes of their own head takes {apart} times as long as base, and 1.00 times in one process"
    assert said in found.out


@pytest.mark.parametrize(
    "turns",
    [
        {"head": (1.04,)},
        {"head": (1.3, 1.0)},
        {"base": (1.3, 1.3, 1.3, 1.0)},
        {"base": (1.3, 1.0), "head": (1.3, 1.0)},
        # Load that ends during the screening, after it, and that comes and goes.
        {"together": (1.27, 1.27, 1.0)},
        {"together": (1.27, 1.27, 1.27, 1.0)},
        {"together": (1.27,), "head": (1.27, 1.0), "base": (1.0,)},
    ],
    ids=str,
)
def test_load_or_a_small_difference_leaves_both_in_one_process(check: Cli, turns: dict[str, tuple[float, ...]]) -> None:
    version("old")
    version("new", code=NET + "\nCHANGED = True\n")
    found = check(launcher=slowing(**turns))
    assert found.code == 0
    assert "separate processes" not in found.out


def swinging(task: Task, silence_s: float) -> Conversation:
    """Launch in this process; head's time swings in the first twelve launches, and is 20 % longer in later ones."""
    factor = (1.5 if task.launch % 2 else 0.9) if task.launch < 12 else 1.2
    return (yield from slowed(task, silence_s, lambda key: factor if key[1] == "head" else 1.0))


def test_a_network_that_stayed_inconclusive_for_long_is_still_found_slower(check: Cli) -> None:
    version("old")
    version("new", code=NET + "\nCHANGED = True\n")
    found = check("--only", "tower/thin", launcher=swinging)
    assert found.code == 3
    assert findings()["thin", "time"] == "slower"
    made = json.loads(Path("out/environment.json").read_text())["check"]
    assert made["confirmations"] > made["launches"] == 7


@pytest.mark.usefixtures("measured_anew")
def test_nothing_is_written_beside_the_code(check: Cli) -> None:
    version("old")
    version("new")
    check("--costs-only")
    assert sorted(path.name for path in Path("new").rglob("*")) == ["theirs.py"]


def test_an_operator_that_nobody_can_count_in_head_is_no_saving() -> None:
    known = replace(COSTS, flops=COSTS.flops - 1, unknown=("custom::op",))
    assert costs_outcome(COSTS, known) == (
        "unmeasured",
        "costs incomplete in head, no rule for custom::op; as far as they are counted: FLOPs 100 to 99 (-1.0 %)",
    )
    assert costs_outcome(COSTS, replace(COSTS, flops=COSTS.flops - 1))[0] == "cheaper"


def test_a_family_gone_from_heads_suite_is_a_regression(check: Cli) -> None:
    more = SUITE + '\n[[family]]\nname = "gone"\nnetwork = "theirs:tower"\nshape = [16, 28, 28]\n'
    version("old", suite=more)
    version("new", suite=SUITE)
    found = check()
    assert found.code == 3
    assert "GONE gone/gone (theirs:tower): base's copy of the suite has it, head's has not" in found.out
    assert check_again_allows("gone", check).code == 0


def check_again_allows(what: str, check: Cli) -> Outcome:
    return check("--allow", what, "--output", "again")


def test_another_input_under_the_same_name_is_a_regression(check: Cli) -> None:
    version("old", suite=SUITE)
    version("new", suite=SUITE.replace("[16, 28, 28]", "[16, 14, 14]"))
    found = check()
    assert found.code == 3
    assert "measured on another input: an input of (16, 28, 28) in base, (16, 14, 14) in head" in found.out


def test_another_input_is_allowed_by_its_name_and_compared_with_nothing(check: Cli) -> None:
    version("old", suite=SUITE)
    version("new", suite=SUITE.replace("[16, 28, 28]", "[16, 14, 14]"))
    found = check("--allow", "input")
    assert found.code == 0, found.out
    assert "changed (allowed) tower/thin" in found.out
    assert findings()["thin", "input"] == "changed"
    assert check("--only", "tower/thin", "--allow", "input", "--output", "again").code == 4


def test_other_arguments_of_a_suite_are_another_input(check: Cli) -> None:
    version("old", suite=SUITE)
    version("new", suite=SUITE.replace("width = 32 }\n", "width = 32, blocks = 4 }\n"))
    found = check("--only", "tower/wide")
    assert found.code == 3
    assert "arguments {'width': 32} in base, {'width': 32, 'blocks': 4} in head" in found.out


GIVEN = '[[family]]\nname = "tower"\nnetwork = "theirs:tower"\n'
EXAMPLES = NET + "\nimport torch\ntower.example_inputs = lambda: VALUES\n"


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ("torch.ones(1, 16, 14, 14)", "1x16x28x28 in base, 1x16x14x14 in head"),
        ("torch.zeros(1, 16, 28, 28)", "1x16x28x28 of other values in head than in base"),
    ],
)
def test_examples_of_other_shapes_or_values_are_another_input(check: Cli, values: str, text: str) -> None:
    version("old", code=EXAMPLES.replace("VALUES", "torch.ones(1, 16, 28, 28)"), suite=GIVEN)
    version("new", code=EXAMPLES.replace("VALUES", values), suite=GIVEN)
    found = check("--allow", "costs,output")
    assert found.code == 3
    assert f"CHANGED tower/tower (theirs:tower): measured on another input: {text}" in found.out
    assert findings() == {("tower", "input"): "changed"}


def test_examples_that_are_drawn_alike_are_the_same_input(check: Cli) -> None:
    for name in ("old", "new"):
        version(name, code=EXAMPLES.replace("VALUES", "torch.randn(1, 16, 28, 28)"), suite=GIVEN)
    assert check("--costs-only").code == 0


def test_an_input_that_is_another_one_while_it_is_timed_is_refused(check: Cli) -> None:
    version("old", code=EXAMPLES.replace("VALUES", "torch.ones(1, 16, 28, 28)"), suite=GIVEN)
    small = "torch.ones(1, 16, *([14] * 2 if torch.is_inference_mode_enabled() else [28] * 2))"
    version("new", code=EXAMPLES.replace("VALUES", small), suite=GIVEN)
    found = check()
    assert found.code == 3
    assert "its inputs are 1x16x14x14 where it is timed, and 1x16x28x28 where its costs were counted" in found.out


def test_networks_that_one_process_cannot_hold_get_their_own(check: Cli) -> None:
    lazy = NET + LAZY
    lazy = lazy.replace("return nn.Sequential(*layers", "return Lazy(*layers")
    version("old", code=lazy)
    version("new", code=lazy)
    found = check()
    assert found.code == 0
    assert "base and head ran in separate processes: it imports theirs while it runs" in found.out


def test_a_check_that_can_compare_nothing_is_no_pass(cli: Cli) -> None:
    Path("old").mkdir()
    found = cli("check", "quick", "--base", "old", "--device", "fake")
    assert found.code == 4
    assert found.out == ""
    assert "nothing to compare: all these networks are benchcli's own" in found.err
    assert 'network = "package.module:callable"' in found.err
    assert not Path("results").exists()


@pytest.mark.parametrize("base", [".", "../here"])
def test_a_folder_is_not_compared_with_itself(cli: Cli, base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    version("here", suite=SUITE)
    monkeypatch.chdir("here")
    found = cli("check", "ours.toml", "--base", base, "--device", "fake")
    assert found.code == 4
    assert "nothing to compare: base (" in found.err
    assert found.err.count("\n") == 1


def test_networks_that_cannot_differ_are_left_out_and_said(check: Cli) -> None:
    mixed = SUITE + '\n[[family]]\nguideline = "g2"\nwidths = 16\n'
    version("old", suite=mixed)
    version("new", suite=mixed)
    found = check("--costs-only")
    assert found.code == 0
    assert "left out, because they are benchcli's own and the same in both: g2-x1/g=1, g2-x1/g=2" in found.err
    assert "g2-x1" not in found.out
    alone = check("--costs-only", "--only", "g2-x1", "--output", "again")
    assert alone.code == 4
    assert "nothing to compare" in alone.err


BUILT_IN = """
[[family]]
name = "lib"
network = "benchcli:reference/arithmetic"
arguments = { width = 16, blocks = 5 }
shape = [16, 8, 8]
"""


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        (BUILT_IN.replace("blocks = 5", "blocks = 20"), "CHANGED lib/lib"),
        (BUILT_IN.replace("lib", "other"), "GONE lib/lib"),
        (BUILT_IN.replace("benchcli:reference/arithmetic", "theirs:tower").replace(", blocks = 5", ""), "COSTLIER lib"),
    ],
    ids=["arguments", "gone", "another network"],
)
def test_a_built_in_network_is_left_out_only_if_both_suites_have_the_same(check: Cli, head: str, outcome: str) -> None:
    version("old", suite=BUILT_IN)
    version("new", suite=head)
    found = check("--costs-only")
    assert found.code == 3
    assert outcome in found.out


def test_a_suite_is_found_in_both_versions_through_a_link(cli: Cli, tmp_path: Path) -> None:
    Path("ours.toml").write_text(SUITE)
    more = BUILT_IN.replace("benchcli:reference/arithmetic", "theirs:tower").replace(", blocks = 5", "")
    version("old", suite=SUITE + more)
    version("new", suite=SUITE)
    Path("link").symlink_to(tmp_path)
    command = ("--base", "old", "--head", "new", *FAKE, "--costs-only")
    for number, suite in enumerate(("ours.toml", str(tmp_path / "ours.toml"), str(tmp_path / "link" / "ours.toml"))):
        found = cli("check", suite, *command, "--output", f"out{number}")
        assert "GONE lib/lib" in found.out, suite


def test_changes_of_tracked_files_in_results_are_changes(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = NET.replace("BLOCKS", "4").replace("EXTRA", "[]")
    Path("results").mkdir()
    Path("results", "nets.py").write_text(code)
    Path("ours.toml").write_text(SUITE.replace("theirs:tower", "results.nets:tower"))
    committed(tmp_path)
    assert cli("check", "ours.toml", "--base", "HEAD", *FAKE, "--costs-only", "--output", "out").code == 4
    Path("results", "nets.py").write_text(code.replace("range(4)", "range(9)"))
    found = cli("check", "ours.toml", "--base", "HEAD", *FAKE, "--costs-only", "--output", "out")
    assert found.code == 3
    assert "COSTLIER tower/thin" in found.out


def test_a_known_network_with_nothing_to_compare_is_no_pass(check: Cli) -> None:
    version("old", suite=SUITE)
    version("new", suite=SUITE + '\n[[family]]\nname = "added"\nnetwork = "theirs:tower"\nshape = [16, 28, 28]\n')
    assert check("--costs-only", "--only", "added").code == 4
    assert check("--costs-only", "--only", "nothere", "--output", "again").code == 2


CHANGED = (
    NET.replace("return nn.Sequential(*layers", "return Changed(*layers")
    + """
import torch

class Changed(nn.Sequential):
    def forward(self, inputs):
        outputs = super().forward(inputs)
        return CHANGE
"""
)
NOISY = CHANGED.replace("CHANGE", "outputs + torch.rand(1)")


def changed(base: str, head: str) -> None:
    """Write versions whose networks return these expressions of their outputs."""
    version("old", code=CHANGED.replace("CHANGE", base))
    version("new", code=CHANGED.replace("CHANGE", head))


KEEPING = """
from torch import nn

class Net(nn.Module):
    kept = None

    def forward(self, inputs):
        if self.kept is None or not KEEPS:
            self.kept = inputs * 2
        return self.kept

def tower(**_):
    return Net()
"""


def test_a_head_that_returns_its_first_result_again_is_found(check: Cli) -> None:
    for name, keeps in (("old", "False"), ("new", "True")):
        version(name, code=KEEPING.replace("KEEPS", keeps))
    found = check("--costs-only", "--allow", "costs")
    assert found.code == 3
    assert findings()["thin", "output"] == "changed"
    assert "on other values of its inputs, with the same seed and input, the output differs" in found.out


READING = """
from pathlib import Path
from torch import nn

class Net(nn.Module):
    def forward(self, inputs):
        return inputs * float(Path(PLACE).read_text())

def tower(**_):
    return Net()
"""


def test_each_version_reads_its_own_data_in_every_call(check: Cli) -> None:
    for name in ("old", "new"):
        version(name, code=READING.replace("PLACE", "'scale.txt'"))
        Path(name, "scale.txt").write_text("2" if name == "old" else "3")
    found = check()
    assert found.code == 3
    assert findings()["thin", "output"] == "changed"
    assert "fails while it is timed" not in found.out  # its output in each process is what it was


def test_data_of_the_other_version_is_refused(check: Cli) -> None:
    place = Path("old", "scale.txt").absolute()
    for name in ("old", "new"):
        version(name, code=READING.replace("PLACE", repr(str(place))))
        Path(name, "scale.txt").write_text("2")
    found = check()
    assert found.code == 3
    assert findings()["thin", "network"] == "failed"
    assert f"it reads {place}, which belongs to the other version" in " ".join(found.out.split()).replace("- ", "-")


def test_outputs_that_are_random_in_both_are_not_compared(check: Cli) -> None:
    version("old", code=NOISY)
    version("new", code=NOISY)
    found = check()
    assert found.code == 4
    assert "its output differs from call to call in base and head: random outputs cannot be compared" in found.out
    assert "--allow-random times it all the same" in found.out
    assert findings()["thin", "costs"] == "same"
    assert {findings()["thin", subject] for subject in ("output", "time")} == {"unmeasured"}


@pytest.mark.parametrize("words", [(), ("--costs-only",)])
def test_random_outputs_that_are_allowed_do_not_end_a_check(check: Cli, words: tuple[str, ...]) -> None:
    version("old", code=NOISY)
    version("new", code=NOISY)
    found = check("--allow-random", *words)
    assert found.code == 0, found.out
    assert findings()["thin", "output"] == "unmeasured"
    assert words or findings()["thin", "time"] == "same"


def test_a_slower_network_is_found_though_its_outputs_are_random(check: Cli) -> None:
    version("old", code=NOISY)
    version("new", blocks=24, code=NOISY)
    found = check("--allow-random")
    assert found.code == 3
    assert findings()["thin", "time"] == "slower"
    assert "--allow-random" in found.out  # the command that checks it again


@pytest.mark.parametrize("words", [(), ("--allow-random",)])
def test_an_output_that_becomes_random_is_a_change(check: Cli, words: tuple[str, ...]) -> None:
    version("old")
    version("new", code=NOISY)
    found = check("--costs-only", *words)
    assert found.code == 3
    assert "head's output differs from call to call, and base's does not" in found.out
    shutil.rmtree("out")
    Path("old").rename("older")
    Path("new").rename("old")
    Path("older").rename("new")
    assert "base's output differs from call to call, and head's does not" in check("--costs-only", *words).out


@pytest.mark.parametrize(
    ("change", "outcome", "text"),
    [
        ("outputs.masked_fill(torch.arange(28) < 3, float('-inf'))", "same", "the same output"),
        (
            "outputs.masked_fill(torch.arange(28) > 24, float('-inf'))",
            "changed",
            "the output differs in the places or signs of its infinite values",
        ),
        (
            "outputs.masked_fill(torch.arange(28) < 3, float('inf'))",
            "changed",
            "the output differs in the places or signs of its infinite values",
        ),
        ("1.1 * outputs.masked_fill(torch.arange(28) < 3, float('-inf'))", "changed", "the output differs by 10"),
        ("outputs", "changed", "the output differs in the places or signs of its infinite values"),
        ("outputs * float('nan')", "failed", "head's output is not finite"),
    ],
)
def test_infinite_values_are_compared_by_place_and_sign(check: Cli, change: str, outcome: str, text: str) -> None:
    masked = "outputs.masked_fill(torch.arange(28) < 3, float('-inf'))"
    changed(masked, change)
    found = check("--costs-only")
    assert findings()["thin", "output"] == outcome
    assert text in found.out or outcome == "same"


@pytest.mark.parametrize(
    ("base", "head", "text"),
    [
        ("(1000 * outputs, outputs)", "(1000 * outputs, -outputs)", "the output [1] differs by 200"),
        ("outputs.argmax(1)", "outputs.argmax(1) + 9001", "the output differs in its whole numbers; "),
        ("{'x': outputs, 'n': 5}", "{'x': outputs, 'n': 7}", "its output n is int 7, and was int 5"),
        ("outputs", "outputs * (0.5 if torch.is_inference_mode_enabled() else 1)", "the output differs by 50"),
    ],
)
def test_each_part_of_an_output_is_compared_by_itself(check: Cli, base: str, head: str, text: str) -> None:
    changed(base, head)
    found = check("--costs-only", "--allow", "costs")
    assert found.code == 3
    assert findings()["thin", "output"] == "changed"
    assert text in found.out


def test_an_output_that_computes_when_it_is_read_fails(check: Cli) -> None:
    version("old")
    version("new", code=CHANGED.replace("CHANGE", "(outputs, lambda: outputs)"))
    found = check("--costs-only")
    assert found.code == 3
    assert "its output holds the function Changed.forward.<locals>.<lambda>, which computes when it is" in found.out


def test_a_layer_in_less_precision_is_another_output(check: Cli) -> None:
    """The network in mixed precision is timed against its own float32 copy, but is not the network of base."""
    version("old")
    lower = "layers[3].bfloat16()\n    return Cast(*layers"
    cast = """
import torch

class Cast(nn.Sequential):
    def forward(self, inputs):
        for each in self:
            inputs = each(inputs.to(each.weight.dtype))
        return inputs.float()
"""
    version("new", code=NET.replace("return nn.Sequential(*layers", lower) + cast)
    found = check("--costs-only")
    assert found.code == 3
    assert findings()["thin", "output"] == "changed"


def test_one_network_alone_and_how_to_look_again(check: Cli) -> None:
    version("old")
    version("new", blocks=22)
    found = check("--only", "tower/wide", "--threshold", "2%")
    assert "re-run: benchcli check ours.toml --base old --head new --only tower/wide" in found.out
    assert "tower/thin" not in found.out


def test_files_are_written_besides(check: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    version("old")
    version("new")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    found = check("--write", "junit=report.xml", "--write", "json=report.json", "--format", "github")
    assert found.code == 0
    assert ElementTree.parse("report.xml").getroot().tag == "testsuites"
    assert json.loads(Path("report.json").read_text())["findings"]
    assert (
        Path("summary.md")
        .read_text()
        .startswith("**2 networks: 2 same; minimum detectable slowdown 1.0 %**\n\nbase old · head new")
    )
    assert "| tower | thin |" not in found.out  # the summary has it


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "there is nothing to compare with: give --base"),
        (("--base", "old", "--baseline", "x"), "--base and --baseline cannot be used together"),
        (("--base", "nothing"), "no interpreter or folder 'nothing'"),
        (("--base", "old", "--only", "towr/thin"), "unknown network 'towr/thin': did you mean tower/thin?"),
        (("--base", "old", "--write", "xml=a"), "unknown format 'xml'"),
        (("--base", "old", "--write", "junit"), "--write takes FORMAT=FILE"),
        (("--base", "old", "--write", "junit=no/a.xml"), "name one in a folder that is there"),
        (("--base", "old", "--launches", "2"), "must be from 5 to 100"),
        (("--base", "old", "--allow", "time"), "unknown change 'time'"),
        (("--base", "old", "--threshold", "0"), "a threshold is from"),
        (("--baseline", "old"), "old is not the folder of a run: it lacks environment.json"),
        (("--baseline", "nothing"), "no results at nothing"),
    ],
)
def test_bad_input_gets_one_line(cli: Cli, arguments: tuple[str, ...], text: str) -> None:
    Path("ours.toml").write_text(SUITE)
    version("old")
    found = cli("check", "ours.toml", *arguments, *FAKE)
    assert found.code == 2
    assert text in found.err
    assert found.err.count("\n") == 1
    assert not Path("results").exists()


def test_a_working_tree_with_changes_is_told_or_refused(cli: Cli, tmp_path: Path) -> None:
    version("repo", suite=SUITE)
    repo = committed(tmp_path / "repo")
    (repo / "theirs.py").write_text(NET.replace("BLOCKS", "22").replace("EXTRA", "[]"))
    suite = str(repo / "ours.toml")
    refused = cli("check", suite, "--base", "repo", *FAKE, "--require-clean")
    assert refused.code == 2
    assert "base (repo) has uncommitted changes (theirs.py): commit or stash them" in refused.err
    shutil.copytree(repo, "copy", ignore=shutil.ignore_patterns(".git"))
    taken = cli("check", suite, "--base", "repo", "--head", "copy", *FAKE, "--costs-only")
    assert taken.code == 0
    assert "which are measured with it" in taken.err


def test_what_benchcli_wrote_is_no_change_of_the_working_tree(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version("repo", suite=SUITE)
    repo = committed(tmp_path / "repo")
    (repo / "theirs.py").write_text(NET.replace("BLOCKS", "22").replace("EXTRA", "[]"))
    committed(repo)
    monkeypatch.chdir(repo)
    files = (text for name, file in FILES.items() for text in ("--write", f"{name}=out/files/{file}"))
    (repo / "out" / "files").mkdir(parents=True)
    arguments = (
        "check",
        "ours.toml",
        "--base",
        "HEAD~1",
        *FAKE,
        "--costs-only",
        "--require-clean",
        "--report",
        "c.html",
    )
    assert cli(*arguments, *files, "--output", "out/first").code == 3
    assert call(repo, "status", "--porcelain").splitlines() == ["?? c.html", "?? out/"]
    assert (
        cli(
            "plot", str(Path(__file__).parents[2] / "results/reference/g2-epyc"), "--kind", "axis", "-o", "chart.json"
        ).code
        == 0
    )
    again = cli(*arguments, "--output", "out/second")
    assert (again.code, again.err) == (3, "")
    (repo / "out" / "files" / "mine.py").write_text("")
    assert "uncommitted changes (out/)" in cli(*arguments, "--output", "out/third").err


def test_two_commits_of_a_repository(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    version("repo", suite=SUITE)
    repo = committed(tmp_path / "repo")
    (repo / "theirs.py").write_text(NET.replace("BLOCKS", "22").replace("EXTRA", "[]"))
    committed(repo)
    monkeypatch.chdir(repo)
    before = call(repo, "status", "--porcelain", "--ignored"), call(repo, "worktree", "list")
    found = cli("check", "ours.toml", "--base", "HEAD~1", *FAKE, "--output", str(tmp_path / "out"))
    assert (found.code, found.err) == (3, "")
    assert "+9." in found.out or "+10." in found.out
    same = cli("check", "ours.toml", "--base", "main", *FAKE, "--output", str(tmp_path / "again"))
    assert same.code == 4
    assert re.match(r"benchcli: nothing to compare: base \(main \(\w{10}\)\) and head \(the working tree\)", same.err)
    assert before == (call(repo, "status", "--porcelain", "--ignored"), call(repo, "worktree", "list"))


def failing(task: Task, silence_s: float) -> Conversation:
    """Head fails whenever it is to be timed, and in no survey."""
    heads = [family.name for family in task.families if any(v.name == "head" for v in family.variants)]
    if task.kind == "survey" or not heads:
        return (yield from inline(task, silence_s))
    for name in heads:
        yield Failed(name, "head", "failed", "it is tired")
    if task.kind == "serve":
        yield Waiting()
    yield Done()
    return True


def test_a_head_that_fails_while_it_is_timed_is_a_regression(check: Cli) -> None:
    version("old")
    version("new")
    found = check(launcher=failing)
    assert found.code == 3
    assert "FAILED tower/thin (theirs:tower), tower/wide" in found.out
    assert ": head fails while it is timed (failed): it is tired" in found.out


def interrupting(task: Task, silence_s: float) -> Conversation:
    if task.kind != "survey":
        raise KeyboardInterrupt
    return (yield from inline(task, silence_s))


def test_an_interruption_keeps_what_was_found(check: Cli) -> None:
    version("old")
    version("new", blocks=22)
    found = check(launcher=interrupting)
    assert found.code == 130
    assert "COSTLIER tower/thin" in found.out
    assert "interrupted: what was found before is shown" in found.err
    assert findings()["thin", "costs"] == "costlier"
    assert findings()["thin", "time"] == "unmeasured"
    assert "the check was interrupted" in found.out


def test_a_budget_that_is_spent_leaves_times_unmeasured(check: Cli) -> None:
    version("old")
    version("new", blocks=22)
    found = check("--time-limit", "1s", "--allow", "costs,output")
    assert found.code == 4
    assert findings()["thin", "time"] == "unmeasured"
    assert "give a larger --time-limit" in found.out
    assert "the time limit of 1 s is too short to judge a time: a launch takes 0 s, and 4 more are the" in found.err
    assert "too short" not in check("--time-limit", "3s", "--allow", "costs,output", "--output", "longer").err


def test_samples_and_launches_are_kept(check: Cli) -> None:
    version("old")
    version("new", blocks=22)
    check()
    with Path("out/samples.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert {row["variant"] for row in rows} == {"base", "control", "head"}
    assert {row["family"] for row in rows} == {"tower/thin", "tower/wide"}
    with Path("out/launches.csv").open() as stream:
        launches = [int(row["launch"]) for row in csv.DictReader(stream)]
    made = json.loads(Path("out/environment.json").read_text())["check"]
    assert max(launches) + 1 == made["screenings"] + made["confirmations"] == 3 + 1


def test_git_is_not_needed_for_folders(check: Cli) -> None:
    version("old")
    version("new")
    assert subprocess.run(["git", "rev-parse"], capture_output=True, check=False).returncode != 0
    assert check("--costs-only").code == 0


@pytest.mark.parametrize("target", ["/nowhere/summary", "/dev/full"])
def test_a_summary_that_cannot_be_written_hides_no_regression(
    check: Cli, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    version("old")
    version("new", blocks=22)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", target)
    found = check("--costs-only", "--format", "github")
    assert found.code == 3
    assert "cannot be written" in found.err
    assert "::error" in found.out


def restless(task: Task, silence_s: float) -> Conversation:
    """Do a task in which every other launch runs the control 10 % slower than base, and head 5 %."""
    factors = {"control": 1.1, "head": 1.05} if task.launch % 2 else {}
    return (yield from slowed(task, silence_s, lambda key: factors.get(key[1], 1.0)))


def test_a_noisy_machine_that_passes_says_what_it_could_not_find(check: Cli) -> None:
    version("old")
    version("new")
    found = check("--only", "tower/thin", "--time-limit", "12s", "--write", "json=a.json", launcher=restless)
    assert found.code == 0
    data = json.loads(Path("a.json").read_text())
    (least,) = {each["detectable"] for each in data["findings"] if each["subject"] == "time"}
    assert least > 1.05
    assert data["headline"]["detectable"] == least
    assert f"minimum detectable slowdown {100 * (least - 1):.1f} %" in found.out


def test_a_check_that_would_miss_too_much_is_not_a_pass(check: Cli) -> None:
    version("old")
    version("new")
    files = ("--write", "junit=a.xml", "--write", "github=a.txt", "--write", "json=a.json")
    found = check("--fail-if-mde-above", "5%", "--time-limit", "12s", *files, launcher=restless)
    assert found.code == 4
    text = " ".join(found.out.split())
    assert "above --fail-if-mde-above 5.0 % could have passed unnoticed in tower/thin, tower/wide: stop other" in text
    assert "--only tower/thin --only tower/wide --device fake --fail-if-mde-above 5.00%" in text
    assert set(json.loads(Path("a.json").read_text())["headline"]["above"]) == {"tower/thin", "tower/wide"}
    assert Path("a.txt").read_text().splitlines()[1].startswith("::warning title=benchcli check ours::2 networks: ")
    assert "title=benchcli%3A tower/thin not measured well enough::" in Path("a.txt").read_text()
    suite = ElementTree.parse("a.xml").getroot().find("testsuite")
    assert suite is not None
    assert suite.get("errors") == "2"


def test_a_check_that_would_find_enough_passes(check: Cli) -> None:
    version("old")
    version("new")
    found = check("--fail-if-mde-above", "1.1%", "--threshold", "1%")
    assert found.code == 0
    assert "minimum detectable slowdown 1.0 %" in found.out


def test_a_limit_that_no_check_reaches_is_refused(check: Cli) -> None:
    version("old")
    version("new")
    found = check("--fail-if-mde-above", "1%", "--threshold", "2%")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "--fail-if-mde-above 1.00% is below --threshold 2.00%" in found.err
    found = check("--fail-if-mde-above", "1%", "--costs-only")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "--costs-only measures none" in found.err


def test_one_cause_of_noise_is_one_warning(check: Cli) -> None:
    def noisy(task: Task, silence_s: float) -> Conversation:
        for event in inline(task, silence_s):
            if isinstance(event, Watched):
                yield Watched(event.family, replace(event.conditions, busy_cores=1.0 + event.conditions.launch / 10))
            else:
                yield event
        return True

    version("old")
    version("new", blocks=22)
    assert check(launcher=noisy).out.count("other processes used") == 1


def head_in_process(*arguments: str, **settings: object) -> "subprocess.CompletedProcess[bytes]":
    """Check old against new, of which new is slower, in a process of its own."""
    Path("ours.toml").write_text(SUITE)
    version("old")
    version("new", blocks=22)
    command = ["-m", "benchcli", "check", "ours.toml", "--base", "old", "--head", "new", "--device", "fake"]
    return subprocess.run([sys.executable, *command, *arguments], stderr=subprocess.PIPE, check=False, **settings)  # type: ignore[call-overload,no-any-return]


def closed_pipe() -> int:
    """Return the writing end of a pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


@pytest.mark.measured
@pytest.mark.parametrize(
    ("end", "more", "finding"),
    [
        ("closed pipe", (), (("thin", "time"), "slower")),
        ("full device", ("--costs-only",), (("thin", "costs"), "costlier")),
        ("closed", ("--costs-only",), (("thin", "costs"), "costlier")),
    ],
    ids=["closed pipe", "full device", "closed"],
)
def test_the_exit_code_does_not_depend_on_stdout(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    end: str,
    more: tuple[str, ...],
    finding: tuple[tuple[str, str], str],
) -> None:
    monkeypatch.chdir(tmp_path)
    stdout = closed_pipe() if end == "closed pipe" else os.open("/dev/full", os.O_WRONLY)
    closing = {"preexec_fn": lambda: os.close(1)} if end == "closed" else {}
    try:
        found = head_in_process(
            "--output", "out", "--only", "tower/thin", "--write", "junit=report.xml", *more, stdout=stdout, **closing
        )
    finally:
        os.close(stdout)
    assert found.returncode == 3, found.stderr
    assert findings()[finding[0]] == finding[1]
    assert ElementTree.parse("report.xml").getroot().tag == "testsuites"
    said = found.stderr.decode()
    reasons = {"full device": "No space left on device", "closed": "it is closed"}
    assert said == "" if end == "closed pipe" else f"stdout cannot be written: {reasons[end]}" in said


@pytest.mark.measured
def test_a_stdout_that_lacks_letters_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    found = head_in_process("--costs-only", stdout=subprocess.PIPE)
    assert found.returncode == 3, found.stderr
    assert b"COSTLIER tower/thin" in found.stdout


def test_an_old_report_is_left_where_a_new_one_cannot_be_written(check: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    version("old")
    version("new")
    Path("report.xml").write_text("old")
    Path(".draft").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(files, "_draft", lambda _path: Path(".draft"))  # where the new one would be written first
        refused = check("--costs-only", "--write", "junit=report.xml")
    assert refused.code == 2
    assert "report.xml cannot be written" in refused.err
    assert Path("report.xml").read_text() == "old"
    assert not Path("out").exists()
    assert check("--costs-only", "--write", "junit=report.xml", "--force").code == 0
    assert Path("report.xml").read_text().startswith("<?xml")


def test_a_users_own_files_are_neither_overwritten_nor_deleted(check: Cli) -> None:
    version("old")
    version("new")
    Path("mine").mkdir()
    Path("mine", "samples.csv").write_text("my own")
    found = check("--costs-only", "--output", "mine")
    assert found.code == 2
    assert "mine/samples.csv exists, and is no part of a run" in found.err
    assert Path("mine", "samples.csv").read_text() == "my own"
    assert [path.name for path in Path("mine").iterdir()] == ["samples.csv"]


def test_results_are_kept_out_of_the_users_repository(check: Cli, cli: Cli) -> None:
    version("old")
    version("new")
    assert cli("check", "ours.toml", "--base", "old", "--head", "new", *FAKE, "--costs-only").code == 0
    assert Path("results/.gitignore").read_text() == "*\n"


def test_families_whose_names_collide_are_refused(cli: Cli) -> None:
    variants = "network = 'theirs:tower'\nshape = [16, 28, 28]\n"
    Path("ours.toml").write_text(
        f"[[family]]\nname = 'a'\nbatch = [1, 8]\n{variants}[[family]]\nname = 'a-b8'\n{variants}"
    )
    found = cli("run", "ours.toml", *FAKE)
    assert found.code == 2
    assert "ours.toml:6: two families are named 'a-b8' with their batch, dtype, layout and step" in found.err


def test_annotations_have_the_changed_line_and_cases_have_times(check: Callable[..., Outcome]) -> None:
    version("old")
    version("new", blocks=21)
    found = check("--format", "github", "--write", "junit=report.xml", "--costs-only")
    assert found.code == 3
    first, *errors = [line for line in found.out.splitlines() if line.startswith("::error")]
    counts = "::error title=benchcli check ours::2 networks: 2 CHANGED, 2 COSTLIER"
    assert first == f"{counts}; a network counts under each of its outcomes"
    assert errors
    changed = next(n for n, line in enumerate(Path("new/theirs.py").read_text().splitlines(), 1) if "21" in line)
    assert all(line.startswith(f"::error file=theirs.py,line={changed},title=") for line in errors)
    timed = check("--format", "junit", "--output", "timed")
    cases = {case.get("name"): case for case in ElementTree.fromstring(timed.out).iter("testcase")}
    assert float(cases["thin time"].get("time") or 0.0) > 0
    assert cases["thin costs"].get("time") is None


def test_each_versions_networks_come_from_its_own_folder_of_the_suite(cli: Cli) -> None:
    for name, blocks in (("old", 20), ("new", 21)):
        version(name, blocks=9)  # a module of this name, which the suite's own folder hides
        Path(name, "models").mkdir()
        Path(name, "models", "theirs.py").write_text(NET.replace("BLOCKS", str(blocks)).replace("EXTRA", "[]"))
    Path("models").mkdir()
    Path("models/ours.toml").write_text(SUITE)
    found = cli("check", "models/ours.toml", "--base", "old", "--head", "new", *FAKE, "--costs-only", "--output", "out")
    assert found.code == 3
    assert "+5.0 %" in found.out
