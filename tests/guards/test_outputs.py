"""What is compared of outputs, and what passes."""

import math

import pytest
import torch

from benchcli.guards.outputs import (
    References,
    WrongOutputError,
    alike,
    argmax_agreement,
    check,
    fingerprint,
    infinities,
    tolerance_of,
)

INF = float("inf")
VALUES = torch.tensor([1.0, -2.0, -INF, INF])


def refused(output: object, *references: torch.Tensor, **more: float) -> str:
    with pytest.raises(WrongOutputError) as error:
        check(output, References(references, **more))  # type: ignore[arg-type]
    return str(error.value)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_infinities_pass_where_the_reference_has_them(dtype: torch.dtype) -> None:
    check(VALUES.to(dtype), References((VALUES,)))


def test_infinities_at_other_places_or_of_other_signs_do_not_pass() -> None:
    assert refused(torch.tensor([1.0, -INF, -2.0, INF]), VALUES) == "it holds values that are not finite"
    assert refused(-VALUES, VALUES) == "its infinite values are not those of eager float32"
    assert refused(torch.tensor([1.0, -2.0, -INF, 3.0]), VALUES) == "its infinite values are not those of eager float32"
    assert "differs by" in refused(torch.tensor([1.0, -2.1, -INF, INF]), VALUES)


@pytest.mark.parametrize("are_random", [False, True])
def test_nan_does_not_pass_wherever_it_is(are_random: bool) -> None:
    good, bad = torch.tensor([1.0, 2.0]), torch.tensor([1.0, math.nan])
    for output, reference in ((bad, good), (good, bad), (bad, bad)):
        assert refused(output, reference, are_random=are_random) == "it holds values that are not finite"


def test_what_is_infinite_throughout_does_not_pass() -> None:
    endless = torch.full((3,), INF)
    assert refused(endless, endless) == "it holds values that are not finite"
    check((endless, torch.ones(2)), References((endless, torch.ones(2))))


@pytest.mark.parametrize("dtype", [torch.complex64, torch.complex128])
def test_complex_outputs_are_compared_in_both_parts(dtype: torch.dtype) -> None:
    reference = torch.tensor([1 + 2j, 3 - 1j])
    check(reference.to(dtype), References((reference,)))
    assert "differs by" in refused(reference.conj().to(dtype), reference)
    assert "dtype" in refused(reference.real.clone(), reference)
    assert "dtype" in refused(reference.to(dtype), reference.real.clone())


def test_the_dtype_in_which_a_network_computes_sets_the_tolerance() -> None:
    reference = torch.tensor([1.0, 1.0])
    assert "1e-03 is allowed" in refused(reference * 1.01, reference)
    check(reference * 1.01, References((reference,), tolerance_of(["float32", "bfloat16"])))
    assert "2e-02 is allowed" in refused(reference * 1.05, reference, tolerance=tolerance_of(["float16"]))


def test_random_outputs_have_the_shapes_of_the_references() -> None:
    reference = torch.rand(3)
    check(torch.rand(3), References((reference,), are_random=True))
    assert refused(torch.rand(4), reference, are_random=True) == "its shape is (4,), not (3,)"


@pytest.mark.parametrize(
    ("other", "same"),
    [(VALUES.clone(), True), (-VALUES, False), (torch.tensor([1.0, -2.0, -INF, 0.0]), False)],
)
def test_calls_are_alike_with_their_infinities(other: torch.Tensor, same: bool) -> None:
    assert alike((VALUES,), (other,)) is same
    assert alike((torch.complex(VALUES, VALUES),), (torch.complex(VALUES, other),)) is same


def test_a_fingerprint_is_of_finite_values_and_infinities_have_a_hash_of_their_own() -> None:
    moved = torch.tensor([1.0, -2.0, INF, -INF])
    assert all(map(math.isfinite, fingerprint(VALUES)))
    assert fingerprint(VALUES) == fingerprint(moved)
    assert len({infinities(each) for each in (VALUES, moved, torch.ones(4))}) == 3
    assert infinities(torch.ones(4)) == ""
    assert not any(map(math.isfinite, fingerprint(torch.tensor([1.0, math.nan]))))


def test_whole_numbers_are_those_of_eager_float32_but_for_ties() -> None:
    reference = torch.arange(1000)
    tied = reference.clone()
    tied[:10] += 1
    check(tied, References((reference,)))
    tied[10] += 1
    assert refused(tied, reference) == "11 of its 1,000 whole numbers are not eager float32's"
    assert refused(torch.tensor([9002]), torch.tensor([1])) == "1 of its 1 whole numbers are not eager float32's"
    assert refused(torch.tensor([True, False]), torch.tensor([True, True])).startswith("1 of its 2")
    check(tied, References((reference,), tolerance_of(["bfloat16"])))


def test_the_largest_scores_agree_in_a_share_of_the_items() -> None:
    rows = torch.tensor([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.6, 0.4]])
    other = rows + torch.tensor([[0.0, 0.0], [0.0, 0.7], [0.0, 0.0], [0.0, 0.0]])
    assert argmax_agreement(other, References((rows,))) == 0.75
    pixels = rows.T.reshape(1, 2, 2, 2)
    assert argmax_agreement(other.T.reshape(1, 2, 2, 2), References((pixels,))) == 0.75
    tokens = rows.reshape(1, 4, 2)
    assert argmax_agreement((other, other.reshape(1, 4, 2)), References((rows, tokens))) == 0.75
    assert argmax_agreement(other.bfloat16(), References((rows,))) == 0.75


def test_outputs_without_scores_have_no_agreement() -> None:
    values = torch.ones(3, 1)
    assert argmax_agreement(values, References((values,))) is None  # one class
    assert argmax_agreement(values[:, 0], References((values[:, 0],))) is None
    assert argmax_agreement(values.long(), References((values.long(),))) is None
    assert argmax_agreement(torch.ones(3, 2), References((torch.ones(3, 2),), are_random=True)) is None
