"""Times of networks predicted from those of their operators."""

import math
from dataclasses import replace

import pytest

from benchcli.analysis.time_model import LEAST_NETWORKS, MeasuredList, calibrate, kin, predicted, terms_of
from benchcli.sampling.operator_table import OperatorTable
from benchcli.schema.recipes import OperatorList, OperatorRecipe, OperatorTimes, RepeatedOperator

FACTORS, HALF = (1.1, 0.5, 0.25, 3e-6), 16e6


def recipe(number: int) -> OperatorRecipe:
    return OperatorRecipe("aten.relu.default", ({"shape": [1, number]},))


def listed(*numbers: int, times: int = 1, weights: int = 10_000_000, flops: int = 1000) -> OperatorList:
    operators = tuple(RepeatedOperator(recipe(number), times) for number in numbers)
    return OperatorList(operators, flops * len(numbers), 500 * len(numbers), weights)


@pytest.fixture
def table() -> OperatorTable:
    times = {
        recipe(n).key: OperatorTimes(1e-5 * n, 1.5e-5 * n + 1e-6 * (n % 3), 2e-5 * n + 4e-6 * n**2)
        for n in range(1, 20)
    }
    return OperatorTable("digest", times)


def measured(table: OperatorTable, count: int = 12) -> list[MeasuredList]:
    """Return networks whose times are exactly what the factors give."""
    lists = [listed(*range(1, n + 2), times=1 + n % 3, weights=(7 * n + 3) * 1_000_000) for n in range(count)]
    seconds = [sum(f * t for f, t in zip(FACTORS, terms_of(each, table.times, HALF), strict=True)) for each in lists]
    return [MeasuredList(str(n), each, s) for n, (each, s) in enumerate(zip(lists, seconds, strict=True))]


def test_the_factors_of_exact_times_are_found_and_predict_other_networks(table: OperatorTable) -> None:
    table.calibration = calibrate(measured(table), table)
    assert table.calibration.half_bytes == HALF
    assert table.calibration.factors == pytest.approx(FACTORS, abs=1e-9)
    assert table.calibration.errors == pytest.approx([0.0] * 12, abs=1e-6)
    other = listed(3, 17, times=5, weights=100_000_000)
    found = predicted("other", other, table)
    expected = sum(f * t for f, t in zip(FACTORS, terms_of(other, table.times, HALF), strict=True))
    assert found.seconds.estimate == pytest.approx(expected)
    assert found.seconds.holds(expected)
    assert (found.operators, found.lacking) == (10, ())


def test_terms_count_each_call_and_add_what_colder_caches_take(table: OperatorTable) -> None:
    found = terms_of(listed(2, times=3, weights=4_000_000), table.times, 4e6)
    assert found == pytest.approx([6e-5, 3.6e-5, 3.6e-5, 3])


def test_the_range_is_as_wide_as_the_errors_of_networks_that_were_left_out(table: OperatorTable) -> None:
    noisy = [
        MeasuredList(each.name, each.listed, each.seconds * (1.2 if number % 2 else 1 / 1.2))
        for number, each in enumerate(measured(table))
    ]
    table.calibration = calibrate(noisy, table)
    seconds = predicted("other", listed(3, 17), table).seconds
    assert seconds.low
    assert seconds.high
    assert 1.2 < seconds.high / seconds.estimate < 2.0
    assert seconds.high / seconds.estimate == pytest.approx(seconds.estimate / seconds.low)


def test_a_network_is_left_out_with_its_family(table: OperatorTable) -> None:
    """Networks of one family err alike, so that the others of it would hide how far a new one is off."""
    networks = measured(table)
    of_one = {each.name: MeasuredList(f"one-v1-{each.name}", each.listed, 1.5 * each.seconds) for each in networks[:4]}
    found = calibrate([of_one.get(each.name, each) for each in networks], table)
    assert found.errors[:4] == pytest.approx([-math.log(1.5)] * 4)
    assert set(found.seconds) == {*(f"one-v1-{n}" for n in range(4)), *map(str, range(4, 12))}


