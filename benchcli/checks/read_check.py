"""Read a recorded check back from its folder."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from benchcli import files
from benchcli.checks.check_folder import COLUMNS, FINDINGS
from benchcli.checks.findings import ORDER, Finding, Subject
from benchcli.checks.rules import Judgement, Speed
from benchcli.checks.session import CheckReport
from benchcli.checks.versions import BASE, HEAD
from benchcli.errors import UserError
from benchcli.runs.facts import check_facts, is_number
from benchcli.runs.folder import ENVIRONMENT, Folder, is_going
from benchcli.schema import Code, Interval
from benchcli.schema.structure import whole

TEXTS = ("suite", "heading")
NUMBERS = ("seconds", "threshold", "findings")
"""What the environment of every check that has ended says about it."""


LARGEST = 1e12
"""No check finds a time in seconds or a factor as large."""


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
    if not isinstance(check, dict) or "seconds" not in check:
        raise UserError(f"{folder} is a check that was cut short: it has no findings, check again")
    check_facts(folder, environment, ())
    if not _is_whole(check):
        raise UserError(f"{folder / ENVIRONMENT} does not say what a check writes there: check again")
    try:
        rows = list(csv.DictReader(io.StringIO(files.read_text(path), newline="")))
        findings = tuple(map(_finding, rows))
        if len(findings) != check["findings"]:
            raise ValueError(f"{len(findings)} of {check['findings']} findings are there")
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{path} is damaged ({error}): check again") from None
    return CheckReport(check["suite"], check["heading"], environment, findings, folder)


def _is_whole(check: Mapping[str, Any]) -> bool:
    """Return whether what the environment says of a check is what a page of it reads."""
    warnings, software = check.get("warnings"), check.get("software")
    of_versions = (
        isinstance(software, dict)
        and all(isinstance(software.get(side), dict) for side in (BASE, HEAD))
        and all(isinstance(check.get(side), dict) for side in (BASE, HEAD))
        and all(isinstance(check[side].get("label"), str) for side in (BASE, HEAD))
        and isinstance(check.get("why_apart"), str | None)
        and isinstance(check.get("together"), bool)
    )
    return (
        all(isinstance(check.get(name), str) for name in TEXTS)
        and all(is_number(check.get(name)) for name in NUMBERS)
        and isinstance(warnings, list)
        and all(isinstance(each, str) for each in warnings)
        and (of_versions or (isinstance(check.get("baseline"), str) and isinstance(check.get("timed"), bool)))
    )


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
    threshold, noise, detectable = (_number(cells[name]) or 1.0 for name in ("threshold", "noise", "detectable"))
    launches, agreeing = whole(cells["launches"]), whole(cells["agreeing"])
    return Judgement(outcome, change, threshold, noise, detectable, launches, agreeing)


def _number(text: str) -> float | None:
    """Return a time or a factor. Raises ValueError for one that no check finds."""
    number = float(text) if text else None
    if number is not None and not 0 < number < LARGEST:
        raise ValueError(f"{text} is no time and no factor")
    return number
