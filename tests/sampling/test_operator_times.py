"""The times of operator calls while they are watched."""

import pytest

from benchcli.sampling.supervise import survey
from benchcli.schema import Plan, Target
from tests.conftest import inline
from tests.workloads.test_guidelines import published


@pytest.mark.parametrize(("device", "is_timed"), [("cpu", True), ("fake", False)])
def test_each_operator_call_has_a_time_where_it_is_done_when_it_returns(device: str, is_timed: bool) -> None:
    family = published("g4", "arm")
    found = survey([family], Target(device), Plan(), inline, detailed=True, crosschecked=False, timed=True)
    detail = found.details[family.name, family.baseline]
    assert len(detail.seconds) == (len(detail.calls) if is_timed else 0)
    assert all(each > 0 for each in detail.seconds)


def test_they_are_not_asked_for_by_others() -> None:
    family = published("g4", "arm")
    found = survey([family], Target(), Plan(), inline, detailed=True, crosschecked=False)
    assert found.details[family.name, family.baseline].seconds == ()
