"""The text of an input: what it means, and what is said of one that means nothing."""

import pytest

from benchcli.errors import UserError
from benchcli.schema import Input
from benchcli.workloads.input_texts import read


@pytest.mark.parametrize(
    ("texts", "batch", "inputs"),
    [
        (["1x3x224x224"], 1, [Input((3, 224, 224))]),
        (["8×3×32×32"], 8, [Input((3, 32, 32))]),
        (["4"], 4, [Input(())]),
        (["1x16:int64:0..29999"], 1, [Input((16,), "", "int64", 0, 29999)]),
        (["2x16:long:-5..5"], 2, [Input((16,), "", "int64", -5, 5)]),
        (["2x16:uint8:0..255", "mask=2x16:bool"], 2, [Input((16,), "", "uint8", 0, 255), Input((16,), "mask", "bool")]),
        (["image = 1x3x8x8:float"], 1, [Input((3, 8, 8), "image")]),
    ],
)
def test_a_text_says_batch_shape_name_dtype_and_range(texts: list[str], batch: int, inputs: list[Input]) -> None:
    assert read(texts) == (batch, tuple(inputs))


@pytest.mark.parametrize(
    ("texts", "way_out"),
    [
        (["3,224,224"], "the batch first, such as 1x3x224x224"),
        ([""], "the batch first"),
        (["1x3x-4"], "the batch first"),
        (["1x0x4"], "a size in 1x0x4"),
        (["0x3"], "a batch size"),
        (["1x16:int64"], "needs the range of its values: 1x16:int64:0..999"),
        (["1x16:int46:0..9"], "did you mean int64"),
        (["1x16:int64:0-9"], "the batch first"),
        (["1x16:int64:a..b"], "is LOW..HIGH in whole numbers"),
        (["1x16:int64:9..0"], "ends before it begins: write 0..9"),
        (["1x16:uint8:0..256"], "uint8 holds 0 to 255"),
        (["1x16:float:0..1"], "a range is for whole numbers"),
        (["1x16", "2x16"], "all inputs begin with one batch, not 1 and 2"),
        (["id8=8:int64:0..8", "x=16"], "not 8 and 16: where it is missing, give it first, as in id8=1x8:int64:0..8"),
        (["a=1x16", "a=1x16"], "a is given twice"),
        (["a=1x16", "1x16"], "inputs without a name come before those with one"),
        (["1x" + "9" * 5000], "the batch first"),
        (["1x١٢"], "the batch first"),
    ],
)
def test_a_text_that_means_nothing_is_answered_with_the_right_form(texts: list[str], way_out: str) -> None:
    with pytest.raises(UserError) as refused:
        read(texts)
    assert way_out in str(refused.value)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400
