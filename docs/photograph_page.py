"""Takes the pictures of the page that stand in docs/images, from the real service on a small project.

python docs/photograph_page.py            # needs Chromium, and the page built (make ui)
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.sync_api import sync_playwright

from tests.browser.site import Site

IMAGES = Path(__file__).with_name("images")


def places(site: Site) -> dict[str, str]:
    """The pages to photograph: name of the picture and address."""
    runs = {run["flow"]: run["run_id"] for run in site.get("/runs")["runs"]}
    two = [run["run_id"] for run in site.get("/runs", flow="nightly")["runs"]][:2]
    failed = quote(site.get(f"/runs/{runs['broken']}")["tasks"][0]["key"], safe="")
    revenue = site.get("/datasets", search="revenue")["datasets"][0]["name"]
    return {
        "home": "/",
        "runs": "/runs",
        "run": f"/runs/{runs['nightly']}",
        "timeline": f"/runs/{runs['nightly']}?view=timeline",
        "task": f"/runs/{runs['broken']}/task?key={failed}",
        "compare": f"/runs/{two[0]}/compare/{two[1]}",
        "flows": "/flows",
        "flow": "/flows/nightly?month=2027-03",
        "catalogue": "/catalogue",
        "dataset": f"/dataset?name={quote(revenue, safe='')}",
        "lineage": f"/dataset?name={quote(revenue, safe='')}&column=total_cents",
        "service": "/service",
    }


def main() -> int:
    """Write ``page-NAME.png`` for each, 1,400 pixels wide, and ``page-NAME-dark.png`` narrow and dark."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = Site(Path(folder) / "shop")
        for flow in ("nightly", "nightly", "broken"):
            site.command("run", flow)
        site.command("deploy", "--in-place")
        site.start()
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        try:
            for width, theme, mark in ((1400, "light", ""), (390, "dark", "-dark")):
                look = browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=theme,
                    timezone_id="Europe/Berlin", reduced_motion="reduce",
                )  # fmt: skip
                for name, path in places(site).items():
                    page = look.new_page()
                    page.goto(site.url + path)
                    page.get_by_role("main").get_by_role("heading").first.wait_for()
                    page.wait_for_timeout(2_000)
                    page.screenshot(path=IMAGES / f"page-{name}{mark}.png")
                    page.close()
        finally:
            browser.close()
            site.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
