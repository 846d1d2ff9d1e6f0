"""`benchcli device`: what would be measured on."""

from typing import Any

import click

from benchcli import units
from benchcli.cli.options import format_option, session_option, target_of, target_options
from benchcli.cli.sections import show_sections
from benchcli.cli.session import Session
from benchcli.running import describe


@click.command("device")
@target_options
@format_option("table", "json")
@session_option
def command(session: Session, device: str, threads: int, allocator: str, format_: str) -> None:
    """Show the machine, the device and the versions that would be measured, and their digest.

    \b
    Example: benchcli device --device cuda
    """
    facts = describe(target_of(device, threads, allocator), session.launcher)
    show_sections(facts, format_, lambda name, value: f"{name:<15} {_shown(name, value)}")


def _shown(name: str, value: Any) -> str:
    if name.endswith("_bytes") and isinstance(value, int):
        return units.prefixed(value, "B")
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "unknown"}[value]
    return str(value)
