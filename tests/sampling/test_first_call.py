"""What a network of a user's own raises is shown with its layer, its line and the way out."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.run_result import Run
from benchcli.errors import NothingMeasuredError
from benchcli.reports.views.cells import item_rate
from benchcli.sampling.error_origin import origin_of
from benchcli.sampling.failures import failure
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
FAKE = ("--device", "fake", "--launches", "1", "--output", "run")
NETS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3), nn.Linear(100, 10)

    def forward(self, x):
        return self.fc(self.conv(x).flatten(1))

class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.gru = nn.Embedding(1000, 16), nn.GRU(16, 32, batch_first=True)
        self.head = nn.Linear(32, 5)

    def forward(self, ids):
        return self.head(self.gru(self.words(ids))[0][:, -1])

def raises():
    return {}["width"]

def needs(width):
    return nn.Linear(width, 3)

def linear():
    return nn.Linear(8, 8)

def examples():
    return nn.Linear(8, 8)

def make_examples(batch):
    return torch.ones(batch, 3) @ torch.ones(4, 4)

examples.example_inputs = make_examples

def loses():
    return nn.Linear(8, 8)

def loss(scores):
    return scores.no_such_mean()

loses.loss = loss

def updates():
    return nn.Linear(8, 8)

def optimizer(parameters):
    raise KeyError("lr")

updates.optimizer = optimizer

class Training(nn.Linear):
    def forward(self, x):
        return super().forward(x) @ torch.zeros(3 if self.training else 8, 3)

def trains():
    return Training(8, 8)

def classes():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))

def signal():
    return nn.Conv1d(4, 4, 3, padding=1)

class Two(nn.Module):
    def forward(self, ids, mask):
        return ids * mask

def bag():
    return nn.EmbeddingBag(50, 8)

class Cloud(nn.Module):
    def __init__(self):
        super().__init__()
        self.points = nn.Conv1d(3, 16, 1)

    def forward(self, x):
        return self.points(x).amax(-1)

class Recommender(nn.Module):
    def __init__(self):
        super().__init__()
        self.bag, self.dense = nn.EmbeddingBag(1000, 8), nn.Linear(13, 8)

    def forward(self, ids, dense):
        return self.bag(ids) + self.dense(dense)

class Positions(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(1000, 8), nn.Embedding(64, 8)

    def forward(self, ids):
        return self.tokens(ids) + self.places(torch.arange(ids.shape[1]))

def sentences():
    return Positions()

sentences.example_inputs = torch.zeros(1, 16, dtype=torch.long)

def deaf():
    network = nn.Linear(8, 8)
    nn.init.zeros_(network.weight)
    return network

def gray():
    return nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU())

def volume():
    return nn.Conv3d(3, 2, 3)

def tagger():
    return nn.LSTM(16, 8, batch_first=True)

def rows():
    return nn.Sequential(nn.Flatten(), nn.Linear(100, 8))

class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, images):
        first, second = images
        return self.conv(first) + self.conv(second)

class Example(Pair):
    example_inputs = ([torch.ones(1, 3, 9, 9), torch.ones(1, 3, 9, 9)],)
"""


