"""What a call of a network counts: images, tokens or other items."""

import pytest
import torch

from benchcli.cost.inputs import Inputs
from benchcli.sampling.example_inputs import tokens_of

IDS, NUMBERS = torch.zeros(2, 8, dtype=torch.int64), torch.zeros(2, 16)


@pytest.mark.parametrize(
    ("inputs", "tokens"),
    [
        (Inputs((IDS,)), 16),
        (Inputs((IDS,), {"mask": torch.ones(2, 8, dtype=torch.bool)}), 16),
        (Inputs((IDS, NUMBERS)), None),
        (Inputs((NUMBERS,)), None),
        (Inputs((torch.zeros(2, dtype=torch.int64),)), None),
    ],
    ids=["a sentence", "with a mask", "a row of a table", "numbers", "one class each"],
)
def test_tokens_are_those_of_sentences(inputs: Inputs, tokens: int | None) -> None:
    assert tokens_of(inputs) == tokens
