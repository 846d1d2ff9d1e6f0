"""What a reporter is."""

from abc import ABC, abstractmethod
from typing import ClassVar

from benchcli.plugins import Registry
from benchcli.running import Report


class Reporter(ABC):
    """One format. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]

    @abstractmethod
    def render(self, report: Report) -> str:
        """Return the report as text that ends with a new line."""


REPORTERS: Registry[Reporter] = Registry("format", "benchcli.reporters")
