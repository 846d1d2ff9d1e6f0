"""How Sphinx builds the site from the Markdown of this folder: `make site`."""

import re
from typing import Any

project = "benchcli"
author = "The benchcli authors"
project_copyright = author
extensions = ["myst_parser"]
exclude_patterns = ["*.py"]
html_theme = "furo"
html_title = "benchcli"
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
myst_heading_anchors = 3
"""The depth of the headings that links can name, with the anchors that GitHub gives them."""
highlight_language = "text"
"""The language of code without one, which is output."""
nitpicky = True

LISTED = re.compile(r"^- \[[^\]]+\]\(([\w-]+)\.md\)", re.MULTILINE)
"""A page in the list of the first page."""


def setup(app: Any) -> None:
    """Make the sidebar from the list of pages, which then needs no directive that GitHub would show."""
    app.connect("source-read", _add_sidebar)


def _add_sidebar(_app: Any, page: str, source: list[str]) -> None:
    if page == "index":
        source[0] += "\n".join(["\n```{toctree}", ":hidden:", "", *LISTED.findall(source[0]), "```\n"])
