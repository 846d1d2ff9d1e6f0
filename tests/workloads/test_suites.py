"""Suite files: what they say, and what is said of those that are wrong."""

import re
from pathlib import Path

import pytest

from benchcli.errors import UserError
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.custom import CustomRequest
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.suites import families_of_suite, find_suite, line_of, shipped_suites

OWN = """
description = "ours"

[[family]]
guideline = "g2"
name = "wide"
widths = 96
values = [1, 3, 6]
scales = [1, 2]
batch = [1, 8]
dtype = ["float32", "bfloat16"]
size = 28

[[family]]
guideline = "g1"
values = ["1:1", "1:4"]
widths = [[48, 48], [24, 96]]
layout = "nhwc"
"""


def write(folder: Path, text: str) -> str:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("path", shipped_suites(), ids=lambda path: path.stem)
def test_every_shipped_suite_expands_on_every_kind_of_device(path: Path) -> None:
    file = find_suite(path.stem)
    assert file.description
    for column in ("arm", "gpu"):
        families = families_of_suite(file, Overrides(column))
        assert families
        assert len({family.name for family in families}) == len(families)


def test_the_suites_ship() -> None:
    assert [path.stem for path in shipped_suites()] == ["aligned", "ci", "claims", "paper", "quick"]


def test_a_suite_of_ones_own_has_its_widths_axes_batches_and_dtypes(tmp_path: Path) -> None:
    file = find_suite(write(tmp_path, OWN))
    families = [family for request in file.requests() for family in request.families(Overrides())]
    assert len(families) == 2 * 2 * 2 + 1
    first, last = families[0], families[-1]
    assert first.name == "wide-x1-b1-float32"
    assert [variant.name for variant in first.variants] == ["g=1", "g=3", "g=6"]
    assert first.variants[0].shape == (96, 28, 28)
    assert (last.name, last.layout, last.widths) == ("g1-x1", "nhwc", "own")
    assert [variant.channels for variant in last.variants] == ["48:48", "24:96"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the suite is empty"),
        ("family = 3", r"own.toml:1: family must be a list of tables"),
        ("[[family]]\nguideline = 'g2'\n[[family", "not TOML: .*the end, line 3"),
        ("[[famly]]\nguideline = 'g2'", "own.toml:1: unknown key 'famly': did you mean family"),
        ("[[family]]\nguideline = 'g2'\n\n[[famly]]\nguideline = 'g1'", "own.toml:4: unknown key 'famly'"),
        (
            "[[family]]\nname = 'a'\nnetwork = 'a:b'\n[[family.varient]]\nname = 'c'",
            "own.toml:4: unknown key 'varient': did you mean variant",
        ),
        ("[[family]]\nguidelin = 'g2'", "own.toml:2: unknown key 'guidelin': did you mean guideline"),
        ("[[family]]\nguideline = 'g9'", "own.toml:2: unknown guideline 'g9'"),
        ("[[family]]\nname = 'a'", "own.toml:1: a family needs one of: a guideline"),
        ("[[family]]\nguideline = 'g2'\nbatch = 'many'", "own.toml:3: batch must be a whole number"),
        ("[[family]]\nguideline = 'g2'\nbatch = true", "own.toml:3: batch must be a whole number"),
        ("[[family]]\nguideline = 'g2'\nscales = [1, 1]", "own.toml:3: scales has a value twice"),
        ("[[family]]\nguideline = 'g2'\nscales = []", "own.toml:3: scales is an empty list"),
        ("[[family]]\nguideline = 'g2'\nscales = [0]", "own.toml:3: scales must be from 1"),
        (
            "[[family]]\nguideline = 'g2'\ndtype = 'float31'",
            "own.toml:3: unknown dtype 'float31': did you mean float32",
        ),
        ("[[family]]\nguideline = 'g2'\nsize = 1.5", "own.toml:3: size must be a whole number"),
        ("[[family]]\nguideline = 'g2'\nname = ''", "own.toml:3: name must be a string"),
        ("[[family]]\nguideline = 'g2'\nname = 'a/b'", "own.toml:3: name may hold letters"),
        ("[[family]]\nguideline = 'g2'\n[[family]]\nguideline = 'g2'", "own.toml:3: two families are named 'g2'"),
        ("[[family]]\nguideline = 'g2'\nguideline = 'g1'", "not TOML: Cannot overwrite a value .*end, line 3"),
        ("[[family]]\nguideline = 'g2'\nvalues = 4", "own.toml:3: values must be a list"),
        ("[[family]]\nguideline = 'g2'\nvalues = [1.5]", "own.toml:3: values must hold strings or whole numbers"),
        ("description = 3\n[[family]]\nguideline = 'g2'", "own.toml:1: description must be a string"),
    ],
)
def test_a_wrong_suite_is_named_by_file_line_and_key(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        find_suite(write(tmp_path, text)).requests()


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("values = [1, 3]", "no paper-arm channels for g=3"),
        ("values = [2, 4]", "must begin with its baseline g=1"),
        ("values = [1]", "must begin with its baseline g=1 and go on"),
        ("values = [1, 4, 4]", "the value g=4 twice"),
        ("values = [1, 8]\nwidths = [64, 180]", "8 groups do not divide 180 channels"),
        ("values = [1, 8]\nwidths = [64]", "2 values but 1 widths"),
        ("values = [1, 8]\nwidths = [[64, 64], [8, 8]]", "one number of channels"),
        ("widths = 'papr'", "unknown set of channels 'papr'"),
        ("widths = 16384\nscales = [64]", "base widths from 1 to 16384"),
    ],
)
def test_channels_that_do_not_fit_are_refused(tmp_path: Path, keys: str, says: str) -> None:
    file = find_suite(write(tmp_path, f"[[family]]\nguideline = 'g2'\n{keys}"))
    with pytest.raises(UserError, match=says):
        [family for request in file.requests() for family in request.families(Overrides())]


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ("benchcli:reference/memry", "unknown reference network 'memry': did you mean memory"),
        ("benchcli:parts/conv", "unknown kind of network 'parts': did you mean layers.* known: guideline, block"),
        ("benchcli.layers:stack", "a network of benchcli is named benchcli:network/NAME"),
        ("benchcli", "must be 'package.module:callable'"),
    ],
)
def test_a_network_of_benchcli_that_is_not_there_is_refused(tmp_path: Path, network: str, says: str) -> None:
    text = f"[[family]]\nname = 'a'\nnetwork = '{network}'\nshape = [3, 8, 8]"
    with pytest.raises(UserError, match=f"own.toml:3: .*{says}"):
        find_suite(write(tmp_path, text)).requests()


