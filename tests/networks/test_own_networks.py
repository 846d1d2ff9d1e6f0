"""A suite of networks as users bring them: every one is measured, or one line says why not."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.run_result import Run
from benchcli.cost.inputs import named, tensors
from benchcli.errors import UserError
from benchcli.schema import Record
from tests.conftest import Outcome
from tests.networks import networks

Cli = Callable[..., Outcome]
SUITE = Path(__file__).with_name("suite.toml")
OWN = "tests.networks.networks:"
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def records_of(folder: str) -> tuple[Record, ...]:
    run = benchcli.load(folder)
    assert isinstance(run, Run)
    return run.records


def test_every_network_of_the_suite_is_measured_or_one_line_says_why_not(cli: Cli) -> None:
    found = cli("run", str(SUITE), "--launches", "1", "--device", "fake", "--output", "run")
    assert found.code == 4  # one of them has half-precision weights
    records = {record.variant.name: record for record in records_of("run")}
    failures = {name: record.failure.error for name, record in records.items() if record.failure}
    assert failures == {"half": "its weights are float16: give --dtype float16"}
    assert len(records) == 16
    inputs = {name: record.costs.inputs for name, record in records.items() if record.costs}
    assert inputs["by-name"] == "4x8, right=4x6"
    assert inputs["masked"] == "ids=1x16:int32, mask=1x16:bool"
    assert inputs[f"{OWN}nested"] == "pair.both.0=1x8, pair.both.1=1x6"
    assert (records["tokens"].costs.tokens, records["vit"].costs.tokens) == (16, None)  # type: ignore[union-attr]
    assert "half: its weights are float16" in found.out


def test_an_output_that_hardly_depends_on_its_input_is_said_where_it_is_compared(cli: Cli) -> None:
    Path("nets.py").write_text(
        "import torch\nfrom torch import nn\n\n\nclass Faint(nn.Module):\n    def __init__(self, share):\n"
        "        super().__init__()\n        self.layer, self.share = nn.Linear(8, 8), share\n\n"
        "    def forward(self, x):\n        return 1 + self.share * self.layer(x)\n\n\n"
        "def faint():\n    return Faint(1e-6)\n\n\ndef clear():\n    return Faint(0.1)\n"
    )
    words = ("network", "nets:faint", "nets:clear", "--input", "4x8", "--device", "fake", "--launches", "1")
    plain = cli(*words, "--output", "plain")
    assert "depends on its input" not in plain.out
    found = cli(*words, "--dtype", "float32,bfloat16", "--output", "both")
    (line,) = (each for each in found.out.splitlines() if "depends on its input" in each)
    assert line.startswith("nets:faint")
    assert "would hardly see a wrong output" in line
    of_runtime = cli(*words, "--runtime", "graph", "--output", "graph")
    assert of_runtime.out.count("depends on its input") == 1


def test_inputs_are_given_on_the_command_line(cli: Cli) -> None:
    words = ("network", f"{OWN}two", "--device", "fake", "--launches", "1")
    found = cli(*words, "--input", "4x8", "--input", "right=4x6", "--output", "a")
    assert found.code == 0
    (record,) = records_of("a")
    assert (record.family.batch, record.costs and record.costs.inputs) == (4, "4x8, right=4x6")
    assert cli(*words, "--input", "4x8", "--input", "right=4x6", "--batch", "2", "--output", "b").code == 0
    assert records_of("b")[0].costs.inputs == "2x8, right=2x6"  # type: ignore[union-attr]


def test_two_inputs_may_have_one_shape(cli: Cli) -> None:
    Path("pair.py").write_text(
        "from torch import nn\n\nclass Pair(nn.Linear):\n    def forward(self, a, b):\n"
        "        return super().forward(a + b)\n\ndef build():\n    return Pair(8, 8)\n"
    )
    found = cli("costs", "pair:build", "--input", "1x8", "--input", "1x8")
    assert (found.code, found.err) == (0, "")
    assert "1×8, 1×8" in found.out


@pytest.mark.parametrize(
    ("words", "way_out"),
    [
        ((f"{OWN}two", "--input", "1x8x"), "the batch first, such as 1x3x224x224"),
        (("shufflenet-v2-1x", "--input", "1x3x224x224"), "takes one image; give --size"),
        ((f"{OWN}two", "--input", "1x8", "--size", "64"), "give the sizes in --input"),
        ((f"{OWN}text", "--input", "1x16:int64:0..5000"), "give the range 0..99"),
        ((f"{OWN}tow",), "did you mean two"),
        (("tests.networks.netwroks:two",), "tests.networks.netwroks:two: no module tests.networks.netwroks in "),
        ((f"{OWN}number",), "returned int, not a torch.nn.Module"),
    ],
)
def test_a_wrong_request_ends_with_2_and_leaves_nothing_behind(cli: Cli, words: tuple[str, ...], way_out: str) -> None:
    found = cli("network", *words, "--device", "fake", "--launches", "1", "--output", "run")
    assert found.code == 2
    assert way_out in found.err
    assert len(found.err.splitlines()) == 1
    assert not Path("run").exists()


def test_a_network_that_needs_other_inputs_is_a_marked_row_and_the_others_are_shown(cli: Cli) -> None:
    words = ("network", "mobilenet-v1-0.25", f"{OWN}two", "--size", "32", "--device", "fake", "--launches", "1")
    found = cli(*words, "--output", "run")
    assert found.code == 4
    assert "give each its shape, such as --input left=1x3x32x32 --input right=SIZES, or leave" in found.out
    good, bad = records_of("run")
    assert good.timing
    assert bad.failure


class Pair(nn.Module):
    """Of this module, and not of `networks`: what is pickled by value is not what TorchScript finds the source of."""

    def forward(self, pair: dict[str, list[torch.Tensor]]) -> torch.Tensor:
        return pair["both"][0] + pair["both"][1]


PYTHON: list[tuple[Any, Any, str]] = [
    (nn.Bilinear(8, 6, 4), (torch.ones(2, 8), torch.ones(2, 6)), "2x8, 2x6"),
    (nn.Bilinear(8, 6, 4), {"input1": torch.ones(2, 8), "input2": torch.ones(2, 6)}, "input1=2x8, input2=2x6"),
    (nn.Embedding(9, 4), torch.zeros(3, 7, dtype=torch.int64), "3x7:int64"),
    (Pair(), {"pair": {"both": [torch.ones(1, 8), torch.ones(1, 8)]}}, "pair.both.0=1x8, pair.both.1=1x8"),
    (networks.examples, None, "1x8, 1x6"),
]


@pytest.mark.parametrize(("network", "inputs", "described"), PYTHON)
def test_tensors_are_given_in_python(tools: Callable[..., Any], network: Any, inputs: Any, described: str) -> None:
    run = benchcli.measure({"mine": network}, inputs=inputs, device="fake", launches=1, output="run", tools=tools())
    (record,) = run.records
    assert record.failure is None
    assert record.costs
    assert record.costs.inputs == described


@pytest.mark.parametrize("inputs", [(), "image", 3, [torch.zeros(0, 3)], {"x": 1}, (0, 3)])
def test_what_is_no_input_is_refused_in_python(inputs: Any) -> None:
    with pytest.raises(UserError, match="input"):
        benchcli.measure({"mine": nn.ReLU()}, inputs=inputs, device="fake", launches=1)


def test_networks_are_imported_from_the_suites_own_folder_first(cli: Cli, tmp_path: Path) -> None:
    for place, width in ((".", 3), ("models", 5)):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / "mine_here.py").write_text(
            f"from torch import nn\n\ndef build():\n    return nn.Linear({width}, {width})\n"
        )
    suite = '[[family]]\nname = "mine"\nnetwork = "mine_here:build"\ninputs = ["1x5"]\n'
    (tmp_path / "models" / "ours.toml").write_text(suite)
    found = cli("run", "models/ours.toml", "--device", "fake", "--launches", "1", "--output", "run")
    assert found.code == 0, found.out
    assert records_of("run")[0].costs.params == 30  # type: ignore[union-attr]


def test_a_callable_that_is_named_like_an_emoji_keeps_its_name(cli: Cli) -> None:
    words = ("--device", "fake", "--launches", "1", "--size", "32", "--output", "run")
    found = cli("network", "mobilenet-v1-0.25", f"{OWN}two", *words)
    assert f"failed: {OWN}two: it cannot be called" in found.out


def test_a_suite_gives_inputs_or_a_shape(cli: Cli) -> None:
    Path("s.toml").write_text('[[family]]\nname = "a"\nnetwork = "m:f"\ninputs = ["1x8"]\nshape = [8]\n')
    found = cli("run", "s.toml", "--output", "run")
    assert found.code == 2
    assert "s.toml:4: a: give inputs or shape, not both" in found.err


EXAMPLE = """
import torch
from torch import nn

