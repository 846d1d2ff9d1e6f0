"""Warnings, failures and costs as text, and rows that can be told apart."""

import html
from dataclasses import replace

import pytest

from benchcli.analysis.verdicts import verdicts
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.formats.table import draw
from benchcli.reports.page import Page, Table, words
from benchcli.reports.terminal import Screen
from benchcli.reports.views import cells
from benchcli.reports.views import guideline_table as guidelines
from benchcli.schema import Costs, Failure, FamilyResult, Input, Interval, Preparation, Record
from benchcli.schema.warnings import RunWarning
from tests.values import COSTS, family, record, result, variant

ONE = Interval(1.0, 1.0, 1.0)


def test_a_warning_names_four_rows_at_most_and_counts_the_others() -> None:
    of = family(*(variant(f"v{number}") for number in range(9)))
    codes = [(RunWarning("busy", 1.0, launches=6, of_launches=6),)] * 7 + [(), ()]
    records = [record(of, f"v{number}", ONE, warnings=codes[number]) for number in range(9)]
    ((line,), _) = cells.noise_lines(records)
    assert line.startswith("×1 v0, v1, v2, v3 and 3 more of 9 networks: other processes used 1.0 cores")


def test_a_failure_has_its_sign_in_the_cell_and_in_the_line() -> None:
    of = family(variant("g=1"), variant("g=8"))
    failed = record(of, "g=8", None, failure=Failure("out-of-memory", "64 GB"))
    assert cells.time(failed) == "✗ out-of-memory"
    assert list(cells.warning_lines([record(of, "g=1", ONE), failed])) == ["✗ out-of-memory: ×1 g=8: 64 GB"]


def test_costs_of_small_networks_are_not_zero() -> None:
    small = replace(record(family(variant("g=1")), "g=1", ONE), costs=Costs(3100, 5120, 5, 20, 120_000, 60, 40))
    assert [column.cells for column in cells.costs([small], 1, 2, 3)] == [("0.0031",), ("–",), ("0.12",)]
    assert cells.params([small], 1).cells == ("0.0051",)


def test_families_of_one_scale_and_the_same_settings_are_named() -> None:
    one = result(Interval(0.5, 0.49, 0.51))
    other = FamilyResult(
        replace(one.family, name="g2-x1-t2", threads=2),
        tuple(replace(each, family=replace(each.family, name="g2-x1-t2", threads=2)) for each in one.records),
        (),
    )
    table = guidelines.table("g2", [one, other], verdicts([one, other]))
    assert (table.columns[0].heading, table.columns[0].cells) == ("family", ("g2-x1", "g2-x1", "g2-x1-t2", "g2-x1-t2"))
    assert table.groups == (2, 2)
    batches = replace(other, family=replace(other.family, batch=8, threads=None))
    assert cells.are_alike([one, other], ["batch"])
    assert not cells.are_alike([one, batches], ["batch"])
    assert guidelines.table("g2", [one], verdicts([one])).columns[0].heading == "scale"


def test_bars_are_the_relative_speeds_and_the_baselines_is_one() -> None:
    speed = Interval(0.5, 0.49, 0.51)
    of = result(speed)
    assert cells.times(of.records)[1].bars == (ONE, speed)


def test_a_verdict_begins_with_its_sign() -> None:
    slower = result(Interval(0.5, 0.49, 0.51))
    assert guidelines.table("g2", [slower], verdicts([slower])).lines[0].startswith("✓ ×1 holds: g=8 runs at 0.500")


def noisy(*kinds: str) -> list[Record]:
    of = family(variant("g=1"), variant("g=8"))
    warnings = tuple(RunWarning(kind, text="budget" if kind == "imprecise" else "") for kind in kinds)
    return [replace(record(of, name, ONE), warnings=warnings) for name in ("g=1", "g=8")]


def test_several_warnings_about_noise_are_one_line_on_a_terminal_and_all_lines_elsewhere() -> None:
    details, brief = cells.noise_lines(noisy("imprecise", "unsteady", "unpaired", "denormal"))
    assert [line.split(":")[0] for line in details] == ["! every network", "every network", "every network"]
    assert brief == (
        "! 2 of 2 intervals are wider than --precision; disturbed: unsteady; every warning: benchcli show RUN --verbose"
    )
    table = Table("G2", (words("network", ["a"]),), ("a verdict",), details=details, brief=brief)
    page = Page("run", "", (table,), "", (), (), {})
    screen = Screen(200)
    assert brief in draw(page, screen)
    assert details[1] not in draw(page, screen)
    assert details[1] in draw(replace(page, is_verbose=True), screen)
    assert brief not in draw(replace(page, is_verbose=True), screen)
    assert cells_of_markdown(page) == ["a verdict", *details]


