"""Memory that each call of head leaves behind."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from benchcli.checks.growth import LEAST_BYTES, growth
from benchcli.schema import Sample
from tests import values


def samples(side: str, faults: float, launches: int = 3) -> list[Sample]:
    """Four samples of 50 calls in each launch."""
    return [Sample(side, launch, r, 50, 0.001, faults) for launch in range(launches) for r in range(4)]


def found(
    head: Sequence[Sample], base: float = 0.0, control: float = 0.0, grown: Sequence[int | None] = (10**6,) * 3
) -> float | None:
    conditions = [replace(values.conditions(), launch=n, grown_bytes=each) for n, each in enumerate(grown)]
    return growth({"head": head, "base": samples("base", base), "control": samples("control", control)}, conditions)


def test_a_process_that_grows_while_head_runs_has_what_each_call_left_behind() -> None:
    assert found(samples("head", 0.5)) == pytest.approx(10**6 / 200)
    assert found(samples("head", 2.0), base=0.5, control=1.0) == pytest.approx(10**6 / 3.5 / 200)


def test_what_base_does_too_is_none() -> None:
    assert found(samples("head", 2.0), base=2.0) is None
    assert found(samples("head", 2.0), control=2.0) is None


def test_a_page_now_and_then_is_none() -> None:
    assert found(samples("head", 1 / 200)) is None


def test_faults_without_a_larger_process_are_none() -> None:
    assert found(samples("head", 2.0), grown=(0, 0, 0)) is None
    assert found(samples("head", 2.0), grown=(None, None, None)) is None
    assert found(samples("head", 2.0), grown=(LEAST_BYTES - 1,) * 3) is None


def test_every_launch_must_show_it_and_two_are_too_few() -> None:
    assert found(samples("head", 2.0, launches=2)) is None
    assert found(samples("head", 2.0), grown=(10**9, 10**9, 0)) is None
