"""Find the two versions that a check compares, and pair what they ask for."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from benchcli import __version__
from benchcli.check.pairs import BASE, HEAD, Pair, only, pairs
from benchcli.check.versions import Arm, arm
from benchcli.errors import UserError, unknown
from benchcli.schema import Source
from benchcli.system import interpreters
from benchcli.workloads.custom import taken_from
from benchcli.workloads.overrides import families_of_suite
from benchcli.workloads.suites import SuiteFile


@dataclass(frozen=True)
class Sides:
    """Both versions, as they were named."""

    base: Arm
    head: Arm

    @property
    def title(self) -> str:
        """Both, as a person reads them."""
        return f"base {self.base.label} · head {self.head.label}"


def sides_of(base: str, head: str | None, here: Path) -> Sides:
    """Find both versions. Raises UserError where one is not there, or cannot run workers."""
    first = arm(base, here)
    # Against another interpreter, head is this one, and the code of both is what lies here or is installed.
    second = arm(sys.executable if head is None and first.kind == "interpreter" else head, here)
    for side, each in ((BASE, first), (HEAD, second)):
        if each.kind == "interpreter":
            found = interpreters.ask(each.python)
            if found.benchcli and found.benchcli != __version__:
                say(f"{side} has benchcli {found.benchcli}, which is not used: this one measures both")
    return Sides(first, second)


def refuse_dirt(sides: Sides, clean: bool) -> None:
    """Say what is measured that no commit has. Raises UserError where that is refused."""
    for side, each in ((BASE, sides.base), (HEAD, sides.head)):
        results = f"{each.inside.as_posix()}/results/".removeprefix("./")
        changes = [path for path in each.changes if not path.startswith(results)]
        if not changes:
            continue
        some = ", ".join(changes[:3]) + (", …" if len(changes) > 3 else "")
        text = f"{side} ({each.label}) has changes that are not committed ({some})"
        if clean:
            raise UserError(f"{text}: commit or stash them, or leave --require-clean out")
        say(f"{text}, which are measured with it")


def paired(file: SuiteFile, suite: str, sources: Mapping[Any, Source], options: dict[str, Any]) -> list[Pair]:
    """Return what is asked for, of both versions. Raises UserError where --only names nothing."""
    families = {
        side: [taken_from(source, family) for family in (families_of_suite(version, options) if version else [])]
        for side, source in sources.items()
        for version in [_version_of(file, side, sources)]
    }
    everything = pairs(families[BASE], families[HEAD])
    wanted = only(everything, options["only"])
    for name in options["only"]:
        if not only(everything, [name]):
            raise unknown("network", name, [pair.name for pair in everything])
    if not wanted:
        raise UserError(f"{suite} asks for nothing")
    return wanted


def _version_of(file: SuiteFile, side: str, sources: Mapping[Any, Source]) -> SuiteFile | None:
    """Return the suite as one version has it; None where head has lost it.

    A suite that neither has, or base has not yet, is the one that was named.
    """
    theirs = {
        each: Path(source.folder) / os.path.relpath(file.path, Path.cwd())
        for each, source in sources.items()
        if source.place == "only"
    }
    if side in theirs and theirs[side].is_file():
        return SuiteFile(theirs[side], file.name, f"{side}'s {file.path}")
    is_lost = side == HEAD and side in theirs and BASE in theirs and theirs[BASE].is_file()
    return None if is_lost else file


def say_what_cannot_differ(sides: Sides, found: Sequence[Pair]) -> None:
    """Say that a check of benchcli's own networks in one interpreter can find nothing."""
    if sides.base.python == sides.head.python and all(pair.is_built_in for pair in found):
        say(
            "base and head are the same here: these networks are benchcli's own, and both run in one interpreter; give "
            "--base another interpreter, or a suite with networks of your own"
        )


def say(text: str) -> None:
    """Say a line on stderr."""
    click.echo(f"benchcli: {text}", err=True)
