"""What makes a network slow, and what would help: suspects from its operators, gains from what was measured."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Literal

from benchcli import formatting
from benchcli.analysis.call_times import CallTimes, call_times
from benchcli.analysis.other_baseline import samples_of
from benchcli.analysis.places import launches_of
from benchcli.grouping import groups
from benchcli.runs.audit_file import TRIALS, AuditedCalls
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.timings import relative_speed, timing
from benchcli.schema import Failure, Family, Interval, OperatorCall, Sample, Timing, Variant, sizes
from benchcli.schema.environment import Machine
from benchcli.schema.roofs import Roofs
from benchcli.workloads import layer_chain
from benchcli.workloads.guidelines.base import AUDITS, Audit, Breach, Edge, Repair
from benchcli.workloads.other_audits.base import OTHER_AUDITS

WORTH = 0.01
"""The least share of a network's time for which a repair is measured."""
ABOVE_PEAK = 1.25
"""By how much a kernel may exceed the measured peak, which other work may have lowered."""
MINIMAL_FILTERING = 4.0
"""The most by which it saves multiplications in windows of 3x3 (Lavin and Gray, 2016: F(4x4, 3x3))."""
MOST_MEASURED = 16
"""The most repairs that are measured, those of the largest share."""
Judgement = Literal["gain", "loss", "no gain", "undecided", "not measured"]
ORDER: tuple[Judgement, ...] = ("gain", "undecided", "no gain", "loss", "not measured")
WHAT_IF = TRIALS
UNCLAIMED = frozenset({"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell", "MultiheadAttention"})
"""Torch's recurrent and attention layers: the guidelines say nothing of what is in them."""


@dataclass(frozen=True)
class Broken:
    """Equal breaches of one guideline, and what they take."""

    audit: str
    """The name of the guideline, or of another audit."""
    title: str
    is_guideline: bool
    reason: str
    calls: tuple[int, ...]
    """The operator calls at all places."""
    places: tuple[str, ...]
    """The modules in which they begin, each once."""
    seconds: Interval
    """What they take in a call of the network."""
    share: Interval
    """The same as a share of the network's time."""
    rebuilt: tuple[int, ...] = ()
    """The operator calls that a repair replaces: also what follows a convolution's width, or what comes before
    element-wise work.
    """
    rebuilt_share: Interval | None = None
    """What these take as a share of the network's time; None if it is not known."""
    runtime: str = ""
    """What repairs the whole network; empty if layers are rebuilt."""
    edges: tuple[Edge, ...] = ()
    """The tensors that the rebuilt layers share with others."""
    is_modelled: bool = False
    """Whether the share is the model's part of what was timed: of modules that have other operators too."""
    occurrences: int = 1
    """How often the network has it."""
    behind: tuple[str, ...] = ()
    """The modules whose work the own operators of what holds them continue, where a repair replaces both, each once."""
    beside: tuple[str, ...] = ()
    """The other operators of the modules of which the share is the model's part, such as "aten.add", each once."""

    @property
    def whole_share(self) -> Interval:
        """The share of the network's time that a repair replaces."""
        return self.rebuilt_share or self.share


@dataclass(frozen=True)
class Suspect(Broken):
    """What may be repaired, before the repair is measured."""

    repair: Repair | None = None
    rebuilt_s: Interval | None = None
    """Seconds of what a repair replaces, in a call of the network."""
    most: float | None = None
    """The share of the network's time that rebuilt layers win if they compute at the peak; None if unknown."""

    @property
    def is_worth_measuring(self) -> bool:
        """Whether its layers can be rebuilt, take more than a hundredth of the time, and may win as much."""
        is_large = self.whole_share.estimate >= WORTH
        return self.repair is not None and is_large and (self.most is None or self.most >= WORTH)


