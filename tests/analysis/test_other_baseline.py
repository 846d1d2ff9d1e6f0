"""Other baselines and all pairs: what the kept samples say, paired round by round."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import benchcli
from benchcli.analysis.other_baseline import with_baseline
from benchcli.analysis.pairwise import rankings
from benchcli.api.run_result import Pairwise, Run
from benchcli.errors import UserError
from benchcli.runs.read import read
from benchcli.runs.suite_run import SuiteRun
from benchcli.statistics import quotient
from tests.conftest import Outcome

KEPT = Path(__file__).parents[2] / "results" / "reference"
SECONDS = {"g=1": 1.0, "g=2": 2.0, "g=4": 4.0, "g=8": 3.0}
Cli = Callable[..., Outcome]


@pytest.fixture
def shaken(tmp_path: Path) -> Path:
    """A run in which a disturbance slows three of four networks by the same factor, another one in every round."""
    folder = tmp_path / "shaken"
    shutil.copytree(KEPT / "g2-epyc", folder)
    path = folder / "samples.csv"
    columns, *rows = csv.reader(path.read_text().splitlines())
    for row in rows:
        cells = dict(zip(columns, row, strict=True))
        launch, number = int(cells["launch"]), int(cells["round"])
        disturbance = 1.0 if cells["variant"] == "g=1" else 1 + 0.3 * ((7 * launch + 5 * number) % 8) / 8
        row[columns.index("seconds")] = str(SECONDS.get(cells["variant"], 1.0) * disturbance)
        row[columns.index("excluded")] = ""
    path.write_text("\n".join(",".join(row) for row in (columns, *rows)) + "\n")
    return folder


def speeds(run: SuiteRun) -> dict[str, float | None]:
    return {
        each.variant.name: each.timing.relative.estimate for each in run.records if each.timing and each.timing.relative
    }


def test_another_baseline_is_paired_and_not_divided(shaken: Path) -> None:
    run = with_baseline(read(shaken), "g=2")
    by_name = {each.variant.name: each for each in run.records}
    assert run.records[0].variant.name == run.results[0].family.baseline == "g=2"
    relative = {name: each.timing.relative for name, each in by_name.items() if each.timing}
    assert relative["g=4"]
    assert (relative["g=4"].estimate, relative["g=4"].low, relative["g=4"].high) == pytest.approx((0.5, 0.5, 0.5))
    assert relative["g=8"]
    assert relative["g=8"].estimate == pytest.approx(2 / 3)
    assert relative["g=1"]
    assert relative["g=1"].relative_half_width is not None
    assert relative["g=1"].relative_half_width > 0.01  # what shakes g=2 does not shake g=1


def test_the_old_baseline_says_what_was_recorded() -> None:
    run = read(KEPT / "g2-epyc")
    assert with_baseline(run, "g=1") is run
    back = with_baseline(with_baseline(run, "g=8"), "g=1")
    assert speeds(back) == pytest.approx(speeds(run))
    assert speeds(with_baseline(run, "g=8"))["g=1"] == pytest.approx(1 / (speeds(run)["g=8"] or 0))


def test_flops_warnings_and_papers_figures_follow_the_baseline(cli: Cli) -> None:
    run = read(KEPT / "g2-epyc")
    flops = {each.variant.name: each.costs.flops for each in run.records if each.costs}
    found = {each.variant.name: each.flops_deviation for each in with_baseline(run, "g=4").records}
    assert found["g=8"] == pytest.approx(flops["g=8"] / flops["g=4"] - 1)
    shown = cli("show", str(KEPT / "g2-epyc"), "--baseline", "g=4").out
    assert "0.821 ± 0.009 !" in shown  # of another precision than beside g=1
    assert "0.845" in shown  # 27.8 / 32.9 images a second, in Table 2
    assert "holds" not in shown
    assert "relative to g=4, by the kept samples" in shown


def test_a_name_may_say_the_family_and_other_families_keep_their_baseline() -> None:
    run = read(KEPT / "settings-epyc")
    first, *others = with_baseline(run, "networks-float32-nchw/docs.mynet:build").results
    assert first.family.baseline == "docs.mynet:build"
    assert {each.family.baseline for each in others} == {"shufflenet-v2-1x"}
    every = with_baseline(run, "docs.mynet:build").results
    assert {each.family.baseline for each in every} == {"docs.mynet:build"}
    assert every[1].records[0].timing
    assert every[1].records[0].timing.setting is not None  # beside itself in the first setting, as it was


def test_what_cannot_be_a_baseline_is_said_in_a_line(cli: Cli, shaken: Path) -> None:
    found = cli("show", str(shaken), "--baseline", "g=3")
    assert found.code == 2
    assert "unknown network of this run 'g=3'" in found.err
    rows = (shaken / "samples.csv").read_text().splitlines()
    (shaken / "samples.csv").write_text(
        "\n".join(row for row in rows if ",g=4," not in row.replace("g2-x1,", ",", 1)) + "\n"
    )
    found = cli("show", str(shaken), "--baseline", "g=2")
    assert found.code == 2
    assert "samples.csv has no samples of g2-x1/g=4" in found.err
    found = cli("show", str(KEPT / "claims-epyc"), "--baseline", "resnet")
    assert found.code == 2
    assert "is a run of claims" in found.err


def test_every_pair_is_paired_and_ranked(shaken: Path) -> None:
    run = read(shaken)
    (ranking,) = rankings(run)
    assert [each.record.variant.name for each in ranking.networks] == ["g=1", "g=2", "g=4", "g=8"]  # by recorded speeds
    pair = next(
        each for each in ranking.pairs if {each.faster.variant.name, each.slower.variant.name} == {"g=8", "g=4"}
    )
    assert pair.faster.variant.name == "g=8"
    assert (pair.speed.low, pair.speed.high) == pytest.approx((4 / 3, 4 / 3))
    assert pair.outcome == "faster"
    assert len(ranking.pairs) == 6


def test_a_pair_has_a_narrower_interval_than_its_two_speeds() -> None:
    run = read(KEPT / "networks-epyc")
    by_name = {each.record.variant.name: each.record for each in rankings(run)[0].networks}
    pairs = rankings(run)[0].pairs
    narrower = 0
    for pair in pairs:
        one, other = (by_name[each.variant.name].timing for each in (pair.faster, pair.slower))
        assert one
        assert other
        assert one.relative
        assert other.relative
        unpaired = quotient(other.seconds, one.seconds)
        assert pair.speed.relative_half_width is not None
        assert unpaired.relative_half_width is not None
        narrower += pair.speed.relative_half_width < unpaired.relative_half_width
    assert narrower > len(pairs) / 2


def test_places_overlap_where_a_pair_is_undecided(shaken: Path) -> None:
    path = shaken / "samples.csv"
    columns, *rows = csv.reader(path.read_text().splitlines())
    for row in rows:
        if row[1] == "g=4":  # as fast as g=8 in half of the launches, and a little slower in the other half
            row[columns.index("seconds")] = str(
                float(row[columns.index("seconds")]) * 0.75 * (1.01 if int(row[2]) % 2 else 0.99)
            )
    path.write_text("\n".join(",".join(row) for row in (columns, *rows)) + "\n")
    (ranking,) = rankings(read(shaken))
    places = {each.record.variant.name: (each.best, each.worst) for each in ranking.networks}
    assert places == {"g=1": (1, 1), "g=2": (2, 2), "g=4": (3, 4), "g=8": (3, 4)}


def test_a_pair_of_disturbed_samples_is_not_judged_and_says_why(shaken: Path, cli: Cli) -> None:
    path = shaken / "measurements.csv"
    header, *rows = csv.reader(path.read_text().splitlines())
    for row in rows:
        if row[header.index("variant")] == "g=8":
            row[header.index("excluded")] = "60"  # of 96
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    path.write_text(text.getvalue())
    (ranking,) = rankings(read(shaken))
    judged = {(pair.faster.variant.name, pair.slower.variant.name): pair.outcome for pair in ranking.pairs}
    assert judged[("g=1", "g=2")] == "faster"
    assert judged[("g=8", "g=4")] == "not judged"
    out = cli("compare", "--pairwise", str(shaken)).out
    assert "– not judged: over half of the samples of g=8 were disturbed: stop other work, or measure later" in out


def test_pairs_in_every_format_and_in_python(
    cli: Cli, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(KEPT.parents[1])
    found = cli("compare", "--pairwise", "results/reference/g2-epyc")
    assert (found.code, found.err) == (0, "")
    golden("pairwise.table.txt", found.out)
    data = json.loads(cli("compare", "--pairwise", "results/reference/g2-epyc", "--format", "json").out)
    assert [each["network"] for each in data["ranking"]] == ["g=1", "g=2", "g=4", "g=8"]
    run = benchcli.load("results/reference/g2-epyc")
    assert isinstance(run, Run)
    pairs = run.pairwise()
    assert isinstance(pairs, Pairwise)
    assert len(pairs.to_frame()) == len(data["pairs"]) == 6
    again = benchcli.compare("results/reference/g2-epyc", pairwise=True)
    assert again.show("csv") == pairs.show("csv")
    assert run.with_baseline("g=4").records[1].variant.name == "g=1"
    assert not run.with_baseline("g=4").verdicts


def test_pairs_are_of_one_run_that_has_some(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = cli("compare", "--pairwise", "a", "b")
    assert found.code == 2
    assert "--pairwise compares the networks of one run with each other: give one run, not 2" in found.err
    monkeypatch.chdir(tmp_path)
    assert cli("network", "shufflenet-v2-0.5x", "--device", "fake", "--launches", "6", "--output", "one").code == 0
    with pytest.raises(UserError, match="one has no family with two networks that have a time"):
        benchcli.compare("one", pairwise=True)
