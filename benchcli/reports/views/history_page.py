"""Lay out when the speeds of a store's networks changed, the latest change first."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchcli import formatting
from benchcli.analysis.stored_series import LEAST_SERIES, Change, Series, SpeedPoint, StoreHistory
from benchcli.formatting import UNKNOWN, counted
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Cell, Page, Table, numbers, words
from benchcli.reports.views.store_page import shared
from benchcli.spelling import given

COLUMNS = (
    *("digest", "machine", "suite", "family", "variant", "runtime", "dtype", "reference", "runs", "kind", "factor"),
    *("p_value", "before_run", "before_started", "before_commit", "after_run", "after_started", "after_commit"),
)
SHORT = 10
"""Letters of a commit."""
Entry = tuple[Series, Change | None]


def page(history: StoreHistory) -> Page:
    """Return the page: a row for each change, and one for each network without any."""
    changes = [(each, change) for each in history.series for change in each.changes]
    changes.sort(key=lambda entry: (entry[1].after.started, abs(entry[1].factor - 1)), reverse=True)
    unchanged = [(each, None) for each in history.series if not each.changes]
    entries: list[Entry] = [*changes, *unchanged]
    rows = tuple(_row(*entry) for entry in entries)
    summary = _summary(history, [change for _, change in changes])
    return Page(
        name=f"history of {history.store}",
        heading=f"{history.store}: speeds relative to the reference networks of each run",
        tables=(_table(entries, len(unchanged), tuple(_lines(history))),),
        footer=summary,
        summary=summary,
        columns=COLUMNS,
        rows=rows,
        identity=("digest", "suite", "family", "variant", "after_run"),
        leading=("kind", "factor", "p_value", "runs", "before_commit", "after_commit"),
        data={"series": [_series(each) for each in history.series]},
    )


def _table(entries: Sequence[Entry], unchanged: int, lines: tuple[str, ...]) -> Table:
    return Table(
        title="Changes of speed, the latest first",
        columns=(
            words("machine", (_machine(series) for series, _ in entries), 2),
            words("family", (str(series.identity["family"]) for series, _ in entries)),
            words("network", (str(series.identity["variant"]) for series, _ in entries)),
            numbers("runs", (str(len(series.points)) for series, _ in entries), 1),
            words("change of speed", (_change(change) for _, change in entries)),
            words("between", (_between(change, _started) for _, change in entries), 3),
            words("commits", (_between(change, _commit) for _, change in entries)),
        ),
        lines=lines,
        unchanged=unchanged,
        key="history",
    )


def _machine(series: Series) -> str:
    return " · ".join(filter(None, (series.machine, str(series.identity["digest"] or ""))))


def _change(change: Change | None) -> str:
    if change is None:
        return signed("no difference")
    size = formatting.percent(change.factor - 1, signed=True)
    text = f"{size} in a slow drift" if change.kind == "drift" else size
    return f"{signed('slower' if change.factor < 1 else 'faster').split(' ')[0]} {text}"


def _between(change: Change | None, text: Callable[[SpeedPoint], str]) -> str:
    return f"{text(change.before)}..{text(change.after)}" if change else ""


def _started(point: SpeedPoint) -> str:
    return point.started.replace("T", " ").removesuffix("Z")


def _commit(point: SpeedPoint) -> str:
    return formatting.commits(point.commit, SHORT) or UNKNOWN


def _summary(history: StoreHistory, changes: Sequence[Change]) -> str:
    drifts = sum(change.kind == "drift" for change in changes)
    slower = sum(change.factor < 1 for change in changes)
    machines = len({series.identity["digest"] for series in history.series})
    followed = f"{counted(len(history.series), 'network')} followed on {counted(machines, 'machine')}"
    return f"{counted(len(changes), 'change')} of speed, {slower} slower, {counted(drifts, 'slow drift')}: {followed}"


def _lines(history: StoreHistory) -> Iterator[str]:
    if history.short:
        what = counted(history.short, "network has", "networks have")
        yield f"{what} fewer than {LEAST_SERIES} runs of one machine, its versions and settings: too few for a change"
    if history.disturbed:
        times = counted(history.disturbed, "time is", "times are")
        yield f"{times} left out, of which over half of the samples were disturbed: measure when nothing else runs"
    hosts = dict.fromkeys(host for series in history.series if len(series.hosts) > 1 for host in series.hosts)
    if hosts:
        names = formatting.named(list(hosts))
        yield f"runs of one digest come from several machines ({names}): {given('host')} keeps one"
    yield from shared(history.shared_names)


def _row(series: Series, change: Change | None) -> Mapping[str, Cell]:
    values: dict[str, Cell] = {
        **{name: series.identity[name] for name in COLUMNS if name in series.identity},
        "machine": series.machine,
        "runs": len(series.points),
    }
    if change:
        values |= {"kind": change.kind, "factor": change.factor, "p_value": change.p_value}
        for end, point in (("before", change.before), ("after", change.after)):
            values |= {f"{end}_run": point.run, f"{end}_started": point.started, f"{end}_commit": point.commit}
    return {name: values.get(name) for name in COLUMNS}


def _series(series: Series) -> Mapping[str, object]:
    points = [
        {"run": each.run, "started": each.started, "host": each.host, "commit": each.commit, "speed": vars(each.speed)}
        for each in series.points
    ]
    changes = [_row(series, change) for change in series.changes]
    return {**series.identity, "machine": series.machine, "points": points, "changes": changes}
