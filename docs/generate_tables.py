"""Write the tables of the pages that come from kept runs.  python docs/generate_tables.py

A page has `<!-- table: NAME -->` and `<!-- end -->` around each of these tables. The test of the
documents compares the pages with what this script would write.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import compress
from pathlib import Path
from textwrap import indent

import benchcli
from benchcli import formatting
from benchcli.analysis.claims.base import Measurements
from benchcli.analysis.claims.indirect import points
from benchcli.analysis.fit import predictions
from benchcli.analysis.paper_effect import paper_speed
from benchcli.analysis.published import relative_speed
from benchcli.analysis.verdicts import verdicts_of
from benchcli.api.plotting import kinds
from benchcli.reports.fitting import wrapped
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.formats.table import draw
from benchcli.reports.page import Page
from benchcli.reports.terminal import Screen
from benchcli.reports.views import cells
from benchcli.reports.views.breakdown_table import HEADINGS
from benchcli.reports.views.run_page import page as page_of
from benchcli.runs.read import read
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Breakdown, Category, Preparation, Record
from benchcli.spelling import messages_for
from benchcli.statistics import median_share, reorder_share
from benchcli.workloads import papers
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.guidelines.base import EXPERIMENTS

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "results" / "reference"
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
PLACE = re.compile(r"(<!-- table: (?P<name>\w+) -->\n).*?(<!-- end -->\n)", re.DOTALL)
WIDTH = 120
"""Columns of a terminal; the site has room for as many in a block of code."""
TERMINAL = Screen(WIDTH)
BROKEN_DOWN = {
    "shufflenet-v2-1x": "",
    "shufflenet-v1-1x-g3": "ShuffleNet v1 1x g=3",
    "mobilenet-v2-1.0": "MobileNet v2 1x",
    "mobilenet-v1-1.0": "",
}
"""The networks of the table of breakdowns, with their names in the paper's Figure 2."""


def report(name: str) -> SuiteRun:
    """Return the report of a kept run."""
    return read(KEPT / name)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def g2() -> str:
    """Return what a terminal shows of the kept run of G2."""
    text = draw(benchcli.load(KEPT / "g2-epyc").page, TERMINAL).replace(f"{ROOT}/", "")
    return "\n" + indent(text, "    ") + "\n"


def verdict() -> str:
    """Return the line of the verdict in the kept run of G2."""
    lines = wrapped(_verdicts(report("g2-epyc"), "g2")[0], WIDTH, "  ")
    return "\n" + indent("\n".join(lines), "    ") + "\n\n"


def scales(guideline: str) -> str:
    """Return the relative speeds of a guideline's networks at the paper's scales, and the verdicts."""
    found = [result for result in report("paper-epyc").results if result.family.guideline == guideline]
    columns = [EXPERIMENTS[guideline].axis]
    rows = [[record.variant.name] for record in found[0].records]
    for result in found:
        columns += [f"×{result.family.scale} here", f"×{result.family.scale} paper"]
        for row, record in zip(rows, result.records, strict=True):
            row += _beside(record, result.records[0], paper_speed(record))
    lines = _verdicts(report("paper-epyc"), guideline)
    return markdown(columns, rows) + "\n" + "".join(f"- {line}\n" for line in lines)


def effects() -> str:
    """Return how strong each guideline's effect is at the paper's scales, at equal FLOPs."""
    run = report("paper-epyc")
    rows = []
    for name, guideline in ((each.name, each) for each in EXPERIMENTS):
        found = [each for each in verdicts_of(run) if each.guideline == name]
        change = f"{found[0].variant} for {found[0].baseline}"
        speeds = [formatting.speed(each.at_equal_flops) for each in found if each.at_equal_flops]
        rows.append((f"{name.upper()}: {guideline.title}", change, *speeds))
    return markdown(("guideline", "change", *(f"×{scale}" for scale in (1, 2, 4))), rows)


def training() -> str:
    """Return the relative speeds of all guidelines' networks in inference and in training, and the verdicts."""
    run = report("training-xeon")
    speeds: dict[tuple[str, str, str], Record] = {
        (each.family.guideline, each.variant.name, each.family.step): each for each in run.records
    }
    names = dict.fromkeys((guideline, name) for guideline, name, _ in speeds)
    steps = ("inference", "forward-backward")
    rows = [
        (guideline.upper(), name, *(_own_speed(speeds[guideline, name, step]) for step in steps))
        for guideline, name in names
    ]
    guidelines = dict.fromkeys(guideline for guideline, _ in names)
    lines = [f"- {line}\n" for guideline in guidelines for line in _verdicts(run, guideline)]
    return markdown(("guideline", "network", *steps), rows) + "\n" + "".join(lines)


