"""benchcli: hardware-aware benchmarks of efficient networks, with honest intervals.

The public functions are loaded when they are first used: importing this package loads neither
torch nor pandas. `docs/api.md` describes them.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchcli.api.checking import check
    from benchcli.api.counting import costs
    from benchcli.api.measuring import measure
    from benchcli.api.paper_claims import claims
    from benchcli.api.recorded import compare, load
    from benchcli.api.reporting import plot, report
    from benchcli.api.results import UnfinishedError
    from benchcli.api.this_machine import device, selftest
    from benchcli.api.whole_networks import block, network
    from benchcli.errors import NothingMeasuredError, UserError

__version__ = "0.1.0"
__all__ = [
    "NothingMeasuredError",
    "UnfinishedError",
    "UserError",
    "block",
    "check",
    "claims",
    "compare",
    "costs",
    "device",
    "load",
    "measure",
    "network",
    "plot",
    "report",
    "selftest",
]
_MODULES = {
    "NothingMeasuredError": "errors",
    "UnfinishedError": "api.results",
    "UserError": "errors",
    "block": "api.whole_networks",
    "check": "api.checking",
    "claims": "api.paper_claims",
    "compare": "api.recorded",
    "costs": "api.counting",
    "device": "api.this_machine",
    "load": "api.recorded",
    "measure": "api.measuring",
    "network": "api.whole_networks",
    "plot": "api.reporting",
    "report": "api.reporting",
    "selftest": "api.this_machine",
}


def __getattr__(name: str) -> Any:
    """Load a public name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'benchcli' has no attribute {name!r}")
    return getattr(import_module(f"benchcli.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
