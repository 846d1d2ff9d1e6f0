"""`benchcli device`: what would be measured on."""

import json
from typing import Any

import click

from benchcli import units
from benchcli.cli.options import format_option, session_option, target_of, target_options
from benchcli.cli.session import Session


@click.command("device")
@target_options
@format_option("table", "json")
@session_option
def command(session: Session, device: str, threads: int, allocator: str, format_: str) -> None:
    """Show the machine, the device and the versions that would be measured, and their digest.

    \b
    Example: benchcli device --device cuda
    """
    from benchcli.running import describe

    facts = describe(target_of(device, threads, allocator), session.launcher)
    if format_ == "json":
        click.echo(json.dumps(facts, indent=2, ensure_ascii=False))
        return
    for number, (section, entries) in enumerate(facts.items()):
        click.echo(("\n" if number else "") + section)
        for name, value in entries.items():
            click.echo(f"  {name:<15} {_shown(name, value)}")


def _shown(name: str, value: Any) -> str:
    if name.endswith("_bytes") and isinstance(value, int):
        return units.prefixed(value, "B")
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return (
        {True: "yes", False: "no", None: "unknown"}.get(value, str(value)) if not value or value is True else str(value)
    )
