"""The options of every command that measures: where, what, how much, and what to trace."""

from collections.abc import Callable

import click

from benchcli import validation
from benchcli.cli import parameters
from benchcli.cli.options import (
    DEFAULT,
    Command,
    Result,
    add_all,
    input_options,
    output_options,
    plan_options,
    target_options,
    tools_option,
)


def breakdown_option(command: Command) -> Command:
    """Add --breakdown, --percentiles and --layers."""
    return add_all(
        command,
        click.option(
            "--breakdown",
            is_flag=True,
            help="Profile three more launches: what share of the time goes to convolutions, element-wise operations "
            "and data movement.",
        ),
        click.option(
            "--percentiles",
            is_flag=True,
            help="Time a thousand calls singly too, and show what half, 95 % and 99 % of them take at most.",
        ),
        click.option("--layers", is_flag=True, help="Time the modules of each network in six more launches."),
        click.option(
            "--depth",
            type=parameters.whole("a depth", validation.DEPTHS),
            help="Roll the layers up to this depth, such as 1 for a network's own children; it implies --layers.",
        ),
    )


def measuring_options(
    budget_s: float = DEFAULT.budget_s, otherwise: str = ""
) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Add the options that every measuring command takes, and pass it the tools."""

    def decorate(command: Callable[..., Result]) -> Callable[..., Result]:
        with_tools = tools_option(command)
        planned = plan_options(budget_s)(breakdown_option(output_options(with_tools)))
        return target_options(input_options(otherwise)(planned), several=True)

    return decorate
