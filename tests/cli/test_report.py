"""`benchcli report`, `show` and `plot`, and --report: what they write, and what they refuse."""

import csv
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import benchcli
from benchcli.api.check_result import Check
from benchcli.api.compared_runs import Compared
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.formatting import MARK
from benchcli.runs.folder import locked
from tests.cli.test_check import FAKE, SUITE, version
from tests.conftest import Outcome, in_process

Cli = Callable[..., Outcome]
KEPT = Path(__file__).parents[2] / "results" / "reference"
G2 = str(KEPT / "g2-epyc")


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checked")


@pytest.fixture
def check(cli: Cli, checked: Path) -> str:
    """Check two versions of which the second is slower, into "check"; return what was printed.

    What the check writes is beside it. It is copied from test to test.
    """
    if not (checked / "printed.txt").exists():
        Path("ours.toml").write_text(SUITE)
        version("old")
        version("new", blocks=22)
        written = ("--output", "check", "--report", "check.html", "--write", "github=github.txt")
        found = cli("check", "ours.toml", "--base", "old", "--head", "new", *FAKE, *written)
        assert found.code == 3
        Path("printed.txt").write_text(found.out)
        shutil.copytree(".", checked, dirs_exist_ok=True)
    shutil.copytree(checked, ".", dirs_exist_ok=True)
    return (checked / "printed.txt").read_text()


def copies(*names: str) -> list[str]:
    """Copy the kept run of G2, each a day after the one before."""
    for day, name in enumerate(names, start=1):
        shutil.copytree(G2, name)
        change(name, run=f"2026070{day}T000000Z-g2-vm", started=f"2026-07-0{day}T00:00:00Z", commit=f"{day}" * 40)
    return list(names)


