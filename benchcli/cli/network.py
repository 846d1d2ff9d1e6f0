"""`benchcli network`: whole networks, at equal FLOPs or by name."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.measurement import network
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import measure_and_show
from benchcli.settings import NETWORK, NETWORK_NAME
from benchcli.validation import distinct


@click.command("network")
@argument("names", NETWORK_NAME, nargs=-1, required=False)
@options(NETWORK)
@run_format_option
@tools_option
def command(
    tools: Tools, /, names: tuple[str, ...], format_: str, errors: tuple[tuple[tuple[str, float]], ...], **options: Any
) -> int:
    """Measure whole networks, and show the Pareto front of time and published error.

    NAMES are built-in networks (`benchcli list networks`); torchvision:NAME, timm:NAME or pytorchcv:NAME if those
    are installed; all of either that a pattern such as 'mobilenet-v2*' matches; your own module:function, whose
    attribute `example_inputs` may hold its inputs; or an ONNX file, such as model.onnx, for `--runtime onnxruntime`.

    \b
    Example: benchcli network --group 140
    """
    pairs = [pair for each in errors for pair in each]
    distinct("--error", [name for name, _ in pairs])
    return measure_and_show(tools, format_, network, *names, errors=dict(pairs), **options)
