"""The documentation as a site: what a reader sees of its blocks of output on a usual screen."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"
CUT = "[...document.querySelectorAll('.highlight pre')].filter((each) => each.scrollWidth > each.clientWidth).length"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("furo", reason="make site installs what builds the site")
    built = tmp_path_factory.mktemp("site")
    subprocess.run(
        [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-d", str(built / "trees"), str(DOCS), str(built)],
        check=True,
    )
    return built


@pytest.mark.parametrize("width", [1280, 1320, 1366, 1440, 1920])
def test_the_output_of_a_command_is_not_cut(browser: Any, site: Path, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    for name in ("index", "verdicts"):
        page.goto((site / f"{name}.html").as_uri())
        assert page.evaluate(CUT) == 0, name
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    page.close()


def test_a_phone_scrolls_blocks_and_not_the_page(browser: Any, site: Path) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    page.goto((site / "index.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()
