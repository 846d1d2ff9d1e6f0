"""The folder of a check: its samples, what its launches met, and its findings."""

from collections.abc import Iterable

from benchcli.check.findings import Finding
from benchcli.measure.launches import Evidence
from benchcli.runs.folder import Folder
from benchcli.runs.rows import CONDITION_COLUMNS, SAMPLE_COLUMNS, Cell, condition_row, sample_row

SAMPLES = "samples.csv"
LAUNCHES = "launches.csv"
FINDINGS = "findings.csv"
COLUMNS = (
    "family",
    "variant",
    "subject",
    "outcome",
    "fails",
    "allowed",
    "change",
    "change_low",
    "change_high",
    "threshold",
    "noise",
    "detectable",
    "launches",
    "agreeing",
    "base_s",
    "head_s",
    "text",
    "builder",
    "again",
)


class CheckFolder(Folder):
    """A folder that a check appends to, launch by launch. A family of its samples is `family/variant` of the suite."""

    tables = {SAMPLES: SAMPLE_COLUMNS, LAUNCHES: CONDITION_COLUMNS, FINDINGS: COLUMNS}

    def keep(self, evidence: Evidence, launch: int) -> None:
        """Add the samples and the conditions of one launch."""
        samples = [
            sample_row(family, sample)
            for (family, _), taken in evidence.samples.items()
            for sample in taken
            if sample.launch == launch
        ]
        met = [
            condition_row(family, each)
            for family, of_family in evidence.conditions.items()
            for each in of_family
            if each.launch == launch
        ]
        self.add({SAMPLES: samples, LAUNCHES: met})

    def conclude(self, findings: Iterable[Finding]) -> None:
        """Add the findings."""
        self.add({FINDINGS: [[finding_row(finding)[column] for column in COLUMNS] for finding in findings]})


def finding_row(finding: Finding) -> dict[str, Cell]:
    """Return a finding's cells by column; what is not known is None. Changes are factors of base's time."""
    judged = finding.judgement
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
        "threshold": judged.threshold if judged else None,
        "noise": judged.noise if judged else None,
        "detectable": judged.detectable if judged else None,
        "launches": judged.launches if judged else None,
        "agreeing": judged.agreeing if judged else None,
        "base_s": finding.base_s,
        "head_s": finding.head_s,
        "text": finding.text,
        "builder": finding.builder,
        "again": finding.again or None,
    }
