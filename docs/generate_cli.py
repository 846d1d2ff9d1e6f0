"""Write docs/cli.md from the help of every verb; a test holds the two together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from benchcli.cli.main import COMMANDS, benchcli

WIDTH: dict[str, Any] = {"max_content_width": 100, "terminal_width": 100}
PAGE = Path(__file__).parent / "cli.md"
EXIT_CODES = """
## Exit codes

| code | meaning |
|---|---|
| 0 | fine |
| 1 | an unexpected error, with its traceback: a bug |
| 2 | usage or bad input, or a folder that cannot be written: one line that names it and the way out |
| 3 | a regression: `check` found something slower, costlier, changed, gone or failing |
| 4 | nothing was measured; in a check, something was not, or `--strict` or `--fail-if-mde-above` asked for more |
| 130 | interrupted; what was finished is kept |
"""


COMPLETION = """## Shell completion

Commands, options, guidelines, networks, blocks, suites, devices, formats and files are completed,
after one of these lines:

    eval "$(_BENCHCLI_COMPLETE=bash_source benchcli)"        # in ~/.bashrc
    eval "$(_BENCHCLI_COMPLETE=zsh_source benchcli)"         # in ~/.zshrc
    _BENCHCLI_COMPLETE=fish_source benchcli | source         # in ~/.config/fish/completions/benchcli.fish
"""


def contexts(context: click.Context) -> Iterator[click.Context]:
    """Yield the context of a command, and those of the commands that it has."""
    yield context
    if isinstance(context.command, click.Group):
        for name, command in context.command.commands.items():
            yield from contexts(click.Context(command, parent=context, info_name=name, **WIDTH))


def page() -> str:
    """Return the page's text."""
    sections = ["# The command line\n\nWritten by `make docs` from the commands themselves.\n", COMPLETION]
    program = click.Context(benchcli, info_name="benchcli", **{**benchcli.context_settings, **WIDTH})
    for verb in COMMANDS:
        command = benchcli.get_command(program, verb)
        if command is None:
            raise LookupError(verb)
        context = click.Context(command, parent=program, info_name=verb, **WIDTH)
        sections += [f"## {each.command_path}\n\n```\n{each.get_help()}\n```\n" for each in contexts(context)]
    return "\n".join(sections) + EXIT_CODES


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
