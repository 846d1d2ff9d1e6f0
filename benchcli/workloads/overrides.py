"""What the options of a command line say of families."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.errors import UserError
from benchcli.schema import Family, Source
from benchcli.workloads.custom import taken_from
from benchcli.workloads.family import PlainRequest
from benchcli.workloads.guidelines.family import Request, expand
from benchcli.workloads.suites import Asked, SuiteFile

INPUTS = ("batches", "dtypes", "layouts")
NO_VARIATION = dict.fromkeys(("width", "widths", "scales", *INPUTS))


def families_of(request: Asked, options: Mapping[str, Any]) -> Iterator[Family]:
    """Yield a request's families, with what the command line says of the networks put in place of its own."""
    given = {name: options[name] for name in INPUTS if options[name]}
    if isinstance(request, Request):
        yield from _of_guideline(replace(request, **given), options)
    else:
        here = Source(str(Path.cwd()), "first")
        yield from (taken_from(here, family) for family in replace(request, **given).families())


def families_of_suite(file: SuiteFile, options: Mapping[str, Any]) -> list[Family]:
    """Return the families of a suite, as it and the options say; an error names the file and the line."""
    found: list[Family] = []
    for index, request in enumerate(file.requests()):
        try:
            _refuse_channels(request, {**NO_VARIATION, **options})
            found += families_of(request, {**NO_VARIATION, **options})
        except UserError as error:
            raise file.family_error(index, error) from None
    return found


def _of_guideline(request: Request, options: Mapping[str, Any]) -> Iterator[Family]:
    if options["width"] and options["widths"]:
        raise UserError("--width and --widths exclude each other: give one")
    named = {"widths": options["width"] or options["widths"], "scales": options["scales"]}
    column = DEVICES[split_name(options["device"])[0]].column
    yield from expand(replace(request, **{name: value for name, value in named.items() if value}), column)


def _refuse_channels(request: Asked, options: Mapping[str, Any]) -> None:
    """Raise UserError where the channels of networks are to be changed that have their own."""
    for option, name in (("--width", "width"), ("--widths", "widths"), ("--scale", "scales")):
        if options[name] and isinstance(request, PlainRequest):
            raise UserError(f"{option} is for guidelines: {request.name} has channels of its own; leave it out")
