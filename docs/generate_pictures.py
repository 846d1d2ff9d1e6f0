"""Draw the pictures of the documents from kept runs: `make docs`. It needs the extra plot."""

from collections.abc import Mapping
from pathlib import Path

from benchcli.api.recorded import together
from benchcli.reports import drawing

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
KEPT = "results/reference"
DRAWN: Mapping[str, tuple[str, str, str]] = {
    "g1.svg": ("paper-epyc", "axis", "g1"),
    "g2.svg": ("g2-epyc", "axis", "g2"),
    "g3.svg": ("paper-epyc", "axis", "g3"),
    "g4.svg": ("paper-epyc", "axis", "g4"),
    "runtimes.svg": ("g1-runtimes-epyc", "runtimes", ""),
    "pareto.svg": ("networks-epyc", "pareto", ""),
    "breakdown.svg": ("networks-epyc", "breakdown", ""),
}
"""The kept run, the kind of chart, and the guideline if the picture is of one, by picture."""


def picture(name: str) -> str:
    """Return a picture as SVG."""
    run, kind, key = DRAWN[name]
    figures = [
        each for each in together(ROOT / KEPT / run).drawn.figures if each.kind == kind and key in {"", each.key}
    ]
    return drawing.draw(figures, ".svg").decode() + "\n"


def main() -> None:
    """Write the pictures."""
    PICTURES.mkdir(exist_ok=True)
    for name in DRAWN:
        (PICTURES / name).write_text(picture(name), encoding="utf-8")


if __name__ == "__main__":
    main()
