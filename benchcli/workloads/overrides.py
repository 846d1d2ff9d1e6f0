"""Settings of the caller that replace those of a suite or the defaults."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError
from benchcli.schema import Step
from benchcli.spelling import given

if TYPE_CHECKING:
    from benchcli.workloads.guidelines.base import Column


@dataclass(frozen=True)
class Overrides:
    """Settings that replace those of a suite; None keeps the suite's setting."""

    column: "Column" = "arm"
    """The paper's column for this kind of device."""
    batches: tuple[int, ...] | None = None
    dtypes: tuple[str, ...] | None = None
    layouts: tuple[str, ...] | None = None
    steps: tuple[Step, ...] | None = None
    threads: tuple[int, ...] | None = None
    """Only where there are several: one is the target's."""
    runtimes: tuple[str, ...] | None = None
    """Only where there are several: one is the target's."""
    sizes: tuple[int, ...] | None = None
    """Heights and widths of images; for what has a size."""
    allow_random: bool = False
    """Whether networks with random outputs are timed, where the suite does not say so too."""
    width: int | None = None
    """A base width, from which channels of equal FLOPs are solved.

    `width`, `widths` and `scales` apply to guidelines only.
    """
    widths: tuple[str, ...] | None = None
    """The names of sets of widths; several are measured one beside the other."""
    scales: tuple[int, ...] | None = None

    def of_inputs(self) -> dict[str, Any]:
        """Return the settings of inputs that are not None, keyed by the fields of `Request`."""
        names = ("batches", "dtypes", "layouts", "steps", "threads", "runtimes", "sizes", "allow_random")
        return {name: value for name in names if (value := getattr(self, name))}

    def of_channels(self) -> dict[str, Any]:
        """Return the settings of channels that are not None, without several sets of widths.

        Raises UserError if two exclude each other.
        """
        if self.width and self.widths:
            raise UserError(f"{given('width')} and {given('channels')} cannot be used together: give one")
        only = self.widths[0] if self.widths and len(self.widths) == 1 else None
        channels = {"widths": self.width or only, "scales": self.scales}
        return {name: value for name, value in channels.items() if value}
