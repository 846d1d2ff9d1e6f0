"""`benchcli predict`: how long networks take here, without running them whole."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.time_prediction import predict
from benchcli.cli.options import argument, options, run_format_option, tools_option
from benchcli.cli.output import reporting, show
from benchcli.errors import FINE, NOT_MEASURED
from benchcli.settings import NETWORK_NAME, PREDICT


@click.command("predict")
@argument("names", NETWORK_NAME, nargs=-1, required=True)
@options(PREDICT)
@run_format_option
@tools_option
def command(tools: Tools, /, names: tuple[str, ...], format_: str, **options: Any) -> int:
    """Predict how long networks take on this machine, from the times of their operators.

    NAMES are as for `benchcli network`, and files with lists of operators, NAME.json. Operators are timed one by one
    and kept, so that a second prediction measures nothing.

    \b
    Example: benchcli predict shufflenet-v2-1x mobilenet-v2-1.0
    """
    with reporting(tools) as reporter:
        found = predict(*names, tools=reporter, **options)
    lacking = found.failures or any(each.lacking for each in found.predictions)
    return show(found, format_, code=NOT_MEASURED if lacking else FINE)