def runtimes(name: str) -> str:
    """Return the relative speeds of a guideline's networks within each runtime, and the verdicts over them."""
    run = report(name)
    found = {
        (each.family.guideline, each.family.widths, each.variant.name, each.family.runtime): each
        for each in run.records
    }
    names = dict.fromkeys(runtime for *_, runtime in found)
    rows = []
    for guideline, widths, name in dict.fromkeys((guideline, widths, name) for guideline, widths, name, _ in found):
        records = [found[guideline, widths, name, runtime] for runtime in names]
        rows.append((widths, name, records[0].variant.channels, *map(_own_speed, records)))
    guidelines = {guideline for guideline, *_ in found}
    verdicts = (line for line in page_of(run).tables[0].lines if " against " in line)  # others say what preparing took
    lines = "".join(f"- {line}\n" for line in verdicts)
    what, channels = ("ratio", "c1:c2") if guidelines == {"g1"} else ("network", "c")
    return markdown(("channels", what, channels, *map(str, names)), rows) + "\n" + lines


def formats() -> str:
    """Return the times of networks in each runtime and format, and how far outputs in less than float32 are off."""
    found = {(each.variant.name, each.target.runtime): each for each in report("formats-epyc").records}
    names = list(dict.fromkeys(runtime for _, runtime in found))
    less = [each for each in names if ":" in each]
    rows = []
    for name in dict.fromkeys(name for name, _ in found):
        times = (cells.time(found[name, runtime]) for runtime in names)
        exactness = (found[name, runtime].preparation for runtime in less)
        rows.append((name, *times, *map(_exactness, exactness)))
    return markdown(("network", *(f"{each} ms" for each in names), *(f"{each}: error" for each in less)), rows)


def _exactness(of: Preparation) -> str:
    if of.output_error is None:
        return "wrong"
    agreement = "" if of.argmax_agreement is None else f" ({formatting.percent(of.argmax_agreement, decimals=0)})"
    return f"{of.output_error:.2g}{agreement}"


def _own_speed(record: Record) -> str:
    if record.variant.name == record.family.baseline:
        return "1"
    relative = record.timing.relative if record.timing else None
    return formatting.speed(relative) if relative else ""


def _verdicts(run: SuiteRun, guideline: str) -> list[str]:
    """Return the lines of a guideline's verdicts: its table has one for each family, above its warnings."""
    table = next(each for each in page_of(run).tables if each.title.startswith(guideline.upper()))
    judged = [result for result in run.results if result.family.guideline == guideline]
    return list(table.lines[: len(judged)])


def claims() -> str:
    """Return the verdict of each claim."""
    judged = benchcli.claims(KEPT / "claims-epyc").judged
    return markdown(
        ("claim", "says", "source", "verdict here"),
        [(each.claim.name, each.claim.says, each.claim.provenance, each.verdict) for each in judged],
    )


def prediction() -> str:
    """Return how well FLOPs and memory access predict the time of whole networks."""
    run = report("claims-epyc")
    found = predictions(points(Measurements({result.family.name: result for result in run.results})))
    return markdown(
        ("seconds =", "fitted parameters", "rank correlation (Spearman)", "median error"),
        [
            (
                each.predictor.formula.replace("*", r"\*"),
                str(each.predictor.parameters),
                f"{each.rank_correlation:.2f}",
                formatting.percent(each.error),
            )
            for each in found
        ],
    )


def breakdown() -> str:
    """Return the time by category of four networks, with the paper's shares below."""
    run = report("networks-epyc")
    rows = []
    for name, model in BROKEN_DOWN.items():
        traced = [each for each in run.breakdowns if each.variant == name]
        rows.append((name, *_shares(traced)))
        rows += [_paper_shares(name, model, platform) for platform in ("arm", "gpu") if model]
    return markdown(("network", *HEADINGS.values(), "reorders, part of data movement"), rows)


def _shares(traced: Sequence[Breakdown]) -> list[str]:
    shares = [median_share(traced, category) for category in HEADINGS]
    return [formatting.percent(each) for each in (*shares, reorder_share(traced) or 0.0)]


