"""Describe the machine and its fitness for measuring, and run the self-test."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Unpack

from benchcli import validation
from benchcli.analysis.aa_test import Summary, Trial, compare, families, summary
from benchcli.api.keywords import PlanSettings, TargetSettings, plan_of, target_of
from benchcli.api.results import UnfinishedError
from benchcli.api.running import check_names, only, tools_of
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.noise.fitness import Grade, Probe, grade
from benchcli.runs.environment import describe
from benchcli.schema.environment import Machine
from benchcli.schema.progress import Observer
from benchcli.schema.structure import structure
from benchcli.statistics import has_ranks
from benchcli.workers.tools import Tools

if TYPE_CHECKING:
    import pandas

SELFTEST_BUDGET_S = 4.0


@dataclass
class Device:
    """A device, the machine around it, and how fit it is for measuring at this moment."""

    facts: Mapping[str, Mapping[str, Any]]
    """In sections: machine, device, software, settings, available, identity."""
    probe: Probe
    """Observations of 1.5 seconds."""
    grade: Grade
    """good, fair or poor, with the reasons."""

    def sections(self) -> dict[str, Mapping[str, Any]]:
        """Return facts, observations and fitness, with the keys of the command line's JSON."""
        from benchcli.reports.views import device_page as view

        return {**self.facts, "observed": view.probed(self.probe), "fitness": view.fitness_data(self.grade)}

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each fact: section, name, value."""
        import pandas

        rows = [(section, *entry) for section, facts in self.sections().items() for entry in facts.items()]
        return pandas.DataFrame(rows, columns=["section", "name", "value"])


class DeviceSettings(TargetSettings, total=False):
    """Settings of `device`."""

    tools: Tools | None


def device(**settings: Unpack[DeviceSettings]) -> Device:
    """Return what would be measured on, its digest, and how fit it is for measuring at this moment.

    Raises UserError where the device is not there.
    """
    check_names(settings, DeviceSettings)
    tools = tools_of(settings)
    target = target_of(**only(settings, TargetSettings))
    probe = tools.probe()
    with tools.workers() as launcher:
        facts = describe(target, launcher)
    return Device(facts, probe, grade(structure(facts["machine"], Machine), probe, target.threads))


@dataclass
class SelfTest:
    """Comparisons with a known answer, and their summary."""

    comparisons: tuple[Trial, ...]
    """Each with its relative speed, and whether a slowdown was injected."""
    summary: Summary | None
    """None if no two equal networks were compared."""

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each comparison."""
        import pandas

        return pandas.json_normalize([asdict(each) for each in self.comparisons])

    def lines(self) -> list[str]:
        """Return the lines that the command line prints."""
        from benchcli.reports.views import selftest_page as view

        return view.lines(self.comparisons, self.summary) if self.summary else []

    def __repr__(self) -> str:
        return "\n".join(self.lines())


class SelfTestSettings(TargetSettings, PlanSettings, total=False):
    """Settings of `selftest`."""

    progress: Observer | None
    tools: Tools | None


def selftest(comparisons: int = 40, **settings: Unpack[SelfTestSettings]) -> SelfTest:
    """Compare equal networks, and slower ones by a known amount: do the intervals mean what they say?

    A quarter as many comparisons with a slower network come on top. Raises UserError where a
    setting is wrong, NothingMeasuredError if nothing could be compared, and UnfinishedError, which
    holds the finished comparisons, if it ended early.
    """
    check_names(settings, SelfTestSettings)
    number = validation.whole("the number of comparisons", comparisons, validation.COMPARISONS)
    target = target_of(**only(settings, TargetSettings))
    given = only(settings, PlanSettings)
    plan = plan_of(**{"budget": SELFTEST_BUDGET_S, **given})
    if plan.launches is not None and not has_ranks(plan.launches):
        raise UserError(f"no interval from {plan.launches} launches: give --launches 6 or more")
    done: dict[str, Trial] = {}
    try:
        for comparison in compare(families(number, max(1, number // 4)), target, plan, tools_of(settings)):
            done[comparison.name] = comparison
    except KeyboardInterrupt:
        left = "what was compared before is shown" if done else "nothing was compared"
        raise UnfinishedError(_result(done), None, f"interrupted: {left}") from None
    except NothingMeasuredError as error:
        if not done:
            raise
        left = f"{error}; what was compared before is shown"
        raise UnfinishedError(_result(done), str(error), left) from None
    result = _result(done)
    if result.summary is None:
        errors = [each.error for each in result.comparisons if each.error]
        reason = errors[0] if errors else "no interval from fewer than 6 launches: give a larger --budget"
        raise NothingMeasuredError(f"no two equal networks could be compared: {reason}")
    return result


def _result(done: Mapping[str, Trial]) -> SelfTest:
    comparisons = tuple(done.values())
    return SelfTest(comparisons, summary(comparisons))
