"""`benchcli device`: what would be measured on, and how fit it is for that."""

from typing import Any

import click

from benchcli.cli.options import format_option, target_of, target_options, tools_option
from benchcli.cli.output import show_sections
from benchcli.measure.fitness import grade
from benchcli.measure.tools import Tools
from benchcli.report.views import device
from benchcli.runs.environment import describe


@click.command("device")
@target_options
@format_option("table", "json")
@tools_option
def command(tools: Tools, /, format_: str, **options: Any) -> None:
    """Show what would be measured on, its digest, and how fit it is for measuring at this moment.

    \b
    Example: benchcli device --device cuda
    """
    target = target_of(options)
    probe = tools.probe()
    with tools.workers() as launcher:
        facts = describe(target, launcher)
    graded = grade(facts["machine"], probe, target.threads)
    fitness = device.fitness_data(graded) if format_ == "json" else device.fitness(graded)
    show_sections({**facts, "seen": device.probed(probe), "fitness": fitness}, format_, device.line)
