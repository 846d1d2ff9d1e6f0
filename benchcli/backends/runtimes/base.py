"""The interface of a runtime: how it prepares a network once, loads it in a process, and runs it."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from benchcli.backends.devices.base import DEVICES, Device, RanKernel, Timer
from benchcli.errors import UserError, unknown
from benchcli.registry import Registry
from benchcli.schema import Category
from benchcli.spelling import given

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

UNKNOWN_VERSION = "unknown"
Call = Callable[[], Any]
"""Runs a network once and returns its outputs."""


Traceable = Literal["breakdown", "layers", "kernels"]
"""What a run, or explain, may ask the calls of a network to show."""
Untraceable = Mapping[Traceable, str]


def untraced(what: str) -> Untraceable:
    """Return `Runtime.untraceable` of a runtime that tells nothing of its calls, by its title."""
    return {
        "breakdown": f"traces torch's operators, which {what} does not call",
        "layers": f"calls the modules one by one, which {what} does not",
        "kernels": f"names torch's operators and the kernels that they run, which {what} does not call",
    }


class RanNode(NamedTuple):
    """A node of a runtime's own graph that ran in a call."""

    kernel: RanKernel
    """What it computes, as the runtime calls it, by what it was computed, and its seconds."""
    category: Category
    module: str | None = None
    """The module of the network that it comes from, by its path; None if the runtime has lost that."""


