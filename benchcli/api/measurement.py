"""Measure guidelines, suites, blocks, networks and claims."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from benchcli.api.keywords import BlockSettings, MeasureSettings, Measuring, NetworkSettings, RunSettings
from benchcli.api.result import UnfinishedError
from benchcli.api.run_result import Run
from benchcli.backends.runtimes.base import runtime_named
from benchcli.errors import UserError, unknown
from benchcli.files import path_of
from benchcli.runs.measured_suite import RunRequest, UnfinishedRunError, run_suite
from benchcli.schema import Family, Suite
from benchcli.settings import BLOCK, CLAIMS, GROUPS, IN_PYTHON, MEASURE, NETWORK, TRACING, checked
from benchcli.spelling import given
from benchcli.store.adding import add, prepare
from benchcli.validation import text
from benchcli.workloads.guidelines.base import EXPERIMENTS
from benchcli.workloads.guidelines.guideline_request import ALL, GuidelineRequest
from benchcli.workloads.overrides import Overrides

BESIDE = ("paper", "aligned")
"""The sets of channels of a guideline over several runtimes: how channels fill blocks differs between these."""


def measure(what: object, *, inputs: object = None, **settings: Unpack[MeasureSettings]) -> Run:
    """Measure a guideline, a suite, or networks.

    `what` is the name of a guideline ("g1" to "g4", or "all"), the name or path of a suite, or a
    network, or several in a list, or a mapping from names to them: the first is the baseline. A network is a
    `torch.nn.Module`, a function of a module that makes one, or a name as the command line takes it:
    of `benchcli list networks`, "torchvision:NAME", or "package.module:callable". `inputs` belongs to
    networks: a tensor (batch, ...) or its shape, a tuple or list of tensors, or a dict of keyword
    arguments, all of which may be nested; or texts such as "ids=1x16:int64:0..29999". By default each
    network has its own, or the callable's `example_inputs`, or (1, 3, 224, 224).

    `batch`, `dtype`, `layout`, `step`, `threads` and `runtime` take one value or several, which are
    compared with the first. `width`, `channels` and `scale` are for guidelines: a base width, sets of channels (paper,
    paper-arm, paper-gpu, aligned), factors. Over several runtimes a guideline has both the paper's
    channels and aligned ones, unless `width` or `channels` is given.

    Raises UserError if the request cannot be measured, NothingMeasuredError if no network has a
    time, and UnfinishedError if measuring ended early: its `result` has what was finished.
    """
    if not isinstance(what, str) or _is_network(what):
        return _measured_networks(what, inputs, settings)
    if inputs is not None:
        raise UserError("inputs belong to networks: a guideline or a suite has its own")
    measuring, overrides = _with_channels(settings)
    name, description, families = _named(what, overrides)
    return run_of(Suite(name, description, tuple(families)), measuring)


def _measured_networks(what: object, inputs: object, settings: MeasureSettings) -> Run:
    """Measure networks by name, by value, or by both."""
    from benchcli.api.live_modules import Networks, are_drawn, by_name

    if isinstance(what, str) and are_drawn(inputs):
        return network(what, **{**settings, "inputs": inputs})  # type: ignore[arg-type]
    measuring, overrides = _with_channels(settings)
    networks = Networks.of(by_name(what if isinstance(what, list | tuple) else [what]), inputs)
    families = networks.request.families(overrides)
    return run_of(Suite("custom", "", tuple(families)), measuring, live=networks.payloads)


def _with_channels(settings: MeasureSettings) -> tuple[Measuring, Overrides]:
    """Return how to measure, and the settings of inputs and channels that replace those of families."""
    values = checked(settings, MEASURE)
    measuring = Measuring.of(values)
    channels = {"width": values["width"], "widths": values["channels"], "scales": values["scale"]}
    return measuring, replace(measuring.overrides, **channels)


def measure_suite(name_or_path: str, **settings: Unpack[MeasureSettings]) -> Run:
    """Measure a suite, even one that is named like a guideline.

    Takes the same settings as `measure`, and raises the same errors.
    """
    from benchcli.workloads.suites import find_suite

    return measure(str(find_suite(name_or_path).path), **settings)


def block(*names: str, **settings: Unpack[BlockSettings]) -> Run:
    """Measure the units of networks at equal FLOPs, by name; all of them where none is named.

    `width` is the channels of ShuffleNet V2's unit; the others get those of equal FLOPs. `size` is
    the height and width of the feature map that goes in, `units` how many stand in a chain (10, or
    1 of stride 2), `stride` 1 or 2. Raises what `measure` raises.
    """
    from benchcli.workloads.blocks.base import BLOCKS
    from benchcli.workloads.blocks.block_request import ALL, BlockRequest

    names = tuple(BLOCKS.spelled(text("a block", name)) for name in names)
    if len(set(names)) < len(names) or (ALL in names and len(names) > 1):
        raise UserError(f"a block is named twice: {' '.join(names)}")
    values = checked(settings, BLOCK)
    measuring = Measuring.of(values)
    request = BlockRequest(
        blocks=names or (ALL,),
        width=values["width"],
        size=values["size"][0],
        units=values["units"],
        stride=values["stride"],
    )
    return run_of(Suite("block", "", tuple(request.families(measuring.overrides))), measuring)


def network(*names: str, **settings: Unpack[NetworkSettings]) -> Run:
    """Measure whole networks by name, or the groups of about so many MFLOPs.

    A name is of a network that ships, "torchvision:NAME" or "timm:NAME",
    "package.module:callable", or the path of an ONNX file. `size` is the height and width of every
    input; each network's own by default. `inputs` describes what networks of your own are called
    with, as --input does: one text for each, such as "1x3x224x224" or "ids=1x16:int64:0..29999".
    `errors` are top-1 errors in per cent, by name, for the Pareto front. Raises what `measure` raises.
    """
    from benchcli.workloads.networks.network_request import NetworkRequest, family_name, named_networks

    for name in names:
        text("a network", name)
    values = checked(settings, NETWORK)
    measuring = Measuring.of(values)
    groups = values["group"]
    if names and groups:
        raise UserError(f"give networks or a {given('group')} of them, not both")
    size = values["size"][0] if values["size"] else None
    requests = (
        [named_networks(names, size, values["inputs"] or ())]
        if names
        else [NetworkRequest(name=family_name(each), group=each, size=size) for each in groups or GROUPS]
    )
    requests = [replace(request, errors=values["errors"] or ()) for request in requests]
    families = tuple(family for request in requests for family in request.families(measuring.overrides))
    return run_of(Suite("network", "", families), measuring)


def claims(folder: Path | str | None = None, **settings: Unpack[RunSettings]) -> Run:
    """Test what the two ShuffleNet papers claim: by measuring now, or on a run in a folder.

    Raises what `measure` raises, and UserError if there is no run in the folder.
    """
    from benchcli.analysis.claims.base import traced
    from benchcli.store.stored_runs import read
    from benchcli.workloads.suites import CLAIMS_SUITE, families_of_suite, find_suite

    if folder is not None:
        if settings:
            raise UserError(
                f"{min(settings)} cannot be combined with FOLDER, whose run is already measured: leave one out"
            )
        return Run(read(path_of("the folder of a run", folder)), shows_claims=True)
    measuring = Measuring.of(checked(settings, (*CLAIMS, *TRACING, *IN_PYTHON)))
    file = find_suite(CLAIMS_SUITE)
    suite = Suite(file.name, file.description, tuple(families_of_suite(file, measuring.overrides)))
    can_trace = "breakdown" not in runtime_named(measuring.target.runtime).untraceable
    return run_of(suite, measuring, traced() if can_trace else (), shows_claims=True)


def _is_network(what: str) -> bool:
    """Return whether a text names a network, or several by wildcards, and no guideline, suite or file."""
    if what == ALL or EXPERIMENTS.get(what):
        return False
    from benchcli.workloads.networks.base import NETWORKS
    from benchcli.workloads.networks.libraries import has_wildcards
    from benchcli.workloads.suites import is_path, shipped_names

    if is_path(what) or what.lower() in shipped_names():
        return False
    return ":" in what or has_wildcards(what) or NETWORKS.get(what) is not None


def _named(what: str, overrides: Overrides) -> tuple[str, str, Iterable[Family]]:
    """Return the name, the description and the families of a guideline or a suite."""
    what = EXPERIMENTS.spelled(what)
    if what == ALL or EXPERIMENTS.get(what):
        names = [each.name for each in EXPERIMENTS] if what == ALL else [what]
        if overrides.runtimes and not (overrides.width or overrides.widths):
            overrides = replace(overrides, widths=BESIDE)
        families = [f for name in names for f in GuidelineRequest(guideline=name).families(overrides)]
        return f"guideline-{what}", "", families
    from benchcli.workloads.networks.base import NETWORKS
    from benchcli.workloads.suites import families_of_suite, find_suite, is_path, shipped_names

    if not is_path(what) and what.lower() not in (suites := shipped_names()):
        known = [*(each.name for each in EXPERIMENTS), ALL, *suites, *(each.name for each in NETWORKS)]
        raise UserError(
            f"{unknown('guideline, suite or network', what, known)}; or give the path of a TOML file, or "
            "package.module:callable"
        )
    file = find_suite(what)
    return file.name, file.description, families_of_suite(file, overrides)


def run_of(
    suite: Suite,
    measuring: Measuring,
    traced: tuple[str, ...] = (),
    shows_claims: bool = False,
    live: Mapping[str, str] | None = None,
) -> Run:
    """Measure a suite, and return its result."""
    names = tuple(family.name for family in suite.families)
    request = RunRequest(
        suite=suite,
        target=measuring.target,
        plan=measuring.plan,
        output=measuring.output,
        resume=measuring.resume,
        traced=names if measuring.breakdown else traced,
        layered=names if measuring.layers else (),
        live=live or {},
    )
    if measuring.store:
        prepare(measuring.store)
    try:
        run = run_suite(request, measuring.tools)
    except UnfinishedRunError as error:
        raise UnfinishedError(
            Run(error.report, shows_claims=shows_claims), error.reason, _what_is_left(error)
        ) from None
    if measuring.store:
        add([run.folder], measuring.store)
    return Run(run, measuring.depth, shows_claims, is_tree=measuring.tree)


def _what_is_left(run: UnfinishedRunError) -> str:
    finished, folder = len(run.report.results), run.report.folder
    reason = run.reason or "interrupted"
    if not run.can_resume:
        return f"{reason}; the launches before it are in {folder}: start a new run for the network as it is now"
    if run.unfinished == 0:
        return f"{reason} while tracing: all families are finished; {given('resume', folder)} traces the rest"
    families = "1 family is" if finished == 1 else f"{finished} families are"
    are = "is" if run.unfinished == 1 else "are"
    return f"{reason}: {families} finished, {run.unfinished} {are} not; {given('resume', folder)} measures the rest"
