"""The check that counts and times networks of other libraries: what it asks for, and when it fails."""

import importlib
from collections import Counter
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from benchcli.workloads.custom import CustomRequest
from benchcli.workloads.networks.network_request import NetworkRequest
from benchcli.workloads.suites import SuiteFile

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("library_runs")


def test_it_has_networks_of_four_libraries_each_once(runs: ModuleType) -> None:
    networks = list(runs.networks())
    assert len({(each.library, each.name) for each in networks}) == len(networks) > 300
    assert min(Counter(each.library for each in networks).values()) > 30
    assert sum(each.published is not None for each in networks) > 80


def test_its_suites_can_be_read(runs: ModuleType, tmp_path: Path) -> None:
    networks = list(runs.networks())
    path = tmp_path / "zoo.toml"
    path.write_text(runs.suite_of(networks), encoding="utf-8")
    requests = SuiteFile(path, "zoo").requests()
    own = [each.name for request in requests if isinstance(request, CustomRequest) for each in request.networks]
    assert sorted(own) == sorted(each.name for each in networks if each.library == "transformers")
    named = [each for request in requests if isinstance(request, NetworkRequest) for each in request.networks]
    assert sorted(named) == sorted(each.variant for each in networks if each.library != "transformers")


@pytest.mark.parametrize(
    ("flops", "published", "agrees"),
    [
        (4_089_184_256, "4.09", True),
        (4_089_184_256, "4.08", True),  # cut
        (4_089_184_256, "4.1", True),
        (4_089_184_256, "4.07", False),
        (3_900_000_000, "4.0", False),
    ],
)
def test_a_count_agrees_with_a_figure_that_is_rounded_or_cut(
    runs: ModuleType, flops: int, published: str, agrees: bool
) -> None:
    assert runs.agrees(flops, Decimal(published), 10**9) is agrees


def test_what_has_no_known_reason_fails_it(runs: ModuleType) -> None:
    fine = runs.Outcome("timm", "small", outcome="measured", compared="agrees")
    assert list(runs.faults([fine])) == []
    assert list(runs.faults([])) == ["nothing was compared with a published figure"]
    assert list(runs.faults([runs.Outcome("timm", "small", outcome="measured")])) == [
        "nothing was compared with a published figure"
    ]
    for outcome, reason in (("row", "failed: it is broken"), ("refused", "no such network"), ("traceback", "KeyError")):
        wrong = runs.Outcome("timm", "other", outcome=outcome, reason=reason)
        assert list(runs.faults([fine, wrong])) == [f"timm:other {outcome}: {reason}"]
    other = runs.Outcome("timm", "other", outcome="measured", compared="differs", multiply_adds=5, published="4 G")
    assert list(runs.faults([fine, other])) == ["timm:other counts 5, published 4 G"]
