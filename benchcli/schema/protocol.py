"""Define the messages between engine and workers: tasks, events and questions, a JSON line each.

The engine sends a worker one task, and the worker sends events. A worker in serve mode also gets
questions, each of which asks for one sample.
"""

import json
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, TypedDict, get_args

from benchcli.schema.counts import CostDetail, Costs
from benchcli.schema.keys import OfVariant
from benchcli.schema.observations import (
    Breakdown,
    CallKernels,
    Code,
    Conditions,
    Count,
    Duration,
    Layers,
    Output,
    Sample,
)
from benchcli.schema.recipes import OperatorList, OperatorRecipe, OperatorTimes
from benchcli.schema.records import Failure, Status
from benchcli.schema.request import Family, Target
from benchcli.schema.roofs import Rate, Work
from benchcli.schema.structure import structure
from benchcli.schema.warnings import RunWarning, Share
from benchcli.spelling import Interface, interface

SURVEY: Final = "survey"
LAUNCH: Final = "launch"
SERVE: Final = "serve"
PROFILE: Final = "profile"
LAYERS: Final = "layers"
KERNELS: Final = "kernels"
EXPORT: Final = "export"
ROOFS: Final = "roofs"
WRITE: Final = "write"
OPERATORS: Final = "operators"
CHANGED: Final = "changed"
"""In place of the hash of a file that changed after it was read."""
SECONDS, ROUNDS = 0.2, 6
"""The least seconds, and the least rounds, for which a launch samples each family."""


class Counting(TypedDict, total=False):
    """What a survey is asked for besides the costs of networks; `Task` says what each means."""

    detailed: bool
    crosschecked: bool
    timed: bool
    meta: bool
    listed: bool


@dataclass(frozen=True)
class Task:
    """The task of one worker."""

    kind: Literal["survey", "launch", "serve", "profile", "layers", "kernels", "export", "roofs", "write", "operators"]
    target: Target
    families: tuple[Family, ...]
    costs: Mapping[str, Mapping[str, Costs]]
    """Costs by family and variant name. Empty for a survey, which counts them."""
    launch: int = 0
    seed: int = 0
    seconds: float = SECONDS
    """The least time to sample a family. Sampling also takes at least `rounds` rounds."""
    rounds: int = ROUNDS
    same_calls: bool = False
    """Whether every variant's samples have as many calls as those of the family's first variant."""
    keeps_settings: bool = False
    """Whether what a network changes of torch's settings stays, apart from the threads: its process is its own."""
    most_seconds: float = 60.0
    """The time after which the current round of a family is its last."""
    singles: int = 0
    """Calls of each variant that a launch times singly, after its samples."""
    detailed: bool = False
    """Whether a survey sends a row for each operator call."""
    crosschecked: bool = True
    """Whether it sends what other tools count, too."""
    timed: bool = False
    """Whether it sends the times of the operator calls, too."""
    meta: bool = False
    """Whether a survey counts from shapes alone, without memory."""
    listed: bool = False
    """Whether it sends the recipes of the operators, too, if it counts without memory."""
    recipes: tuple[OperatorRecipe, ...] = field(default=(), repr=False)
    """What a task of operators times."""
    live: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Networks that a caller gave by value, pickled and in base 64, by their recorded names."""
    rules: str = field(default="", repr=False)
    """The cost rules that a caller has registered, pickled and in base 64."""
    artifacts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """The file that the runtime prepares once of each network, by family and variant name; empty if it makes none.

    Of a task that writes: the program.
    """
    cache: str = ""
    """The folder in which an export looks for the file of an earlier run, and keeps its own; empty for none."""
    compiles: bool = False
    """Whether a network of the run uses `torch.compile`."""
    reader: Interface = field(default_factory=interface)
    """For whom settings are spelled in what the worker says."""

    def longest_s(self, silence_s: float) -> float:
        """Return the time after which the task has surely gone wrong: its clock stands still, or it loops.

        Each variant may be silent for `silence_s` while it is built; each family warms up and is
        sampled. A worker that serves has no limit.
        """
        if self.kind == SERVE:
            return math.inf
        variants = sum(len(family.launched) for family in self.families)
        others_s = self.most_seconds * (variants if self.singles else self.kind in {ROOFS, OPERATORS})
        return silence_s * (2 * variants + 1) + 2 * self.most_seconds * len(self.families) + others_s


@dataclass(frozen=True)
class Described:
    """The worker has started: its software versions and its device."""

    software: Mapping[str, str]
    device: Mapping[str, Any]
    missing: str | None
    """The reason why the device cannot be used, if any."""
    available: Mapping[str, str]
    """The available devices: names and titles."""
    unusable: str | None = None
    """The reason why the runtime cannot be used on the device here, if any."""
    refused: str | None = None
    """The reason why a setting cannot be had here, if any."""


@dataclass(frozen=True)
class Started(OfVariant):
    """The worker has started this variant. If the worker dies from now on, this variant fails."""

    compiles: bool = False
    """Whether this is a sign of life while `torch.compile` works."""


@dataclass(frozen=True)
class Counted(OfVariant):
    """The costs of one variant, and its output."""

    costs: Costs
    output: Output
    inputs_hash: str = ""
    """Of the values that the network was called with; empty without memory."""
    detail: CostDetail | None = None
    """None unless the task asked for it."""
    code: Code | None = None
    """Where the network comes from; None if it ships."""
    compile_s: Duration = 0.0
    """Seconds of the first call, if `torch.compile` worked in it; else 0."""
    noticed: tuple[RunWarning, ...] = ()
    """What to mind of a time of the network."""
    listed: OperatorList | None = None
    """None unless the task asked for it."""


@dataclass(frozen=True)
class ArtifactFacts:
    """What calls of a runtime's file show, before the launches."""

    reorders: Count | None = None
    """Conversions of layout in a call; None if the runtime does not tell."""
    argmax_agreement: Share | None = None
    """The share of items whose largest value is where eager float32's is, over several inputs; None in float32."""


