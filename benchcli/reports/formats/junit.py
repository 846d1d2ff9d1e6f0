"""Write JUnit XML with a test case for each annotation."""

from xml.etree import ElementTree

from benchcli.beginnings import JUNIT
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Annotation, Page

MARKS = ("failure", "error", "skipped")
"""The XML element that marks a test case, by level; cases of other levels passed."""


class JUnit(Format):
    """A JUnit test suite."""

    name = "junit"
    for_checks = True
    beginning = JUNIT

    def render(self, page: Page) -> str:
        """Return the XML document."""
        marks = [each.level for each in page.annotations]
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
        for annotation in page.annotations:
            _case(suite, annotation)
        root = ElementTree.Element("testsuites")
        root.append(suite)
        ElementTree.indent(root)
        return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _case(suite: ElementTree.Element, annotation: Annotation) -> None:
    case = ElementTree.SubElement(suite, "testcase", classname=f"benchcli.{annotation.group}", name=annotation.name)
    if annotation.seconds is not None:
        case.set("time", f"{annotation.seconds:.9f}")
    text = annotation.detail
    if annotation.level not in MARKS:
        ElementTree.SubElement(case, "system-out").text = text
        return
    element = ElementTree.SubElement(case, annotation.level, message=annotation.message)
    if annotation.level != "skipped":
        element.set("type", annotation.outcome)
    element.text = f"{text}\n{annotation.rerun}" if annotation.rerun else text


FORMATS.add(JUnit())
