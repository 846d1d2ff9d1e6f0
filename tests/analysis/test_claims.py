"""Claims: their data, the kinds of evidence that judge them, and the verb."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from benchcli.analysis.claims.base import KINDS, PLATFORMS, Claim, Item, Judged, Measurements, claims, traced
from benchcli.analysis.claims.indirect import architecture
from benchcli.analysis.fit import Point, best, predictions
from benchcli.schema import Breakdown, Costs, Family, FamilyResult, Interval, Record, Target, Variant
from benchcli.workloads.networks.base import NETWORKS
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.suites import CLAIMS_SUITE, families_of_suite, find_suite
from tests import values
from tests.conftest import Outcome

Cli = Callable[..., Outcome]
FAMILIES = {family.name: family for family in families_of_suite(find_suite(CLAIMS_SUITE), Overrides())}


@pytest.mark.parametrize("claim", claims(), ids=lambda claim: claim.name)
def test_a_claim_is_of_a_kind_and_its_families_are_measured(claim: Claim) -> None:
    assert set(claim.terms) == set(KINDS[claim.kind].terms)
    assert set(claim.families) <= set(FAMILIES)
    assert len(claim.says) <= 100
    assert len(claim.source) <= 24
    assert claim.platform in PLATFORMS
    names = {variant.name for family in claim.families for variant in FAMILIES[family].variants}
    for pair in claim.terms.get("pairs", ()):
        assert set(pair[:2]) <= names
    assert set(claim.terms.get("expected", ())) <= names
    assert {claim.terms[term] for term in ("whole", "part") if term in claim.terms} <= names
    patterns = [pattern for term in ("slower", "faster", "like") for pattern in claim.terms.get(term, ())]
    for pattern in (*patterns, *(claim.terms[end] for end in ("less", "more") if end in claim.terms)):
        assert any(fnmatchcase(name, pattern) for name in names)


def test_claims_have_names_of_their_own_and_what_is_traced_is_measured() -> None:
    names = [claim.name for claim in claims()]
    assert len(set(names)) == len(names)
    assert traced() == ("figure-2",)
    assert set(traced()) <= set(FAMILIES)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        (["for", "for"], "holds"),
        (["against"], "fails"),
        (["against", "undecided"], "fails"),
        (["for", "against", "undecided"], "partly"),
        (["for", "undecided"], "inconclusive"),
        (["for", "unmeasured"], "inconclusive"),
        (["for", "not judged"], "holds"),
        (["against", "not judged"], "fails"),
        (["undecided", "not judged"], "inconclusive"),
        (["not judged"], "not judged"),
        (["not judged", "unmeasured"], "not judged"),
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
) -> Measurements:
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
    return Measurements({family: FamilyResult(of, tuple(records), ())})


def costs(flops: int = 100, mac_bytes: int = 100) -> Costs:
    return Costs(flops, 10, 5, 20, mac_bytes, 60, 40)


def outcomes(of: Claim, evidence: Measurements) -> list[str]:
    return [item.outcome for item in KINDS[of.kind].items(of, evidence)]


@pytest.mark.parametrize(
    ("speed", "half", "flops", "outcome"),
    [
        (0.90, 0.01, 100, "for"),
        (1.10, 0.01, 100, "against"),
        (1.00, 0.005, 100, "against"),
        (0.98, 0.02, 100, "undecided"),
        (0.96, 0.01, 110, "against"),  # slower by less than it has more FLOPs
        (0.96, 0.01, 90, "for"),  # slower with fewer FLOPs
        (1.00, 0.005, 90, "for"),  # as fast with fewer FLOPs
        (1.10, 0.005, 90, "against"),  # equal at equal FLOPs
        (1.15, 0.01, 90, "against"),
        (0.50, 0.01, 111, "not judged"),
    ],
)
def test_the_baseline_is_faster_at_equal_flops(speed: float, half: float, flops: int, outcome: str) -> None:
    evidence = measured("n", ("v2", 1.0, costs()), ("v1-a", speed, costs(flops)), half=half)
    assert outcomes(claim("faster", "n", slower=["v1-*"]), evidence) == [outcome]
    opposite = {"for": "against", "against": "against" if speed == 1.0 or flops != 100 else "for"}
    if flops == 100 and outcome in opposite:
        assert outcomes(claim("slower", "n", faster=["v1-*"]), evidence) == [opposite[outcome]]


@pytest.mark.parametrize(
    ("speed", "half", "outcome"),
    [(1.0, 0.01, "for"), (0.80, 0.01, "for"), (1.30, 0.01, "for"), (0.75, 0.02, "undecided"), (0.7, 0.01, "against")],
)
def test_comparable_speeds_are_within_a_third(speed: float, half: float, outcome: str) -> None:
    evidence = measured("n", ("v2", 1.0, costs()), ("v1", speed, costs()), half=half)
    assert outcomes(claim("comparable", "n", like=["v1"]), evidence) == [outcome]
    assert outcomes(claim("comparable", "n", like=["v3"]), evidence) == ["unmeasured"]


def test_the_baseline_is_held_against_those_that_are_named() -> None:
    evidence = measured("n", ("v2", 1.0, costs()), ("v1-a", 0.9, costs()), ("v1-b", 1.2, costs()), ("x", None, costs()))
    assert outcomes(claim("faster", "n", slower=["v1-*"]), evidence) == ["for", "against"]
    assert outcomes(claim("faster", "n", slower=["x"]), evidence) == ["unmeasured"]
    assert outcomes(claim("faster", "n", slower=["y"]), evidence) == ["unmeasured"]
    assert outcomes(claim("faster", "other", slower=["*"]), evidence) == ["unmeasured"]


def test_a_published_speed_stands_beside_the_measured_one() -> None:
    names = ("shufflenet-v2-1x", "mobilenet-v2-0.6")
    evidence = shipped(measured("n", *((name, 0.9 if "mobile" in name else 1.0, costs()) for name in names)))
    (item,) = KINDS["faster"].items(claim("faster", "n", slower=["mobilenet-*"]), evidence)
    assert f"(paper, ARM: {14.9 / 24.4:.2f})" in item.text
    other_batch = shipped(evidence, batch=8)  # on the phone it was one image
    (item,) = KINDS["faster"].items(claim("faster", "n", slower=["mobilenet-*"]), other_batch)
    assert "paper" not in item.text
    of_the_card = replace(claim("faster", "n", slower=["mobilenet-*"]), platform="gpu")
    (item,) = KINDS["faster"].items(of_the_card, other_batch)  # a claim's platform decides, not our batch
    assert f"(paper, GPU: {249 / 341:.2f})" in item.text
    namesakes = measured("n", *((name, 1.0, costs()) for name in names))  # of other networks
    assert "paper" not in next(KINDS["faster"].items(claim("faster", "n", slower=["mobilenet-*"]), namesakes)).text


def shipped(evidence: Measurements, batch: int = 1) -> Measurements:
    """Return the evidence of the networks that ship under these names."""
    (result,) = evidence.results.values()
    family = replace(result.family, batch=batch)
    records = tuple(
        replace(record, family=family, variant=NETWORKS[record.variant.name].variant()) for record in result.records
    )
    return Measurements({family.name: replace(result, family=family, records=records)})


@pytest.mark.parametrize(
    ("speed", "half", "outcome"),
    [(13.0, 0.01, "for"), (6.0, 0.01, "against"), (30.0, 0.01, "against"), (10.5, 0.05, "undecided")],
)
def test_about_so_many_times_as_fast(speed: float, half: float, outcome: str) -> None:
    evidence = measured("n", ("slow", 1.0, costs(1900)), ("fast", speed, costs(100)), half=half)
    wanted = claim("about", "n", pairs=[["slow", "fast", 13.0]])
    assert outcomes(wanted, evidence) == [outcome]
    assert outcomes(claim("about", "n", pairs=[["slow", "gone", 13.0]]), evidence) == ["unmeasured"]


def test_the_interval_of_a_quotient_is_not_narrower_than_its_terms() -> None:
    from benchcli.analysis.claims.speed import _speedup

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
    assert outcomes(claim("flops", "n", expected={"a": 1000, "b": 67, "c": 1}, where="h = 1"), evidence) == [
        "for",
        "against",
        "unmeasured",
    ]
    assert outcomes(claim("rest", "n", whole="a", part="b", share=0.934), evidence) == ["for"]
    assert outcomes(claim("rest", "n", whole="a", part="b", share=0.95), evidence) == ["against"]
    assert outcomes(claim("rest", "n", whole="a", part="c", share=0.95), evidence) == ["unmeasured"]


def test_more_of_what_is_counted() -> None:
    evidence = measured(
        "n", ("v2", 1.0, costs(mac_bytes=10)), ("m-a", 1.0, costs(mac_bytes=11)), ("m-b", 1.0, costs(mac_bytes=9))
    )
    wanted = claim("more", "n", column="mac_bytes", less="v2", more="m-*")
    assert outcomes(wanted, evidence) == ["for", "against"]
    assert outcomes(claim("more", "o", column="mac_bytes", less="v2", more="m-*"), evidence) == ["unmeasured"]
    assert outcomes(claim("more", "n", column="channels", less="v2", more="m-a"), evidence) == ["against"]


def test_a_share_that_not_all_launches_agree_on_is_undecided() -> None:
    parts = {"convolution": 0.8, "depthwise": 0.1, "elementwise": 0.06, "data": 0.04, "other": 0.0}
    more = {**parts, "data": 0.06}
    traced = tuple(Breakdown("n", "a", 0, 1.0, 1.2, each, 0.0) for each in (parts, more))  # type: ignore[arg-type]
    evidence = replace(measured("n", ("a", 1.0, costs())), breakdowns=traced)
    assert outcomes(claim("share", "n", least=0.11), evidence) == ["undecided"]
    assert outcomes(claim("share", "other", least=0.11), evidence) == ["unmeasured"]


def test_the_share_of_the_time_beyond_convolutions() -> None:
    parts = {"convolution": 0.8, "depthwise": 0.1, "elementwise": 0.06, "data": 0.04, "other": 0.0}
    traced = Breakdown("n", "a", 0, 1.0, 1.2, parts, 0.0)  # type: ignore[arg-type]
    evidence = measured("n", ("a", 1.0, costs()), ("b", 1.0, costs()))
    wanted = claim("share", "n", least=0.099)
    assert outcomes(wanted, replace(evidence, breakdowns=(traced,))) == ["for", "unmeasured"]
    assert outcomes(claim("share", "n", least=0.11), replace(evidence, breakdowns=(traced,)))[0] == "against"


def test_a_share_of_a_profile_that_was_faster_than_the_network_is_not_judged() -> None:
    parts = {"convolution": 0.8, "depthwise": 0.1, "elementwise": 0.06, "data": 0.04, "other": 0.0}
    traced = Breakdown("n", "a", 0, 1.0, 0.66, parts, 0.0)  # type: ignore[arg-type]
    evidence = replace(measured("n", ("a", 1.0, costs())), breakdowns=(traced,))
    assert outcomes(claim("share", "n", least=0.099), evidence) == ["not judged"]


def test_flops_that_do_not_tell() -> None:
    alike = measured("n", ("a", 1.0, costs()), ("b", 1.05, costs()), ("c", 3.0, costs(200)))
    assert outcomes(claim("indirect", "n"), alike) == ["against"]  # c has other FLOPs
    apart = measured("n", ("a", 1.0, costs()), ("b", 1.5, costs()))
    assert outcomes(claim("indirect", "n"), apart) == ["for"]
    by_work = measured("n", ("a", 1.0, costs(100)), ("b", 0.93, costs(108)))
    assert outcomes(claim("indirect", "n"), by_work) == ["against"]  # slower by as much as it has more to do
    assert outcomes(claim("indirect", "n"), measured("n", ("a", 1.0, costs()))) == ["unmeasured"]


def points(*networks: tuple[str, int, int, float]) -> list[Point]:
    return [Point(*network) for network in networks]


ROOFLINE = points(
    *(
        (f"architecture {number // 2}", flops, mac, 2e-9 * flops + 1e-9 * mac)
        for number, (flops, mac) in enumerate(
            zip((10, 20, 30, 50, 80, 130, 210, 340), (900, 100, 700, 300, 800, 200, 600, 400), strict=True)
        )
    )
)


def error(of: list[Point], formula: str) -> float:
    return next(each.error for each in predictions(of) if each.predictor.formula == formula)


def test_a_predictor_finds_what_the_times_were_made_of() -> None:
    assert error(ROOFLINE, "a·F + b·B") == pytest.approx(0, abs=1e-9)
    assert error(ROOFLINE, "a·F") > 0.2
    affine = points(*((f"a{n}", flops, 7, 3e-9 * flops + 1e-7) for n, flops in enumerate((10, 20, 30, 50, 80))))
    assert error(affine, "a·F + c") == pytest.approx(0, abs=1e-9)
    assert error(affine, "a·F") > 0.1
    power = points(*((f"a{n}", flops, 7, 3e-9 * flops**0.6) for n, flops in enumerate((10, 20, 30, 50, 80))))
    assert error(power, "a·F^p") == pytest.approx(0, abs=1e-9)


def test_a_coefficient_never_takes_time_away() -> None:
    """Bytes that fall where time rises would get a negative bandwidth; they are left out instead."""
    falling = points(*((f"a{n}", flops, 1000 - flops, 1e-9 * flops) for n, flops in enumerate((100, 200, 400, 800))))
    assert error(falling, "a·F + b·B") == pytest.approx(error(falling, "a·F"), abs=1e-6)


def test_an_architecture_is_predicted_from_the_others_alone() -> None:
    """Two architectures of other rates: a network left out alone would be told its rate by its sisters."""
    of = points(*((f"a{rate}", flops, 7, rate * 1e-9 * flops) for rate in (1, 3) for flops in (10, 20, 40)))
    assert error(of, "a·F") == pytest.approx((2 + 2 / 3) / 2, abs=0.01)


def test_predictors_of_equal_numbers_of_parameters_are_compared() -> None:
    found = predictions(ROOFLINE)
    assert best(found, "FLOPs and memory access", 2).predictor.formula == "a·F + b·B"
    assert {best(found, metric, 2).predictor.parameters for metric in ("FLOPs", "memory access")} == {2}
    assert best(found, "FLOPs", 2).error == min(error(ROOFLINE, "a·F + c"), error(ROOFLINE, "a·F^p"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shufflenet-v1-0.5x-g3", "shufflenet-v1"),
        ("mobilenet-v2-0.75-192", "mobilenet-v2"),
        ("xception-1.5x", "xception"),
        ("alexnet", "alexnet"),
        ("alexnet-2012", "alexnet"),
        ("resnext-50-32x4d", "resnext"),
        ("timm:mobilenetv3_small_100", "timm:mobilenetv3_small_100"),
    ],
)
def test_widths_of_one_network_are_one_architecture(name: str, expected: str) -> None:
    assert architecture(name) == expected


def test_eight_networks_of_three_architectures_are_enough_for_a_prediction() -> None:
    networks = [(f"n{'abc'[number % 3]}-{number}", 1.0 / number, costs(100 * number, 1000)) for number in range(1, 10)]
    found = list(KINDS["indirect"].items(claim("indirect", "n"), measured("n", *networks)))
    assert found[-1].text.startswith(
        "FLOPs predict the time of 9 networks, each from other architectures and with two parameters, with a median "
        "error of 0.0 % ("
    )
    assert found[-1].outcome == "against"  # here FLOPs tell all
    alike = [(f"na-{number}", 1.0 / number, costs(100 * number, 1000)) for number in range(1, 10)]
    assert len(list(KINDS["indirect"].items(claim("indirect", "n"), measured("n", *alike)))) == 1


def test_claims_are_judged_from_a_recorded_run_and_what_it_lacks_is_unmeasured(cli: Cli) -> None:
    assert cli("guideline", "g2", "--device", "fake", "--launches", "6", "--output", "run").code == 0
    found = cli("claims", "run", "--format", "json")
    assert found.code == 0
    verdicts = {each["name"]: each["verdict"] for each in json.loads(found.out)["claims"]}
    assert verdicts.pop("g2") == "holds"
    assert set(verdicts.values()) == {"unmeasured"}
    shown = cli("claims", "run").out
    assert f"{len(claims())} claims: holds 1, unmeasured {len(claims()) - 1}" in shown
    assert re.search(r"for +g=8 runs at", shown)
    assert cli("claims", "run", "--format", "csv").out.startswith("claim,verdict,says,source,evidence\ng1,unmeasured,")


def test_families_that_are_not_as_the_claims_suite_has_them_are_no_evidence(cli: Cli) -> None:
    cli("guideline", "g2", "--width", "32", "--device", "fake", "--launches", "6", "--output", "run")
    found = cli("claims", "run", "--format", "json")
    assert {each["verdict"] for each in json.loads(found.out)["claims"]} == {"unmeasured"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nowhere",), "no results at nowhere"),
        (("run", "--output", "other"), "--output cannot be combined with FOLDER"),
        (("run", "--launches", "3"), "--launches cannot be combined with FOLDER"),
    ],
)
def test_what_cannot_be_judged_is_said(cli: Cli, arguments: tuple[str, ...], said: str) -> None:
    found = cli("claims", *arguments)
    assert found.code == 2
    assert said in found.err
    assert found.err.count("\n") == 1


@pytest.mark.parametrize("folder", ["claims-epyc"])
def test_the_recorded_run_is_judged_as_its_table_says(cli: Cli, folder: str) -> None:
    recorded = Path(__file__).parents[2] / "results" / "reference" / folder
    table = (recorded / "table.md").read_text(encoding="utf-8")
    found = cli("claims", str(recorded), "--format", "markdown")
    assert found.code == 0, found.err
    assert found.out.count("\n") > 100
    assert found.out.partition("results/reference")[0].rpartition("\n")[0] in table


def test_a_claim_that_lacks_a_term_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KINDS["guideline"], "terms", ("colour",), raising=False)
    with pytest.raises(ValueError, match="claim g1: one of kind guideline has colour"):
        claims()