@dataclass(frozen=True)
class AuditFinding(Broken):
    """What breaks a guideline, and what following it would win."""

    before: str = ""
    """The layers as they are, as text; empty if none were rebuilt."""
    after: str = ""
    before_s: Interval | None = None
    """Seconds of the layers as they are, by themselves."""
    speed: Interval | None = None
    """How many times as fast the rebuilt layers, or the changed network, are."""
    flops_change: float | None = None
    """Multiply-adds of the rebuilt layers divided by those of the layers as they are, minus 1."""
    is_exact: bool = False
    """Whether the rebuilt layers compute the same with other weights; then their speed counts whole."""
    gain: Interval | None = None
    """The share of the network's time that is won; None if nothing was measured. Negative: it is lost."""
    why: str = ""
    """Why there is no gain."""
    is_disturbed: bool = False
    """Whether over half of the samples were disturbed that the gain is of, so that it is undecided."""

    @property
    def after_s(self) -> float | None:
        """Seconds of the rebuilt layers by themselves: those as they are, by the speed, which is of shared rounds."""
        return self.before_s.estimate / self.speed.estimate if self.before_s and self.speed else None

    @property
    def judgement(self) -> Judgement:
        """What the gain says."""
        if self.gain is None:
            return "not measured"
        if self.is_disturbed:
            return "undecided"
        if self.gain.is_below(WORTH) and not self.gain.is_below(-WORTH):
            return "no gain"
        if self.gain.is_above(0.0):
            return "gain"
        return "loss" if self.gain.is_below(0.0) else "undecided"


def all_audits() -> list[Audit]:
    """Return all audits, those of guidelines first."""
    return [*AUDITS, *OTHER_AUDITS]


def suspects_of(run: SuiteRun, audited: AuditedCalls) -> list[Suspect]:
    """Return the suspects of a network, from its run: of its first family, which has layers."""
    machine = run.environment.machine or Machine()
    times = times_of(run, audited)
    audits, beyond = [each.on(machine) for each in all_audits()], unclaimed_modules(run)
    found = suspects(audited.calls, times, audits, beyond) if times else []
    return [replace(each, most=most_won(each, audited.calls, audited.roofs)) for each in found]


def unclaimed_modules(run: SuiteRun) -> dict[str, str]:
    """Return the classes of the recurrent and attention layers of a network, by their paths."""
    return {layer.path: layer.kind for each in launches_of(run) for layer in each.layers if layer.kind in UNCLAIMED}


def times_of(run: SuiteRun, audited: AuditedCalls) -> CallTimes | None:
    """Return the times of the operator calls; None if no layers were timed."""
    launches = launches_of(run)
    return call_times(launches, audited.calls, audited.roofs, audited.seconds) if launches else None


def suspects(
    calls: Sequence[OperatorCall], times: CallTimes, audits: Iterable[Audit], unclaimed: Collection[str] = ()
) -> list[Suspect]:
    """Return the suspects of a network, those of the largest share first. Equal breaches are one suspect.

    Nothing is said of what is in the modules `unclaimed`, given by their paths.
    """
    found = [each for audit in audits for each in _of_audit(audit, calls, times, unclaimed)]
    return sorted(found, key=lambda each: -each.whole_share.estimate)


def _of_audit(
    audit: Audit, calls: Sequence[OperatorCall], times: CallTimes, unclaimed: Collection[str]
) -> Iterator[Suspect]:
    claimed = (
        each
        for each in audit.breaches(calls)
        if not any(is_in_any(calls[number].module, unclaimed) for number in each.calls)
    )
    alike = groups(claimed, lambda each: (each.reason, each.repair, each.runtime))
    for (reason, repair, runtime), breaches in alike.items():
        numbers = tuple(dict.fromkeys(call for each in breaches for call in each.calls))
        rebuilt = tuple(dict.fromkeys(call for each in breaches for call in each.replaced))
        yield Suspect(
            audit=audit.name,
            title=audit.title,
            is_guideline=AUDITS.get(audit.name) is not None,
            reason=reason,
            calls=numbers,
            places=tuple(dict.fromkeys(_place(each, calls) for each in breaches)),
            seconds=times.time_of(numbers),
            share=times.share_of(numbers),
            repair=repair,
            occurrences=len(breaches),
            behind=tuple(dict.fromkeys(filter(None, (_before_own(each, calls) for each in breaches)))),
            rebuilt=rebuilt,
            rebuilt_share=times.share_of(rebuilt),
            rebuilt_s=times.time_of(rebuilt),
            runtime=runtime,
            edges=tuple(dict.fromkeys(edge for each in breaches for edge in each.edges(calls))),
            is_modelled=times.is_modelled(numbers),
            beside=tuple(dict.fromkeys(calls[each].name for each in times.beside(numbers))),
        )


def is_in_any(module: str, paths: Iterable[str]) -> bool:
    """Return whether a module is one of some, or in one of them, by their paths."""
    return any(not path or f"{module}.".startswith(f"{path}.") for path in paths)


