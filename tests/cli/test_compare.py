"""Recorded runs: read whole or refused, held side by side, and used as a baseline."""

import csv
import io
import json
import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchcli.analysis.comparison import compare
from benchcli.checks.against_run import Now, against
from benchcli.errors import UserError
from benchcli.runs.read import read
from benchcli.schema import Costs, Failure, Input, Interval
from benchcli.schema.environment import Machine
from benchcli.schema.protocol import Conversation, Task
from benchcli.statistics import quotient
from benchcli.system import machine
from benchcli.workloads.custom import CustomNetwork, CustomRequest
from tests.conftest import Outcome, inline

Cli = Callable[..., Outcome]
Golden = Callable[[str, str], None]
FAKE = ("--device", "fake", "--launches", "6")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., None]:
    """Record what a command measures into a folder; what was recorded before is copied."""
    places: dict[tuple[str, ...], Path] = {}

    def record(cli: Cli, folder: str, *command: str) -> None:
        if command not in places:
            assert cli(*command, *FAKE, "--output", folder).code == 0
            places[command] = tmp_path_factory.mktemp("recorded") / "run"
            shutil.copytree(folder, places[command])
        else:
            shutil.copytree(places[command], folder)

    return record


@pytest.fixture
def run(cli: Cli, recorded: Callable[..., None]) -> Callable[..., None]:
    """Record G2 into a folder of that name."""

    def run(folder: str, *arguments: str) -> None:
        width = () if "--channels" in arguments else ("--width", "16")
        recorded(cli, folder, "guideline", "g2", *width, *arguments)

    return run


def edit(folder: str, column: str, value: str, row: int = 1) -> None:
    path = Path(folder, "measurements.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    rows[row][column] = value
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue())


def slow(folder: str, factor: float, row: int = 1) -> None:
    """Make one network of a recorded run slower."""
    with Path(folder, "measurements.csv").open() as stream:
        cells = list(csv.DictReader(stream))[row]
    for column in ("median_s", "ci_low_s", "ci_high_s"):
        edit(folder, column, str(float(cells[column]) * factor), row)
    speeds = ("relative_speed", "relative_low", "relative_high")
    for column in (*speeds, *(column.replace("relative", "reference") for column in speeds)):
        edit(folder, column, str(float(cells[column]) / factor), row)


def test_runs_side_by_side_in_every_format(cli: Cli, run: Callable[..., None], golden: Golden) -> None:
    run("a")
    run("b")
    run("c", "--dtype", "bfloat16")
    slow("b", 1.07, row=2)
    for format_ in ("table", "markdown", "csv"):
        found = cli("compare", "a", "b", "c", "--format", format_)
        assert (found.code, found.err) == (0, "")
        golden(f"compare.{format_}.txt", found.out)
    data = json.loads(cli("compare", "a", "b", "c", "--format", "json").out)
    changes = [each["change"] for each in data["changes"] if each["run"] == "b"]
    assert sorted(changes) == pytest.approx([1.0, 1.0, 1.0, 1.07])
    assert len(data["runs"]) == 3


def test_what_changed_most_surely_comes_first(cli: Cli, run: Callable[..., None]) -> None:
    run("a")
    run("b")
    slow("b", 0.9, row=1)
    slow("b", 1.3, row=3)
    edit("b", "ci_low_s", "1e-9", row=3)  # an interval that holds everything is sure of nothing
    rows = compare([read(Path("a")), read(Path("b"))]).rows
    assert rows[0].variant == "g=2"
    change = rows[0].changes[1]
    assert change
    assert change.min_log_change == pytest.approx(-math.log(0.9))


def test_the_geometric_mean_is_over_all_networks(cli: Cli, run: Callable[..., None]) -> None:
    run("a")
    run("b")
    for row in range(4):
        slow("b", 1.1, row)
    assert compare([read(Path("a")), read(Path("b"))]).means[1] == pytest.approx(1.1)


def test_what_is_missing_and_what_is_another_network_is_said(cli: Cli, run: Callable[..., None]) -> None:
    run("a")
    run("b", "--channels", "aligned")
    out = cli("compare", "a", "b").out
    assert "b lacks g2-x1/g=2, g2-x1/g=8" in out
    assert "a lacks g2-x1/g=16" in out
    assert "b: g2-x1/g=1: not the same network: channels 16 and 64" in out


def test_an_unfinished_run_has_no_settings_to_differ_in(cli: Cli, run: Callable[..., None]) -> None:
    run("a")
    run("b")
    path = Path("b/measurements.csv")
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    found = cli("compare", "a", "b")
    assert found.code == 4
    assert "b is not finished: g2-x1" in found.out
    assert "differs from" not in found.out