@pytest.fixture
def nets(tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text(NETS, encoding="utf-8")
    (tmp_path / "imports.py").write_text("import torch\nfrom torch.nn import Conv5d\n", encoding="utf-8")
    (tmp_path / "makes.py").write_text("from torch import nn\nnet = nn.Linear(3, 4).no_such()\n", encoding="utf-8")


@pytest.mark.usefixtures("nets")
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nets:Net",), 4, "in layer fc, Linear(in_features=100, out_features=10, bias=True)"),
        (("nets:Net",), 4, "called with 1x3x224x224: for other inputs give --input"),
        (("nets:Net",), 4, "at nets.py:11 in Net.forward: return self.fc(self.conv(x).flatten(1))"),
        (("nets:raises",), 4, "KeyError: 'width'; at nets.py:23 in raises: return {}[\"width\"]"),
        (("nets:needs",), 4, "needs() missing 1 required positional argument: 'width': give a callable without"),
        (("nets:examples",), 4, "at nets.py:35 in make_examples: return torch.ones(batch, 3)"),
        (("nets:loses", "--input", "1x8", "--step", "train"), 2, "at nets.py:43 in loss: return scores.no_such_mean()"),
        (("nets:updates", "--input", "1x8", "--step", "train"), 2, 'at nets.py:51 in optimizer: raise KeyError("lr")'),
        (("nets:trains", "--input", "1x8", "--step", "train"), 4, "at nets.py:57 in Training.forward: return super()"),
        (("imports:build",), 2, "at imports.py:2: from torch.nn import Conv5d"),
        (("makes:net",), 4, "at makes.py:2: net = nn.Linear(3, 4).no_such()"),
        (("nets:Tokens",), 4, "was called with 1x3x224x224: give --input 1x64:int64:0..999"),
        (("nets:Tokens", "--input", "1x64:int64:0..5000"), 2, "give the range 0..999"),
        (("nets:Tokens", "--input", "words=1x64:int64:0..999"), 4, "its forward takes ids"),
        (("nets:Tokens", "--input", "64:int64:0..999"), 2, "the batch comes first, as in --input 1x64:int64:0..N"),
        (("nets:classes", "--input", "3x32x32"), 2, "the batch comes first, as in --input 1x3x32x32"),
        (("nets:classes", "--input", "1x1x3x32x32"), 2, "the batch is there twice; the shape in a suite has none"),
        (("nets:gray",), 4, "3 channels instead), and can with 1x1x224x224: give --input 1x1x224x224, with sizes"),
        (("nets:gray", "--input", "image=1x3x9x9"), 4, "its forward takes input"),
        (
            ("nets:Two", "--input", "1x9:int64:0..9"),
            4,
            "such as --input ids=1x9:int64:0..N --input mask=SIZES, or leave all of them to example_inputs",
        ),
        (("nets:bag", "--input", "4x20:int64:0..50"), 2, "it has 50 rows; give the range 0..49"),
        (
            ("nets:Recommender", "--input", "ids=4x20:int64:0..1000", "--input", "dense=4x13"),
            2,
            "it has 1000 rows; give the range 0..999",
        ),
        (("nets:gray", "--input", "input=1x3x9x9"), 4, "can with input=1x1x9x9: give --input input=1x1x9x9"),
        (("nets:signal",), 4, "can with 1x4x1024"),
        (("nets:volume",), 4, "can with 1x3x32x32x32"),
        (("nets:tagger",), 4, "can with 1x64x16"),
        (("nets:rows",), 4, "can with 1x100"),
        (("nets:sentences", "--input", "1x64:int64:0..5000"), 2, "it has 1000 rows; give the range 0..999"),
        (("nets:sentences", "--input", "1x65:int64:0..999"), 4, "in layer places, Embedding(64, 8)"),
        (("nets:sentences", "--size", "64"), 4, "its callable were put aside for these: without --size and --input it"),
        (("nets:Pair",), 4, "a list or a dictionary of tensors has it from example_inputs of the callable"),
    ],
)
def test_what_a_users_code_raises_is_one_line_with_its_place_and_leaves_no_folder(
    cli: Cli, words: tuple[str, ...], code: int, said: str
) -> None:
    found = cli("network", *words, *FAKE)
    assert found.code == code
    assert said in found.err
    assert len(found.err.splitlines()) == 1
    assert not Path("run").exists()


@pytest.mark.usefixtures("nets")
def test_in_a_suite_inputs_are_its_keys_and_no_option(cli: Cli) -> None:
    Path("suite.toml").write_text('[[family]]\nname = "rows"\nnetwork = "nets:rows"\nshape = [99]\n', encoding="utf-8")
    found = cli("run", "suite.toml", *FAKE)
    assert 'give inputs = ["1x100"]' in found.err
    assert "--input" not in found.err


@pytest.mark.usefixtures("nets")
def test_a_list_of_tensors_comes_from_example_inputs(cli: Cli) -> None:
    assert cli("costs", "nets:Example").code == 0


def test_what_takes_any_argument_has_no_unknown_one(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "nets.py").write_text("from torch import nn\ndef build(width, **rest):\n    return nn.ReLU()\n")
    found = cli("sweep", "nets:build", "--param", "depth=1..4", "--input", "2x8", *FAKE)
    assert (found.code, "unknown parameter" in found.err) == (4, False)
    assert "missing 1 required positional argument: 'width'" in found.err


@pytest.mark.usefixtures("nets")
@pytest.mark.parametrize(
    ("network", "given", "is_deaf"),
    [
        *(("bag", "4x20:int64:0..49", False), ("Cloud", "1x3x64", False), ("linear", "2x8", False)),
        ("deaf", "2x8", True),
    ],
)
def test_what_has_no_order_depends_on_its_input_all_the_same(cli: Cli, network: str, given: str, is_deaf: bool) -> None:
    found = cli("costs", f"nets:{network}", "--input", given)
    assert found.code == 0, found.err
    assert ("of its output depends on its input" in " ".join(found.out.split())) == is_deaf


