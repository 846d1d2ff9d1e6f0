"""What the API returns is what the command line writes, row by row."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import benchcli
from benchcli.api.run_result import Run
from benchcli.workers.tools import Tools
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
FAKE = ("--device", "fake", "--launches", "6")
SETTINGS: dict[str, Any] = {"device": "fake", "launches": 6}
SUITE = "[[family]]\nguideline = 'g2'\nwidths = 16\nsize = 8\n"


def rows_of(text: str) -> list[dict[str, str]]:
    """Return the rows of CSV without what differs between two runs: names, and the last bits of numbers."""
    return [
        {name: rounded(cell) for name, cell in row.items() if name not in ("run", "rerun")}
        for row in csv.DictReader(text.splitlines())
    ]


def rounded(cell: str) -> str:
    try:
        return f"{float(cell):.9g}"
    except ValueError:
        return cell


@pytest.fixture
def suite(tmp_path: Path) -> str:
    (tmp_path / "ours.toml").write_text(SUITE)
    return "ours.toml"


@pytest.mark.parametrize(
    ("command", "call"),
    [
        (("guideline", "g2", "--width", "16"), lambda **s: benchcli.measure("g2", width=16, **s)),
        (
            ("guideline", "g4", "--width", "8", "--batch", "1,2", "--dtype", "float64"),
            lambda **s: benchcli.measure("g4", width=8, batch=(1, 2), dtype="float64", **s),
        ),
        (("run", "ours.toml", "--layout", "nhwc"), lambda **s: benchcli.measure("ours.toml", layout="nhwc", **s)),
        (
            ("block", "resnet", "xception", "--width", "32", "--size", "8"),
            lambda **s: benchcli.block("resnet", "xception", width=32, size=8, **s),
        ),
        (
            ("network", "shufflenet-v2-0.5x", "mobilenet-v1-0.25", "--size", "32"),
            lambda **s: benchcli.network("shufflenet-v2-0.5x", "mobilenet-v1-0.25", size=32, **s),
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else "",
)
@pytest.mark.usefixtures("suite")
def test_a_run(cli: Cli, tools: Callable[[], Tools], command: tuple[str, ...], call: Callable[..., Any]) -> None:
    written = cli(*command, *FAKE, "--format", "csv")
    assert written.code == 0
    result = call(**SETTINGS, tools=tools())
    assert rows_of(result.show("csv")) == rows_of(written.out)
    assert (result.folder / "measurements.csv").is_file()
    assert result.to_frame().index.get_level_values("variant").tolist() == [
        row["variant"] for row in rows_of(written.out)
    ]


def test_verdicts(cli: Cli, tools: Callable[[], Tools]) -> None:
    written = json.loads(cli("guideline", "g2", "--width", "16", *FAKE, "--format", "json").out)["verdicts"]
    (verdict,) = benchcli.measure("g2", width=16, **SETTINGS, tools=tools()).verdicts
    assert (verdict.outcome, verdict.variant) == (written[0]["outcome"], written[0]["variant"])
    assert verdict.relative
    assert verdict.relative.estimate == pytest.approx(written[0]["relative"]["estimate"])


def test_a_recorded_run_its_claims_and_a_comparison(cli: Cli, tools: Callable[[], Tools]) -> None:
    for name in ("a", "b"):
        assert cli("guideline", "g2", "--width", "16", *FAKE, "--output", name).code == 0
    assert benchcli.load("a").show("csv") == Path("a/measurements.csv").read_text()
    both = benchcli.load("[ab]")
    assert len(both.to_frame()) == 8
    assert both.wide()["machine_cpu"].notna().all()
    second = benchcli.load("b")
    assert isinstance(second, Run)
    assert benchcli.compare("a", second).show() == cli("compare", "a", "b").out
    assert benchcli.claims("a").show() == cli("claims", "a").out
    assert {each.verdict for each in benchcli.claims("a").judged} == {"unmeasured"}


def test_a_run_that_is_resumed_when_it_has_ended_is_the_run_that_is_read_again(cli: Cli) -> None:
    """The launches' conditions too, which the reports and the JSON show."""
    assert cli("guideline", "g2", "--width", "16", *FAKE, "--output", "a").code == 0
    resumed = cli("guideline", "g2", "--width", "16", *FAKE, "--resume", "a", "--format", "json")
    launches = json.loads(resumed.out)["launches"]
    assert len(launches) == 6
    assert launches == json.loads(cli("show", "a", "--format", "json").out)["launches"]


def test_a_check(cli: Cli, tools: Callable[[], Tools], suite: str) -> None:
    assert cli("run", suite, *FAKE, "--output", "then").code == 0
    written = cli("check", suite, "--baseline", "then", "--device", "fake", "--format", "csv")
    result = benchcli.check(suite, baseline="then", device="fake", tools=tools())
    assert rows_of(result.show("csv")) == rows_of(written.out)
    assert (result.failed, result.exit_code()) == (False, written.code)


def test_a_self_test(cli: Cli, tools: Callable[[], Tools]) -> None:
    written = cli("selftest", "--comparisons", "2", *FAKE).out
    result = benchcli.selftest(2, **SETTINGS, tools=tools())
    assert repr(result) + "\n" == written
    assert len(result.to_frame()) == 3


def test_a_device(cli: Cli, tools: Callable[[], Tools]) -> None:
    written = json.loads(cli("device", "--device", "fake", "--format", "json").out)
    sections = benchcli.device(device="fake", tools=tools()).sections()
    assert json.loads(json.dumps(sections)) == written
