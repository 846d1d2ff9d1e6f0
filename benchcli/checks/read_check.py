"""Read a recorded check back from its folder."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from benchcli import files
from benchcli.checks.check_folder import COLUMNS, FINDINGS, FindingRow
from benchcli.checks.findings import Finding
from benchcli.checks.rules import Judgement, Speed
from benchcli.checks.session import CheckReport
from benchcli.errors import UserError
from benchcli.runs.folder import Folder, is_going
from benchcli.schema import Code, Interval
from benchcli.schema.structure import structure_cells


def is_check(folder: Path) -> bool:
    """Return whether a folder holds a check."""
    return files.is_file(folder / FINDINGS)


def report_of(folder: Path) -> CheckReport:
    """Return the report of the check in a folder.

    Raises UserError if its files are damaged, or if it has not ended.
    """
    path = folder / FINDINGS
    environment = Folder(folder).environment
    check = environment.check
    if is_going(folder):
        raise UserError(f"{folder} is a check that is still going: it has no findings before its end")
    if check is None or None in (check.findings, check.seconds):
        raise UserError(f"{folder} is a check that was cut short: it has no findings, check again")
    try:
        findings = tuple(map(_finding, csv.DictReader(io.StringIO(files.read_text(path), newline=""))))
        if len(findings) != check.findings:
            raise ValueError(f"{len(findings)} of {check.findings} findings are there")
    except (ValueError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error}): check again") from None
    return CheckReport(check.suite, check.heading, environment, findings, folder)


def _finding(cells: Mapping[str, str]) -> Finding:
    """Return the finding in a row of text. Raises ValueError if it is damaged."""
    if set(COLUMNS) - cells.keys() or None in cells.values():
        raise ValueError("a row lacks cells")
    read = structure_cells(cells, FindingRow)
    change = None if read.change is None else Interval(read.change, read.change_low, read.change_high)
    return Finding(
        family=read.family,
        variant=read.variant,
        subject=read.subject,
        outcome=read.outcome,
        text=read.text,
        builder=read.builder,
        change=change,
        judgement=_judgement(read, change) if change and read.threshold else None,
        detectable=read.detectable,
        base_s=read.base_s,
        head_s=read.head_s,
        allowed=read.allowed,
        rerun=read.rerun or "",
        code=Code(read.file, read.line or 0, "") if read.file else None,
    )


def _judgement(read: FindingRow, change: Interval) -> Judgement:
    outcome: Speed = next((each for each in get_args(Speed) if each == read.outcome), "inconclusive")
    return Judgement(
        outcome=outcome,
        change=change,
        threshold=read.threshold or 1.0,
        noise=read.noise or 1.0,
        detectable=read.detectable or 1.0,
        launches=read.launches or 0,
        agreeing=read.agreeing or 0,
    )
