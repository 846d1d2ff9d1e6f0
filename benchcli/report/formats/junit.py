"""For CI servers: JUnit's XML, a test case for each network and subject."""

from collections.abc import Mapping
from xml.etree import ElementTree

from benchcli.check.findings import Finding
from benchcli.report.formats.base import REPORTERS, Reporter
from benchcli.report.page import Page

MARKS: Mapping[str, str] = {"unmeasured": "error", "inconclusive": "skipped"}
"""What marks a case that neither passed nor failed."""


class JUnit(Reporter):
    """One suite of test cases."""

    name = "junit"
    for_checks = True

    def render(self, page: Page) -> str:
        """Write the document."""
        marks = [_mark(finding) for finding in page.findings]
        suite = ElementTree.Element(
            "testsuite",
            name=f"benchcli check {page.name}",
            tests=str(len(marks)),
            failures=str(marks.count("failure")),
            errors=str(marks.count("error")),
            skipped=str(marks.count("skipped")),
        )
        properties = ElementTree.SubElement(suite, "properties")
        ElementTree.SubElement(properties, "property", name="compared", value=page.heading)
        ElementTree.SubElement(properties, "property", name="summary", value=page.footer)
        for finding, mark in zip(page.findings, marks, strict=True):
            _case(suite, finding, mark)
        root = ElementTree.Element("testsuites")
        root.append(suite)
        ElementTree.indent(root)
        return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _mark(finding: Finding) -> str | None:
    return "failure" if finding.fails else MARKS.get(finding.outcome)


def _case(suite: ElementTree.Element, finding: Finding, mark: str | None) -> None:
    case = ElementTree.SubElement(
        suite, "testcase", classname=f"benchcli.{finding.family}", name=f"{finding.variant} {finding.subject}"
    )
    text = _printable(f"{finding.builder}: {finding.text}")
    if mark is None:
        ElementTree.SubElement(case, "system-out").text = text
        return
    element = ElementTree.SubElement(case, mark, message=_printable(f"{finding.outcome}: {finding.text}"))
    if mark != "skipped":
        element.set("type", finding.outcome)
    element.text = f"{text}\n{finding.again}" if finding.again else text


def _printable(text: str) -> str:
    """Return the text less what XML cannot hold: an error's message may have anything in it."""
    return "".join(letter for letter in text if letter in "\t\n" or ord(letter) >= 32)


REPORTERS.add(JUnit())
