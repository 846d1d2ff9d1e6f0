"""`benchcli list`: the names that the other commands take."""

from collections.abc import Callable, Iterator, Mapping
from fnmatch import fnmatchcase

import click

from benchcli.analysis.claims.base import claims
from benchcli.backends.allocators import ALLOCATORS
from benchcli.backends.devices.base import DEVICES, Device
from benchcli.backends.runtimes.base import RUNTIMES, Runtime
from benchcli.cli.options import argument, format_option
from benchcli.cli.output import show_sections
from benchcli.errors import UserError
from benchcli.schema import BUILT_IN
from benchcli.settings import DTYPES, LAYOUTS, NAMED_WIDTHS, STEPS
from benchcli.validation import Choice
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.guidelines.base import EXPERIMENTS
from benchcli.workloads.networks.base import NETWORKS, Network
from benchcli.workloads.networks.libraries import matching
from benchcli.workloads.references import REFERENCES
from benchcli.workloads.suites import SuiteFile, shipped_suites

UNSEEN = ", none seen on this machine"
"""The end of the line of a device, or of a runtime for devices, that is not there."""
NAMES = 38
"""Width of the column of names."""
KINDS: Mapping[str, Callable[[], Mapping[str, str]]] = {
    "guidelines": lambda: {each.name: f"{each.claim} at equal FLOPs ({each.source})" for each in EXPERIMENTS},
    "suites": lambda: {path.stem: SuiteFile(path, path.stem).description for path in shipped_suites()},
    "channels": lambda: NAMED_WIDTHS,
    "devices": lambda: {
        each.name: each.title if _may_be_here(each) else f"{each.title}{UNSEEN}" for each in _shown_devices()
    },
    "runtimes": lambda: {name: meaning for each in RUNTIMES for name, meaning in _runtime(each)},
    "allocators": lambda: {each.name: each.title for each in ALLOCATORS.values()},
    "dtypes": lambda: dict.fromkeys(DTYPES, ""),
    "layouts": lambda: LAYOUTS,
    "steps": lambda: STEPS,
    "blocks": lambda: {each.name: f"{each.title} ({each.source})" for each in BLOCKS},
    "networks": lambda: {each.name: _network(each) for each in NETWORKS},
    "references": lambda: {f"{BUILT_IN}reference/{each.name}": each.title for each in REFERENCES},
    "claims": lambda: {each.name: f"{each.says} ({each.provenance})" for each in claims()},
}


@click.command("list")
@argument("kind", Choice(lambda: KINDS), required=False)
@click.argument("pattern", required=False)
@format_option("table", "json")
def command(kind: str | None, pattern: str | None, format_: str) -> None:
    """List the names that the other commands take.

    KIND is guidelines, suites, channels, devices, runtimes, allocators, dtypes, layouts, steps, blocks,
    networks, references or claims. PATTERN keeps the names that it matches, such as 'mobilenet*'; of networks also
    those of an installed library, such as 'timm:mobilenetv3*'.

    \b
    Example: benchcli list networks 'mobilenet*'
    """
    sections = {name: KINDS[name]() for name in ([kind] if kind else KINDS)}
    if kind and pattern:
        sections = {kind: _matched(kind, pattern, sections[kind])}
    show_sections(sections, format_, _line)


def _matched(kind: str, pattern: str, known: Mapping[str, str]) -> Mapping[str, str]:
    """Return the entries that match. Raises UserError if there are none."""
    if kind == "networks":
        return {name: known.get(name, "") for name in matching(pattern, known)}
    matched = {name: title for name, title in known.items() if fnmatchcase(name.lower(), pattern.lower())}
    if not matched:
        raise UserError(f"{pattern!r} matches none of {len(known)} {kind}: leave it out to see them all")
    return matched


def _network(network: Network) -> str:
    """Return a network's title, group, published error and source."""
    group = f", --group {network.group}" if network.group else ""
    error = network.printed.top1_error if network.printed else None
    return f"{network.title}{group}{f', published error {error:g} %' if error else ''} ({network.source})"


def _shown_devices() -> list[Device]:
    return [each for each in DEVICES if not each.hidden]


def _may_be_here(device: Device) -> bool:
    """Return whether a device is here, or may be: then measuring says why not."""
    return device.is_seen() is not False


def _runtime(runtime: Runtime) -> Iterator[tuple[str, str]]:
    """Yield a runtime's title with its versions, or the line that installs it, and what each of its options changes."""
    if not runtime.lacking:
        versions = ", ".join(f"{name} {number}" for name, number in runtime.installed_versions.items())
        title = f"{runtime.title} ({versions})" if versions else runtime.title
        devices = [each for each in _shown_devices() if runtime.needs_import or runtime.missing(each) is None]
        yield runtime.name, title if any(map(_may_be_here, devices)) else f"{title}{UNSEEN}"
    else:
        yield runtime.name, f"{runtime.title}, not installed: {runtime.install}"
    for option, meaning in runtime.options.items():
        optional = runtime.with_option(option)
        lacks_more = optional.lacking != runtime.lacking
        yield optional.full_name, f"{meaning}, not installed: {optional.install}" if lacks_more else meaning


def _line(name: str, meaning: str) -> str:
    return f"{name:<{NAMES}} {meaning}"
