"""The layers of a run, as a list that shows itself as a table."""

from collections.abc import Iterable

from benchcli.analysis.layer_rows import LayerRow
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.page import Page, cleaned


class LayerRows(list[LayerRow]):
    """A list of the modules of a run's networks. A Python prompt shows the table of the slowest ones."""

    def __init__(self, rows: Iterable[LayerRow] = (), depth: int | None = None) -> None:
        super().__init__(rows)
        self.depth = depth
        """The depth to which the modules are rolled up; None if each has only what it does itself."""

    def __repr__(self) -> str:
        from benchcli.reports.views.layer_table import table_of

        if not self:
            return "[]"
        told = f"{len(self)} modules; iterate over them for all their fields"
        page = Page("layers", "", (table_of(self, self.depth),), told, (), (), {})
        return FORMATS["table"].on_screen(cleaned(page)).strip("\n")
