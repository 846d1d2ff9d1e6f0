"""Read recorded runs, and reject incomplete or damaged ones with an error that names the fault."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchcli import files
from benchcli.errors import DamagedRunError, UserError
from benchcli.files import ENVIRONMENT
from benchcli.formatting import counted
from benchcli.runs.folder import Folder, is_going
from benchcli.runs.rows import COLUMNS, record_of
from benchcli.runs.run_environment import check_resolves, with_roofs
from benchcli.runs.run_folder import MEASUREMENTS, RunFolder
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Family, FamilyResult, Record, Target
from benchcli.schema.environment import Environment
from benchcli.schema.structure import StructureError
from benchcli.settings import DTYPES, LAYOUTS
from benchcli.spelling import given
from benchcli.workloads.guidelines.base import EXPERIMENTS

DAMAGED = "the file is damaged, record the run again"


def read(path: Path) -> SuiteRun:
    """Return the run at `path`, which is a run's folder or its `measurements.csv`.

    Raises UserError if there is no run, or if its files are damaged.
    """
    folder = path.parent if path.name == MEASUREMENTS else path
    if not files.is_folder(folder):
        raise UserError(f"no results at {path}: give the folder of a run, such as results/<time>-<suite>-<host>")
    lacking = next((name for name in (ENVIRONMENT, MEASUREMENTS) if not files.is_file(folder / name)), None)
    if lacking:
        raise DamagedRunError(f"{folder} is not the folder of a run", f"it lacks {lacking}{_hint(folder)}")
    environment = Folder(folder).environment
    if environment.machine is None:
        raise DamagedRunError(
            f"{folder} was cut short before anything was measured", f"{given('resume')} it, or record it again"
        )
    families = _families(folder, environment)
    records = tuple(_records(folder / MEASUREMENTS, families, environment.target))
    return _run(RunFolder(folder), environment, families, records)


def _run(
    folder: RunFolder, environment: Environment, families: Mapping[str, Family], records: Sequence[Record]
) -> SuiteRun:
    by_family: dict[str, dict[str, Record]] = {name: {} for name in families}
    for record in records:
        if record.variant.name in by_family[record.family.name]:
            twice = "/".join(record.key)
            raise DamagedRunError(f"{folder.path / MEASUREMENTS} has two rows of {twice}", "record the run again")
        by_family[record.family.name][record.variant.name] = record
    unfinished = tuple(name for name, of in by_family.items() if len(of) < len(families[name].variants))
    conditions = folder.conditions()
    return SuiteRun(
        environment=with_roofs(environment),
        results=tuple(
            FamilyResult(families[name], tuple(of.values()), (), tuple(conditions.get(name, ())))
            for name, of in by_family.items()
            if name not in unfinished
        ),
        folder=folder.path,
        seconds=None,
        breakdowns=tuple(folder.breakdowns()),
        timed_layers=tuple(folder.layers()),
        unfinished=unfinished,
        partial=tuple(record for record in records if record.family.name in unfinished),
        is_going=is_going(folder.path),
    )


def _hint(folder: Path) -> str:
    """Return the way out for a folder that is no run's, but holds some."""
    inside = [each.parent.name for each in sorted(folder.glob(f"*/{ENVIRONMENT}"))]
    if not inside:
        return ""
    return f"; {counted(len(inside), 'folder')} in it may be: give {folder / inside[-1]}, or a pattern for several"


def _families(folder: Path, environment: Environment) -> dict[str, Family]:
    if environment.suite is None:
        raise UserError(f"{folder / ENVIRONMENT} does not say which networks were measured: record the run again")
    for family in environment.suite.families:
        if not _is_possible(family):
            raise UserError(f"{folder / ENVIRONMENT}: family {family.name} is not what a run writes: record it again")
    check_resolves(folder, environment.suite)
    return {family.name: family for family in environment.suite.families}


def _is_possible(family: Family) -> bool:
    """Return whether a family of the right types can have been measured."""
    variants = (*family.variants, *family.references)
    shapes = [variant.shape for variant in variants if not variant.inputs]
    return (
        bool(family.variants)
        and min(family.batch, family.scale) >= 1
        and all(shape and min(shape) >= 1 for shape in shapes)
        and family.dtype in DTYPES
        and family.layout in LAYOUTS
        and (not family.guideline or _has_names_of(family))
    )


def _has_names_of(family: Family) -> bool:
    """Return whether the guideline of a family is there, and can read the names of its variants."""
    guideline = EXPERIMENTS.get(family.guideline)
    try:
        return guideline is not None and bool(guideline.extreme([variant.name for variant in family.variants]))
    except ValueError:
        return False


def _records(path: Path, families: Mapping[str, Family], target: Target) -> Iterator[Record]:
    text = files.read_text(path)
    try:
        rows = list(csv.reader(text.splitlines(keepends=True)))
    except csv.Error as error:  # a cell is too large
        raise DamagedRunError(f"{path}: {error}", DAMAGED) from None
    if not rows or not text.endswith("\n"):
        raise DamagedRunError(f"{path} was cut short in line {len(rows)}", "resume the run, or record it again")
    columns, *cells = rows
    for number, row in enumerate(cells, 2):
        yield _record(f"{path}:{number}", columns, row, families, target)


def _record(
    where: str, columns: Sequence[str], row: Sequence[str], families: Mapping[str, Family], target: Target
) -> Record:
    cells = dict(zip(columns, row, strict=False))
    if len(row) != len(columns):
        raise DamagedRunError(f"{where}: {len(row)} cells under {len(columns)} columns", DAMAGED)
    family = families.get(cells.get("family", ""))
    variant = next((v for v in family.variants if v.name == cells.get("variant")), None) if family else None
    if family is None or variant is None:
        raise UserError(f"{where}: a row of {cells.get('family')} {cells.get('variant')}, which the run does not have")
    try:
        return record_of(cells, family, variant, family.on(target))
    except StructureError as error:
        if error.lacking in COLUMNS:
            raise DamagedRunError(
                f"{where}: it lacks the column {error.lacking}",
                "another version of benchcli wrote it, record the run again",
            ) from None
        raise DamagedRunError(f"{where}: {error}", DAMAGED) from None
