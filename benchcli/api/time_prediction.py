"""Predict how long networks take on this machine, without running them whole."""

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Unpack

from benchcli import files, formatting
from benchcli.analysis.time_model import MeasuredList, NetworkPrediction, calibrate, predicted
from benchcli.api.keywords import PredictorSettings, PredictSettings, tools_of
from benchcli.api.live_modules import family_of
from benchcli.api.result import Result
from benchcli.backends.devices.base import device_named
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.grouping import groups
from benchcli.reports.page import Page
from benchcli.reports.views import predictions_page
from benchcli.runs.measured_suite import measured_aside
from benchcli.runs.run_folder import RunFolder
from benchcli.sampling import operator_table
from benchcli.sampling.operator_table import OperatorTable
from benchcli.sampling.supervise import Survey, refuse, survey
from benchcli.sampling.timings import relative_speed
from benchcli.schema import BUILT_IN, Failure, Family, Plan, Sample, Suite, Target
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import Launcher
from benchcli.schema.recipes import OperatorList, OperatorRecipe
from benchcli.schema.structure import StructureError, structure
from benchcli.settings import FRESH, OF_TABLES, OWN_INPUTS, PREDICT, PROGRESS, TOOLS, checked
from benchcli.spelling import given
from benchcli.workers.tools import Tools, sharing_workers
from benchcli.workloads.networks.base import NETWORKS
from benchcli.workloads.networks.network_request import named_networks
from benchcli.workloads.overrides import Overrides

LIST = ".json"
"""How the name of a file with a list of operators ends."""
CALIBRATING = tuple(each.name for each in NETWORKS)[::2]
"""The networks from whose times the factors of a prediction come: each second one of those that ship."""
LAUNCHES = 4
"""Of these networks."""
REFERENCE = f"{BUILT_IN}reference/arithmetic"


@dataclass(repr=False)
class Predictions(Result):
    """How long networks take, as predicted from the times of their operators."""

    predictions: tuple[NetworkPrediction, ...]
    failures: Mapping[str, Failure]
    """Why other networks have no prediction."""
    machine: str
    """What the times are of: the device, the threads and the digest of the table."""
    reference_s: float
    """Seconds of the reference network, at whose pace they are: in slower states of the machine all takes longer."""

    def _laid_out(self) -> Page:
        return predictions_page.page(self.predictions, self.failures, self.machine, self.reference_s)


def predict(*networks: object, inputs: object = None, **settings: Unpack[PredictSettings]) -> Predictions:
    """Predict how long one call of each network takes here, from the times of its operators.

    `networks` and `inputs` are what `costs` takes, and files with lists of operators, `NAME.json`. Operators
    that no earlier prediction needed are timed first, and kept for this machine. The first prediction on a
    machine also times networks that ship, for some minutes. `known` measures no operator, and says what it lacks.

    Raises UserError if a network or a setting is unknown, and NothingMeasuredError if none can be predicted.
    """
    values = checked(settings, [each for each in PREDICT if each is not OWN_INPUTS])
    written = _new_list(values["write"], networks) if values["write"] else None
    lists = [each for each in networks if isinstance(each, str) and each.endswith(LIST)]
    listed = {name: read_list(Path(name)) for name in lists}
    others = tuple(each for each in networks if not (isinstance(each, str) and each in lists))
    _refuse_accelerators(Target(device=values["device"]))
    failures: dict[str, Failure] = {}
    with sharing_workers(tools_of(values)) as tools:
        if others or not lists:
            family, payloads = _family(others, inputs, values)
            with tools.workers() as launcher:
                found, failures = operators_of([family], launcher, tools, payloads)
            listed |= found
        if written:
            files.create(written, "".join(each.to_json() for each in listed.values()))
        predictor = TimePredictor(
            tools=tools, fresh=values["fresh"], **{each.name: values[each.name] for each in OF_TABLES}
        )
        if not values["known"]:
            predictor.measure(listed.values())
    made = tuple(predictor.predict(each, name) for name, each in listed.items())
    if not made:
        raise NothingMeasuredError(f"nothing was predicted: {next(iter(failures.values())).error}")
    return Predictions(made, failures, predictor.machine, predictor.reference_s)


