"""Claims: their data, the kinds of evidence that judge them, and the verb."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from benchcli.claims import faster
from benchcli.claims.base import KINDS, Claim, Evidence, Item, Judged, claims
from benchcli.cli.claims import SUITE, TRACED
from benchcli.cli.families import families_of_suite
from benchcli.explaining import Point, explain
from benchcli.schema import Breakdown, Costs, Family, FamilyResult, Interval, Record, Target, Variant
from benchcli.suites import find_suite
from tests import values
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
FAMILIES = {family.name: family for family in families_of_suite(find_suite(SUITE), {"device": "cpu"})}


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.name)
def test_a_claim_is_of_a_kind_and_its_families_are_measured(claim: Claim) -> None:
    assert set(claim.terms) == set(KINDS[claim.kind].terms)
    assert set(claim.families) <= set(FAMILIES)
    assert len(claim.says) <= 100
    assert len(claim.source) <= 24
    names = {variant.name for family in claim.families for variant in FAMILIES[family].variants}
    for pair in claim.terms.get("pairs", ()):
        assert set(pair[:2]) <= names
    assert set(claim.terms.get("expected", ())) <= names
    assert {claim.terms[term] for term in ("whole", "part") if term in claim.terms} <= names
    for prefix in (
        *claim.terms.get("slower", ()),
        *(claim.terms[end] for end in ("less", "more") if end in claim.terms),
    ):
        assert any(name.startswith(prefix) for name in names)


def test_claims_have_names_of_their_own_and_what_is_traced_is_measured() -> None:
    names = [claim.name for claim in claims()]
    assert len(set(names)) == len(names)
    assert set(TRACED) <= set(FAMILIES)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["holds", "holds"], "holds"),
        (["fails"], "fails"),
        (["fails", "inconclusive"], "fails"),
        (["holds", "fails", "inconclusive"], "partly"),
        (["holds", "inconclusive"], "inconclusive"),
        (["holds", "unmeasured"], "inconclusive"),
        (["unmeasured"], "unmeasured"),
        ([], "unmeasured"),
    ],
)
def test_evidence_makes_a_verdict(outcomes: list[str], verdict: str) -> None:
    items = tuple(Item(outcome, "") for outcome in outcomes)  # type: ignore[arg-type]
    assert Judged(claims()[0], items).verdict == verdict


def claim(kind: str, *families: str, **terms: object) -> Claim:
    return Claim("name", "says", "source", kind, families, terms)


def measured(
    family: str, *networks: tuple[str, float | None, Costs], catalogue: str = "networks", half: float = 0.01
) -> Evidence:
    """Return evidence of one family: names, relative speeds and costs, the baseline first."""
    variants = tuple(Variant(name, "faulty:build", {}, (3, 32, 32), "3") for name, *_ in networks)
    of = Family(family, "", 1, "128", 1, "float32", "nchw", variants, catalogue)  # type: ignore[arg-type]
    records = []
    for variant, (_, speed, costs) in zip(variants, networks, strict=True):
        relative = None if speed is None else Interval(speed, speed * (1 - half), speed * (1 + half))
        timing = values.timing(relative) if relative else None
        if timing and speed:
            timing = replace(timing, seconds=Interval(0.01 / speed, 0.0099 / speed, 0.0101 / speed))
        deviation = costs.flops / networks[0][2].flops - 1
        records.append(Record("run", "suite", of, variant, Target(), None, costs, deviation, timing))
    return Evidence({family: FamilyResult(of, tuple(records), ())})


def costs(flops: int = 100, mac_bytes: int = 100) -> Costs:
    return Costs(flops, 10, 5, 20, mac_bytes, 60, 40)


def outcomes(of: Claim, evidence: Evidence) -> list[str]:
    return [item.outcome for item in KINDS[of.kind].items(of, evidence)]


@pytest.mark.parametrize(
    ("speed", "half", "deviation", "outcome"),
    [
        (0.9, 0.01, 0.0, "holds"),
        (1.1, 0.01, 0.0, "fails"),
        (1.0, 0.005, 0.0, "fails"),
        (0.98, 0.02, 0.0, "inconclusive"),
        (0.96, 0.01, 0.10, "inconclusive"),  # slower by less than it has more FLOPs
        (0.96, 0.01, -0.10, "holds"),  # slower with fewer FLOPs
        (1.05, 0.01, -0.10, "inconclusive"),  # faster by less than it has fewer FLOPs
        (1.15, 0.01, -0.10, "fails"),
    ],
)
def test_faster_at_equal_flops(speed: float, half: float, deviation: float, outcome: str) -> None:
    assert faster.outcome(Interval(speed, speed * (1 - half), speed * (1 + half)), deviation) == outcome
    assert faster.outcome(Interval(speed), deviation) == "inconclusive"


def test_the_baseline_is_held_against_those_that_are_named() -> None:
    evidence = measured("n", ("v2", 1.0, costs()), ("v1-a", 0.9, costs()), ("v1-b", 1.2, costs()), ("x", None, costs()))
    assert outcomes(claim("faster", "n", slower=["v1-"]), evidence) == ["holds", "fails"]
    assert outcomes(claim("faster", "n", slower=["x"]), evidence) == ["unmeasured"]
    assert outcomes(claim("faster", "n", slower=["y"]), evidence) == ["unmeasured"]
    assert outcomes(claim("faster", "other", slower=[""]), evidence) == ["unmeasured"]


def test_a_published_speed_stands_beside_the_measured_one() -> None:
    evidence = measured("n", ("shufflenet-v2-1x", 1.0, costs()), ("mobilenet-v2-0.6", 0.9, costs()))
    (item,) = KINDS["faster"].items(claim("faster", "n", slower=["mobilenet"]), evidence)
    assert f"(paper {14.9 / 24.4:.2f})" in item.text


@pytest.mark.parametrize(
    ("speed", "half", "outcome"),
    [(13.0, 0.01, "holds"), (6.0, 0.01, "fails"), (30.0, 0.01, "fails"), (10.5, 0.05, "inconclusive")],
)
def test_about_so_many_times_as_fast(speed: float, half: float, outcome: str) -> None:
    evidence = measured("n", ("slow", 1.0, costs(1900)), ("fast", speed, costs(100)), half=half)
    wanted = claim("about", "n", pairs=[["slow", "fast", 13.0]])
    assert outcomes(wanted, evidence) == [outcome]
    assert outcomes(claim("about", "n", pairs=[["slow", "gone", 13.0]]), evidence) == ["unmeasured"]


def test_the_interval_of_a_quotient_is_not_narrower_than_its_terms() -> None:
    from benchcli.claims.about import _speedup

    evidence = measured("n", ("a", 1.0, costs()), ("b", 2.0, costs()), ("c", 4.0, costs()), half=0.02)
    slow, fast = evidence.record("n", "b"), evidence.record("n", "c")
    assert slow
    assert fast
    speedup = _speedup(slow, fast)
    assert speedup
    assert speedup.estimate == pytest.approx(2.0)
    assert speedup.low is not None
    assert speedup.high is not None
    assert speedup.low < 2.0 * 0.98 < 2.0 * 1.02 < speedup.high


def test_multiply_adds_are_exact() -> None:
    evidence = measured("n", ("a", 1.0, costs(1000)), ("b", 1.0, costs(66)))
    assert outcomes(claim("flops", "n", expected={"a": 1000, "b": 67, "c": 1}), evidence) == [
        "holds",
        "fails",
        "unmeasured",
    ]
    assert outcomes(claim("rest", "n", whole="a", part="b", share=0.934), evidence) == ["holds"]
    assert outcomes(claim("rest", "n", whole="a", part="b", share=0.95), evidence) == ["fails"]
    assert outcomes(claim("rest", "n", whole="a", part="c", share=0.95), evidence) == ["unmeasured"]


def test_more_of_what_is_counted() -> None:
    evidence = measured(
        "n", ("v2", 1.0, costs(mac_bytes=10)), ("m-a", 1.0, costs(mac_bytes=11)), ("m-b", 1.0, costs(mac_bytes=9))
    )
    wanted = claim("more", "n", column="mac_bytes", less="v2", more="m-")
    assert outcomes(wanted, evidence) == ["holds", "fails"]
    assert outcomes(claim("more", "o", column="mac_bytes", less="v2", more="m-"), evidence) == ["unmeasured"]
    assert outcomes(claim("more", "n", column="channels", less="v2", more="m-a"), evidence) == ["fails"]


def test_the_share_of_the_time_beyond_convolutions() -> None:
    parts = {"convolution": 0.8, "depthwise": 0.1, "elementwise": 0.06, "data": 0.04, "other": 0.0}
    traced = Breakdown("n", "a", 0, 1.0, 1.2, parts, 0.0, 0.0)  # type: ignore[arg-type]
    evidence = measured("n", ("a", 1.0, costs()), ("b", 1.0, costs()))
    wanted = claim("share", "n", least=0.099)
    assert outcomes(wanted, replace(evidence, breakdowns=(traced,))) == ["holds", "unmeasured"]
    assert outcomes(claim("share", "n", least=0.11), replace(evidence, breakdowns=(traced,)))[0] == "fails"


def test_flops_that_do_not_tell() -> None:
    alike = measured("n", ("a", 1.0, costs()), ("b", 1.05, costs()), ("c", 3.0, costs(200)))
    assert outcomes(claim("indirect", "n"), alike) == ["fails"]  # c has other FLOPs
    apart = measured("n", ("a", 1.0, costs()), ("b", 1.5, costs()))
    assert outcomes(claim("indirect", "n"), apart) == ["holds"]
    assert outcomes(claim("indirect", "n"), measured("n", ("a", 1.0, costs()))) == ["unmeasured"]


def test_metrics_explain_what_was_made_of_them() -> None:
    points = [
        Point(flops, mac, 2e-9 * flops + 1e-9 * mac)
        for flops, mac in zip(
            (10, 20, 30, 50, 80, 130, 210, 340), (900, 100, 700, 300, 800, 200, 600, 400), strict=True
        )
    ]
    found = explain(points)
    assert found["both"].error == pytest.approx(0, abs=1e-9)
    assert found["both"].rank_correlation == pytest.approx(1)
    assert found["FLOPs"].error > 0.2
    by_flops = explain([Point(flops, 7, 3e-9 * flops) for flops in (10, 20, 30, 50, 80)])
    assert by_flops["FLOPs"].error == pytest.approx(0, abs=1e-9)


def test_a_metric_never_takes_time_away() -> None:
    """Bytes that fall where time rises would get a negative bandwidth; they are left out instead."""
    points = [Point(flops, 1000 - flops, 1e-9 * flops) for flops in (100, 200, 400, 800)]
    found = explain(points)
    assert found["both"].error == pytest.approx(found["FLOPs"].error, abs=1e-6)


def test_eight_networks_are_enough_to_say_how_well_flops_explain() -> None:
    networks = [(f"n{number}", 1.0 / number, costs(100 * number, 1000)) for number in range(1, 10)]
    found = list(KINDS["indirect"].items(claim("indirect", "n"), measured("n", *networks)))
    assert found[-1].text.startswith("9 networks, FLOPs: rank correlation 1.00, error 0.0 %")
    assert found[-1].outcome == "fails"  # here FLOPs tell all


def test_claims_are_judged_from_a_recorded_run_and_what_it_lacks_is_unmeasured(cli: Cli) -> None:
    assert cli("guideline", "g2", "--device", "fake", "--launches", "3", "--output", "run").code == 0
    found = cli("claims", "run", "--format", "json")
    assert found.code == 0
    verdicts = {each["name"]: each["verdict"] for each in json.loads(found.out)["claims"]}
    assert verdicts.pop("g2") == "holds"
    assert set(verdicts.values()) == {"unmeasured"}
    assert "g2 holds: g=8 runs at" in cli("claims", "run").out
    assert cli("claims", "run", "--format", "csv").out.startswith("claim,verdict,says,source,evidence\ng1,unmeasured,")
    assert cli("claims", "nowhere").err == (
        "benchcli: no results at nowhere: give the folder of a run, such as results/<time>-<suite>-<host>\n"
    )
