"""For GitHub Actions: an annotation for each finding that matters, and the Markdown that a step summary takes."""

from benchcli.check.findings import OPEN, Finding
from benchcli.report.formats.base import REPORTERS, Reporter
from benchcli.report.formats.markdown import Markdown
from benchcli.report.page import Page
from benchcli.report.views.check import told

NOTED = ("new", "cheaper", "faster")


class GitHub(Reporter):
    """Workflow commands, a line each, and then the Markdown of a step summary."""

    name = "github"
    for_checks = True

    def render(self, page: Page) -> str:
        """Write both."""
        return annotations(page) + "\n" + Markdown().render(page)


def annotations(page: Page) -> str:
    """Return a line for each finding: an error where it fails the check, a warning where it is open, else a notice."""
    return "".join(_annotation(finding) for finding in page.findings if _level(finding))


def _annotation(finding: Finding) -> str:
    title = _escaped(f"benchcli: {finding.where} {finding.outcome}").replace(":", "%3A").replace(",", "%2C")
    again = f" Again: {finding.again}" if finding.again and finding.fails else ""
    return f"::{_level(finding)} title={title}::{_escaped(told(finding) + again)}\n"


def _level(finding: Finding) -> str | None:
    if finding.fails:
        return "error"
    if finding.outcome in OPEN:
        return "warning"
    return "notice" if finding.outcome in NOTED or finding.allowed else None


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


REPORTERS.add(GitHub())