class TimePredictor:
    """Predicts times on this machine. It is made once, and is then fast enough for a search."""

    def __init__(self, **settings: Unpack[PredictorSettings]) -> None:
        """Take the kept table of this machine, and calibrate it if it is not.

        Raises UserError if a setting is wrong, and NothingMeasuredError if it cannot be calibrated.
        """
        values = checked(settings, (*OF_TABLES, FRESH, PROGRESS, TOOLS))
        self._tools = tools_of(values)
        self._target = Target(**{each.name: values[each.name] for each in OF_TABLES})
        _refuse_accelerators(self._target)
        with self._tools.workers() as launcher:
            there = survey((), self._target, Plan(), launcher)
        self._table = _table_of(there, self._target, values["fresh"])
        known = self._table.calibration
        if known is None or not known.operators:  # earlier versions did not keep which operators the networks have
            self._calibrate(known.seconds if known else {})

    @property
    def calibrated(self) -> Mapping[str, float]:
        """Seconds of the networks from which the factors come, at the pace at which times are predicted."""
        return self._table.calibration.seconds if self._table.calibration else {}

    @property
    def reference_s(self) -> float:
        """Seconds of the reference network, at whose pace times are predicted."""
        return self._table.reference_s

    @property
    def machine(self) -> str:
        """What the times are of: the device, its threads, and the digest of the table."""
        threads = formatting.counted(self._target.threads, "thread")
        return f"{self._target.device} · {threads} · table {self._table.digest}"

    def operators(self, network: object, inputs: object = None) -> OperatorList:
        """Return what a call of a network does, as `predict` takes it; two parts of a network can be added.

        `network` and `inputs` are what `measure` takes. Raises UserError if it cannot be called without
        memory, such as a network whose control flow depends on values.
        """
        return self.operators_of({"network": (network, inputs)})["network"]

    def operators_of(self, parts: Mapping[str, tuple[object, object]]) -> dict[str, OperatorList]:
        """Return what calls of many networks do, each given with its inputs, in one process and by name.

        Raises UserError as `operators` does, which names the network.
        """
        families: list[Family] = []
        payloads: dict[str, str] = {}
        for name, (network, inputs) in parts.items():
            family, own = _family(({name: network},), inputs, {each.name: each.default for each in PREDICT})
            families.append(replace(family, name=name))
            payloads |= own
        with self._tools.workers() as launcher:
            found, failures = operators_of(families, launcher, self._tools, payloads)
        for name, failure in failures.items():
            raise UserError(f"{name}: {failure.error}")
        return found

    def measure(self, lists: Iterable[OperatorList]) -> None:
        """Time the operators that the table lacks, and keep them. Raises NothingMeasuredError if no worker starts."""
        lacking = self._table.lacking(each.recipe for listed in lists for each in listed.operators)
        if lacking:
            with self._tools.workers() as launcher:
                _time(self._table, lacking, self._target, launcher, self._tools)
            operator_table.keep(self._table)

    def predict(self, listed: OperatorList, name: str = "") -> NetworkPrediction:
        """Return the time of a call that does what a list says. It takes less than a millisecond."""
        return predicted(name, listed, self._table)

    def _calibrate(self, known_s: Mapping[str, float]) -> None:
        """Time networks that ship, of which the seconds are not known, and their operators."""
        (family,) = named_networks(CALIBRATING, None).families(Overrides())
        with self._tools.workers() as launcher:
            listed, failures = operators_of([family], launcher, self._tools, {})
            for name, failure in failures.items():
                raise NothingMeasuredError(f"the predictor was not calibrated: {name}: {failure.error}")
            recipes = [each.recipe for several in listed.values() for each in several.operators]
            _time(self._table, self._table.lacking(recipes), self._target, launcher, self._tools)
        try:
            seconds = known_s or _network_seconds(family, self._target, self._tools, self._table.reference_s)
            networks = [MeasuredList(name, listed[name], each) for name, each in seconds.items() if name in listed]
            self._table.calibration = calibrate(networks, self._table)
        except (NothingMeasuredError, ValueError) as error:
            raise NothingMeasuredError(f"the predictor was not calibrated: {error}") from None
        operator_table.keep(self._table)


def fill(families: Sequence[Family], target: Target, payloads: Mapping[str, str], tools: Tools) -> int:
    """Time the operators of networks that the table of this machine lacks, and keep them; return how many.

    Raises NothingMeasuredError if no worker starts.
    """
    target = Target(**{each.name: getattr(target, each.name) for each in OF_TABLES})
    with tools.workers() as launcher:
        table = _table_of(survey((), target, Plan(), launcher), target)
        lists = _listed(families, launcher, tools, payloads).listed.values()
        lacking = table.lacking(each.recipe for listed in lists for each in listed.operators)
        _time(table, lacking, target, launcher, tools)
    operator_table.keep(table)
    return len(lacking)


