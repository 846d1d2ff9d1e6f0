"""The modules and operators to which a difference of costs is due, exactly."""

from benchcli.checks.cost_causes import by_module, by_operator, described
from benchcli.schema import CostDetail, OperatorCall


def call(module: str, operator: str, flops: int | None, mac_bytes: int, elementwise: int = 0) -> OperatorCall:
    return OperatorCall(f"aten.{operator}.default", module, "float32", (), (), flops, elementwise, 0, mac_bytes, 0)


def detail(*calls: OperatorCall) -> CostDetail:
    return CostDetail(calls, {})


STEM = call("stem", "convolution", 100, 40)
BASE = detail(STEM, call("body.0", "convolution", 50, 20), call("body.1", "relu", 0, 8, 4), call("", "add", 0, 12, 4))
HEAD = detail(
    STEM,
    call("body.0", "convolution", 80, 26),
    call("body.2", "relu", 0, 10, 5),
    call("", "add", 0, 12, 4),
    call("", "add", 0, 12, 4),
)


def test_modules_that_differ_are_told_the_largest_difference_first() -> None:
    assert [each.text for each in by_module(BASE, HEAD)] == [
        "body.0 +30 FLOPs, +6 bytes",
        "the network itself +12 bytes",
        "body.2 new +10 bytes",
        "body.1 gone -8 bytes",
    ]


def test_the_differences_add_up_to_that_of_the_network() -> None:
    for changes in (by_module(BASE, HEAD), by_operator(BASE, HEAD)):
        assert sum(each.difference("flops") for each in changes) == 180 - 150
        assert sum(each.difference("mac_bytes") for each in changes) == 100 - 80


def test_operators_have_no_overload() -> None:
    assert [each.text for each in by_operator(BASE, HEAD)] == [
        "aten.convolution +30 FLOPs, +6 bytes",
        "aten.add +12 bytes",
        "aten.relu +2 bytes",
    ]


def test_an_operator_in_place_of_another_of_equal_costs_is_told() -> None:
    then, now = (detail(STEM, call("act", name, 0, 8, 4)) for name in ("relu", "hardtanh"))
    assert described(then, now) == "by operator: aten.relu gone -8 bytes, aten.hardtanh new +8 bytes"


def test_what_costs_nothing_is_told_by_its_calls() -> None:
    assert described(detail(STEM), detail(STEM, call("flat", "view", 0, 0))) == (
        "by module: flat new +1 calls; by operator: aten.view new +1 calls"
    )


def test_the_same_calls_and_unknown_ones_have_no_cause() -> None:
    assert described(BASE, BASE) == described(None, HEAD) == described(BASE, None) == ""


def test_more_than_a_few_are_counted() -> None:
    many = detail(*(call(f"body.{number}", "convolution", 10 - number, 4) for number in range(7)))
    assert described(detail(), many).startswith(
        "by module: body.0 new +10 FLOPs, +4 bytes, body.1 new +9 FLOPs, +4 bytes, body.2 new +8 FLOPs, +4 bytes, "
        "body.3 new +7 FLOPs, +4 bytes, and 3 more; by operator: "
    )
