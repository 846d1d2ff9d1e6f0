"""What is read from outside has the declared types, or is refused."""

from dataclasses import replace

import pytest

from benchcli.schema import Costs, Output, Source, Target
from benchcli.schema.conform import conforms
from benchcli.schema.protocol import Sampled
from tests import values

VARIANT = values.variant("g=8")
FAMILY = values.family(VARIANT)
SAMPLE = values.sample("g=8", 0, 0, 0.001)


@pytest.mark.parametrize(
    "value",
    [
        FAMILY,
        replace(FAMILY, references=(VARIANT,)),
        replace(FAMILY, variants=(replace(VARIANT, source=Source("folder", "only", "tree")),)),
        replace(FAMILY, variants=(replace(VARIANT, params={"a": 1, "b": [1, "x"], "c": True, "d": 0.5}),)),
        Target(),
        SAMPLE,
        Sampled("family", SAMPLE),
        values.conditions(),
        Output(((1, 2),), ("",), (0.5, 1)),
        Costs(1, 2, 3, 4, 5, 6, 7, 8, unknown=("op",)),
    ],
)
def test_values_of_the_declared_types_conform(value: object) -> None:
    assert conforms(value)


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
        replace(FAMILY, variants=[VARIANT]),  # type: ignore[arg-type]
        replace(SAMPLE, seconds="fast"),  # type: ignore[arg-type]
        replace(SAMPLE, excluded="because"),  # type: ignore[arg-type]
        Sampled("family", replace(SAMPLE, launch=None)),  # type: ignore[arg-type]
        Costs(1, 2, 3, 4, 5, 6, 7, (1,)),  # type: ignore[arg-type]
    ],
)
def test_values_of_other_types_do_not(value: object) -> None:
    assert not conforms(value)
