"""What a caller says of families in place of what suites and defaults say."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError
from benchcli.schema import Family

if TYPE_CHECKING:
    from benchcli.workloads.guidelines.base import Column
    from benchcli.workloads.suites import SuiteFile


@dataclass(frozen=True)
class Overrides:
    """Settings that replace those of a suite; None leaves what the suite says."""

    column: "Column" = "arm"
    """The paper's column for this kind of device."""
    batches: tuple[int, ...] | None = None
    dtypes: tuple[str, ...] | None = None
    layouts: tuple[str, ...] | None = None
    width: int | None = None
    """A base width, for which channels of equal FLOPs are found; only guidelines have one, as the next two."""
    widths: str | None = None
    """The name of a set of widths."""
    scales: tuple[int, ...] | None = None

    def of_inputs(self) -> dict[str, Any]:
        """Return the settings of inputs that are given, by the names of a request's fields."""
        return _given(batches=self.batches, dtypes=self.dtypes, layouts=self.layouts)

    def of_channels(self) -> dict[str, Any]:
        """Return the settings of channels that are given. Raises UserError where two exclude each other."""
        if self.width and self.widths:
            raise UserError("--width and --channels exclude each other: give one")
        return _given(widths=self.width or self.widths, scales=self.scales)


def families_of_suite(file: "SuiteFile", overrides: Overrides) -> list[Family]:
    """Return the families of a suite with the overrides; an error names the file and the line."""
    found: list[Family] = []
    for index, request in enumerate(file.requests()):
        try:
            found += request.families(overrides)
        except UserError as error:
            raise file.family_error(index, error) from None
    return found


def _given(**settings: Any) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if value}
