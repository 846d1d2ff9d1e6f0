"""Decide whether head's output is that of base: each tensor by itself, whole numbers and plain values exactly."""

import re
from collections.abc import Iterator, Mapping
from math import inf, isfinite
from typing import Literal

from benchcli import formatting
from benchcli.checks import rules
from benchcli.checks.versions import BASE, HEAD
from benchcli.schema import Output, OutputPart
from benchcli.spelling import given

SAME = "the same output"
"""What is said of outputs in which a change would be seen."""
Result = tuple[Literal["changed", "failed", "unmeasured", "inconclusive", "same"], str]


def output_outcome(base: Output, head: Output) -> Result:
    """Return the outcome of a comparison of outputs, and its description."""
    other = _other_threads(base, head) or _other_tensors(base, head) or _other_structure(base, head)
    if other:
        return "changed", other
    if base.is_random or head.is_random:
        return _random(base, head)
    if not base.is_finite:
        return (
            "unmeasured",
            "base's output contains NaN, or no finite value: use weights that give finite outputs",
        )
    if not head.is_finite:
        return "failed", "head's output is not finite, and base's is"
    by_tensor = _dependent(base)
    other = _other_values(base, head, by_tensor)
    if other:
        return "changed", other
    outcome, text = _on_others(base.on_others, head.on_others)
    if outcome != "same":
        return outcome, text
    same = _same(max(by_tensor.values(), default=1.0))
    normalised = _normalised(base, head) if same[0] == "inconclusive" else None
    return normalised if normalised and normalised[0] != "inconclusive" else same


def _same(dependent: float) -> Result:
    """Return the outcome of equal outputs, which are inconclusive where they hardly depend on the input."""
    if dependent * rules.MOST_DIFFERENCE >= rules.LEAST_DIFFERENCE / 10:
        return "same", SAME
    share = formatting.percent(dependent) if dependent >= 0.0005 else f"{100 * dependent:.0e} %"
    what = f"of which only {share} depends" if dependent else "of which nothing depends"
    return (
        "inconclusive",
        f"the same output, {what} on the input: a change of it would hardly be seen: let its callable draw weights "
        "that keep the signal",
    )


def _normalised(base: Output, head: Output) -> Result | None:
    """Return the outcome with batch-normalisations on the statistics of their inputs, which keep the signal.

    None where base or head has none, or the statistics are of other numbers of values, as after folding, or where
    one call takes what two took before: then a difference would be no change.
    """
    if not (base.normalised and head.normalised) or base.normalisations != head.normalisations:
        return None
    if not base.normalised.is_finite:
        return None
    outcome, text = output_outcome(base.normalised, head.normalised)
    return (
        outcome,
        text if outcome == "same" else f"with batch-normalisations on the statistics of their inputs, {text}",
    )


def _dependent(base: Output) -> dict[str, float]:
    """Return by how much each tensor changes with the input, relative to its norm and at most 1; 1 if it is not known.

    With drawn weights a network may return nearly the same for all inputs, such as the bias of its last layer.
    """
    others = {part.name: part for part in base.on_others.parts} if base.on_others else {}
    found = {}
    for part in base.parts:
        if part.fingerprint:
            other = others.get(part.name)
            size = rules.difference(part, other) if other and other.shape == part.shape else 1.0
            found[part.name] = min(1.0, size)
    return found


def _on_others(base: Output | None, head: Output | None) -> Result:
    """Return the outcome for other values of the inputs, where what a network keeps of its first call is wrong."""
    if base is None or not base.is_finite:
        return "same", SAME
    if head is None:
        return "changed", "on other values of its inputs head fails, and base does not"
    outcome, text = output_outcome(base, head)
    is_same = outcome in {"same", "inconclusive"}
    return ("same", SAME) if is_same else (outcome, f"on other values of its inputs, {text}")


