"""What `benchcli check` does with its options: find both versions, check them, and show what was found."""

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from benchcli import __version__, interpreters, machine
from benchcli.advice import sentence
from benchcli.arms import Arm, arm, laid_out
from benchcli.check_folder import CheckFolder
from benchcli.check_page import page
from benchcli.checking import Checked, check
from benchcli.cli.main import INTERRUPTED
from benchcli.cli.options import families_of_suite, target_of
from benchcli.cli.progress import progress
from benchcli.cli.session import Session
from benchcli.cli.writing import destinations, show
from benchcli.errors import NothingMeasuredError, UserError, unknown
from benchcli.findings import Finding, exit_code
from benchcli.folder import unused
from benchcli.own import BENCHCLI, taken_from
from benchcli.pairs import BASE, HEAD, Pair, only, pairs
from benchcli.records import SCHEMA
from benchcli.running import preflight
from benchcli.schema import Source
from benchcli.suites import SuiteFile, find_suite
from benchcli.under_way import CheckRequest, CheckTools

REPEATED = ("device", "runtime", "cache", "threads", "allocator")
"""Options that the command which looks at one network again has too."""


@dataclass(frozen=True)
class Sides:
    """Both versions, as they were named."""

    base: Arm
    head: Arm

    @property
    def title(self) -> str:
        """Both, as a person reads them."""
        return f"base {self.base.label} · head {self.head.label}"


def check_versions(session: Session, suite: str, base: str, options: dict[str, Any]) -> int:
    """Check one version against another, show what was found, and return the exit code."""
    files = destinations(options["write"])
    target = target_of(options)
    sides = _sides(base, options["head"], Path.cwd())
    _refuse_dirt(sides, options["require_clean"])
    file = find_suite(suite)
    for code in preflight(target, session.busy_cores):
        _say(sentence(code))
    with laid_out({"base": sides.base, "head": sides.head}) as sources:
        found = _paired(file, suite, sources, options)
        _say_what_cannot_differ(sides, found)
        request = CheckRequest(
            pairs=tuple(found),
            target=target,
            pythons={BASE: sides.base.python, HEAD: sides.head.python},
            theta=options["theta"],
            launches=options["launches"],
            budget_s=options["budget"],
            separate=options["separate"],
            costs_only=options["costs_only"],
            allowed=options["allow"],
        )
        folders = {source.folder: f"{side} ({getattr(sides, side).label})" for side, source in sources.items()}
        return _checked(session, file.name, request, _Again(suite, sides, options, folders), files)


@dataclass(frozen=True)
class _Again:
    """How to say the command again."""

    suite: str
    sides: Sides
    options: Mapping[str, Any]
    folders: Mapping[str, str]
    """What to call the folders that both versions are laid out in."""

    def finding(self, finding: Finding) -> Finding:
        """Return the finding with the command, and without folders that will be gone."""
        text = finding.text
        for folder, name in self.folders.items():
            text = text.replace(folder, name)
        return replace(finding, text=text, again=self.command(finding.where))

    def command(self, where: str) -> str:
        """Return the command that checks one network alone."""
        options = self.options
        words = ["benchcli", "check", self.suite, "--base", self.sides.base.again]
        if options["head"]:
            words += ["--head", self.sides.head.again]
        words += ["--only", where]
        defaults = {param.name: param.default for param in click.get_current_context().command.params}
        for name in REPEATED:
            if options[name] != defaults[name]:
                words += [f"--{name}", str(options[name])]
        words += ["--theta", f"{options['theta']:.2%}"] if options["theta"] else []
        words += [f"--{name.replace('_', '-')}" for name in ("separate", "costs_only") if options[name]]
        return shlex.join(words)


def _checked(
    session: Session, name: str, request: CheckRequest, again: _Again, files: Sequence[tuple[str, Path]]
) -> int:
    """Run the check; however it ends, what was found is shown."""
    environment = _environment(name, request, again)
    path: Path = again.options["output"] or unused(Path("results") / environment["run"])
    folder = CheckFolder.create(path, environment)
    known: Checked | None = None
    ending: BaseException | None = None
    try:
        with progress() as observer:
            for state in check(request, CheckTools(session.workers, observer, session.clock), folder):
                known = state
    except (KeyboardInterrupt, NothingMeasuredError, UserError) as error:
        ending = error
    if known is None:
        folder.discard()
        raise ending or NothingMeasuredError("nothing was checked")
    findings = tuple(map(again.finding, known.findings))
    environment["check"] |= {**known.facts, "warnings": known.warnings, "seconds": known.seconds}
    environment["check"]["finished"] = known.finished
    folder.conclude(findings)
    folder.describe(environment)
    folder.close()
    notes = _notes(known)
    show(
        page(name, _heading(request, again.sides), findings, environment, path, notes), again.options["format_"], files
    )
    return _code(findings, again.options["strict"], ending)


