"""benchcli: hardware-aware benchmarks of efficient networks, with honest intervals.

The public functions are loaded when they are first used: importing this package loads neither
torch nor pandas. `docs/api.md` describes them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchcli.api.explanation import explain
    from benchcli.api.many_machines import fleet
    from benchcli.api.measurement import block, claims, measure, network
    from benchcli.api.network_audit import audit
    from benchcli.api.network_costs import costs
    from benchcli.api.recorded import compare, load, plot, report
    from benchcli.api.result import UnfinishedError
    from benchcli.api.results_store import Store
    from benchcli.api.this_machine import device, peaks, selftest
    from benchcli.api.time_prediction import TimePredictor, predict
    from benchcli.api.version_check import check
    from benchcli.api.width_sweep import sweep
    from benchcli.cost.own_rules import cost_rule
    from benchcli.errors import NothingMeasuredError, UserError

__version__ = "0.1.0"
_NAMES = {
    "errors": ("NothingMeasuredError", "UserError"),
    "api.explanation": ("explain",),
    "api.many_machines": ("fleet",),
    "api.measurement": ("block", "claims", "measure", "network"),
    "api.network_audit": ("audit",),
    "api.network_costs": ("costs",),
    "api.recorded": ("compare", "load", "plot", "report"),
    "api.result": ("UnfinishedError",),
    "api.results_store": ("Store",),
    "api.this_machine": ("device", "peaks", "selftest"),
    "api.time_prediction": ("TimePredictor", "predict"),
    "api.version_check": ("check",),
    "api.width_sweep": ("sweep",),
    "cost.own_rules": ("cost_rule",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}
__all__ = [
    "NothingMeasuredError",
    "Store",
    "TimePredictor",
    "UnfinishedError",
    "UserError",
    "audit",
    "block",
    "check",
    "claims",
    "compare",
    "cost_rule",
    "costs",
    "device",
    "explain",
    "fleet",
    "load",
    "measure",
    "network",
    "peaks",
    "plot",
    "predict",
    "report",
    "selftest",
    "sweep",
]


def __getattr__(name: str) -> Any:
    """Load a public name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'benchcli' has no attribute {name!r}")
    return getattr(import_module(f"benchcli.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