@pytest.mark.parametrize("order", [("one", "several"), ("several", "one")])
def test_one_of_several_settings_is_compared_with_a_run_of_that_setting(
    cli: Cli, run: Callable[..., None], order: tuple[str, str]
) -> None:
    run("one", "--batch", "2")
    run("several", "--batch", "1,2")
    found = cli("compare", *order)
    assert found.code == 0
    lacking = ", ".join(f"g2-x1-b1/g={groups}" for groups in (1, 2, 4, 8))
    assert f"one lacks {lacking}\n" in found.out
    assert "several lacks" not in found.out
    assert "not the same network" not in found.out
    assert found.out.splitlines()[-1].startswith("4 of 8 networks compared")


def test_runs_without_a_common_network_are_no_success(
    cli: Cli, run: Callable[..., None], recorded: Callable[..., None]
) -> None:
    run("a")
    recorded(cli, "other", "guideline", "g1", "--width", "16")
    compared = cli("compare", "a", "other")
    assert compared.code == 4
    assert "a lacks g1-x1/1:1" in compared.out
    assert compared.out.splitlines()[-1].startswith("0 of 8 networks compared")


def test_machines_and_settings_that_differ_are_named(cli: Cli, run: Callable[..., None]) -> None:
    run("a")
    run("b", "--threads", "2")
    found = cli("compare", "a", "b")
    assert "b differs from a: threads 2, not 1" in found.out
    run("c")
    assert "measured at different times" in cli("compare", "a", "c").out


def test_a_ratio_has_the_interval_that_both_sides_make() -> None:
    found = quotient(Interval(2.0, 1.9, 2.1), Interval(1.0, 1.0, 1.0))
    assert (found.estimate, found.low, found.high) == pytest.approx((2.0, 1.9, 2.1))
    both = quotient(Interval(2.0, 1.9, 2.1), Interval(1.0, 0.9, 1.1))
    assert both.low is not None
    assert both.high is not None
    assert both.low < 1.9 * (1 / 1.04)
    assert both.high > 2.1 * 1.05
    assert quotient(Interval(2.0), Interval(1.0)).low is None


def builder(name: str) -> None:
    """Let run a have recorded its first network under another name."""
    path = Path("a/environment.json")
    facts = json.loads(path.read_text())
    facts["suite"]["families"][0]["variants"][0]["builder"] = name
    path.write_text(json.dumps(facts))


@pytest.mark.parametrize(
    ("damage", "text"),
    [
        (
            lambda: edit("a", "median_s", "nan"),
            "a/measurements.csv:3: median_s: 'nan' is no float: the file is",
        ),
        (lambda: edit("a", "relative_low", "-1"), "a/measurements.csv:3: relative_low: -1.0 is not from 1e-12"),
        (lambda: edit("a", "flops", "many"), "a/measurements.csv:3: flops: 'many' is no int"),
        (lambda: edit("a", "mac_bytes", ""), "a/measurements.csv:3: mac_bytes: it is empty beside other counts"),
        (lambda: edit("a", "launches", ""), "a/measurements.csv:3: launches: a time without a sample"),
        (lambda: edit("a", "variant", "g=3"), "a row of g2-x1 g=3, which the run does not have"),
        (lambda: cut(30), "a/measurements.csv was cut short in line 5"),
        (lambda: Path("a/measurements.csv").write_text(""), "was cut short in line 0"),
        (lambda: Path("a/measurements.csv").unlink(), "a is not the folder of a run: it lacks measurements.csv"),
        (lambda: environment(schema=2), "is of schema 2, not 1: a newer benchcli wrote it"),
        (lambda: environment(schema=None), "is of schema None, not 1"),
        (lambda: environment(suite={}), "does not say which networks were measured"),
        (lambda: environment(software=[1]), "software is not what a run writes there"),
        (lambda: environment(machine=3), "machine is not what a run writes there"),
        (lambda: Path("a/environment.json").write_text("{"), "cannot be read"),
        (lambda: builder("benchcli:network/resnet-49"), "a has g=1 as benchcli:network/resnet-49: unknown network"),
        (lambda: builder("benchcli:netork/resnet-50"), "unknown kind of network 'netork': did you mean network"),
    ],
)
def test_a_damaged_run_is_refused_by_name(
    cli: Cli, run: Callable[..., None], damage: Callable[[], object], text: str
) -> None:
    run("a")
    run("b")
    damage()
    for arguments in (("compare", "a", "b"), ("check", "quick", "--baseline", "a", "--device", "fake")):
        found = cli(*arguments)
        assert found.code == 2
        assert text in found.err
        assert found.err.count("\n") == 1