def change(folder: str, **facts: object) -> None:
    path = Path(folder, "environment.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **facts}))


def slowed(folder: str, factor: float) -> None:
    path = Path(folder, "measurements.csv")
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    for row in rows:
        for column in ("median_s", "ci_low_s", "ci_high_s"):
            row[column] = str(float(row[column]) * factor)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_a_report_of_one_run(cli: Cli) -> None:
    found = cli("report", G2, "-o", "report.html")
    assert (found.code, found.out, found.err) == (0, "", "benchcli: wrote report.html\n")
    assert "holds: g=8 runs at" in Path("report.html").read_text()


def test_the_same_page_from_the_api_the_command_and_the_format(cli: Cli) -> None:
    cli("report", G2, "-o", "one.html")
    benchcli.report(G2, path="two.html")
    benchcli.load(G2).report("three.html")
    cli("report", f"{G2}/measurements.csv", "-o", "four.html")
    pages = {Path(name).read_text() for name in ("one.html", "two.html", "three.html", "four.html")}
    assert pages == {cli("show", G2, "--format", "html").out}


def test_measuring_writes_a_report_too(cli: Cli) -> None:
    fake = ("--device", "fake", "--launches", "6")
    found = cli("guideline", "g2", "--width", "16", *fake, "--output", "run", "--report", "report.html")
    assert found.code == 0
    assert "Speed is relative to g=1" in Path("report.html").read_text()
    assert cli("claims", str(KEPT / "claims-epyc"), "--report", "claims.html").code == 0
    assert "Evidence" in Path("claims.html").read_text()


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_measured(cli: Cli) -> None:
    for command in (("guideline", "g2", *FAKE), ("claims",), ("check", "ours.toml", "--base", "old")):
        found = cli(*command, "--report", "nowhere/report.html")
        assert found.code == 2
        assert found.err.strip().endswith("nowhere/report.html cannot be written: name one in a folder that is there")
    assert not Path("results").exists()


def test_a_check_is_shown_again_in_every_format(check: str, cli: Cli) -> None:
    assert cli("show", "check").out == check
    for name in ("csv", "junit", "markdown"):
        assert cli("show", "check", "--format", name).code == 0
    assert cli("show", "check", "--format", "github").out == Path("github.txt").read_text().removeprefix(MARK)
    loaded = benchcli.load("check")
    assert isinstance(loaded, Check)
    assert loaded.exit_code() == 3
    assert "Change in time of each network" in Path("check.html").read_text()
    benchcli.report("check", path="again.html")
    assert Path("again.html").read_text() == Path("check.html").read_text()


def test_a_check_against_a_recorded_run_is_shown_again(cli: Cli) -> None:
    fake = ("--device", "fake", "--output")
    Path("g2.toml").write_text('[[family]]\nguideline = "g2"\nwidths = 16\n')
    assert cli("run", "g2.toml", "--launches", "6", *fake, "then").code == 0
    first = cli("check", "g2.toml", "--baseline", "then", *fake, "now")
    assert first.code == 0, first.err
    assert cli("show", "now").out == first.out


def test_checks_stand_in_one_page(check: str, cli: Cli) -> None:
    shutil.copytree("check", "check2")
    assert cli("report", "check*", "-o", "checks.html").code == 0
    text = Path("checks.html").read_text()
    assert text.count("Change in time of each network</h") == 2
    assert len(json.loads(cli("show", "check", "check2", "--format", "json").out)) == 2


@pytest.mark.usefixtures("check")
def test_a_check_is_not_resumed_as_a_run(cli: Cli) -> None:
    found = cli("guideline", "g2", "--device", "fake", "--resume", "check")
    assert found.code == 2
    assert found.err == "benchcli: check does not hold a run that can be resumed: give the folder of one, or --output\n"


def test_a_check_that_is_going_or_was_cut_short_has_nothing_to_show(check: str, cli: Cli) -> None:
    lock = locked(Path("check"))
    found = cli("show", "check")
    assert lock
    lock.release()
    assert (found.code, "still going" in found.err) == (2, True)
    environment = json.loads(Path("check/environment.json").read_text())
    del environment["check"]["seconds"]
    Path("check/environment.json").write_text(json.dumps(environment))
    assert "was cut short" in cli("show", "check").err


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text.replace("slower", "sideways"), "outcome: 'sideways' is none of failed, "),
        (lambda text: text.replace(",base_s", ",bass_s"), "a row lacks cells"),
        (lambda text: text[: text.rindex(",tower:")] if ",tower:" in text else text[:-40], "a row lacks cells"),
    ],
)
def test_damaged_findings_are_refused(check: str, cli: Cli, damage: Callable[[str], str], message: str) -> None:
    path = Path("check/findings.csv")
    path.write_text(damage(path.read_text()))
    found = cli("show", "check")
    assert (found.code, found.out) == (2, "")
    assert f"check/findings.csv is damaged ({message}" in found.err


def test_show_prints_what_was_printed(cli: Cli) -> None:
    assert "holds: g=8 runs at 0.622" in cli("show", G2).out
    claims = str(KEPT / "claims-epyc")
    assert cli("show", claims, "--format", "markdown").out == cli("claims", claims, "--format", "markdown").out
    layers = str(KEPT / "layers-epyc")
    assert "rolled up to depth 1" in cli("show", layers, "--depth", "1").out
    assert "rolled up" not in cli("show", layers).out


def test_show_has_the_conditions_of_the_launches(cli: Cli) -> None:
    data = json.loads(cli("show", G2, "--format", "json").out)
    assert len(data["launches"]) == 8
    assert data["launches"][0]["cores"] == 2


def test_patterns_stand_for_several(cli: Cli) -> None:
    copies("monday", "tuesday")
    assert cli("show", "*day").out.count("holds: g=8") == 2
    assert len(json.loads(cli("show", "*day", "--format", "json").out)) == 2
    rows = list(csv.DictReader(io.StringIO(cli("show", "*day", "--format", "csv").out)))
    assert len(rows) == 8
    assert isinstance(benchcli.load("*day"), Compared)
    assert isinstance(benchcli.load("mon*")[0], Run)  # type: ignore[index]
    claims = benchcli.load(str(KEPT / "claims-epyc"))
    assert isinstance(claims, Run)
    assert claims.judged


