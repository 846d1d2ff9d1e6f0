"""For programs: everything there is, as one object."""

import json

from benchcli.report.formats.base import FORMATS, Format
from benchcli.report.page import Page


class Json(Format):
    """One object; the keys of a row are the columns of its CSV."""

    name = "json"

    def render(self, page: Page) -> str:
        """Write the object."""
        return json.dumps(page.data, indent=2, ensure_ascii=False) + "\n"


FORMATS.add(Json())
