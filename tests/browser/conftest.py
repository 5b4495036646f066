"""A real Chromium on the real service; a page that writes an error to its console fails its test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.browser.site import Site
from tests.missing import is_missing

PAGE = Path(__file__).resolve().parents[2] / "orchestrator" / "server" / "page"


@pytest.fixture(scope="module")  # its loop must not outlive these tests: others have their own
def browser() -> Iterator[Browser]:
    """Debian's Chromium, headless."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        is_missing("no Chromium is installed (Debian: apt-get install chromium)")
    if not (PAGE / "index.html").exists():
        is_missing("the page is not built (make ui)")
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service whose project has runs of every kind behind it."""
    made = Site(tmp_path_factory.mktemp("shop"))
    for flow in ("nightly", "nightly", "broken", "odd <script>alert(5)</script>"):
        made.command("run", flow)
    made.command("deploy", "--in-place")
    made.start()
    yield made
    made.stop()


@pytest.fixture
def own_site(tmp_path: Path) -> Iterator[Site]:
    """A service of the test's own, which it may kill."""
    made = Site(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty tab of its own, 1,400 pixels wide, in Berlin."""
    with tab(browser) as made:
        yield made


class tab:  # noqa: N801  (used as a function)
    """A tab; leaving it fails if anything was written to its console as an error.

    Args:
        browser: Whose tab.
        width: In pixels.
        theme: ``light`` or ``dark``.
        quiet: Whether it is no error of the page that an answer is missing, or a refusal.
    """

    def __init__(
        self, browser: Browser, *, width: int = 1400, theme: str = "light", quiet: bool = False
    ) -> None:
        self._context = browser.new_context(
            viewport={"width": width, "height": 900}, timezone_id="Europe/Berlin", locale="en-GB",
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce", permissions=["clipboard-read", "clipboard-write"],
        )  # fmt: skip
        self._quiet = quiet
        self.errors: list[str] = []

    def __enter__(self) -> Page:
        page = self._context.new_page()
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: self.errors.append(f"a dialog says {dialog.message}"))
        return page

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._context.close()
        if kind is None:
            assert self.errors == []

    def _said(self, message: ConsoleMessage) -> None:
        refused = "net::ERR_" in message.text or "status of 4" in message.text
        if message.type in ("error", "warning") and not (refused and self._quiet):
            self.errors.append(f"{message.type}: {message.text} ({message.location['url']})")
