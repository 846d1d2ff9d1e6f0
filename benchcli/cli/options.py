"""The options that commands share, as decorators."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from benchcli import validation
from benchcli.api.keywords import ALLOCATORS, CACHES, Tools
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.cli import parameters
from benchcli.cli.format_options import report_option, run_format_option
from benchcli.schema import Plan
from benchcli.workloads.guidelines.guideline_request import NAMED_WIDTHS

Result = TypeVar("Result")
Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT = Plan()


def tools_option(command: Callable[..., Result]) -> Callable[..., Result]:
    """Pass the tools that the program was started with, or tools with real processes."""

    @click.pass_obj
    @wraps(command)
    def with_tools(tools: Tools | None, /, *args: Any, **options: Any) -> Result:
        return command(tools or Tools(), *args, **options)

    return with_tools


def target_options(command: Command, several: bool = False) -> Command:
    """Add the options of a `Target`; `several` is whether several numbers of threads can be compared."""
    return add_all(
        command,
        *_where(),
        click.option(
            "--threads",
            type=(parameters.wholes if several else parameters.whole)("the number of threads", validation.THREADS),
            default="1",
            show_default=True,
            help="Number of CPU threads that the runtime uses"
            + (", such as 1,2,4; several are compared." if several else "."),
        ),
        click.option(
            "--allocator",
            type=parameters.name("allocator", lambda: ALLOCATORS),
            default="steady",
            show_default=True,
            help="steady: freed memory is kept for the next call; system: the system's default, which can slow calls.",
        ),
    )


def _where() -> tuple[Callable[[Command], Command], ...]:
    """Return the options for the device, the runtime and the caches."""
    return (
        click.option(
            "--device",
            type=parameters.device(),
            default="cpu",
            show_default=True,
            help="Where to run: cpu, cuda, cuda:1, mps.",
        ),
        click.option(
            "--runtime",
            type=parameters.plugin(RUNTIMES),
            default="eager",
            show_default=True,
            help="What runs the networks: eager, or graph for CUDA graphs.",
        ),
        click.option(
            "--cache",
            type=parameters.name("state of the caches", lambda: CACHES),
            default="warm",
            show_default=True,
            help="warm: caches keep what the call before left in them; cold: they are flushed before each call.",
        ),
    )


IN_SUITE = "the suite's, or "
"""Precedes the default of an option whose value a suite can set."""


def channel_options(otherwise: str = "") -> Callable[[Command], Command]:
    """Add the options for the channels of a guideline's networks.

    `otherwise` precedes the defaults in the help.
    """
    return lambda command: add_all(
        command,
        click.option(
            "--channels",
            type=parameters.name("set of channels", lambda: NAMED_WIDTHS),
            help="A named set of channels: paper, paper-arm, paper-gpu or aligned (see `benchcli list channels`).",
        ),
        click.option(
            "--width",
            type=parameters.whole("a base width", validation.WIDTHS),
            help="Your own base width, in channels; the other channels follow from equal FLOPs.",
        ),
        click.option(
            "--scale",
            type=parameters.wholes("a scale", validation.SCALES),
            help=f"Factors that multiply the channels, such as 1,2,4.  [default: {otherwise}1]",
        ),
    )


def input_options(otherwise: str = "") -> Callable[[Command], Command]:
    """Add the options for the networks' inputs. `otherwise` precedes the defaults in the help."""
    return lambda command: add_all(
        command,
        click.option(
            "--batch",
            type=parameters.wholes("a batch size", validation.BATCHES),
            help=f"Batch sizes, such as 1,8 or 1..32:x2; several are compared.  [default: {otherwise}1]",
        ),
        click.option(
            "--dtype",
            type=parameters.names("dtype", lambda: validation.DTYPES),
            help=f"Data types: {', '.join(validation.DTYPES)}.  [default: {otherwise}float32]",
        ),
        click.option(
            "--layout",
            type=parameters.names("layout", lambda: validation.LAYOUTS),
            help=f"Memory layouts: nchw, nhwc (channels last).  [default: {otherwise}nchw]",
        ),
    )


def own_inputs_option(command: Command) -> Command:
    """Add --input, of which each describes one input of a user's own network."""
    return click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="TEXT",
        help="An input of your own network, once for each: [NAME=]SIZES[:DTYPE[:LOW..HIGH]], the batch first, such as "
        "1x3x224x224 or ids=1x16:int64:0..29999.",
    )(command)


def plan_options(
    budget_s: float = DEFAULT.budget_s, precision: float = DEFAULT.precision
) -> Callable[[Command], Command]:
    """Add the options of a `Plan`, with these defaults."""
    return lambda command: add_all(
        command,
        click.option(
            "--precision",
            type=parameters.precision(),
            default=precision,
            help="Stop when the half-width of every relative speed's 95 % interval is at most this share of the speed."
            f"  [default: {precision:.0%}]",
        ),
        click.option(
            "--budget",
            type=parameters.duration(),
            default=None if budget_s == DEFAULT.budget_s else budget_s,
            help="Time for each family (the networks that are compared with one baseline), including start-up, such "
            f"as 30s or 2m; at least six launches are made.  [default: {budget_s:.0f}s; on a GPU up to four times as "
            "much, by the start-up of the first launch]",
        ),
        click.option(
            "--launches",
            type=parameters.whole("the number of launches", validation.LAUNCHES),
            help="Exact number of launches (fresh processes); --precision and --budget are then not used.",
        ),
    )


def output_options(command: Command) -> Command:
    """Add the options for the folder and the format of the results."""
    return add_all(
        command,
        click.option(
            "--output",
            type=parameters.folder(),
            help="Folder to write this run's files to.  [default: results/<time>-<suite>-<host>]",
        ),
        click.option(
            "--resume",
            type=parameters.folder(),
            help="Folder of an interrupted run: measure only what is missing in it.",
        ),
        report_option,
        run_format_option,
    )


def add_all(command: Command, *options: Callable[[Command], Command]) -> Command:
    """Add options to a command, in the order in which its help lists them."""
    for option in reversed(options):
        command = option(command)
    return command
