"""The interface of a runtime: how it prepares a network once, loads it in a process, and runs it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from benchcli.backends.devices.base import Device, Timer
from benchcli.registry import Registry

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

Call = Callable[[], Any]
"""Runs a network once and returns its outputs."""


@dataclass(frozen=True)
class Place:
    """Where a runtime runs a network."""

    device: Device
    index: int = 0
    threads: int = 1
    alive: Callable[[], object] = lambda: None
    """Tells the engine that the worker makes progress: a preparation that is silent for too long is ended."""


class Runtime(ABC):
    """One way to execute a network. Subclass it in a file of this package; register an instance.

    The user's process reads the attributes of the class alone; everything else is asked in workers,
    which may import the runtime.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    needs_import: ClassVar[bool] = False
    """Whether `missing` imports the runtime. Then only workers ask it."""
    export_s: ClassVar[float] = 0.0
    """The longest silence of `export`, in seconds; 0 for a runtime that prepares no file."""
    untraceable: ClassVar[Mapping[Literal["breakdown", "layers"], str]] = {}
    """What its calls do not show, each with the message to the user who asks for it."""
    trains: ClassVar[bool] = False
    """Whether it runs what computes gradients; then `prepare` is not asked for a training step."""
    inherits: ClassVar[tuple[str, ...]] = ()
    """Names of the environment variables that its workers inherit, besides those of all workers."""

    def variables(self, threads: int) -> Mapping[str, str]:  # noqa: ARG002
        """Return the environment variables that its workers need, by name. It imports nothing."""
        return {}

    def missing(self, device: Device) -> str | None:  # noqa: ARG002
        """Return why the runtime cannot use this kind of device here, or None if it can."""
        return None

    def versions(self) -> Mapping[str, str]:
        """Return the versions of its software, by name; records of other versions have another digest."""
        return {}

    def export(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path) -> None:
        """Write the file of a network that `prepare` loads. Called once, if `export_s` is not 0, in its own process."""
        raise NotImplementedError(f"{self.name} exports no file")

    @abstractmethod
    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs the network once on `inputs` and returns its output.

        The network and `inputs` are on the device. `artifact` is the file that `export` wrote; None
        without an export. Raises NotImplementedError if the runtime cannot use this kind of device.
        """

    def timer(self, call: Call, place: Place) -> Timer | None:  # noqa: ARG002
        """Return the runtime's own timer of `call` with warm caches; None for the device's."""
        return None


RUNTIMES: Registry[Runtime] = Registry("runtime", "benchcli.backends.runtimes")
