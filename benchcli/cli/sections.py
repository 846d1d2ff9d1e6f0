"""Print facts in sections, as the verbs do that only look things up."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import click

Sections = Mapping[str, Mapping[str, Any]]


def show_sections(sections: Sections, format_: str, line: Callable[[str, Any], str]) -> None:
    """Print sections as JSON, or as a heading each with a `line` for every entry."""
    if format_ == "json":
        click.echo(json.dumps(sections, indent=2, ensure_ascii=False))
        return
    for number, (name, entries) in enumerate(sections.items()):
        click.echo(("\n" if number else "") + name)
        for entry, value in entries.items():
            click.echo(f"  {line(entry, value)}".rstrip())