class Profiler(ABC):
    """A runtime's own profile of calls of a network."""

    tells_reorders: ClassVar[bool] = True
    """Whether its conversions of layout are nodes by the name of `schema.REORDER`."""

    @abstractmethod
    def call(self) -> object:
        """Run the network once, with the profile on."""

    @abstractmethod
    def finish(self) -> Sequence[Sequence[RanNode]]:
        """Return the nodes of each call so far, in their order. Nothing is called afterwards."""


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
    requires: Mapping[str, str] = {}
    """The packages that it needs besides torch: the names of their distributions, by the modules that it imports."""
    devices: ClassVar[tuple[str, ...]] = ()
    """The kinds of devices that it runs on; empty for all."""
    option: str = ""
    """The one that was given; empty for none."""
    layouts: ClassVar[tuple[str, ...]] = ("nchw", "nhwc")
    """The memory layouts of the networks that it takes."""
    reads_onnx: ClassVar[bool] = False
    """Whether it runs networks that are ONNX files; their `write_onnx` writes one with the inputs' shapes."""
    needs_import: ClassVar[bool] = False
    """Whether `missing` imports the runtime. Then only workers ask it."""
    export_s: ClassVar[float] = 0.0
    """The longest silence of `export`, in seconds; 0 for a runtime that prepares no file."""
    exports_slowly: ClassVar[bool] = False
    """Whether a network takes longer than a process needs to start, so that several share those of a setting."""
    untraceable: Untraceable = {}
    """What its calls do not show, each with why, as what the setting of that name, or explain, does."""
    trains: ClassVar[bool] = False
    """Whether it runs what computes gradients; then `prepare` is not asked for a training step."""
    inherits: ClassVar[tuple[str, ...]] = ()
    """Names of the environment variables that its workers inherit, besides those of all workers."""

    def variables(self, threads: int) -> Mapping[str, str]:  # noqa: ARG002
        """Return the environment variables that its workers need, by name. It imports nothing."""
        return {}

    @property
    def options(self) -> Mapping[str, str]:
        """What may follow its name after a colon, such as "onnxruntime:extended", each with what it changes."""
        return {}

    @property
    def full_name(self) -> str:
        """The name with its option, as users write it."""
        return f"{self.name}:{self.option}" if self.option else self.name

    def with_option(self, option: str) -> "Runtime":
        """Return the runtime with an option. Raises UserError if it has none of that name."""
        if not option:
            return self
        if option not in self.options:
            if not self.options:
                raise UserError(f"{self.name} has no options: leave :{option} out")
            raise unknown(f"option of {self.name}", option, self.options)
        found = copy.copy(self)
        found.option = option
        return found

    @property
    def tells_nodes(self) -> bool:
        """Whether it has a `profiler` of its own, which tells the nodes of a graph in place of torch's operators."""
        return type(self).profiler is not Runtime.profiler

    def missing(self, device: Device) -> str | None:
        """Return why the runtime cannot be used on this kind of device here, or None if it can. It imports nothing."""
        if lacking := self.lacking:
            names, are = " and ".join(lacking), "are" if len(lacking) > 1 else "is"
            is_whole = lacking == self._distributions
            what = f"{self.title} is" if is_whole else f"{names}, which {self.full_name} needs, {are}"
            return f"{what} not installed: {self.install}"
        if self.devices and device.name not in self.devices:
            without = given("device", device.name)
            shown = [each for each in self.devices if not DEVICES[each].hidden]
            where = f"{'devices' if len(shown) > 1 else 'device'} {' and '.join(shown)}"
            return f"{self.title} runs here on the {where} alone: leave {without} out"
        return None

    @property
    def lacking(self) -> list[str]:
        """The distributions that it needs and that are not there. It imports none."""
        return list(dict.fromkeys(name for module, name in self.requires.items() if find_spec(module) is None))

    @property
    def install(self) -> str:
        """The command that installs what it lacks."""
        return f"pip install {' '.join(self.lacking)}"

    @property
    def _distributions(self) -> list[str]:
        return list(dict.fromkeys(self.requires.values()))

    def versions(self) -> Mapping[str, str]:
        """Return the versions of its software, by name; records of other versions have another digest."""
        return self.installed_versions

    @property
    def installed_versions(self) -> Mapping[str, str]:
        """The versions of the packages that it needs, as they say them without being imported."""
        return {name: version_of(name) for name in self._distributions}

    def computes_in(self, dtype: str) -> str:
        """Return the dtype in which it computes a network of a dtype, whose tolerance its outputs get."""
        return dtype

    def transformed(self, network: "torch.nn.Module", inputs: "Inputs") -> "tuple[torch.nn.Module, Inputs]":
        """Return what the runtime runs in the place of a network, and what it is called with: mostly the same.

        It is called for inference, before `prepare`. Raises NotImplementedError for a network in which
        there is nothing to change.
        """
        return network, inputs

    def export(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path) -> None:
        """Write the file, or the folder, that `prepare` loads. Called once, if `export_s` is not 0, in its own process.

        It is called without gradients. Raises NotImplementedError for what the runtime lacks.
        """
        raise NotImplementedError(f"{self.name} exports no file")

    @abstractmethod
    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs the network once on `inputs` and returns its output.

        The network and `inputs` are on the device. `artifact` is what `export` wrote; None without an
        export. Raises NotImplementedError for what the runtime lacks.
        """

    def profiler(
        self,
        network: "torch.nn.Module",  # noqa: ARG002
        inputs: "Inputs",  # noqa: ARG002
        place: Place,  # noqa: ARG002
        artifact: Path | None,  # noqa: ARG002
    ) -> Profiler | None:
        """Return the runtime's own profiler of what `prepare` is given; None for the device's, of torch's operators."""
        return None

    def timer(self, call: Call, place: Place) -> Timer | None:  # noqa: ARG002
        """Return the runtime's own timer of `call` with warm caches; None for the device's."""
        return None


def version_of(distribution: str) -> str:
    """Return the version of an installed package, as its metadata says."""
    try:
        return version(distribution)
    except PackageNotFoundError:  # a module without metadata
        return UNKNOWN_VERSION


RUNTIMES: Registry[Runtime] = Registry("runtime", "benchcli.backends.runtimes")


def runtime_named(name: str) -> Runtime:
    """Return the runtime of a name such as "onnxruntime:extended". Raises UserError if there is none."""
    kind, _, option = name.partition(":")
    return RUNTIMES[kind].with_option(option)
