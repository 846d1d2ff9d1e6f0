"""Define the interface of a format."""

import re
from abc import ABC, abstractmethod
from typing import ClassVar

from benchcli.registry import Registry
from benchcli.reports.page import Page


class Format(ABC):
    """One format. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    for_checks: ClassVar[bool] = False
    """Whether it shows annotations, which only checks have."""
    draws: ClassVar[bool] = False
    """Whether it shows figures and facts, which take time to gather."""

    beginning: ClassVar[str] = ""
    """A regular expression for what every page in this format begins with, and hardly another file does.

    By it benchcli knows the files that it wrote, and replaces them. Empty if there is no such thing.
    """
    mark: ClassVar[str] = ""
    """What a file of this format begins with, above the page, if pages have no beginning of their own."""

    @property
    def starts(self) -> str:
        """A regular expression for what files of this format begin with; empty if there is no such thing."""
        return self.beginning or re.escape(self.mark)

    @abstractmethod
    def render(self, page: Page) -> str:
        """Return the page as text that ends with a new line, for a file or a pipe."""

    def on_screen(self, page: Page) -> str:
        """Return the page as stdout shows it best; most formats are the same everywhere."""
        return self.render(page)


FORMATS: Registry[Format] = Registry("format", "benchcli.reports.formats")
