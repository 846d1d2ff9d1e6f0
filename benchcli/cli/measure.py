"""What the commands that measure share: call the API, show the result, and say how it ended."""

from collections.abc import Callable
from typing import Any

from benchcli.api.results import Run, UnfinishedError
from benchcli.api.settings import Tools
from benchcli.cli.output import reporting, say, show
from benchcli.errors import FINE, INTERRUPTED, NOT_MEASURED


def measure_and_show(tools: Tools, format_: str, measure: Callable[..., Run], /, *names: str, **options: Any) -> int:
    """Call a function of the API with the options, show its result, and return the exit code."""
    try:
        with reporting(tools) as told:
            result = measure(*names, tools=told, **options)
    except UnfinishedError as unfinished:
        if unfinished.result.records:
            show(unfinished.result.page, format_)
        say(str(unfinished))
        return INTERRUPTED if unfinished.reason is None else NOT_MEASURED
    show(result.page, format_)
    return FINE
