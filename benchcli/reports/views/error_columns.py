"""Make the columns of the top-1 error and of the Pareto front, and the lines about both."""

from collections.abc import Mapping, Sequence

from benchcli.analysis.front import Place, pareto_front
from benchcli.analysis.published import top1_error
from benchcli.formatting import UNKNOWN
from benchcli.reports.outcomes import signed
from benchcli.schema import Record

COLUMNS = ("top-1 error %", "Pareto front")
MARKS: Mapping[Place, str] = {"on": signed("yes"), "near": signed("undecided"), "off": signed("no")}


class Errors:
    """The errors of records, and their places beside the front of time and error."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._records = records
        self._places = pareto_front(records)

    def cells(self, record: Record) -> tuple[str, str]:
        """Return the cells under `COLUMNS`."""
        error = top1_error(record)
        place = self._places.get(record.key)
        return f"{error:.1f}" if error is not None else UNKNOWN, MARKS[place] if place else UNKNOWN

    def lines(self) -> list[str]:
        """Return the front in words, and what is undecided."""
        if not self._places:
            return []
        on = [record for record in self._records if self._places.get(record.key) == "on"]
        near = [record.variant.name for record in self._records if self._places.get(record.key) == "near"]
        ordered = sorted(on, key=lambda record: record.timing.seconds.estimate if record.timing else 0.0)
        lines = [
            "Pareto front, from fastest to most accurate: "
            + ", ".join(dict.fromkeys(record.variant.name for record in ordered))
        ]
        if near:
            lines.append(f"? {', '.join(near)}: undecided: another network is at least as accurate and may be faster")
        return lines
