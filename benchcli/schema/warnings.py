"""What to mind of a measurement or a machine, as values; `benchcli.reports.advice` has their sentences."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal, get_args

from benchcli.schema.observations import Count
from benchcli.schema.structure import Within

OfMeasurement = Literal[
    "page-faults",
    "imprecise",
    "few-launches",
    "no-baseline",
    "costs",
    "formula",
    "uncounted",
    "random",
    "mixed",
    "complex",
    "denormal",
    "frozen",
    "compiled",
    "fused",
    "unused",
    "batchless",
    "insensitive",
    "slow-core",
    "slow-run",
    "preempted",
    "throttled",
    "clock",
    "host-bound",
    "overhead",
    "kernels",
    "compiles",
    "modes",
    "unsteady",
    "unpaired",
    "threads",
    "own-threads",
    "allocator",
    "busy",
    "steal",
    "quota",
    "paging",
    "frequency",
    "held-down",
    "slow-clock",
    "power-cap",
    "shared-device",
]
OfMachine = Literal[
    "spread",
    "held-up",
    "clock-steps",
    "virtualised",
    "small-quota",
    "governor",
    "turbo",
    "one-core",
    "unseen",
    "noisy-roofs",
]
WarningKind = Literal[OfMeasurement, OfMachine]
KINDS: tuple[WarningKind, ...] = get_args(OfMeasurement) + get_args(OfMachine)
QUIET: tuple[WarningKind, ...] = (
    "imprecise",
    "few-launches",
    "no-baseline",
    "costs",
    "formula",
    "uncounted",
    "random",
    "mixed",
    "complex",
    "denormal",
    "frozen",
    "compiled",
    "fused",
    "unused",
    "batchless",
    "insensitive",
    "slow-run",
    "host-bound",
    "overhead",
    "own-threads",
    "allocator",
    "unpaired",
    "power-cap",
    "kernels",
    "compiles",
    "modes",
)
"""Kinds that do not indicate a disturbed machine."""
ALIKE: tuple[WarningKind, ...] = (
    "imprecise",
    "costs",
    "formula",
    "uncounted",
    "frozen",
    "unused",
    "kernels",
    "modes",
    "threads",
    "shared-device",
    "clock-steps",
)
"""Kinds whose amounts differ for different causes, so that they are not merged."""


Amount = Annotated[float, Within(-1e15, 1e15)]
Share = Annotated[float, Within(0.0, 1.0)]


@dataclass(frozen=True)
class RunWarning:
    """One warning. What its numbers count depends on its kind; shares are fractions."""

    kind: str
    """One of KINDS, or what a later version has recorded."""
    amount: Amount | None = None
    """The amount, rounded to the digits that matter, or the least of several."""
    most: Amount | None = None
    """The largest amount, if it is a range."""
    other: Amount | None = None
    """The second number of a kind that has two, such as the times that a clock went back."""
    of_cores: Count | None = None
    """The cores of the machine, where threads were compared with them."""
    launches: Count | None = None
    """The launches that it concerns, of `of_launches`."""
    of_launches: Count | None = None
    shares: tuple[Share, Share] | None = None
    """The least and the largest share of the launches, where warnings of several networks are merged."""
    text: str = ""
    """A name that belongs to it, such as an operator without a rule or a frequency governor."""

    @property
    def is_disturbance(self) -> bool:
        """Whether it reports a disturbance of the measurement."""
        return self.kind not in QUIET


def as_json(warning: RunWarning) -> dict[str, object]:
    """Return a warning as JSON has it: the fields that it uses."""
    return {name: value for name, value in asdict(warning).items() if value not in (None, "")}


def merged(warnings: Iterable[RunWarning]) -> dict[RunWarning, list[RunWarning]]:
    """Merge warnings of one kind that state amounts, so that one cause gives one warning.

    Return the merged warnings, each with those that it stands for: it has the range of their
    amounts, and of their shares of launches.
    """
    groups: dict[tuple[str, object], list[RunWarning]] = {}
    for each in dict.fromkeys(warnings):
        groups.setdefault((each.kind, each if each.kind in ALIKE else each.text), []).append(each)
    return {_merge(parts): parts for parts in groups.values()}


def _merge(parts: Sequence[RunWarning]) -> RunWarning:
    first = parts[0]
    if len(parts) == 1:
        return first
    amounts = [end for each in parts for end in (each.amount, each.most) if end is not None]
    shares = [each.launches / each.of_launches for each in parts if each.launches is not None and each.of_launches]
    return replace(
        first,
        amount=min(amounts, default=None),
        most=max(amounts, default=None) if len(set(amounts)) > 1 else None,
        launches=None,
        of_launches=None,
        shares=(min(shares), max(shares)) if shares else None,
    )
