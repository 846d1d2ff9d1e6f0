"""Draw the charts of a page into a file."""

from pathlib import Path

from benchcli.errors import UserError
from benchcli.reports import output_files
from benchcli.reports.page import Page
from benchcli.spelling import given
from benchcli.validation import one_of

THEMES = ("light", "dark")


def kinds() -> dict[str, str]:
    """Return the kinds of charts in the order of a page, with what each shows."""
    from benchcli.reports.charts.base import in_order

    return {chart.name: chart.shows for chart in in_order()}


def check(kind: str | None, path: Path, theme: str) -> tuple[str | None, str]:
    """Return the kind and the theme by their names. Raises UserError if the chart cannot be drawn into this file."""
    from benchcli.reports import drawing

    drawing.check(path.suffix.lower())
    return kind and one_of("kind of chart", kind, kinds()), one_of("theme", theme, THEMES)


def draw(page: Page, kind: str | None, path: Path, theme: str = "light", force: bool = False) -> None:
    """Draw the charts of one kind into a file, whose name's end says how.

    Raises UserError if the page has no such chart, if no kind is given, if the file cannot be written, or
    if the extra `plot` is not installed.
    """
    from benchcli.reports import drawing

    kind, theme = check(kind, path, theme)
    of_parts = [figure for part in page.parts for figure in part.figures]
    figures = [each for each in page.figures if each.kind == kind] or [each for each in of_parts if each.kind == kind]
    if not figures:
        there = ", ".join(dict.fromkeys(figure.kind for figure in (*page.figures, *of_parts))) or "none"
        wrong = f"{page.name} has nothing to draw as {kind}: it" if kind else f"give {given('kind')}: {page.name}"
        raise UserError(f"{wrong} has charts of the kinds {there}")
    output_files.write(path, drawing.draw(figures, path.suffix.lower(), theme), force)
