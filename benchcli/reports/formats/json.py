"""Write all data of a page as one JSON object."""

import json

from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Page

FIRST = (
    r'"environment": \{\s*"schema": \d',
    r'"runs": \[\s*\{\s*"path": "[^"]*",\s*"environment": ',
    r'"networks": (?:\[\s*\{\s*"network": |\[\],\s*"warnings": )',
    r'"machine": \{',
    r'"comparisons": \[\s*\{\s*"name": ',
    r'"digest": "\w*",\s*"device": ',
)
"""What the objects of pages begin with: runs and checks, comparisons, costs, devices, self-tests, roofs."""


class Json(Format):
    """One JSON object; the keys of a row are the columns of the CSV."""

    name = "json"
    beginning = rf"(?:\[\s*)?{{\s*(?:{'|'.join(FIRST)})"

    def render(self, page: Page) -> str:
        """Return the object as text."""
        return json.dumps(page.data, indent=2, ensure_ascii=False) + "\n"


FORMATS.add(Json())
