"""What an audit concludes from times of layers and of rebuilt ones."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from benchcli.analysis.audit_findings import (
    AuditFinding,
    Suspect,
    Trials,
    findings,
    measured_ones,
    most_won,
    suspects,
    what_if,
)
from benchcli.analysis.call_times import CallTimes, call_times
from benchcli.analysis.joint_gain import together
from benchcli.analysis.slow_here import slow_kernels
from benchcli.schema import Failure, Family, Interval, Layer, Layers, OperatorCall, Sample, Variant
from benchcli.schema.roofs import CacheLevel, Peak, Roofs
from benchcli.workloads.guidelines.base import Audit, Breach, Edge, Repair
from benchcli.workloads.layer_chain import chain_of, text_of

BEFORE, AFTER = "conv 16>64 k1x1", "conv 32>32 k1x1"
NAMES = f"{BEFORE} on 16x8x8", f"{AFTER} on 32x8x8"
SURE = Interval(1.0, 1.0, 1.0)
FIFTH = Interval(0.2, 0.18, 0.22)


def call(module: str, operator: str = "aten.relu.default", mac_bytes: int = 100, flops: int = 0) -> OperatorCall:
    return OperatorCall(operator, module, "float32", ((1, 8),), ((1, 8),), flops, 8, 0, mac_bytes, mac_bytes, (None,))


def layers(launch: int, call_s: float, **seconds: float) -> Layers:
    own = [Layer(name.replace("_", "."), "Conv2d", 1, each, "", "", 0, 0) for name, each in seconds.items()]
    return Layers("network", "mine", launch, call_s, tuple(own))


def repair(before: str = BEFORE, after: str = AFTER) -> Repair:
    return Repair(chain_of(before), chain_of(after), (16, 8, 8), (32, 8, 8))


def suspect(share: Interval = FIFTH, calls: tuple[int, ...] = (0,), of: Repair | None = None) -> Suspect:
    whole = of or repair()
    return Suspect("g1", "widths", True, "16 to 64", calls, ("a",), SURE, share, calls, share, repair=whole)


def samples(variant: str, seconds: float, launches: int = 8) -> list[Sample]:
    return [Sample(variant, launch, each, 1, seconds, None) for launch in range(launches) for each in range(3)]


def trials(before_s: float, after_s: float) -> Trials:
    taken = {name: samples(name, seconds) for name, seconds in zip(NAMES, (before_s, after_s), strict=True)}
    return Trials(taken, {}, dict.fromkeys(NAMES, 1000), {}, {})


def test_a_modules_time_is_shared_out_by_the_model_of_the_roofline() -> None:
    roofs = Roofs("", "cpu", 1, "", "", {"float32": Peak(1e9, None)}, (CacheLevel("memory", None, {"read": 1e9}),), 0.0)
    calls = [call("a", mac_bytes=100), call("a", mac_bytes=100, flops=200), call("b")]
    launches = [layers(number, 1.0, a=0.4, b=0.1) for number in range(6)]
    times = call_times(launches, calls, roofs)
    assert times.time_of([0]).estimate == pytest.approx(0.1)
    assert times.time_of([1]).estimate == pytest.approx(0.3)
    assert times.share_of([1, 2]).estimate == pytest.approx(0.4)
    assert call_times(launches, calls, None).time_of([0]).estimate == pytest.approx(0.2)


def test_a_module_that_was_not_timed_counts_for_the_one_that_holds_it() -> None:
    times = call_times([layers(0, 1.0, a=0.4)], [call("a.compiled.inside"), call("gone")], None)
    assert times.time_of([0]).estimate == pytest.approx(0.4)
    assert times.time_of([1]).estimate == 0.0


def test_the_gain_is_the_share_times_what_the_rebuilt_layers_win() -> None:
    (found,) = findings([suspect()], trials(4.0, 3.0))
    assert found.speed
    assert found.speed.estimate == pytest.approx(4 / 3)
    assert found.gain
    assert (found.gain.estimate, found.gain.low, found.gain.high) == pytest.approx((0.05, 0.045, 0.055))
    assert (found.judgement, found.flops_change) == ("gain", 0.0)
    assert (found.before, found.after) == (BEFORE, AFTER)


def test_the_gain_of_element_wise_work_is_of_the_convolution_that_was_rebuilt_with_it() -> None:
    small, large = Interval(0.2, 0.2, 0.2), Interval(0.8, 0.8, 0.8)
    (found,) = findings([replace(suspect(small, (1,)), rebuilt=(0, 1), rebuilt_share=large)], trials(4.0, 3.0))
    assert found.gain
    assert found.share == small
    assert found.gain.estimate == pytest.approx(0.2)
    conv = replace(findings([suspect(calls=(0,))], trials(4.0, 3.0))[0])
    assert together([found, conv])[1] == [found]  # both rebuild the convolution


@pytest.mark.parametrize(
    ("gain", "judgement"),
    [
        (Interval(0.05, 0.04, 0.06), "gain"),
        (Interval(-0.05, -0.06, -0.04), "loss"),
        (Interval(0.001, -0.002, 0.004), "no gain"),
        (Interval(0.003, 0.002, 0.004), "no gain"),
        (Interval(0.0, 0.0, 0.0), "no gain"),
        (Interval(0.02, -0.01, 0.05), "undecided"),
        (Interval(0.02), "undecided"),
        (None, "not measured"),
    ],
)
def test_a_gain_is_judged_by_its_whole_interval(gain: Interval | None, judgement: str) -> None:
    assert replace(findings([suspect()], trials(1, 1))[0], gain=gain).judgement == judgement


def test_why_nothing_was_measured_is_said() -> None:
    small = suspect(Interval(0.001, 0.001, 0.001))
    unbuilt = replace(suspect(), repair=None)
    broken = replace(trials(1, 1), failures={NAMES[1]: Failure("failed", "no memory")})
    nothing = Trials({}, {}, {}, {}, {"eager:fold": "nothing to fold"})
    whole = replace(suspect(), repair=None, runtime="eager:fold")
    assert [each.why for each in findings([small, unbuilt, whole, suspect()], nothing)] == [
        *(
            "no layers can be rebuilt for it",
            "nothing to fold",
            "no rebuilt layers were timed, or the audit has lost their folder",
        ),
        "under 1 % of the time",
    ]
    assert findings([suspect()], broken)[0].why == "no memory"


def test_a_changed_network_wins_by_its_own_speed() -> None:
    whole = replace(suspect(), repair=None, runtime="eager:fold")
    speeds = Trials({}, {}, {}, {"eager:fold": Interval(1.25, 1.0, 2.0)}, {})
    (found,) = findings([whole], speeds)
    assert found.gain
    assert (found.gain.estimate, found.gain.low, found.gain.high) == pytest.approx((0.2, 0.0, 0.5))


def test_no_operator_call_is_counted_twice() -> None:
    def won(gain: float, *calls: int) -> AuditFinding:
        return replace(findings([suspect(calls=calls)], trials(1, 1))[0], gain=Interval(gain, gain - 0.01, gain + 0.01))

    total, which = together([won(0.03, 1, 2), won(0.1, 2, 3), won(0.05, 4), won(-0.2, 5), won(0.005, 6)])
    assert [each.calls for each in which] == [(2, 3), (4,)]
    assert total
    assert (total.estimate, total.low, total.high) == pytest.approx((0.15, 0.13, 0.17))
    assert together([won(0.005, 6)]) == (None, [])
    several = [won(0.12, 1, 2, 3), *(won(0.05, call) for call in (1, 2, 3))]
    assert [each.calls for each in together(several)[1]] == [(1,), (2,), (3,)]


def test_the_share_of_functions_that_the_model_takes_for_copies_is_by_the_time_of_the_layers() -> None:
    """Twice 4 ms by themselves, and by the model 6 ms together: a third more than its fifth of the network."""
    whole = replace(suspect(Interval(0.2, 0.19, 0.21)), rebuilt_s=Interval(6e-3, 5.9e-3, 6.1e-3), occurrences=2)
    of_model, of_time = (
        findings([replace(whole, is_modelled=each)], trials(4e-3, 2e-3))[0].gain for each in (False, True)
    )
    assert of_model
    assert of_time
    assert (of_model.estimate, of_time.estimate) == pytest.approx((0.1, 0.2 * (8 / 6) / 2))
    assert (of_time.low, of_time.high) == pytest.approx((0.19 / 2, 0.21 * (8 / 6) / 2))


def test_two_repairs_that_share_a_tensor_agree_on_its_channels() -> None:
    """Each widens 16 to 64 channels, the second one what the first one wrote."""
    calls = [replace(call("a"), producers=(before,)) for before in (None, 0, 1, 0)]
    edges = [tuple(Breach((number,), "", repair()).edges(calls)) for number in (1, 2, 3)]
    assert edges == [((0, 32), (1, 32)), ((1, 32), (2, 32)), ((0, 32), (3, 32))]
    narrow = tuple(Breach((2,), "", repair(after="conv 32>8 k1x1")).edges(calls))
    other = tuple(Breach((1,), "", repair(after="conv 32>8 k1x1")).edges(calls))

    def won(number: int, gain: float, found: tuple[Edge, ...]) -> AuditFinding:
        (one,) = findings([replace(suspect(calls=(number,)), edges=found)], trials(1, 1))
        return replace(one, gain=Interval(gain, gain - 0.01, gain + 0.01))

    fitting = [won(1, 0.1, edges[0]), won(2, 0.05, narrow), won(3, 0.02, edges[2])]
    assert together(fitting)[1] == fitting
    assert together([won(1, 0.1, other), *fitting[1:]])[1] == [won(1, 0.1, other), fitting[2]]
    joined = replace(calls[2], producers=(1, 0))  # an addition of what an earlier call wrote
    whole = Breach((1, 2), "", repair(after="conv 32>8 k1x1; add"))
    assert set(whole.edges([*calls[:2], joined])) == {(0, 32), (2, 8)}
    assert not list(Breach((1,), "").edges(calls))


@pytest.mark.parametrize(("ratio", "gain"), [(1.0, 0.05), (0.9, 0.2 * (1 - 3 / 3.6)), (1.2, 0.05), (0.0, 0.05)])
def test_fewer_multiply_adds_are_no_gain(ratio: float, gain: float) -> None:
    counts = {NAMES[0]: 1000, NAMES[1]: round(1000 * ratio)}
    (found,) = findings([suspect()], replace(trials(4.0, 3.0), flops=counts))
    assert found.gain
    assert found.speed
    assert (found.gain.estimate, found.speed.estimate) == pytest.approx((gain, 4 / 3))


def test_gains_come_first_and_then_what_is_undecided() -> None:
    wide = suspect(Interval(0.9, 0.01, 0.99))
    unsure = Trials({}, {}, {}, {"eager:fold": Interval(3.0, 0.5, 9.0)}, {})
    whole = replace(suspect(), repair=None, runtime="eager:fold")
    found = findings(
        [whole, suspect(), replace(wide, repair=None)], replace(trials(4.0, 3.0), runtimes=unsure.runtimes)
    )
    assert [each.judgement for each in found] == ["gain", "undecided", "not measured"]


def test_slow_kernels_of_one_kind_are_one_finding() -> None:
    roofs = Roofs("", "cpu", 1, "", "", {"float32": Peak(1e9, None)}, (CacheLevel("memory", None, {"read": 1e9}),), 0.0)
    calls = [call(name, "aten.cat.default", mac_bytes=1000) for name in "abcd"]  # 1 µs at the roof
    launches = [layers(number, 9e-4, a=1e-5, b=2e-5, c=2e-6, d=4e-6) for number in range(6)]
    (found,) = slow_kernels(calls, call_times(launches, calls, roofs), roofs)
    assert (found.reason, found.places, found.calls) == ("cat at 5 to 10 % of the roof", ("a", "b"), (0, 1))
    assert found.share.estimate == pytest.approx(1 / 30)
    quicker = [layers(number, 2e-3, a=1e-5, b=2e-5, c=2e-6, d=4e-6) for number in range(6)]
    assert not list(slow_kernels(calls, call_times(quicker, calls, roofs), roofs))  # too little of the time


def test_the_largest_suspects_are_measured_and_equal_layers_once() -> None:
    several = [suspect(Interval(0.5 / number)) for number in range(1, 60)]
    assert len(measured_ones(several)) == 16
    like = Family(
        "network", "", 1, "own", 2, "bfloat16", "nhwc", (Variant("mine", "m:f", {}, (3, 8, 8), "3"),), first="x"
    )
    family = what_if([*several, suspect(of=repair(AFTER, BEFORE))], like)
    assert family
    assert [(each.name, each.params["layers"]) for each in family.variants] == [
        *((NAMES[0], BEFORE), (NAMES[1], AFTER)),
        *((f"{AFTER} on 16x8x8", AFTER), (f"{BEFORE} on 32x8x8", BEFORE)),
    ]
    assert (family.batch, family.dtype, family.layout, family.first) == (2, "bfloat16", "nhwc", "")
    assert what_if([], like) is None


def test_what_would_win_too_little_at_the_peak_is_not_measured() -> None:
    roofs = Roofs("", "cpu", 1, "", "", {"float32": Peak(1e9, None)}, (CacheLevel("memory", None, {"read": 1e9}),), 0.0)
    calls = [call("a", flops=1_000_000_000)]  # 1 s at the peak, 0.8 s at 1.25 of it

    def most(seconds: float, of: Repair | None = None) -> float | None:
        taken = replace(suspect(of=of), rebuilt_s=Interval(seconds))
        return most_won(taken, calls, roofs)

    assert most(1.6) == pytest.approx(0.2 * 0.5)
    assert most(0.8) == most(0.4) == 0.0
    windows = repair(after="(conv 32>32 k3x3 p1x1; relu | conv 32>32 k1x1) sum")
    assert most(0.8, windows) == pytest.approx(0.2 * 0.75)  # minimal filtering has a quarter of the products
    assert most_won(replace(suspect(), rebuilt_s=SURE), calls, None) is None
    near = replace(suspect(), most=0.005)
    assert measured_ones([near, replace(near, most=0.05), replace(near, most=None)]) == [
        replace(near, most=0.05),
        replace(near, most=None),
    ]
    (found,) = findings([near], Trials({}, {}, {}, {}, {}))
    assert found.why == "at the measured peak it would win 0.50 % of the time"


def test_equal_breaches_are_one_suspect_and_the_largest_come_first() -> None:
    from benchcli.workloads.guidelines.base import AUDITS

    calls = [call("a", "aten.add.Tensor"), call("b", "aten.add.Tensor"), call("c", "aten.cat.default")]
    times = call_times([layers(0, 1.0, a=0.1, b=0.1, c=0.5)], calls, None)
    found = suspects(calls, times, [AUDITS["g4"]])
    assert [(each.reason, each.places, each.calls) for each in found] == [
        ("cat: moves data", ("c",), (2,)),
        ("add: element-wise", ("a", "b"), (0, 1)),
    ]
    assert [each.share.estimate for each in found] == pytest.approx([0.5, 0.2])
    assert text_of(repair().before) == BEFORE


@pytest.mark.parametrize(
    ("calls", "modelled"), [((0,), True), ((0, 1), False), ((2,), False), ((0, 2), True), ((4,), False), ((3,), True)]
)
def test_a_part_of_a_module_has_the_models_share(calls: tuple[int, ...], modelled: bool) -> None:
    """The last module's second call is a fiftieth of it, which says nothing of the first."""
    times = CallTimes({0: [1.0] * 5}, {0: 5.0}, (1.0, 1.0, 2.0, 0.02, 0.98), ((0, 1), (2,), (3, 4)))
    assert times.is_modelled(calls) == modelled


