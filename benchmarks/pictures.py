"""Take 40 headless pictures of reports, and count the charts that are blank in them.  python benchmarks/pictures.py

Eight pages of four kinds (a guideline, networks, a check, several runs) are opened by Chromium's own
command line, which waits for nothing: as screenshots in light and dark, wide and narrow, and printed.
Each chart has a colour of its own behind it; a chart that shows nothing else is blank.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
from PIL import Image

KEPT = Path(__file__).parent.parent / "results" / "reference"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SWITCHES = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
ONE_RUN = ("paper-epyc", "g2-epyc", "networks-epyc", "layers-epyc", "settings-epyc", "claims-epyc")
THEMES = {"light": 1, "dark": 0}
"""Chromium's numbers of the schemes that a page can ask for."""
WIDTHS = {1280: 9000, 390: 15000}
"""The height of a picture by its width, in pixels: about the most that Chromium takes."""
FEWEST = 2000
"""The fewest pixels of a chart's colour: where lines end smoothly, others have a few."""
EMPTY = 0.995
"""The least share of its own colour with which a chart counts as blank."""
Pixels = np.ndarray[Any, np.dtype[np.uint8]]

NETWORK = """
from torch import nn

def build(width=16, layers=LAYERS):
    return nn.Sequential(*[nn.Conv2d(3 if n == 0 else width, width, 3) for n in range(layers)])

def wide():
    return build(32, 4)

def deep():
    return build(8, 12)
"""
SUITE = """
[[family]]
name = "mine"
[[family.variant]]
name = "narrow"
network = "theirs:build"
shape = [3, 64, 64]
[[family.variant]]
name = "wide"
network = "theirs:wide"
shape = [3, 64, 64]
[[family.variant]]
name = "deep"
network = "theirs:deep"
shape = [3, 64, 64]
"""


