"""Every page, in both themes, wide and narrow: no error in the console, nothing serious for axe."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import tab
from tests.browser.site import Site

AXE = Path(__file__).resolve().parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
ODD = "odd <script>alert(5)</script>"


def places(site: Site) -> dict[str, str]:
    """Each page of the site, by name."""
    runs = {run["flow"]: run["run_id"] for run in site.get("/runs")["runs"]}
    two = [run["run_id"] for run in site.get("/runs", flow="nightly")["runs"]][:2]
    failed = site.get(f"/runs/{runs['broken']}")["tasks"][0]["key"]
    odd = site.get(f"/runs/{runs[ODD]}")["tasks"][0]["key"]
    return {
        "home": "/",
        "runs": "/runs",
        "run": f"/runs/{runs['nightly']}",
        "failed run": f"/runs/{runs['broken']}",
        "odd run": f"/runs/{runs[ODD]}",
        "task": f"/runs/{runs['broken']}/task?key={quote(failed, safe='')}",
        "odd task": f"/runs/{runs[ODD]}/task?key={quote(odd, safe='')}",
        "compare": f"/runs/{two[0]}/compare/{two[1]}",
        "flows": "/flows",
        "flow": "/flows/nightly",
        "flow with parameters": "/flows/report",
        "odd flow": f"/flows/{quote(ODD, safe='')}",
        "catalogue": "/catalogue",
        "dataset": "/dataset?name=marts.revenue",
        "service": "/service",
    }


def open_page(page: Page, site: Site, path: str) -> None:
    """Go there by the address itself, and wait until it stands."""
    page.goto(site.url + path)
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("heading").first).to_be_visible()
    expect(page.get_by_role("main").get_by_role("progressbar", name="Loading")).to_have_count(0)


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        pytest.param(1400, "light", marks=pytest.mark.slow),
        (390, "dark"),
        pytest.param(1400, "dark", marks=pytest.mark.slow),
        pytest.param(390, "light", marks=pytest.mark.slow),
    ],
)
def test_pages_are_sound(site: Site, browser: Browser, width: int, theme: str) -> None:
    serious: dict[str, Any] = {}
    wide: list[str] = []
    for name, path in places(site).items():
        with tab(browser, width=width, theme=theme) as page:
            open_page(page, site, path)
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            bad = [each for each in found if each["impact"] in ("serious", "critical")]
            if bad:
                serious[name] = [(b["id"], [n["html"][:160] for n in b["nodes"][:3]]) for b in bad]
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(name)
    assert serious == {}
    assert wide == [], "these scroll sideways as a whole"