@pytest.mark.parametrize("path", shipped_suites(), ids=lambda path: path.stem)
def test_networks_that_ship_are_named_and_found_by_their_names(path: Path) -> None:
    variants = [v for family in families_of_suite(find_suite(path.stem), Overrides()) for v in family.variants]
    assert all(variant.is_built_in for variant in variants)
    assert all(callable(find_built_in(variant.builder)) for variant in variants)


def test_a_folder_a_missing_file_and_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for path, says in (
        (tmp_path, "is a folder"),
        (tmp_path / "no.toml", "no suite at"),
        (tmp_path / "bytes.toml", "not UTF-8"),
    ):
        with pytest.raises(UserError, match=says):
            find_suite(str(path))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match="did you mean paper"):
        find_suite("papers")


def test_a_line_is_found_in_the_right_table() -> None:
    text = "[[family]]\nguideline = 'g1'\n\n[[family]]\nguideline = 'g2'\nscales = 1\n"
    assert line_of(text, "guideline", 1) == 5
    assert line_of(text, "scales", 0) == 1
    assert line_of(text, "family", 1) == 4
    assert line_of(text, "nothing") == 1
    assert line_of("", "nothing", 0) is None


NETWORKS = """
[[family]]
name = "tower"
network = "net.blocks:tower"
arguments = { blocks = 20, gains = [0.5, 1], deep = true }
shape = [64, 28, 28]
batch = [1, 8]

[[family.variant]]
name = "plain"

[[family.variant]]
name = "wide"
arguments = { blocks = 8 }
shape = [128, 14]
"""


def test_networks_of_ones_own_have_arguments_shapes_and_batches(tmp_path: Path) -> None:
    (request,) = find_suite(write(tmp_path, NETWORKS)).requests()
    assert isinstance(request, CustomRequest)
    families = list(request.families(Overrides()))
    assert [family.name for family in families] == ["tower-b1", "tower-b8"]
    plain, wide = families[0].variants
    assert (plain.name, plain.shape, plain.params["blocks"]) == ("plain", (64, 28, 28), 20)
    assert (plain.channels, wide.builder, wide.shape) == ("64", "net.blocks:tower", (128, 14))
    assert wide.params == {"blocks": 8, "gains": [0.5, 1], "deep": True}


def test_a_network_alone_is_named_like_its_family(tmp_path: Path) -> None:
    text = '[[family]]\nname = "a"\nnetwork = "m:f"\nshape = [3]\n'
    (request,) = find_suite(write(tmp_path, text)).requests()
    assert isinstance(request, CustomRequest)
    assert [network.name for network in request.networks] == ["a"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('name = "tower"\n', "", "own.toml:2: a family of your own networks needs a name"),
        ("net.blocks:tower", "net.blocks", "own.toml:4: network must be 'package.module:callable', not 'net.blocks'"),
        ("[64, 28, 28]", "[]", "own.toml:6: shape must be the sizes of an input"),
        ("[64, 28, 28]", "[64, 0]", "a size in shape must be from 1"),
        ("true", "{ a = 1 }", "arguments: deep must be a number"),
        ("{ blocks = 8 }", "8", "arguments must be a table"),
        ('"wide"', '"plain"', "two networks have one name"),
        ("batch", "bach", "unknown key 'bach': did you mean batch?"),
        ("batch", 'guideline = "g2"\nbatch', "a family has a guideline or a network of its own, not both"),
        ('name = "plain"', "", "tower: a network needs a name"),
    ],
)
def test_what_is_wrong_with_a_network_of_ones_own_is_said(tmp_path: Path, old: str, new: str, text: str) -> None:
    with pytest.raises(UserError, match=re.escape(text)):
        find_suite(write(tmp_path, NETWORKS.replace(old, new, 1))).requests()
