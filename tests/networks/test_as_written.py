"""Networks as people write them are counted and timed as they are, or one line says what to do."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.run_result import Run
from benchcli.sampling import denormals
from benchcli.schema import Record
from tests.conftest import Outcome
from tests.networks import as_written

Cli = Callable[..., Outcome]
OWN = "tests.networks.as_written:"
FAKE = ("--device", "fake", "--launches", "1")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def measured(cli: Cli, name: str, *words: str) -> Record:
    """Return the row of a network, whatever became of it."""
    cli("network", OWN + name, *words, *FAKE, "--output", "run")
    run = benchcli.load("run")
    assert isinstance(run, Run)
    (record,) = run.records
    return record


def kinds(record: Record) -> dict[str, str]:
    return {each.kind: each.text for each in record.warnings if each.kind in {"random", "mixed", "complex"}}


@pytest.mark.parametrize(
    ("name", "words", "weight_bytes", "kept"),
    [
        ("rotary", ("--input", "2x7x16"), 1472, {}),
        ("rotary", ("--input", "2x7x16", "--dtype", "float16"), 512 + 448, {"complex": "complex64"}),
        ("rotary", ("--input", "2x7x16", "--dtype", "float64"), 2048 + 448, {"complex": "complex64"}),
        ("spectrum", ("--input", "4x8"), 72, {}),
        ("spectrum", ("--input", "4x8", "--dtype", "bfloat16"), 56, {"complex": "complex64"}),
        ("complex_linear", ("--input", "2x4:complex64"), 96, {}),
        ("complex_linear", ("--input", "2x4:complex", "--dtype", "bfloat16"), 96, {"complex": "complex64"}),
    ],
)
def test_complex_numbers_keep_their_imaginary_parts(
    cli: Cli, name: str, words: tuple[str, ...], weight_bytes: int, kept: dict[str, str]
) -> None:
    record = measured(cli, name, *words)
    assert record.failure is None
    assert record.costs
    assert record.costs.weight_bytes == weight_bytes
    assert kinds(record) == kept


@pytest.mark.parametrize(
    ("name", "given", "flops"),
    [("sampler", "2x16", 512), ("dropping", "4x8", 256), ("shuffling", "32x8", 2048)],
)
def test_random_outputs_are_counted_and_timed_if_that_is_allowed(cli: Cli, name: str, given: str, flops: int) -> None:
    record = measured(cli, name, "--input", given)
    assert record.failure
    assert record.failure.status == "wrong-output"
    assert "--allow-random times it all the same" in record.failure.error
    assert record.costs
    assert record.costs.flops == flops
    found = cli("costs", OWN + name, "--input", given)
    assert found.code == 0
    assert "its outputs differ from call to call" in found.out
    found = cli("network", OWN + name, "--input", given, "--allow-random", *FAKE, "--output", "allowed")
    assert found.code == 0
    assert "its outputs differ from call to call, so they are not compared" in found.out


def test_what_is_not_random_is_compared_all_the_same(cli: Cli) -> None:
    record = measured(cli, "masked_nan", "--input", "4x16", "--allow-random")
    assert record.failure
    assert record.failure.error == "it holds values that are not finite"


def test_a_random_output_may_not_be_nan(cli: Cli) -> None:
    record = measured(cli, "not_a_number", "--input", "4x8", "--allow-random")
    assert record.failure
    assert record.failure.error == "it holds values that are not finite"


def test_a_suite_and_python_allow_random_outputs_too(cli: Cli, tools: Callable[..., Any]) -> None:
    table = f'[[family]]\nname = "a"\nnetwork = "{OWN}sampler"\ninputs = ["2x16"]\n'
    Path("s.toml").write_text(table + "allow_random = true\n")
    assert cli("run", "s.toml", *FAKE, "--output", "suite").code == 0
    Path("s.toml").write_text(table + 'allow_random = "yes"\n')
    assert "s.toml:5" in cli("run", "s.toml", *FAKE, "--output", "no").err
    settings: Any = {"inputs": (2, 16), "device": "fake", "launches": 1, "tools": tools()}
    run = benchcli.measure({"mine": as_written.Sampler()}, allow_random=True, output="python", **settings)
    assert kinds(run.records[0]) == {"random": ""}


@pytest.mark.parametrize("name", ["masked", "masked_plus", "causal"])
def test_infinities_that_are_meant_are_timed(cli: Cli, name: str) -> None:
    for dtype in ("float32", "bfloat16", "float16"):
        record = measured(cli, name, "--input", "4x16", "--dtype", dtype)
        assert record.failure is None
        Path("run").rename(dtype)


@pytest.mark.parametrize("name", ["masked_nan", "masked_all"])
def test_nan_and_nothing_but_infinities_are_no_output(cli: Cli, name: str) -> None:
    record = measured(cli, name, "--input", "4x16")
    assert record.failure
    assert (record.failure.status, record.failure.error) == ("wrong-output", "it holds values that are not finite")


def test_lazy_modules_are_counted_with_the_weights_that_the_inputs_give_them(cli: Cli) -> None:
    for dtype, size in (("float32", 4), ("bfloat16", 2)):
        record = measured(cli, "lazy", "--input", "1x3x8x8", "--dtype", dtype)
        assert record.failure is None
        assert record.costs
        weights = 8 * 27 + 8 + 8 + 8 + 288 * 10 + 10
        assert record.costs.params == weights
        assert record.costs.weight_bytes == (weights + 16) * size + 8  # running statistics, and how many batches
        assert record.costs.flops == 8 * 27 * 36 + 2880
        Path("run").rename(dtype)


@pytest.mark.parametrize(
    ("name", "given"), [("modulated", "1x4x16x16"), ("volumes", "1x2x6x8x8"), ("lazy", "1x3x8x8"), ("rotary", "2x7x16")]
)
def test_each_tensor_takes_the_layout_that_it_has(cli: Cli, name: str, given: str) -> None:
    assert measured(cli, name, "--input", given, "--layout", "nhwc").failure is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("mixed", "bfloat16 and float32"),
        ("mixed_half", "float16 and float32"),
        ("mixed_double", "float32 and float64"),
        ("automatic", "bfloat16 and float32"),
    ],
)
def test_mixed_precision_is_measured_as_it_is(cli: Cli, name: str, kept: str) -> None:
    record = measured(cli, name, "--input", "2x16")
    assert record.failure is None
    assert kinds(record) == {"mixed": kept}
    assert record.costs
    first = {"bfloat16": 2, "float16": 2, "float64": 8}[kept.replace("float32", "").replace("and", "").strip()]
    assert record.costs.weight_bytes == 272 * first + 68 * 4


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("doubled", "its weights are float64: give --dtype float64"),
        ("halved", "its weights are float16: give --dtype float16"),
        ("uncast", "its weights are bfloat16 and float32, and it cannot be called with them"),
        ("meta", "its weights are on the meta device"),
        ("half_meta", "its weights are on the meta device"),
        ("fake", "its weights are fake tensors"),
    ],
)
def test_what_has_no_one_meaning_is_refused_with_the_way_out(cli: Cli, name: str, error: str) -> None:
    found = cli("network", OWN + name, "--input", "2x16", *FAKE, "--output", "run")
    assert found.code == 4
    assert error in found.err
    assert len(found.err.splitlines()) == 1


@pytest.mark.parametrize(("name", "dtype"), [("doubled", "float64"), ("halved", "float16"), ("uncast", "bfloat16")])
def test_the_way_out_leads_out(cli: Cli, name: str, dtype: str) -> None:
    record = measured(cli, name, "--input", "2x16", "--dtype", dtype)
    assert record.failure is None
    assert kinds(record) == {}


@pytest.mark.parametrize(
    ("name", "words", "params"),
    [
        ("network", ("--size", "16"), 224),
        ("counting", ("--input", "1x8"), 72),
        ("scripted", ("--input", "1x8"), 72),
    ],
)
@pytest.mark.usefixtures("measured_anew")
def test_a_network_instead_of_a_function_is_taken_as_it_is(
    cli: Cli, name: str, words: tuple[str, ...], params: int
) -> None:
    record = measured(cli, name, *words)
    assert record.failure is None
    assert record.costs
    assert record.costs.params == params
    assert as_written.counting.calls == 0
    assert record.code
    assert record.code.file.endswith("as_written.py")
    text = Path(as_written.__file__).read_text().splitlines()
    assert text[record.code.line - 1].strip().startswith(name)


def test_a_network_instead_of_a_function_takes_no_arguments_and_must_be_copied(cli: Cli) -> None:
    found = cli("network", f"{OWN}uncopied", "--input", "1x8", *FAKE, "--output", "run")
    assert found.code == 2
    assert "cannot be copied (TypeError: it holds a lock): give a function that makes it" in found.err
    Path("s.toml").write_text(
        f'[[family]]\nname = "a"\nnetwork = "{OWN}counting"\nshape = [8]\narguments = {{ width = 3 }}\n'
    )
    found = cli("run", "s.toml", *FAKE, "--output", "run")
    assert found.code == 2
    assert "is a network and no function: it takes no arguments" in found.err


LIVE: list[tuple[str, nn.Module, Any]] = [
    ("", as_written.Rotary(), (2, 7, 16)),
    ("", as_written.ComplexLinear(), torch.randn(2, 4, dtype=torch.complex64)),
    ("", as_written.Masked("minus"), (4, 16)),
    ("", as_written.Mixed(torch.bfloat16), (2, 16)),
    ("", nn.LazyLinear(4), (2, 16)),
    ("its weights are float64: give --dtype float64", nn.Linear(16, 16).double(), (2, 16)),
    ("its weights are on the meta device", nn.Linear(16, 16, device="meta"), (2, 16)),
]


@pytest.mark.parametrize(("error", "network", "inputs"), LIVE)
def test_a_network_that_is_given_in_python_is_treated_alike(
    tools: Callable[..., Any], error: str, network: nn.Module, inputs: Any
) -> None:
    settings: Any = {"device": "fake", "launches": 1, "output": "run", "tools": tools()}
    if error:
        with pytest.raises(benchcli.NothingMeasuredError, match=error):
            benchcli.measure({"mine": network}, inputs=inputs, **settings)
    else:
        assert benchcli.measure({"mine": network}, inputs=inputs, **settings).records[0].failure is None


def test_inputs_without_values_are_refused_in_python() -> None:
    with pytest.raises(benchcli.UserError, match="the inputs are on the meta device"):
        benchcli.measure({"mine": nn.Linear(16, 16)}, inputs=torch.zeros(2, 16, device="meta"))


@pytest.mark.parametrize("name", ["denormal", "decaying"])
def test_denormal_numbers_are_named_and_can_be_taken_for_zero(cli: Cli, name: str) -> None:
    record = measured(cli, name, "--input", "8x64")
    (warning,) = (each for each in record.warnings if each.kind == "denormal")
    shares = {"denormal": 0.25, "decaying": 6.6 / 60}  # the last of four layers; 0.2 ** 54 is 1.8e-38
    assert warning.amount == pytest.approx(shares[name], rel=0.15)
    found = cli("network", OWN + name, "--input", "8x64", "--flush-denormal", *FAKE, "--output", "flushed")
    assert found.code == 0
    assert "denormal numbers flushed" in found.out
    assert "are denormal numbers" not in found.out
    run = benchcli.load("flushed")
    assert isinstance(run, Run)
    assert run.records[0].target.flush_denormal
    other = benchcli.load("run")
    assert isinstance(other, Run)
    assert other.details.environment.digest != run.details.environment.digest


def test_flushing_is_refused_where_it_does_nothing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("network", f"{OWN}decaying", "--input", "8x64", "--flush-denormal", "--output", "run")
    found = cli(*words, "--device", "cuda")
    assert found.code == 2
    assert "leave --flush-denormal out" in found.err
    monkeypatch.setattr(torch, "set_flush_denormal", lambda _mode: False)
    found = cli(*words, *FAKE)
    assert (found.code, len(found.err.splitlines())) == (2, 1)
    assert "this processor cannot take denormal numbers for zero: leave --flush-denormal out" in found.err


@pytest.mark.parametrize("name", ["sampler", "shuffling", "lazy"])
def test_random_numbers_of_a_network_are_no_denormal_ones(cli: Cli, name: str) -> None:
    given = {"sampler": "2x16", "shuffling": "32x8", "lazy": "1x3x8x8"}[name]
    record = measured(cli, name, "--input", given, "--allow-random")
    assert record.failure is None
    assert not [each for each in record.warnings if each.kind == "denormal"]


@pytest.mark.parametrize(
    ("values", "share"),
    [
        (torch.tensor([1.0, 1e-39, 0.0, 0.0]), 0.5),
        (torch.tensor([1.0, 1e-310, 0.0], dtype=torch.float64), 0.5),
        (torch.tensor([1e-39, 1e-39], dtype=torch.bfloat16), 1.0),
        (torch.tensor([6e-8, 1e-7], dtype=torch.float16), 0.0),
        (torch.zeros(4), 0.0),
        (torch.tensor([1, 2]), 0.0),
    ],
)
def test_denormal_numbers_are_those_below_the_least_normal_one(values: torch.Tensor, share: float) -> None:
    assert denormals.counted(lambda: values + 0)[1] == share


def test_products_may_be_denormal_where_their_sum_is_zero() -> None:
    left, right = torch.full((8, 300), 3e-33), torch.full((300, 5), 1e-13)
    result, share = denormals.counted(lambda: left @ right)
    assert share == 1.0
    assert torch.equal(result, left @ right)  # type: ignore[arg-type]
    assert denormals.counted(lambda: left @ right * 0 + (left * 1e33) @ (right * 1e13))[1] < 1.0


def test_a_call_that_cannot_be_looked_into_is_made_all_the_same() -> None:
    calls = []

    def call() -> int:
        calls.append(torch._C._len_torch_dispatch_stack())
        if calls[-1]:
            raise RuntimeError("no modes")
        return 3

    assert denormals.counted(call) == (3, 0.0)
    assert calls == [1, 0]
