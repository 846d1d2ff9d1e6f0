"""Draw figures as SVG, PNG or PDF, without a browser, from the specifications that a report has too."""

import json
from collections.abc import Callable, Mapping, Sequence
from importlib import resources
from typing import Any
from zlib import crc32

from benchcli.beginnings import AUTHOR
from benchcli.errors import UserError
from benchcli.reports.page import Figure, Spec
from benchcli.runs.own_files import COMMENT, METADATA, PNG, SOFTWARE

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
LITE = "6.4"
"""The version of Vega-Lite's grammar."""
WIDTH, WIDE, SCALE = 420, 840, 2.0
"""Width of a chart and of a wide one, and PNG's pixels per pixel of SVG."""
INDEPENDENT = ("color", "shape", "strokeDash", "x", "y", "yOffset")


def specification(figures: Sequence[Figure], theme: str = "light") -> Spec:
    """Return one Vega-Lite specification with the data of all figures, several side by side."""
    drawn = [_with_data(figure) for figure in figures]
    chart = drawn[0]
    if len(drawn) > 1:
        scales = dict.fromkeys(INDEPENDENT, "independent")
        columns = 1 if any(figure.is_wide for figure in figures) else 2
        chart = {"concat": drawn, "columns": columns, "resolve": {"scale": scales, "legend": scales}}
    return {"$schema": SCHEMA, "usermeta": {"generator": AUTHOR}, "config": config(theme), "padding": 12, **chart}


def _with_data(figure: Figure) -> Spec:
    values = [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]
    return {
        "title": {"text": figure.title, **({"subtitle": figure.note} if figure.note else {})},
        "description": figure.text,
        "width": WIDE if figure.is_wide else WIDTH,
        "data": {"values": values},
        **figure.spec,
    }


def config(theme: str) -> Spec:
    """Return the sizes and colours of charts in a theme: light or dark."""
    colours = json.loads((resources.files("benchcli") / "data/web/themes.json").read_text(encoding="utf-8"))[theme]
    chart = json.loads((resources.files("benchcli") / "data/web/charts.json").read_text(encoding="utf-8"))
    sizes = {name: _coloured(value, colours) for name, value in chart.items()}
    return {**sizes, "background": colours["background"], "range": {"category": colours["series"]}}


def _coloured(part: object, colours: Mapping[str, str]) -> object:
    """Return a part of the configuration with its names of colours replaced by the theme's."""
    if isinstance(part, dict):
        return {name: _coloured(value, colours) for name, value in part.items()}
    return colours[part[1:]] if isinstance(part, str) and part.startswith("$") else part


def check(suffix: str) -> None:
    """Raise UserError for a suffix that is not one of `DRAWN`, or if the library is not installed."""
    if suffix not in DRAWN:
        raise UserError(f"a picture's name ends with {', '.join(DRAWN)}, not with {suffix or 'nothing'}")
    if suffix != ".json":
        _library()


def draw(figures: Sequence[Figure], suffix: str, theme: str = "light") -> bytes:
    """Return a picture of the figures; `check` says whether it can be made. Raises UserError if it cannot."""
    try:
        return DRAWN[suffix](specification(figures, theme))
    except ValueError as error:  # the library's error for a drawing that it cannot make
        raise UserError(f"the chart cannot be drawn: {str(error).splitlines()[0][:200]}") from None


def _library() -> Any:
    try:
        import vl_convert
    except ImportError:
        raise UserError("pictures need a library, the extra plot: pip install vl-convert-python") from None
    return vl_convert


def _svg(spec: Spec) -> bytes:
    """Return an SVG whose first element names its author."""
    root, end, rest = _library().vegalite_to_svg(spec, vl_version=LITE).encode().partition(b">")
    return bytes(root + end + METADATA + rest)


def _png(spec: Spec) -> bytes:
    """Return a PNG with a chunk that names the software, behind the header's chunk."""
    picture = bytes(_library().vegalite_to_png(spec, vl_version=LITE, scale=SCALE))
    header = len(PNG) + 4 + 4 + 13 + 4
    length, check = len(SOFTWARE) - 4, crc32(SOFTWARE)
    return picture[:header] + length.to_bytes(4, "big") + SOFTWARE + check.to_bytes(4, "big") + picture[header:]


def _pdf(spec: Spec) -> bytes:
    """Return a PDF with a comment at its end: before it, the table of places would be wrong."""
    return bytes(_library().vegalite_to_pdf(spec, vl_version=LITE)) + COMMENT


DRAWN: Mapping[str, Callable[[Spec], bytes]] = {
    ".svg": _svg,
    ".png": _png,
    ".pdf": _pdf,
    ".json": lambda spec: json.dumps(spec, indent=1, ensure_ascii=False).encode(),
}
"""How a picture is made, by the end of its file's name; .json is the specification itself."""