def build():
    return nn.Linear(8, 8)

build.example_inputs = torch.ones(4, 8)
"""


@pytest.mark.parametrize(("given", "described"), [("", "4x8"), ("shape = [2, 8]\n", "1x2x8")])
def test_a_shape_that_was_asked_for_replaces_example_inputs(
    cli: Cli, tmp_path: Path, given: str, described: str
) -> None:
    (tmp_path / "with_example.py").write_text(EXAMPLE)
    Path("s.toml").write_text(f'[[family]]\nname = "a"\nnetwork = "with_example:build"\n{given}')
    assert cli("run", "s.toml", "--device", "fake", "--launches", "1", "--output", "run").code == 0
    (record,) = records_of("run")
    assert record.costs
    assert record.costs.inputs == described


def test_a_resumed_run_has_one_version_of_each_network(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "changing.py").write_text(EXAMPLE)
    Path("s.toml").write_text(
        "".join(f'[[family]]\nname = "{name}"\nnetwork = "changing:build"\n' for name in ("one", "two"))
    )
    words = ("run", "s.toml", "--device", "fake", "--launches", "1")
    assert cli(*words, "--output", "run").code == 0
    path = tmp_path / "run" / "measurements.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))  # ended before the second
    assert cli(*words, "--resume", "run").code == 0
    assert {record.family.name for record in records_of("run") if record.code} == {"one", "two"}
    (tmp_path / "changing.py").write_text(EXAMPLE.replace("Linear(8, 8)", "Linear(8, 64)"))
    for more in ((), ("--depth", "1")):
        found = cli(*words, "--resume", "run", *more)
        assert found.code == 2
        assert "changing.py is not what it was when run was started" in found.err


def test_numbers_that_no_measurement_gives_are_measured_again(cli: Cli) -> None:
    words = ("network", f"{OWN}examples", "--device", "fake", "--launches", "1")
    assert cli(*words, "--output", "run").code == 0
    path = Path("run/measurements.csv")
    (record,) = records_of("run")
    assert record.timing
    path.write_text(path.read_text().replace(str(record.timing.seconds.estimate), "-5"))
    assert cli(*words, "--resume", "run").code == 0
    assert records_of("run")[0].timing == record.timing


def test_outputs_are_told_by_their_keys_and_not_by_their_order() -> None:
    one, other = torch.ones(2), torch.zeros(3)
    assert [tensors({"b": other, "a": one}), tensors({"a": one, "b": other})] == [[one, other]] * 2
    assert tensors(networks.Detection(one, other)) == [one, other]
    assert [name for name, _ in named({"b": [one, None, other], "a": 3})] == ["b.0", "b.2"]
    assert [name for name, _ in named(networks.Detection(one, other))] == ["scores", "best"]
    assert [name for name, _ in named(one)] == [""]


class Layer:
    """What a layer keeps of its keys and values."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        self.keys, self.values, self.is_sliding = keys, values, False