def _paper_shares(name: str, model: str, platform: str) -> tuple[str, ...]:
    percents = {
        category: papers.cell(
            "shufflenetv2_figure2_runtime", "percent", model=model, platform=platform, category=category
        )
        or 0.0
        for category in ("conv", "elemwise", "data", "shuffle", "other")
    }
    shares: dict[Category, float] = {
        "convolution": percents["conv"],
        "elementwise": percents["elemwise"],
        "data": percents["data"] + percents["shuffle"],
        "other": percents["other"],
    }
    cells = (f"*{shares[each]:g} %*" if each in shares else "" for each in HEADINGS)
    return (f"*{name}, the paper's {platform.upper()}*", *cells, "")


def blocks() -> str:
    """Return the relative speeds of the blocks of both kept runs, beside the paper's."""
    large, small = (report(name).records for name in ("blocks-epyc", "blocks-56-epyc"))
    by_name = {record.variant.name: record for record in small}
    rows = []
    for record in large:
        other = by_name.get(record.variant.name)
        breaks = " ".join(name.upper() for name in BLOCKS[record.variant.name].breaks)
        cells = [*_speeds(record, large[0]), *(_speeds(other, small[0]) if other else ("", ""))]
        rows.append((record.variant.name, breaks, *cells))
    return markdown(("unit", "violates", "here, 128 on 28×28", "paper", "here, 64 on 56×56", "paper"), rows)


def _speeds(record: Record, baseline: Record) -> tuple[str, str]:
    return _beside(record, baseline, relative_speed(record, baseline))


def _beside(record: Record, baseline: Record, published: float | None) -> tuple[str, str]:
    """Return a relative speed, and the paper's."""
    relative = record.timing.relative if record.timing else None
    if record is baseline:
        return "1", "1"
    return formatting.speed(relative) if relative else "", f"{published:.3f}" if published else ""


def layers() -> str:
    """Return the layers of both networks, rolled up, that take most of the time."""
    return _shown("layers-epyc", "Time by layer", depth=1, kept=lambda row: float(row[-1].split()[0]) >= LARGE)


def settings() -> str:
    """Return the comparison of dtypes and layouts."""
    return _shown("settings-epyc", "Settings compared")


def batches() -> str:
    """Return the comparison of batches, and where the ranking changes."""
    return _shown("batches-epyc", "Settings compared")


def front() -> str:
    """Return the table of time and error."""
    return _shown("layers-epyc", "Networks")


def charts() -> str:
    """Return what each kind of chart shows."""
    return markdown(("kind", "what it shows"), [(f"`{name}`", shows) for name, shows in kinds().items()])


LARGE = 7.0
"""The least share of the time, in per cent, of a layer that is shown."""


def _shown(
    name: str, title: str, depth: int | None = None, kept: Callable[[Sequence[str]], bool] = lambda _row: True
) -> str:
    """Return what the terminal shows of one table of a kept run, or of those of its rows that are to be kept."""
    tables = page_of(report(name), depth).tables
    shown = next(each for each in tables if each.title.startswith(title))
    are_kept = [kept(row) for row in shown.rows]
    columns = (replace(each, cells=tuple(compress(each.cells, are_kept))) for each in shown.columns)
    shown = replace(shown, columns=tuple(columns))
    text = FORMATS["table"].render(Page("", "", (shown,), "", (), (), {}))
    return "\n" + indent(text.strip("\n").partition("\n")[2], "    ") + "\n\n"


ONCE = (
    g2,
    verdict,
    effects,
    training,
    claims,
    prediction,
    breakdown,
    blocks,
    layers,
    settings,
    batches,
    front,
    charts,
)
TABLES: Mapping[str, Callable[[], str]] = {
    **{each.__name__: each for each in ONCE},
    "five_runtimes": partial(runtimes, "g1-runtimes-epyc"),
    "all_runtimes": partial(runtimes, "all-runtimes-epyc"),
    "runtimes": partial(runtimes, "g1-runtimes-xeon"),
    "six_runtimes": partial(runtimes, "g1-six-runtimes-xeon"),
    "g2_int8": partial(runtimes, "g2-int8-xeon"),
    "formats": formats,
    **{f"scales_{name}": partial(scales, name) for name in ("g1", "g2", "g3", "g4")},
}


def page(path: Path) -> str:
    """Return the page with its tables written anew."""
    text = path.read_text(encoding="utf-8")
    with messages_for("command line"):
        return PLACE.sub(lambda match: f"{match[1]}{TABLES[match['name']]()}{match[3]}", text)


if __name__ == "__main__":
    for each in PAGES:
        each.write_text(page(each), encoding="utf-8")
