"""The page of an audit, from a kept one."""

from dataclasses import replace
from pathlib import Path

import benchcli
from benchcli.api.audit_result import NetworkAudit
from benchcli.reports.views import audit_page

KEPT = Path(__file__).parents[3] / "results" / "reference" / "audit-xeon"


def test_of_many_layers_without_a_gain_three_have_rows_and_a_line_names_the_others() -> None:
    audit = benchcli.load(KEPT)
    assert isinstance(audit, NetworkAudit)
    without = next(each for each in audit.findings if each.audit == "g2" and each.judgement == "no gain")
    alike = [replace(without, places=(f"layer{number}",)) for number in range(5)]
    table = audit_page.page(audit.details, audit.audited, alike).tables[0]
    assert [each.partition(" ")[0] for each in table.columns[2].cells] == ["layer0", "layer1", "layer2"]
    assert "g2: rebuilt without a gain at layer3, layer4" in table.lines
