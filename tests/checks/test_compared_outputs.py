"""When head's output is that of base."""

import re
from dataclasses import replace
from typing import Any

import pytest
import torch

from benchcli.checks.compared_outputs import output_outcome
from benchcli.guards.output_parts import described, plain
from benchcli.schema import Output

FEATURES, LOGITS = 1000 * torch.ones(512), torch.linspace(-1, 1, 10)


def outcome(base: Any, head: Any) -> tuple[str, str]:
    return output_outcome(*(described(each, plain(each)) for each in (base, head)))


@pytest.mark.parametrize("factor", [-1.0, 0.0, 1.01])
def test_a_large_tensor_hides_no_change_of_a_small_one(factor: float) -> None:
    found, text = outcome((FEATURES, LOGITS), (FEATURES, factor * LOGITS))
    assert found == "changed"
    assert "the output [1] differs by" in text
    assert "--allow output" in text


def test_each_output_that_differs_is_named() -> None:
    ids = torch.arange(4)
    then = {"ids": ids, "nested": [LOGITS, {"loss": LOGITS}], "same": LOGITS}
    now = {"ids": ids + 1, "nested": [2 * LOGITS, {"loss": 1.5 * LOGITS}], "same": LOGITS}
    found, text = outcome(then, now)
    assert found == "changed"
    assert "3 of 4 outputs differ: ids in its whole numbers, nested[0] by 100.0 %, nested[1].loss by 50.0 % (" in text


def test_rounding_is_no_change() -> None:
    assert outcome((FEATURES, LOGITS), (FEATURES, LOGITS * (1 + 1e-6))) == ("same", "the same output")
    assert outcome({"x": LOGITS, "loss": 0.5}, {"x": LOGITS, "loss": 0.5 + 1e-7}) == ("same", "the same output")


BIAS, SIGNAL = torch.linspace(1, 2, 100), torch.linspace(-1, 1, 100).sin()


def on_two(first: torch.Tensor, other: torch.Tensor) -> Output:
    """Return an output for an input, and for another one."""
    return replace(described(first, plain(first)), on_others=described(other, plain(other)))


@pytest.mark.parametrize("share", [1e-2, 2e-3, 1e-3, 1e-4])
def test_a_network_that_ignores_its_input_is_changed_however_little_of_its_output_depends_on_it(share: float) -> None:
    """With drawn weights most of an output is the bias of the last layer, beside which the rest looks small."""
    base = on_two(BIAS + share * SIGNAL, BIAS - share * SIGNAL)
    found, text = output_outcome(base, on_two(BIAS, BIAS))
    assert found == "changed"
    assert "the output differs by" in text
    rounded = on_two((BIAS + share * SIGNAL) * (1 + 1e-6), BIAS - share * SIGNAL)
    assert output_outcome(base, rounded)[0] == ("same" if share > 1e-3 else "inconclusive")


def test_what_hardly_depends_on_its_input_says_so() -> None:
    base = on_two(BIAS + 1e-6 * SIGNAL, BIAS - 1e-6 * SIGNAL)
    found, text = output_outcome(base, base)
    assert found == "inconclusive"
    assert re.fullmatch(r"the same output, of which only \de-\d+ % depends on the input: a change of it .*", text)


def test_what_does_not_depend_on_its_input_at_all_says_so() -> None:
    base = on_two(BIAS, BIAS)
    found, text = output_outcome(base, base)
    assert (found, text[:58]) == ("inconclusive", "the same output, of which nothing depends on the input: a ")


def normalised(first: Output, second: Output, *sizes: int) -> Output:
    return replace(first, normalisations=sizes or (64, 64), normalised=second)


