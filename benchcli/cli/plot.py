"""`benchcli plot`: a chart of recorded runs, as a picture."""

from pathlib import Path

import click

from benchcli.api.plotting import THEMES, kinds
from benchcli.api.reporting import plot
from benchcli.cli import parameters
from benchcli.cli.output import say
from benchcli.errors import FINE


class KindOption(click.Option):
    """The option --kind. The charts are imported only if it is read, or if the help lists them."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the option and what each kind shows."""
        self.help = f"What to draw: {', '.join(f'{name} ({shows})' for name, shows in kinds().items())}."
        return super().get_help_record(ctx)


@click.command("plot")
@click.argument("runs", nargs=-1, required=True, type=parameters.recorded(), metavar="RUN...")
@click.option(
    "--kind",
    cls=KindOption,
    required=True,
    type=parameters.name("kind of chart", kinds),
)
@click.option(
    "-o", "--output", required=True, type=parameters.file(), help="The picture to write: .svg, .png, .pdf, or .json."
)
@click.option(
    "--theme",
    type=parameters.name("theme", lambda: THEMES),
    default=THEMES[0],
    show_default=True,
    help="light or dark.",
)
def command(runs: tuple[str, ...], kind: str, output: Path, theme: str) -> int:
    """Draw charts of recorded runs or checks into a file, without a browser, for papers, READMEs and pull requests.

    It needs the extra plot: pip install vl-convert-python. A .json file is the chart's specification in Vega-Lite.

    \b
    Example: benchcli plot results/monday --kind axis -o g2.svg
    """
    plot(*runs, kind=kind, path=output, theme=theme)
    say(f"wrote {output}")
    return FINE
