"""Rules of the user's own, for the multiply-adds of operators that torch does not ship."""

import base64
import pickle
import re
import sys
from collections.abc import Callable, Mapping
from typing import TypeVar

from benchcli.errors import CostRuleError

OPERATOR = r"[^\W\d]\w*::[^\W\d]\w*"
"""Pattern of the name of an operator, `library::name`."""
Rule = Callable[..., object]
Function = TypeVar("Function", bound=Rule)

rules: dict[str, Rule] = {}
"""The rules that this process knows, by the names of their operators."""
received: set[str] = set()
"""The operators whose rules another process has sent, which has looked at the operators."""


def cost_rule(operator: str) -> Callable[[Function], Function]:
    """Register a function as the rule for the multiply-adds of an operator, such as "mylib::op".

    It is called as the operator was, with the shape of a tensor (`torch.Size`) where the operator got
    a tensor, and with the shape of what the operator returned as `out_shape`. It returns the
    multiply-adds, a whole number. Put it beside the definition of the operator, in the module of the
    network: the measured process imports that. A rule that is registered in the process that calls
    `costs` or `measure` is sent to the measured one.

    Raises UserError if the name is none, or another function is registered for it. An operator that
    is not there, or has a rule, is an error when networks are counted.
    """
    if not isinstance(operator, str) or not re.fullmatch(OPERATOR, operator):
        raise CostRuleError(f'a cost rule names its operator as "library::name", not {operator!r}')

    def register(rule: Function) -> Function:
        if not callable(rule):
            raise CostRuleError(f"the cost rule of {operator} is a {type(rule).__name__}: give a function of shapes")
        before = None if operator in received else rules.get(operator)
        if before is not None and _place(before) != _place(rule):
            raise CostRuleError(f"{operator} has two cost rules, {_place(before)} and {_place(rule)}: keep one")
        rules[operator] = rule
        received.discard(operator)
        return rule

    return register


def sent() -> str:
    """Return the rules that this process knows, pickled and in base 64; empty if there are none.

    Raises UserError if an operator is not there or has a rule, or if a function cannot be pickled.
    """
    if not rules:
        return ""
    if "torch" not in sys.modules:
        raise CostRuleError(f"no operator is named {next(iter(rules))}: import what defines it before its rule")
    import cloudpickle

    from benchcli.cost.use_of_rules import check_rules

    check_rules()
    modules = {sys.modules[each] for each in map(_module, rules.values()) if each in sys.modules}
    for module in modules - {sys.modules["__main__"]}:
        cloudpickle.register_pickle_by_value(module)
    try:
        return base64.b64encode(cloudpickle.dumps(dict(rules))).decode("ascii")
    except Exception as error:  # what cannot be pickled raises anything
        text = f"{type(error).__name__}: {error}"
        raise CostRuleError(
            f"the cost rules of {', '.join(rules)} cannot be sent to the measured process ({text}): define them at the "
            "top of a module"
        ) from None
    finally:
        for module in modules - {sys.modules["__main__"]}:
            cloudpickle.unregister_pickle_by_value(module)


def receive(text: str) -> None:
    """Register the rules that another process has sent.

    The pipe is private: what comes through it was written by the process that started this one.
    """
    taken: Mapping[str, Rule] = pickle.loads(base64.b64decode(text)) if text else {}  # noqa: S301
    for operator, rule in taken.items():
        if operator not in rules:  # unpickling may have imported the module that registers it
            rules[operator] = rule
            received.add(operator)


def _place(rule: Rule) -> str:
    """Return the name by which a rule can be imported: the same for the function of a module that is imported again."""
    name = getattr(rule, "__qualname__", type(rule).__qualname__)
    return f"{_module(rule)}.{name}"


def _module(rule: Rule) -> str:
    return str(getattr(rule, "__module__", ""))
