"""Write a check's folder: its samples, the conditions of its launches, and its findings."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from operator import itemgetter
from pathlib import Path
from typing import Annotated

from benchcli.checks.findings import Finding, Outcome, Subject
from benchcli.runs.folder import Folder, lines_of
from benchcli.runs.own_files import FINDINGS as FINDINGS
from benchcli.runs.rows import CONDITION_COLUMNS, SAMPLE_COLUMNS, Cell, condition_row, sample_row
from benchcli.runs.run_folder import LAUNCHES, SAMPLES
from benchcli.sampling.evidence import Evidence
from benchcli.schema import OfVariant
from benchcli.schema.environment import Environment
from benchcli.schema.observations import Count
from benchcli.schema.structure import Within

Factor = Annotated[float, Within(1e-12, 1e12)]
"""A factor of base's time, such as 1.05 for 5 % slower, or a time in seconds."""


@dataclass(frozen=True)
class FindingRow(OfVariant):
    """A row of `findings.csv`."""

    subject: Subject
    outcome: Outcome
    fails: bool
    allowed: bool
    change: Factor | None
    change_low: Factor | None
    change_high: Factor | None
    threshold: Factor | None
    noise: Factor | None
    detectable: Factor | None
    launches: Count | None
    agreeing: Count | None
    base_s: Factor | None
    head_s: Factor | None
    text: str
    builder: str
    rerun: str | None
    file: str | None
    line: Count | None


COLUMNS = tuple(each.name for each in fields(FindingRow))


class CheckFolder(Folder):
    """A folder to which a check appends after every launch.

    In its samples, `family` holds `family/variant` of the suite, and `variant` holds the side.
    """

    tables = {SAMPLES: SAMPLE_COLUMNS, LAUNCHES: CONDITION_COLUMNS, FINDINGS: COLUMNS}

    def keep(self, evidence: Evidence, launch: int) -> None:
        """Append the samples and the conditions of one launch."""
        samples = [
            sample_row(family, sample)
            for (family, _), family_samples in evidence.samples.items()
            for sample in family_samples
            if sample.launch == launch
        ]
        conditions = [
            condition_row(family, condition)
            for family, family_conditions in evidence.conditions.items()
            for condition in family_conditions
            if condition.launch == launch
        ]
        self.add({SAMPLES: samples, LAUNCHES: conditions})

    def conclude(self, findings: Iterable[Finding]) -> None:
        """Append the findings."""
        self.add({FINDINGS: rows_of(findings)})


def rows_of(findings: Iterable[Finding]) -> list[tuple[Cell, ...]]:
    """Return the rows of `findings.csv`."""
    return [itemgetter(*COLUMNS)(finding_row(finding)) for finding in findings]


def conclude(run: Path, environment: Environment, findings: Iterable[Finding]) -> None:
    """Add to the folder of a run, which a check has measured, what the check found in it."""
    folder = Folder(run)
    folder.replace(FINDINGS, lines_of([COLUMNS, *rows_of(findings)]))
    folder.describe(environment)


def finding_row(finding: Finding) -> dict[str, Cell]:
    """Return a finding's cells by column; absent values are None.

    Changes, thresholds and noise are factors of base's time: 1.05 is 5 % slower.
    """
    judgement = finding.judgement
    change = finding.change
    return {
        "family": finding.family,
        "variant": finding.variant,
        "subject": finding.subject,
        "outcome": finding.outcome,
        "fails": finding.fails,
        "allowed": finding.allowed,
        "change": change.estimate if change else None,
        "change_low": change.low if change else None,
        "change_high": change.high if change else None,
        "threshold": judgement.threshold if judgement else None,
        "noise": judgement.noise if judgement else None,
        "detectable": finding.detectable,
        "launches": judgement.launches if judgement else None,
        "agreeing": judgement.agreeing if judgement else None,
        "base_s": finding.base_s,
        "head_s": finding.head_s,
        "text": finding.text,
        "builder": finding.builder,
        "rerun": finding.rerun or None,
        "file": finding.code.file if finding.code else None,
        "line": finding.code.line if finding.code else None,
    }