def test_batch_normalisations_on_their_inputs_show_a_change_that_the_output_hides() -> None:
    deaf, hears, other = on_two(BIAS, BIAS), on_two(SIGNAL, -SIGNAL), on_two(SIGNAL.abs(), -SIGNAL)
    assert output_outcome(normalised(deaf, hears), normalised(deaf, hears)) == ("same", "the same output")
    found, text = output_outcome(normalised(deaf, hears), normalised(deaf, other))
    assert found == "changed"
    assert text.startswith("with batch-normalisations on the statistics of their inputs, with the same seed and input")


def test_they_tell_nothing_of_a_head_that_has_other_ones_or_that_the_output_shows_to_be_the_same() -> None:
    deaf, hears, other = on_two(BIAS, BIAS), on_two(SIGNAL, -SIGNAL), on_two(SIGNAL.abs(), -SIGNAL)
    folded, two_images_at_once = normalised(deaf, other, 64), normalised(deaf, other, 128)
    assert output_outcome(normalised(deaf, hears), folded)[0] == "inconclusive"
    assert output_outcome(normalised(deaf, hears), two_images_at_once)[0] == "inconclusive"
    assert output_outcome(normalised(deaf, hears), deaf)[0] == "inconclusive"
    assert output_outcome(normalised(deaf, deaf), normalised(deaf, deaf))[0] == "inconclusive"
    assert output_outcome(normalised(hears, hears), normalised(hears, other))[0] == "same"


def test_another_number_of_threads_is_a_change_that_no_time_shows() -> None:
    plain_one, sixteen = on_two(SIGNAL, -SIGNAL), replace(on_two(SIGNAL, -SIGNAL), threads=16)
    found, text = output_outcome(plain_one, sixteen)
    assert found == "changed"
    assert text.startswith("head's code sets torch's threads to 16, and base's leaves torch's threads as")
    assert output_outcome(sixteen, plain_one)[1].startswith(
        "head's code leaves torch's threads as they are, and base's "
    )
    assert output_outcome(sixteen, sixteen)[0] == "same"


def test_an_output_that_depends_on_its_input_may_differ_by_as_much_as_before() -> None:
    base = on_two(SIGNAL, -SIGNAL)
    assert output_outcome(base, on_two(SIGNAL * (1 + 9e-4), -SIGNAL)) == ("same", "the same output")
    assert output_outcome(base, on_two(SIGNAL * (1 + 2e-3), -SIGNAL))[0] == "changed"


@pytest.mark.parametrize(
    ("base", "head", "text"),
    [
        (torch.tensor([3]), torch.tensor([9004]), "the output differs in its whole numbers; "),
        (
            torch.arange(64),
            torch.arange(64).index_fill(0, torch.tensor(5), 1),
            "the output differs in its whole numbers; ",
        ),
        (LOGITS > 0, LOGITS > 0.2, "the output differs in its whole numbers; "),
        (torch.arange(3).int(), torch.arange(3).float(), "its output is float32, and was int32"),
        (LOGITS, LOGITS.double(), "its output is float64, and was float32"),
        ({"x": LOGITS, "n": 5}, {"x": LOGITS, "n": 7}, "its output n is int 7, and was int 5"),
        ({"x": LOGITS, "n": 5}, {"x": LOGITS}, "its output is dict 'x', and was dict 'n', 'x'"),
        ({"x": LOGITS, "n": "cat"}, {"x": LOGITS, "n": "dog"}, "its output n is str 'dog', and was str 'cat'"),
        ({"x": LOGITS, "loss": 0.5}, {"x": LOGITS, "loss": 0.6}, "the output loss differs by 20"),
        ([LOGITS, 1], (LOGITS, 1), "its output is tuple, and was list"),
        ((LOGITS, None), (LOGITS, False), "its output [1] is bool False, and was NoneType None"),
        (LOGITS, (LOGITS,), "its outputs are [0], and were a tensor alone"),
    ],
)
def test_dtypes_structure_and_plain_values_are_compared(base: object, head: object, text: str) -> None:
    found, said = outcome(base, head)
    assert found == "changed"
    assert text in said
    assert outcome(base, base) == ("same", "the same output")
