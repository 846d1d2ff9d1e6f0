"""Read a recorded check back from its folder."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from benchcli import files
from benchcli.check.findings import ORDER, Finding, Subject
from benchcli.check.folder import COLUMNS, FINDINGS
from benchcli.check.rules import Judgement, Speed
from benchcli.check.session import CheckReport
from benchcli.errors import UserError
from benchcli.runs.folder import Folder, is_going
from benchcli.schema import Code, Interval
from benchcli.schema.conform import whole

FACTS: Mapping[str, type | tuple[type, ...]] = {"suite": str, "heading": str, "seconds": (int, float), "warnings": list}
"""What the environment of every check that has ended says about it."""


def is_check(folder: Path) -> bool:
    """Return whether a folder holds a check."""
    return files.is_file(folder / FINDINGS)


def report_of(folder: Path) -> CheckReport:
    """Return the report of the check in a folder.

    Raises UserError if its files are damaged, or if it has not ended.
    """
    path = folder / FINDINGS
    environment = Folder(folder).environment
    check = environment.get("check")
    if is_going(folder):
        raise UserError(f"{folder} is a check that is still going: it has no findings before its end")
    if not isinstance(check, dict) or not all(isinstance(check.get(name), kind) for name, kind in FACTS.items()):
        raise UserError(f"{folder} is a check that was cut short: it has no findings, check again")
    try:
        rows = list(csv.DictReader(io.StringIO(files.read_text(path), newline="")))
        findings = tuple(map(_finding, rows))
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error}): check again") from None
    return CheckReport(check["suite"], check["heading"], environment, findings, folder)


def _finding(cells: Mapping[str, str]) -> Finding:
    """Return the finding in a row of text. Raises ValueError, KeyError or TypeError if it is damaged."""
    if set(COLUMNS) - cells.keys() or None in cells.values():
        raise ValueError("a row lacks cells")
    outcome, subject = cells["outcome"], cells["subject"]
    if outcome not in ORDER or subject not in get_args(Subject):
        raise ValueError(f"no check has the outcome {outcome!r} of {subject!r}")
    change = _number(cells["change"])
    interval = None if change is None else Interval(change, _number(cells["change_low"]), _number(cells["change_high"]))
    return Finding(
        family=cells["family"],
        variant=cells["variant"],
        subject=subject,  # type: ignore[arg-type]
        outcome=outcome,
        text=cells["text"],
        builder=cells["builder"],
        change=interval,
        judgement=_judgement(cells, interval) if interval and cells["threshold"] else None,
        base_s=_number(cells["base_s"]),
        head_s=_number(cells["head_s"]),
        allowed=cells["allowed"] == "True",
        rerun=cells["rerun"],
        code=Code(cells["file"], whole(cells["line"]), "") if cells["file"] else None,
    )


def _judgement(cells: Mapping[str, str], change: Interval) -> Judgement:
    outcome: Any = cells["outcome"] if cells["outcome"] in get_args(Speed) else "inconclusive"
    threshold, noise, detectable = (float(cells[name]) for name in ("threshold", "noise", "detectable"))
    launches, agreeing = whole(cells["launches"]), whole(cells["agreeing"])
    return Judgement(outcome, change, threshold, noise, detectable, launches, agreeing)


def _number(text: str) -> float | None:
    return float(text) if text else None
