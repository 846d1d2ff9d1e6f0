"""benchcli: hardware-aware benchmarks of efficient networks, with honest intervals.

The public functions are loaded when they are first used: importing this package loads neither
torch nor pandas. `docs/api.md` describes them.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchcli.api.checking import check
    from benchcli.api.claims import claims
    from benchcli.api.counting import costs
    from benchcli.api.machine import device, selftest
    from benchcli.api.measuring import measure
    from benchcli.api.networks import block, network
    from benchcli.api.recorded import compare, load
    from benchcli.api.reporting import plot, report
    from benchcli.api.results import UnfinishedError
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
    "block": "api.networks",
    "check": "api.checking",
    "claims": "api.claims",
    "compare": "api.recorded",
    "costs": "api.counting",
    "device": "api.machine",
    "load": "api.recorded",
    "measure": "api.measuring",
    "network": "api.networks",
    "plot": "api.reporting",
    "report": "api.reporting",
    "selftest": "api.machine",
}


class _Package(ModuleType):
    """Keeps `benchcli.measure`, `check`, `costs` and `report` the functions, though packages have these names."""

    def __setattr__(self, name: str, value: object) -> None:
        if name not in _MODULES or not isinstance(value, ModuleType):  # the import system binds packages
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    """Load a public name (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'benchcli' has no attribute {name!r}")
    return getattr(import_module(f"benchcli.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
