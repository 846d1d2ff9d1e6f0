"""Time `benchcli report` and `benchcli show`, and weigh the pages.  python benchmarks/report.py

Each time stands beside that of `import pandas` in a process of its own, which runs in turns with
it: their ratio depends less on the machine. The large run is made of copies of a kept run. Where
Chromium is installed, the pages are opened in it too: it tells when they can be used, and when the
first chart is drawn.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
KEPT = ROOT / "results" / "reference"
PAPER, G2 = KEPT / "paper-epyc", KEPT / "g2-epyc"
SAMPLES_EACH = 4
"""Samples of each family's launch that the large run keeps: a real one's file would be too large to be drawn."""


def seconds(*arguments: str) -> float:
    """Return the wall time of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def large(folder: Path, records: int) -> Path:
    """Make a run of so many records, as copies of the kept run of G2 under other names."""
    shutil.copytree(G2, folder)
    environment = json.loads((folder / "environment.json").read_text())
    (family,) = environment["suite"]["families"]
    names = [f"g2-x1-{number}" for number in range(records // len(family["variants"]))]
    environment["suite"]["families"] = [{**family, "name": name} for name in names]
    (folder / "environment.json").write_text(json.dumps(environment))
    for file in ("measurements.csv", "launches.csv", "samples.csv"):
        with (folder / file).open() as stream:
            rows = list(csv.DictReader(stream))
        kept = [row for row in rows if file != "samples.csv" or int(row["round"]) < SAMPLES_EACH]
        with (folder / file).open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows({**row, "family": name} for name in names for row in kept)
    return folder


def compared(what: str, arguments: list[str], runs: int, page: Path | None = None) -> None:
    """Print the median time of a command, and of it beside the peer."""
    pairs = [(seconds("-m", "benchcli", *arguments), seconds("-c", "import pandas")) for _ in range(runs)]
    ratio = median(ours / peer for ours, peer in pairs)
    weight = f"  {page.stat().st_size / 1e6:5.2f} MB" if page else ""
    print(f"{what:32} {median(ours for ours, _ in pairs):6.2f} s  {ratio:5.1f} times `import pandas`{weight}")


def opened(what: str, page: Path) -> None:
    """Print when a page can be used in Chromium, and when its first chart is drawn, since it was asked for."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        window = browser.new_page()
        start = time.perf_counter()
        window.goto(page.as_uri(), wait_until="commit")
        window.locator("html[data-ready=yes]").wait_for()
        usable = time.perf_counter() - start
        window.locator(".chart").first.scroll_into_view_if_needed()
        window.locator(".chart svg").first.wait_for()
        print(f"{what:32} usable after {usable:.2f} s, first chart after {time.perf_counter() - start:.2f} s")
        browser.close()


def main() -> None:
    """Time and weigh the pages of a kept run and of a large one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000, help="of the large run")
    parser.add_argument("--runs", type=int, default=7, help="of each command")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        small_page, large_page = Path(temporary, "small.html"), Path(temporary, "large.html")
        run = large(Path(temporary, "large"), options.records)
        compared("report paper-epyc", ["report", str(PAPER), "-o", str(small_page)], options.runs, small_page)
        what = f"report of {options.records} records"
        compared(what, ["report", str(run), "-o", str(large_page)], min(options.runs, 3), large_page)
        compared("show paper-epyc", ["show", str(PAPER)], options.runs)
        compared("report --help", ["report", "--help"], options.runs)
        if shutil.which("chromium"):
            opened("report paper-epyc", small_page)
            opened(what, large_page)


if __name__ == "__main__":
    main()
