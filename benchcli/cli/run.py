"""`benchcli run`: measure a suite."""

from typing import Any

import click

from benchcli.api.keywords import Tools
from benchcli.api.measurement import measure_suite
from benchcli.cli.options import options, run_format_option, suite_argument, tools_option
from benchcli.cli.output import measure_and_show
from benchcli.settings import RUN


class SuiteArgument(click.Argument):
    """The suite, which a resumed run needs too: its folder does not say where the file is."""

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value. Raises UsageError, with what to give, if there is only a folder to resume."""
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            folder = ctx.params.get("resume")
            if not folder:
                raise
            raise click.UsageError(
                f"--resume measures what {folder} lacks of what was asked for: give the same command again, with its "
                "suite or its names, and --resume"
            ) from None


@click.command("run")
@suite_argument(SuiteArgument)
@options(RUN)
@run_format_option
@tools_option
def command(tools: Tools, /, suite: str, format_: str, **options: Any) -> int:
    """Measure a suite: a built-in one (`benchcli list suites`), or your own TOML file.

    \b
    Example: benchcli run suites/quick.toml --threads 2
    """
    return measure_and_show(tools, format_, measure_suite, suite, **options)
