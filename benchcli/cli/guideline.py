"""`benchcli guideline`: one of the four guidelines, or all, on this machine."""

from typing import Any

import click

from benchcli.cli import parameters
from benchcli.cli.measuring import expanded, families_of, measure_and_show, request_options
from benchcli.cli.options import (
    output_options,
    plan_options,
    session_option,
    target_options,
    variation_options,
    varied,
)
from benchcli.cli.session import Session
from benchcli.families import Request
from benchcli.guidelines.base import GUIDELINES


def _names() -> list[str]:
    return [*(guideline.name for guideline in GUIDELINES), "all"]


@click.command("guideline")
@click.argument("name", type=parameters.name("guideline", _names), metavar="g1|g2|g3|g4|all")
@target_options
@variation_options
@plan_options
@output_options
@session_option
def command(session: Session, /, name: str, **options: Any) -> int:
    """Measure a guideline on this machine and say whether it holds.

    \b
    Example: benchcli guideline g2 --device cuda
    """
    names = [known.name for known in GUIDELINES] if name == "all" else [name]
    requests = (varied(Request(guideline=each), **request_options(options)) for each in names)
    suite = expanded(f"guideline-{name}", "", families_of(requests, options["device"]))
    return measure_and_show(session, suite, options)
