"""The frozen dataclasses that pass between stages. Read them first.

Values are in SI units: seconds, bytes, counts.

suite -> family -> variant (`request`) -> costs (`counts`), samples (`observations`) -> timing -> record (`records`)
"""

from benchcli.schema.counts import CostDetail, Costs, OperatorCall
from benchcli.schema.observations import (
    CATEGORIES,
    HOST_BOUND,
    Breakdown,
    Category,
    Code,
    Conditions,
    Exclusion,
    Layer,
    Layers,
    Output,
    Sample,
)
from benchcli.schema.records import (
    Failure,
    FamilyResult,
    Interval,
    Outcome,
    Percentiles,
    Record,
    ReferenceSpeed,
    Status,
    Timing,
)
from benchcli.schema.request import (
    BUILT_IN,
    LIVE,
    Catalogue,
    Family,
    Input,
    Key,
    Parameter,
    Plan,
    Source,
    Suite,
    Target,
    Variant,
    sizes,
)

__all__ = [
    "BUILT_IN",
    "CATEGORIES",
    "HOST_BOUND",
    "LIVE",
    "Breakdown",
    "Catalogue",
    "Category",
    "Code",
    "Conditions",
    "CostDetail",
    "Costs",
    "Exclusion",
    "Failure",
    "Family",
    "FamilyResult",
    "Input",
    "Interval",
    "Key",
    "Layer",
    "Layers",
    "OperatorCall",
    "Outcome",
    "Output",
    "Parameter",
    "Percentiles",
    "Plan",
    "Record",
    "ReferenceSpeed",
    "Sample",
    "Source",
    "Status",
    "Suite",
    "Target",
    "Timing",
    "Variant",
    "sizes",
]
