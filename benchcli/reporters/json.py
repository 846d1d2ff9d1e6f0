"""For programs: the environment, the records and the verdicts."""

import json
from dataclasses import asdict

from benchcli.advice import sentence
from benchcli.records import row
from benchcli.reporters.base import REPORTERS, Reporter
from benchcli.running import Report


class Json(Reporter):
    """One object; the keys of a record are the columns of `measurements.csv`."""

    name = "json"

    def render(self, report: Report) -> str:
        """Write the report. A record's warnings carry their advice."""
        records = [
            {
                **row(record),
                "warnings": [{"code": code, "advice": sentence(code)} for code in record.warnings],
            }
            for result in report.results
            for record in result.records
        ]
        whole = {
            "environment": report.environment,
            "records": records,
            "launches": [
                {"family": result.family.name, **asdict(conditions)}
                for result in report.results
                for conditions in result.conditions
            ],
            "verdicts": [asdict(verdict) for verdict in report.verdicts],
        }
        return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


REPORTERS.add(Json())