class Cache:
    """Layers, as libraries of transformers return them beside the logits; a layer may know its cache."""

    def __init__(self, *layers: Layer) -> None:
        self.layers, self.network = list(layers), nn.Linear(2, 2)
        for layer in layers:
            layer.cache = self  # type: ignore[attr-defined]


def test_what_objects_hold_is_part_of_the_output() -> None:
    keys, values = torch.ones(2), torch.zeros(3)
    cache = Cache(Layer(keys, values), Layer(values, keys))
    assert tensors({"cache": cache, "logits": keys}) == [keys, values, values, keys, keys]
    assert [name for name, _ in named({"cache": cache})][:2] == ["cache.layers.0.keys", "cache.layers.0.values"]
    assert [name for name, _ in named(torch.distributions.Laplace(keys, 1 + keys))] == ["loc", "scale"]
    assert tensors(SimpleNamespace(first=keys, second=SimpleNamespace(third=[values]))) == [keys, values]
    assert tensors([nn.Linear(2, 2), nn.Linear, torch.nn, len, object()]) == []


LISTED = """
import torch
from torch import nn

class Detector(nn.Module):
    '''Takes a list of images, each of its own size perhaps.'''
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)

    def forward(self, images):
        return [{"boxes": self.first(each[None]).flatten(1)} for each in images]

def build():
    return Detector()

build.example_inputs = lambda batch: (list(torch.rand(batch, 3, 16, 16)),)
"""


@pytest.mark.parametrize("batch", [1, 4])
def test_a_list_of_images_is_as_many_items_as_its_batch(cli: Cli, batch: int) -> None:
    Path("listed.py").write_text(LISTED)
    words = ("--batch", str(batch), "--device", "fake", "--launches", "1", "--output", "run")
    assert cli("network", "listed:build", *words).code == 0
    (record,) = records_of("run")
    assert record.costs
    assert (record.costs.items, record.costs.flops) == (batch, batch * 4 * 14 * 14 * 27)


def test_a_check_tells_outputs_by_their_names(cli: Cli) -> None:
    for folder, names in (("old", ("a", "b")), ("new", ("a", "c"))):
        Path(folder).mkdir()
        Path(folder, "keyed.py").write_text(
            "from torch import nn\n\nclass Net(nn.Linear):\n    def forward(self, x):\n"
            f"        y = super().forward(x)\n        return {{{names[1]!r}: y * 2, {names[0]!r}: y}}\n\n"
            "def build():\n    return Net(8, 8)\n"
        )
    Path("s.toml").write_text('[[family]]\nname = "f"\nnetwork = "keyed:build"\nshape = [8]\n')
    words = ("check", "s.toml", "--base", "old", "--head", "new", "--device", "fake", "--costs-only", "--output", "out")
    found = cli(*words)
    assert found.code == 3
    assert "its outputs are a, c, and were a, b" in found.out


@pytest.mark.parametrize("inputs", [(True, 2), {1: torch.ones(1, 3)}, (torch.zeros(0, 4), torch.ones(1))])
def test_strange_inputs_in_python_are_named_before_anything_starts(inputs: Any) -> None:
    with pytest.raises(UserError, match="inputs"):
        benchcli.measure({"mine": nn.ReLU()}, inputs=inputs, device="fake", launches=1)


def test_an_error_is_given_once(cli: Cli) -> None:
    found = cli("network", f"{OWN}two", "--error", f"{OWN}two=5", "--error", f"{OWN}two=6")
    assert found.code == 2
    assert "--error has a value twice" in found.err
