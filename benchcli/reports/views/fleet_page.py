"""Lay out a fleet: its hosts, and their runs side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchcli.analysis.verdicts import verdicts_of
from benchcli.formatting import UNKNOWN, counted
from benchcli.noise.diagnosis import disturbed
from benchcli.reports.outcomes import BAD, WARNING, signed
from benchcli.reports.page import Page, Table, numbers, words
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema.environment import Machine


@dataclass(frozen=True)
class HostRow:
    """What is known of a host, or of the host that has taken the job of a label."""

    name: str
    failure: str | None
    """Why it has not measured everything; None if it has."""
    run: SuiteRun | None
    """What has come from it."""

    @property
    def verdicts(self) -> str:
        """What its run says of each guideline."""
        return ", ".join(f"{each.family} {each.outcome}" for each in verdicts_of(self.run)) if self.run else ""


def fleet_page(folder: Path, hosts: Sequence[HostRow], runs: Page | None) -> Page:
    """Return the table of the hosts, with the page of their runs below it."""
    table = Table(
        str(folder),
        (
            words("host", (each.name for each in hosts)),
            words("outcome", (signed("failed" if each.failure else "measured") for each in hosts)),
            words("processor", (_machine(each).cpu or UNKNOWN for each in hosts), 1),
            numbers("networks", (str(len(each.run.by_key())) if each.run else UNKNOWN for each in hosts)),
            words("verdicts", (each.verdicts or UNKNOWN for each in hosts), 2),
        ),
        tuple(_lines(hosts)),
    )
    finished = sum(not each.failure for each in hosts)
    footer = f"{folder} · {counted(finished, 'host')} of {len(hosts)} finished"
    own = tuple(
        {"host": each.name, "failure": each.failure, "verdicts": each.verdicts, "digest": _digest(each)}
        for each in hosts
    )
    if runs is None:
        columns = ("host", "failure", "digest", "verdicts")
        return Page(str(folder), "", (table,), footer, columns, own, {"hosts": own}, identity=("host",))
    return replace(runs, tables=(table, *runs.tables), footer=footer, data={"hosts": own, "runs": runs.data})


def _lines(hosts: Sequence[HostRow]) -> Iterator[str]:
    for each in hosts:
        if each.failure:
            yield f"{BAD} {each.name}: {each.failure}"
    noisy = [each.name for each in hosts if each.run and disturbed(each.run.records)]
    if noisy:
        yield f"{WARNING} disturbed by other work: {', '.join(noisy)}"
    versions = {_software(each) for each in hosts if each.run}
    if len(versions) > 1:
        yield f"{WARNING} the hosts have different versions: {'; '.join(sorted(versions))}"


def _software(host: HostRow) -> str:
    software = host.run.environment.software if host.run else {}
    return f"torch {software.get('torch')}, Python {software.get('python')}"


def _machine(host: HostRow) -> Machine:
    return (host.run.environment.machine if host.run else None) or Machine()


def _digest(host: HostRow) -> str | None:
    return host.run.environment.digest if host.run else None