def test_what_shares_a_module_with_a_modelled_part_is_named() -> None:
    times = CallTimes({0: [1.0] * 5}, {0: 5.0}, (1.0, 1.0, 2.0, 0.02, 0.98), ((0, 1), (2,), (3, 4)))
    assert times.beside([0, 2]) == [1]
    assert times.beside([2, 4]) == []


@pytest.mark.parametrize("path", ["block.conv", "block.inner.conv"])
def test_the_own_work_of_a_block_is_told_apart_by_the_layers_before_it(path: str) -> None:
    calls = [call(path), call("block"), call("block.other"), call("block")]
    times = call_times([layers(0, 1.0, block=0.4, **{path: 0.2, "block.other": 0.2})], calls, None)
    several = [Breach((own,), str(own), repair(), (own - 1, own)) for own in (1, 3)]
    found = suspects(calls, times, [audit_of(several)])
    assert {each.behind for each in found} == {(path,), ("block.other",)}
    assert {each.beside for each in found} == {(calls[1].operator.rpartition(".")[0],)}


def test_what_folds_exactly_wins_by_all_of_its_speed() -> None:
    """Its fewer multiply-adds are its merit: the layers compute the same."""
    counts = {NAMES[0]: 1000, NAMES[1]: 900}
    (found,) = findings([suspect(of=replace(repair(), is_exact=True))], replace(trials(4.0, 3.0), flops=counts))
    assert found.is_exact
    assert found.gain
    assert found.gain.estimate == pytest.approx(0.05)
    assert found.flops_change == pytest.approx(-0.1)


