"""The tree of modules and the totals by type, on layers whose sums are worked by hand."""

from pathlib import Path

import pytest

from benchcli.analysis.layer_rows import SEVERAL, accounted
from benchcli.analysis.module_tree import layer_types, module_tree
from benchcli.runs.read import read
from benchcli.schema import Layer, Layers

KEPT = Path(__file__).parents[2] / "results" / "reference" / "layers-epyc"


def layer(path: str, kind: str, seconds: float, flops: int | None = 0, calls: int = 1) -> Layer:
    return Layer(path, kind, calls, seconds, "1x3", "1x4", flops, mac_bytes=10)


def launch(number: int) -> Layers:
    """A network that calls a stem, and two blocks in a list, which is never called itself."""
    layers = (
        layer("", "Net", 1.0),
        layer("stem", "Conv2d", 2.0, 100),
        layer("blocks.0", "Block", 0.5),
        layer("blocks.0.conv", "Conv2d", 3.0, 200),
        layer("blocks.1", "Block", 0.5),
        layer("blocks.1.conv", "Conv2d", 3.0, 200),
        layer("stem.act", "ReLU", 0.25, calls=2),
    )
    return Layers("mine", "net", number, 10.25, layers)


def test_each_module_has_all_that_it_calls_and_stands_above_it() -> None:
    tree = module_tree([launch(0), launch(1), launch(2)])
    assert [(each.depth, each.row.path, each.row.kind) for each in tree] == [
        (0, "", "Net"),
        (1, "stem", "Conv2d"),
        (2, "stem.act", "ReLU"),
        (1, "blocks", SEVERAL),
        (2, "blocks.0", "Block"),
        (3, "blocks.0.conv", "Conv2d"),
        (2, "blocks.1", "Block"),
        (3, "blocks.1.conv", "Conv2d"),
    ]
    of = {each.row.path: each.row for each in tree}
    assert of[""].share == pytest.approx(1.0)
    assert of["stem"].seconds.estimate == pytest.approx(2.25)
    assert of["blocks"].share == pytest.approx(7.0 / 10.25)
    assert (of[""].flops, of["blocks"].flops, of["stem.act"].flops) == (500, 400, 0)
    assert (of[""].mac_bytes, of["blocks.0"].mac_bytes) == (70, 20)


def test_a_depth_cuts_the_tree_and_loses_no_time() -> None:
    tree = module_tree([launch(0)], depth=1)
    assert [each.row.path for each in tree] == ["", "stem", "blocks"]
    assert sum(each.row.share for each in tree if each.depth) == pytest.approx(9.25 / 10.25)
    assert [each.has_parts for each in tree] == [True, True, True]


def test_a_path_that_begins_with_another_is_not_in_it() -> None:
    layers = (layer("", "Net", 0.0), layer("conv", "Conv2d", 1.0), layer("conv1", "Conv2d", 2.0))
    tree = module_tree([Layers("mine", "net", 0, 3.0, layers)])
    assert [(each.row.path, each.row.seconds.estimate) for each in tree[1:]] == [("conv", 1.0), ("conv1", 2.0)]


def test_types_are_totals_of_what_layers_do_themselves_the_largest_first() -> None:
    types = layer_types([launch(0), launch(1)])
    assert [(each.kind, each.modules, each.calls) for each in types] == [
        ("Conv2d", 3, 3),
        ("Net", 1, 1),
        ("Block", 2, 2),
        ("ReLU", 1, 2),
    ]
    assert types[0].seconds.estimate == pytest.approx(8.0)
    assert types[0].share == pytest.approx(8.0 / 10.25)
    assert types[0].flops == 500


def test_flops_are_unknown_where_one_part_is() -> None:
    layers = (layer("", "Net", 1.0), layer("a", "Odd", 1.0, None), layer("b", "Conv2d", 1.0, 5))
    tree = module_tree([Layers("mine", "net", 0, 3.0, layers)])
    assert [each.row.flops for each in tree] == [None, None, 5]


def test_the_kept_networks_add_up() -> None:
    traced = read(KEPT).layers
    roots = [each for each in module_tree(traced) if not each.depth]
    for root in roots:
        own = [each for each in traced if each.variant == root.row.variant]
        assert root.row.share == pytest.approx(accounted(own))
        types = layer_types(own)
        assert sum(each.mac_bytes for each in types) == root.row.mac_bytes
        assert sum(each.flops or 0 for each in types) == root.row.flops
