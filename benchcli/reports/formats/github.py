"""Write workflow commands of GitHub Actions, and Markdown for a step summary."""

from collections.abc import Mapping, Set

from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.formats.markdown import Markdown
from benchcli.reports.page import MARK, Annotation, Page

COMMANDS: Mapping[str, str] = {"failure": "error", "error": "warning", "skipped": "warning", "notice": "notice"}
"""GitHub's level for each level of annotation; annotations of other levels are left out."""


class GitHub(Format):
    """One workflow command a line, then the Markdown of a step summary."""

    name = "github"
    for_checks = True
    mark = MARK

    def render(self, page: Page) -> str:
        """Return the workflow commands and the Markdown."""
        return annotations(page) + "\n" + Markdown().render(page)


def annotations(page: Page) -> str:
    """Return a workflow command for the headline, and one for each annotation that did not pass."""
    shown = [each for each in page.annotations if each.level in COMMANDS]
    return _headline(page, {each.level for each in shown}) + "".join(map(_command, shown))


def _headline(page: Page, levels: Set[str]) -> str:
    """Return the command for the headline. It comes first, because GitHub shows ten of a level and step."""
    if not page.summary:
        return ""
    level = next((command for each, command in COMMANDS.items() if each in levels), "notice")
    return f"::{level} title={_property(f'benchcli {page.command} {page.name}')}::{_escaped(page.summary)}\n"


def _command(annotation: Annotation) -> str:
    title = _property(f"benchcli: {annotation.title}")
    place = f"file={_property(annotation.file)},line={annotation.line}," if annotation.file else ""
    rerun = f" Re-run: {annotation.rerun}" if annotation.rerun and annotation.level == "failure" else ""
    return f"::{COMMANDS[annotation.level]} {place}title={title}::{_escaped(annotation.text + rerun)}\n"


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


FORMATS.add(GitHub())