def test_a_network_that_is_unlike_the_calibration_has_no_range(table: OperatorTable) -> None:
    found = calibrate(measured(table), table)
    table.calibration = replace(found, seconds={name: 1e-3 + seconds for name, seconds in found.seconds.items()})
    short = predicted("short", listed(1), table)
    assert (short.seconds.low, short.unlike) == (
        None,
        "it takes less than half as long as the fastest network of the calibration, 1.02 ms",
    )
    table.calibration = found
    gru = OperatorRecipe("aten.gru.input", ({"shape": [1, 8]},))
    table.times[gru.key] = OperatorTimes(1e-3, 1e-3, 1e-3)
    foreign = replace(listed(3, 17), operators=(*listed(3, 17).operators, RepeatedOperator(gru, 2)))
    other = predicted("foreign", foreign, table)
    assert (other.seconds.low, other.lacking) == (None, ())
    assert other.unlike == "no network of the calibration has aten.gru.input, in which much of its time is"
    assert predicted("known", listed(3, 17), table).unlike == ""


def test_a_network_faster_than_the_calibration_has_the_range_of_the_fastest_in_seconds(table: OperatorTable) -> None:
    found = replace(calibrate(measured(table), table), errors=(0.05, -0.05) * 6)
    seconds = predicted("short", listed(1), replace(table, calibration=found)).seconds.estimate

    def wide(fastest: float) -> float:
        table.calibration = replace(found, seconds=dict.fromkeys(found.seconds, fastest))
        high = predicted("short", listed(1), table).seconds.high
        return math.log((high or 0.0) / seconds)

    assert wide(0.5 * seconds) == pytest.approx(wide(seconds)) == pytest.approx(wide(1.5 * seconds) / 1.5)
    assert wide(seconds) > 0.05


def test_operators_that_were_disturbed_are_named(table: OperatorTable) -> None:
    table.calibration = calibrate(measured(table), table)
    table.disturbed = (recipe(3).key,)
    assert predicted("one", listed(3, 17), table).disturbed == (str(recipe(3)),)
    assert predicted("other", listed(4, 17), table).disturbed == ()


def test_the_fewer_families_the_wider_the_range(table: OperatorTable) -> None:
    """Networks of one family err alike: twelve of two say less than twelve of twelve."""
    table.calibration = calibrate(measured(table), table)
    table.calibration = replace(table.calibration, errors=(0.1, -0.1) * 6)
    wide = predicted("other", listed(3, 17), table).seconds
    names = dict(zip((f"{'ab'[n % 2]}-{n}" for n in range(12)), table.calibration.seconds.values(), strict=True))
    table.calibration = replace(table.calibration, seconds=names)
    wider = predicted("other", listed(3, 17), table).seconds
    assert wide.relative_half_width is not None
    assert wider.relative_half_width is not None
    assert wider.relative_half_width > 3 * wide.relative_half_width


@pytest.mark.parametrize(
    ("name", "family"), [("shufflenet-v1-0.25x-g8", "shufflenet-v1"), ("resnet-50-2016", "resnet"), ("7", "7")]
)
def test_the_family_of_a_network_is_in_its_name(name: str, family: str) -> None:
    assert kin(name) == family


def test_what_the_table_lacks_is_named_with_the_reason(table: OperatorTable) -> None:
    table.calibration = calibrate(measured(table), table)
    table.failures[recipe(30).key] = "it needs a mask"
    found = predicted("other", listed(1, 30, 31), table)
    assert found.lacking == (
        "aten.relu.default of 1x30 (it needs a mask)",
        "aten.relu.default of 1x31",
    )
    assert found.seconds.estimate == pytest.approx(predicted("known", listed(1), table).seconds.estimate)


def test_simpler_models_stand_beside_it(table: OperatorTable) -> None:
    networks = [MeasuredList(str(n), listed(*range(1, n + 2)), 2e-9 * 1000 * (n + 1)) for n in range(8)]
    table.calibration = calibrate(networks, table)
    found = predicted("other", listed(1, 2, 3), table)
    assert found.by_flops_s == pytest.approx(2e-9 * 3000)
    assert found.by_bytes_s == pytest.approx(4e-9 * 1500)
    assert found.additive_s == pytest.approx(2e-9 * 3000)


def test_too_few_networks_calibrate_nothing(table: OperatorTable) -> None:
    with pytest.raises(ValueError, match="5 networks are too few: 6 are needed"):
        calibrate(measured(table, LEAST_NETWORKS - 1), table)
    with pytest.raises(ValueError, match="not calibrated"):
        predicted("other", listed(1), table)