def cells_of_markdown(page: Page) -> list[str]:
    text = FORMATS["markdown"].render(page)
    return [html.unescape(line[2:]).replace("\\", "") for line in text.splitlines() if line.startswith("- ")]


def test_one_launch_has_no_interval_and_none_that_is_too_wide() -> None:
    of = family(variant("g=1"), variant("g=8"))
    warnings = (RunWarning("few-launches", 1), RunWarning("busy", 1.0, launches=1, of_launches=1))
    _, brief = cells.noise_lines([replace(record(of, name, ONE), warnings=warnings) for name in ("g=1", "g=8")])
    assert brief.startswith("! no interval from 1 launch: give --launches 6 or more, or a larger --budget; disturbed")
    assert "--precision" not in brief


def test_no_sentence_is_about_what_is_not_judged() -> None:
    of = family(variant("a"), variant("b"), variant("c"))
    speed = Interval(0.5, 0.49, 0.51)
    one, two, three = (record(of, name, speed) for name in ("a", "b", "c"))
    assert three.timing
    disturbed = replace(three, timing=replace(three.timing, excluded=31))
    assert list(cells.not_judged([one, two, three])) == []
    assert list(cells.sentences([one, two, disturbed])) == ["b is 0.500 ± 0.010 times as fast as a (×1)"]
    assert list(cells.not_judged([one, two, disturbed])) == [
        "! – not judged: over half of the samples of c were disturbed: stop other work, or measure later"
    ]
    assert list(cells.sentences([replace(one, timing=disturbed.timing), two])) == []
    assert list(cells.not_judged([disturbed])) == []  # it is compared with nothing


def test_one_warning_about_noise_stays_as_it_is_and_others_are_never_left_out() -> None:
    records = noisy("unsteady", "denormal")
    details, brief = cells.noise_lines(records)
    assert len(details) == 1
    assert brief == ""
    assert [line.split(":")[0] for line in cells.warning_lines(records)] == ["every network"]


@pytest.mark.parametrize(
    ("shape", "inputs", "counted", "shown"),
    [
        ((3, 224, 224), (), "2x3x224x224", "2×3×224×224"),
        ((3, 7, 7), (Input((3, 7, 7)),), "2x3x7x7", "2×3×7×7"),  # --size 7
        ((16,), (Input((16,), "ids", "int64", 0, 9),), "ids=2x16:int64", "ids=2×16:int64"),
        ((3, 7, 7), (Input((3, 7, 7)),), None, "2×3×7×7"),
        ((3, 7, 7), (), None, "–"),  # a callable of one's own may have inputs of its own
    ],
)
def test_an_input_is_shown_in_one_way(
    shape: tuple[int, ...], inputs: tuple[Input, ...], counted: str | None, shown: str
) -> None:
    of = replace(family(replace(variant("a"), shape=shape, inputs=inputs), guideline=""), batch=2)
    costs = replace(COSTS, inputs=counted) if counted else None
    assert cells.inputs(replace(record(of, "a", None), costs=costs)) == shown


def test_the_speed_of_a_disturbed_network_is_marked() -> None:
    of = family(variant("a"), variant("b"), variant("c"))
    one, two, three = (record(of, name, Interval(0.5, 0.49, 0.51)) for name in ("a", "b", "c"))
    assert three.timing
    disturbed = replace(three, timing=replace(three.timing, excluded=31))
    (speeds,) = (each.cells for each in cells.times([one, two, disturbed]) if each.heading == "relative speed")
    assert list(speeds) == ["1", "0.500 ± 0.010", "0.500 ± 0.010 !"]


def test_outputs_that_say_little_are_named_once() -> None:
    of = family(variant("one"), variant("other"))
    said = RunWarning("insensitive", 5e-05)
    exact = Preparation(output_error=1e-7)
    records = [
        *(replace(record(of, "one", None, warnings=(said,)), preparation=exact) for _ in range(2)),
        replace(record(of, "other", None), preparation=exact),
    ]
    little = "(of one that says little: see the warning)"
    assert cells.exactness(records) == f"outputs differ by up to 1e-07 from eager float32 {little}"
    (line,) = cells.of_little_meaning(records)
    assert line.startswith("one: only 5e-03 % of its output depends on its input")
    assert list(cells.of_little_meaning(records[2:])) == []
