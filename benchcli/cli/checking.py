"""What `benchcli check` does with its options: find both versions, check them, and show what was found."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from benchcli import formatting
from benchcli.check.findings import Finding, exit_code
from benchcli.check.folder import CheckFolder
from benchcli.check.pairs import BASE, HEAD
from benchcli.check.run import Checked, check
from benchcli.check.session import CheckRequest, CheckTools
from benchcli.check.sides import Sides, paired, refuse_dirt, say, say_what_cannot_differ, sides_of
from benchcli.check.versions import Arm, laid_out
from benchcli.cli.main import INTERRUPTED, NOT_MEASURED
from benchcli.cli.options import target_of
from benchcli.cli.output import destinations, show
from benchcli.cli.progress import progress
from benchcli.cli.session import Session
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.measure.advice import sentence
from benchcli.report.views.check import page
from benchcli.runs.folder import unused
from benchcli.runs.rows import SCHEMA
from benchcli.runs.run import preflight
from benchcli.system import machine
from benchcli.workloads.suites import find_suite

REPEATED = ("device", "runtime", "cache", "threads", "allocator")
"""Options that the command which looks at one network again has too."""


def check_versions(session: Session, suite: str, base: str, options: dict[str, Any]) -> int:
    """Check one version against another, show what was found, and return the exit code."""
    files = destinations(options["write"])
    target = target_of(options)
    sides = sides_of(base, options["head"], Path.cwd())
    refuse_dirt(sides, options["require_clean"])
    file = find_suite(suite)
    for code in preflight(target, session.busy_cores):
        say(sentence(code))
    with laid_out({"base": sides.base, "head": sides.head}) as sources:
        found = paired(file, suite, sources, options)
        say_what_cannot_differ(sides, found)
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
    shown = page(name, _heading(request, again.sides), findings, environment, path, _notes(known))
    try:
        show(shown, again.options["format_"], files)  # first: whatever the disk does, it is seen
        folder.conclude(findings)
        folder.describe(environment)
    finally:
        folder.close()
    return _code(findings, again.options["strict"], ending)


def _code(findings: Sequence[Finding], strict: bool, ending: BaseException | None) -> int:
    if isinstance(ending, KeyboardInterrupt):
        say("interrupted: what was found before is shown")
        return INTERRUPTED
    if ending is not None:
        say(f"{ending}; what was checked before is shown")
    code = exit_code(findings, strict)
    return code if code or ending is None else NOT_MEASURED


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
    return f"{sides.title} · {where} · {formatting.counted(target.threads, 'thread')} · {target.runtime}"


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
