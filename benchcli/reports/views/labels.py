"""Name runs, and networks, by what tells them apart."""

from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase

from benchcli import formatting
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Key
from benchcli.workloads.requests import settings_of


def labels(reports: Sequence[SuiteRun]) -> list[str]:
    """Return a label for each run: the facts that differ, and the start where they do not suffice.

    A comparison's letter stands before it, unless there are more runs than letters.
    """
    if len(reports) == 1:
        return [""]
    facts = [_facts(report) for report in reports]
    differing = [name for name in facts[0] if len({each[name] for each in facts}) > 1]
    found = [" · ".join(each[name] for name in differing if each[name]) for each in facts]
    for more in (_started, lambda report: report.folder.name, lambda report: str(report.folder)):
        if len(set(found)) == len(found) and all(found):
            break
        found = [" · ".join(filter(None, (label, more(each)))) for label, each in zip(found, reports, strict=True)]
    return (
        found
        if len(found) > len(ascii_uppercase)
        else [f"{a} {b}" for a, b in zip(ascii_uppercase, found, strict=False)]
    )


def networks(keys: Iterable[Key]) -> dict[Key, str]:
    """Return the name of each network, with its family where another family has a network of that name."""
    distinct = dict.fromkeys(keys)
    names = [variant for _, variant in distinct]
    return {
        (family, variant): variant if names.count(variant) == 1 else f"{variant} ({family})"
        for family, variant in distinct
    }


def _facts(report: SuiteRun) -> Mapping[str, str]:
    environment = report.environment
    target, machine = environment.target, environment.machine
    return {
        "where": environment.where or "",
        "host": (machine.host if machine else None) or "",
        "device": target.device,
        "runtime": " and ".join(report.runtimes),
        **{name: getattr(target, name) for name in ("allocator", "cache")},
        "denormal numbers": "denormal numbers flushed" if target.flush_denormal else "",
        "threads": f"{target.threads} threads",
        **{
            name: f"{name} {value}" if name == "batch" else value
            for name, value in settings_of(result.family for result in report.results).items()
        },
        "torch": f"torch {environment.software.get('torch')}",
        "commit": formatting.commits(environment.commit_measured, 7),
    }


def _started(report: SuiteRun) -> str:
    return report.environment.started.replace("T", " ").removesuffix("Z")
