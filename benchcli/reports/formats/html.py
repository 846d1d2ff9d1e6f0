"""Write a page as one HTML file that loads nothing: tables that sort, charts, and their numbers."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib import resources
from itertools import takewhile
from typing import TYPE_CHECKING

from benchcli.beginnings import HTML
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.outcomes import TONES, tone
from benchcli.reports.page import Cell, Column, Figure, Page, Table

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

SHOWN = 200
"""The most rows of a table at once; the others come when they are asked for."""
MOST_OVERVIEW = 8
"""The most figures above all sections; the others stand in sections."""
MOST_SHOWN = 24
"""The most charts of a section that are drawn before they are asked for: each takes some 50 ms."""
LAST = 100
"""The priority of columns that are left out after all others."""
LONG = 60
"""The longest cell that stands in one line."""


class Html(Format):
    """One self-contained page."""

    name = "html"
    draws = True
    beginning = HTML

    def render(self, page: Page) -> str:
        """Return the document."""
        document = _Document(page)
        scripts = [_web("vega.js"), _web("report.js")]
        return str(
            _template().render(
                title=f"benchcli: {page.name}",
                policy=_policy(scripts),
                style=_safe(_style()),
                pages=document.pages,
                contents=document.contents,
                shown=SHOWN,
                long=LONG,
                licences=_web("vega-licences.txt"),
                data=_safe(_embedded(document.data)),
                scripts=[_safe(script) for script in scripts],
                tone_class=lambda line: _safe(f' class="{tone(line)}"' if tone(line) else ""),
                cell_class=_cell_class,
                priority=_priority,
                column_class=lambda column: _class(_kind(column)),
            )
        )


class _Document:
    """The sections of a page and of its parts, and the data that its script reads."""

    def __init__(self, page: Page) -> None:
        self.tables: dict[str, Sequence[Sequence[str]] | None] = {}
        self.figures: dict[str, object] = {}
        self.sections = 0
        self.contents: list[tuple[str, str]] = []
        """The sections of the page itself, and its parts."""
        self.pages = [self._page(each, number) for number, each in enumerate((page, *page.parts))]

    @property
    def data(self) -> dict[str, object]:
        return {
            "figures": self.figures,
            "tables": self.tables,
            "chartConfig": json.loads(_web("charts.json")),
            "themes": json.loads(_web("themes.json")),
            "tones": TONES,
            "page": SHOWN,
            "long": LONG,
        }

    def _page(self, page: Page, number: int) -> dict[str, object]:
        identity = f"page-{number}"
        if number:
            self.contents.append((identity, page.name))
        overview = _overview(page)
        sections = [self._section(identity, page.answers, *each) for each in _sections(page, overview)]
        if not number:
            self.contents += [(str(section["id"]), str(section["title"])) for section in sections]
        return {
            **vars(page),
            "id": identity,
            "level": 2 if number else 1,
            "badge_tone": tone(page.badge) or "neutral",
            "overview": [self._figure(figure) for figure in overview],
            "sections": sections,
        }

    def _section(
        self, page: str, answers: Sequence[str], title: str, table: Table | None, figures: Sequence[Figure]
    ) -> dict[str, object]:
        """Return a section; what the page's answers say already is not said again."""
        table = _filled(table) if table else None
        self.sections += 1
        identity = f"{page}-section-{self.sections}"
        lines = table.all_lines if table else ()
        return {
            "id": identity,
            "title": title,
            "outcomes": [line for line in lines if tone(line) not in {None, "warning"} and line not in answers],
            "warnings": [line for line in lines if tone(line) == "warning"],
            "notes": [line for line in lines if tone(line) is None],
            "figures": [self._figure(figure) for figure in figures],
            "is_folded": len(figures) > MOST_SHOWN or (table is None and figures[0].is_folded),
            "table": table,
            "table_id": self._table(table) if table else None,
        }

    def _figure(self, figure: Figure) -> dict[str, object]:
        identity = f"figure-{len(self.figures)}"
        self.figures[identity] = {
            name: getattr(figure, name) for name in ("title", "columns", "rows", "spec", "is_wide")
        }
        words = len(list(takewhile(lambda place: _is_text(figure, place), range(len(figure.columns)))))
        columns = (
            Column(name, tuple(_shown(row[place]) for row in figure.rows), is_number=place >= words)
            for place, name in enumerate(figure.columns)
            if name not in figure.for_drawing
        )
        numbers = Table(figure.title, tuple(columns))
        return {**vars(figure), "id": identity, "table": numbers, "table_id": self._table(numbers)}

    def _table(self, table: Table) -> str:
        """Return the table's id; the script adds the rows of tables that are longer than SHOWN."""
        identity = f"table-{len(self.tables)}"
        self.tables[identity] = table.rows if len(table.rows) > SHOWN else None
        return identity