def test_runs_of_one_suite_stand_side_by_side(cli: Cli) -> None:
    copies("monday", "tuesday")
    assert cli("report", "tuesday", "monday", "-o", "report.html").code == 0
    text = Path("report.html").read_text()
    assert "change in time, relative to A" in text
    assert "History of g2-x1" not in text
    assert text.count("G2 ×1: speed by groups</h") == 1
    assert text.count("G2 ✓ holds</h") == 2
    assert text.count("Change in time since A ") >= 1


def test_three_runs_have_a_history_in_the_order_of_time(cli: Cli) -> None:
    copies("a", "b", "c")
    slowed("c", 1.3)
    cli("report", "c", "a", "b", "a", "-o", "report.html")
    text = Path("report.html").read_text()
    assert "History of g2-x1" in text
    rows = data(text, "History of g2-x1")["rows"]
    assert [str(row[0])[:7] for row in rows[:3]] == ["A 11111", "B 22222", "C 33333"]
    assert [str(row[6])[:5] for row in rows if row[6]] == ["+30.0"] * 4


def data(page: str, title: str) -> dict[str, list[list[object]]]:
    text = page.partition('<script type="application/json" id="data">')[2].partition("</script>")[0]
    return next(each for each in json.loads(text)["figures"].values() if each["title"] == title)


def test_many_runs_are_one_page_without_a_chart_of_each(cli: Cli) -> None:
    names = copies(*(f"run{number:02}" for number in range(30)))
    assert cli("report", *names, "-o", "report.html").code == 0
    text = Path("report.html").read_text()
    assert text.count("speed by groups</h") == 1
    assert "30 runs of guideline-g2" in text


def test_a_run_that_is_going_is_reported_as_far_as_it_is(cli: Cli) -> None:
    (run,) = copies("going")
    path = Path(run, "measurements.csv")
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    assert "not finished: lacks g2-x1" in cli("show", run).out
    lock = locked(Path(run))
    shown = cli("show", run).out
    reported = cli("report", run, "-o", "report.html")
    assert lock
    lock.release()
    assert "still going: 1 family to come" in shown
    assert reported.code == 0
    assert "still going: 1 family to come" in Path("report.html").read_text()


@pytest.mark.parametrize("command", [("show",), ("report", "-o", "x.html"), ("plot", "--kind", "axis", "-o", "x.json")])
@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("nowhere", "no results at nowhere: give the folder of a run"),
        ("no*where", "no results at no*where: nothing matches the pattern"),
        ("several", "several is not the folder of a run: it lacks environment.json; 2 folders in it may be: give"),
        ("newer", "is of schema 99, not 1: a newer benchcli wrote it"),
        ("", "an empty path names no folder"),
    ],
)
def test_what_is_no_run_is_refused_in_a_line(cli: Cli, command: tuple[str, ...], run: str, message: str) -> None:
    for name in ("several/one", "several/two", "newer"):
        shutil.copytree(G2, name)
    change("newer", schema=99)
    found = cli(command[0], run, *command[1:])
    assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
    assert message in found.err
    assert not Path("x.html").exists()


def test_runs_that_do_not_belong_together_are_refused(check: str, cli: Cli) -> None:
    blocks = str(KEPT / "blocks-epyc")
    found = cli("report", G2, blocks, "-o", "x.html")
    assert found.code == 2
    assert f"{G2} is a run of guideline-g2 and {blocks} of block" in found.err
    assert "report them one by one" in cli("report", G2, "check", "-o", "x.html").err
    assert "different columns" in cli("show", G2, "check", "--format", "csv").err
    assert cli("show", G2, blocks).code == 0


def test_a_target_that_cannot_be_written_is_refused(cli: Cli) -> None:
    Path("folder").mkdir()
    for target, message in {"folder": "is a folder", "no/where.html": "in a folder that is there"}.items():
        for command in (("report",), ("plot", "--kind", "axis")):
            found = cli(*command, G2, "-o", target)
            assert found.code == 2
            assert message in found.err or "ends with" in found.err