@dataclass(frozen=True)
class Exported(OfVariant):
    """The runtime has prepared the file of one variant."""

    seconds: Duration
    """What preparing it took, in an earlier run if the file is of one."""
    size: Count
    """Bytes of the file."""
    is_cached: bool = False
    """Whether the file is of an earlier run."""
    facts: ArtifactFacts = ArtifactFacts()


@dataclass(frozen=True)
class Written(OfVariant):
    """A transformed network is written as a program, which was loaded again and gave the right outputs."""

    places: Mapping[str, int]
    """How many places each transform has changed, by its name."""
    output_error: float
    """The largest relative difference of an output of the loaded program from the network's in eager float32."""


@dataclass(frozen=True)
class Loaded(OfVariant):
    """The runtime has loaded one variant in this launch, and its output was right."""

    seconds: Duration | None
    """What loading its file took; None if it has none."""
    output_error: float | None
    """The largest relative difference of an output from eager float32; None if outputs are random."""
    argmax_agreement: Share | None = None
    """The share of items whose largest value is where eager float32's is; None if there are none."""
    loaded_bytes: Count | None = None
    """By how much loading the file made the process grow; None if it has none, or if that is not known."""


@dataclass(frozen=True)
class Spoilt:
    """The last variant of a survey changed the process: what is left needs a fresh one."""


@dataclass(frozen=True)
class Ready(OfVariant):
    """One variant of a worker in serve mode is warm. A sample has `calls` calls."""

    calls: int


@dataclass(frozen=True)
class Waiting:
    """A worker in serve mode has prepared its variants and waits for questions."""


@dataclass(frozen=True)
class Sampled:
    """One sample of one variant of one family."""

    family: str
    sample: Sample


@dataclass(frozen=True)
class Singled(OfVariant):
    """Seconds of calls of one variant that were timed singly."""

    seconds: tuple[float, ...]


@dataclass(frozen=True)
class Watched:
    """The conditions on the machine while one family was sampled."""

    family: str
    conditions: Conditions


