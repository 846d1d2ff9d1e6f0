"""Measure families of the networks of `tests/faulty.py`."""

from dataclasses import replace

from benchcli.sampling.engine import Session, measure
from benchcli.sampling.supervise import survey
from benchcli.schema import FamilyResult, Plan, Target
from benchcli.schema.protocol import Launcher
from tests.values import family, variant

QUICK = Plan(launches=2, silence_s=60.0, budget_s=1.0)


def measured_kinds(
    launcher: Launcher, *kinds: str, silence_s: float = QUICK.silence_s, launches: int = 2
) -> FamilyResult:
    """Return the result of a family with a network of each kind; `tests` is on the import path."""
    plan = replace(QUICK, silence_s=silence_s, launches=launches)
    of = family(*(variant(f"v{number} {kind}", kind) for number, kind in enumerate(kinds)))
    found = survey([of], Target(), plan, launcher)
    run = Session("run", "suite", Target(), plan, found, launcher, lambda _progress: None)
    return next(measure([of], run))


def statuses(result: FamilyResult) -> dict[str, str]:
    """Return the status of each kind."""
    return {r.variant.name.split()[1]: r.failure.status if r.failure else "ok" for r in result.records}


WRONG = ("fine", "aborts", "exits", "raises")


def check_deaths(result: FamilyResult, others: dict[str, str]) -> None:
    """Compare the outcomes of WRONG and of others."""
    assert statuses(result) == {"fine": "ok", "aborts": "crashed", "exits": "crashed", "raises": "failed", **others}
    errors = {r.variant.name.split()[1]: r.failure.error for r in result.records if r.failure}
    assert "SIGABRT" in errors["aborts"]
    assert "exit code 3" in errors["exits"]
    assert errors["raises"].startswith("ValueError: it does not like its input")
    (prints,) = (each for each in result.records if each.variant.name.endswith("prints"))
    assert prints.timing is not None
    assert prints.timing.relative is not None
    assert prints.timing.launches == 2


def check_late_deaths(result: FamilyResult) -> None:
    assert statuses(result) == {"fine": "ok", "dies_late": "crashed", "raises_late": "failed", "prints": "ok"}
    # The launch that died is made again: every sample kept is of a launch that ended well.
    assert {sample.launch for sample in result.samples} == {0, 1}
