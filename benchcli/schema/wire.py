"""Write tasks, events and questions as JSON lines, and read them; nothing else knows their form."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, get_args

from benchcli.schema import (
    Breakdown,
    Code,
    Conditions,
    CostDetail,
    Costs,
    Family,
    Input,
    Layer,
    Layers,
    OperatorCall,
    Output,
    Sample,
    Source,
    Target,
    Variant,
)
from benchcli.schema.conform import conforms
from benchcli.schema.protocol import Event, Question, Task

_ENCODE = json.JSONEncoder().encode  # bound before a network's code could replace it
_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def encode_question(question: Question | None) -> str:
    """Return the question as one line. None ends serve mode."""
    return json.dumps(question and asdict(question))


def decode_question(line: str) -> Question | None:
    """Return the question in a line; None if it ends serve mode."""
    data = json.loads(line)
    return data and Question(**data)


def encode_task(task: Task) -> str:
    """Return the task as one line."""
    return json.dumps(asdict(task))


def decode_task(line: str) -> Task:
    """Return the task in a line."""
    data = json.loads(line)
    data["target"] = Target(**data["target"])
    data["families"] = tuple(decode_family(family) for family in data["families"])
    data["costs"] = {
        family: {variant: _costs(costs) for variant, costs in variants.items()}
        for family, variants in data["costs"].items()
    }
    return Task(**data)


def encode_event(event: Event) -> str:
    """Return the event as one line."""
    return _ENCODE({"event": type(event).__name__, **asdict(event)})


def decode_event(line: str) -> Event:
    """Return the event in a line. Raises ValueError, KeyError or TypeError if it holds none.

    A network may write to the worker's pipe, so what makes no sense is refused.
    """
    try:
        event = _decoded(json.loads(line))
    except (AttributeError, RecursionError) as error:  # a value of another kind, or too deep
        raise ValueError(str(error)) from None
    if not conforms(event):
        raise ValueError(f"{type(event).__name__} with values of other types")
    return event


def _decoded(data: Any) -> Event:
    kind = _EVENTS[data.pop("event")]
    return kind(**{name: _READERS[name](value) if name in _READERS else value for name, value in data.items()})


def _sample(data: Mapping[str, Any]) -> Sample:
    """Return a sample. Raises ValueError if its numbers are none that timing gives."""
    sample = Sample(**data)
    if not 0 < sample.seconds < math.inf or min(sample.launch, sample.round, sample.calls) < 0:
        raise ValueError("a sample of no time, or of a negative count")
    return sample


def _call(data: Mapping[str, Any]) -> OperatorCall:
    shapes = {name: tuple(map(tuple, data[name])) for name in ("inputs", "outputs")}
    return OperatorCall(**{**data, **shapes})


def _costs(data: Mapping[str, Any]) -> Costs:
    return Costs(**{**data, "unknown": tuple(data["unknown"])})


def _detail(data: Any) -> CostDetail | None:
    return CostDetail(tuple(map(_call, data["calls"])), data["others"]) if data else None


def _output(data: Any) -> Output:
    return Output(tuple(map(tuple, data["shapes"])), tuple(data["names"]), tuple(data["fingerprint"]))


def _layers(data: Any) -> Layers:
    return Layers(**{**data, "layers": tuple(Layer(**each) for each in data["layers"])})


def _conditions(data: Any) -> Conditions:
    return Conditions(**{**data, "throttle_reasons": tuple(data["throttle_reasons"])})


_READERS: dict[str, Callable[[Any], Any]] = {
    "costs": _costs,
    "detail": _detail,
    "output": _output,
    "breakdown": lambda data: Breakdown(**data),
    "sample": _sample,
    "seconds": tuple,
    "code": lambda data: Code(**data) if data else None,
    "layers": _layers,
    "conditions": _conditions,
}
"""What reads the fields of events that are no plain values, by name."""


def decode_family(data: Mapping[str, Any]) -> Family:
    """Return the family from the JSON form of its `asdict`."""
    variants, references = (tuple(map(_variant, data.get(name, ()))) for name in ("variants", "references"))
    return Family(**{**data, "variants": variants, "references": references})


def _variant(data: Mapping[str, Any]) -> Variant:
    source = data.get("source")
    inputs = tuple(Input(**{**each, "shape": tuple(each["shape"])}) for each in data.get("inputs", ()))
    shape = tuple(data["shape"])
    return Variant(**{**data, "shape": shape, "source": source and Source(**source), "inputs": inputs})