def test_plot_says_what_it_can_draw(cli: Cli) -> None:
    assert (
        "charts of the kinds verdicts, axis, costs, samples, launches"
        in cli("plot", G2, "--kind", "pareto", "-o", "x.json").err
    )
    assert (
        "a picture's name ends with .svg, .png, .pdf, .json, not with .gif"
        in cli("plot", G2, "--kind", "axis", "-o", "x.gif").err
    )
    without = cli("plot", G2, "-o", "x.json")
    assert without.code == 2
    assert "give --kind: " in without.err
    assert without.err.endswith("has charts of the kinds verdicts, axis, costs, samples, launches\n")
    assert "did you mean axis" in cli("plot", G2, "--kind", "axes", "-o", "x.json").err
    assert not Path("x.json").exists()


@pytest.mark.keeps("open files", "threads")  # vl_convert has a runtime of its own
def test_plot_draws_files(cli: Cli) -> None:
    pytest.importorskip("vl_convert", reason="pip install vl-convert-python draws pictures")
    for suffix, beginning in {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "json": b"{"}.items():
        found = cli("plot", G2, "--kind", "axis", "-o", f"x.{suffix}", "--theme", "dark")
        assert (found.code, found.err) == (0, f"benchcli: wrote x.{suffix}\n")
        assert Path(f"x.{suffix}").read_bytes().startswith(beginning)
    benchcli.plot(G2, kind="axis", path="y.svg")
    assert "relative speed" in Path("y.svg").read_text()


