"""A real browser: the system's Chromium, which these tests neither install nor do without silently."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SWITCHES = (
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-quic"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
SIZES = {"phone": (390, 844), "desktop": (1280, 900)}
"""Width and height of a screen, in pixels."""


def chromium() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    wanted = os.environ.get("BENCHCLI_BROWSER")
    reason = "there is no Chromium: make test-browser says how to install it" if wanted else "make test-browser runs it"
    for item in items:
        if item.path.parent == Path(__file__).parent and not (wanted and chromium()):
            item.add_marker(pytest.mark.skip(reason=reason))


@dataclass
class Seen:
    """A page in the browser, and what went wrong or went out while it was open."""

    page: Any
    told: list[str] = field(default_factory=list)
    """Messages of the console and errors."""
    requests: list[str] = field(default_factory=list)

    def draw_all(self) -> list[str]:
        """Scroll through the whole page with everything unfolded; return the state of each chart."""
        self.page.evaluate("document.querySelectorAll('main details').forEach((each) => { each.open = true; })")
        self.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        self.page.locator(".chart:not([data-state=drawn], [data-state=failed])").first.wait_for(state="detached")
        return list(self.page.evaluate("[...document.querySelectorAll('.chart')].map((each) => each.dataset.state)"))

    @property
    def table(self) -> Any:
        """The first table that is not the numbers of a chart."""
        return self.page.locator(".page > section > .table").first

    def marks(self) -> int:
        """Return the number of drawn points, lines and bars."""
        return int(self.page.evaluate("document.querySelectorAll('.chart svg [class^=mark-] > path').length"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium(), args=list(SWITCHES))
        yield opened
        opened.close()


@pytest.fixture
def look(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Seen]]:
    """Open a page's text in a window of its own."""
    contexts = []

    def opened(text: str, size: str = "desktop", **settings: Any) -> Seen:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        width, height = SIZES[size]
        context = browser.new_context(viewport={"width": width, "height": height}, **settings)
        contexts.append(context)
        context.set_default_timeout(30_000)
        seen = Seen(context.new_page())
        seen.page.on("console", lambda message: seen.told.append(f"{message.type}: {message.text}"))
        seen.page.on("pageerror", lambda error: seen.told.append(f"error: {error}"))
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("dialog", lambda dialog: seen.told.append(f"dialog: {dialog.message}"))
        seen.page.goto(path.as_uri())
        return seen

    yield opened
    for context in contexts:
        context.close()