def most_won(suspect: Suspect, calls: Sequence[OperatorCall], roofs: Roofs | None) -> float | None:
    """Return the share of the network's time that a repair wins if its multiply-adds are done at the peak.

    They are about as many as those of the layers as they are. None without roofs, and without a repair.
    """
    if suspect.repair is None or roofs is None or suspect.rebuilt_s is None:
        return None
    peak = roofs.peak(calls[suspect.rebuilt[0]].dtype)
    if peak is None or suspect.rebuilt_s.estimate <= 0:
        return None
    saved = MINIMAL_FILTERING if layer_chain.has_windows(suspect.repair.after) else 1.0
    least_s = sum(calls[each].flops or 0 for each in suspect.rebuilt) / (peak * ABOVE_PEAK * saved)
    return suspect.whole_share.estimate * max(0.0, 1 - least_s / suspect.rebuilt_s.estimate)


def _place(breach: Breach, calls: Sequence[OperatorCall]) -> str:
    return calls[min(breach.calls)].module


def _before_own(breach: Breach, calls: Sequence[OperatorCall]) -> str:
    """Return the module of the first layer that a repair replaces, if what holds it does the rest itself."""
    place, first = _place(breach, calls), calls[min(breach.replaced)].module
    return first if first != place and is_in_any(first, [place]) else ""


def measured_ones(found: Sequence[Suspect]) -> list[Suspect]:
    """Return the suspects whose repair is to be measured, those of the largest share first."""
    return [each for each in found if each.is_worth_measuring][:MOST_MEASURED]


def what_if(chosen: Sequence[Suspect], like: Family) -> Family | None:
    """Return the family of all layers as they are and rebuilt, each once, measured as `like`; None without any."""
    repairs = [each.repair for each in chosen if each.repair]
    variants = {each.name: each for repair in repairs for each in (_before(repair), _after(repair))}
    if not variants:
        return None
    kept = {"guideline": "", "variants": tuple(variants.values()), "references": (), "catalogue": "", "first": ""}
    return replace(like, name=WHAT_IF, widths="own", cost_rules=(), **kept)  # type: ignore[arg-type]


def _before(repair: Repair) -> Variant:
    return _variant(repair.before, repair.image)


def _after(repair: Repair) -> Variant:
    return _variant(repair.after, repair.image_after)


def _variant(chain: layer_chain.Chain, image: tuple[int, ...]) -> Variant:
    return layer_chain.variant(f"{layer_chain.text_of(chain)} on {sizes(image)}", chain, image)


@dataclass(frozen=True)
class Trials:
    """What was measured of rebuilt layers and of changed networks."""

    samples: Mapping[str, Sequence[Sample]]
    """Of the variants of the what-if family, by name."""
    failures: Mapping[str, Failure]
    flops: Mapping[str, int]
    runtimes: Mapping[str, Interval]
    """How many times as fast the whole network is in another runtime, by its name."""
    runtime_failures: Mapping[str, str]
    disturbed: frozenset[str] = frozenset()
    """The runtimes of which, or of the network itself, over half of the samples were disturbed: no table judges those.

    Layers are rebuilt for pairs within a round, and disturbed rounds are left out of them.
    """


def trials_of(run: SuiteRun, rebuilt: SuiteRun | None) -> Trials:
    """Return what the runs of a network and of rebuilt layers measured."""
    records = rebuilt.records if rebuilt else ()
    changed = {each.family.runtime: each for each in run.records if each.family.runtime}
    is_disturbed = run.records[0].is_disturbed
    return Trials(
        samples=samples_of(rebuilt)[WHAT_IF] if rebuilt and rebuilt.results else {},
        failures={each.variant.name: each.failure for each in records if each.failure},
        flops={each.variant.name: each.costs.flops for each in records if each.costs},
        runtimes={name: each.timing.setting for name, each in changed.items() if each.timing and each.timing.setting},
        runtime_failures={name: each.failure.error for name, each in changed.items() if each.failure},
        disturbed=frozenset(name for name, each in changed.items() if each.is_disturbed or is_disturbed),
    )


def findings(found: Sequence[Suspect], trials: Trials) -> list[AuditFinding]:
    """Return the findings: gains first, the undecided next, at last what was not measured; the largest first."""
    judged = [_finding(each, trials) for each in found]
    return sorted(judged, key=lambda each: (ORDER.index(each.judgement), -(each.gain or each.share).estimate))


