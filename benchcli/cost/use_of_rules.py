"""Apply the rules of the user's own while a network is counted."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch._ops import OpOverload
from torch.utils._pytree import tree_map_only

from benchcli.cost.arguments import is_composite
from benchcli.cost.arithmetic import has_rule
from benchcli.cost.operators import twin
from benchcli.cost.own_rules import received, rules
from benchcli.errors import CostRuleError

SHIPPED = ("aten", "prim", "prims", "quantized")
"""The libraries of operators of torch, some of which have rules."""


def check_rules() -> None:
    """Raise CostRuleError if a rule names no operator, or one that has a rule or is made of others."""
    for name in rules:
        overloads = _overloads(name)
        if not overloads and name not in received:
            raise CostRuleError(
                f"no operator is named {name}, which has a cost rule: import what defines it in the module of the rule"
            )
        if any(is_composite(each) for each in overloads):
            raise CostRuleError(f"{name} is made of other operators, which are counted: leave its cost rule out")
        short = twin(name.partition("::")[2])
        if name.startswith(tuple(f"{each}::" for each in SHIPPED)) and any(has_rule(short, o.tags) for o in overloads):
            raise CostRuleError(f"{name} has a rule of benchcli already: leave its cost rule out")


def own_multiply_adds(func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any], result: object) -> int | None:
    """Return the multiply-adds that the user's rule says; None if there is none for this operator.

    Raises CostRuleError if the rule raises, or returns no whole number of 0 or more.
    """
    name = func._schema.name
    rule = rules.get(name)
    if rule is None:
        return None
    shapes, named, out = tree_map_only(torch.Tensor, lambda each: each.shape, (list(args), dict(kwargs), result))
    try:
        value = rule(*shapes, **named, out_shape=out)
    except Exception as error:  # it may raise anything
        raise CostRuleError(f"the cost rule of {name} raised {type(error).__name__}: {error}") from None
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < 0:
        raise CostRuleError(f"the cost rule of {name} returned {value!r}: it must return a whole number of 0 or more")
    return operator.index(value)


def _overloads(name: str) -> list[OpOverload]:
    library, _, short = name.partition("::")
    packet = getattr(getattr(torch.ops, library), short, None)
    return [] if packet is None else [getattr(packet, each) for each in packet.overloads()]
