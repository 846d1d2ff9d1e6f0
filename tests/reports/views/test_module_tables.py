"""The tables of layer types and of the tree of modules."""

from benchcli.reports.views.module_tables import tables
from tests.analysis.test_module_tree import launch


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


def test_lines_about_networks_without_layers_stand_below() -> None:
    assert tables([launch(0)], None, ["✗ refused: other has no layers"])[1].lines[-1].startswith("✗ refused")
