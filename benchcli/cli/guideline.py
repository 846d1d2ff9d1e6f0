"""`benchcli guideline`: one of the four guidelines, or all, on this machine."""

from typing import Any

import click

from benchcli.cli import parameters
from benchcli.cli.measure import measure_and_show
from benchcli.cli.options import channel_options, measuring_options
from benchcli.cli.session import Session
from benchcli.schema import Suite
from benchcli.workloads.guidelines.base import GUIDELINES
from benchcli.workloads.guidelines.family import Request
from benchcli.workloads.overrides import families_of


def _names() -> list[str]:
    return [*(guideline.name for guideline in GUIDELINES), "all"]


@click.command("guideline")
@click.argument("name", type=parameters.name("guideline", _names), metavar="g1|g2|g3|g4|all")
@channel_options
@measuring_options()
def command(session: Session, /, name: str, **options: Any) -> int:
    """Measure a guideline on this machine and say whether it holds.

    \b
    Example: benchcli guideline g2 --device cuda
    """
    names = [known.name for known in GUIDELINES] if name == "all" else [name]
    families = [family for each in names for family in families_of(Request(guideline=each), options)]
    return measure_and_show(session, Suite(f"guideline-{name}", "", tuple(families)), options)
