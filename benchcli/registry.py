"""Find plug-ins: import every module of a package once, and store by name what it registers."""

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

from benchcli.errors import unknown


class Named(Protocol):
    """An object with a name."""

    @property
    def name(self) -> str:
        """The name in files and on the command line."""


Plugin = TypeVar("Plugin", bound=Named)
Part = TypeVar("Part", bound=Named)


class Registry(Generic[Plugin]):
    """The plug-ins of one kind. To add one, write a new file in `package` that calls `add`.

    `package` may also be a single module that registers all plug-ins.
    """

    def __init__(self, kind: str, package: str) -> None:
        self._kind = kind
        self._package = package
        self._plugins: dict[str, Plugin] = {}
        self._searched = False

    def add(self, plugin: Plugin) -> Plugin:
        """Register a plug-in under its name. Raises ValueError if the name is taken."""
        if plugin.name in self._plugins:
            raise ValueError(f"two {self._kind}s are named {plugin.name!r}")
        self._plugins[plugin.name] = plugin
        return plugin

    @property
    def kind(self) -> str:
        """The kind of the plug-ins, for example "guideline"."""
        return self._kind

    def __getitem__(self, name: str) -> Plugin:
        """Return the plug-in of that name. Raises UserError with the nearest name."""
        plugin = self.get(name)
        if plugin is None:
            raise unknown(self._kind, name, sorted(self._search()))
        return plugin

    def get(self, name: str) -> Plugin | None:
        """Return the plug-in of that name, in any case of letters and with _ for -; None if there is none.

        It imports a file with the plug-in's name first, and the whole package only if that fails.
        """
        spellings = dict.fromkeys((name, name.lower(), name.lower().replace("_", "-")))
        return next((found for each in spellings if (found := self._find(each))), None)

    def spelled(self, name: str) -> str:
        """Return a plug-in's name as it is registered, and any other name as it is."""
        plugin = self.get(name)
        return plugin.name if plugin else name

    def _find(self, name: str) -> Plugin | None:
        if name not in self._plugins and not self._searched and name.isidentifier() and name[0] != "_":
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(f"{self._package}.{name}")
        return self._plugins.get(name) or self._search().get(name)

    def __iter__(self) -> Iterator[Plugin]:
        """Iterate over the plug-ins in the order of their names."""
        plugins = self._search()
        return iter([plugins[name] for name in sorted(plugins)])

    def of(self, kind: "type[Part]") -> "Registry[Part]":
        """Return the plug-ins that are of a class, as a registry of their own."""
        return _Part(self, kind)

    def _search(self) -> dict[str, Plugin]:
        if not self._searched:
            package = importlib.import_module(self._package)
            for module in pkgutil.iter_modules(getattr(package, "__path__", [])):
                importlib.import_module(f"{self._package}.{module.name}")
            self._searched = True
        return self._plugins


class _Part(Registry[Part]):
    """Those plug-ins of a registry that are of one class."""

    def __init__(self, registry: Registry[Any], kind: type[Part]) -> None:
        super().__init__(registry.kind, registry._package)
        self._all, self._class = registry, kind

    def get(self, name: str) -> Part | None:
        plugin = self._all.get(name)
        return plugin if isinstance(plugin, self._class) else None

    def _search(self) -> dict[str, Part]:
        return {name: each for name, each in self._all._search().items() if isinstance(each, self._class)}
