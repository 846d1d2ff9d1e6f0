import ast
from pathlib import Path

import pytest

import benchcli
from benchcli.noise.fitness import Grade
from benchcli.reports.advice import SENTENCES, advised, grouped, sentence
from benchcli.reports.views.device_page import fitness, line
from benchcli.schema import Interval
from benchcli.schema.structure import StructureError, structure
from benchcli.schema.warnings import KINDS, RunWarning
from tests.values import family, record, variant

ONE = Interval(1.0, 1.0, 1.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("of_machine", [False, True])
def test_every_kind_has_a_sentence_whatever_its_numbers(kind: str, of_machine: bool) -> None:
    for warning in (
        RunWarning(kind, 0.2, of_cores=2, text="budget"),
        RunWarning(kind, 0.2, 0.35, other=0.5, of_cores=2, launches=2, of_launches=3, text="launches"),
        RunWarning(kind, 3, other=2, shares=(0.2, 0.5), text="graph"),
    ):
        text = sentence(warning)
        assert text == text.strip()
        assert "  " not in text
        assert "None" not in text
        assert advised(warning)["advice"] == text
        if of_machine:
            shown = fitness(Grade("poor", (warning,)))
            assert text in line(kind, shown[kind])


def test_there_is_no_sentence_without_a_kind() -> None:
    assert set(SENTENCES) == set(KINDS)


def test_every_warning_that_the_code_makes_is_of_a_known_kind() -> None:
    made = {
        node.args[0].value
        for path in Path(benchcli.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "RunWarning"
        if node.args and isinstance(node.args[0], ast.Constant)
    }
    assert len(made) > 20
    assert made <= set(KINDS)


def test_an_unknown_kind_of_a_later_version_is_shown_as_it_is() -> None:
    assert sentence(RunWarning("moon", text="full")) == "moon: full"
    assert sentence(RunWarning("moon", 2.0, launches=3)) == "moon: amount 2.0, launches 3"
    assert sentence(RunWarning("moon")) == "moon"


@pytest.mark.parametrize("damage", [{"kind": 5}, {"amount": 1e308}, {"launches": -1}, {"shares": [0.5, 7.0]}])
def test_a_warning_that_nobody_makes_is_damaged(damage: dict[str, object]) -> None:
    with pytest.raises(StructureError):
        structure({"kind": "busy", **damage}, RunWarning)


def test_one_cause_gives_one_warning_with_its_range() -> None:
    of = family(variant("a"), variant("b"))
    imprecise = RunWarning("imprecise", text="budget")
    records = [
        record(of, "a", ONE, warnings=(RunWarning("page-faults", 9), imprecise)),
        record(of, "b", ONE, warnings=(RunWarning("page-faults", 433), imprecise)),
    ]
    both = RunWarning("page-faults", 9, 433)
    assert grouped(records) == {both: records, imprecise: records}
    assert sentence(both).startswith("9 to 433 page faults per call")


def test_percentages_have_a_space_before_their_sign() -> None:
    quota = sentence(RunWarning("quota", 0.4))
    assert quota.startswith("the control group's CPU quota stopped the run for 40 % of the time")
    assert sentence(RunWarning("preempted", 0.2, 0.35)).startswith("20 to 35 % of the samples were interrupted")


def test_launches_are_counted_for_one_network_and_shared_for_several() -> None:
    one, several = RunWarning("busy", 1.0, launches=3, of_launches=4), RunWarning("busy", 0.5, 0.9, shares=(0.11, 0.56))
    assert sentence(one).startswith("other processes used 1.0 cores in 3 of 4 launches; ")
    assert sentence(several).startswith("other processes used 0.5 to 0.9 cores in 11 to 56 % of the launches; ")