def _overview(page: Page) -> list[Figure]:
    """Return the figures that stand above all sections: those that are meant for it, or else the first one."""
    meant = [figure for figure in page.figures if figure.is_overview]
    return meant[:MOST_OVERVIEW] or [figure for figure in page.figures[:1] if not figure.is_folded]


def _sections(page: Page, overview: Sequence[Figure]) -> Iterator[tuple[str, Table | None, list[Figure]]]:
    """Yield a heading, its table if it has one, and its figures: first what stands beside a table.

    Figures of the overview, and others of the same numbers, do not stand in sections again.
    """
    left = [figure for figure in page.figures if all(figure.rows != each.rows for each in overview)]
    for table in page.tables:
        beside = [figure for figure in left if figure.key == table.key]
        left = [figure for figure in left if figure not in beside]
        yield table.title, table, beside
    for key in dict.fromkeys(figure.key for figure in left):
        figures = [figure for figure in left if figure.key == key]
        yield figures[0].heading or key, None, figures


def _filled(table: Table) -> Table:
    """Return a table whose empty first cells repeat the ones above, so that rows can be sorted."""
    first, *others = table.columns
    cells: list[str] = []
    for cell in first.cells:
        cells.append(cell if cell or not cells else cells[-1])
    return replace(table, columns=(replace(first, cells=tuple(cells)), *others))


def _is_text(figure: Figure, column: int) -> bool:
    return all(isinstance(row[column], str) for row in figure.rows)


def _shown(cell: Cell) -> str:
    return "" if cell is None else str(cell)


def _cell_class(cell: str, column: Column) -> "Markup":
    return _class(_kind(column), "long" if len(cell) > LONG else "", tone(cell))


def _kind(column: Column) -> str:
    return "number" if column.is_number else "tree" if column.is_tree else ""


def _priority(column: Column) -> "Markup":
    """Return the attribute by which the script leaves out columns, those that name groups last."""
    priority = LAST if column.is_grouping else column.priority
    return _safe("" if priority is None else f' data-priority="{priority}"')


def _class(*names: str | None) -> "Markup":
    """Return the attribute with these names, if there are any."""
    given = " ".join(filter(None, names))
    return _safe(f' class="{given}"' if given else "")


def _policy(scripts: Sequence[str]) -> str:
    """Return the page's security policy: its own two scripts run, and nothing is loaded."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:"


def _style() -> str:
    """Return the style sheet, with the colours of the charts' series in each theme."""
    themes = json.loads(_web("themes.json"))
    light, dark = (
        "".join(f"--series-{number}:{colour};" for number, colour in enumerate(themes[name]["series"]))
        for name in ("light", "dark")
    )
    return (
        _web("report.css")
        + f":root{{{light}}}@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        + f":root[data-theme=dark]{{{dark}}}@media print{{:root,:root[data-theme]{{{light}}}}}"
    )


def _embedded(data: Mapping[str, object]) -> str:
    """Return data as JSON that cannot end the element that it stands in."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _web(name: str) -> str:
    return (resources.files("benchcli") / "data" / "web" / name).read_text(encoding="utf-8")


def _safe(text: str) -> "Markup":
    from markupsafe import Markup

    return Markup(text)  # noqa: S704  the project's own files, numbers, and JSON without angle brackets


@cache
def _template() -> "Template":
    from jinja2 import Environment

    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_web("report.html"))


FORMATS.add(Html())