def _other_threads(base: Output, head: Output) -> str | None:
    """Return in which number of threads head's code differs from base's, which no time of a check shows."""
    if base.threads == head.threads:
        return None
    now, then = (
        "leaves torch's threads as they are" if each is None else f"sets torch's threads to {each}"
        for each in (head.threads, base.threads)
    )
    return f"head's code {now}, and base's {then}: a check times both with its own {given('threads')}"


def _other_tensors(base: Output, head: Output) -> str | None:
    """Return how the names, shapes or dtypes of tensors differ; None if they do not."""
    now, then = ([part.name for part in each.tensors] for each in (head, base))
    if now != then:
        here, before = (", ".join(map(_indexed, each)) or "a tensor alone" for each in (now, then))
        return f"its outputs are {here}, and were {before}"
    for of in ("shape", "kind"):
        here, before = (", ".join(str(getattr(part, of)) for part in each.tensors) for each in (head, base))
        if here != before:
            return f"its output is {here}, and was {before}"
    return None


def _other_structure(base: Output, head: Output) -> str | None:
    """Return the first container or plain value that differs in its type or keys; None if none does."""
    then, now = ({part.name: part for part in each.parts if part.shape is None} for each in (base, head))
    for name in dict.fromkeys((*then, *now)):
        one, two = then.get(name), now.get(name)
        if one is None or two is None or one.kind != two.kind or one.exact != two.exact:
            return f"{_where(name)} is {_said(two)}, and was {_said(one)}"
    return None


def _said(part: OutputPart | None) -> str:
    if part is None:
        return "not there"
    value = part.exact or ", ".join(map(str, part.fingerprint))
    return f"{part.kind} {value}" if value else part.kind


def _random(base: Output, head: Output) -> Result:
    """Return what is said of outputs of which at least one side's differ from call to call."""
    if base.is_random and head.is_random:
        return (
            "unmeasured",
            "its output differs from call to call in base and head: random outputs cannot be compared",
        )
    now, then = (HEAD, BASE) if head.is_random else (BASE, HEAD)
    return "changed", f"{now}'s output differs from call to call, and {then}'s does not"


def _other_values(base: Output, head: Output, dependent: Mapping[str, float]) -> str | None:
    """Return how the values of each part that differs do so, the most first; None if they are the same."""
    found = sorted(_different(base, head, dependent), key=lambda each: -each[0])
    if not found:
        return None
    where = [_indexed(name) for _, name, _ in found]
    if len(found) == 1:
        what = f"the output {where[0]}".rstrip() + f" differs {found[0][2]}"
    else:
        valued = sum(bool(part.exact or part.fingerprint) for part in head.tensors)
        each = formatting.named([f"{name} {how}" for name, (_, _, how) in zip(where, found, strict=True)])
        what = f"{len(found)} of {valued} outputs differ: {each}"
    if isfinite(found[-1][0]):
        what += " (L2 norm, estimated, relative to base's)"
    return (
        f"with the same seed and input, {what}; if only the order changed in which layers draw their weights, give "
        f"{given('allow', 'output')}"
    )


def _different(base: Output, head: Output, dependent: Mapping[str, float]) -> Iterator[tuple[float, str, str]]:
    """Yield of each part that differs by how many times what may differ, its name and how it differs."""
    for one, two in zip(*(sorted(each.parts, key=_name) for each in (base, head)), strict=True):
        allowed = max(rules.LEAST_DIFFERENCE, rules.MOST_DIFFERENCE * dependent.get(one.name, 1.0))
        if one.exact != two.exact:
            yield inf, two.name, "in its whole numbers"
        elif one.infinities != two.infinities:
            yield inf, two.name, "in the places or signs of its infinite values"
        elif (size := rules.difference(one, two)) > allowed:
            yield size / allowed, two.name, f"by {formatting.percent(size)}"


def _name(part: OutputPart) -> str:
    return part.name


def _where(name: str) -> str:
    return f"its output {_indexed(name)}" if name else "its output"


def _indexed(name: str) -> str:
    """Return where a part stands as Python spells it: "scores", or "[1].loss" of the second of a list."""
    return re.sub(r"(?:^|\.)(\d+)(?=\.|$)", r"[\1]", name)
