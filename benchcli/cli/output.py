"""Show a page in the format that was asked for, and write it into files in others."""

import os
from collections.abc import Sequence
from pathlib import Path

import click

from benchcli.errors import UserError
from benchcli.report.formats.base import REPORTERS
from benchcli.report.formats.github import annotations
from benchcli.report.page import Page

SUMMARY = "GITHUB_STEP_SUMMARY"
"""Where GitHub Actions takes a step's Markdown from."""


def destinations(texts: Sequence[str]) -> list[tuple[str, Path]]:
    """Return formats and files. Raises UserError where one cannot be written, before anything is measured."""
    found = []
    for text in texts:
        format_, equals, file = text.partition("=")
        if not equals or not file:
            raise UserError(f"--write takes FORMAT=FILE, such as junit=report.xml, not {text!r}")
        name, path = REPORTERS[format_].name, Path(file)
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UserError(f"--write {text}: {path} cannot be a file: name one in a folder that is there")
        found.append((name, path))
    return found


def show(page: Page, format_: str, files: Sequence[tuple[str, Path]]) -> None:
    """Print the page and write the files. Raises UserError where a file cannot be written."""
    summary = os.environ.get(SUMMARY)
    if format_ == "github" and summary:
        click.echo(annotations(page), nl=False)
        files = [*files, ("markdown", Path(summary))]
        format_ = "table"
    click.echo(REPORTERS[format_].render(page), nl=False)
    for name, path in files:
        _put(path, REPORTERS[name].render(page), "a" if str(path) == summary else "w")


def _put(path: Path, text: str, mode: str) -> None:
    try:
        with path.open(mode, encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None
