"""Measure families of the networks of `tests/faulty.py`."""

from dataclasses import replace

from benchcli.sampling.engine import Session, measure
from benchcli.sampling.supervise import survey
from benchcli.schema import FamilyResult, Plan, Target
from benchcli.schema.protocol import Launcher
from tests.values import family, variant

QUICK = Plan(launches=2, silence_s=60.0, budget_s=1.0)


def measured_kinds(launcher: Launcher, *kinds: str, silence_s: float = QUICK.silence_s) -> FamilyResult:
    """Return the result of a family with a network of each kind; `tests` is on the import path."""
    plan = replace(QUICK, silence_s=silence_s)
    of = family(*(variant(f"v{number} {kind}", kind) for number, kind in enumerate(kinds)))
    found = survey([of], Target(), plan, launcher)
    run = Session("run", "suite", Target(), plan, found, launcher, lambda _progress: None)
    return next(measure([of], run))


def statuses(result: FamilyResult) -> dict[str, str]:
    """Return the status of each kind."""
    return {r.variant.name.split()[1]: r.failure.status if r.failure else "ok" for r in result.records}
