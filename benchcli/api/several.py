"""Several recorded runs or checks, as `load` returns them for a pattern."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from benchcli.api.results import Shown
from benchcli.errors import UserError
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.page import Page

if TYPE_CHECKING:
    import pandas


@dataclass(repr=False)
class Runs(Shown, Sequence[Any]):
    """Several runs or checks, in the order of their folders' names."""

    runs: tuple[Any, ...]
    """The runs and checks; iterating and indexing give them too."""

    def __getitem__(self, place: Any) -> Any:
        return self.runs[place]

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.runs)

    @cached_property
    def page(self) -> Page:
        """The rows and the data of all of them. Raises UserError for runs and checks, whose rows differ."""
        pages = [run.page for run in self.runs]
        if len({page.columns for page in pages}) > 1:
            raise UserError("runs and checks have different columns: give one kind of them for this format")
        rows = tuple(row for page in pages for row in page.rows)
        return Page("runs", "", (), "", pages[0].columns, rows, [page.data for page in pages])

    @cached_property
    def drawn(self) -> Page:
        """One page of all. Raises UserError if they do not belong together."""
        from benchcli.api.reporting import together

        return together(self).drawn

    def show(self, format_: str = "table") -> str:
        """Return all as text: one below the other, one table as CSV, one list as JSON, one page as HTML."""
        return self._joined(format_, Shown.show)

    def written(self, format_: str) -> str:
        """Return all as a file holds them."""
        return self._joined(format_, Shown.written)

    def _joined(self, format_: str, shown: Callable[[Shown, str], str]) -> str:
        if format_ == "junit":
            raise UserError("junit shows one check: give one")
        whole = format_ in {"csv", "json"} or FORMATS[format_].draws
        return shown(self, format_) if whole else "\n".join(shown(run, format_) for run in self.runs)

    def to_frame(self) -> "pandas.DataFrame":
        """Return the rows of all runs, one below the other."""
        import pandas

        frames: list[pandas.DataFrame] = [run.to_frame() for run in self.runs]
        return pandas.concat(frames, ignore_index=True)

    def _repr_html_(self) -> str:
        return "".join(str(run._repr_html_()) for run in self.runs)