def test_the_networks_own_work_is_told_apart_by_the_layers_before_it() -> None:
    def breach(before: int, own: int) -> Breach:
        return Breach((own,), "relu after a convolution", repair(), (before, own))

    calls = [call("a"), call(""), call("b"), call(""), call("c"), call("d")]
    times = call_times([layers(0, 1.0, a=0.2, b=0.2, c=0.2, d=0.2)], calls, None)
    audit = audit_of([breach(0, 1), breach(2, 3)])
    (found,) = suspects(calls, times, [audit])
    assert (found.places, found.behind) == (("",), ("a", "b"))
    (of_module,) = suspects(calls, times, [audit_of([breach(4, 5)])])
    assert (of_module.places, of_module.behind) == (("d",), ())


def audit_of(several: list[Breach]) -> Audit:
    """Return an audit that finds these."""

    class Found(Audit):
        name = title = claim = source = "found"

        def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
            yield from several

    return Found()


def test_a_modules_time_is_shared_out_by_the_times_of_its_operators_where_they_are_known() -> None:
    calls = [call("a", "aten.upsample_bilinear2d.vec", mac_bytes=100), call("a", mac_bytes=100), call("b")]
    launches = [layers(0, 1.0, a=0.4, b=0.2)]
    assert call_times(launches, calls, None).time_of([1]).estimate == pytest.approx(0.2)
    assert call_times(launches, calls, None, (0.9, 0.1, 5.0)).time_of([1]).estimate == pytest.approx(0.04)
    assert call_times(launches, calls, None, (0.9, 0.1, 5.0)).time_of([2]).estimate == pytest.approx(0.2)
    assert call_times(launches, calls, None, (0.9, 0.1)).time_of([1]).estimate == pytest.approx(0.2)  # of other calls
