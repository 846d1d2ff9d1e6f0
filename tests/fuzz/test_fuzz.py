"""Random suites, result folders, arguments and events: one line and an exit code, never a traceback.

`make fuzz` tries many, other ones every time: BENCHCLI_FUZZ is the number of examples of each kind.
Without it, pytest tries some of each, the same ones every time.
"""

import contextlib
import json
import os
import shutil
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchcli.analysis.comparison import compare
from benchcli.analysis.other_baseline import with_baseline
from benchcli.analysis.pairwise import rankings
from benchcli.analysis.verdicts import verdicts
from benchcli.checks.against_run import Now, against
from benchcli.errors import UserError
from benchcli.reports.views.claims_page import page as claims_page
from benchcli.reports.views.pairwise_page import page as pairwise_page
from benchcli.reports.views.run_page import page as run_page
from benchcli.runs.read import read
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema.protocol import decode_event
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.suite_keys import BLOCK_KEYS, CUSTOM_KEYS, GUIDELINE_KEYS, NETWORK_KEYS
from benchcli.workloads.suites import SuiteFile, families_of_suite
from tests.conftest import Outcome
from tests.hostile import STRINGS

EXAMPLES = int(os.environ.get("BENCHCLI_FUZZ", "0"))
FUZZ = settings(
    max_examples=EXAMPLES or 40,
    derandomize=not EXAMPLES,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ROOT = Path(__file__).parents[2]
KEPT = ROOT / "results" / "reference" / "g2-epyc"
HEADER = (KEPT / "measurements.csv").read_text(encoding="utf-8").splitlines()[0].split(",")

words = st.one_of(
    st.sampled_from(STRINGS),
    st.sampled_from(
        ["g1", "g2", "g3", "g4", "paper", "aligned", "all", "float32", "nchw", "nhwc", "1:6", "theirs:tower"]
    ),
    st.text(max_size=20),
)
numbers = st.one_of(st.integers(), st.integers(-2, 70), st.floats(), st.sampled_from([2**63, -1, 0, 1, 8, 1e300]))
values = st.recursive(
    st.one_of(words, numbers, st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(words, inner, max_size=3)),
    max_leaves=6,
)
KEYS = sorted({*GUIDELINE_KEYS, *BLOCK_KEYS, *NETWORK_KEYS, *CUSTOM_KEYS, "description", "family"})
tables = st.dictionaries(st.one_of(st.sampled_from(KEYS), words), values, max_size=5)
plausible = st.fixed_dictionaries(
    {"guideline": st.sampled_from(["g1", "g2", "g3", "g4"])},
    optional={
        "widths": st.one_of(st.sampled_from(["paper", "aligned"]), st.integers(1, 300), st.lists(numbers, max_size=4)),
        "values": st.lists(st.one_of(st.integers(0, 9), words), max_size=4),
        "scales": st.one_of(st.integers(-1, 70), st.lists(st.integers(0, 5), max_size=3)),
        "batch": st.one_of(st.integers(-1, 9), st.lists(st.integers(0, 9), max_size=3)),
        "size": st.integers(-1, 5000),
        "name": words,
    },
)


def toml(value: Any) -> str:
    """Return a value as TOML. JSON's strings, lists and numbers are TOML's, but for what JSON lacks."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value.encode("utf-8", "replace").decode())
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return repr(value)


def suite_text(families: list[dict[str, Any]]) -> str:
    return "".join(
        "[[family]]\n" + "".join(f"{toml(key)} = {toml(value)}\n" for key, value in family.items())
        for family in families
    )


@contextlib.contextmanager
def one_line() -> Iterator[None]:
    """Let UserError pass, if it says something in one line."""
    try:
        yield
    except UserError as error:
        if not str(error).strip():
            pytest.fail("an error that says nothing")


def expanded(text: str, path: Path) -> None:
    """Read a suite and expand it. Only UserError may be raised, and it is one line."""
    path.write_text(text, encoding="utf-8", errors="replace", newline="")
    with one_line():
        families_of_suite(SuiteFile(path, "fuzzed"), Overrides())


@FUZZ
@given(families=st.lists(st.one_of(tables, plausible), min_size=1, max_size=3))
def test_any_suite_is_expanded_or_refused(families: list[dict[str, Any]], tmp_path: Path) -> None:
    expanded(suite_text(families), tmp_path / "fuzzed.toml")


@FUZZ
@given(
    text=st.one_of(st.text(max_size=200), st.text(alphabet=string.printable, max_size=200)), place=st.integers(0, 400)
)
def test_any_change_of_a_shipped_suite_is_expanded_or_refused(text: str, place: int, tmp_path: Path) -> None:
    shipped = (ROOT / "suites" / "ci.toml").read_text(encoding="utf-8")
    expanded(shipped[:place] + text + shipped[place + len(text) :], tmp_path / "fuzzed.toml")


CELLS = st.one_of(
    st.sampled_from(["", "nan", "inf", "-1", "0", "1e300", "1e-300", "OK", "ok", "failed", "=1+1", "9" * 400]),
    words,
    st.floats().map(str),
    st.integers().map(str),
)


def changed_table(folder: Path, row: int, column: int, cell: str, name: str = "measurements.csv") -> None:
    """Change one cell of a table, without care for quotes or line ends in it."""
    path = folder / name
    lines = path.read_text(encoding="utf-8").splitlines()
    cells = lines[row % len(lines)].split(",")
    cells[column % len(cells)] = cell
    lines[row % len(lines)] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", errors="replace", newline="")


def looked_at(folder: Path) -> None:
    """Do with a recorded run all that benchcli does with one. Only UserError may be raised."""
    with one_line():
        used(read(folder))


def used(recorded: SuiteRun) -> None:
    """Judge, lay out, compare and check a recorded run."""
    verdicts(recorded.results)
    families = tuple({record.family.name: record.family for record in recorded.by_key().values()}.values())
    costs = {record.key: record.costs for record in recorded.by_key().values() if record.costs}
    records = recorded.by_key()
    last = recorded.records[-1].variant.name if recorded.records else "none"
    shows: list[Callable[[], object]] = [
        lambda: run_page(recorded),
        lambda: claims_page(recorded, ()),
        lambda: compare([recorded, recorded]),
        lambda: run_page(with_baseline(recorded, last)),
        lambda: pairwise_page(recorded, rankings(recorded)),
    ]
    for show in shows:
        with one_line():
            show()
    if set(costs) == set(records):
        list(against(recorded, Now(families, costs, {}, True, records, None), 0.05, ()))


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[], Path]:
    """Return what makes a fresh copy of a kept run."""

    def fresh() -> Path:
        place = tmp_path / "run"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name in ("environment.json", "measurements.csv", "samples.csv"):
            shutil.copy(KEPT / name, place)
        return place

    return fresh


@FUZZ
@given(row=st.integers(0, 5), column=st.integers(0, len(HEADER) - 1), cell=CELLS)
def test_any_cell_of_a_run_is_read_or_refused(folder: Callable[[], Path], row: int, column: int, cell: str) -> None:
    place = folder()
    changed_table(place, row, column, cell)
    looked_at(place)


@FUZZ
@given(row=st.integers(0, 400), column=st.integers(0, 9), cell=CELLS)
def test_any_cell_of_the_samples_is_read_or_refused(
    folder: Callable[[], Path], row: int, column: int, cell: str
) -> None:
    place = folder()
    changed_table(place, row, column, cell, "samples.csv")
    looked_at(place)


def places(content: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to everything in a JSON value."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(each for key, value in inner for each in places(value, (*path, key)))]


@FUZZ
@given(number=st.integers(0, 10_000), value=st.one_of(values, st.none()), remove=st.booleans())
def test_any_fact_of_a_run_is_read_or_refused(
    folder: Callable[[], Path], number: int, value: object, remove: bool
) -> None:
    place = folder()
    facts = json.loads((place / "environment.json").read_text(encoding="utf-8"))
    paths = places(facts)[1:]
    *parents, last = paths[number % len(paths)]
    holder = facts
    for key in parents:
        holder = holder[key]
    if remove and isinstance(holder, dict):
        del holder[last]
    else:
        holder[last] = value
    (place / "environment.json").write_text(json.dumps(facts), encoding="utf-8", errors="replace")
    looked_at(place)


COMMANDS = "guideline block network claims run check compare selftest list device g2 all"
OPTIONS = (
    "--device --threads --batch --dtype --layout --precision --budget --launches --width --channels --scale --output "
    "--resume --format --base --head --only --baseline --allow --write --threshold --help -h -- --version --group"
)
SETTINGS = "fake 1 0 -1 1% 30s float32,bfloat16 nhwc json table . / ~nobody"
ARGUMENTS = st.one_of(*(st.sampled_from(each.split()) for each in (COMMANDS, OPTIONS, SETTINGS)), words)


@FUZZ
@given(arguments=st.lists(ARGUMENTS, max_size=6))
def test_any_arguments_end_with_one_line(cli: Callable[..., Outcome], arguments: list[str]) -> None:
    printable = [argument.replace("\x00", "").encode("utf-8", "replace").decode() for argument in arguments]

    def nothing(_task: object, _silence_s: float) -> Any:
        raise KeyboardInterrupt
        yield

    found = cli(*printable, launcher=nothing)
    assert found.code in (0, 2, 4, 130), found.err
    assert "Traceback" not in found.err


@FUZZ
@given(line=st.one_of(st.text(max_size=100), values.map(lambda value: json.dumps(value, default=str))))
def test_any_line_is_an_event_or_refused(line: str) -> None:
    """Only the errors that `decode_event` documents may be raised: the engine handles those."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        decode_event(line)
