"""Draw what share of each network's time goes to each category of operator."""

from collections.abc import Iterator, Sequence

from benchcli.grouping import groups
from benchcli.reports.charts import stacks
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.reports.views import labels
from benchcli.reports.views.breakdown_table import HEADINGS
from benchcli.schema import Breakdown
from benchcli.statistics import median_share


class ByCategory(Chart):
    """A figure for each run that was traced."""

    name = "breakdown"
    shows = "share of the time by kind of operator"
    after = "costs"
    heading = "Where the time goes"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the runs."""
        for run in runs:
            traced = run.report.breakdowns
            if traced:
                title = "Where the time goes, by kind of operator"
                yield stacks.figure(
                    f"{title} ({run.label})" if run.label else title,
                    "Each bar is a call of one network; its parts are medians over launches, as shares of their sum.",
                    _shares(traced),
                    tuple(HEADINGS.values()),
                )


def _shares(traced: Sequence[Breakdown]) -> dict[str, dict[str, float]]:
    networks = groups(traced, lambda each: each.key)
    names = labels.networks(networks)
    return {
        names[key]: {heading: median_share(of, category) for category, heading in HEADINGS.items()}
        for key, of in networks.items()
    }


CHARTS.add(ByCategory())
