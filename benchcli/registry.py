"""Find plug-ins: every module of a package is imported once, and what it registers is kept by name."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from benchcli.errors import unknown


class Named(Protocol):
    """Anything with a name to be called by."""

    @property
    def name(self) -> str:
        """What the command line and files call it."""


Plugin = TypeVar("Plugin", bound=Named)


class Registry(Generic[Plugin]):
    """The plug-ins of one kind. A new file in `package` that calls `add` is all a new plug-in takes.

    `package` may be a single module that registers all of them.
    """

    def __init__(self, kind: str, package: str) -> None:
        self._kind = kind
        self._package = package
        self._found: dict[str, Plugin] = {}
        self._searched = False

    def add(self, plugin: Plugin) -> Plugin:
        """Register a plug-in under its name. Raises ValueError where the name is taken."""
        if plugin.name in self._found:
            raise ValueError(f"two {self._kind}s are named {plugin.name!r}")
        self._found[plugin.name] = plugin
        return plugin

    def __getitem__(self, name: str) -> Plugin:
        """Return the plug-in of that name. Raises UserError with the nearest name."""
        found = self._search()
        if name not in found:
            raise unknown(self._kind, name, sorted(found))
        return found[name]

    def get(self, name: str) -> Plugin | None:
        """Return the plug-in of that name, or None where there is none."""
        return self._search().get(name)

    def __iter__(self) -> Iterator[Plugin]:
        """Go through the plug-ins in the order of their names."""
        found = self._search()
        return iter([found[name] for name in sorted(found)])

    def _search(self) -> dict[str, Plugin]:
        if not self._searched:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
                importlib.import_module(f"{self._package}.{module.name}")
            self._searched = True
        return self._found