def _refuse_accelerators(target: Target) -> None:
    """Raise UserError for a device whose operators wait in a queue: their times are no sum."""
    device = device_named(target.device)
    if not (device.pinned or device.hidden):
        raise UserError(
            f"predictions are of a CPU: on a {device.title} operators overlap with the host that queues them; leave "
            f"{given('device', target.device)} out"
        )


def _table_of(there: Survey, target: Target, fresh: bool = False) -> OperatorTable:
    digest = operator_table.digest_of(there.software, there.device, target)
    return OperatorTable(digest) if fresh else operator_table.fetch(digest)


def _time(
    table: OperatorTable, recipes: Sequence[OperatorRecipe], target: Target, launcher: Launcher, tools: Tools
) -> None:
    """Time operators, and add them to a table."""
    start_s = tools.clock()
    announce = _announcing(tools)
    table.add(operator_table.measure(recipes, target, launcher, announce))
    table.measured_s += tools.clock() - start_s


def operators_of(
    families: Sequence[Family], launcher: Launcher, tools: Tools, payloads: Mapping[str, str]
) -> tuple[dict[str, OperatorList], dict[str, Failure]]:
    """Return the operators of each network, by name, and why others have none."""
    found = _listed(families, launcher, tools, payloads)
    failures = {variant: failure for (_, variant), failure in found.failures.by_key.items()}
    return {variant: each for (_, variant), each in found.listed.items()}, failures


def _listed(families: Sequence[Family], launcher: Launcher, tools: Tools, payloads: Mapping[str, str]) -> Survey:
    """List the operators of networks. Raises UserError if one is not there."""
    tools.observe(Progress("listing operators", 0.0, math.inf))
    found = survey(families, Target(), Plan(), launcher, live=payloads, meta=True, crosschecked=False, listed=True)
    refuse(found.failures.by_key)
    return found


def read_list(file: Path) -> OperatorList:
    """Return the list of operators in a file. Raises UserError, which names the file, if it holds none."""
    try:
        data = json.loads(files.read_text(file))
        return structure(data if isinstance(data, dict) else {"operators": data}, OperatorList)
    except StructureError as error:
        raise UserError(f"{file} is no list of operators: {error}") from None
    except (ValueError, RecursionError):
        raise UserError(f"{file} is no JSON: give a file that `benchcli predict NAME --write FILE` wrote") from None


def _new_list(path: Path | str, networks: Sequence[object]) -> Path:
    """Return the path of a new list of operators. Raises UserError if it cannot be written, is there, or is of many."""
    if len(networks) != 1:
        raise UserError(f"{given('write')} writes the operators of one network: give one")
    return files.new(path, LIST, "by which lists are known")


def _family(
    networks: tuple[object, ...], inputs: object, values: Mapping[str, Any]
) -> tuple[Family, Mapping[str, str]]:
    """Return the networks as a family, and what is sent to their process by value."""
    dtype = values["dtype"]
    overrides = Overrides(batches=(values["batch"],) if values["batch"] else None, dtypes=(dtype,) if dtype else None)
    return family_of(networks, inputs, values["size"], overrides, meta=True)


def _network_seconds(family: Family, target: Target, tools: Tools, reference_s: float) -> dict[str, float]:
    """Return the seconds of a call of each network that could be timed, where the reference network takes so many.

    Raises NothingMeasuredError if none could.
    """
    with measured_aside(Suite("calibration", "", (family,)), target, Plan(launches=LAUNCHES), tools) as run:
        (samples,) = RunFolder(run.folder).samples().values()
    return at_pace(samples, reference_s)


def at_pace(samples: Sequence[Sample], reference_s: float, name: str = REFERENCE) -> dict[str, float]:
    """Return the seconds of the other networks of some samples, in a state where one of them takes so many.

    By default it is the reference network.

    All states of a machine are as slow for the one as for the other, as far as rounds of one launch tell.
    """
    by_network = groups(samples, lambda each: each.variant)
    reference = by_network.pop(name, [])
    speeds = {other: relative_speed(reference, of) for other, of in by_network.items()}
    return {other: reference_s / speed.estimate for other, speed in speeds.items() if speed}


def _announcing(tools: Tools) -> Callable[[str], None]:
    return lambda doing: tools.observe(Progress(doing, 0.0, math.inf))
