"""What the engine and its workers say to each other: one task down, events up, a JSON line each.

A worker that serves is asked besides, question by question, when to take which sample.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, get_args

from benchcli.schema import Breakdown, Conditions, Costs, Family, Output, Sample, Source, Status, Target, Variant

SURVEY: Final = "survey"
LAUNCH: Final = "launch"
SERVE: Final = "serve"
PROFILE: Final = "profile"
SECONDS, ROUNDS = 0.3, 8
"""A launch samples each family for so long, and so many rounds, at the least."""
ENDED: Final = "ended"
"""The key under which a fork server tells the exit code of a child."""


@dataclass(frozen=True)
class Task:
    """What one worker is to do."""

    kind: Literal["survey", "launch", "serve", "profile"]
    target: Target
    families: tuple[Family, ...]
    costs: Mapping[str, Mapping[str, Costs]]
    """Family and variant to costs; empty for a survey, which finds them."""
    launch: int = 0
    seed: int = 0
    seconds: float = SECONDS
    """Sampling a family takes at least so long, and `rounds` rounds."""
    rounds: int = ROUNDS
    same_calls: bool = False
    """Whether a sample of each variant is as many calls as one of the family's first."""
    most_seconds: float = 60.0
    """After so long a family's sampling ends with the round under way."""
    live: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Networks that a caller gave by value, pickled and in base 64, by their recorded names."""


@dataclass(frozen=True)
class Described:
    """The worker is up: the versions and the device it sees. `missing` says why it cannot go on."""

    software: Mapping[str, str]
    device: Mapping[str, Any]
    missing: str | None
    available: Mapping[str, str]
    """The devices that could be measured on, with what each is."""


@dataclass(frozen=True)
class Started:
    """From now on, a death of the worker is this variant's."""

    family: str
    variant: str


@dataclass(frozen=True)
class Counted:
    """The costs of one variant, and what it computed."""

    family: str
    variant: str
    costs: Costs
    output: Output


@dataclass(frozen=True)
class Ready:
    """One variant of a worker that serves is warm; so many calls make a sample."""

    family: str
    variant: str
    calls: int


@dataclass(frozen=True)
class Waiting:
    """A worker that serves has made ready what it could, and waits for questions."""


@dataclass(frozen=True)
class Sampled:
    """One sample of one variant of one family."""

    family: str
    sample: Sample


@dataclass(frozen=True)
class Watched:
    """What went on beside the sampling of one family."""

    family: str
    conditions: Conditions


@dataclass(frozen=True)
class Traced:
    """Where the time of one variant goes."""

    breakdown: Breakdown


@dataclass(frozen=True)
class Failed:
    """A variant that the worker survived."""

    family: str
    variant: str
    status: Status
    error: str


@dataclass(frozen=True)
class Done:
    """The task is finished; a worker that ends without saying so has died."""


Event = Described | Started | Counted | Ready | Waiting | Sampled | Watched | Traced | Failed | Done
_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


@dataclass(frozen=True)
class Question:
    """Ask a worker that serves for one sample."""

    family: str
    variant: str
    round: int
    calls: int


def encode_question(question: Question | None) -> str:
    """Return the question as one line; None is the last one, which ends the serving."""
    return json.dumps(question and asdict(question))


def decode_question(line: str) -> Question | None:
    """Return the question in a line."""
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
        family: {variant: _costs(costs) for variant, costs in of_family.items()}
        for family, of_family in data["costs"].items()
    }
    return Task(**data)


def encode_event(event: Event) -> str:
    """Return the event as one line."""
    return json.dumps({"event": type(event).__name__, **asdict(event)})


def decode_event(line: str) -> Event:
    """Return the event in a line. Raises ValueError or KeyError where it is none."""
    data = json.loads(line)
    kind = _EVENTS[data.pop("event")]
    if "costs" in data:
        data["costs"] = _costs(data["costs"])
    if "output" in data:
        data["output"] = Output(**{name: tuple(numbers) for name, numbers in data["output"].items()})
    if "breakdown" in data:
        data["breakdown"] = Breakdown(**data["breakdown"])
    if "sample" in data:
        data["sample"] = Sample(**data["sample"])
    if "conditions" in data:
        reasons = tuple(data["conditions"].pop("throttle_reasons"))
        data["conditions"] = Conditions(**data["conditions"], throttle_reasons=reasons)
    return kind(**data)


def _costs(data: Mapping[str, Any]) -> Costs:
    return Costs(**{**data, "unknown": tuple(data["unknown"])})


def decode_family(data: Mapping[str, Any]) -> Family:
    """Return the family in what `asdict` and JSON made of it."""
    return Family(**{**data, "variants": tuple(map(_variant, data["variants"]))})


def _variant(data: Mapping[str, Any]) -> Variant:
    source = data.get("source")
    return Variant(**{**data, "shape": tuple(data["shape"]), "source": source and Source(**source)})
