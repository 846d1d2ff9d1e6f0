"""Runs for a store: copies of a kept run with other names, moments, machines and speeds."""

import csv
import io
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parents[2] / "results" / "reference" / "g2-epyc"
SPEEDS = ("relative_speed", "relative_low", "relative_high", "reference_speed", "reference_low", "reference_high")
TIMES = ("median_s", "ci_low_s", "ci_high_s")
NETWORK = "g=8"
"""The network whose speed a test changes."""


def run(
    folder: Path,
    day: int = 1,
    speed: float = 1.0,
    host: str = "vm",
    commit: str = "c0ffee",
    time: float = 1.0,
    **facts: Any,
) -> Path:
    """Write the run of a day of January: the speed of one network, and all times, are multiplied by factors."""
    folder.mkdir(parents=True)
    for name in ("samples.csv", "launches.csv"):
        shutil.copy(KEPT / name, folder)
    started = f"2026-01-{day:02}T00:00:00Z"
    environment = json.loads((KEPT / "environment.json").read_text())
    environment |= {"run": f"{started[:10]}-g2-{host}", "started": started, "commit": commit, **facts}
    environment["machine"] = {**environment["machine"], "host": host, **facts.get("machine", {})}
    (folder / "environment.json").write_text(json.dumps(environment))
    rows = list(csv.DictReader(io.StringIO((KEPT / "measurements.csv").read_text())))
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows({**row, **_changed(row, speed if row["variant"] == NETWORK else 1.0, time)} for row in rows)
    (folder / "measurements.csv").write_text(text.getvalue())
    return folder


def _changed(row: Mapping[str, str], speed: float, time: float) -> dict[str, str]:
    """Return the cells of a row whose speed, and whose time besides, is multiplied by a factor."""
    speeds = {name: repr(float(row[name]) * speed) for name in SPEEDS}
    return speeds | {name: repr(float(row[name]) / speed * time) for name in TIMES}