def _finding(suspect: Suspect, trials: Trials) -> AuditFinding:
    bare = AuditFinding(**{each.name: getattr(suspect, each.name) for each in fields(Broken)})
    if suspect.runtime:
        speed = trials.runtimes.get(suspect.runtime)
        if speed is None:
            return replace(bare, why=trials.runtime_failures.get(suspect.runtime, "it was not measured"))
        is_disturbed = suspect.runtime in trials.disturbed
        return replace(bare, speed=speed, gain=_gain(Interval(1.0, 1.0, 1.0), speed), is_disturbed=is_disturbed)
    if suspect.repair is None:
        return replace(bare, why="no layers can be rebuilt for it")
    before, after = _before(suspect.repair).name, _after(suspect.repair).name
    bare = replace(
        bare, before=layer_chain.text_of(suspect.repair.before), after=layer_chain.text_of(suspect.repair.after)
    )
    failure = trials.failures.get(before) or trials.failures.get(after)
    if failure:
        return replace(bare, why=failure.error)
    if before not in trials.samples or after not in trials.samples:
        return replace(bare, why=_why_unmeasured(suspect, trials))
    return _with_gain(bare, suspect, before, after, trials)


def _why_unmeasured(suspect: Suspect, trials: Trials) -> str:
    if suspect.whole_share.estimate < WORTH:
        return f"under {formatting.percent(WORTH, decimals=0)} of the time"
    if suspect.most is not None and suspect.most < WORTH:
        return f"at the measured peak it would win {formatting.percent(suspect.most, decimals=2)} of the time"
    if not trials.samples and not trials.failures:
        return "no rebuilt layers were timed, or the audit has lost their folder"
    return f"beyond the {MOST_MEASURED} of the largest share"


def _with_gain(bare: AuditFinding, suspect: Suspect, before: str, after: str, trials: Trials) -> AuditFinding:
    speed = relative_speed(trials.samples[before], trials.samples[after])
    if speed is None:
        return replace(bare, why="the two share no round")
    own = timing(trials.samples[before], (), is_baseline=False)
    counts = trials.flops.get(before), trials.flops.get(after)
    ratio = counts[1] / counts[0] if counts[0] and counts[1] is not None else None
    is_exact = suspect.repair is not None and suspect.repair.is_exact
    return replace(
        bare,
        before_s=own.seconds if own else None,
        speed=speed,
        is_exact=is_exact,
        flops_change=ratio - 1 if ratio is not None else None,
        gain=_gain(_share_of(bare, suspect.rebuilt_s, own), speed if is_exact else _at_equal_flops(speed, ratio)),
    )


def _share_of(finding: AuditFinding, rebuilt_s: Interval | None, own: Timing | None) -> Interval:
    """Return the share of the network's time that is rebuilt.

    The model knows bytes and multiply-adds, and not that functions such as tanh take longer. Of what has a modelled
    part the share is by the time of the layers by themselves, and the interval holds what the model says too.
    """
    share = finding.whole_share
    if not finding.is_modelled or own is None or rebuilt_s is None or rebuilt_s.estimate <= 0:
        return share
    measured = share.times(finding.occurrences * own.seconds.estimate / rebuilt_s.estimate)
    if share.low is None or share.high is None or measured.low is None or measured.high is None:
        return measured
    return Interval(measured.estimate, min(share.low, measured.low), max(share.high, measured.high))


def _at_equal_flops(speed: Interval, ratio: float | None) -> Interval:
    """Return the speed of rebuilt layers with as many multiply-adds as the layers as they are.

    Whole channels do not always meet them. Fewer ones are no merit of the guideline: the rebuilt layers'
    time is divided by the ratio. More of them are left as they are: the gain is then at least so large.
    """
    return speed.times(ratio) if ratio and ratio < 1 else speed


def _gain(share: Interval, speed: Interval) -> Interval:
    """Return the share of the whole that is won if a part of it becomes so many times as fast.

    The ends are those of both intervals: the errors add up.
    """
    estimate = share.estimate * (1 - 1 / speed.estimate)
    ends = (share.low, share.high, speed.low, speed.high)
    if None in ends:
        return Interval(estimate)
    low, high, slow, fast = (float(each or 0.0) for each in ends)
    products = [part * (1 - 1 / factor) for part in (low, high) for factor in (slow, fast)]
    return Interval(estimate, min(products), max(products))