def benchcli(*arguments: str, cwd: Path | None = None) -> None:
    """Run a command of benchcli; a check that finds a regression ends with 3."""
    command = [sys.executable, "-m", "benchcli", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode not in {0, 3}:
        sys.exit(done.stderr)


def a_check(folder: Path) -> Path:
    """Check two versions of three networks on the device that only simulates, one of them slower in head."""
    for side, layers in {"old": 4, "new": 5}.items():
        (folder / side).mkdir(parents=True)
        (folder / side / "theirs.py").write_text(NETWORK.replace("LAYERS", str(layers)))
    (folder / "ours.toml").write_text(SUITE)
    sides = ("--base", "old", "--head", "new", "--device", "fake", "--output", "check")
    benchcli("check", "ours.toml", *sides, cwd=folder)
    return folder / "check"


def three_machines(folder: Path) -> list[Path]:
    """Make three runs of one suite: the kept one, under the names of other processors and days."""
    runs = [folder / f"run{number}" for number in range(3)]
    for number, run in enumerate(runs):
        shutil.copytree(KEPT / "g2-epyc", run)
        environment = json.loads((run / "environment.json").read_text())
        environment["machine"] |= {"host": f"host{number}", "cpu": f"Processor {number}"}
        environment["started"] = f"2026-07-{number + 10}T00:00:00Z"
        (run / "environment.json").write_text(json.dumps(environment))
    return runs


def pages(folder: Path) -> dict[str, Path]:
    """Write the reports, and return their files by name."""
    sources = {name: [KEPT / name] for name in ONE_RUN}
    sources |= {"check": [a_check(folder / "check")], "machines": three_machines(folder / "machines")}
    for name, runs in sources.items():
        benchcli("report", *map(str, runs), "-o", str(folder / f"{name}.html"))
    return {name: folder / f"{name}.html" for name in sources}


def colour(chart: int) -> tuple[int, int, int]:
    """Return the colour behind a chart, which nothing else on a page has."""
    return 255, 40 + chart % 40, 215 + chart // 40


def charts_of(page: Path) -> int:
    """Return the number of charts of a page."""
    return page.read_text(encoding="utf-8").count('class="chart"')


def marked(page: Path) -> Path:
    """Return a copy of a page with each chart's colour behind it."""
    text = page.read_text(encoding="utf-8")
    rules = "".join(
        f'.chart[data-figure="figure-{chart}"]{{background:rgb{colour(chart)};print-color-adjust:exact}}'
        for chart in range(charts_of(page))
    )
    copy = page.with_suffix(".marked.html")
    copy.write_text(text.replace("</style>", f"{rules}</style>", 1), encoding="utf-8")
    return copy


def chromium(page: Path, *arguments: str) -> None:
    """Open a page in a Chromium of its own."""
    command = [str(CHROMIUM), *SWITCHES, *arguments, page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)


def picture(page: Path, theme: str, width: int, to: Path) -> Path:
    """Take a screenshot of a page."""
    scheme = f"--blink-settings=preferredColorScheme={THEMES[theme]}"
    chromium(page, scheme, f"--window-size={width},{WIDTHS[width]}", f"--screenshot={to}")
    return to


def printed(page: Path, to: Path) -> Iterator[Pixels]:
    """Print a page, and yield the sheets as pictures."""
    chromium(page, f"--print-to-pdf={to}")
    for sheet in pypdfium2.PdfDocument(to):
        yield np.asarray(sheet.render(scale=1).to_pil().convert("RGB"))


def drawn_and_blank(pictures: list[Pixels], charts: int) -> tuple[int, int, int]:
    """Return how many charts are drawn, blank, and not in the pictures."""
    drawn = blank = 0
    for chart in range(charts):
        shares = [share for each in pictures if (share := _share(each, colour(chart))) is not None]
        drawn += bool(shares) and min(shares) < EMPTY
        blank += bool(shares) and min(shares) >= EMPTY
    return drawn, blank, charts - drawn - blank


def _share(pixels: Pixels, of: tuple[int, int, int]) -> float | None:
    """Return the share of a colour in the rectangle around it; None if it is not there."""
    is_there = (pixels == np.array(of, np.uint8)).all(axis=2)
    if is_there.sum() < FEWEST:
        return None
    rows, columns = np.flatnonzero(is_there.any(axis=1)), np.flatnonzero(is_there.any(axis=0))
    return float(is_there[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].mean())


def looked_at(page: Path, folder: Path) -> Iterator[tuple[str, tuple[int, int, int], bool]]:
    """Take the pictures of a page; yield the name of each, its charts, and whether it is printed."""
    copy, charts = marked(page), charts_of(page)
    for theme in THEMES:
        for width in WIDTHS:
            shot = picture(copy, theme, width, folder / "marked.png")
            pixels = np.asarray(Image.open(shot).convert("RGB"))
            yield f"{page.stem} {theme} {width}", drawn_and_blank([pixels], charts), False
    yield f"{page.stem} printed", drawn_and_blank(list(printed(copy, folder / "marked.pdf")), charts), True


def keep(page: Path, folder: Path) -> None:
    """Take the pictures of a page without marks, to be looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    for theme in THEMES:
        for width in WIDTHS:
            picture(page, theme, width, (folder / f"{page.stem}-{theme}-{width}.png").absolute())
    chromium(page, f"--print-to-pdf={(folder / f'{page.stem}.pdf').absolute()}")


def main() -> None:
    """Print a line for each picture, and how many charts are blank in all of them; end with 1 if any is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "keep", type=Path, nargs="?", metavar="FOLDER", help="write the pictures here too, without marks"
    )
    parser.add_argument("--only", default="", help="pages whose name matches this regular expression")
    options = parser.parse_args()
    pictures = blanks = 0
    with tempfile.TemporaryDirectory() as temporary:
        for name, page in pages(Path(temporary)).items():
            if not re.search(options.only, name):
                continue
            for what, (drawn, blank, absent), is_printed in looked_at(page, Path(temporary)):
                missing = f", {absent} not printed" if is_printed else f", {absent} folded or below the picture"
                print(f"{what:28} {drawn:3} drawn, {blank:3} blank{missing if absent else ''}", flush=True)
                pictures += 1
                blanks += blank + (absent if is_printed else 0)
            if options.keep:
                keep(page, options.keep)
    print(f"{blanks} blank charts in {pictures} pictures")
    sys.exit(blanks > 0)


if __name__ == "__main__":
    main()
