"""What another tool's count leaves out, by its multiply-adds."""

from benchcli.analysis.left_out import left_out
from benchcli.schema import OperatorCall


def call(operator: str, module: str, flops: int | None) -> OperatorCall:
    return OperatorCall(f"aten.{operator}.default", module, "float32", (), (), flops, 0, 0, 0, 0)


CALLS = (
    call("addmm", "gru", 70),
    call("mm", "gru", 30),
    call("addmm", "encoder.0.proj", 11),
    call("sdpa", "encoder.0", 7),
    call("addmm", "head", 5),
    call("relu", "head", None),
)


def test_the_operator_or_the_module_that_makes_the_difference_is_named() -> None:
    assert left_out(CALLS, 100) == ("gru",)
    assert left_out(CALLS, 7) == ("aten.sdpa",)
    assert left_out(CALLS, 18) == ("encoder",)  # and not its child with what the child leaves over
    assert left_out(CALLS, 105) == ("gru", "head")


def test_a_difference_that_nothing_makes_is_not_explained() -> None:
    assert left_out(CALLS, 1) == ()
    assert left_out(CALLS, 0) == ()
    assert left_out(CALLS, -5) == ()


def test_of_equal_layers_none_is_named() -> None:
    """Only one of them may be dead code, and a sum does not tell which."""
    equal = [call("convolution", name, 64) for name in ("first", "last")]
    assert left_out(equal, 64) == ()
    assert left_out([*equal, call("convolution", "only", 32)], 32) == ("only",)


def test_an_operator_is_not_named_where_a_module_of_other_calls_makes_the_same_sum() -> None:
    encoder = [call("addmm", "encoder.0.linear1", 40), call("sdpa", "encoder.0", 24), call("addmm", "head", 5)]
    assert left_out([*encoder, call("convolution", "stem", 64)], 64) == ()
    assert left_out([*encoder, call("convolution", "stem", 63)], 64) == ("encoder",)
    assert left_out([call("convolution", "stem", 64), call("mm", "head", 5)], 64) == ("aten.convolution",)


def test_an_operator_that_tools_lack_is_named_though_layers_make_the_same_sum() -> None:
    layers = [call("addmm", f"{block}.proj", 8) for block in ("first", "second")]
    attention = [call("sdpa", block, 8) for block in ("first", "second")]
    assert left_out([*layers, *attention], 16) == ("aten.sdpa",)
    assert left_out([*layers, *attention[:1]], 8) == ("aten.sdpa",)