def test_what_a_module_imports_is_none_of_its_networks(cli: Cli, tmp_path: Path) -> None:
    text = "from pathlib import Path\nfrom torch import nn\ndef build():\n    return nn.ReLU()\n"
    (tmp_path / "nets.py").write_text(text, encoding="utf-8")
    found = cli("network", "nets:Pat", *FAKE)
    assert (found.code, "unknown callable 'Pat'" in found.err, "Path" in found.err) == (2, True, False)


@pytest.mark.usefixtures("nets")
@pytest.mark.parametrize("given", ["1x8", "3x8", "2x5x8"])
def test_inputs_with_a_batch_are_measured(cli: Cli, given: str) -> None:
    assert cli("network", "nets:linear", "--input", given, *FAKE).code == 0


@pytest.mark.usefixtures("nets")
@pytest.mark.parametrize(
    ("network", "given", "is_named"),
    [
        *(("signal", "4x32", True), ("signal", "1x4x32", False), ("linear", "8", True), ("linear", "1x8", False)),
        *(("tagger", "40x16", True), ("tagger", "1x40x16", False), ("tagger", "3x40x16", False)),
    ],
)
def test_a_batch_that_seems_to_be_missing_is_named(cli: Cli, network: str, given: str, is_named: bool) -> None:
    found = cli("network", f"nets:{network}", "--input", given, *FAKE)
    assert found.code == 0
    assert (f"if the batch is missing, give --input 1x{given}" in " ".join(found.out.split())) == is_named
    run = benchcli.load("run")
    assert isinstance(run, Run)
    rate = item_rate(run.details.records, 1)
    assert (rate.heading, rate.cells == ("–",)) == ("items/s", is_named)


@pytest.mark.usefixtures("nets")
def test_what_cannot_be_called_is_named_for_each_network_and_is_a_row_beside_others(cli: Cli) -> None:
    found = cli("network", "nets:Net", "nets:linear", *FAKE)
    assert found.code == 4
    assert "nets:Net: RuntimeError" in found.err
    assert "nets:linear: it cannot be called with 1x3x224x224 (mat1 and mat2" in found.err
    found = cli("network", "shufflenet-v2-0.5x", "nets:Net", "--size", "32", *FAKE)
    assert found.code == 4
    assert "at nets.py:11 in Net.forward" in found.out


class Sent(nn.Linear):
    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x) @ torch.zeros(3, 3)


def test_a_network_that_was_sent_by_value_has_its_line() -> None:
    with pytest.raises(NothingMeasuredError, match=r"at .*\d+ in Sent\.forward"):
        benchcli.measure({"mine": Sent(8, 8)}, inputs=(1, 8), device="fake", launches=1)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torchscript_is_quoted_with_its_reason_alone() -> None:
    network = torch.jit.script(nn.Sequential(nn.Linear(8, 4)))
    with pytest.raises(RuntimeError) as raised:
        network(torch.ones(1, 3))
    status, text = failure(raised.value)
    assert status == "failed"
    assert text.startswith("RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x3 and 8x4); at tests/")


def test_an_error_that_cannot_be_looked_at_has_its_text_alone() -> None:
    error = ValueError("mine")
    error.__notes__ = 3  # type: ignore[assignment]
    assert failure(error) == ("failed", "ValueError: mine")
    bare = nn.Sequential(nn.Linear(8, 4))
    del bare[0].in_features  # without it a layer has no description
    with pytest.raises(RuntimeError) as short:
        bare(torch.ones(1, 3))
    assert failure(short.value)[1].endswith("cannot be multiplied (1x3 and 8x4)")


def following() -> None:
    try:
        nn.Sequential(nn.Linear(8, 4))(torch.ones(1, 3))
    except RuntimeError as error:
        raise ValueError("because") from error


def test_an_error_without_a_place_has_that_of_the_one_before_it() -> None:
    assert origin_of(ValueError("never raised")) == ""
    with pytest.raises(ValueError, match="because") as raised:
        following()
    assert "in following: raise ValueError" in origin_of(raised.value)
    unraised = ValueError("not raised itself")
    unraised.__cause__ = raised.value.__cause__
    assert origin_of(unraised).startswith("in layer 0, Linear(in_features=8")