def _code(findings: Sequence[Finding], strict: bool, ending: BaseException | None) -> int:
    if isinstance(ending, KeyboardInterrupt):
        _say("interrupted: costs and outputs were checked, times were not judged")
        return INTERRUPTED
    if ending is not None:
        _say(f"{ending}; what was checked before is shown")
    code = exit_code(findings, strict)
    return code if code or ending is None else 4


def _sides(base: str, head: str | None, here: Path) -> Sides:
    """Find both versions. Raises UserError where one is not there, or cannot run workers."""
    first = arm(base, here)
    # Against another interpreter, head is this one, and the code of both is what lies here or is installed.
    second = arm(sys.executable if head is None and first.kind == "interpreter" else head, here)
    for side, each in ((BASE, first), (HEAD, second)):
        if each.kind == "interpreter":
            found = interpreters.ask(each.python)
            if found.benchcli and found.benchcli != __version__:
                _say(f"{side} has benchcli {found.benchcli}, which is not used: this one measures both")
    return Sides(first, second)


def _refuse_dirt(sides: Sides, clean: bool) -> None:
    """Say what is measured that no commit has. Raises UserError where that is refused."""
    for side, each in ((BASE, sides.base), (HEAD, sides.head)):
        changes = [path for path in each.changes if not path.startswith("results/")]
        if not changes:
            continue
        some = ", ".join(changes[:3]) + (", …" if len(changes) > 3 else "")
        text = f"{side} ({each.label}) has changes that are not committed ({some})"
        if clean:
            raise UserError(f"{text}: commit or stash them, or leave --require-clean out")
        _say(f"{text}, which are measured with it")


def _paired(file: SuiteFile, suite: str, sources: Mapping[Any, Source], options: dict[str, Any]) -> list[Pair]:
    """Return what is asked for, of both versions. Raises UserError where --only names nothing."""
    families = {
        side: [taken_from(source, family) for family in families_of_suite(_version_of(file, side, source), options)]
        for side, source in sources.items()
    }
    everything = pairs(families[BASE], families[HEAD])
    wanted = only(everything, options["only"])
    for name in options["only"]:
        if not only(everything, [name]):
            raise unknown("network", name, [pair.name for pair in everything])
    if not wanted:
        raise UserError(f"{suite} asks for nothing")
    return wanted


def _version_of(file: SuiteFile, side: str, source: Source) -> SuiteFile:
    """Return the suite as one version has it, where it has it."""
    theirs = Path(source.folder) / os.path.relpath(file.path, Path.cwd())
    return (
        SuiteFile(theirs, file.name, f"{side}'s {file.path}") if source.place == "only" and theirs.is_file() else file
    )


def _say_what_cannot_differ(sides: Sides, found: Sequence[Pair]) -> None:
    if sides.base.python == sides.head.python and all(pair.builder.startswith(BENCHCLI) for pair in found):
        _say(
            "base and head are the same here: these networks are benchcli's own, and both run in one interpreter; give "
            "--base another interpreter, or a suite with networks of your own"
        )


def _environment(name: str, request: CheckRequest, again: _Again) -> dict[str, Any]:
    started = datetime.now(UTC)
    sides = again.sides
    return {
        "schema": SCHEMA,
        "run": f"{started:%Y%m%dT%H%M%SZ}-check-{name}-{machine.host()}",
        "started": f"{started:%Y-%m-%dT%H:%M:%SZ}",
        "target": asdict(request.target),
        "check": {
            "suite": name,
            "base": _described(sides.base),
            "head": _described(sides.head),
            "launches": request.launches,
            "budget_s": request.budget_s,
            "costs_only": request.costs_only,
            "allowed": list(request.allowed),
            "networks": [pair.name for pair in request.pairs],
        },
        "machine": machine.machine(),
    }


def _described(each: Arm) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "label": each.label,
        "commit": each.commit,
        "python": each.python,
        "changes": list(each.changes),
    }


def _heading(request: CheckRequest, sides: Sides) -> str:
    target = request.target
    where = machine.cpu_model() if target.device == "cpu" else target.device
    threads = f"{target.threads} thread{'s' if target.threads > 1 else ''}"
    return f"{sides.title} · {where} · {threads} · {target.runtime}"


def _notes(known: Checked) -> list[str]:
    software = known.facts["software"]
    notes = [
        f"{name} differs: {software[BASE].get(name)} in base, {software[HEAD].get(name)} in head"
        for name in software[BASE]
        if software[BASE].get(name) != software[HEAD].get(name)
    ]
    if known.facts["why_apart"]:
        notes.append(f"in processes of their own, for one cannot hold both: {known.facts['why_apart']}")
    return notes


def _say(text: str) -> None:
    click.echo(f"benchcli: {text}", err=True)
