"""Write all data of a page as one JSON object."""

import json

from benchcli.beginnings import JSON
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Page


class Json(Format):
    """One JSON object; the keys of a row are the columns of the CSV."""

    name = "json"
    beginning = JSON

    def render(self, page: Page) -> str:
        """Return the object as text."""
        return json.dumps(page.data, indent=2, ensure_ascii=False) + "\n"


FORMATS.add(Json())
