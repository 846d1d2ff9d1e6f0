"""What is read from outside has the declared types, or is refused."""

import json
import re
from dataclasses import asdict, dataclass, replace

import pytest

from benchcli.schema import Costs, Output, OutputPart, Sample, Source, Target
from benchcli.schema.protocol import Sampled
from benchcli.schema.structure import StructureError, structure, structure_cells
from tests import values

VARIANT = values.variant("g=8")
FAMILY = values.family(VARIANT)
SAMPLE = values.sample("g=8", 0, 0, 0.001)


@pytest.mark.parametrize(
    "value",
    [
        FAMILY,
        replace(FAMILY, references=(VARIANT,)),
        replace(FAMILY, variants=(replace(VARIANT, source=Source("folder", "only", ("tree",))),)),
        replace(FAMILY, variants=(replace(VARIANT, params={"a": 1, "b": [1, "x"], "c": True, "d": 0.5}),)),
        Target(),
        SAMPLE,
        Sampled("family", SAMPLE),
        values.conditions(),
        Output((OutputPart("", "float32", (1, 2), fingerprint=(0.5, 1)),)),
        Costs(1, 2, 3, 4, 5, 6, 7, 8, unknown=("op",)),
    ],
)
def test_values_of_the_declared_types_are_read_back_from_json(value: object) -> None:
    data = json.loads(json.dumps(asdict(value)))  # type: ignore[call-overload]
    assert structure(data, type(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        replace(FAMILY, name=["a"]),  # type: ignore[arg-type]
        replace(FAMILY, batch=True),
        replace(FAMILY, batch=1.5),  # type: ignore[arg-type]
        replace(FAMILY, catalogue="other"),  # type: ignore[arg-type]
        replace(FAMILY, variants=(replace(VARIANT, shape=("1",)),)),  # type: ignore[arg-type]
        replace(FAMILY, variants=(replace(VARIANT, params={1: 1}),)),  # type: ignore[dict-item]
        replace(FAMILY, variants=(replace(VARIANT, source=Source("folder", "middle")),)),  # type: ignore[arg-type]
        replace(SAMPLE, seconds="fast"),  # type: ignore[arg-type]
        replace(SAMPLE, excluded="because"),  # type: ignore[arg-type]
        Sampled("family", replace(SAMPLE, launch=None)),  # type: ignore[arg-type]
        Costs(1, 2, 3, 4, 5, 6, 7, (1,)),  # type: ignore[arg-type]
    ],
)
def test_values_of_other_types_are_refused(value: object) -> None:
    with pytest.raises(StructureError):
        structure(asdict(value), type(value))  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("data", "kind", "error"),
    [
        ({"device": "cpu", "threads": "2"}, Target, "threads: '2' is no int"),
        ({"folder": "here"}, Source, "it lacks place"),
        ({**asdict(SAMPLE), "seconds": 0.0}, Sample, "seconds: 0.0 is not from 1e-12 to 1e+12"),
        ({"family": "f", "sample": {**asdict(SAMPLE), "calls": -1}}, Sampled, "sample: calls: -1 is not from 0"),
        ({"family": "f", "sample": {**asdict(SAMPLE), "calls": 2**63}}, Sampled, "sample: calls: 92233"),
        ([], Target, "[] is no Target"),
    ],
)
def test_an_error_names_the_field_and_the_value(data: object, kind: type, error: str) -> None:
    with pytest.raises(StructureError, match=re.escape(error)):
        structure(data, kind)


@dataclass(frozen=True)
class Row:
    name: str
    count: int
    share: float | None = None
    ready: bool | None = None
    text: str = ""


def test_cells_of_a_row_are_read_by_the_types_of_the_fields() -> None:
    assert structure_cells({"name": "a", "count": "3", "share": "", "other": "x"}, Row) == Row("a", 3)
    assert structure_cells({"name": "", "count": "3", "share": "1", "ready": "True"}, Row) == Row("", 3, 1.0, True)


@pytest.mark.parametrize(
    "cells",
    [
        {"name": "a"},
        {"name": "a", "count": ""},
        {"name": "a", "count": "1.5"},
        {"name": "a", "count": "9" * 30},
        {"name": "a", "count": "9" * 400},  # more than a float can hold
        {"name": "a", "count": "1", "share": "nan"},
        {"name": "a", "count": "1", "share": "inf"},
        {"name": "a", "count": "1", "ready": "yes"},
    ],
)
def test_cells_that_are_no_values_are_refused(cells: dict[str, str]) -> None:
    with pytest.raises(StructureError):
        structure_cells(cells, Row)