def cut(letters: int) -> None:
    path = Path("a/measurements.csv")
    path.write_text(path.read_text()[:-letters])


def environment(**changes: object) -> None:
    path = Path("a/environment.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_one_run_is_nothing_to_compare(cli: Cli) -> None:
    assert "give two runs or more" in cli("compare", "a").err


SUITE = '[[family]]\nguideline = "g2"\nwidths = 16\n'


@pytest.fixture
def baseline(cli: Cli, recorded: Callable[..., None]) -> Callable[..., Outcome]:
    """Record a suite, and check it against that."""
    Path("ours.toml").write_text(SUITE)
    recorded(cli, "a", "run", "ours.toml")

    def check(*arguments: str) -> Outcome:
        return cli("check", "ours.toml", "--baseline", "a", "--device", "fake", *arguments)

    return check


def test_nothing_changed_since_is_fine(baseline: Callable[..., Outcome], golden: Golden) -> None:
    found = baseline("--output", "now")
    assert (found.code, found.err) == (0, "")
    golden("baseline.same.txt", found.out)


@pytest.mark.parametrize("row", [0, 1, 2, 3])
def test_exactly_the_network_that_became_slower_is_blamed(baseline: Callable[..., Outcome], row: int) -> None:
    """The first network of a family, by which the others' relative speeds are made, is blamed too."""
    slow("a", 1 / 1.1, row)
    found = baseline("--format", "json")
    assert found.code == 3
    outcomes = {f["variant"]: f["outcome"] for f in json.loads(found.out)["findings"] if f["subject"] == "time"}
    slower = ("g=1", "g=2", "g=4", "g=8")[row]
    assert outcomes == {**dict.fromkeys(("g=1", "g=2", "g=4", "g=8"), "same"), slower: "slower"}


def test_one_that_rose_is_fine(baseline: Callable[..., Outcome]) -> None:
    slow("a", 1.2)
    found = baseline()
    assert found.code == 0
    assert "faster g2-x1/g=2" in found.out


@pytest.mark.parametrize(
    ("count", "words"), [("flops", "FLOPs"), ("params", "parameters"), ("mac_bytes", "memory access")]
)
def test_one_count_more_is_a_regression_without_a_clock(
    baseline: Callable[..., Outcome], count: str, words: str
) -> None:
    (row,) = [each for each in read(Path("a")).records if each.variant.name == "g=4"]
    assert row.costs
    edit("a", count, str(getattr(row.costs, count) - 1), row=2)
    found = baseline("--costs-only")
    assert found.code == 3
    assert f"COSTLIER g2-x1/g=4 (benchcli:guideline/g2): {words} " in found.out


def test_times_of_another_machine_are_not_compared_and_not_passed(baseline: Callable[..., Outcome]) -> None:
    recorded = json.loads(Path("a/environment.json").read_text())
    other = {"cpu": "another"}
    digest = machine.digest(Machine(cpu="another"), *(recorded[part] for part in ("software", "device", "target")))
    environment(digest=digest, machine=other)
    found = baseline()
    assert found.code == 4
    assert "times are not compared, because the recorded run has another machine, version or setting (" in found.out
    assert found.out.count("another machine") == 1  # one cause, one line
    assert "cpu another then, " in found.out
    assert baseline("--costs-only").code == 0


def test_a_digest_that_contradicts_the_machine_beside_it_is_no_pass(baseline: Callable[..., Outcome]) -> None:
    environment(machine={"cpu": "another"})
    found = baseline()
    assert found.code == 4
    assert "the recorded digest is not that of the machine beside it" in found.out


def test_a_network_gone_from_the_suite_is_a_regression(baseline: Callable[..., Outcome]) -> None:
    Path("ours.toml").write_text(SUITE + "values = [1, 2, 4]\n")
    found = baseline("--costs-only")
    assert found.code == 3
    assert "GONE g2-x1/g=8" in found.out


def test_options_of_versions_are_refused(baseline: Callable[..., Outcome]) -> None:
    found = baseline("--head", "main")
    assert found.code == 2
    assert "--head is for --base" in found.err


def test_a_family_alone(baseline: Callable[..., Outcome]) -> None:
    assert baseline("--only", "g2-x1/g=4", "--costs-only").code == 0
    assert "unknown family or network 'g3': known: g2-x1, g2-x1/g=1" in baseline("--only", "g3").err
    unknown = baseline("--only", "g2-x1/nosuch")
    assert unknown.code == 2
    assert "unknown family or network 'g2-x1/nosuch'" in unknown.err


def test_another_suites_run_is_refused(baseline: Callable[..., Outcome], cli: Cli) -> None:
    Path("other.toml").write_text(SUITE + 'name = "other"\n')
    found = cli("check", "other.toml", "--baseline", "a", "--device", "fake")
    assert found.code == 4
    assert "a is a run of another suite" in found.err
    assert found.err.count("\n") == 1


def test_a_baseline_beside_another_reference_network_is_no_pass(baseline: Callable[..., Outcome]) -> None:
    path = Path("a/environment.json")
    recorded = json.loads(path.read_text())
    recorded["suite"]["families"][0]["references"][0]["shape"] = [64, 14, 14]
    path.write_text(json.dumps(recorded))
    found = baseline()
    assert found.code == 4
    assert "unmeasured g2-x1/g=1 (benchcli:guideline/g2), g2-x1/g=2" in found.out
    assert "the recorded run has other reference networks: record it again" in found.out


def test_a_baseline_of_one_launch_is_no_pass(cli: Cli) -> None:
    Path("ours.toml").write_text(SUITE)
    assert cli("run", "ours.toml", "--device", "fake", "--launches", "1", "--output", "a").code == 0
    found = cli("check", "ours.toml", "--baseline", "a", "--device", "fake")
    assert found.code == 4
    assert "no interval from 1 launch then: record the run again with --launches 6 or more" in found.out


def test_a_change_of_intensity_does_not_hide_a_slowdown(cli: Cli) -> None:
    """The nearest reference network is another one then, and the recorded one is compared with."""
    grouped = (
        "network = 'benchcli:reference/chain'\nshape = [64, 14, 14]\narguments = {{ channels = 64, groups = {} }}\n"
    )
    Path("ours.toml").write_text("[[family]]\nname = 'own'\n" + grouped.format(16))
    assert cli("run", "ours.toml", *FAKE, "--output", "a").code == 0
    Path("ours.toml").write_text("[[family]]\nname = 'own'\n" + grouped.format(1))
    found = cli("check", "ours.toml", "--baseline", "a", "--device", "fake", "--format", "json")
    assert found.code == 3
    outcomes = {f["subject"]: f["outcome"] for f in json.loads(found.out)["findings"]}
    assert outcomes == {"costs": "costlier", "time": "slower"}
    assert "as a multiple of the time of benchcli:reference/chain" in found.out
    now = read(next(Path("results").glob("*-ours-*"))).by_key()["own", "own"]
    assert now.timing
    assert now.timing.reference
    assert now.timing.reference.name == "benchcli:reference/arithmetic"


def test_disturbed_samples_are_no_slowdown_and_no_pass(baseline: Callable[..., Outcome]) -> None:
    samples = next(csv.DictReader(io.StringIO(Path("a/measurements.csv").read_text())))["samples"]
    edit("a", "excluded", samples, row=1)
    found = baseline()
    assert found.code == 4
    assert "unmeasured g2-x1/g=2" in found.out
    assert "100 % of its samples were disturbed then" in found.out


def test_one_network_of_a_family_alone(baseline: Callable[..., Outcome]) -> None:
    found = baseline("--only", "g2-x1/g=4", "--costs-only")
    assert found.code == 0
    assert "1 network: 1 same costs" in found.out
    assert "outputs are not compared: a recorded run does not hold them" in found.out
    refused = baseline("--launches", "9")
    assert refused.code == 2
    assert "--launches is for --base" in refused.err


@pytest.mark.parametrize(("column", "value"), [("relative_low", "9"), ("samples", "0"), ("status", "OK")])
def test_a_row_that_contradicts_itself_is_refused(baseline: Callable[..., Outcome], column: str, value: str) -> None:
    edit("a", column, value, row=1)
    found = baseline("--costs-only")
    assert found.code == 2
    assert "a/measurements.csv:3: " in found.err


def test_counts_that_are_incomplete_in_both_are_the_same(baseline: Callable[..., Outcome]) -> None:
    assert costs_of("custom::op") == costs_of("custom::op")
    now = state_with(costs_of("custom::op"))
    edit("a", "unknown", '["custom::op"]', row=1)
    outcomes = {f.subject: f.outcome for f in against(read(Path("a")), now, 0.05, ()) if f.variant == "g=2"}
    assert outcomes == {"costs": "same"}
    edit("a", "unknown", "", row=1)
    outcomes = {f.subject: f.outcome for f in against(read(Path("a")), now, 0.05, ()) if f.variant == "g=2"}
    assert outcomes == {"costs": "unmeasured"}


def costs_of(unknown: str) -> Costs:
    """Return the recorded costs of g=2, with an operator that cannot be counted."""
    costs = read(Path("a")).by_key()["g2-x1", "g=2"].costs
    assert costs
    return replace(costs, unknown=(unknown,))


def state_with(costs: Costs) -> Now:
    """Return the recorded state as the current one, with these costs of g=2."""
    recorded = read(Path("a"))
    families = tuple({r.family.name: r.family for r in recorded.records}.values())
    all_costs = {key: record.costs for key, record in recorded.by_key().items() if record.costs}
    return Now(families, {**all_costs, ("g2-x1", "g=2"): costs}, {}, False, {}, None)


def interrupting(task: Task, silence_s: float) -> Conversation:
    if task.kind != "survey":
        raise KeyboardInterrupt
    return (yield from inline(task, silence_s))


def test_an_interruption_keeps_the_costs(baseline: Callable[..., Outcome], cli: Cli) -> None:
    edit("a", "flops", "1", row=2)
    found = cli("check", "ours.toml", "--baseline", "a", "--device", "fake", launcher=interrupting)
    assert found.code == 130
    assert "COSTLIER g2-x1/g=4" in found.out


def test_an_unfinished_baseline_is_refused(baseline: Callable[..., Outcome]) -> None:
    path = Path("a/measurements.csv")
    path.write_text(path.read_text().splitlines(keepends=True)[0])
    assert "a is not finished (g2-x1)" in baseline().err


def test_a_network_that_failed_when_it_was_recorded_is_no_pass(cli: Cli, run: Callable[..., None]) -> None:
    run("a")
    recorded = read(Path("a"))
    families = tuple({r.family.name: r.family for r in recorded.records}.values())
    costs = {key: record.costs for key, record in recorded.by_key().items() if record.costs}
    now = Now(families, costs, {}, False, {}, None)
    edit("a", "status", "failed")
    outcomes = {f.subject: f.outcome for f in against(read(Path("a")), now, 0.05, ()) if f.variant == "g=2"}
    assert outcomes == {"costs": "same"}  # its costs are known, though it has no time
    timed = replace(now, timed=True, records=recorded.by_key())
    outcomes = {f.subject: f.outcome for f in against(read(Path("a")), timed, 0.05, ()) if f.variant == "g=2"}
    assert outcomes == {"costs": "same", "time": "unmeasured"}
    failing = replace(now, failures={("g2-x1", "g=2"): Failure("crashed", "again")})
    outcomes = {f.subject: f.outcome for f in against(read(Path("a")), failing, 0.05, ()) if f.variant == "g=2"}
    assert outcomes == {"network": "unmeasured"}


def test_a_folder_of_a_check_is_no_run(tmp_path: Path) -> None:
    (tmp_path / "environment.json").write_text('{"schema": 1}')
    with pytest.raises(UserError, match=r"lacks measurements\.csv"):
        read(tmp_path)


def test_a_disturbed_run_judges_nothing_in_any_of_its_tables(cli: Cli) -> None:
    names = ("mobilenet-v1-0.25", "shufflenet-v2-0.5x")
    errors = ("--error", f"{names[0]}=50", "--error", f"{names[1]}=40")
    assert cli("network", *names, *errors, "--size", "32", *FAKE, "--output", "a").code == 0
    assert "Pareto front, from fastest to most accurate: " in cli("show", "a").out
    for row in (0, 1):
        with Path("a/measurements.csv").open() as stream:
            samples = list(csv.DictReader(stream))[row]["samples"]
        edit("a", "excluded", samples, row)
    why = "not judged: over half of the samples of mobilenet-v1-0.25, shufflenet-v2-0.5x were disturbed"
    for command in (("show", "a"), ("compare", "--pairwise", "a")):
        out = " ".join(cli(*command).out.split())
        assert why in out
        assert "times as fast as mobilenet" not in out
        assert "✓" not in out


def test_tokens_have_no_channels_and_older_runs_that_say_so_compare() -> None:
    tokens, image = (
        next(CustomRequest(name="f", networks=(CustomNetwork("a", "m:f", {}, shape, inputs),)).variants())
        for shape, inputs in (((64,), (Input((64,), "", "int64", 0, 9),)), ((3, 32, 32), ()))
    )
    assert (tokens.channels, image.channels) == ("", "3")
    sequence = CustomNetwork("a", "m:f", {}, (197, 192), (Input((197, 192)),))
    assert next(CustomRequest(name="f", networks=(sequence,)).variants()).channels == ""