@dataclass(frozen=True)
class Traced:
    """The breakdown of one variant's time."""

    breakdown: Breakdown


@dataclass(frozen=True)
class Layered:
    """The times of one variant's layers."""

    layers: Layers


@dataclass(frozen=True)
class Reached:
    """How fast one kind of work ran in a launch: multiply-adds, bytes or operators per second."""

    work: Work
    of: str
    """The dtype of a product or a convolution, the level of an access; empty for dispatching."""
    rates: tuple[Rate, ...]
    """Of each repetition."""
    size: Count | None = None
    """The bytes that the level holds; None of the memory, and of what is no access."""


@dataclass(frozen=True)
class OperatorTimed:
    """The times of one recipe of the task."""

    number: Count
    """Its place among the recipes."""
    times: OperatorTimes | None
    """None if it cannot be called alone."""
    error: str = ""
    """Why, then."""
    reference_s: Duration = 0.0
    """Seconds of a call of the reference network at that moment."""
    disturbed: bool = False
    """Whether one of its times was disturbed whenever it was taken: the core was slow, or other work took it."""


@dataclass(frozen=True)
class KernelsNamed:
    """The kernels of a call of one variant."""

    kernels: CallKernels


@dataclass(frozen=True)
class Failed(OfVariant):
    """A variant failed, and the worker survived."""

    status: Status
    error: str
    intrudes: bool = False
    """Whether it changes the process for the others: no other network is to blame."""


@dataclass(frozen=True)
class FilesRead:
    """The user's files that the worker has read."""

    hashes: Mapping[str, str]
    """By path; CHANGED for a file that changed after it was read."""


@dataclass(frozen=True)
class Done:
    """The task is finished. A worker that ends without this event has died."""


@dataclass(frozen=True)
class Ended:
    """A fork server's child has ended with this exit code."""

    code: int


Event = (
    Described
    | Started
    | Counted
    | Exported
    | Written
    | Loaded
    | Spoilt
    | Ready
    | Waiting
    | Sampled
    | Singled
    | Watched
    | Traced
    | Layered
    | KernelsNamed
    | Reached
    | OperatorTimed
    | Failed
    | FilesRead
    | Done
    | Ended
)


@dataclass(frozen=True)
class Question(OfVariant):
    """Ask a worker in serve mode for one sample."""

    round: int
    calls: int


@dataclass(frozen=True)
class WorkerDied:
    """The worker ended before it was done. `failure` is for the variant that was running."""

    failure: Failure


Conversation = Generator[Event | WorkerDied, str | None, bool]
"""A worker's events, the last of them `Done` or `WorkerDied`. It sends lines to the worker."""
Send = Callable[[Event], None]
"""Sends an event of a worker."""
Launcher = Callable[[Task, float], Conversation]
"""Runs a task. The number is the allowed silence in s."""

_ENCODE = json.JSONEncoder().encode  # bound before a network's code could replace it
_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in get_args(Event)}


def encode(message: Task | Question | None) -> str:
    """Return a task or a question as one line. None ends serve mode."""
    return json.dumps(message and asdict(message))


def encode_event(event: Event) -> str:
    """Return an event as one line, with the name of its class."""
    return _ENCODE({"event": type(event).__name__, **asdict(event)})


def decode_task(line: str) -> Task:
    """Return the task in a line."""
    return structure(json.loads(line), Task)


def decode_question(line: str) -> Question | None:
    """Return the question in a line; None if it ends serve mode."""
    data = json.loads(line)
    return data and structure(data, Question)


def decode_event(line: str) -> Event:
    """Return the event in a line. Raises ValueError if it holds none.

    A network may write to the worker's pipe, so what is no event in every part is refused.
    """
    try:
        data = json.loads(line)
        kind = _EVENTS[data.pop("event")]
    except (AttributeError, KeyError, TypeError, RecursionError) as error:  # another value, or nested too deeply
        raise ValueError(str(error)) from None
    return structure(data, kind)
