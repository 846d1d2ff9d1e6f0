"""`benchcli plot`: a chart of recorded runs, as a picture."""

from pathlib import Path

import click

from benchcli.api.plotting import THEMES, kinds
from benchcli.api.recorded import plot
from benchcli.cli.options import Parameter, option, runs_argument
from benchcli.cli.output import say
from benchcli.errors import FINE
from benchcli.settings import FORCE, REPORT, Setting
from benchcli.validation import Choice


class KindOption(click.Option):
    """The option --kind. The charts are imported only if it is read, or if the help lists them."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and what each kind shows."""
        self.help = f"What to draw: {', '.join(f'{name} ({shows})' for name, shows in kinds().items())}."
        return super().get_help_record(ctx)


@click.command("plot")
@runs_argument
@click.option(
    "--kind",
    cls=KindOption,
    type=Parameter(Setting("kind", Choice(kinds), "", "kind of chart")),
    help="What to draw.",
)
@click.option(
    "-o", "--output", required=True, type=Parameter(REPORT), help="The picture to write: .svg, .png, .pdf, or .json."
)
@option(Setting("theme", Choice(lambda: THEMES), "light or dark.", "theme", THEMES[0]))
@option(FORCE)
def command(runs: tuple[Path, ...], kind: str | None, output: Path, theme: str, force: bool) -> int:
    """Draw charts of recorded runs or checks into a file, without a browser, for papers, READMEs and pull requests.

    It needs the extra plot: pip install vl-convert-python. A .json file is the chart's specification in Vega-Lite.

    \b
    Example: benchcli plot results/monday --kind axis -o g2.svg
    """
    plot(*runs, kind=kind, path=output, theme=theme, force=force)
    say(f"wrote {output}")
    return FINE
