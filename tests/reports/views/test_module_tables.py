"""The tables of layer types and of the tree of modules."""

from dataclasses import replace

from benchcli.analysis.layer_rows import over_launches
from benchcli.reports.views.layer_table import of_other_calls
from benchcli.reports.views.module_tables import tables
from benchcli.schema import Interval
from tests.analysis.test_module_tree import launch
from tests.values import family, record, variant


def test_branches_lead_to_each_module() -> None:
    _, tree = tables([launch(0)])
    assert tree.columns[0].cells == (
        "net",
        "├─ stem",
        "│  └─ act",
        "└─ blocks",
        "   ├─ 0",
        "   │  └─ conv",
        "   └─ 1",
        "      └─ conv",
    )


def test_one_table_has_costs_time_and_share() -> None:
    types, tree = tables([launch(0)], depth=1)
    assert [column.heading for column in tree.columns][-4:] == [
        "MFLOPs (mult-adds)",
        "mem. access MB",
        "time ms",
        "share",
    ]
    assert tree.columns[-1].cells == ("100.0 %", "22.0 %", "68.3 %")
    assert tree.title == "Modules, down to depth 1"
    assert types.columns[0].cells == ("Conv2d", "Net", "Block", "ReLU")
    assert types.columns[-1].cells[0] == "78.0 %"


def test_small_modules_are_counted_where_a_report_leaves_them_out() -> None:
    _, tree = tables([launch(0)], least=0.03)
    assert tree.columns[0].cells == (
        "net",
        "├─ stem",
        "└─ blocks",
        "   ├─ 0",
        "   │  └─ conv",
        "   └─ 1",
        "      └─ conv",
    )
    assert tree.lines[-1] == "1 module below 3.0 %, left out: benchcli show RUN --tree has all"


def test_layers_of_calls_of_another_time_are_said() -> None:
    of = family(variant("net"), name="mine")

    def lines(seconds: float) -> list[str]:
        timed = record(of, "net", None)
        assert timed.timing
        timing = replace(timed.timing, seconds=Interval(seconds, 0.9 * seconds, 1.2 * seconds))
        return list(of_other_calls([launch(0), launch(1)], {("mine", "net"): replace(timed, timing=timing)}))

    assert lines(10.0) == []
    (line,) = lines(8.0)
    assert line.startswith("net: the times of its layers are of calls of 10250 ms: its own, 8000 (7200 to 9600) ms, is")
    assert list(of_other_calls([launch(0)], {})) == []
    several = [replace(launch(number), call_s=seconds) for number, seconds in enumerate((9.0, 10.0, 14.0, 9.5, 10.5))]
    timed = record(of, "net", None)
    assert timed.timing
    middle_s = over_launches({each.launch: each.call_s for each in several}).estimate  # as that of layers, no median
    timing = replace(timed.timing, seconds=Interval(middle_s, 0.9 * middle_s, 1.2 * middle_s))
    assert list(of_other_calls(several, {("mine", "net"): replace(timed, timing=timing)})) == []


def test_lines_about_networks_without_layers_stand_below() -> None:
    assert tables([launch(0)], None, ["✗ refused: other has no layers"])[1].lines[-1].startswith("✗ refused")
