"""The sentences with which a report begins, on the kept runs."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchcli.api.recorded import load, together
from benchcli.api.run_result import Run
from benchcli.reports.views.answers import of_run
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Interval, Record

KEPT = Path(__file__).parents[3] / "results" / "reference"


def answers(name: str) -> tuple[str, ...]:
    run = load(KEPT / name)
    assert isinstance(run, Run)
    return run.drawn.answers


def test_each_guideline_has_one_sentence_with_all_its_scales() -> None:
    found = answers("paper-epyc")
    assert found[0] == (
        "✓ G1 (equal channel width) holds at ×1, ×2, ×4: 1:12 runs at 0.73 to 0.87 of the speed of 1:1 at equal FLOPs"
    )
    assert [each[:4] for each in found] == ["✓ G1", "✓ G2", "✓ G3", "✓ G4"]


def test_a_single_verdict_has_its_interval() -> None:
    assert answers("g2-epyc") == (
        "✓ G2 (group convolution) holds: g=8 runs at 0.643 ± 0.003 of the speed of g=1 at equal FLOPs",
    )


def test_networks_have_a_fastest_a_slowest_and_a_front() -> None:
    fastest, front = answers("networks-epyc")
    run = load(KEPT / "networks-epyc")
    assert isinstance(run, Run)
    timed = {each.variant.name: each.timing.seconds.estimate for each in run.records if each.timing}
    first, last = min(timed, key=lambda name: timed[name]), max(timed, key=lambda name: timed[name])
    assert fastest.startswith(f"{first} (")
    assert f", {last} (" in fastest
    assert front.startswith(f"Pareto front, from fastest to most accurate: {first}, ")


def fastest_first() -> tuple[SuiteRun, Record, list[Record]]:
    """Return a kept run of networks, its fastest one, and the others."""
    loaded = load(KEPT / "networks-epyc")
    assert isinstance(loaded, Run)
    records = loaded.details.results[0].records
    first, *others = sorted(records, key=lambda each: each.timing.seconds.estimate if each.timing else 0.0)
    return loaded.details, first, others


def test_no_network_is_called_the_fastest_if_another_may_be() -> None:
    run, first, others = fastest_first()
    assert first.timing
    wide = replace(first.timing, seconds=Interval(first.timing.seconds.estimate))
    records = (replace(first, timing=wide), *others)
    (sentence, *_) = of_run(replace(run, results=(replace(run.results[0], records=records),)))
    assert sentence.startswith(f"{first.variant.name} (3.82 ms ± ?) took the least time of 6 networks, but ")
    assert sentence.endswith(" may be as fast")


def test_networks_far_apart_are_told_apart_though_one_was_disturbed() -> None:
    run, first, others = fastest_first()
    assert first.timing
    assert not first.is_disturbed
    disturbed = replace(first, timing=replace(first.timing, excluded=first.timing.samples))
    assert disturbed.is_disturbed
    (sentence, *_) = of_run(replace(run, results=(replace(run.results[0], records=(disturbed, *others)),)))
    assert " took the least time of 6 networks, " in sentence
    assert sentence.endswith(" the most; some were disturbed")
    assert disturbed.timing
    wide = replace(disturbed, timing=replace(disturbed.timing, seconds=Interval(disturbed.timing.seconds.estimate)))
    (sentence, *_) = of_run(replace(run, results=(replace(run.results[0], records=(wide, *others)),)))
    why = f"over half of the samples of {first.variant.name} were disturbed"
    assert sentence == f"which of 6 networks is the fastest is not judged: {why}"


def test_settings_have_the_fastest_one_of_each_network() -> None:
    assert [each.partition(":")[0] for each in answers("settings-epyc")] == [
        "✓ shufflenet-v2-1x is fastest with dtype bfloat16, layout nhwc",
        "✓ docs.mynet",
    ]


def without_interval(record: Record) -> Record:
    """Return a record whose speed beside the first setting is uncertain."""
    timing = record.timing
    assert timing
    assert timing.setting
    return replace(record, timing=replace(timing, setting=Interval(timing.setting.estimate)))


def test_a_setting_is_not_the_fastest_if_another_may_be() -> None:
    loaded = load(KEPT / "settings-epyc")
    assert isinstance(loaded, Run)
    results = tuple(
        replace(result, records=tuple(map(without_interval, result.records)))
        if (result.family.dtype, result.family.layout) == ("bfloat16", "nchw")
        else result
        for result in loaded.details.results
    )
    (first, *_) = of_run(replace(loaded.details, results=results))
    assert first.startswith("✓ shufflenet-v2-1x is faster with dtype bfloat16, layout nhwc: ")
    assert first.endswith("; dtype bfloat16, layout nchw may be as fast")


def test_layers_have_the_types_that_take_most_of_the_time() -> None:
    assert (
        "Most of the time of docs.mynet:build goes to layers of type Conv2d (78 %), BatchNorm2d (14 %), ReLU (3 %)"
        in (answers("layers-epyc"))
    )


def test_claims_are_counted_and_those_that_do_not_hold_are_named() -> None:
    found = answers("claims-epyc")
    assert sum(int(each.split(": ")[1].split(" of ")[0]) for each in found) == 20
    assert next(each for each in found if "fails" in each).endswith("mobilenet-v2-on-arm, fastest, thirteen-times")


@pytest.mark.parametrize("name", ["g2-epyc", "networks-epyc"])
def test_the_state_of_the_machine_is_a_badge(name: str) -> None:
    page = load(KEPT / name).drawn
    assert page.badge == {"g2-epyc": "≈ fair machine", "networks-epyc": "! disturbed machine"}[name]


def test_runs_are_compared_with_the_first_one() -> None:
    page = together(KEPT / "networks-epyc", KEPT / "networks-140-nhwc-epyc").drawn
    assert len(page.answers) == 1
    assert page.answers[0].startswith("B ")
    assert "than A " in page.answers[0]
