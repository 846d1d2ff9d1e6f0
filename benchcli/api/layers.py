"""The layers of a run, as a list that shows itself as a table."""

from collections.abc import Iterable

from benchcli.analysis.layers import LayerRow
from benchcli.report.formats.base import FORMATS
from benchcli.report.page import Page, cleaned


class LayerRows(list[LayerRow]):
    """A list of the modules of a run's networks. A Python prompt shows the table of the slowest ones."""

    def __init__(self, rows: Iterable[LayerRow] = (), depth: int | None = None) -> None:
        super().__init__(rows)
        self.depth = depth
        """The depth to which the modules are rolled up; None if each has only what it does itself."""

    def __repr__(self) -> str:
        from benchcli.report.views.layers import table_of

        if not self:
            return "[]"
        told = f"{len(self)} modules; iterate over them for all their fields"
        page = Page("layers", "", (table_of(self, self.depth),), told, (), (), {})
        return FORMATS["table"].on_screen(cleaned(page)).strip("\n")