def test_without_the_extra_plot_says_the_line_that_installs_it(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vl_convert", None)
    found = cli("plot", G2, "--kind", "axis", "-o", "x.svg")
    assert (found.code, found.err) == (
        2,
        "benchcli: pictures need a library, the extra plot: pip install vl-convert-python\n",
    )
    assert cli("plot", G2, "--kind", "axis", "-o", "x.json").code == 0
    assert cli("report", G2, "-o", "x.html").code == 0


def test_the_help_and_a_report_load_no_plotting_library() -> None:
    program = (
        "import sys\n"
        "from benchcli.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'vl_convert', 'altair', 'torch', 'pandas'}))"
    )
    for arguments in (("report", "--help"), ("plot", "--help"), ("show", G2), ("report", G2, "-o", "/dev/null/x")):
        assert in_process("-c", program, *arguments).stdout.splitlines()[-1] == "[]", arguments


def test_a_hostile_report_path_is_text(cli: Cli) -> None:
    with pytest.raises(UserError, match="no results at"):
        benchcli.report("<script>alert(1)</script>", path="x.html")
    assert not Path("x.html").exists()


def test_a_run_s_own_files_are_not_written_over(cli: Cli) -> None:
    (run,) = copies("run")
    before = {path.name: path.read_bytes() for path in Path(run).iterdir()}
    for name in ("measurements.csv", "environment.json", "samples.csv"):
        found = cli("report", run, "-o", f"{run}/{name}")
        assert (found.code, "is a file of the run or check in its folder" in found.err) == (2, True)
    assert {path.name: path.read_bytes() for path in Path(run).iterdir()} == before


def test_methods_refuse_what_the_commands_refuse(tmp_path: Path, cli: Cli) -> None:
    os.mkfifo("fifo")
    Path("code.PY").write_text("mine")
    Path(".x.html.part").write_text("mine")
    Path("there.html").write_text("old")
    Path("link.html").symlink_to("there.html")
    result = benchcli.load(G2)
    paths: tuple[Any, ...] = ("fifo", "code.PY", "link.html", "", ".", "a\0.html", None, 5, "no/where.html")
    for path in paths:
        for write in (
            result.report,
            lambda path: result.write("html", path),
            lambda path: benchcli.report(G2, path=path),
        ):
            with pytest.raises(UserError):
                write(path)
    assert Path("fifo").is_fifo()
    assert Path("code.PY").read_text() == Path(".x.html.part").read_text() == "mine"
    assert Path("link.html").is_symlink()
    assert Path("there.html").read_text() == "old"
    with pytest.raises(UserError, match="a run is a folder, a pattern or a result, not 5"):
        benchcli.report(5, path="x.html")  # type: ignore[arg-type]


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_check_whose_findings_were_cut_is_damaged_and_not_clean(check: str, cli: Cli, cut: int) -> None:
    path = Path("check/findings.csv")
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:cut]))
    found = cli("show", "check")
    assert found.code == 2
    assert f"{cut - 1} of {len(lines) - 1} findings are there" in found.err


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("threshold", "x"), ("seconds", float("nan")), ("warnings", [1]), ("software", None),
        ("base", "x"), ("head", {"label": [1]}), ("why_apart", 5), ("together", None), ("findings", None),
    ],
)  # fmt: skip
def test_a_check_of_other_facts_is_refused(check: str, cli: Cli, part: str, value: object) -> None:
    facts = json.loads(Path("check/environment.json").read_text())
    change("check", check={**facts["check"], part: value})
    for command in (("show", "check"), ("report", "check", "-o", "x.html")):
        found = cli(*command)
        assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("plan", [1]), ("plan", {"precision": "x"}), ("unseen", 5), ("unseen", [None]), ("started", []),
        ("machine", {"cores": []}), ("machine", {"cpu_quota": "x"}), ("machine", {"governor": []}),
        ("machine", {"memory_bytes": 10**400}), ("software", [1]), ("device", 5), ("digest", {}),
    ],
)  # fmt: skip
def test_a_run_of_other_facts_is_refused(cli: Cli, part: str, value: object) -> None:
    (run,) = copies("run")
    change(run, **{part: value})
    for command in (("show", run), ("report", run, "-o", "x.html"), ("plot", run, "--kind", "axis", "-o", "x.json")):
        found = cli(*command)
        assert (found.code, found.out, found.err.count("\n")) == (2, "", 1)
        assert f"{part}" in found.err


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString", "x" * 5000, "a.b[0]", "datum['x']"])
@pytest.mark.keeps("open files", "threads")  # vl_convert has a runtime of its own
def test_names_that_javascript_knows_are_drawn(cli: Cli, name: str) -> None:
    pytest.importorskip("vl_convert", reason="pip install vl-convert-python draws pictures")
    Path("own.toml").write_text(
        '[[family]]\nname = "own"\nnetwork = "theirs:tower"\nshape = [16, 28, 28]\n'
        f"[[family.variant]]\nname = 'thin'\n[[family.variant]]\nname = {json.dumps(name)}\n"
    )
    version("code")
    sys.path.insert(0, "code")
    try:
        found = cli("run", "own.toml", "--device", "fake", "--launches", "6", "--output", "run", "--report", "x.html")
    finally:
        sys.path.remove("code")
    if found.code == 2:  # a suite refuses the name
        return
    for kind in ("intervals", "samples", "launches"):
        found = cli("plot", "run", "--kind", kind, "-o", f"{kind}.svg")
        assert found.code == 0, found.err


def test_several_checks_are_plotted_and_junit_shows_one(check: str, cli: Cli) -> None:
    shutil.copytree("check", "check2")
    assert cli("plot", "check", "check2", "--kind", "changes", "-o", "x.json").code == 0
    found = cli("show", "check", "check2", "--format", "junit")
    assert (found.code, found.err) == (2, "benchcli: junit shows one check: give one\n")
    assert "junit shows the findings of checks" in cli("show", G2, "--format", "junit").err


def test_numbers_that_are_too_large_are_no_points(cli: Cli) -> None:
    (run,) = copies("run")
    path = Path(run, "samples.csv")
    first, *rows = list(csv.DictReader(io.StringIO(path.read_text())))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, first, lineterminator="\n")
        writer.writeheader()
        writer.writerows([{**first, "seconds": "1e308"}, *rows])
    assert cli("report", run, "-o", "x.html").code == 0
